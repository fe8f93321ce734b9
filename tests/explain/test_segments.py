"""Segments cover each pixel once, and know where they lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError, DataError, ShapeError
from specanom.explain.segments import (
    Boundaries,
    Lines,
    Slic,
    Uniform,
    checked,
    edges_of,
    gaps,
    intervals_of,
    numbered,
    runs,
)
from specanom.lines import line

WAVE = np.linspace(3500.0, 7500.0, 2000)
FLUX = np.ones(WAVE.size, dtype=np.float32)


@given(st.integers(1, 400), st.integers(0, 600))
def test_uniform_gives_exactly_k_segments_whose_sizes_differ_by_one_at_most(k: int, more: int) -> None:
    ids = Uniform(k)(np.ones(k + more), np.arange(k + more, dtype=float))
    size = np.bincount(ids)
    assert size.size == k
    assert size.max() - size.min() <= 1
    assert (np.diff(ids) >= 0).all()


def test_uniform_111_has_no_leftover_segment() -> None:
    size = np.bincount(Uniform(111)(np.ones(3773), np.arange(3773.0)))
    assert size.size == 111
    assert set(size.tolist()) == {33, 34}


def test_more_segments_than_pixels_is_refused_with_the_number_of_pixels() -> None:
    with pytest.raises(ArgumentError, match="at most 5 segments"):
        Uniform(6)(np.ones(5), np.arange(5.0))
    with pytest.raises(ArgumentError, match="at most 5 segments"):
        Slic(6)(np.ones(5), np.arange(5.0))


@pytest.mark.parametrize("k", [0, -1, 2.5, "7", True])
def test_k_must_be_a_whole_number_above_zero(k: object) -> None:
    with pytest.raises(ArgumentError, match="whole number"):
        Uniform(k)  # type: ignore[arg-type]


def test_slic_ids_begin_at_zero_and_are_contiguous_in_wavelength() -> None:
    rng = np.random.default_rng(0)
    flux = 1 + np.exp(-0.5 * ((WAVE - 5000) / 40) ** 2) + 0.01 * rng.normal(size=WAVE.size)
    ids = Slic(40, compactness=0.1, sigma=2)(flux, WAVE)
    assert ids[0] == 0
    assert np.array_equal(np.unique(ids), np.arange(ids.max() + 1))
    assert (np.diff(ids) >= 0).all()
    assert ids.max() > 5
    assert Slic.uses_flux
    assert not Uniform.uses_flux


def test_lines_gives_the_halpha_complex_one_segment_and_the_continuum_equal_pieces() -> None:
    ids = Lines(600, continuum=150)(FLUX, WAVE)
    at = {name: ids[np.abs(WAVE - line(name).wave).argmin()] for name in ("Ha", "NII6550", "NII6585", "OIII5008", "Hb")}
    assert at["Ha"] == at["NII6550"] == at["NII6585"]
    assert len({at["Ha"], at["OIII5008"], at["Hb"]}) == 3
    # No piece of continuum is longer than asked for, within a pixel.
    widest = max(hi - lo for spans in intervals_of(ids, WAVE) for lo, hi in spans)
    assert widest < 150 + 2 * (WAVE[1] - WAVE[0])
    centre = line("OIII5008").wave
    (lo, hi), = intervals_of(ids, WAVE)[at["OIII5008"]]
    assert lo == pytest.approx(centre * (1 - 600 / 299792.458), abs=2.1)
    assert hi == pytest.approx(centre * (1 + 600 / 299792.458), abs=2.1)


def test_lines_of_chosen_names_only() -> None:
    ids = Lines(600, continuum=1e4, lines=("Ha",))(FLUX, WAVE)
    assert ids.max() == 2
    with pytest.raises(ArgumentError, match="line"):
        Lines(lines=("Hx",))


def test_boundaries_cut_where_told_and_cover_what_lies_outside() -> None:
    ids = Boundaries([4000, 5000, 6000])(FLUX, WAVE)
    assert ids.max() == 3
    assert np.array_equal(np.unique(ids[(WAVE >= 4000) & (WAVE < 5000)]), [1])
    assert Boundaries([3000, 5000, 8000])(FLUX, WAVE).max() == 1


def test_boundaries_without_pixels_between_them_are_refused() -> None:
    with pytest.raises(ArgumentError, match="none in 5000"):
        Boundaries([4000, 5000.0, 5000.1])(FLUX, np.linspace(3500, 7500, 41) + 3)
    with pytest.raises(ArgumentError, match="ascending"):
        Boundaries([5000, 4000])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40))
def test_numbered_keeps_groups_and_numbers_by_first_appearance(ids: list[int]) -> None:
    made = numbered(np.array(ids))
    assert made[0] == 0
    first = [int(np.flatnonzero(made == k)[0]) for k in range(made.max() + 1)]
    assert first == sorted(first)
    assert all((made[i] == made[j]) == (ids[i] == ids[j]) for i in range(len(ids)) for j in range(len(ids)))


def test_a_segmenter_of_ones_own_is_checked() -> None:
    assert checked(np.array([0, 1, 1]), 3).tolist() == [0, 1, 1]
    with pytest.raises(DataError, match="without holes"):
        checked(np.array([0, 2, 2]), 3)
    with pytest.raises(DataError, match="without holes"):
        checked(np.array([-1, 0, 0]), 3)
    with pytest.raises(ShapeError):
        checked(np.array([0, 0]), 3)
    with pytest.raises(ShapeError):
        checked(np.array([0.0, 1.0, 1.0]), 3)


def test_edges_lie_between_pixels() -> None:
    wave = np.arange(100.0, 110.0)
    assert edges_of(Uniform(5)(wave, wave), wave).tolist() == [99.5, 101.5, 103.5, 105.5, 107.5, 109.5]


def test_segments_that_are_not_one_interval_have_intervals_and_no_edges() -> None:
    wave = np.arange(100.0, 106.0)
    ids = np.array([0, 0, 1, 1, 0, 0])
    assert edges_of(ids, wave) is None
    assert intervals_of(ids, wave) == (((99.5, 101.5), (103.5, 105.5)), ((101.5, 103.5),))
    assert runs(ids).tolist() == [0, 2, 4, 6]


def test_a_gap_in_the_grid_parts_a_segment() -> None:
    wave = np.concatenate([np.arange(100.0, 120.0), np.arange(140.0, 160.0)])
    ids = np.zeros(40, dtype=np.intp)
    assert edges_of(ids, wave) is None
    assert intervals_of(ids, wave) == (((99.5, 119.5), (139.5, 159.5)),)


@pytest.mark.parametrize("wave", [np.linspace(3500, 7500, 4000), 10 ** np.linspace(3.58, 3.96, 3800)])
def test_a_smooth_grid_has_no_gaps_and_one_missing_pixel_is_one(wave: np.ndarray) -> None:
    assert not gaps(wave).any()
    for drop in (5, 2000, 3700):
        assert np.flatnonzero(gaps(np.delete(wave, drop))).tolist() == [drop - 1]


def test_the_published_cut_leaves_a_remainder_of_its_own() -> None:
    wave = np.arange(3773.0)
    ids = Uniform(111, published=True)(np.ones(3773), wave)
    sizes = np.bincount(ids)
    assert sizes.tolist() == [33] * 111 + [110]
    assert np.bincount(Uniform(77, published=True)(np.ones(3773), wave)).tolist() == [49] * 77
    assert np.bincount(Uniform(111)(np.ones(3773), wave)).max() == 34
