"""A run that stores the oddest spectra alone scores every one as a run that stores all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.errors import ArgumentError, DataError
from specanom.parallel import Partition
from specanom.preprocess.passes import Prepare
from specanom.preprocess.passing import Passing
from specanom.run.content import Content
from specanom.run.folder import RunFolder
from specanom.run.keeping import (
    LEAST,
    check_stored,
    forget_stream,
    keep_kin,
    keep_stream,
    shown_spectra,
    stored_ids,
)
from specanom.run.manifest import fingerprint
from specanom.run.objects import Objects
from specanom.run.parted import InPartitions, ReadOnce, joined
from specanom.run.scoring import score_table, top_ids
from specanom.run.streaming import Like, Stream, Streamed, StreamPart
from specanom.scores.named import scorers_of
from specanom.surveys.parted import PartedSurvey

COLUMN = "chi2_ivar_cal"


class Folder:
    """A survey on disk, learnt from, with a model."""

    def __init__(self, path: Path, **how: Any) -> None:
        self.path = path
        self.parted = PartedSurvey.of(sa.read(path.parent / "raw"), path / "index", size=60)
        self.preprocessor = sa.Preprocessor(bins=2)
        self.sample = self.preprocessor.fit_transform(self.parted, store=path / "sample.zarr", **how)
        self.preprocessor.save(path / "preprocess")
        sa.PCAModel(5, folds=2).fit(self.sample).save(path / "model")

    def stream(self, work: Path, size: int = 60, executor: str | None = None) -> Stream:
        parted = PartedSurvey(self.path / "index", size)
        return Stream(parted, self.path / "preprocess", self.path / "sample.zarr", work, executor)

    def scored(self, work: Path, size: int = 60, executor: str | None = None) -> Streamed:
        return self.stream(work, size, executor).score({"PCA": self.path / "model"})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("streaming")
    sa.surveys.mock(n=170, seed=3).write(made / "raw", layout="spec")
    return made


@pytest.fixture(scope="module")
def whole(root: Path) -> Folder:
    return Folder(root / "all")


@pytest.fixture(scope="module")
def top(root: Path) -> Folder:
    """Learnt from all, with a sample of all: what it does must be what the whole run does."""
    return Folder(root / "top", only=10_000)


@pytest.fixture(scope="module")
def few(root: Path) -> Folder:
    return Folder(root / "few", only=50)


def test_what_is_learnt_and_stored_is_the_same(whole: Folder, top: Folder) -> None:
    learnt, expected = top.preprocessor.fitted_, whole.preprocessor.fitted_
    for name in ("grid", "kept", "typical", "snr_edges", "missing"):
        np.testing.assert_array_equal(getattr(learnt, name), getattr(expected, name))
    for name in ("flux", "ivar", "imputed"):
        np.testing.assert_array_equal(getattr(top.sample, name), getattr(whole.sample, name))
    pd.testing.assert_frame_equal(top.sample.table, whole.sample.table)


def test_a_fair_draw_is_learnt_from_all(whole: Folder, few: Folder) -> None:
    assert len(few.sample) == 50
    assert few.preprocessor.fitted_.n == whole.preprocessor.fitted_.n
    np.testing.assert_array_equal(few.preprocessor.typical_, whole.preprocessor.typical_)
    np.testing.assert_array_equal(few.sample.flux, whole.sample.select(few.sample.ids).flux)
    assert few.preprocessor.report.n_in == whole.preprocessor.report.n_in
    assert few.sample.ids != whole.sample.ids[:50]  # no part of the survey is favoured


def test_a_draw_does_not_know_how_it_was_parted(root: Path, few: Folder, tmp_path: Path) -> None:
    for size, executor in ((25, None), (1000, "threads:2")):
        parted = PartedSurvey(few.path / "index", size)
        store = tmp_path / f"{size}.zarr"
        made = sa.Preprocessor(bins=2).fit_transform(parted, store=store, only=50, executor=executor)
        np.testing.assert_array_equal(made.flux, few.sample.flux)
        for name in ("flux", "ivar", "imputed"):
            assert (store / name / "c/0/0").read_bytes() == (few.path / "sample.zarr" / name / "c/0/0").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1000.zarr", "25.zarr"]


@pytest.mark.parametrize(("size", "executor"), [(1000, None), (37, "threads:2"), (60, "processes:2")])
def test_every_score_is_that_of_the_stored_spectrum(
    size: int, executor: str | None, whole: Folder, top: Folder, tmp_path: Path
) -> None:
    done = InPartitions(tmp_path / "all", None, 64).score(whole.path / "sample.zarr", whole.path / "model")
    expected, streamed = joined(done, "scores"), top.scored(tmp_path / "top", size, executor)
    pd.testing.assert_frame_equal(streamed.raw["PCA"], expected, check_exact=True)
    assert streamed.raw["PCA"].attrs == expected.attrs
    known = whole.sample.table.drop(columns="path")
    pd.testing.assert_frame_equal(Objects(streamed.objects).table.drop(columns="path"), known, check_dtype=False)
    scorers = scorers_of(sa.models.load(whole.path / "model"), whole.sample)
    tables = [score_table(scorers, of, raw=raw)[0] for of, raw in (
        (whole.sample, expected), (Objects(streamed.objects), streamed.raw["PCA"]))]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    assert top_ids(tables[0], COLUMN, 20) == top_ids(tables[1], COLUMN, 20)


def test_no_spectrum_is_lost_from_the_waterfall(whole: Folder, few: Folder, tmp_path: Path) -> None:
    streamed = few.scored(tmp_path)
    assert [one for one in streamed.report.waterfall if one.count] == [
        one for one in whole.preprocessor.report.waterfall if one.count]
    told, expected = streamed.report.to_dict(), whole.preprocessor.report.to_dict()
    assert {**told, "action": ""} == {**expected, "action": ""}
    assert len(streamed.objects) == streamed.report.n_out == whole.preprocessor.report.n_out


class Broken(PartedSurvey):
    """A survey whose second part cannot be read."""

    def read(self, partition: Partition) -> Any:
        if partition.number == 1:
            raise DataError("this part is gone")
        return super().read(partition)


def test_a_part_that_fails_is_listed_id_by_id(few: Folder, tmp_path: Path) -> None:
    broken = Broken(few.path / "index", 60)
    stream = Stream(broken, few.path / "preprocess", few.path / "sample.zarr", tmp_path)
    streamed = stream.score({"PCA": few.path / "model"})
    lost = broken.ids(broken.partitions()[1])
    cut = next(one for one in streamed.report.waterfall if one.reason == "its partition failed")
    assert (cut.name, sorted(cut.ids)) == ("skipped", sorted(lost))
    assert list(streamed.failures["error"]) == ["DataError"]
    assert not set(lost) & set(streamed.objects["id"])
    assert streamed.report.n_in == few.preprocessor.report.n_in
    assert streamed.report.n_in == streamed.report.n_out + sum(one.count for one in streamed.report.waterfall)


def test_the_stored_are_the_spectra_that_were_scored(whole: Folder, few: Folder, tmp_path: Path) -> None:
    streamed = few.scored(tmp_path / "work")
    ids = list(streamed.objects["id"].sample(40, random_state=1))
    stored = few.stream(tmp_path / "work").store(streamed.objects, ids, tmp_path / "top.zarr")
    assert stored.ids == [id for id in streamed.objects["id"] if id in set(ids)]
    expected = whole.sample.select(stored.ids)
    for name in ("flux", "ivar", "imputed"):
        np.testing.assert_array_equal(getattr(stored, name), getattr(expected, name))
    raw = streamed.raw["PCA"].set_index("id")["chi2_ivar"]
    scorer = scorers_of(sa.models.load(few.path / "model"), stored)["chi2_ivar"]
    np.testing.assert_allclose(scorer(stored), raw[stored.ids], rtol=1e-6)


def test_files_that_changed_meanwhile_are_not_passed_over(few: Folder, tmp_path: Path) -> None:
    streamed = few.scored(tmp_path / "work")
    objects = pd.concat([streamed.objects, streamed.objects.iloc[:1].assign(id="never there")], ignore_index=True)
    with pytest.raises(Exception, match="never there"):
        few.stream(tmp_path / "work").store(objects, list(objects["id"]), tmp_path / "top.zarr")
    assert not (tmp_path / "top.zarr").exists()


def test_rounded_spectra_are_scored_as_they_are_stored(root: Path, tmp_path: Path) -> None:
    rounded = Folder(root / "rounded", only=10_000, precision="rounded")
    assert rounded.sample.precision == "rounded"
    done = InPartitions(tmp_path / "all", None, 64).score(rounded.path / "sample.zarr", rounded.path / "model")
    streamed = rounded.scored(tmp_path / "top")
    pd.testing.assert_frame_equal(streamed.raw["PCA"], joined(done, "scores"), check_exact=True)
    stored = rounded.stream(tmp_path / "top").store(streamed.objects, rounded.sample.ids[:9], tmp_path / "top.zarr")
    np.testing.assert_array_equal(stored.flux, rounded.sample[:9].flux)
    assert stored.precision == "rounded"


def test_pixels_of_few_blocks_are_held_at_a_time(few: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the pixels that are alive at once while a part goes by: one block, not the part."""
    import gc

    few.preprocessor.block, before = 10, few.preprocessor.block
    try:
        part = PartedSurvey(few.path / "index", 1000).partitions()[0]
        gc.collect()
        most, seen = 0, 0
        for block in Passing(few.preprocessor, few.parted.read(part), ("flux", "ivar", "imputed")):
            seen += len(block)
            assert len(block) <= 10
            alive = [one for one in gc.get_objects() if type(one) is sa.SpectrumSet and len(one) == len(block)
                     and one.scale == "normalised" and one is not few.sample]
            most = max(most, len(alive))
        assert seen == few.preprocessor.fitted_.n
        assert most <= 4
    finally:
        few.preprocessor.block = before


def test_a_task_returns_tables_and_no_pixels(few: Folder) -> None:
    part = few.parted.partitions()[0]
    passing = Like.of(few.path / "preprocess.json", few.sample)
    options = {"lines": "vacuum", "velocity": 250.0, "trim": 0.03, "preset": None}
    made = StreamPart(few.parted, passing, {"PCA": ReadOnce.of(few.path / "model")}, options)(part)
    counts = Prepare(few.preprocessor, few.preprocessor.fitted_.grid, few.parted, pixels=False)(part)
    assert set(made) == {"objects", "PCA", "tally", "told"}
    assert set(counts) == {"table", "missing", "tally", "told"}
    assert counts["missing"].shape == few.preprocessor.fitted_.grid.shape  # one number a wavelength, not a spectrum
    assert list(counts["table"]) == ["id", "snr"]
    for name in ("objects", "PCA"):
        assert made[name].memory_usage(deep=True).sum() < 5000 * len(made[name])  # a spectrum takes 35,000


def test_workers_load_no_list_of_what_was_dropped_and_hash_nothing(
    few: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []
    monkeypatch.setattr("specanom.run.parted.fingerprint", lambda path: hashed.append(path) or fingerprint(path))
    few.preprocessor.block, before = 10, few.preprocessor.block
    few.scored(tmp_path, 40)
    few.preprocessor.block = before
    assert sorted(path.name for path in hashed) == ["model", "preprocess.json"]  # once, not for each part or block
    light = sa.Preprocessor.load(tmp_path / "preprocess")
    assert json.loads((tmp_path / "preprocess.json").read_text())["report"] is None
    np.testing.assert_array_equal(light.typical_, few.preprocessor.typical_)
    assert light.settings() == few.preprocessor.settings()


def test_the_oddest_and_those_to_be_explained_are_stored() -> None:
    table = pd.DataFrame({"id": [f"s{i}" for i in range(20_000)], "bin": np.arange(20_000) % 4,
                          COLUMN: np.arange(20_000, dtype=float)})
    ids = stored_ids(table, COLUMN, 0.0)
    assert ids == [f"s{i}" for i in range(19_999, 19_799, -1)]
    assert len(stored_ids(table, COLUMN, 0.05)) == 1000
    assert len(stored_ids(table.head(500), COLUMN, 0.01)) == LEAST
    paper = stored_ids(table, COLUMN, 0.001, "paper")
    best = table[table["bin"] == 3].nlargest(50, COLUMN)["id"]
    assert set(best) <= set(paper)


def test_kin_are_stored_apart_and_an_earlier_stream_is_forgotten(few: Folder, tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(few.path, tmp_path / "run"))
    shutil.copytree(few.path.parent / "raw", tmp_path / "raw")
    streamed = few.scored(tmp_path / "work")
    names = list(streamed.objects["id"])
    kin = pd.DataFrame({"id": names[0], "space": ["latent", "latent", "reason"], "kin": [names[1], names[9], names[8]]})
    assert keep_kin(run, kin) == []  # all spectra are stored
    few.stream(tmp_path / "work").store(streamed.objects, names[:5], run / "top.zarr")
    assert keep_stream(run, streamed) == ["streamed.json", "objects.parquet", "tables/waterfall.parquet"]
    assert keep_kin(run, kin) == ["kin.zarr"]
    assert run.spectra().ids == names[:5]
    assert run.objects().ids == names
    assert shown_spectra(run).ids == [*names[:5], names[9]]
    assert len(run.sample()) == 50
    assert Content(run).preprocessing.n_out == len(names)
    forget_stream(run)
    assert run.spectra().ids == run.sample().ids == run.objects().ids
    assert Content(run).preprocessing.action == "fit"


def test_more_than_is_stored_cannot_be_explained(whole: Folder) -> None:
    check_stored(whole.sample, whole.sample.ids[:5])
    with pytest.raises(ArgumentError, match="share="):
        check_stored(whole.sample[:5], whole.sample.ids[:6])


@pytest.mark.parametrize(("how", "match"), [({"only": 5}, "only"), ({"precision": "rounded"}, "precision"),
                                            ({"precision": "half"}, "precision")])
def test_what_cannot_be_is_refused(how: dict[str, Any], match: str) -> None:
    fit: Callable[..., Any] = sa.Preprocessor().fit_transform
    with pytest.raises(ArgumentError, match=match):
        fit(sa.surveys.mock(n=20, seed=1), **how)
