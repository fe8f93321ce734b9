"""What must not change the result: order of the spectra, size of the blocks, unit of the flux."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specanom.preprocess import Preprocessor
from specanom.preprocess.fitting import Drawn, snr_bins
from specanom.spectrumset import SpectrumSet

GRID = (3800, 7000, 800)
fixture_is_a_function = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def spoiled(block):
    ivar = block.ivar.copy()
    ivar[3, 500:900] = 0
    ivar[7] = 0
    return block.replace(ivar=ivar)


@fixture_is_a_function
@given(order=st.permutations(range(16)), rows=st.integers(1, 20))
def test_order_and_block_size(observed, order, rows):
    block = spoiled(observed(16))
    want = Preprocessor(GRID, bins=2).fit_transform(block)
    got = Preprocessor(GRID, bins=2, block=rows).fit_transform(block[np.array(order)])
    back = np.argsort([order.index(int(id[1:])) for id in want.ids])
    for name in ("flux", "ivar", "imputed"):
        np.testing.assert_array_equal(getattr(got, name), getattr(want, name)[back])
    expected = want.table.iloc[back].reset_index(drop=True)
    pd.testing.assert_frame_equal(got.table, expected)
    np.testing.assert_array_equal(got.wave, want.wave)


@fixture_is_a_function
@given(power=st.integers(-17, 6), factor=st.floats(1.0, 9.0))
def test_the_unit_of_the_flux(observed, power, factor):
    block = spoiled(observed(10))
    unit = np.float32(factor * 10.0**power)
    scaled = block.replace(flux=block.flux * unit, ivar=(block.ivar / unit.astype(np.float64) ** 2).astype(np.float32))
    want, got = Preprocessor(GRID).fit_transform(block), Preprocessor(GRID).fit_transform(scaled)
    np.testing.assert_allclose(got.flux, want.flux, rtol=3e-6)
    np.testing.assert_allclose(got.ivar, want.ivar, rtol=2e-5)
    np.testing.assert_allclose(got.table["median"], want.table["median"] * float(unit), rtol=1e-5)
    np.testing.assert_allclose(got.table["snr"], want.table["snr"], rtol=1e-5)


@given(n=st.integers(1, 60), size=st.integers(1, 20), seed=st.integers(0, 9), cut=st.integers(1, 60))
def test_the_draw_for_the_medians_is_the_same_in_any_order_and_blocks(n, size, seed, cut):
    rng = np.random.default_rng(seed)
    flux = rng.uniform(1, 2, (n, 5)).astype(np.float32)
    table = pd.DataFrame({"id": [f"x{k}" for k in range(n)]})
    whole = SpectrumSet(np.arange(5.0) + 1, flux, table=table)
    one, two = Drawn(size), Drawn(size)
    one.add(whole)
    mixed = whole[rng.permutation(n)]
    for block in mixed.blocks(cut):
        two.add(block)
    kept = np.ones(5, dtype=bool)
    np.testing.assert_array_equal(one.typical(kept), two.typical(kept))
    if n <= size:
        normalised = flux / np.median(flux, axis=1, keepdims=True)
        np.testing.assert_allclose(one.typical(kept), np.median(normalised, axis=0), rtol=1e-6)


@given(values=st.lists(st.floats(0.1, 100), min_size=8, max_size=50, unique=True), bins=st.integers(1, 6))
def test_bins_by_quantiles_differ_by_at_most_one_in_size(values, bins):
    snr = np.array(values)
    edges = np.quantile(snr, np.arange(1, bins) / bins)
    counts = np.bincount(snr_bins(snr, edges), minlength=bins)
    assert counts.size == bins
    assert counts.max() - counts.min() <= 1
    assert snr_bins(np.array([np.nan]), edges).tolist() == [0]
