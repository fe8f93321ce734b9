"""The command on a folder that knows its parameters, and what it says of what is optional."""

from __future__ import annotations

import json
from typing import Any

import pytest

from specanom.run import doctor, report
from specanom.run.cli import DONE, FAILED, main
from specanom.run.doctor import Check
from specanom.run.grammar import command_line
from specanom.run.manifest import Manifest
from specanom.run.parameters import STAGES


@pytest.fixture
def command(stages, tmp_path, monkeypatch, capsys):
    """The command on one folder, with stages that only write what they are told."""
    monkeypatch.setattr(report, "write_report", lambda run_dir: run_dir / "report.html")

    def call(*arguments: str) -> tuple[list[str], dict[str, Any], str]:
        stages.ran.clear()
        assert main(["run", "--run-dir", str(tmp_path / "run"), *arguments]) == DONE
        return list(stages.ran), Manifest(tmp_path / "run").content["given"], capsys.readouterr().out

    return call


def kept(out: str) -> list[str]:
    return [line for line in out.splitlines() if line.startswith("kept")]


def test_a_folder_keeps_its_parameters(command) -> None:
    told = ["--survey", "mock", "--preset", "paper", "-p", "n=140", "-p", "rank_by=mse_raw"]
    _, given, out = command(*told)
    assert given == {"n": 140, "rank_by": "mse_raw", "preset": "paper"}
    assert kept(out) == []
    ran, again, out = command()
    assert (ran, again) == ([], given)
    assert kept(out) == ["kept from the last run: survey=mock preset=paper n=140 rank_by=mse_raw (-p NAME=VALUE "
                         "changes one)"]
    assert kept(command(*told)[2]) == []


def test_a_parameter_that_is_given_changes_that_one(command) -> None:
    command("-p", "n=140", "-p", "overlap=7")
    ran, given, out = command("-p", "overlap=9")
    assert ran[0] == "04_score"
    assert given == {"n": 140, "overlap": 9}
    assert kept(out) == ["kept from the last run: survey=mock n=140 (-p NAME=VALUE changes one)"]
    assert command("-p", "overlap=100")[1] == {"n": 140}


def test_other_files_are_read_with_the_kept_parameters(command, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "spec-1.fits").write_bytes(b"SIMPLE  =")
    command("--survey", "sdss", "-p", "download=3", "-p", "overlap=7")
    _, given, out = command("--path", str(tmp_path / "in"))
    assert given == {"survey": "auto", "path": str(tmp_path / "in"), "overlap": 7}  # nothing is downloaded beside them
    assert kept(out) == ["kept from the last run: overlap=7 (-p NAME=VALUE changes one)"]
    assert command()[1] == given
    assert command("-p", f"path={tmp_path / 'in'}")[1] == given


def test_a_run_that_failed_is_gone_on_with(command, stages, tmp_path, capsys) -> None:
    stages.fail["03_train"] = RuntimeError("no")
    assert main(["run", "--run-dir", str(tmp_path / "run"), "--survey", "mock", "-p", "n=99"]) == FAILED
    capsys.readouterr()
    stages.fail.clear()
    ran, given, _ = command("--quiet")
    assert (ran, given) == (list(STAGES[2:]), {"n": 99})


def test_until_stops_after_a_stage_and_writes_no_report(command, tmp_path, capsys) -> None:
    ran, _, out = command("-p", "n=140", "--until", "02_preprocess")
    assert ran == ["01_acquire", "02_preprocess"]
    assert out.splitlines()[-1] == str(tmp_path / "run")
    ran, given, out = command()
    assert ran[0] == "03_train"
    assert given == {"n": 140}
    assert out.splitlines()[-1] == str(tmp_path / "run" / "report.html")
    assert main(["run", "--run-dir", str(tmp_path / "run"), "--until", "train"]) == 2
    assert "until" in capsys.readouterr().err


def test_quiet_is_quiet(command) -> None:
    command("-p", "n=140")
    assert len(command("--quiet")[2].splitlines()) == 1


def test_a_parameter_that_no_longer_exists_is_forgotten(command, tmp_path) -> None:
    command("-p", "n=140")
    path = tmp_path / "run" / "manifest.json"
    content = json.loads(path.read_text())
    content["given"]["sharpness"] = 3
    path.write_text(json.dumps(content))
    assert command()[1] == {"n": 140}


# -- doctor ------------------------------------------------------------------------------------------------------------


def test_what_is_optional_does_not_fail(monkeypatch, capsys) -> None:
    checks = [Check("numpy", True, "2.0"), Check("lime (optional)", False, "not installed", "pip it", optional=True)]
    monkeypatch.setattr(doctor, "check_installation", lambda: checks)
    assert main(["doctor"]) == DONE
    assert capsys.readouterr().out.splitlines() == ["ok   numpy: 2.0",
                                                    "–    lime (optional): not installed. For it: pip it"]
    checks.append(Check("torch", False, "not installed", "pip install torch"))
    assert main(["doctor"]) == FAILED
    assert capsys.readouterr().out.splitlines()[-1] == "FAIL torch: not installed. Try: pip install torch"


def test_help_tells_of_kept_parameters(capsys) -> None:
    with pytest.raises(SystemExit):
        command_line().parse_args(["run", "--help"])
    assert "keeps" in capsys.readouterr().out
