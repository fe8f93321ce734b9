"""A tiny run, made once for all tests that look at one, and notebooks without kernels for those that make their own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nbformat
import pytest

from specanom.run import pipeline
from specanom.run.parameters import STAGES, notebook, of_stage
from specanom.run.pipeline import run_pipeline
from tests.once import once

TINY: dict[str, Any] = {"survey": "mock", "n": 140, "max_steps": 40, "folds": "2", "top": 8, "samples": 200,
                        "segments": 20}
"""The parameters of the tiny run."""


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run, by papermill, with its report; nobody may change it."""
    from specanom.run.report import write_report

    def make(folder: Path) -> None:
        run_pipeline(folder, TINY)
        write_report(folder)

    return once(tmp_path_factory, "tiny run", make)


PAPERMILL = "import json, sys\nfrom papermill.cli import papermill\n" \
            "for told in json.loads(sys.argv[1]):\n    papermill(told, standalone_mode=False)\n"


@pytest.fixture(scope="session")
def by_papermill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny run once more, each notebook alone by papermill's command; nobody may change it."""
    place = tmp_path_factory.mktemp("alone")
    told = []
    for stage in STAGES:
        given = {**{name: TINY[name] for name in of_stage(stage) if name in TINY}, "run_dir": str(place / "run")}
        pairs = [part for name, value in given.items() for part in ("-p", name, str(value))]
        told.append(["--no-progress-bar", str(notebook(stage)), str(place / f"{stage}.ipynb"), *pairs])
    # One process for all commands: each would spend a second on its imports. Kernels are one a notebook.
    subprocess.run([sys.executable, "-c", PAPERMILL, json.dumps(told)], check=True, capture_output=True, timeout=500)
    return place / "run"


@pytest.fixture
def run_copy(finished: Path, tmp_path: Path) -> Path:
    """A copy of the tiny run, to be changed."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def execute_here(source: Path, target: Path, parameters: Mapping[str, Any]) -> None:
    """Execute a notebook's code in this process: the same numbers as papermill's, without the start of a kernel."""
    names: dict[str, Any] = {"display": repr, "__name__": "__main__"}
    for cell in nbformat.read(source, as_version=4).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, source.name, "exec"), names)
            if "parameters" in cell.metadata.get("tags", []):
                names.update(parameters)
    target.write_text("{}", encoding="utf-8")


@pytest.fixture
def without_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stages run in this process."""
    monkeypatch.setattr(pipeline, "_papermill", execute_here)


class FakeStages:
    """Stages that only write what they were told, for tests of what is run and what is skipped."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.fail: dict[str, BaseException] = {}

    def __call__(self, source: Path, target: Path, parameters: Mapping[str, Any]) -> None:
        stage, run = source.stem, Path(parameters["run_dir"])
        self.ran.append(stage)
        target.write_text(f"executed {stage}", encoding="utf-8")
        if stage in self.fail:
            raise self.fail[stage]
        told = {name: value for name, value in parameters.items() if name != "run_dir"}
        (run / "stages").mkdir(exist_ok=True)
        (run / f"{stage}.product").write_text(json.dumps(told), encoding="utf-8")
        said = {"counts": {"parameters": len(told)}, "outputs": [f"{stage}.product"]}
        (run / "stages" / f"{stage}.json").write_text(json.dumps(said), encoding="utf-8")

    def again(self, run_dir: Path, parameters: Mapping[str, Any] | None = None, **options: Any) -> list[str]:
        """Run the pipeline and return the stages that were not skipped."""
        self.ran.clear()
        run_pipeline(run_dir, {"survey": "mock", **(parameters or {})}, **options)
        return list(self.ran)


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> FakeStages:
    """Stages without science."""
    fake = FakeStages()
    monkeypatch.setattr(pipeline, "_papermill", fake)
    return fake


@pytest.fixture(scope="session")
def rooms() -> Callable[[Path], set[str]]:
    """Names of everything directly inside a folder."""
    return lambda folder: {path.name for path in folder.iterdir()}
