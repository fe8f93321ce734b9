"""Gradients of scores agree with finite differences, through the model, the weight, the trim and the link."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from specanom.errors import ArgumentError
from specanom.models import PCAModel, VAEModel
from specanom.scores import BoundScore, LatentScorer, Recipe, Scorer, combine
from specanom.scores.calibrate import Excess
from specanom.scores.gradient import partials

P = 40
RNG = np.random.default_rng(3)
TURN = RNG.normal(size=(P, P)) / 8


class Smooth:
    """A reconstruction in double precision whose vector-Jacobian product is known: tanh(x A)."""

    def __call__(self, flux: Any) -> Any:
        return np.tanh(np.asarray(flux, dtype=np.float64) @ TURN)

    def vjp(self, flux: Any, cotangent: Any) -> Any:
        return (cotangent * (1 - self(flux) ** 2)) @ TURN.T


RECIPES = [
    Recipe(),
    Recipe(norm="l2"),
    Recipe(trim=0.1),
    Recipe("chi2", delta=0.05),
    Recipe("chi2", weight="reconstruction", delta=0.05),
    Recipe("chi2", weight="signed", delta=0.05),
    Recipe("chi2", trim=0.1, trim_by="residual", delta=0.05),
    Recipe("chi2", weight="reconstruction", trim=0.2, delta=0.05),
    Recipe("chi2", norm="l2", delta=0.05),
    Recipe("chi2_ivar"),
    Recipe("chi2_ivar", trim=0.1, norm="l2"),
]
LINKS = [None, Excess(-2.0, 0.7), Excess(0.3, 1.7, logarithm=False)]


def bound(recipe: Recipe, link: Any = None) -> BoundScore:
    rng = np.random.default_rng(5)
    ivar = rng.uniform(0.5, 3, P)
    ivar[7] = 0.0
    return BoundScore("toy", recipe, rng.random(P) > 0.15, Smooth(), ivar if recipe.weighting == "ivar" else None,
                      link=link)


def differences(score: Any, flux: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """Central differences of each score by each pixel, (m, p)."""
    made = np.empty_like(flux)
    for pixel in range(flux.shape[1]):
        up, down = flux.copy(), flux.copy()
        up[:, pixel] += step
        down[:, pixel] -= step
        made[:, pixel] = (score(up) - score(down)) / (2 * step)
    return made


@pytest.mark.parametrize("link", LINKS, ids=["raw", "log", "linear"])
@pytest.mark.parametrize("recipe", RECIPES, ids=[f"{r.metric}-{r.weighting}-{r.trim}-{r.norm}" for r in RECIPES])
def test_the_gradient_is_that_of_finite_differences(recipe: Recipe, link: Any) -> None:
    score = bound(recipe, link)
    flux = np.random.default_rng(6).uniform(0.2, 2, (3, P))  # away from zero, where |x| has a corner
    if recipe.weighting in ("flux", "signed"):
        flux[1, ::3] *= -1 if recipe.weighting == "flux" else 1
    want = differences(score, flux)
    np.testing.assert_allclose(score.gradient(flux), want, rtol=2e-5, atol=1e-7 * np.abs(want).max())


def test_a_pixel_that_is_left_out_has_a_gradient_through_the_model_only() -> None:
    score = bound(Recipe())
    flux = np.random.default_rng(1).normal(1, 0.3, (2, P))
    found = partials(score.recipe, flux, Smooth()(flux), keep=score.keep)
    assert not found.by_flux[:, ~score.keep].any()
    assert score.gradient(flux)[:, ~score.keep].all()


def test_a_score_of_zero_has_a_gradient_of_zero_and_not_nan() -> None:
    class Perfect:
        def __call__(self, flux: Any) -> Any:
            return flux

        def vjp(self, flux: Any, cotangent: Any) -> Any:
            return cotangent

    for norm in ("mean", "l2"):
        score = replace(bound(Recipe(norm=norm)), reconstruct=Perfect())
        assert not score.gradient(np.ones((2, P))).any()


@pytest.mark.parametrize("metric", ["mse", "chi2", "chi2_ivar"])
def test_the_gradient_goes_through_the_packages_own_models(sample: Any, metric: str) -> None:
    vae = VAEModel(n_latent=3, hidden=(16,), max_epochs=2, folds=1, seed=0).fit(sample, progress=False)
    for model in (vae, PCAModel(4, folds=1).fit(sample)):
        score = Scorer(model, metric).bind(sample[0])
        flux = np.array(sample.flux[:1], dtype=np.float64)
        got = score.gradient(flux.astype(np.float32))[0]
        assert got.dtype == np.float64
        # Single precision allows differences along long directions only.
        for seed in range(4):
            way = np.random.default_rng(seed).normal(size=flux.shape[1])
            step = 2e-3
            want = (score(flux + step * way)[0] - score(flux - step * way)[0]) / (2 * step)
            assert got @ way == pytest.approx(want, rel=0.03, abs=0.01 * np.linalg.norm(got))


def test_a_combination_has_the_gradient_of_its_highest_member(sample: Any) -> None:
    model = PCAModel(4, folds=1).fit(sample)
    members = [Scorer(model, name).calibrate(sample) for name in ("mse", "chi2_ivar")]
    score = combine(members).bind(sample[2])
    flux = sample.flux[:6]
    winner = np.stack([one(flux) for one in score.members]).argmax(axis=0)
    assert set(winner) == {0, 1}
    each = np.stack([one.gradient(flux) for one in score.members])
    np.testing.assert_allclose(score.gradient(flux), each[winner, np.arange(6)])


def test_scores_without_a_gradient_say_what_to_use_instead(sample: Any, smoother: Any) -> None:
    model = PCAModel(4, folds=1).fit(sample)
    flux = sample.flux[:1]
    for score, what in ((Scorer(model, "mad"), "'mad'"), (Scorer(smoother(sample.wave)), "vector-Jacobian product")):
        with pytest.raises(ArgumentError, match=what) as caught:
            score.bind(sample[0]).gradient(flux)
        assert "Shap()" in str(caught.value)
    with pytest.raises(ArgumentError, match="slope"):
        replace(Scorer(model).bind(sample[0]), link=np.sqrt).gradient(flux)
    drawing = VAEModel(n_latent=2, hidden=(8,), max_epochs=1, folds=1, sample_latent=True, seed=0)
    with pytest.raises(ArgumentError, match="random draws"):
        Scorer(drawing.fit(sample, progress=False)).bind(sample[0]).gradient(flux)
    latent = LatentScorer(model, "knn").fit(sample)
    mixed = combine([latent.calibrate(sample), Scorer(model).calibrate(sample)]).bind(sample[0])
    far = np.array(flux) + 50
    only = replace(mixed, members=mixed.members[:1])
    with pytest.raises(ArgumentError, match="members with a gradient"):
        only.gradient(far)
