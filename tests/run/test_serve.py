"""The programs that show a run: their arguments, what they are told, and what is refused before anything starts."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from specanom.errors import ArgumentError, DataError
from specanom.run import serve
from specanom.run.cli import DONE, NO_DATA, WRONG_CALL, main

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    """A folder with the names of a finished run's products."""
    folder = tmp_path / "a run"
    for product, _ in serve.PAGES["workbench"]:
        (folder / product).mkdir(parents=True)
    return folder


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[serve.Program]:
    """What would have been started."""
    programs: list[serve.Program] = []
    monkeypatch.setattr(serve.Program, "run", lambda self: programs.append(self) or DONE)
    return programs


def test_app_starts_voila_on_the_page_with_its_own_template(run_dir: Path, started: list[serve.Program]) -> None:
    assert main(["app", str(run_dir), "--page", "pick", "--port", "9001", "--no-browser"]) == DONE
    [program] = started
    assert program.command[:3] == (sys.executable, "-m", "voila")
    assert Path(program.command[3]) == ROOT / "widgets" / "pages" / "pick.ipynb"
    assert {"--template=specanom", "--port=9001", "--no-browser", "--Voila.ip=127.0.0.1"} <= set(program.command)
    assert program.environment["SPECANOM_RUN"] == str(run_dir)
    assert program.folder == run_dir


def test_the_template_lies_where_voila_is_told_to_look(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_PATH", "/somewhere")
    first, second = serve.app(run_dir).environment["JUPYTER_PATH"].split(os.pathsep)
    template = Path(first) / "voila" / "templates" / "specanom"
    assert json.loads((template / "conf.json").read_text()) == {"base_template": "lab"}
    assert (template / "index.html.j2").is_file()
    assert second == "/somewhere"


def test_app_opens_the_workbench_in_a_browser_unless_told_otherwise(run_dir: Path) -> None:
    program = serve.app(run_dir)
    assert program.command[3].endswith("workbench.ipynb")
    assert "--no-browser" not in program.command
    assert "--Voila.auto_token=True" in program.command  # others on the machine do not get in


def test_lab_starts_in_the_run_with_copies_of_the_pages(run_dir: Path, started: list[serve.Program]) -> None:
    assert main(["lab", str(run_dir), "--port", "9002"]) == DONE
    [program] = started
    assert program.command[:3] == (sys.executable, "-m", "jupyterlab")
    assert {"--ServerApp.port=9002", f"--ServerApp.root_dir={run_dir}",
            "--LabApp.default_url=/lab/tree/dashboards/workbench.ipynb"} <= set(program.command)
    assert sorted(path.stem for path in (run_dir / "dashboards").iterdir()) == sorted(serve.PAGES)


def test_lab_leaves_a_changed_copy_alone(run_dir: Path) -> None:
    (run_dir / "dashboards").mkdir()
    (run_dir / "dashboards" / "tune.ipynb").write_text("mine")
    serve.lab(run_dir)
    assert (run_dir / "dashboards" / "tune.ipynb").read_text() == "mine"
    assert (run_dir / "dashboards" / "pick.ipynb").is_file()


def test_a_relative_run_is_found_from_elsewhere(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run_dir.parent)
    assert serve.app("a run").environment["SPECANOM_RUN"] == str(run_dir)


def test_no_folder_says_how_one_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["app", "nowhere"]) == NO_DATA
    assert "specanom run --run-dir nowhere" in capsys.readouterr().err


def test_an_unfinished_run_names_the_stage_that_is_missing(run_dir: Path) -> None:
    (run_dir / "clusters").rmdir()
    with pytest.raises(DataError, match="06_clusters"):
        serve.app(run_dir)
    with pytest.raises(DataError, match="06_clusters"):
        serve.lab(run_dir)
    assert serve.app(run_dir, page="pick").command  # which needs no clusters
    assert not (run_dir / "dashboards").exists()


def test_a_page_that_is_none_offers_the_nearest(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ArgumentError, match="did you mean 'tune'"):
        serve.app(run_dir, page="tuner")
    assert main(["app", str(run_dir), "--page", "x"]) == WRONG_CALL
    assert "'workbench', 'pick', 'tune', 'inspect'" in capsys.readouterr().err


@pytest.mark.parametrize(("make", "module"), [(serve.app, "voila"), (serve.lab, "jupyterlab")])
def test_a_missing_extra_is_named(make, module: str, run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Exception, match=r"specanom\[widgets\]"):
        make(run_dir)


@pytest.mark.parametrize("page", sorted(serve.PAGES))
def test_a_page_is_short_clean_and_opens_the_run_it_is_told(page: str) -> None:
    notebook = nbformat.read(ROOT / "widgets" / "pages" / f"{page}.ipynb", as_version=4)
    nbformat.validate(notebook)
    [cell] = notebook.cells
    assert cell.outputs == []
    assert cell.execution_count is None
    assert len(cell.source.splitlines()) <= 8
    names = {node.attr for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Attribute)}
    assert {"open", "environ"} <= names
    assert f'"{serve.RUN}"' in cell.source


def test_serve_needs_no_widgets_itself() -> None:
    code = "import sys, specanom.run.serve as s; s._pages(); sys.exit('ipywidgets' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_request_to_end_reaches_the_program(tmp_path: Path) -> None:
    inner = ("import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7));"
             "print('up', flush=True); time.sleep(60)")
    outer = ("import sys; from pathlib import Path; from specanom.run.serve import Program;"
             f"sys.exit(Program((sys.executable, '-c', {inner!r}), {{}}, Path({str(tmp_path)!r})).run())")
    process = subprocess.Popen([sys.executable, "-c", outer], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "up\n"
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 7
        assert time.monotonic() - start < 30
    finally:
        process.kill()
