"""What a user gets who gives no data, wrong words, a full disk, or loses patience."""

from __future__ import annotations

import errno
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from specanom.run import pipeline, report
from specanom.run.cli import DONE, FAILED, INTERRUPTED, NO_DATA, WRONG_CALL, main
from specanom.run.manifest import Manifest
from specanom.run.pipeline import run_pipeline

from .conftest import TINY, execute_here

pytestmark = pytest.mark.xdist_group("run")
SMALL = ["-p", "n=100", "-p", "max_steps=20", "-p", "folds=1"]


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run the command and return its exit code and what it said of the failure, which is no traceback."""
    code = main(["run", *arguments])
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return code, said


# -- no data -----------------------------------------------------------------------------------------------------------


def test_an_empty_folder_or_none(tmp_path: Path, capsys, without_kernels) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "missing"):
        path = str(tmp_path / name)
        code, said = fails(capsys, "--survey", "sdss", "--path", path, "--run-dir", str(tmp_path / "run"))
        assert code == NO_DATA
        assert f"got no file at {path}" in said


def test_a_folder_without_spectra(tmp_path: Path, capsys, without_kernels) -> None:
    (tmp_path / "notes.txt").write_text("no spectra")
    code, said = fails(capsys, "--path", str(tmp_path), "--run-dir", str(tmp_path / "run"))
    assert code == NO_DATA
    assert "expected FITS files, got " in said


def test_nothing_but_a_desi_coadd(shared: Path, tmp_path: Path, capsys, without_kernels) -> None:
    code, said = fails(capsys, "--survey", "sdss", "--path", str(shared / "data" / "desi"), "--run-dir", str(tmp_path))
    assert code == NO_DATA
    assert "a DESI coadd, not an SDSS file" in said


@pytest.mark.notebook
def test_the_notebook_that_found_nothing_is_kept(tmp_path: Path, capsys) -> None:
    (tmp_path / "spec-1.fits").write_bytes(b"SIMPLE  =")
    path = str(tmp_path / "spec-1.fits")
    code, said = fails(capsys, "--survey", "sdss", "--path", path, "--run-dir", str(tmp_path / "run"))
    assert code == NO_DATA
    assert re.search(r"specanom: (0\d_\w+): (\w+): ", said), said
    assert re.search(r"In cell \d, line \d+: ", said), said
    stage, kind = re.findall(r"specanom: (0\d_\w+): (\w+): ", said)[0]
    kept = tmp_path / "run" / "notebooks" / f"{stage}.ipynb"
    assert str(kept) in said
    content = nbformat.read(kept, as_version=4)
    assert [out.ename for cell in content.cells for out in cell.get("outputs", []) if out.output_type == "error"] == [
        kind]


# -- wrong calls -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "words"), [
    (["-p", "segmets=3"], "did you mean 'segments'"), (["-p", "top=-1"], "at least 0"),
    (["-p", "segments=9999"], "at most grid_pixels = 4000"),
    (["-p", "n=many"], "type int"), (["--survey", "desy"], "survey"), (["--survey", "mock", "--path", "x"], "path"),
    (["-p", "rank_by=oddness"], "rank_by")])
def test_a_wrong_call_stops_at_once(tmp_path: Path, capsys, arguments: list[str], words: str) -> None:
    code, said = fails(capsys, "--run-dir", str(tmp_path / "run"), *arguments)
    assert code == WRONG_CALL
    assert words in said
    assert not (tmp_path / "run").exists()


def test_more_segments_than_pixels_is_a_wrong_call(run_copy: Path, capsys, without_kernels) -> None:
    told = [part for name, value in {**TINY, "segments": 3999}.items() if name != "survey"
            for part in ("-p", f"{name}={value}")]
    code, said = fails(capsys, "--run-dir", str(run_copy), *told)
    assert code == WRONG_CALL
    assert "05_explain: ArgumentError" in said
    assert "segments" in said


def test_more_clusters_than_explanations_says_so(run_copy: Path, capsys, without_kernels) -> None:
    told = [part for name, value in {**TINY, "clusters": "20"}.items() if name != "survey"
            for part in ("-p", f"{name}={value}")]
    code, said = fails(capsys, "--run-dir", str(run_copy), *told)
    assert code == NO_DATA
    assert "at least 20 different explanations for 20 clusters, got 8" in said


def test_another_versions_folder(tmp_path: Path, capsys) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps({"format": "specanom run", "version": 99}))
    code, said = fails(capsys, "--run-dir", str(tmp_path))
    assert code == NO_DATA
    assert "version 99" in said
    assert "new folder" in said


@pytest.mark.parametrize("subcommand", [["report"], ["score"]])
def test_a_run_that_is_not_finished_has_no_report_and_scores_nothing(tmp_path: Path, capsys, subcommand) -> None:
    assert main([*subcommand, str(tmp_path), *(["x"] if subcommand == ["score"] else [])]) == NO_DATA
    assert "01_acquire done, got never made" in capsys.readouterr().err


# -- failures ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.notebook
def test_a_stage_that_cannot_write_is_kept_and_resumed(run_copy: Path, capsys, monkeypatch) -> None:
    told = [part for name, value in {**TINY, "segments": 12}.items() if name != "survey"
            for part in ("-p", f"{name}={value}")]
    (run_copy / "lines.parquet").unlink()
    (run_copy / "lines.parquet" / "in the way").mkdir(parents=True)
    code, said = fails(capsys, "--run-dir", str(run_copy), *told)
    assert code == FAILED
    assert 'run.write(lines, "lines")' in said
    assert Manifest(run_copy).stage("05_explain")["status"] == "failed"
    content = nbformat.read(run_copy / "notebooks" / "05_explain.ipynb", as_version=4)
    assert [out for cell in content.cells for out in cell.get("outputs", []) if out.output_type == "error"]
    assert main(["report", str(run_copy)]) == NO_DATA  # no report of half a run
    assert "05_explain done, got failed" in capsys.readouterr().err
    (run_copy / "lines.parquet" / "in the way").rmdir()
    (run_copy / "lines.parquet").rmdir()
    monkeypatch.setattr(pipeline, "_papermill", execute_here)  # the rest goes faster without kernels
    assert main(["run", "--run-dir", str(run_copy), *told]) == DONE
    assert capsys.readouterr().out.count("up to date") == 4


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 6 MB; only root may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no mount command")
    if done.returncode:
        pytest.skip("may not mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
@pytest.mark.notebook
@pytest.mark.parametrize("n", [60, 400])
def test_a_disk_that_is_really_full(tiny_disk: Path, capsys, n: int) -> None:
    """With n = 400 the simulation fills it, with n = 60 a product of a later stage."""
    code, said = fails(capsys, "--survey", "mock", "--run-dir", str(tiny_disk / "run"), "-p", f"n={n}", *SMALL[2:])
    assert code == FAILED
    assert re.search(r"disk: expected \S+ to be written, got a disk that takes no more \(.* of 6.29 MB free\)", said)
    assert "Try: free some space there" in said


def test_a_disk_that_fills_up_under_the_report(run_copy: Path, capsys, monkeypatch) -> None:
    def full(part: Path, page: str, **_: str) -> None:
        with open(part, "w") as handle:
            handle.write(page[:100])
        raise OSError(errno.ENOSPC, "No space left on device", str(part))

    before = (run_copy / "report.html").read_bytes()
    monkeypatch.setattr(report.Path, "write_text", full)
    assert main(["report", str(run_copy)]) == FAILED
    assert "report.html to be written, got a disk that takes no more" in capsys.readouterr().err
    assert (run_copy / "report.html").read_bytes() == before
    assert not list(run_copy.glob("*.part"))


@pytest.mark.slow
@pytest.mark.notebook
def test_an_interrupted_run_ends_its_notebook_and_goes_on_later(tmp_path: Path, without_kernels) -> None:
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);" \
              "from specanom.run.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["run", "--survey", "mock", "--run-dir", str(tmp_path), "-p", "n=3000"]
    with subprocess.Popen([sys.executable, "-c", program, *arguments], stderr=subprocess.PIPE, text=True) as running:
        while not (tmp_path / "raw" / "manifest.json").exists() and running.poll() is None:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=60)[1]
    assert running.returncode == INTERRUPTED
    assert "interrupted; finished stages are kept" in said
    assert Manifest(tmp_path).stage("01_acquire")["status"] == "interrupted"
    assert not [one for one in Path("/proc").glob("[0-9]*/cmdline") if _runs_notebook_of(one, running.pid)]
    done = run_pipeline(tmp_path, {"survey": "mock", "n": 60}, until="02_preprocess")
    assert [one.skipped for one in done] == [False, False]


def _runs_notebook_of(cmdline: Path, pid: int) -> bool:
    """Whether a process is a kernel that was started by `pid`: kernels know their parent by their environment."""
    try:
        return f"JPY_PARENT_PID={pid}".encode() in (cmdline.parent / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def test_an_error_that_is_a_bug_shows_where_and_is_no_difference(monkeypatch, capsys) -> None:
    from specanom.run import doctor

    monkeypatch.setattr(doctor, "check_installation", lambda: 1 / 0)
    assert main(["doctor"]) == FAILED
    assert "ZeroDivisionError" in capsys.readouterr().err
