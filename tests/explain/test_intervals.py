"""Intervals cover what they claim; the factorised regression is the plain one, whatever its precision and company."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from specanom.explain.evaluate.generic import GenericEvaluator
from specanom.explain.keeping import Kept
from specanom.explain.lime import SHARED, Lime
from specanom.explain.masks import DESIGNS, cosine_distances, kernel, make_masks
from specanom.explain.problem import Problem
from specanom.explain.ridge import Ridge

from .conftest import Game


def _curved(k: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    linear, mix = rng.normal(size=k), rng.normal(size=(k, 4)) / np.sqrt(k)
    return lambda m: m @ linear + 2 * np.tanh(m @ mix).sum(axis=1) + (np.maximum(m @ mix, 0) ** 2).sum(axis=1)


def _network(k: int) -> GenericEvaluator:
    """Squared residuals of a small rectifying network: a score with kinks, as those of a VAE."""
    rng = np.random.default_rng(5)
    p = 4 * k
    into, out = rng.normal(size=(p, 24)) / np.sqrt(p), rng.normal(size=(24, p)) / np.sqrt(24)
    flux = (1 + 0.3 * rng.normal(size=p)).astype(np.float32)

    def score(spectra: np.ndarray) -> np.ndarray:
        residual = spectra - np.maximum(spectra @ into - 0.2, 0) @ out
        return np.asarray((residual.astype(float) ** 2).mean(axis=1))

    return GenericEvaluator(Problem(score, flux, np.ones(p), np.arange(p) // 4))


@pytest.mark.parametrize("evaluator", [Game(15, _curved(15)), _network(15)], ids=["nonlinear game", "network"])
@pytest.mark.parametrize("design", DESIGNS)
def test_intervals_of_fifty_seeds_cover_the_population_weights(evaluator: Any, design: str) -> None:
    """The penalty and the spectrum itself, in every drawing, pull weights aside: the intervals allow for that too."""
    n, many = 500, Lime(40_000)
    truth = np.mean([many(evaluator, seed=900 + i).weights for i in range(2)], axis=0)
    found = [Lime(n, design=design)(evaluator, seed=seed) for seed in range(50)]
    inside = np.mean([(f.interval[:, 0] <= truth) & (truth <= f.interval[:, 1]) for f in found])
    assert 0.90 <= inside <= 0.98
    # The standard errors are those of the drawing itself.
    scatter = np.std([f.weights for f in found], axis=0, ddof=1)
    ratio = np.sqrt(np.mean([f.error**2 for f in found], axis=0)) / scatter
    assert np.median(ratio) == pytest.approx(1, abs=0.15)


def _dense(masks: np.ndarray, near: np.ndarray, scores: np.ndarray, alpha: float) -> np.ndarray:
    x = masks - near @ masks / near.sum()
    gram = (x * near[:, None]).T @ x + alpha * np.eye(masks.shape[1])
    return np.asarray(np.linalg.solve(gram, (x * near[:, None]).T @ (scores - near @ scores / near.sum())))


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(("k", "n", "allowed"), [(77, 2000, 1e-9), (30, 20, 1e-9), (77, 101, 1e-9), (300, 6001, 1e-5)])
def test_weights_are_those_of_the_normal_equations(design: str, k: int, n: int, allowed: float) -> None:
    """The largest operator is in single precision."""
    masks = make_masks(0, k, n, design)
    near = kernel(cosine_distances(masks), 0.25)
    scores = 100 + _curved(k)(masks.astype(float))
    weights, _ = Ridge(masks, near, alpha=1.0, pairs=design != "independent").solve(scores)
    expected = _dense(masks.astype(float), near, scores, 1.0)
    assert np.linalg.norm(weights - expected) <= allowed * np.linalg.norm(expected)


def test_the_sandwich_is_that_of_its_definition() -> None:
    k, n = 9, 201  # the last pair has one row
    masks = make_masks(3, k, n, "paired")
    near = kernel(cosine_distances(masks), 0.25)
    scores = _curved(k)(masks.astype(float))
    fit = Ridge(masks, near, alpha=0.7, pairs=True)
    weights, intercept = fit.solve(scores)
    found = fit.quality(scores, weights, intercept=intercept)
    x = masks - near @ masks / near.sum()
    root = np.sqrt(near)
    z = root[:, None] * x
    bread = np.linalg.inv(z.T @ z + 0.7 * np.eye(k))
    hat = z @ bread @ z.T + np.outer(root, root) / near.sum()
    residual = root * (scores - intercept - masks @ weights)
    meat, first = np.zeros((k, k)), np.zeros((k, k))
    for start in range(0, n, 2):
        rows = slice(start, min(start + 2, n))
        values, vectors = np.linalg.eigh(np.eye(rows.stop - start) - hat[rows, rows])
        part = z[rows].T @ (vectors / np.sqrt(values) @ vectors.T @ residual[rows])
        meat += np.outer(part, part)
        first = first if start else np.outer(part, part)
    # From drawing to drawing, the pair of the spectrum itself stays.
    covariance = bread @ (meat - first) @ bread
    np.testing.assert_allclose(found.error, np.sqrt(np.diag(covariance)), rtol=1e-7)
    pull = np.sqrt(np.diag(bread @ first @ bread))
    aside = np.minimum(*(np.abs(sign * pull - 0.7 * weights / np.diag(z.T @ z)) for sign in (1, -1)))
    assert (found.half >= np.maximum(1.96 * found.error, aside + 1.64 * found.error)).all()
    chosen = np.array([4, 0, 7])
    np.testing.assert_allclose(fit.covariance(found, chosen), covariance[np.ix_(chosen, chosen)], rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(("k", "n", "design"), [(77, 2000, "paired"), (77, 500, "independent"), (300, 6000, "paired")])
def test_scores_get_the_same_bits_alone_and_among_many(k: int, n: int, design: str) -> None:
    masks = make_masks(0, k, n, design)
    fit = Ridge(masks, kernel(cosine_distances(masks), 0.25), alpha=1.0, pairs=design == "paired")
    rows = np.random.default_rng(0).normal(size=(21, n))
    weights, intercepts = fit.solve_many(rows)
    shuffled, _ = fit.solve_many(rows[::-1])
    assert np.array_equal(weights, shuffled[::-1])
    for row, many, intercept in zip(rows, weights, intercepts, strict=True):
        alone, one = fit.solve(row)
        assert np.array_equal(alone, many)
        assert one == intercept


def test_masks_that_are_all_equal_say_nothing() -> None:
    fit = Ridge(np.ones((40, 3), dtype=np.uint8), np.ones(40), alpha=1.0, pairs=False)
    scores = np.random.default_rng(0).normal(size=40)
    weights, intercept = fit.solve(scores)
    np.testing.assert_allclose(weights, 0, atol=1e-12)
    assert intercept == pytest.approx(scores.mean())
    assert fit.quality(scores, weights, intercept=intercept).r2 == pytest.approx(0)


@pytest.mark.parametrize("design", DESIGNS)
def test_one_segment_has_the_whole_change(design: str) -> None:
    found = Lime(200, design=design, alpha=1e-9)(Game(1, lambda m: 2 + 3 * m[:, 0]), seed=0)
    assert found.weights == pytest.approx([3])
    assert found.completeness == pytest.approx(0, abs=1e-6)
    assert found.stability == 1


@pytest.mark.parametrize("design", DESIGNS)
def test_fewer_masks_than_segments_have_weights_and_no_interval(design: str) -> None:
    found = Lime(30, design=design)(Game(50, _curved(50)), seed=0)
    assert np.isfinite(found.weights).all()
    assert np.isnan(found.interval).all()
    assert np.isnan(found.error).all()
    assert np.isnan(found.stability)
    assert "effective sample size" in found.notes[0]


@pytest.mark.parametrize("design", DESIGNS)
def test_completeness_compares_the_sum_of_weights_with_the_scores_of_spectrum_and_fill(design: str) -> None:
    value = _curved(12)
    found = Lime(400, design=design)(Game(12, value), seed=0)
    change = float(value(np.ones((1, 12)))[0] - value(np.zeros((1, 12)))[0])
    assert found.completeness == pytest.approx(abs(found.weights.sum() - change) / abs(change))
    additive = Lime(400, design=design, alpha=1e-9)(Game(12, lambda m: m @ np.arange(12.0)), seed=0)
    assert additive.completeness < 1e-8


def test_the_fill_of_an_independent_design_is_scored_in_the_same_call_and_not_fitted() -> None:
    calls = []

    class Counting(Game):
        def scores(self, masks: np.ndarray) -> np.ndarray:
            calls.append(masks)
            return super().scores(masks)

    method = Lime(300, design="independent")
    found = method(Counting(8, _curved(8)), seed=4)
    assert len(calls) == 1
    assert calls[0] is method.masks(4, 8)
    assert not calls[0][-1].any()
    assert len(calls[0]) == 301
    assert found.n_samples == 300
    # A fill without a score spoils completeness only.
    holed = Lime(300, design="independent")(Game(20, lambda m: np.where(m.any(axis=1), m.sum(axis=1), np.nan)), seed=4)
    assert np.isnan(holed.completeness)
    assert np.isfinite(holed.weights).all()


def test_scores_of_spectrum_and_fill_alike_have_no_completeness() -> None:
    found = Lime(400)(Game(6, lambda m: (m[:, 0] - m[:, 1]) * 2.0), seed=0)
    assert np.isnan(found.completeness)


def test_a_fill_equal_to_the_spectrum_has_no_weights_and_says_so() -> None:
    flux = np.linspace(1, 2, 60).astype(np.float32)
    rounding = np.random.default_rng(0)
    same = GenericEvaluator(Problem(lambda f: 1 + 1e-7 * rounding.random(len(f)), flux, flux, np.arange(60) // 10))
    found = Lime(300)(same, seed=0)
    assert np.array_equal(found.weights, np.zeros(6))
    assert np.array_equal(found.interval, np.zeros((6, 2)))
    assert "fill equals the spectrum" in found.notes[0]


def test_a_kernel_that_leaves_one_copy_is_called_too_narrow() -> None:
    """Distances between spectra with the published width: all weights vanish but that of the spectrum itself."""
    energy = np.ones(40)

    class Spectra(Game):
        def energy(self) -> np.ndarray:
            return energy

    found = Lime(2000, distance="l2", kernel_width=0.1)(Spectra(40, _curved(40)), seed=0)
    assert "a single copy has" in found.notes[0]
    assert "too narrow" in found.notes[0]
    narrow = Lime(2000, kernel_width=0.03)(Game(40, _curved(40)), seed=0)
    assert narrow.notes
    assert not Lime(2000, distance="l2", kernel_width=1.0)(Spectra(40, _curved(40)), seed=0).notes


def test_the_width_of_a_kernel_between_spectra_is_given_in_flux() -> None:
    class Spectra(Game):
        def energy(self) -> np.ndarray:
            return np.full(self.n_segments, 4.0)

    method = Lime(1000, distance="l2", kernel_width=0.5, normalise=False)
    found = method(Spectra(10, _curved(10)), seed=0)
    typical = np.median(np.sqrt(4.0 * (1 - make_masks(0, 10, 1000)).sum(axis=1)))
    assert found.kernel == (f"√exp(−d²/w²), l2 distance, w = 0.5 of the median distance = {0.5 * typical:.4g} in units "
                            "of flux, Σw as it is, α = 1")
    assert method.kernel == "√exp(−d²/w²), l2 distance, w = 0.5 of the median distance, Σw as it is, α = 1"


def test_regressions_are_shared_and_their_memory_bounded() -> None:
    SHARED.clear()
    Lime(500)(Game(20, _curved(20)), seed=0)
    held = SHARED.nbytes
    Lime(500)(Game(20, _curved(20, seed=3)), seed=0)
    assert SHARED.nbytes == held > 0

    class Big:
        nbytes = 400

    kept: Kept[Big] = Kept(1000)
    first = kept.get("a", Big)
    kept.get("b", Big)
    assert kept.get("a", Big) is first
    kept.get("c", Big)  # "b" was used least recently
    assert kept.nbytes == 800
    assert kept.get("a", Big) is first
