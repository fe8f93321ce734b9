"""The split of additive scores is exact, by hand and for every squared score; other scores are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError, DataError
from specanom.explain import ResidualSplit
from specanom.explain.evaluate import GenericEvaluator
from specanom.explain.problem import Problem
from specanom.models import PCAModel
from specanom.scores import BoundScore, LatentScorer, Recipe, Scorer, combine
from specanom.spectrumset import SpectrumSet

P, K = 60, 6
SEGMENTS = np.arange(P) * K // P


def sample() -> SpectrumSet:
    rng = np.random.default_rng(0)
    n = 60
    flux = 1 + 0.2 * np.sin(np.linspace(0, 6, P) + rng.uniform(0, 6, (n, 1))) + 0.05 * rng.normal(size=(n, P))
    imputed = rng.random((n, P)) < 0.05
    table = pd.DataFrame({"id": [f"s{i}" for i in range(n)], "z": rng.uniform(0.05, 0.2, n),
                          "snr": rng.uniform(10, 30, n), "instrument": "SDSS"})
    return SpectrumSet(np.linspace(4800.0, 6800.0, P), flux.astype(np.float32),
                       np.where(imputed, 0, 400).astype(np.float32), table, imputed=imputed)


SAMPLE = sample()
MODEL = PCAModel(3, folds=1).fit(SAMPLE)


def split(score: Any, flux: Any, segments: Any = SEGMENTS) -> Any:
    return ResidualSplit()(GenericEvaluator(Problem(score, flux, np.zeros_like(flux), segments)), seed=0)


def toy(recipe: Recipe, *, keep: Any = None, ivar: Any = None) -> BoundScore:
    kept = np.ones(6, dtype=bool) if keep is None else np.array(keep, dtype=bool)
    return BoundScore("toy", recipe, kept, np.zeros_like, None if ivar is None else np.array(ivar, dtype=float))


FLUX = np.array([1.0, 2.0, 3.0, 4.0, 0.0, 6.0], dtype=np.float32)
PAIRS = np.array([0, 0, 1, 1, 2, 2])


@pytest.mark.parametrize(("score", "want"), [
    (toy(Recipe()), [5 / 6, 25 / 6, 36 / 6]),
    (toy(Recipe(), keep=[1, 1, 1, 1, 1, 0]), [1, 5, 0]),
    (toy(Recipe(trim=0.2)), [5 / 4, 9 / 4, 0]),  # of 6 pixels ⌊0.8 · 6⌋ = 4 stay: those of 0, 1, 2 and 3
    (toy(Recipe("chi2_ivar"), ivar=[1, 1, 2, 0, 1, 0.5]), [1, 18 / 5, 18 / 5]),
    (toy(Recipe("chi2", delta=1.0)), [(1 / 2 + 4 / 3) / 6, (9 / 4 + 16 / 5) / 6, 36 / 7 / 6]),
    (toy(Recipe(norm="l2")), [5 / np.sqrt(66), 25 / np.sqrt(66), 36 / np.sqrt(66)]),
], ids=["mse", "filtered", "trimmed", "ivar", "chi2", "root"])
def test_the_parts_are_those_of_the_hand(score: BoundScore, want: list[float]) -> None:
    np.testing.assert_allclose(split(score, FLUX, PAIRS).weights, want, rtol=1e-6)


@given(
    st.sampled_from(["mse", "chi2", "chi2_ivar"]), st.sampled_from([0.0, 0.03, 0.3]), st.sampled_from(["mean", "l2"]),
    st.sampled_from([None, 250.0]), st.sampled_from(["flux", "reconstruction"]), st.integers(0, 59),
)
def test_the_parts_add_up_to_the_score(
    metric: str, trim: float, norm: str, velocity: float | None, weight: str, row: int
) -> None:
    score = Scorer(MODEL, metric, trim=trim, norm=norm, velocity=velocity, weight=weight).bind(SAMPLE[row])
    found = split(score, SAMPLE[row].flux)
    assert found.score == pytest.approx(score(SAMPLE.flux[row][None])[0])
    assert found.weights.sum() == pytest.approx(found.score, rel=1e-9)
    assert found.completeness < 1e-9
    assert found.intercept == 0
    assert (found.weights >= 0).all()
    assert not found.error.any()
    assert found.n_samples == 1


def test_it_asks_nothing_of_the_fill_and_draws_nothing() -> None:
    score, flux = Scorer(MODEL).bind(SAMPLE[0]), SAMPLE[0].flux
    one, same = split(score, flux), ResidualSplit()(GenericEvaluator(Problem(score, flux, flux, SEGMENTS)), seed=9)
    np.testing.assert_array_equal(one.weights, same.weights)
    assert not same.notes
    assert one.stability == 1
    assert np.isnan(one.r2)
    whole = split(score, flux, np.zeros(P, dtype=int))
    assert whole.weights[0] == pytest.approx(whole.score)


def test_pixels_that_do_not_count_have_no_part() -> None:
    score = Scorer(MODEL, "mse", trim=0.1).bind(SAMPLE[4])
    problem = Problem(score, SAMPLE[4].flux, SAMPLE[4].flux, SEGMENTS)
    pixels = ResidualSplit().pixels(problem)
    left = ~score.keep
    assert left.any()
    assert not pixels[left].any()
    assert (pixels > 0).sum() == score.recipe.used(SAMPLE.flux[4:5], score.reconstruct(SAMPLE.flux[4:5]),
                                                   None, score.keep)[1].sum()


def test_scores_that_are_no_sums_are_refused_with_what_to_do() -> None:
    raw = Scorer(MODEL, "mse")
    latent = LatentScorer(MODEL, "knn").fit(SAMPLE)
    calibrated = raw.calibrate(SAMPLE)
    flux = SAMPLE[0].flux
    for scorer, got in ((Scorer(MODEL, "mad"), "'mad'"), (latent, "latent_knn"), (combine([calibrated]), "combined")):
        with pytest.raises(ArgumentError, match=got):
            split(scorer.bind(SAMPLE[0]), flux)
    with pytest.raises(ArgumentError, match=r"the calibrated.*Explainer\(calibrated\.scorer"):
        split(calibrated.bind(SAMPLE[0]), flux)
    with pytest.raises(ArgumentError, match="squared residuals"):
        split(lambda flux: flux.sum(axis=1), flux)


def test_a_spectrum_without_a_score_is_refused() -> None:
    with pytest.raises(DataError, match="no score and no explanation"):
        split(toy(Recipe(), keep=[0] * 6), FLUX, PAIRS)
