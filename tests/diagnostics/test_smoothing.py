from __future__ import annotations

import numpy as np
import pytest

from specanom.diagnostics import KERNELS, smoothed
from specanom.errors import ArgumentError
from specanom.spectrum import Spectrum


def spectrum(flux, ivar=None, **fields) -> Spectrum:
    flux = np.asarray(flux, dtype=float)
    return Spectrum(np.arange(4000.0, 4000.0 + flux.size), flux, ivar, id="s", **fields)


@pytest.mark.parametrize("weights", ["ivar", "equal"])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("width", [1, 2.5, 5, 500])
def test_a_constant_spectrum_stays_constant(kernel, width, weights):
    rng = np.random.default_rng(0)
    ivar = rng.uniform(0.1, 10.0, 60)
    ivar[20:25] = 0.0
    flux = np.full(60, 3.0)
    flux[20:25] = 1000.0
    made = smoothed(spectrum(flux, ivar), width, kernel=kernel, weights=weights)
    np.testing.assert_allclose(made.flux[made.valid], 3.0, rtol=1e-6)
    assert np.array_equal(made.valid, ivar > 0)


def test_pixels_weigh_by_their_inverse_variance():
    made = smoothed(spectrum([1.0, 2.0, 4.0], [1.0, 2.0, 5.0]), 3)
    assert made.flux[1] == pytest.approx((1 * 1 + 2 * 2 + 5 * 4) / 8)
    assert made.ivar[1] == pytest.approx(8.0)
    assert made.flux[0] == pytest.approx((1 * 1 + 2 * 2) / 3)


def test_equal_weights_keep_the_flux_of_a_line_whose_peak_is_noisy():
    flux = 1.0 + 50.0 * np.exp(-0.5 * ((np.arange(61) - 30) / 2.0) ** 2)
    kept = smoothed(spectrum(flux, 1.0 / flux), 5, weights="equal").flux.sum()
    assert kept == pytest.approx(flux.sum(), rel=1e-5)
    assert smoothed(spectrum(flux, 1.0 / flux), 5).flux.sum() < 0.9 * kept


@pytest.mark.parametrize("weights", ["ivar", "equal"])
def test_the_noise_of_the_mean_is_that_of_many_draws(weights):
    rng = np.random.default_rng(1)
    sigma = rng.uniform(0.5, 2.0, 21)

    def middle(flux) -> Spectrum:
        return smoothed(spectrum(flux, sigma**-2), 5, kernel="gaussian", weights=weights)

    draws = [middle(rng.normal(0.0, sigma)).flux[10] for _ in range(2000)]
    assert np.std(draws) == pytest.approx(middle(np.zeros(21)).ivar[10] ** -0.5, rel=0.06)


@pytest.mark.parametrize("kernel", KERNELS)
def test_masked_imputed_and_missing_pixels_lend_nothing_and_stay(kernel):
    flux, ivar = np.ones(30), np.ones(30)
    flux[[5, 15, 25]] = [1e6, 1e6, np.nan]
    ivar[5] = 0.0
    imputed = np.zeros(30, dtype=bool)
    imputed[15] = True
    made = smoothed(spectrum(flux, ivar, imputed=imputed), 7, kernel=kernel)
    assert made.flux[5] == made.flux[15] == np.float32(1e6)
    assert np.isnan(made.flux[25])
    assert made.ivar[5] == 0.0
    np.testing.assert_allclose(np.delete(made.flux, [5, 15, 25]), 1.0, rtol=1e-6)


def test_a_gaussian_has_the_width_asked_for():
    flux = np.zeros(201)
    flux[100] = 1.0
    made = smoothed(spectrum(flux), 20, kernel="gaussian").flux
    above = np.flatnonzero(made >= made.max() / 2)
    assert above[-1] - above[0] + 1 == pytest.approx(20, abs=1.1)
    assert made.sum() == pytest.approx(1.0, rel=1e-5)


def test_an_even_box_covers_its_ends_by_half():
    flux = np.zeros(9)
    flux[4] = 1.0
    np.testing.assert_allclose(smoothed(spectrum(flux), 4).flux, [0, 0, .125, .25, .25, .25, .125, 0, 0], atol=1e-7)


def test_all_else_is_kept():
    s = spectrum(np.ones(10), np.ones(10), z=0.1, meta={"class": "GALAXY"})
    made = smoothed(s, 3)
    assert (made.id, made.z, made.meta, made.frame) == ("s", 0.1, s.meta, "observed")
    assert smoothed(spectrum(np.ones(10)), 3).ivar is None


@pytest.mark.parametrize("width", [0, -3, np.nan, np.inf])
def test_a_width_that_is_none_is_refused(width):
    with pytest.raises(ArgumentError, match="width: expected a number of pixels above 0"):
        smoothed(spectrum(np.ones(5)), width)
    with pytest.raises(ArgumentError, match="kernel"):
        smoothed(spectrum(np.ones(5)), 3, kernel="bilateral")
