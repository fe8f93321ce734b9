"""What a run says while it works, what the command says of itself, and what the doctor finds."""

from __future__ import annotations

import io
import sys
import time

import pytest

from specanom.run import doctor
from specanom.run.cli import DONE, FAILED, main
from specanom.run.pipeline import StageResult
from specanom.run.terminal import StageLines


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Let the test print to a terminal; not a fixture, since pytest captures anew when the test itself begins."""
    made = Terminal()
    monkeypatch.setattr(sys, "stdout", made)
    return made


RESULT = StageResult("03_train", False, 12.3, {"spectra": 140, "steps": 40})


def test_a_log_gets_one_line_a_stage(capsys) -> None:
    lines = StageLines()
    lines("03_train", None)
    assert capsys.readouterr().out == ""
    lines("03_train", RESULT)
    assert capsys.readouterr().out == "03_train           12.3 s  140 spectra, 40 steps\n"
    lines("04_score", StageResult("04_score", True, 5.0, {"scores": 10}))
    assert capsys.readouterr().out == "04_score       up to date  10 scores\n"


def test_a_terminal_shows_the_running_stage_and_what_it_took_before(monkeypatch) -> None:
    terminal = on_a_terminal(monkeypatch)
    lines = StageLines({"03_train": 20.0})
    lines("03_train", None)
    deadline = time.monotonic() + 10
    while "of about 20 s" not in terminal.getvalue() and time.monotonic() < deadline:
        time.sleep(0.01)
    lines("03_train", RESULT)
    live, _, last = terminal.getvalue().rpartition("\r\x1b[K")
    assert "03_train              0 of about 20 s …" in live
    assert last == "03_train           12.3 s  140 spectra, 40 steps\n"


def test_the_line_of_a_failed_stage_is_cleared(monkeypatch) -> None:
    terminal = on_a_terminal(monkeypatch)
    lines = StageLines()
    lines("01_acquire", None)
    lines.stop()
    lines.stop()
    assert terminal.getvalue().endswith("\r\x1b[K")
    before = terminal.getvalue()
    time.sleep(0.7)
    assert terminal.getvalue() == before  # nothing ticks on


def test_help_names_every_parameter_and_the_version_is_told(capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["run", "--help"])
    assert stopped.value.code == 0
    out = capsys.readouterr().out
    for name in ("max_steps", "rank_by", "segments", "folds"):
        assert f"  {name} " in out
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("specanom ")


def test_the_doctor_is_content_here(capsys) -> None:
    assert main(["doctor"]) == DONE
    out = capsys.readouterr().out
    assert "FAIL Python" not in out
    assert "ok   notebook 06_clusters" in out
    assert "ok   Jupyter kernel" in out


def test_the_doctor_says_what_is_missing_and_how_to_mend_it(capsys, monkeypatch) -> None:
    found = {**doctor.versions(), "torch": "not installed"}
    monkeypatch.setattr(doctor, "versions", lambda: found)
    assert main(["doctor"]) == FAILED
    assert "FAIL torch: not installed. Try: pip install torch" in capsys.readouterr().out


def test_the_doctor_knows_what_the_dashboards_need(capsys, monkeypatch) -> None:
    there = doctor.importlib.util.find_spec
    gone = {"voila", "umap"}
    monkeypatch.setattr(doctor.importlib.util, "find_spec",
                        lambda name, package=None: None if name in gone else there(name, package))
    assert main(["doctor"]) == DONE
    said = capsys.readouterr().out.splitlines()
    for name in ("ipywidgets", "anywidget", "notebook", "jupyterlab"):
        assert f"ok   {name} (optional): installed" in said
    assert "–    voila (optional): not installed. For it: pip install 'specanom[widgets]'" in said
    assert "–    umap (optional): not installed. For it: pip install 'specanom[maps]'" in said


def test_what_is_optional_does_not_fail_the_doctor(capsys, monkeypatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert main(["doctor"]) == DONE
    assert "–    browser for the tests: none" in capsys.readouterr().out
