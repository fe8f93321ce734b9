from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.plots.drawing import (
    clipped,
    decimate,
    nice_ticks,
    on_regular,
    pixel_edges,
    place_labels,
    robust_range,
    runs,
)


@given(st.lists(st.booleans(), max_size=60))
def test_runs_cover_exactly_the_true_pixels(flags):
    covered = np.zeros(len(flags), dtype=bool)
    for start, stop in runs(np.array(flags, dtype=bool)):
        assert stop > start
        covered[start:stop] = True
    assert covered.tolist() == flags


@given(st.integers(1, 3000), st.integers(1, 200), st.integers(0, 10_000))
def test_decimation_keeps_highest_and_lowest_point_and_the_order(n, columns, seed):
    x, y = np.arange(n, dtype=float), np.random.default_rng(seed).normal(size=n)
    thin_x, thin_y = decimate(x, y, columns)
    assert thin_y.max() == y.max()
    assert thin_y.min() == y.min()
    assert (np.diff(thin_x) > 0).all()
    assert thin_x.size <= max(2 * columns, 1)
    assert np.array_equal(y[thin_x.astype(int)], thin_y)


def test_decimation_keeps_a_gap_as_nan():
    y = np.ones(1000)
    y[400:600] = np.nan
    assert np.isnan(decimate(np.arange(1000.0), y, 50)[1]).any()


def test_a_one_pixel_spike_does_not_set_the_range_but_an_unresolved_line_does():
    rng = np.random.default_rng(0)
    flux = 1.0 + rng.normal(0, 0.02, 4000)
    spike = flux.copy()
    spike[1000] = 500.0
    assert robust_range(spike, np.full(4000, 0.02))[1] < 1.5
    wave = np.arange(4000.0)
    emission = flux + 30.0 * np.exp(-0.5 * ((wave - 2000.0) / 1.1) ** 2)
    assert robust_range(emission, np.full(4000, 0.02))[1] > emission.max()


def test_a_two_pixel_spike_does_not_set_the_range():
    flux = np.ones(1000)
    flux[500:502] = 90.0
    assert robust_range(flux)[1] < 2.0


@pytest.mark.parametrize("flux", [np.full(10, np.nan), np.array([]), np.array([2.0]), np.zeros(7), np.full(99, -3.0)])
def test_range_is_finite_and_not_empty_for_any_flux(flux):
    lo, hi = robust_range(flux)
    assert np.isfinite([lo, hi]).all()
    assert hi > lo


def test_clipped_reports_one_arrow_a_run_with_the_true_value():
    y = np.array([1.0, 9.0, 12.0, 1.0, -5.0, np.nan])
    xs, edges, values = clipped(np.arange(6.0), y, (0.0, 2.0))
    assert list(zip(xs, edges, values, strict=True)) == [(4.0, 0.0, -5.0), (2.0, 2.0, 12.0)]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_lie_inside_and_are_few(lo, width):
    ticks = nice_ticks(lo, lo + width, 6)
    assert len(ticks) <= 8
    assert all(lo - 1e-6 * width <= t <= lo + width * (1 + 1e-6) for t in ticks)


def test_ticks_of_an_empty_or_unknown_range():
    assert nice_ticks(1.0, 1.0) == [1.0]
    assert nice_ticks(float("nan"), 1.0) == []


@given(st.lists(st.tuples(st.floats(-50, 950), st.sampled_from(["Hα", "[O III]", "Ca K", "Mg b"])), max_size=25))
def test_labels_never_overlap_and_stay_inside(items):
    centres, texts = [c for c, _ in items], [t for _, t in items]
    placed = place_labels(centres, texts, 3, width=900.0)
    boxes: dict[int, list[tuple[float, float]]] = {}
    for centre, text, (row, shift) in zip(centres, texts, placed, strict=True):
        half = (len(text) * 5.8) / 2
        at = centre + shift
        if row >= 0:
            assert 0 <= at - half <= at + half <= 900
            assert all(at + half <= a or at - half >= b for a, b in boxes.get(row, []))
            boxes.setdefault(row, []).append((at - half, at + half))


def test_pixel_edges_of_one_pixel_are_one_wide():
    assert pixel_edges(np.array([5000.0])).tolist() == [4999.5, 5000.5]


def test_on_regular_keeps_gaps_and_means():
    x = np.concatenate([np.arange(0.0, 100.0), np.arange(200.0, 300.0)])
    image = on_regular(x, np.ones((2, x.size)), 30)
    assert image.shape == (2, 30)
    assert np.isnan(image[:, 12:17]).all()
    assert np.nanmin(image) == np.nanmax(image) == 1.0


def test_on_regular_fills_columns_narrower_than_pixels():
    assert np.isfinite(on_regular(10.0 ** (3.5 + 1e-4 * np.arange(500)), np.ones((1, 500)), 500)).all()
    assert on_regular(np.array([5000.0]), np.array([[3.0]]), 10).tolist() == [[3.0]]
