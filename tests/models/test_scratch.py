"""Training from a copy on disk: the same bits as in memory, little memory, and no copy left behind."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from specanom import DataError, SpectrumSet
from specanom.models import BinnedModel, PCAModel, Training, TransformerEncoder, VAEModel, outgrows_memory
from specanom.models.components import leading_components, median_in_blocks
from specanom.models.folds import hash_in_order
from specanom.models.memory import _left_in, _of_group, free_memory
from specanom.models.on_disk import NpyWriter, OnDisk
from specanom.models.scratch import training_rows
from specanom.seeds import content_hash

SMALL = {"hidden": (32, 16, 16), "max_steps": 40, "device": "cpu"}


@pytest.fixture(scope="module")
def saved(sample: SpectrumSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample.save(tmp_path_factory.mktemp("set") / "sample.zarr")


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specanom.models.memory.free_memory", lambda: 1e5)


def on_disk(values: np.ndarray, path: Path) -> OnDisk:
    writer = NpyWriter(path, values.shape)
    for start in range(0, len(values), 17):
        writer.append(values[start : start + 17])
    writer.close()
    return OnDisk.open(path)


# -- matrices on disk ----------------------------------------------------------------------------------------------


def test_rows_on_disk_are_those_of_the_array(flux: np.ndarray, tmp_path: Path) -> None:
    matrix = on_disk(flux, tmp_path / "flux.npy")
    assert np.array_equal(np.load(tmp_path / "flux.npy"), flux), "the file is a plain .npy"
    assert (matrix.shape, len(matrix)) == (flux.shape, len(flux))
    rng = np.random.default_rng(0)
    for key in (np.arange(300), rng.permutation(300), np.array([], int), np.array([5, 6, 7, 7, 3]), slice(10, 40, 3)):
        assert np.array_equal(matrix[key], flux[key])
    assert np.array_equal(matrix[-1], flux[-1])
    assert np.array_equal(matrix[np.array([-2])], flux[-2:-1])


def test_a_file_that_was_cut_short_is_no_silence(flux: np.ndarray, tmp_path: Path) -> None:
    matrix = on_disk(flux, tmp_path / "flux.npy")
    os.truncate(tmp_path / "flux.npy", 1000)
    with pytest.raises(DataError, match="cut short"):
        matrix[np.arange(200)]
    with pytest.raises(DataError, match=r"whole flux\.npy"):
        OnDisk.open(tmp_path / "flux.npy")


@pytest.mark.parametrize("n", [1, 2, 37, 300])
def test_the_median_of_blocks_is_the_median(tmp_path: Path, n: int) -> None:
    values = np.random.default_rng(n).normal(size=(n, 9)).astype(np.float32)
    values[:, 0], values[:, 1], values[::2, 2] = 0.0, -1.5, np.float32(3e38)
    values[:, 3] *= 1e-42  # subnormal
    matrix, rows = on_disk(values, tmp_path / "x.npy"), np.arange(n)[::-1]
    with np.errstate(over="ignore"):
        assert np.array_equal(median_in_blocks(matrix, rows), np.median(values, axis=0))  # type: ignore[arg-type]


def test_components_on_disk_are_the_same(flux: np.ndarray, tmp_path: Path) -> None:
    matrix = on_disk(flux, tmp_path / "flux.npy")
    for rows in (np.arange(300)[::-1], np.arange(0, 300, 7)):
        for centre in ("mean", "median", "none"):
            here, there = (leading_components(x, 5, rows=rows, centre=centre) for x in (flux, matrix))  # type: ignore[arg-type]
            assert all(np.array_equal(getattr(here, name), getattr(there, name))
                       for name in ("mean", "axes", "variances"))


def test_a_hash_in_blocks_is_the_hash(flux: np.ndarray, tmp_path: Path) -> None:
    matrix, order = on_disk(flux, tmp_path / "flux.npy"), np.random.default_rng(0).permutation(300)
    assert hash_in_order(matrix, order) == hash_in_order(flux, order) == content_hash(flux[order])  # type: ignore[arg-type]


# -- fits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [
    lambda: VAEModel(4, folds=2, **SMALL),
    lambda: VAEModel(4, folds=1, training=Training(basis=None, clip=0.1), **SMALL),
    lambda: VAEModel(4, folds=1, training=Training(weight="none"), **SMALL),
    lambda: PCAModel(4, folds=3, device="cpu"),
    lambda: PCAModel(4, folds=2, centre="median", device="cpu"),
    lambda: TransformerEncoder(20, layers=1, width=8, heads=2, max_steps=5, device="cpu"),
], ids=["weighted", "pixels", "unweighted", "pca", "median", "transformer"])
def test_a_copy_on_disk_gives_the_same_bits(sample: SpectrumSet, saved: Path, tmp_path: Path, model: object) -> None:
    here = model().fit(sample)  # type: ignore[operator]
    lazy = SpectrumSet.open(saved)
    there = model().fit(lazy, scratch=tmp_path / "scratch")  # type: ignore[operator]
    assert here.fingerprint == there.fingerprint
    assert np.array_equal(here.reconstruct(sample), there.reconstruct(sample))
    assert here.history.equals(there.history)
    assert sorted(path.name for path in (tmp_path / "scratch").iterdir()) == [
        "contents.npy", "flux.npy", "ivar.npy", "manifest.json"]


def test_fitting_from_disk_does_not_load_the_set(saved: Path, narrow: None, monkeypatch: pytest.MonkeyPatch) -> None:
    lazy, made = SpectrumSet.open(saved), []
    monkeypatch.setattr("specanom.models.scratch.tempfile.mkdtemp", lambda prefix: _made(made, saved, prefix))
    assert outgrows_memory(lazy)
    VAEModel(4, folds=1, **SMALL).fit(lazy)
    assert outgrows_memory(lazy), "it is still on disk"
    assert [folder.exists() for folder in made] == [False], "the copy is gone"


def _made(made: list[Path], beside: Path, prefix: str) -> str:
    folder = beside.parent / f"{prefix}{len(made)}"
    folder.mkdir()
    made.append(folder)
    return str(folder)


def test_a_set_in_memory_needs_no_copy_but_its_forms_may(sample: SpectrumSet, narrow: None, tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    assert not outgrows_memory(sample)
    plain = VAEModel(4, folds=1, **SMALL).fit(sample)
    monkeypatch.undo()
    assert plain.fingerprint == VAEModel(4, folds=1, **SMALL).fit(sample).fingerprint


def test_a_copy_is_taken_again_for_the_same_sample_only(saved: Path, tmp_path: Path) -> None:
    lazy, folder = SpectrumSet.open(saved), tmp_path / "scratch"

    def written(sample: SpectrumSet) -> int:
        with training_rows("sample", sample, scratch=folder) as rows:
            assert np.array_equal(rows.flux[np.arange(len(rows))], np.asarray(sample.rows("flux")))
        return (folder / "flux.npy").stat().st_mtime_ns

    first = written(lazy)
    assert written(SpectrumSet.open(saved)) == first
    assert written(lazy[50:250]) != first, "other rows"
    other = written(lazy)
    assert other != first
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "of": ""}))  # as a killed copy leaves it
    assert written(lazy) != other


def test_a_folder_with_something_else_is_let_be(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(DataError, match="holds something else"):
        VAEModel(4, folds=1, **SMALL).fit(SpectrumSet.open(saved), scratch=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = type("usage", (), {"free": 1000})
    monkeypatch.setattr("specanom.models.scratch.shutil.disk_usage", lambda folder: full)
    with pytest.raises(DataError, match="free for a copy"):
        VAEModel(4, folds=1, **SMALL).fit(SpectrumSet.open(saved), scratch=tmp_path / "scratch")
    assert not list((tmp_path / "scratch").iterdir())


def test_pixels_that_are_not_finite_are_named(sample: SpectrumSet, tmp_path: Path) -> None:
    flux = sample.flux.copy()
    flux[211, 5] = np.nan
    sample.replace(flux=flux).save(tmp_path / "odd.zarr")
    with pytest.raises(DataError, match="first row 211"):
        VAEModel(4, folds=1, **SMALL).fit(SpectrumSet.open(tmp_path / "odd.zarr"), scratch=tmp_path / "scratch")


def test_bins_have_a_copy_each(sample: SpectrumSet, tmp_path: Path) -> None:
    table = sample.table.assign(bin=np.arange(len(sample)) % 2)
    binned = sample.replace(table=table)
    binned.save(tmp_path / "binned.zarr")
    lazy = SpectrumSet.open(tmp_path / "binned.zarr")
    here, there = (BinnedModel.fit(lambda: PCAModel(3, folds=2, device="cpu"), one, scratch=scratch)
                   for one, scratch in ((binned, None), (lazy, tmp_path / "scratch")))
    assert np.array_equal(here.reconstruct(binned), there.reconstruct(binned))
    assert sorted(path.name for path in (tmp_path / "scratch").iterdir()) == ["bin-0", "bin-1"]


# -- memory --------------------------------------------------------------------------------------------------------


def test_free_memory_is_that_of_the_group_when_it_has_less(tmp_path: Path) -> None:
    (tmp_path / "job" / "step").mkdir(parents=True)
    (tmp_path / "cgroup").write_text("0::/job/step\n")
    for name, content in {"memory.max": "4000000", "memory.current": "1500000", "memory.stat": "anon 1\nfile 500000\n",
                          }.items():
        (tmp_path / "job" / name).write_text(content)
    assert _left_in(tmp_path / "job") == 3_000_000, "what caches files is free"
    assert _of_group(tmp_path, tmp_path / "cgroup") == 3_000_000
    assert _of_group(tmp_path, tmp_path / "none") == float("inf")
    assert 1e6 < free_memory() < 1e15
