"""Explanations made in partitions are those made one at a time, and survive being stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specanom as sa
from specanom.explain.parted import PartedExplainer
from specanom.models import wrap
from specanom.parallel import Partition
from specanom.store import StoredRows


@pytest.fixture(scope="module")
def sample() -> sa.SpectrumSet:
    rng = np.random.default_rng(1)
    flux = 1 + rng.normal(0, 0.1, (23, 60)).astype(np.float32)
    flux[np.arange(23), rng.integers(0, 60, 23)] += 5
    flux[11] = np.nan
    return sa.SpectrumSet(np.linspace(4000, 5000, 60), flux, frame="rest", scale="normalised")


def odd(flux: Any) -> Any:
    return ((np.asarray(flux) - 1.0) ** 2).mean(axis=1)


@pytest.fixture(scope="module")
def explainer() -> sa.Explainer:
    return sa.Explainer(odd, sa.Uniform(6), method=sa.Lime(64))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("size", "executor"), [(64, None), (5, "serial"), (7, "threads:2"), (12, "processes:2")])
def test_the_numbers_do_not_know_the_partitions(
    size: int, executor: str | None, explainer: sa.Explainer, sample: sa.SpectrumSet, tmp_path: Path
) -> None:
    expected = explainer.explain_many(sample)
    made, done = PartedExplainer(explainer, tmp_path / "work", "v", executor)(sample, tmp_path / "e.zarr", size=size)
    assert made.ids == expected.ids
    np.testing.assert_array_equal(np.asarray(made.weights), np.asarray(expected.weights))
    assert [(one.id, one.reason) for one in made.skipped] == [(one.id, one.reason) for one in expected.skipped]
    assert len(made.skipped) == 1
    expected.save(tmp_path / "whole.zarr")
    assert made.artefact is None or np.array_equal(made.artefact, expected.artefact, equal_nan=True)
    assert len(done.records) == -(-23 // size)


def test_bytes_do_not_depend_on_the_partitions(
    explainer: sa.Explainer, sample: sa.SpectrumSet, tmp_path: Path
) -> None:
    for size in (4, 9):
        PartedExplainer(explainer, tmp_path / f"w{size}", "v")(sample, tmp_path / f"{size}.zarr", size=size)
    assert bytes_of(tmp_path / "4.zarr") == bytes_of(tmp_path / "9.zarr")


def test_what_was_explained_is_not_explained_again(
    explainer: sa.Explainer, sample: sa.SpectrumSet, tmp_path: Path
) -> None:
    work = PartedExplainer(explainer, tmp_path / "work", "v")
    first, _ = work(sample, tmp_path / "e.zarr", size=6)
    again, done = work(sample, tmp_path / "e.zarr", size=6)
    assert done.resumed == 4
    np.testing.assert_array_equal(np.asarray(again.weights), np.asarray(first.weights))
    changed = sample.replace(flux=np.where(np.arange(23)[:, None] == 8, 2.0, sample.flux).astype(np.float32))
    _, done = work(changed, tmp_path / "e.zarr", size=6)
    assert done.resumed == 3  # all but the partition with the changed row
    _, done = PartedExplainer(explainer, tmp_path / "work", "another model")(sample, tmp_path / "e.zarr", size=6)
    assert done.resumed == 0


def test_a_score_of_the_same_name_and_other_settings_is_explained_again(
    sample: sa.SpectrumSet, tmp_path: Path
) -> None:
    model = wrap(np.ones_like)

    def resumed(of: sa.SpectrumSet = sample, **settings: Any) -> int:
        scorer = sa.scores.Scorer(model, "mse", **settings)
        again = PartedExplainer(sa.Explainer(scorer, sa.Uniform(6), method=sa.Lime(64)), tmp_path / "work", "v")
        return again(of, tmp_path / "e.zarr", size=12)[1].resumed

    noisy = sample.replace(ivar=np.full(sample.shape, 9, dtype=np.float32))
    assert [resumed(trim=0.1), resumed(trim=0.1), resumed(trim=0.2), resumed(of=noisy, trim=0.2)] == [0, 2, 0, 0]
    assert [resumed(velocity=250.0), resumed(velocity=300.0), resumed(velocity=300.0)] == [0, 0, 2]


def test_pixels_of_other_parts_do_not_travel_with_a_part(
    explainer: sa.Explainer, sample: sa.SpectrumSet, tmp_path: Path
) -> None:
    sample.save(tmp_path / "s.zarr")
    stored = sa.SpectrumSet.open(tmp_path / "s.zarr")
    PartedExplainer(explainer, tmp_path / "work", "v")(stored, tmp_path / "e.zarr", size=12)
    assert isinstance(stored.rows("flux"), StoredRows)  # still on disk, so that a task holds its place alone


def test_spectra_of_a_partition_that_fails_are_listed(
    explainer: sa.Explainer, sample: sa.SpectrumSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specanom.explain.parted import ExplainPart

    whole = ExplainPart.__call__

    def broken(self: ExplainPart, part: Partition) -> dict[str, Any]:
        if part.number == 1:
            raise ZeroDivisionError("a bug in somebody's score")
        return whole(self, part)

    monkeypatch.setattr(ExplainPart, "__call__", broken)
    made, done = PartedExplainer(explainer, tmp_path / "work", "v")(sample, tmp_path / "e.zarr", size=6)
    lost = {one.id: one.reason for one in made.skipped}
    assert {id: lost[id] for id in sample.ids[6:11]} == dict.fromkeys(
        sample.ids[6:11], "its partition failed: ZeroDivisionError")
    assert list(done.failures["error"]) == ["ZeroDivisionError"]
    assert len(made) + len(lost) == 23
