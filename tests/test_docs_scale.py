"""What the guide to large runs shows runs as shown, and the commands and options of its text exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from specanom.run.grammar import command_line
from specanom.run.parameters import known
from tests.guides import Guide

PAGE = Guide("docs/scale.md")


@pytest.mark.slow
def test_the_guide_runs_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                 capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    names = PAGE.run()
    assert (names["first"].resumed, names["again"].resumed) == (0, 10)
    assert list(names["again"].table("squares")["square"][-2:]) == [998**2, 999**2]
    assert names["same"] is True
    assert {path.name for path in names["paths"]} == {"node.sbatch", "run.sbatch", "cluster.py"}
    assert {path.name for path in (tmp_path / "manifests").iterdir()} == {"volume.yaml", "specanom.yaml"}
    assert "kubectl apply" in capsys.readouterr().out


def test_the_command_for_slurm_is_taken(tmp_path: Path) -> None:
    line = re.search(r"^specanom (deploy slurm .*?)\ncd jobs", PAGE.text, flags=re.S | re.M)
    assert line is not None
    arguments = command_line().parse_args(shlex.split(line.group(1).replace("\\\n", " ")))
    arguments.output = tmp_path / "jobs"
    assert arguments.command(arguments) == 0
    listed = set(re.findall(r"^\| `(\S+)` \|", PAGE.text, flags=re.M))
    assert {path.name for path in arguments.output.iterdir()} == listed


def test_every_parameter_that_it_names_is_one() -> None:
    named = set(re.findall(r"-p (\w+)=", PAGE.text)) | set(re.findall(r"`(\w+)=0`", PAGE.text))
    assert {"keep", "train", "share", "precision", "scratch", "devices", "partition"} <= named
    assert named <= set(known())


def test_its_pages_exist() -> None:
    assert PAGE.missing() == []
