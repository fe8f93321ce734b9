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
from specanom.scores.gradient import mean_product, partials

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


def test_the_mean_of_a_weighted_residual_is_that_of_a_fine_sum_also_across_zero() -> None:
    rng = np.random.default_rng(2)
    a, b, ra, rb = rng.normal(size=(4, 30))
    b[:5] = a[:5]
    b[5:10] = a[5:10] * (1 + 1e-7)
    a[10] = 0.0
    u = (np.arange(400_000) + 0.5) / 400_000
    want = [np.mean((r0 + (r1 - r0) * u) / (np.abs(x0 + (x1 - x0) * u) + 0.01))
            for x0, x1, r0, r1 in zip(a, b, ra, rb, strict=True)]
    np.testing.assert_allclose(mean_product(a, b, ra, rb, delta=0.01), want, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("link", LINKS[:2], ids=["raw", "log"])
@pytest.mark.parametrize("norm", ["mean", "l2"])
def test_pieces_add_up_to_the_change_of_the_score_where_pixels_cross_zero(link: Any, norm: str) -> None:
    score = bound(Recipe("chi2", norm=norm, delta=0.01), link)
    assert score.steep
    assert not bound(Recipe("chi2", weight="reconstruction")).steep
    rng = np.random.default_rng(8)
    start, end = rng.normal(0, 0.5, (2, P))
    assert (start * end < 0).any()
    rows = start + np.linspace(0, 1, 65)[:, None] * (end - start)
    made = score.pieces(rows[:-1], rows[1:])
    change = np.diff(score(np.stack([start, end])))[0]
    assert made.sum() == pytest.approx(change, rel=0.01)
    # A sum over as many points misses the leaps altogether.
    points = (score.gradient((rows[:-1] + rows[1:]) / 2) * np.diff(rows, axis=0)).sum()
    assert abs(points - change) > 5 * abs(made.sum() - change)
    # Pixel by pixel it is the integral of the gradient, by a sum fine enough to see the leaps.
    fine = start + ((np.arange(100_000) + 0.5) / 100_000)[:, None] * (end - start)
    want = score.gradient(fine).mean(axis=0) * (end - start)
    np.testing.assert_allclose(made.sum(axis=0), want, atol=0.02 * np.abs(want).max())
