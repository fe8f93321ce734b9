"""The scores of the package's own models: folds found by id, bound scores bit for bit, no dependence on blocks."""

from __future__ import annotations

import numpy as np
import pytest

from specanom.models import BinnedModel, PCAModel, wrap
from specanom.scores import METRICS, LatentScorer, Scorer, calibrate_all, combine, table


@pytest.fixture(scope="module")
def pca(sample):
    return PCAModel(4, folds=4, seed=1).fit(sample)


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_bound_scores_equal_those_of_the_sample(sample, pca, metric):
    scorer = Scorer(pca, metric, velocity=250, trim=0.03)
    whole = scorer(sample)
    np.testing.assert_array_equal(scorer(sample, block_size=13), whole)
    for row in (0, 1, 50):
        assert scorer.bind(sample[row])(sample.flux[row][None])[0] == pytest.approx(whole[row], rel=1e-9)


def test_spectra_are_judged_by_the_fold_that_has_not_seen_them(sample, pca):
    assert len(set(pca.fold_of(sample.ids))) == 4
    scorer = Scorer(pca)
    got = scorer(sample)
    seen = [scorer.recipe(s.flux[None], pca.bind(None)(s.flux[None]), None, ~s.imputed)[0] for s in sample]
    unseen = [scorer.recipe(s.flux[None], pca.bind(s.id)(s.flux[None]), None, ~s.imputed)[0] for s in sample]
    np.testing.assert_allclose(got, unseen, rtol=1e-9)
    assert got.mean() > np.mean(seen)


def test_an_injected_line_is_the_oddest_by_every_score_that_sees_it(sample, pca):
    flux = np.array(sample.flux)
    flux[33, 150:156] += 3
    odd = sample.replace(flux=flux)
    scorers = Scorer.paper(pca) | {"chi2_ivar": Scorer(pca, "chi2_ivar"), "multiscale": Scorer(pca, "multiscale")}
    calibrated = calibrate_all(scorers, odd)
    made = table({**calibrated, "combined": combine([calibrated["mse"], calibrated["chi2_ivar"]])}, odd)
    for name in ("mse", "chi2", "chi2_ivar", "multiscale", "combined"):
        assert made[name].idxmax() == 33, name
    # 3 % of the pixels may be left out, and the line has 6 of 300: a trimmed score sees only what it does elsewhere.
    assert made["mse_trimmed"][33] < 0.7 * made["mse"][33]


def test_wrapped_callables_and_latent_scores_work(sample, pca):
    wrapped = wrap(lambda flux: np.ones_like(flux), wave=sample.wave)
    got = Scorer(wrapped, "mad")(sample)
    want = [np.abs(s.flux[~s.imputed].astype(float) - 1).mean() for s in sample]
    np.testing.assert_allclose(got, want, rtol=1e-6)
    latent = LatentScorer(pca, "knn").fit(sample)
    assert latent.bind(sample[3])(sample.flux[3:4])[0] == pytest.approx(latent(sample)[3], rel=1e-4)


def test_new_spectra_are_judged_by_the_model_of_their_bin(sample, pca, sample_maker):
    binned = BinnedModel.fit(lambda: PCAModel(3, folds=1), sample.replace(table=sample.table.assign(
        bin=np.arange(80) % 2)))
    new = sample_maker(6, seed=8)
    bins = np.array([0, 1, 1, 0, 0, 1])
    new = new.replace(table=new.table.assign(bin=bins, id=[f"new {i}" for i in range(6)]))
    scorers = {bin: Scorer(binned.models[bin], "mse") for bin in (0, 1)}
    want = np.where(bins == 0, scorers[0](new), scorers[1](new))
    scorer = Scorer(binned, "mse")
    np.testing.assert_array_equal(scorer(new), want)
    np.testing.assert_array_equal(scorer(list(new)), want)
    np.testing.assert_array_equal(table([scorer], new, block_size=4)["mse"], want)
    bound = [scorer.bind(one)(one.flux[None])[0] for one in new]
    np.testing.assert_allclose(bound, want, rtol=1e-9)
    calibrated = scorer.calibrate(sample)
    assert calibrated.bind(new[0])(new.flux[:1])[0] == pytest.approx(calibrated(new)[0], rel=1e-6)
    latent = LatentScorer(binned, "kl")
    low = LatentScorer(binned.models[0], "kl")
    assert latent(new)[0] == pytest.approx(low(new)[0], rel=1e-6)
    assert latent.bind(new[0])(new.flux[:1])[0] == pytest.approx(low(new)[0], rel=1e-6)
    assert latent(new)[1] != pytest.approx(low(new)[1], rel=1e-3)
