"""How a command ends: without a word when its reader goes away, as ``head`` does, and with a code for each error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from specanom.errors import DataError
from specanom.foreign.fits_header import BrokenFits
from specanom.preprocess.pipeline import NothingPasses
from specanom.run import actions, cli
from specanom.run.failure import StageFailed
from specanom.run.piping import NO_READER

COMMAND = [sys.executable, "-m", "specanom.run.cli"]


BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def unread(arguments: list[str], *, errors: bool = False) -> tuple[int, str]:
    """Return exit code and standard error of a command whose output nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([*COMMAND, *arguments], stdout=writer, stderr=writer if errors else subprocess.PIPE,
                              text=True, timeout=60, check=False, env=BUFFERED)
    finally:
        os.close(writer)
    return done.returncode, done.stderr or ""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    manifest = {"format": "specanom run", "version": 1, "versions": {}, "stages": {},
                "parameters": {"survey": "mock", "seed": 1, "note": "x" * 200_000}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path


@pytest.mark.parametrize("arguments", [["run", "--help"], ["cite", "RUN"]])
def test_commands_end_without_a_word(run: Path, arguments: list[str]) -> None:
    assert unread([str(run) if one == "RUN" else one for one in arguments]) == (NO_READER, "")


def test_a_pipe_into_head_shows_its_line_and_no_error(run: Path) -> None:
    done = subprocess.run(f"{sys.executable} -m specanom.run.cli cite {run} | head -n 1", shell=True, text=True,
                          capture_output=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("# Methods\n", "")


def test_errors_that_nobody_reads_do_not_matter(run: Path) -> None:
    assert unread(["cite", str(run / "none")], errors=True)[0] == NO_READER


def test_a_broken_pipe_of_another_sort_is_an_error(run: Path, monkeypatch, capsys) -> None:
    def broken(_arguments) -> int:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(actions, "doctor", broken)
    assert cli.main(["doctor"]) == cli.FAILED
    assert "Broken pipe" in capsys.readouterr().err


def kinds_of(base: type) -> set[str]:
    own = [one for one in base.__subclasses__() if one.__module__.startswith("specanom")]
    return {base.__name__}.union(*(kinds_of(one) for one in own))


@pytest.mark.parametrize(("kind", "code"), [("ArgumentError", cli.WRONG_CALL), ("NothingPasses", cli.NO_DATA),
                                            ("DataError", cli.NO_DATA), ("KeyError", cli.FAILED)])
def test_the_exit_code_of_a_stage_is_that_of_what_it_raised(monkeypatch, capsys, kind, code) -> None:
    def broken(_arguments) -> int:
        raise StageFailed("02_preprocess", Path("02_preprocess.ipynb"), "why", kind=kind)

    monkeypatch.setattr(actions, "doctor", broken)
    assert cli.main(["doctor"]) == code
    assert "why" in capsys.readouterr().err


def test_every_error_of_data_that_cannot_be_used_has_the_code_of_such() -> None:
    assert issubclass(NothingPasses, DataError)
    assert issubclass(BrokenFits, DataError)
    assert kinds_of(DataError) == set(cli.UNUSABLE)
