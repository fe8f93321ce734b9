"""Run folders of earlier versions: what stands, what is made again, and what is refused."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pandas as pd
import pytest

import specanom as sa
from specanom.errors import DataError
from specanom.run.again import why_again
from specanom.run.cli import DIFFERS, DONE, NO_DATA, main
from specanom.run.compare import compare_runs
from specanom.run.digest import digests
from specanom.run.manifest import Manifest, fingerprint
from specanom.run.parameters import STAGES
from specanom.run.pipeline import run_pipeline
from specanom.run.upgrade import MADE_OF, VERSION, announcement, code_of, keep_earlier, of_earlier, still_good

OLD = Path(__file__).parents[1] / "data" / "run-format-1.tar.xz"
TOLD = {"survey": "mock", "n": 60, "seed": 7, "grid_pixels": 120, "max_steps": 30, "folds": "2", "n_latent": 3,
        "top": 10, "segments": 12, "samples": 60}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A run folder as the first version left it, without its simulated files."""
    folder = tmp_path / "old"
    with tarfile.open(OLD) as packed:
        packed.extractall(folder, filter="data")
    return folder


def with_raw(folder: Path) -> Path:
    """Put the simulated files back."""
    note = folder / "raw" / "manifest.json"
    sa.surveys.mock(n=60, seed=7).write(folder / "raw")
    note.write_text(json.dumps({"survey": "mock", "n": 60, "seed": 7, "specanom": "0.1.0"}, indent=1))
    return folder


def test_the_fixture_is_what_it_says(old: Path) -> None:
    assert OLD.stat().st_size < 300_000
    told = json.loads((old / "manifest.json").read_text())
    assert (told["version"], list(told["stages"])) == (1, list(STAGES[:6]))
    raw = with_raw(old) / "raw"
    assert fingerprint(raw) == told["stages"]["01_acquire"]["outputs"]["raw"]  # simulated as it was then


def test_an_earlier_manifest_is_read_as_a_present_one(old: Path) -> None:
    before = json.loads((old / "manifest.json").read_text())
    manifest = Manifest(old)
    assert manifest.content["version"] == VERSION
    assert manifest.parameters["n_latent"] == 3
    assert (manifest.parameters["quasars"], manifest.parameters["executor"]) == ("", "")  # were not there
    assert manifest.content["given"] == {k: v for k, v in TOLD.items() if k != "survey"}
    assert of_earlier(manifest.content) == list(STAGES[:6])
    assert manifest.stage("06_clusters")["outputs"] == before["stages"]["06_clusters"]["outputs"]
    assert json.loads((old / "manifest.json").read_text()) == before  # reading changes nothing


def test_without_what_was_given_it_is_told_by_the_parameters(old: Path) -> None:
    told = json.loads((old / "manifest.json").read_text())
    del told["given"]
    (old / "manifest.json").write_text(json.dumps(told))
    given = Manifest(old).content["given"]
    assert {name: given[name] for name in TOLD if name != "survey"} == {k: v for k, v in TOLD.items() if k != "survey"}


def test_a_newer_folder_is_refused_and_left_alone(old: Path, capsys) -> None:
    told = {**json.loads((old / "manifest.json").read_text()), "version": VERSION + 1, "versions": {"specanom": "9.1"}}
    (old / "manifest.json").write_text(json.dumps(told))
    for command in (["run", "--run-dir", str(old)], ["report", str(old)], ["compare", str(old), str(old)],
                    ["score", str(old), str(old)]):
        before = {path: os.stat(path).st_mtime_ns for path in old.rglob("*")}
        assert main(command) == NO_DATA
        assert f"got version {VERSION + 1} in {old}/manifest.json, written by specanom 9.1" in capsys.readouterr().err
        assert {path: os.stat(path).st_mtime_ns for path in old.rglob("*")} == before


def test_commands_work_on_an_earlier_folder_or_say_what_to_do(old: Path, tmp_path: Path, capsys) -> None:
    assert main(["report", str(old)]) == NO_DATA
    said = capsys.readouterr().err
    assert "a run with stage 07_kin done, got never made" in said
    assert f"specanom run --run-dir {old}, with its parameters, goes on" in said
    assert compare_runs(old, old).same
    labels = tmp_path / "more.jsonl"
    labels.write_text((old / "labels.jsonl").read_text().replace('"ada"', '"bo"'))
    assert main(["label", str(old), str(labels)]) == DONE
    assert len((old / "labels.jsonl").read_text().splitlines()) == 4
    night = sa.surveys.mock(n=30, seed=3).write(tmp_path / "night", layout="plate")
    assert main(["score", str(old), str(night), "--out", str(tmp_path / "out")]) in (DONE, DIFFERS)
    assert len(pd.read_parquet(tmp_path / "out" / "scores.parquet")) > 10


def test_earlier_results_are_kept_beside_what_replaces_them(old: Path) -> None:
    manifest = Manifest(old)
    known = digests(old, stores=False)
    place = keep_earlier(old, manifest.content)
    assert place is not None
    assert place.parent == old / "earlier"
    assert digests(place, stores=False) == known
    assert not (place / "sample.zarr").exists()
    assert (place / "model" / "weights.safetensors").exists()
    with open(old / "labels.jsonl", "a") as log:
        log.write("{}\n")
    (old / "notebooks" / "04_score.ipynb").write_text("{}")
    assert "{}" not in (place / "labels.jsonl").read_text().splitlines()
    assert code_of(place / "notebooks" / "04_score.ipynb")  # written in place, so not a link
    assert Manifest(place).parameters == manifest.parameters
    assert keep_earlier(old, manifest.content) is None  # once


def test_a_stage_stays_only_when_it_would_be_made_alike(old: Path) -> None:
    record = Manifest(old).stage("01_acquire")
    executed = old / "notebooks" / "01_acquire.ipynb"
    told = {**record["parameters"], "catalogue": "", "columns": ""}
    assert still_good("01_acquire", record, executed, told)
    assert not still_good("01_acquire", record, executed, {**told, "columns": "BAL_PROB"})
    assert not still_good("01_acquire", record, executed, {**told, "n": 61})
    assert not still_good("01_acquire", {**record, "by": "0.0.1"}, executed, told)
    assert not still_good("01_acquire", {**record, "status": "failed"}, executed, told)
    assert not still_good("01_acquire", {**record, MADE_OF: {}}, executed, told)
    assert not still_good("01_acquire", record, old / "notebooks" / "02_preprocess.ipynb", told)
    assert not still_good("01_acquire", record, old / "nothing.ipynb", told)
    assert not still_good("02_preprocess", record, old / "notebooks" / "02_preprocess.ipynb", told)


def test_why_a_stage_is_made_again_is_told() -> None:
    now = {"key": "b", "upstream": "u", MADE_OF: {"notebook": "n", "specanom": "2"}, "parameters": {"seed": 2, "n": 3}}
    was = {"status": "done", **now, "key": "a"}
    assert why_again({}, now) == "new"
    assert why_again({"status": "failed"}, now) == "it was failed"
    assert why_again({"status": "done", **now}, now) == ""
    assert why_again({**was, "parameters": {"seed": 1, "n": 3}}, now) == "seed 1 → 2"
    assert why_again({**was, MADE_OF: {"notebook": "o", "specanom": "1"}}, now) == \
        "its notebook has changed; another version of specanom"
    assert why_again({**was, "upstream": "v"}, now) == "what it is made from has changed"
    assert why_again({"status": "done", "key": "a", "upstream": "u"}, now) == "made by an earlier version"


@pytest.mark.slow
@pytest.mark.xdist_group("run")
def test_an_earlier_run_goes_on(old: Path, without_kernels: None, capsys) -> None:
    with_raw(old)
    labels, known, raw = (old / "labels.jsonl").read_bytes(), digests(old, stores=False), fingerprint(old / "raw")
    told = announcement(old, Manifest(old).content)
    assert "was made by an earlier specanom (0.1.0; 6 stages)" in told
    assert "07_kin and 08_catalogue for the first time" in told
    results = {one.stage: one for one in run_pipeline(old, TOLD)}
    assert results["01_acquire"].skipped
    assert fingerprint(old / "raw") == raw
    assert results["02_preprocess"].why == "made by an earlier version"
    assert results["07_kin"].why == ""
    assert (old / "labels.jsonl").read_bytes() == labels
    (place,) = (old / "earlier").iterdir()
    assert str(place) in told
    assert digests(place, stores=False) == known
    manifest = Manifest(old)
    assert of_earlier(manifest.content) == []
    assert manifest.content["earlier"] == f"earlier/{place.name}"
    assert announcement(old, manifest.content) == ""
    assert all(one.skipped for one in run_pipeline(old, TOLD))
    assert compare_runs(place, old).spectra == {"first": 53, "second": 53, "both": 53}
    with pytest.raises(DataError, match="07_kin"):
        Manifest(place).require(STAGES)
