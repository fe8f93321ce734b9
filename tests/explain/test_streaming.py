"""Explanations of samples: the same bits on any executor, streamed to disk or in memory, and never much memory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import specanom as sa
from specanom.errors import ArgumentError, DataError
from specanom.explain.explanation import Explanation
from specanom.explain.joining import Joining
from specanom.explain.names import Names
from specanom.explain.writer import ExplanationWriter
from specanom.store import StoredRows

P = 120
WAVE = np.linspace(4000.0, 7000.0, P)
ARRAYS = ("weights", "interval", "error", "segments", "wave", "scores", "intercepts", "r2", "ess", "stability",
          "completeness", "n_samples", "artefact", "shares", "narrow", "flux")
LISTS = ("ids", "grades", "reasons", "paths", "names", "skipped", "frame")


def mse(flux: np.ndarray) -> np.ndarray:
    return ((flux - 1) ** 2).mean(axis=1)


def brittle(flux: np.ndarray) -> np.ndarray:
    """A score that some spectra do not have."""
    return np.where(flux[:, 0] > 5, np.nan, mse(flux))


def sample(n: int, bad: tuple[int, ...] = ()) -> sa.SpectrumSet:
    flux = 1 + 0.1 * np.random.default_rng(0).normal(size=(n, P))
    flux[list(bad), 0] = 9
    table = pd.DataFrame({"id": [f"s{i:05d}" for i in range(n)], "z": 0.05, "instrument": "SDSS", "lsf": 70.0})
    return sa.SpectrumSet(WAVE, flux, table=table)


def explainer(segments: Any = None, score: Any = brittle, n: int = 60) -> sa.Explainer:
    return sa.Explainer(score, segments or sa.Uniform(6), method=sa.Lime(n))


def same(one: sa.ExplanationSet, other: sa.ExplanationSet) -> bool:
    for name in ARRAYS:
        a, b = getattr(one, name), getattr(other, name)
        if a is None or b is None:
            assert a is b, name
            continue
        assert a.dtype == b.dtype, name
        assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), name
    for name in LISTS:
        assert getattr(one, name) == getattr(other, name), name
    return dict(one.settings) == dict(other.settings)


def unread(es: sa.ExplanationSet) -> set[str]:
    return set(es._unread) - set(es.__dict__)


@pytest.mark.parametrize("executor", ["threads:2", "processes:2"])
def test_the_bits_are_the_same_on_any_executor(executor: str) -> None:
    some = sample(40, bad=(3, 17, 39))
    alone = explainer().explain_many(some, executor="serial")
    assert same(alone, explainer().explain_many(some, executor=executor))
    assert [one.id for one in alone.skipped] == ["s00003", "s00017", "s00039"]


@pytest.mark.parametrize("n", [5, 40])
def test_what_is_streamed_to_disk_equals_what_is_kept_in_memory(
    n: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specanom.explain.writer.ROWS", 16)
    monkeypatch.setattr("specanom.explain.writer.CHUNK", 8)
    some = sample(n, bad=(2,))
    kept = explainer().explain_many(some)
    streamed = explainer().explain_many(some, store=tmp_path / "e.zarr")
    assert same(kept, streamed)
    assert same(kept, sa.ExplanationSet.open(kept.save(tmp_path / "again.zarr")))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["again.zarr", "e.zarr"]


def test_segments_that_follow_the_flux_differ_in_number_and_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Own:
        uses_flux = True

        def __call__(self, flux: np.ndarray, wave: np.ndarray) -> np.ndarray:
            k = 4 if abs(float(flux[0]) - late) > 1e-6 else 9
            return np.arange(flux.size) * k // flux.size

    monkeypatch.setattr("specanom.explain.writer.ROWS", 16)
    monkeypatch.setattr("specanom.explain.writer.CHUNK", 8)
    some = sample(50)
    late = float(some.flux[40, 0])  # two whole shards have gone by when the first other cut comes
    kept = explainer(Own()).explain_many(some)
    assert kept.weights.shape == (50, 9)
    assert np.isnan(kept.weights[0, 4:]).all()
    assert kept.segments.shape == (50, P)
    assert [one.n_segments for one in kept[39:42]] == [4, 9, 4]
    assert same(kept, explainer(Own()).explain_many(some, store=tmp_path / "e.zarr"))


def test_a_set_on_disk_reads_only_what_is_touched(tmp_path: Path) -> None:
    some = sample(100)
    kept = explainer().explain_many(some)
    on_disk = sa.ExplanationSet.open(kept.save(tmp_path / "e.zarr"))
    large = {"weights", "interval", "error", "shares", "narrow", "flux"}
    assert unread(on_disk) == large
    part = on_disk[10:20]
    assert unread(part) == large
    assert np.array_equal(part.weights, kept.weights[10:20])
    assert unread(part) == large - {"weights"}
    assert repr(on_disk[7]) == repr(kept[7])
    assert on_disk.names[99] == kept.names[99]
    assert [repr(one) for one in on_disk] == [repr(one) for one in kept]
    assert repr(on_disk) == repr(kept)
    assert on_disk._repr_html_() == kept._repr_html_()
    assert same(on_disk[[5, 3]], kept[[5, 3]])
    assert unread(on_disk) == large
    pd.testing.assert_frame_equal(on_disk.to_frame(), kept.to_frame())
    assert unread(on_disk) == {"interval", "error", "narrow", "flux"}
    with pytest.raises(ValueError, match="read-only"):
        on_disk.interval[0, 0, 0] = 1
    with pytest.raises(AttributeError, match="wieghts"):
        on_disk.wieghts  # noqa: B018


def test_spectra_that_are_there_already_are_not_copied(tmp_path: Path) -> None:
    some = sample(30)
    whole = explainer().explain_many(some)
    assert np.shares_memory(whole.flux, some.flux)
    less = explainer().explain_many(sample(30, bad=(4,)))
    assert "flux" in unread(less)
    assert less.flux is not None
    assert np.array_equal(less[4].flux, some.flux[5])  # type: ignore[arg-type]
    opened = sa.SpectrumSet.open(some.save(tmp_path / "s.zarr"))
    lazily = explainer().explain_many(opened)
    assert "flux" in unread(lazily)
    assert isinstance(opened.rows("flux"), StoredRows)
    assert same(whole, lazily)
    assert same(whole, explainer().explain_many(list(some)))
    rows = explainer().explain_many(np.asarray(some.flux))
    assert np.array_equal(rows.weights, whole.weights)


def test_a_program_that_is_killed_leaves_nothing_that_opens(tmp_path: Path) -> None:
    code = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
import numpy as np, specanom as sa
import specanom.explain.writer as writer
import test_streaming as t
writer.ROWS, writer.CHUNK = 16, 8
def slow(flux):
    time.sleep(0.01)
    return t.mse(flux)
t.explainer(score=slow).explain_many(t.sample(5000), store={str(tmp_path / "e.zarr")!r})
"""
    with subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                          stderr=subprocess.PIPE) as program:
        until = time.monotonic() + 60
        while time.monotonic() < until and program.poll() is None:
            if any(part.glob("table.parquet") for part in tmp_path.iterdir() if list(part.glob("weights/c/*"))):
                break
            time.sleep(0.05)
        assert program.poll() is None, program.stderr.read().decode()[-2000:] if program.stderr else ""
        program.send_signal(signal.SIGKILL)
        program.wait()
    (left,) = tmp_path.iterdir()
    assert left.name.endswith(".part")
    for path in (tmp_path / "e.zarr", left):
        with pytest.raises(DataError, match="finished set of explanations"):
            sa.ExplanationSet.open(path)
    made = explainer().explain_many(sample(5), store=tmp_path / "e.zarr")
    assert len(made) == 5


def test_an_error_on_the_way_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "e.zarr"
    explainer().explain_many(sample(3), store=path)

    def breaks(flux: np.ndarray) -> np.ndarray:
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="disk is gone"):
        explainer(score=breaks).explain_many(sample(9), store=path)
    with pytest.raises(DataError, match=r"at least one.*s00000"):
        explainer().explain_many(sample(2, bad=(0, 1)), store=path)
    assert len(sa.ExplanationSet.open(path)) == 3
    assert [one.name for one in tmp_path.iterdir()] == ["e.zarr"]


def test_what_is_not_ours_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "thesis").write_text("years of work")

    def never(flux: np.ndarray) -> np.ndarray:
        raise AssertionError("worked for nothing")

    with pytest.raises(DataError, match="specanom explanations"):
        explainer(score=never).explain_many(sample(2), store=tmp_path / "thesis")
    assert (tmp_path / "thesis").read_text() == "years of work"


def _few(n: int = 16) -> sa.ExplanationSet:
    return explainer(sa.Uniform(24)).explain_many(sample(n))


def test_memory_in_sets_is_that_of_the_numbers() -> None:
    block, times = _few().replace(flux=None), 250
    tracemalloc.start()
    joining = Joining()
    for _ in range(times):
        joining.append(block)
    made = sa.ExplanationSet(**joining.finish())
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    k = made.weights.shape[1]
    assert len(made) == times * 16
    per_row = k * (8 + 16 + 8 + 4 + 1) + 8 * 15  # weights, intervals, errors, names, narrow; numbers and shares
    assert size / len(made) < 1.3 * per_row + 150  # and texts, which are shared here


def test_memory_while_streaming_does_not_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specanom.explain.writer.ROWS", 128)
    block, peaks = _few(), []
    for times in (24, 72):
        tracemalloc.start()
        with ExplanationWriter(tmp_path / f"{times}.zarr") as writer:
            for _ in range(times):
                writer.append(block)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.25 * peaks[0]
    assert len(sa.ExplanationSet.open(tmp_path / "72.zarr")) == 1152


def test_names_are_numbers_into_distinct_names() -> None:
    rows = [("Hα", "continuum"), ("continuum",), ("Hβ", "Hα", "x")]
    names = Names.of(rows)
    assert list(names) == rows
    assert names == rows
    assert names != rows[:2]
    assert names != [*rows[:2], ("y",)]
    assert names[-1] == rows[-1]
    assert names[1:] == rows[1:]
    assert names[np.array([2, 0])] == [rows[2], rows[0]]
    assert names.at(np.array([1, 0, 2])) == ["continuum", "continuum", "x"]
    assert len(names.vocabulary) == 4
    assert Names(StoredRows(names.codes), names.vocabulary) == rows  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        names[3]


class Tensors:
    """A score with layers, bound by spectrum; what a device can do."""

    def __init__(self) -> None:
        flux = np.random.default_rng(5).normal(1, 0.1, (80, P)).astype(np.float32)
        self.scorer = sa.Scorer(sa.PCAModel(3).fit(sa.SpectrumSet(WAVE, flux)))


def test_explanations_on_a_device_are_those_of_the_cpu_and_the_same_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    some, scorer = sample(20), Tensors().scorer
    plain = explainer(score=scorer).explain_many(some)
    monkeypatch.setattr("specanom.explain.explainer.batched_device", lambda name: torch.device("cpu"))
    many = explainer(score=scorer).explain_many(some)
    assert set(many.paths) == {"device: factored, float32 on cpu"}
    np.testing.assert_allclose(many.weights, plain.weights, rtol=1e-4, atol=1e-4 * np.abs(plain.weights).max())
    np.testing.assert_allclose(many.scores, plain.scores, rtol=1e-5)
    back = explainer(score=scorer).explain_many(some[::-1])
    assert np.array_equal(back.weights[::-1], many.weights)
    alone = explainer(score=scorer).explain(some[7])
    assert isinstance(alone, Explanation)
    assert np.array_equal(alone.weights, many.weights[7])
    other = explainer().explain_many(some)
    assert "not on cpu: the score is a plain function" in other.paths[0]
    assert np.array_equal(other.weights, sa.Explainer(brittle, sa.Uniform(6), method=sa.Lime(60)).explain_many(
        some).weights)


def test_a_spectrum_that_cannot_be_explained_is_skipped_on_a_device_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specanom.explain.explainer.batched_device", lambda name: torch.device("cpu"))
    flux = sample(6).flux.copy()
    flux[2, 4] = np.nan
    made = explainer(score=Tensors().scorer).explain_many(sa.SpectrumSet(WAVE, flux))
    assert len(made) == 5
    assert len(made.skipped) == 1
    assert "flux" in made.skipped[0].reason


def test_a_device_is_looked_for_when_the_explainer_is_made() -> None:
    with pytest.raises(ArgumentError, match="device"):
        sa.Explainer(mse, device="abacus")
    assert sa.Explainer(mse, device="auto").device == "auto"
