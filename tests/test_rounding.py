"""Rounded numbers are near, stay in order, and are told of wherever the set goes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import specanom as sa
from specanom.errors import ArgumentError
from specanom.rounding import BITS, as_stored, round_bits
from specanom.shards import join_shards, write_shard
from specanom.store import SpectrumWriter

SINGLE = hnp.arrays(np.float32, st.integers(1, 40), elements=st.floats(width=32, allow_nan=True, allow_infinity=True))
BITS_KEPT = st.integers(0, 23)


@given(SINGLE, BITS_KEPT)
def test_the_error_is_at_most_half_of_the_last_bit_kept(values: np.ndarray, bits: int) -> None:
    made = round_bits(values, bits)
    normal = np.isfinite(values)
    error = np.abs(made[normal].astype(np.float64) - values[normal].astype(np.float64))
    assert (error <= 2.0 ** -(bits + 1) * np.abs(values[normal].astype(np.float64))).all()


@given(SINGLE, BITS_KEPT)
def test_rounding_twice_is_rounding_once(values: np.ndarray, bits: int) -> None:
    once = round_bits(values, bits)
    assert round_bits(once, bits).tobytes() == once.tobytes()


@given(SINGLE, BITS_KEPT)
def test_order_is_kept(values: np.ndarray, bits: int) -> None:
    ordered = np.sort(values[~np.isnan(values)])
    assert (np.diff(round_bits(ordered, bits)[np.isfinite(ordered)].astype(np.float64)) >= 0).all()


@given(SINGLE, BITS_KEPT)
def test_what_is_no_number_or_nothing_stays_to_the_bit(values: np.ndarray, bits: int) -> None:
    special = ~np.isfinite(values) | (values == 0)
    assert round_bits(values, bits)[special].tobytes() == values[special].tobytes()
    assert np.isfinite(round_bits(values, bits)).tolist() == np.isfinite(values).tolist()


def test_ties_go_to_the_even_neighbour() -> None:
    step = 2.0**-12
    values = np.array([1 + step / 2, 1 + 3 * step / 2, -1 - step / 2, 1 + 0.51 * step], np.float32)
    np.testing.assert_array_equal(round_bits(values, 12), [1, 1 + 2 * step, -1, 1 + step])


def test_the_bits_that_go_are_zero() -> None:
    values = np.random.default_rng(1).normal(size=1000).astype(np.float32)
    assert not (round_bits(values, 12).view(np.uint32) & 0x7FF).any()
    assert (values.view(np.uint32) & 0x7FF).any()


@pytest.fixture(scope="module")
def sample() -> sa.SpectrumSet:
    return sa.Preprocessor(keep_mask=True).fit_transform(sa.surveys.mock(n=90, seed=4))


def test_a_rounded_set_is_near_smaller_and_says_so(sample: sa.SpectrumSet, tmp_path: Path) -> None:
    sample.save(tmp_path / "full.zarr")
    sample.save(tmp_path / "rounded.zarr", precision="rounded")
    full, made = sa.SpectrumSet.open(tmp_path / "full.zarr"), sa.SpectrumSet.open(tmp_path / "rounded.zarr")
    for name, bits in BITS.items():
        np.testing.assert_array_equal(getattr(made, name), round_bits(np.asarray(getattr(full, name)), bits))
        sizes = [sum(one.stat().st_size for one in (tmp_path / which / name).rglob("*") if one.is_file())
                 for which in ("rounded.zarr", "full.zarr")]
        assert sizes[0] < 0.7 * sizes[1]
    for name in ("mask", "imputed"):
        np.testing.assert_array_equal(getattr(made, name), getattr(full, name))
    assert (full.precision, made.precision) == ("full", "rounded")
    assert repr(made).endswith("normalised, rounded")
    assert "rounded" not in repr(full)
    manifest = json.loads((tmp_path / "rounded.zarr" / "manifest.json").read_text())
    told = {"stored": "rounded", "bits": BITS}
    assert manifest["provenance"]["precision"] == told
    assert dict(zarr.open_group(tmp_path / "rounded.zarr", mode="r").attrs) == {"precision": told}
    assert not dict(zarr.open_group(tmp_path / "full.zarr", mode="r").attrs)
    assert made[:5].precision == "rounded"
    made[:5].save(tmp_path / "again.zarr")  # what is rounded stays so
    assert sa.SpectrumSet.open(tmp_path / "again.zarr").precision == "rounded"


def test_shards_are_rounded_like_sets(sample: sa.SpectrumSet, tmp_path: Path) -> None:
    arrays = {"flux": sample.flux, "ivar": sample.ivar}
    (tmp_path / "shard").mkdir()
    shard = write_shard(tmp_path / "shard", arrays, precision="rounded")
    join_shards(tmp_path / "joined.zarr", sample.wave, [shard], sample.table, precision="rounded")
    with SpectrumWriter(tmp_path / "written.zarr", sample.wave, precision="rounded") as writer:
        writer.append(sample.table, arrays)
    one, other = (sa.SpectrumSet.open(tmp_path / name) for name in ("joined.zarr", "written.zarr"))
    np.testing.assert_array_equal(one.flux, other.flux)
    np.testing.assert_array_equal(one.ivar, other.ivar)
    assert one.precision == other.precision == "rounded"
    files = [(tmp_path / name / "flux/c/0/0").read_bytes() for name in ("joined.zarr", "written.zarr")]
    assert files[0] == files[1]


def test_another_precision_is_refused(sample: sa.SpectrumSet, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="precision"):
        sample.save(tmp_path / "s.zarr", precision="half")
    with pytest.raises(ArgumentError, match="precision"):
        as_stored("flux", sample.flux, "float16")
    assert not list(tmp_path.iterdir())
