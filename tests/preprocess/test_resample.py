"""Resampling: against numpy, specutils and Monte Carlo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.lines import line
from specanom.preprocess import resample
from specanom.preprocess.positions import edges, grid_kind
from specanom.preprocess.resample import ToRest

GRID = np.linspace(3500, 7500, 4000)
LOG = 10.0 ** (1e-4 * np.arange(35800, 39650))
LINEAR = np.arange(3600.0, 9824.0, 0.8)
ODD = np.sort(np.random.default_rng(5).uniform(3700, 9300, 5000))
COARSE = np.exp(np.linspace(np.log(3000), np.log(12000), 300))


def interpolate(*args, **options):
    return resample.interpolate(*args, **options)[:2]


def average(*args, **options):
    return resample.average(*args, **options)[:2]


def smooth(wave, z=0.0):
    rest = wave / (1 + z)
    return (3 + np.sin(rest / 37.0) + np.exp(-0.5 * ((rest - 5008.24) / 3.0) ** 2)).astype(np.float32)


@pytest.mark.parametrize(("wave", "kind"), [(LOG, "log"), (LINEAR, "linear"), (ODD, "any"), (COARSE, "any")])
def test_the_kind_of_grid_is_recognised(wave, kind):
    assert grid_kind(wave)[0] == kind


@pytest.mark.parametrize("wave", [LOG, LINEAR, ODD, COARSE], ids=["log", "linear", "odd", "coarse"])
@pytest.mark.parametrize("z", [0.0, 0.0123, 0.1087, 0.31])
def test_interpolation_equals_numpy(wave, z):
    flux = smooth(wave)
    got, _ = interpolate(wave, flux[None], None, z=np.array([z]), grid=GRID)
    want = np.interp(GRID * (1 + z), wave, flux.astype(np.float64), left=np.nan, right=np.nan)
    assert np.array_equal(np.isnan(got[0]), np.isnan(want))
    np.testing.assert_allclose(got[0], want, rtol=2e-6, equal_nan=True)


@pytest.mark.parametrize("wave", [LOG, LINEAR, ODD], ids=["log", "linear", "odd"])
def test_the_variance_is_the_sum_of_squared_weights_times_variances(wave):
    rng = np.random.default_rng(3)
    ivar = rng.uniform(0.5, 4.0, wave.size).astype(np.float32)
    z = 0.087
    _, got = interpolate(wave, smooth(wave)[None], ivar[None], z=np.array([z]), grid=GRID)
    at = GRID * (1 + z)
    inside = (at >= wave[0]) & (at <= wave[-1])
    low = np.searchsorted(wave, at[inside], side="right") - 1
    w = (at[inside] - wave[low]) / (wave[low + 1] - wave[low])
    want = 1 / ((1 - w) ** 2 / ivar[low] + w**2 / ivar[low + 1])
    np.testing.assert_allclose(got[0][inside], want, rtol=1e-5)
    assert (got[0][~inside] == 0).all()


@pytest.mark.parametrize("method", ["linear", "conserving"])
def test_the_propagated_variance_is_that_of_many_noisy_copies(method):
    rng = np.random.default_rng(7)
    wave, n = LOG[1500:1700], 6000
    grid = np.linspace(5150, 5320, 170)
    sigma = rng.uniform(0.5, 2.0, wave.size)
    flux = (10 + sigma * rng.normal(size=(n, wave.size))).astype(np.float32)
    ivar = np.broadcast_to((sigma**-2).astype(np.float32), flux.shape)
    bring = interpolate if method == "linear" else average
    out, said = bring(wave, flux, ivar, z=np.full(n, 0.05), grid=grid)
    valid = ~np.isnan(out[0])
    assert valid.sum() > 90
    seen = out[:, valid].astype(np.float64).var(axis=0)
    ratio = seen * said[0, valid]
    assert abs(ratio.mean() - 1) < 0.01
    assert np.abs(ratio - 1).max() < 6 * np.sqrt(2 / n)


@pytest.mark.parametrize("method", ["linear", "conserving"])
@pytest.mark.parametrize("wave", [LOG, LINEAR, ODD], ids=["log", "linear", "odd"])
def test_outputs_that_touch_a_missing_pixel_are_missing_and_no_others(method, wave):
    flux, ivar, z = smooth(wave), np.ones(wave.size, dtype=np.float32), 0.05
    gone = [1200, 1201, 2000]
    whole, _ = (interpolate if method == "linear" else average)(wave, flux[None], ivar[None], z=np.array([z]),
                                                                grid=GRID)
    flux[gone], ivar[gone] = np.nan, 0
    got, got_ivar = (interpolate if method == "linear" else average)(wave, flux[None], ivar[None], z=np.array([z]),
                                                                     grid=GRID)
    at = GRID * (1 + z)
    touched = np.zeros(GRID.size, dtype=bool)
    bins, new = edges(wave), edges(GRID) * (1 + z)
    for pixel in gone:
        if method == "linear":
            touched |= (at > wave[pixel - 1]) & (at < wave[pixel + 1])
        else:
            touched |= (new[1:] > bins[pixel]) & (new[:-1] < bins[pixel + 1])
    assert touched.sum() >= 3
    assert np.array_equal(np.isnan(got[0]), np.isnan(whole[0]) | touched)
    np.testing.assert_array_equal(got[0][~touched], whole[0][~touched])
    assert (got_ivar[0][np.isnan(got[0])] == 0).all()
    assert (got_ivar[0][~np.isnan(got[0])] > 0).all()


@pytest.mark.parametrize("wave", [LOG, LINEAR, ODD], ids=["log", "linear", "odd"])
def test_a_grid_onto_itself_at_redshift_zero_is_the_identity(wave):
    flux, ivar = smooth(wave)[None].copy(), np.full((1, wave.size), 3, dtype=np.float32)
    flux[0, 700], ivar[0, 700] = np.nan, 0
    got, got_ivar = interpolate(wave, flux, ivar, z=np.zeros(1), grid=wave)
    np.testing.assert_array_equal(got, flux)
    np.testing.assert_allclose(got_ivar, ivar, rtol=1e-6)


def test_conserving_equals_specutils():
    specutils = pytest.importorskip("specutils")
    from astropy import units as u
    from astropy.nddata import InverseVariance
    from specutils.manipulation import FluxConservingResampler

    rng = np.random.default_rng(2)
    wave, z = LOG[1000:1600], 0.08
    grid = np.linspace(4300, 4700, 380)  # reaches beyond the coverage on both sides
    flux = (smooth(wave) + 0.1 * rng.normal(size=wave.size)).astype(np.float32)
    ivar = rng.uniform(1, 3, wave.size).astype(np.float32)
    given_ = specutils.Spectrum(flux=flux.astype(float) * u.Jy, spectral_axis=wave * u.AA,
                                uncertainty=InverseVariance(ivar.astype(float)))
    want = FluxConservingResampler()(given_, grid * (1 + z) * u.AA)
    got, got_ivar = average(wave, flux[None], ivar[None], z=np.array([z]), grid=grid)
    inside = ~np.isnan(got[0])
    assert 250 < inside.sum() < grid.size
    np.testing.assert_allclose(got[0][inside], want.flux.value[inside], rtol=1e-6)
    np.testing.assert_allclose(got_ivar[0][inside], want.uncertainty.array[inside], rtol=1e-5)


@given(z=st.floats(0.02, 0.3), seed=st.integers(0, 99))
def test_conserving_keeps_the_flux_of_a_line(z, seed):
    rng = np.random.default_rng(seed)
    centre = rng.uniform(4500, 5500) * (1 + z)
    flux = np.exp(-0.5 * ((LOG - centre) / 1.5) ** 2).astype(np.float32)
    got, _ = average(LOG, flux[None], None, z=np.array([z]), grid=GRID)
    before = (flux * np.diff(edges(LOG))).sum()
    after = np.nansum(got[0]) * (GRID[1] - GRID[0]) * (1 + z)
    assert after == pytest.approx(before, rel=1e-4)


@pytest.mark.parametrize("method", ["linear", "conserving"])
@pytest.mark.parametrize("name", ["Ha", "Hb", "OIII5008", "OII3727"])
def test_lines_come_to_rest_where_they_belong(observed, method, name):
    block = observed(40)
    z = np.linspace(0.02, 0.13, 40)
    rest = line(name).wave
    shape = np.exp(-0.5 * ((block.wave / (1 + z[:, None]) - rest) / 2.0) ** 2)
    block = block.replace(flux=shape.astype(np.float32), table=block.table.assign(z=z))
    out = ToRest(GRID, method)(block)
    near = np.abs(GRID - rest) < 12
    flux = out.flux[:, near]
    usable = ~np.isnan(flux).any(axis=1)
    assert usable.sum() >= 20
    centroid = (flux[usable] * GRID[near]).sum(axis=1) / flux[usable].sum(axis=1)
    assert np.abs(centroid - rest).max() < 0.05


def test_conserve_flux_multiplies_by_one_plus_z(observed):
    block = observed(5)
    plain, kept = ToRest(GRID)(block), ToRest(GRID, conserve="flux")(block)
    stretch = 1 + block.table["z"].to_numpy()[:, None]
    np.testing.assert_allclose(kept.flux, plain.flux * stretch, rtol=1e-6)
    np.testing.assert_allclose(kept.ivar, plain.ivar / stretch**2, rtol=1e-6)
    assert kept.frame == "rest"
    assert kept.scale == "flux"


def test_unknown_noise_stays_unknown():
    flux = smooth(LOG)[None]
    got, ivar = interpolate(LOG, flux, None, z=np.array([0.1]), grid=GRID)
    assert ivar is None
    got, ivar = interpolate(LOG, flux, np.full_like(flux, np.nan), z=np.array([0.1]), grid=GRID)
    assert np.isnan(ivar[~np.isnan(got)]).all()


@pytest.mark.parametrize("method", ["linear", "conserving"])
def test_mask_bits_go_along_with_the_pixels_and_mask_nothing(observed, method):
    block = observed(2, z=0.1)
    mask = block.mask.copy()
    mask[0, 1000], mask[0, 1001], mask[:, 2000] = 1 << 23, 1 << 28, 1 << 4
    out = ToRest(GRID, method)(block.replace(mask=mask))
    at = GRID * 1.1
    for row, pixel, bit in ((0, 1000, 23), (0, 1001, 28), (1, 2000, 4)):
        near = (at > block.wave[pixel - 1]) & (at < block.wave[pixel + 1])
        np.testing.assert_array_equal((out.mask[row] >> bit) & 1, near)
    assert out.mask[1].any()
    np.testing.assert_array_equal(out.flux, ToRest(GRID, method)(block).flux)
