"""Which observed pixels count."""

from __future__ import annotations

import numpy as np
import pytest

from specanom.preprocess.medians import row_medians
from specanom.preprocess.pixels import Airglow, BadPixels, FaintPixels, SignalToNoise, bit_pattern


def test_row_medians_are_those_of_nanmedian():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 31)).astype(np.float32)
    values[rng.random(values.shape) < 0.4] = np.nan
    values[7] = np.nan
    values[8] = values[9]
    want = np.full(50, np.nan)
    some = ~np.isnan(values).all(axis=1)
    want[some] = np.nanmedian(values[some].astype(np.float64), axis=1)
    np.testing.assert_allclose(row_medians(values), want, rtol=1e-7)


def test_ivar_zero_and_flux_not_finite_are_missing(observed):
    block = observed(3)
    flux, ivar = block.flux.copy(), block.ivar.copy()
    ivar[0, 10], ivar[0, 11], ivar[0, 12], ivar[0, 13] = 0, -1, np.nan, np.inf
    flux[1, 20], flux[1, 21] = np.nan, np.inf
    with pytest.warns(UserWarning, match="1 infinite"):
        block = block.replace(flux=flux, ivar=ivar)
    out = BadPixels()(block)
    gone = np.isnan(out.flux)
    assert np.flatnonzero(gone[0]).tolist() == [10, 11, 12, 13]
    assert np.flatnonzero(gone[1]).tolist() == [20, 21]
    assert not gone[2].any()
    assert np.array_equal(out.ivar == 0, gone)


@pytest.mark.parametrize(("bit", "fatal"), [(18, True), (22, True), (24, True), (25, True), (23, False), (27, False),
                                            (28, False), (0, False), (4, False), (9, False), (31, False)])
def test_only_the_fatal_bits_of_sdss_make_a_pixel_missing(observed, bit, fatal):
    block = observed(2)
    mask = block.mask.copy()
    mask[1, 100] = np.uint32(1) << np.uint32(bit)
    out = BadPixels()(block.replace(mask=mask))
    assert np.isnan(out.flux[1, 100]) == fatal
    assert np.isnan(out.flux).sum() == fatal


def test_any_bit_of_desi_makes_a_pixel_missing_and_bits_can_be_chosen(observed):
    block = observed(2, survey=["sdss", "desi"])
    mask = block.mask.copy()
    mask[:, 50] = 1 << 4
    block = block.replace(mask=mask)
    assert np.isnan(BadPixels()(block).flux[:, 50]).tolist() == [False, True]
    assert np.isnan(BadPixels(bits=(4,))(block).flux[:, 50]).tolist() == [True, True]
    assert np.isnan(BadPixels(bits=())(block).flux[:, 50]).tolist() == [False, False]
    assert bit_pattern((0, 3, 3)) == 9


def test_a_row_without_any_noise_keeps_its_flux_and_has_unknown_snr(observed):
    block = observed(3)
    ivar = block.ivar.copy()
    ivar[1] = np.nan
    out = SignalToNoise()(BadPixels()(block.replace(ivar=ivar)))
    assert not np.isnan(out.flux[1]).any()
    assert np.isnan(out.table["snr"].to_numpy()).tolist() == [False, True, False]


def test_snr_is_the_median_over_valid_pixels_and_the_survey_keeps_its_own(observed):
    block = observed(4, snr=[1.0, 2.0, 3.0, 4.0])
    ivar = block.ivar.copy()
    ivar[0, ::2] = 0
    out = SignalToNoise()(BadPixels()(block.replace(ivar=ivar)))
    want = np.median((block.flux * np.sqrt(block.ivar))[0, 1::2])
    assert out.table["snr"][0] == pytest.approx(want, rel=1e-6)
    assert out.table["snr_survey"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert out.table["snr"][1] == pytest.approx(20, rel=0.05)


def test_airglow_pixels_become_missing(observed):
    block = observed(2)
    out = Airglow("mask")(block)
    inside = (block.wave >= 5565) & (block.wave <= 5590)
    assert inside.sum() == 20
    assert np.array_equal(np.isnan(out.flux[0]), inside)
    assert (out.ivar[:, inside] == 0).all()
    np.testing.assert_array_equal(out.flux[:, ~inside], block.flux[:, ~inside])


def test_overwriting_airglow_takes_the_mean_of_the_neighbouring_windows(observed):
    block = observed(2)
    out = Airglow("overwrite")(block)
    at = np.flatnonzero((block.wave >= 5565) & (block.wave <= 5590))
    blue, red = at - at.size, at + at.size
    np.testing.assert_allclose(out.flux[:, at], (block.flux[:, blue] + block.flux[:, red]) / 2)
    np.testing.assert_allclose(out.ivar[:, at], 4 / (1 / block.ivar[:, blue] + 1 / block.ivar[:, red]), rtol=1e-6)
    assert np.array_equal(np.delete(out.flux, at, axis=1), np.delete(block.flux, at, axis=1))


@pytest.mark.parametrize("how", ["mask", "overwrite"])
def test_airglow_leaves_spectra_alone_that_do_not_reach_it_and_masks_at_an_edge(observed, how):
    beyond = observed(2, wave=np.linspace(6000, 7000, 1000))
    assert np.array_equal(Airglow(how)(beyond).flux, beyond.flux)
    edge = observed(2, wave=np.linspace(5570, 7000, 1500))
    out = Airglow(how)(edge)
    assert np.array_equal(np.isnan(out.flux[0]), edge.wave <= 5590)


def test_faint_pixels_become_missing(observed):
    block = observed(2)
    flux = block.flux.copy()
    flux[0, 5:8] = 0
    out = FaintPixels(1.0)(block.replace(flux=flux))
    assert np.flatnonzero(np.isnan(out.flux[0])).tolist() == [5, 6, 7]
    assert not np.isnan(out.flux[1]).any()
    assert not np.isnan(FaintPixels(1.0)(block.replace(flux=flux, ivar=None)).flux).any()
