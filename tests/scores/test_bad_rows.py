"""A spectrum that cannot be scored has no score, is named and ranks last; the others keep theirs."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from specanom.errors import DataError
from specanom.scores import LatentScorer, Scorer, ScoreWarning, combine, rank_table, table, top

METRICS = ("mse", "chi2", "chi2_ivar", "multiscale", "cosine", "mad")


class Strict:
    """Refuses what is not finite, as a fitted model does."""

    def __init__(self, inner):
        self.inner, self.wave = inner, inner.wave

    def reconstruct(self, flux, ids=None):
        if not np.isfinite(flux).all():
            raise DataError("flux: expected finite flux")
        return self.inner.reconstruct(flux, ids)

    def encode(self, flux, ids=None):
        if not np.isfinite(flux).all():
            raise DataError("flux: expected finite flux")
        return self.inner.encode(flux, ids)

    def bind(self, id):
        return self.inner.bind(id)


@pytest.fixture
def strict(model):
    return Strict(model)


@pytest.fixture
def spoilt(sample):
    """Row 5 has a NaN and row 9 an infinity where they count, row 12 a NaN in an imputed pixel, row 20 nothing."""
    flux, imputed, ivar = np.array(sample.flux), np.array(sample.imputed), np.array(sample.ivar)
    for row, pixel, value, hidden in ((5, 40, np.nan, False), (9, 41, np.inf, False), (12, 42, np.nan, True)):
        flux[row, pixel], imputed[row, pixel] = value, hidden
        ivar[row, pixel] = 0 if hidden else 100
    flux[20] = np.nan
    return sample.replace(flux=flux, imputed=imputed, ivar=ivar)


@pytest.mark.parametrize("trim", [0.0, 0.03])
@pytest.mark.parametrize("metric", METRICS)
def test_one_bad_pixel_takes_the_score_of_its_own_row_alone(metric, trim, strict, sample, spoilt):
    scorer = Scorer(strict, metric, trim=trim)
    with pytest.warns(ScoreWarning, match=r"3 of 80 spectra have no score: s005, s009, s020 \(") as told:
        got = scorer(spoilt)
    assert len(told) == 1
    assert np.flatnonzero(np.isnan(got)).tolist() == [5, 9, 20]
    others = np.delete(np.arange(80), [5, 9, 12, 20])
    np.testing.assert_array_equal(got[others], scorer(sample)[others])


def test_a_bad_pixel_that_does_not_count_changes_next_to_nothing(strict, sample, spoilt):
    imputed = np.array(sample.imputed)
    imputed[12, 42] = True
    clean = sample.replace(imputed=imputed)
    got = Scorer(strict)(spoilt[12])[0]
    assert got == pytest.approx(Scorer(strict)(clean[12])[0], rel=0.1)
    line = np.abs(sample.wave - 5008.24) < 1
    flux = np.array(sample.flux[:3])
    flux[1, line] = np.nan
    filtered = Scorer(strict, velocity=250)
    values = filtered(sample[:3].replace(flux=flux))
    assert values[1] == pytest.approx(filtered(sample[:3])[1], rel=0.1)
    np.testing.assert_array_equal(values[[0, 2]], filtered(sample[:3])[[0, 2]])


def test_noise_of_zero_hides_a_bad_pixel_from_the_score_that_weighs_by_noise(strict, sample):
    flux, ivar = np.array(sample.flux), np.array(sample.ivar)
    flux[4, 100], ivar[4, 100] = np.nan, 0
    one = sample.replace(flux=flux, ivar=ivar, imputed=np.zeros(flux.shape, bool))
    assert np.isfinite(Scorer(strict, "chi2_ivar")(one)).all()
    with pytest.warns(ScoreWarning, match="s004"):
        assert np.isnan(Scorer(strict, "mse")(one)[4])


def test_arrays_and_single_spectra_too(strict, sample, spoilt):
    flux = np.array(sample.flux[:8])
    flux[[1, 3], 7] = np.nan
    with pytest.warns(ScoreWarning, match="2 of 8 spectra have no score: row 1, row 3"):
        got = Scorer(strict)(flux)
    assert np.flatnonzero(np.isnan(got)).tolist() == [1, 3]
    with pytest.warns(ScoreWarning, match="1 of 1 spectra have no score: s005"):
        assert np.isnan(Scorer(strict)(spoilt[5])).all()
    with pytest.warns(ScoreWarning, match="s005"):
        assert np.isnan(Scorer(strict)([spoilt[4], spoilt[5]])).tolist() == [False, True]


def test_the_score_cannot_be_bound_to_it(strict, spoilt):
    for scorer in (Scorer(strict), LatentScorer(strict, "kl")):
        for row in (5, 12):
            with pytest.raises(DataError, match="finite flux in each pixel, got 1 NaN or infinite"):
                scorer.bind(spoilt[row])


def test_the_table_lists_what_has_no_score_and_ranks_it_last(strict, spoilt):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = table([Scorer(strict), Scorer(strict, "chi2_ivar")], spoilt)
    assert made.attrs["unscored"] == {"mse": ["s005", "s009", "s020"], "chi2_ivar": ["s005", "s009", "s020"]}
    assert sorted(rank_table(made)["mse_rank"].iloc[[5, 9, 20]]) == [78, 79, 80]
    assert not {"s005", "s009", "s020"} & set(top(made, 80)["mse"])
    assert table([Scorer(strict)], spoilt[:3]).attrs["unscored"] == {}


def test_calibrated_combined_and_latent_scores_as_well(strict, sample, spoilt):
    calibrated = [Scorer(strict, metric).calibrate(sample) for metric in ("mse", "chi2_ivar")]
    latent = LatentScorer(strict, "gmm", size=1).fit(spoilt)
    for scorer in (calibrated[0], combine(calibrated)):
        with pytest.warns(ScoreWarning, match="s005, s009, s020"):
            assert np.flatnonzero(np.isnan(scorer(spoilt))).tolist() == [5, 9, 20]
    for scorer in (latent, LatentScorer(strict, "kl")):
        with pytest.warns(ScoreWarning, match="s005, s009, s012, s020"):
            assert np.flatnonzero(np.isnan(scorer(spoilt))).tolist() == [5, 9, 12, 20]
