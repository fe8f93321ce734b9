"""Paths among the parameters of a run are kept as absolute ones."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from specanom.run.cli import DONE, main
from specanom.run.folder import RunFolder
from specanom.run.manifest import Manifest
from specanom.run.paths import located, matches_in

RULES = """version = 1
[[rule]]
name = "far"
class = "far"
why = "It is far."
when = { z = "> 0.1" }
"""
WISE = "id,ra,dec,w1,w2\nx,10,1,15.5,15.1\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("ned.csv", "simbad", "wise.csv", "odd[w1].csv"):
        (folder / name).write_text(WISE)
    return folder


@pytest.mark.parametrize(("text", "kept"), [
    ("ned.csv", "{here}/ned.csv"), ("", ""), ("simbad", "simbad"), ("SIMBAD, NED", "SIMBAD, NED"),
    ("vizier:II/328/allwise[W1mag]", "vizier:II/328/allwise[W1mag]"), ("nowhere.csv[w1]", "nowhere.csv[w1]"),
    ("simbad, wise.csv[w1, w2] ,ned.csv[]", "simbad,{here}/wise.csv[w1,w2],{here}/ned.csv[]"),
    ("odd[w1].csv", "{here}/odd[w1].csv"), ("./odd[w1].csv[w1],ned", "{here}/odd[w1].csv[w1],ned")])
def test_tables_are_absolute_and_services_stay(here: Path, text: str, kept: str) -> None:
    made = located({"match": text})["match"]
    assert made == kept.format(here=here)
    assert located({"match": made})["match"] == made
    assert [one.columns for one in matches_in(made)] == [one.columns for one in matches_in(text)]


def test_files_are_absolute_and_what_is_not_said_stays_so(here: Path) -> None:
    given = {"rules": "my.toml", "catalogue": "~/z.fits", "path": "", "n": 3, "exclude": "z > 1"}
    assert located(given) == {**given, "rules": f"{here}/my.toml", "catalogue": os.path.expanduser("~/z.fits")}


def test_a_folder_with_a_comma_leaves_the_text_that_is_understood(tmp_path: Path, monkeypatch) -> None:
    folder = tmp_path / "a, b"
    folder.mkdir()
    (folder / "wise.csv").write_text(WISE)
    monkeypatch.chdir(folder)
    assert located({"match": "wise.csv[w1]"}) == {"match": "wise.csv[w1]"}


def test_a_run_goes_on_from_another_folder(stages, here: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    from specanom.run import report

    monkeypatch.setattr(report, "write_report", lambda run_dir: run_dir / "report.html")
    (here / "my.toml").write_text(RULES)
    run = tmp_path / "run"
    told = ["run", "--run-dir", str(run), "--quiet", "-p", "match=simbad,ned.csv[w1]", "-p", "rules=my.toml",
            "-p", "catalogue=wise.csv"]
    assert main(told) == DONE
    kept = {"match": f"simbad,{here}/ned.csv[w1]", "rules": f"{here}/my.toml", "catalogue": f"{here}/wise.csv"}
    assert {name: Manifest(run).content["given"][name] for name in kept} == kept
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "ned.csv").write_text("another table of that name")
    monkeypatch.chdir(elsewhere)
    stages.ran.clear()
    assert main(["run", "--run-dir", str(run), "--quiet"]) == DONE, capsys.readouterr().err
    assert stages.ran == [], "nothing changed"
    assert {name: Manifest(run).content["given"][name] for name in kept} == kept


def test_a_notebook_by_hand_tells_whole_paths(here: Path) -> None:
    run = RunFolder(here / "run")
    run.record("08_catalogue", {}, [], {"match": "ned,wise.csv", "rules": "my.toml", "run_dir": "run"})
    told = json.loads((here / "run/stages/08_catalogue.json").read_text())["parameters"]
    assert (told["match"], told["rules"]) == (f"ned,{here}/wise.csv", f"{here}/my.toml")
