"""The first words typed: the nearest command and option is offered, and the doctor survives what is missing."""

from __future__ import annotations

import sys

import pytest

from specanom.run import doctor
from specanom.run.cli import FAILED, WRONG_CALL, main


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
