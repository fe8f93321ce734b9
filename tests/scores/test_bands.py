"""Where along the spectrum a score comes from."""

from __future__ import annotations

import numpy as np
import pytest

from specanom.errors import ArgumentError, DataError
from specanom.scores import Scorer, band_shares


def test_shares_equal_sums_over_the_pixels_of_a_band(sample, model):
    scorer = Scorer(model, "chi2_ivar", velocity=250)
    bands = {"blue": (4800, 5500), "red": (5500, 6900), "middle": (5200, 5900)}
    made = band_shares(scorer, sample, bands, block_size=32)
    assert list(made) == ["id", "blue", "red", "middle"]
    for row in (0, 40, 79):
        bound = scorer.bind(sample[row])
        r2 = (sample.flux[row] - bound.reconstruct(sample.flux[row][None])[0]).astype(float) ** 2 * bound.weights
        r2[~bound.keep] = 0
        for name, (low, high) in bands.items():
            inside = (sample.wave >= low) & (sample.wave < high)
            assert made.loc[row, name] == pytest.approx(r2[inside].sum() / r2.sum(), rel=1e-6)
    np.testing.assert_allclose(made["blue"] + made["red"], 1, rtol=1e-12)


@pytest.mark.parametrize("trim", [0.0, 0.1])
def test_the_default_bands_cover_the_grid_once(sample, model, trim):
    made = band_shares(Scorer(model, "chi2", trim=trim), sample).drop(columns="id")
    assert made.shape == (80, 8)
    np.testing.assert_allclose(made.sum(axis=1), 1, rtol=1e-12)


def test_arms_are_found_in_the_observed_frame(sample, model):
    table = sample.table.copy()
    table["z"] = 0.1
    table.loc[0, "z"] = 0.2
    table.loc[1, "z"] = np.nan
    table.loc[2, "instrument"] = "something else"
    odd = sample.replace(table=table)
    made = band_shares(Scorer(model), odd, "arms")
    assert list(made) == ["id", "b", "r"]
    terms = Scorer(model).recipe.terms(sample.flux, model.reconstruct(sample.flux, sample.ids), None, ~sample.imputed)
    for row, join in ((0, 6100 / 1.2), (3, 6000 / 1.1), (4, 6100 / 1.1)):  # BOSS joins at 6100 Å, SDSS at 6000 Å
        blue = terms[row, sample.wave < join].sum() / terms[row].sum()
        assert made.loc[row, "b"] == pytest.approx(blue, rel=1e-9)
        assert made.loc[row, "b"] + made.loc[row, "r"] == pytest.approx(1)
    assert made.loc[[1, 2], ["b", "r"]].isna().all().all()


def test_wrong_calls_raise(sample, model):
    with pytest.raises(ArgumentError, match="sum over pixels"):
        band_shares(Scorer(model, "cosine"), sample)
    with pytest.raises(ArgumentError, match="pixels within"):
        band_shares(Scorer(model), sample, {"far": (9000, 9100)})
    with pytest.raises(ArgumentError, match="arms"):
        band_shares(Scorer(model), sample, "arm")
    with pytest.raises(DataError, match="instrument"):
        band_shares(Scorer(model), sample.replace(table=sample.table.drop(columns="instrument")), "arms")


def test_a_row_with_a_bad_pixel_has_no_shares(sample, model):
    flux = np.array(sample.flux[:5])
    flux[2, 100] = np.nan
    bad = sample[:5].replace(flux=flux, imputed=np.zeros(flux.shape, bool))
    for trim in (0.0, 0.03):
        shares = band_shares(Scorer(model, trim=trim), bad).drop(columns="id")
        assert shares.isna().all(axis=1).tolist() == [False, False, True, False, False]
