"""Segments cover each pixel once, and know where they lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import specanom as sa
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
from specanom.lines import LINES, line

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
    ids = Lines(500, continuum=150)(FLUX, WAVE)
    at = {name: ids[np.abs(WAVE - line(name).wave).argmin()] for name in ("Ha", "NII6550", "NII6585", "OIII5008", "Hb")}
    assert at["Ha"] == at["NII6550"] == at["NII6585"]
    assert len({at["Ha"], at["OIII5008"], at["Hb"]}) == 3
    # No piece of continuum is longer than asked for, within a pixel.
    widest = max(hi - lo for spans in intervals_of(ids, WAVE) for lo, hi in spans)
    assert widest < 150 + 2 * (WAVE[1] - WAVE[0])
    centre = line("OIII5008").wave
    (lo, hi), = intervals_of(ids, WAVE)[at["OIII5008"]]
    assert lo == pytest.approx(centre * (1 - 500 / 299792.458), abs=2.1)
    assert hi == pytest.approx(centre * (1 + 500 / 299792.458), abs=2.1)
    assert Lines().width == 500


def test_lines_of_chosen_names_only() -> None:
    ids = Lines(500, continuum=1e4, lines=("Ha",))(FLUX, WAVE)
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


def test_names_of_lines_say_what_lies_in_each_segment() -> None:
    cut = Lines()
    ids, names = cut(FLUX, WAVE), cut.names(FLUX, WAVE)
    assert len(names) == ids.max() + 1
    at = {name: names[ids[np.abs(WAVE - line(name).wave).argmin()]]
          for name in ("Ha", "OIII5008", "SII6718", "OII3727")}
    assert at == {"Ha": "Hα+[N II]", "OIII5008": "[O III] 5008", "SII6718": "[S II]", "OII3727": "[O II]"}
    for k, name in enumerate(names):
        wave = WAVE[ids == k]
        if name.startswith("continuum"):
            assert name == f"continuum {wave[0]:.0f}–{wave[-1]:.0f} Å"
            assert wave[-1] - wave[0] <= 150
        else:
            assert any(wave[0] - 4 < item.wave < wave[-1] + 4 for item in LINES)


@given(st.floats(50, 3000), st.floats(5, 500), st.floats(1000, 9000), st.integers(2, 300))
def test_lines_cover_any_grid_and_name_each_segment(width: float, continuum: float, start: float, p: int) -> None:
    wave = start * 10 ** (1e-4 * np.arange(p))
    cut = Lines(width, continuum=continuum)
    ids = checked(cut(np.ones(p), wave), p)
    assert (np.diff(ids) >= 0).all()
    assert len(cut.names(np.ones(p), wave)) == ids.max() + 1


def power(flux: np.ndarray) -> np.ndarray:
    return np.asarray((flux.astype(float) ** 2).mean(axis=1))


def test_the_last_segment_of_slic_is_perturbed_and_only_the_published_code_leaves_it() -> None:
    """Masks of K numbers over labels 1…K never reach the last label; ids here begin at 0."""
    flux = (1 + np.sin(WAVE / 300)).astype(np.float32)
    last = (ids := Slic(20)(flux, WAVE)) == ids.max()

    def of_last(rows: np.ndarray) -> np.ndarray:
        return power(rows[:, last])

    options = {"perturbation": sa.Scale(0.5), "method": sa.Lime(400)}
    e = sa.Explainer(of_last, Slic(20), **options).explain(flux)
    assert int(e.order[0]) == e.n_segments - 1
    assert e.weights[-1] > 20 * np.abs(e.weights[:-1]).max()
    trap = sa.Explainer(of_last, Slic(20, published=True), **options).explain(flux)
    assert np.array_equal(trap.segments, e.segments)
    assert not trap.weights.any()


def test_ids_with_holes_are_refused_by_the_explainer() -> None:
    with pytest.raises(DataError, match="without holes"):
        sa.Explainer(power, lambda flux, wave: 2 * (np.arange(flux.size) // 100)).explain(FLUX)
    with pytest.raises(ArgumentError, match="at most 2000 segments"):
        sa.Explainer(power, Uniform(2001)).explain(FLUX)


def test_one_segment_and_one_a_pixel_can_be_explained() -> None:
    # Under a wide kernel the penalty is all that shrinks the one weight.
    wide = sa.Lime(1000, kernel_width=10.0)
    one = sa.Explainer(power, Uniform(1), perturbation=sa.Flat(0.0), method=wide).explain(FLUX)
    assert one.weights.shape == (1,)
    assert one.weights[0] == pytest.approx(1.0, rel=0.01)
    assert one.edges.size == 2
    flux = np.ones(12)
    flux[7] = 4.0
    each = sa.Explainer(power, Uniform(12), perturbation=sa.Flat(0.0), method=sa.Lime(1000)).explain(flux)
    assert int(each.order[0]) == 7


class Half:
    """A scorer that leaves imputed pixels out."""

    def bind(self, spectrum: sa.Spectrum) -> object:
        keep = ~spectrum.imputed

        class Bound:
            def __call__(self, flux: np.ndarray) -> np.ndarray:
                return power(flux[:, keep])

        bound = Bound()
        bound.keep = keep
        return bound


def test_segments_of_imputed_pixels_only_have_no_weight() -> None:
    imputed = np.zeros(WAVE.size, dtype=bool)
    imputed[500:700] = True  # segments 5 and 6 of 20
    flux = np.where(imputed, 50.0, 1.0).astype(np.float32)
    e = sa.Explainer(Half(), Uniform(20), perturbation=sa.Scale(0.5), method=sa.Lime(4000)).explain(
        sa.Spectrum(WAVE, flux, imputed=imputed))
    free = np.delete(e.weights, [5, 6])
    assert np.abs(e.weights[[5, 6]]).max() < 0.02 * free.min()


def test_weight_per_angstrom_compares_segments_of_different_widths() -> None:
    ids = np.repeat([0, 1, 2], [1000, 800, 200])
    e = sa.Explainer(power, lambda flux, wave: ids, perturbation=sa.Flat(0.0), method=sa.Lime(2000)).explain(
        sa.Spectrum(WAVE, FLUX))
    assert e.weights[0] > 4 * e.weights[2]
    np.testing.assert_allclose(e.per_angstrom(), e.per_angstrom().mean(), rtol=0.05)
    np.testing.assert_allclose(e.per_angstrom() * [2001, 1600.8, 400.2], e.weights, rtol=1e-3)
