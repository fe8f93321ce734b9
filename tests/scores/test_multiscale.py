"""The multiscale score: unit noise is one, and it sees what the plain χ² hardly does."""

from __future__ import annotations

import numpy as np
import pytest

from specanom.scores.metrics import chi2_ivar, multiscale
from specanom.scores.multiscale import SCALES, SHARE, highest_mean, multiscale_statistic, smoothed_squares, unit_noise


def noise(n=60, p=2000, seed=3):
    return np.random.default_rng(seed).standard_normal((n, p))


def slow(whitened, good):
    """One spectrum by loops over windows."""
    best = -np.inf
    for width in SCALES:
        squares = []
        for start in range(len(whitened) - width + 1):
            window = good[start : start + width]
            if window.sum() >= width / 2:
                squares.append(whitened[start : start + width][window].sum() ** 2 / window.sum())
        count = int(np.ceil(SHARE * len(squares)))
        best = max(best, np.mean(sorted(squares)[-count:]) / unit_noise(len(whitened), width, SHARE))
    return best


def test_equals_loops_over_windows_with_masked_pixels():
    whitened, good = noise(4, 700), np.random.default_rng(1).random((4, 700)) < 0.8
    good[1, 200:330] = False
    got = multiscale_statistic(whitened, good)
    np.testing.assert_allclose(got, [slow(w, g) for w, g in zip(whitened, good, strict=True)], rtol=1e-9)


@pytest.mark.parametrize("width", SCALES)
def test_smoothed_noise_keeps_unit_variance_whatever_is_masked(width):
    good = np.random.default_rng(2).random((60, 2000)) < 0.7
    squares, counted = smoothed_squares(np.where(good, noise(), 0), good, width)
    assert squares[counted].mean() == pytest.approx(1, abs=0.12)
    assert not squares[~counted].any()


@pytest.mark.parametrize("width", SCALES)
def test_every_scale_is_in_units_of_unit_noise(width):
    fresh = noise(400, 1500, seed=9)
    value = highest_mean(*smoothed_squares(fresh, np.ones(fresh.shape, bool), width), SHARE)
    assert value.mean() / unit_noise(1500, width, SHARE) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("start", "width", "depth"), [(300, 3, 6.0), (900, 30, 1.6), (500, 300, 0.6)])
def test_sees_notches_and_weak_broad_features_more_than_chi2_does(start, width, depth):
    x = noise(200, 2000, seed=5)
    odd = x.copy()
    odd[:, start : start + width] -= depth
    zero, one = np.zeros_like(x), np.ones_like(x)
    lift = []
    for score in (multiscale, chi2_ivar):
        quiet = score(x, zero, one)
        lift.append((np.median(score(odd, zero, one)) - quiet.mean()) / quiet.std())
    assert lift[0] > 2
    assert lift[0] > lift[1]


def test_pixels_without_noise_estimate_do_not_count():
    x, ivar = noise(5), np.ones((5, 2000))
    ivar[:, 400:500] = 0
    wild = x.copy()
    wild[:, 400:500] = 1e6
    np.testing.assert_array_equal(multiscale(wild, np.zeros_like(x), ivar), multiscale(x, np.zeros_like(x), ivar))


def test_short_spectra_use_the_scales_that_fit():
    assert np.isfinite(multiscale_statistic(noise(3, 20), np.ones((3, 20), bool))).all()
    assert np.isnan(multiscale_statistic(noise(1, 20), np.zeros((1, 20), bool))).all()
