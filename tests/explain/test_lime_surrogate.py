"""The surrogate is that of the lime package; its intervals cover what they claim."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from lime.lime_base import LimeBase

from specanom.errors import ArgumentError, DataError
from specanom.explain.attribution import Attribution
from specanom.explain.lime import Lime
from specanom.explain.masks import cosine_distances, kernel, make_masks

from .conftest import Game


def _curved(k: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    linear, mix = rng.normal(size=k), rng.normal(size=(k, 4)) / np.sqrt(k)
    return lambda m: m @ linear + 2 * np.tanh(m @ mix).sum(axis=1) + (np.maximum(m @ mix, 0) ** 2).sum(axis=1)


def _lime_base(masks: np.ndarray, scores: np.ndarray, near: np.ndarray) -> tuple[np.ndarray, float, float]:
    intercept, ranked, r2, _ = LimeBase(lambda d: near).explain_instance_with_data(
        masks, scores[:, None], np.zeros(len(masks)), 0, masks.shape[1], feature_selection="none"
    )
    weights = np.empty(masks.shape[1])
    for k, weight in ranked:
        weights[k] = weight
    return weights, intercept, r2


@pytest.mark.parametrize(("design", "left_out"), [("paired", 2), ("independent", 1), ("hadamard", 2)])
def test_without_the_anchor_the_spectrum_itself_has_no_say_in_the_fit(design: str, left_out: int) -> None:
    game = Game(20, lambda m: _curved(20)(m) + 50.0 * (m.sum(axis=1) == 20))  # the spectrum is unlike its copies
    found = Lime(600, design=design, anchor=False)(game, seed=3)
    masks = make_masks(3, 20, 600, design)
    near = np.where(np.arange(600) < left_out, 0.0, kernel(cosine_distances(masks), 0.25))
    weights, intercept, r2 = _lime_base(masks, game.scores(masks), near * 600 / near.sum())
    np.testing.assert_allclose(found.weights, weights, rtol=1e-6, atol=1e-9)
    assert (found.intercept, found.r2) == (pytest.approx(intercept, rel=1e-6), pytest.approx(r2, rel=1e-6))
    assert found.score == game.scores(masks[:1])[0]
    endless = Lime(60_000)(Game(20, _curved(20)), seed=9).weights
    anchored = Lime(600, design=design)(game, seed=3).weights
    assert np.linalg.norm(found.weights - endless) < 0.5 * np.linalg.norm(anchored - endless)
    assert "without the spectrum itself" in found.kernel
    with pytest.raises(ArgumentError, match="n_samples"):
        Lime(3, anchor=False)


@pytest.mark.parametrize("design", ["paired", "independent", "hadamard"])
@pytest.mark.parametrize("normalise", [True, False])
@pytest.mark.parametrize(("k", "n"), [(5, 60), (77, 2000), (40, 30)])
def test_weights_intercept_and_r2_equal_those_of_lime_base(design: str, normalise: bool, k: int, n: int) -> None:
    game = Game(k, _curved(k))
    found = Lime(n, design=design, normalise=normalise)(game, seed=3)
    masks = make_masks(3, k, n, design)
    near = kernel(cosine_distances(masks), 0.25)
    near = near * n / near.sum() if normalise else near
    weights, intercept, r2 = _lime_base(masks, game.scores(masks), near)
    np.testing.assert_allclose(found.weights, weights, rtol=1e-6, atol=1e-9)
    assert found.intercept == pytest.approx(intercept, rel=1e-6)
    assert found.r2 == pytest.approx(r2, rel=1e-6)


@pytest.mark.parametrize("distance", ["cosine", "l2"])
def test_engine_lime_gives_the_same(distance: str) -> None:
    game = Game(12, _curved(12), energy=np.arange(1.0, 13.0))
    ours = Lime(400, distance=distance, kernel_width=0.7, alpha=2.5)(game, seed=0)
    theirs = Lime(400, distance=distance, kernel_width=0.7, alpha=2.5, engine="lime")(game, seed=0)
    np.testing.assert_allclose(ours.weights, theirs.weights, rtol=1e-6)
    np.testing.assert_allclose(ours.interval, theirs.interval, rtol=1e-5)
    assert ours.r2 == pytest.approx(theirs.r2)


def test_l2_distances_are_between_spectra() -> None:
    """Against proximities computed from the copies themselves."""
    rng = np.random.default_rng(1)
    flux, fill = rng.normal(size=30), rng.normal(size=30)
    ids = np.arange(30) // 3
    game = Game(10, _curved(10), energy=np.bincount(ids, (flux - fill) ** 2))
    masks = make_masks(0, 10, 500, "paired")
    copies = np.where(masks[:, ids] == 1, flux, fill)
    distances = np.linalg.norm(copies - flux, axis=1)
    near = np.sqrt(np.exp(-(distances**2) / (0.8 * np.median(distances)) ** 2))
    weights, _, _ = _lime_base(masks, game.scores(masks), near * 500 / near.sum())
    found = Lime(500, distance="l2", kernel_width=0.8)(game, seed=0)
    np.testing.assert_allclose(found.weights, weights, rtol=1e-6)


def test_an_additive_score_gives_back_its_parts() -> None:
    parts = np.random.default_rng(0).normal(size=20)
    found = Lime(2000, alpha=1e-9)(Game(20, lambda m: 3 + m @ parts), seed=0)
    np.testing.assert_allclose(found.weights, parts, atol=1e-8)
    assert found.intercept == pytest.approx(3)
    assert found.r2 == pytest.approx(1)
    assert found.score == pytest.approx(3 + parts.sum())
    # Without noise and penalty the interval closes.
    assert np.ptp(found.interval, axis=1).max() < 1e-6


def test_the_penalty_shrinks_by_the_known_factor() -> None:
    """With balanced masks and no kernel, XᵀX is N/4 on the diagonal, so weights shrink by N/(N + 4α)."""
    masks = make_masks(0, 8, 2 + 16 * 8, "hadamard")
    n = len(masks)
    parts = np.random.default_rng(0).normal(size=8)
    wide = Lime(n, design="hadamard", kernel_width=1e6, alpha=10.0)(Game(8, lambda m: m @ parts), seed=0)
    # Row 0 and its complement make columns alike; with them the shrinkage is a little off the balanced value.
    centred = masks - masks.mean(axis=0)
    gram = centred.T @ centred
    np.testing.assert_allclose(wide.weights, np.linalg.solve(gram + 10 * np.eye(8), gram @ parts), rtol=1e-6)
    assert np.linalg.norm(wide.weights) / np.linalg.norm(parts) == pytest.approx(n / (n + 40), rel=0.1)


def test_without_normalising_a_narrow_kernel_leaves_nothing_but_the_penalty() -> None:
    parts = np.ones(40)
    game = Game(40, lambda m: m @ parts)
    assert np.abs(Lime(2000, kernel_width=0.05, normalise=False)(game, seed=0).weights).mean() < 0.5
    assert np.abs(Lime(2000, kernel_width=0.05)(game, seed=0).weights).mean() > 0.95


def test_a_symmetric_score_gives_alike_weights() -> None:
    found = Lime(20_000)(Game(10, lambda m: np.exp(-m.sum(axis=1) / 5)), seed=0)
    half = np.ptp(found.interval, axis=1) / 2
    assert (np.abs(found.weights - found.weights.mean()) < 3 * half).all()
    assert (found.weights < 0).all()


def test_weights_follow_a_permutation_of_segments() -> None:
    value, order = _curved(9), np.random.default_rng(0).permutation(9)
    plain = Lime(30_000)(Game(9, value), seed=0)
    moved = Lime(30_000)(Game(9, lambda m: value(m[:, np.argsort(order)])), seed=1)
    error = 3 * np.hypot(np.ptp(plain.interval, axis=1)[order], np.ptp(moved.interval, axis=1)) / 2
    assert (np.abs(moved.weights - plain.weights[order]) < error).all()
    assert np.ptp(plain.weights) > 20 * error.max()


@pytest.mark.parametrize(
    "more", [{}, {"design": "independent"}, {"design": "hadamard"}, {"kernel_width": 0.15}], ids=str
)
def test_intervals_cover_the_weights_of_endless_sampling(more: dict[str, Any]) -> None:
    """With a penalty too small to matter: the interval speaks of sampling, not of shrinkage."""
    game = Game(20, _curved(20))
    method = Lime(600, alpha=1e-3, **more)
    endless = Lime(60_000, alpha=1e-3, kernel_width=method.kernel_width)
    truth = np.mean([endless(game, seed=900 + i).weights for i in range(3)], axis=0)
    inside = []
    for seed in range(60):
        found = method(game, seed=seed)
        inside.append((found.interval[:, 0] <= truth) & (truth <= found.interval[:, 1]))
    assert 0.90 <= np.mean(inside) <= 0.98


def test_pairs_err_less_than_independent_masks_and_say_so() -> None:
    game = Game(30, _curved(30))
    paired, single = Lime(1000)(game, seed=0), Lime(1000, design="independent")(game, seed=0)
    assert np.ptp(paired.interval, axis=1).mean() < 0.7 * np.ptp(single.interval, axis=1).mean()


def test_too_few_effective_samples_are_noted_and_have_no_interval() -> None:
    found = Lime(2000, distance="l2", kernel_width=0.1)(Game(20, _curved(20)), seed=0)
    assert found.ess < 20
    assert "effective sample size" in found.notes[0]
    assert np.isnan(found.interval).all()
    assert Lime(2000)(Game(20, _curved(20)), seed=0).notes == ()


def test_a_constant_score_has_no_weights_and_no_fit() -> None:
    found = Lime(200)(Game(6, lambda m: np.full(len(m), 0.3)), seed=0)
    np.testing.assert_allclose(found.weights, 0, atol=1e-15)
    assert isinstance(found, Attribution)


def test_scores_that_are_not_finite_are_told_apart() -> None:
    with pytest.raises(DataError, match="spectrum itself"):
        Lime(50)(Game(4, lambda m: np.where(m.all(axis=1), np.nan, 1.0)), seed=0)
    with pytest.raises(DataError, match="perturbed copies"):
        Lime(50)(Game(4, lambda m: np.where(m.all(axis=1), 1.0, np.inf)), seed=0)


@pytest.mark.parametrize("bad", [{"n_samples": 1}, {"design": "pair"}, {"distance": "cos"}, {"kernel_width": 0},
                                 {"alpha": 0}, {"engine": "shap"}, {"n_samples": 10.5}])
def test_settings_are_checked(bad: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(bad))):
        Lime(**bad)


def test_a_kernel_so_narrow_that_no_copy_counts_is_refused() -> None:
    with pytest.raises(ArgumentError, match="some copy counts"):
        Lime(50, kernel_width=0.01, distance="l2", anchor=False)(Game(20, lambda m: m.sum(axis=1)), seed=0)


def test_the_kernel_is_stated() -> None:
    assert Lime().kernel == "√exp(−d²/w²), cosine distance, w = 0.25, Σw = N, α = 1"
