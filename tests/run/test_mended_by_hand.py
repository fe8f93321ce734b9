"""Runs whose notebooks were executed one by one, without the command."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from specanom.errors import DataError
from specanom.run.byhand import manifest_of
from specanom.run.cli import DONE, NO_DATA, main
from specanom.run.folder import RunFolder
from specanom.run.manifest import Manifest
from specanom.run.parameters import STAGES, known, of_stage


def by_hand(folder: Path, stage: str, **names: Any) -> None:
    """Leave what a stage leaves, without science."""
    run = RunFolder(folder)
    folder.mkdir(exist_ok=True)
    (folder / f"{stage}.product").write_text(stage)
    defaults = {name: one.default for name, one in of_stage(stage).items()}
    told = {**defaults, "run_dir": "elsewhere", "sa": object(), **names}
    run.record(stage, {"things": 3}, [f"{stage}.product"], told)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for stage in STAGES:
        by_hand(tmp_path / "run", stage, **({"n": 77} if stage == "01_acquire" else {}))
    return tmp_path / "run"


def test_a_stage_says_what_it_was_told(folder: Path) -> None:
    said = RunFolder(folder).recorded("03_train")
    assert set(said["parameters"]) == set(of_stage("03_train"))
    assert 0 <= said["finished"] - said["started"] < 60


def test_stages_by_hand_are_a_run(folder: Path) -> None:
    manifest = manifest_of(folder)
    manifest.require(STAGES)
    assert set(manifest.parameters) == set(known())
    assert manifest.parameters["run_dir"] == str(folder)
    assert manifest.content["given"] == {"n": 77}
    assert manifest.stage("02_preprocess")["counts"] == {"things": 3}
    assert manifest.stage("02_preprocess")["seconds"] >= 0
    assert not (folder / "manifest.json").exists()  # to look changes nothing


def test_a_stage_that_is_missing_is_named(folder: Path) -> None:
    (folder / "stages" / "05_explain.json").unlink()
    with pytest.raises(DataError, match="05_explain done, got never made"):
        manifest_of(folder).require(STAGES)


def test_a_product_that_is_missing_is_told(folder: Path) -> None:
    (folder / "02_preprocess.product").unlink()
    with pytest.raises(DataError, match="02_preprocess done, got without its products"):
        manifest_of(folder).require(STAGES)


def test_a_stage_made_again_by_hand_puts_the_later_ones_out_of_date(folder: Path) -> None:
    manifest_of(folder).write()  # as a report does
    time.sleep(0.01)
    by_hand(folder, "03_train", epochs=4)
    with pytest.raises(DataError, match="04_score done, got out of date"):
        manifest_of(folder).require(STAGES)
    for stage in STAGES[3:]:
        by_hand(folder, stage)
    manifest_of(folder).require(STAGES)
    assert manifest_of(folder).content["given"] == {"n": 77, "epochs": 4}


def test_parameters_that_papermill_took_for_numbers_are_texts_again(tmp_path: Path) -> None:
    by_hand(tmp_path / "run", "01_acquire", survey=7, n="80")
    by_hand(tmp_path / "run", "03_train", folds=2, epochs=None)
    assert manifest_of(tmp_path / "run").content["given"] == {"survey": "7", "n": 80, "folds": "2", "epochs": None}


def test_what_the_command_made_is_told_by_its_manifest(stages, tmp_path: Path) -> None:
    stages.again(tmp_path, {"n": 50})
    assert manifest_of(tmp_path).content == Manifest(tmp_path).content


def test_the_command_makes_a_run_by_hand_again_with_its_parameters(stages, folder: Path, monkeypatch, capsys) -> None:
    from specanom.run import report

    manifest_of(folder).write()
    monkeypatch.setattr(report, "write_report", lambda run_dir: run_dir / "report.html")
    assert main(["run", "--run-dir", str(folder)]) == DONE
    assert stages.ran == list(STAGES)  # nobody knows which notebooks were executed
    assert "n=77" in capsys.readouterr().out
    assert "by_hand" not in Manifest(folder).content
    assert manifest_of(folder).content["given"] == {"n": 77}


def test_an_empty_folder_is_no_run(tmp_path: Path, capsys) -> None:
    assert main(["report", str(tmp_path)]) == NO_DATA
    assert "01_acquire done, got never made" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.xdist_group("run")
def test_a_run_by_hand_has_a_report_scores_new_files_and_compares(finished: Path, by_papermill: Path, tmp_path: Path,
                                                                  capsys) -> None:
    run = shutil.copytree(by_papermill, tmp_path / "run")
    assert main(["compare", str(finished), str(run)]) == DONE  # the same parameters, the same ranks
    assert "parameters: the same" in capsys.readouterr().out
    assert main(["report", str(run)]) == DONE
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "n=140" in page
    assert json.loads((run / "manifest.json").read_text())["by_hand"] is True
    assert main(["score", str(run), str(run / "raw"), "--survey", "sdss"]) == DONE
    assert main(["report", str(run)]) == DONE
