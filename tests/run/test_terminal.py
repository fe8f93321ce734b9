"""What a run says while it works, what the command says of itself, and what the doctor finds."""

from __future__ import annotations

import io
import re
import sys
import time

import pytest

from specanom.parallel.progress import QUIET, Progress, pause
from specanom.run import doctor, terminal
from specanom.run.cli import DONE, FAILED, main
from specanom.run.pipeline import StageResult
from specanom.run.terminal import StageLines, fitted


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


def test_why_a_stage_is_made_again_stands_in_its_line(capsys) -> None:
    StageLines()("03_train", StageResult("03_train", False, 12.3, {"spectra": 140}, "seed 1 → 2"))
    assert capsys.readouterr().out == "03_train           12.3 s  140 spectra  (again: seed 1 → 2)\n"


@pytest.mark.parametrize("place", ["work/04_score/0a1b", "work/04_score/0a1b/model", "sample.zarr.work/prepared"])
def test_a_terminal_shows_how_far_the_partitions_are(place: str, monkeypatch, tmp_path) -> None:
    terminal = on_a_terminal(monkeypatch)
    lines = StageLines(run_dir=tmp_path)
    (tmp_path / place).mkdir(parents=True)
    with Progress("score", 4, 400, file=tmp_path / place / "progress.txt") as progress:
        progress.done(100)
        lines("04_score", None)
        deadline = time.monotonic() + 10
        while "1 of 4 partitions" not in terminal.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
        lines.stop()
    assert "… score: 1 of 4 partitions, " in terminal.getvalue()


def test_in_a_narrow_terminal_the_time_to_go_stays() -> None:
    text = "score by the VAE: 3 of 13 partitions, 4,192 of 8,000 spectra, 53 a second, 12 s to go, 64 in failed ones"
    assert fitted(text, 200) == text
    assert fitted(text, 100) == text.replace(", 53 a second", "")
    assert fitted(text, 80) == "score by the VAE: 3 of 13 partitions, 12 s to go, 64 in failed ones"
    assert fitted(text, 20) == "score by the VAE: 3 "
    assert fitted(text, -3) == ""


def test_a_log_gets_lines_without_control_characters_ever_further_apart(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setattr(terminal, "pause", lambda seconds: 0.02)
    lines = StageLines(run_dir=tmp_path)
    lines("04_score", None)
    time.sleep(0.3)
    lines("04_score", StageResult("04_score", False, 0.3, {}))
    out = capsys.readouterr().out
    assert out.count("\n") >= 3
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", out)
    assert (pause(10), pause(600), pause(86_400)) == (30.0, 30.0, 4320.0)


def test_a_quiet_kernel_shows_neither_bar_nor_line(monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setenv(QUIET, "1")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Progress("score", 2, 20, file=tmp_path / "progress.txt") as progress:
        progress.done(10)
        assert (tmp_path / "progress.txt").read_text().startswith("score: 1 of 2 partitions, 10 of 20 spectra")
    assert capsys.readouterr() == ("", "")


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
        assert f"  {name}=" in out
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
    assert re.search(r"^ok   cores: \d+ ", out, re.M)
    assert re.search(r"^(ok  |–   ) free disk: [\d.]+ GB in /", out, re.M)
    assert "ok   distributed (optional): installed" in out


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


def test_the_doctor_tells_memory_and_for_how_many_processes_it_is_enough(monkeypatch) -> None:
    for free, ok, told in ((7e9, True, "7.0 GB (enough for 3 processes at a time)"),
                           (1e9, False, "1.0 GB (enough for 1 process at a time)"),
                           (float("inf"), True, "not told by this system")):
        monkeypatch.setattr(doctor, "free_memory", lambda free=free: free)
        found = next(one for one in doctor.check_installation() if one.name == "free memory")
        assert (found.ok, found.found) == (ok, told)
