"""The first words typed: the nearest command and option is offered, and the doctor survives what is missing."""

from __future__ import annotations

import argparse
import builtins
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from specanom.run import doctor
from specanom.run.cli import FAILED, NO_DATA, WRONG_CALL, main
from specanom.run.grammar import command_line
from specanom.run.places import check_run_dir


def refused(capsys, *words: str) -> str:
    """What a wrong call is told."""
    with pytest.raises(SystemExit) as stopped:
        main(list(words))
    assert stopped.value.code == WRONG_CALL
    return capsys.readouterr().err


def test_nothing_typed_prints_the_help(capsys) -> None:
    said = refused(capsys)
    assert "the whole method on a survey" in said
    assert "error" not in said


@pytest.mark.parametrize(("typed", "hint"), [
    (["rnu"], "did you mean 'run'?"),
    (["doctr"], "did you mean 'doctor'?"),
    (["xyzzy"], "Try: specanom --help"),
    (["run", "--run-dr", "r1"], "did you mean --run-dir instead of --run-dr?"),
    (["run"], "Try: specanom run --run-dir runs/mine"),
    (["run", "--run-dir", "r1", "--forse"], "did you mean --force instead of --forse?"),
    (["run", "--run-dir", "r1", "--preset", "papper"], "did you mean 'paper'?"),
    (["compare", "r1"], "Try: specanom compare --help"),
    (["run", "--run-dir", "r1", "-p", "top=20", "n=600"], "Try: -p n=600\n"),
    (["run", "--run-dir", "r1", "-p", "n", "600"], "Try: -p n=600\n"),
    (["run", "--path", "my", "data", "--run-dir", "r1"], "Try: quotes around it, if it is one name: 'my data'\n"),
    (["run", "--run-dir", "my", "new", "run"], "if it is one name: 'my new'\n"),
    (["doctor", "please"], "arguments: please. Try: specanom --help"),
])
def test_a_mistyped_word_is_told_the_nearest(capsys, typed, hint) -> None:
    assert hint in refused(capsys, *typed)


def test_the_doctor_goes_on_without_torch(capsys, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["doctor"]) == FAILED
    said = capsys.readouterr().out
    assert "FAIL device: not known without torch" in said
    assert "pip install torch" in said


def test_the_doctor_tells_where_dashboards_show(capsys, monkeypatch) -> None:
    main(["doctor"])
    said = capsys.readouterr().out
    for place in ("JupyterLab", "Notebook", "Voilà"):
        assert f"ok   widgets in {place}: " in said
    monkeypatch.setattr(doctor, "_has_extension", lambda name: name != "anywidget")
    main(["doctor"])
    assert "–    widgets in JupyterLab: without its extension anywidget. For it: pip install --force-reinstall" in \
        capsys.readouterr().out


# -- help --------------------------------------------------------------------------------------------------------------


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser and those of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from parsers(one)


def test_every_option_of_every_command_says_what_it_is() -> None:
    silent = [f"{parser.prog} {action.dest}" for parser in parsers(command_line()) for action in parser._actions
              if not action.help and not isinstance(action, argparse._SubParsersAction)]
    assert silent == []


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"]])
def test_help_gives_examples_that_are_taken(words, capsys) -> None:
    with pytest.raises(SystemExit):
        main(words)
    said = capsys.readouterr().out.partition("examples:\n")[2].partition("\n\n")[0].splitlines()
    assert len(said) >= 3
    for line in said:
        typed = line.strip().partition("  ")[0]
        if "COMMAND" not in typed:
            assert command_line().parse_args(typed.split()[1:]).command


def test_a_command_stands_beside_its_help(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "reproduce   the figures" in capsys.readouterr().out


def test_the_package_is_the_command() -> None:
    made = subprocess.run([sys.executable, "-m", "specanom", "--version"], check=True, capture_output=True, text=True)
    assert made.stdout.startswith("specanom ")
    assert made.stderr == ""


# -- parameters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("typed", "hint"), [("epoch=3", "did you mean 'epochs'?"),
                                             ("xyzzy=3", "specanom run --help lists them")])
def test_a_mistyped_parameter_is_told_the_nearest_and_no_list(typed, hint, tmp_path, capsys) -> None:
    assert main(["run", "--run-dir", str(tmp_path / "run"), "-p", typed]) == WRONG_CALL
    said = capsys.readouterr().err
    assert hint in said
    assert len(said) < 120


# -- paths -------------------------------------------------------------------------------------------------------------


def run_on(path: Path, run_dir: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a run on a path without spectra says; it must not have begun."""
    assert main(["run", "--path", str(path), "--run-dir", str(run_dir)]) == NO_DATA
    assert not run_dir.exists()
    said = capsys.readouterr().err
    assert said.startswith("specanom: path: ")
    assert "notebook" not in said
    assert len(said.splitlines()) == 1
    return said


def test_a_path_is_looked_at_before_anything_is_run(tmp_path, capsys) -> None:
    (tmp_path / "plates").mkdir()
    assert f"did you mean {tmp_path / 'plates'}?" in run_on(tmp_path / "plats", tmp_path / "run", capsys)
    assert f"did you mean {tmp_path / 'plates'}?" in run_on(tmp_path / "plats" / "266", tmp_path / "run", capsys)
    assert "an empty folder" in run_on(tmp_path / "plates", tmp_path / "run", capsys)
    (tmp_path / "plates" / "notes.txt").write_text("no spectra")
    assert "expected FITS files" in run_on(tmp_path / "plates", tmp_path / "run", capsys)


def test_a_run_goes_to_a_folder(tmp_path, capsys) -> None:
    (tmp_path / "run.log").write_text("")
    assert main(["run", "--run-dir", str(tmp_path / "run.log")]) == WRONG_CALL
    assert f"run_dir: expected a folder, got the file {tmp_path / 'run.log'}" in capsys.readouterr().err


def test_a_folder_of_something_else_is_refused_before_anything_is_written(tmp_path, capsys) -> None:
    for name in ("thesis.tex", "spec-1.fits", "b", "z"):
        (tmp_path / name).touch()
    assert main(["run", "--run-dir", str(tmp_path)]) == WRONG_CALL
    said = capsys.readouterr().err
    assert f"got {tmp_path}, which holds b, spec-1.fits, thesis.tex and 1 more. Try: --run-dir {tmp_path}/run" in said
    assert len(said.splitlines()) == 1
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("names", [
    [], [".lock-000003"], [".lock-000003", "notebooks"], ["stages", "tables"], ["manifest.json", "thesis.tex"],
    ["source.json", "notes.doc"], ["run.log", "slurm-17.out", ".DS_Store", "lost+found"], ["rules.toml", "mine.jsonl"]])
def test_a_folder_of_a_run_is_taken_however_far_it_came(tmp_path, names) -> None:
    for name in names:
        (tmp_path / name).touch()
    check_run_dir(tmp_path)
    check_run_dir(tmp_path / "new")


def test_a_run_that_is_not_there_is_told_the_nearest(tmp_path, capsys) -> None:
    (tmp_path / "mine").mkdir()
    for words in (["report", str(tmp_path / "mien")], ["score", str(tmp_path / "mien"), str(tmp_path)]):
        assert main(words) == NO_DATA
        said = capsys.readouterr().err
        assert f"got no folder {tmp_path / 'mien'}" in said
        assert f"did you mean {tmp_path / 'mine'}?" in said


def test_a_path_that_may_not_be_read_is_told_so(tmp_path, capsys, monkeypatch) -> None:
    locked = tmp_path / "spec-1.fits"
    locked.write_bytes(b"SIMPLE  =")
    there = builtins.open

    def refused(file, *args, **kwargs):
        if Path(file) == locked:
            raise PermissionError(13, "Permission denied", str(locked))
        return there(file, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", refused)
    assert f"files that you may read, got Permission denied: {locked}" in run_on(tmp_path, tmp_path / "run", capsys)
