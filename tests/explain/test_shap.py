"""Shapley values: the axioms, the exact oracle, what is drawn agrees with it and says how far to trust it."""

from __future__ import annotations

from itertools import permutations
from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError, DataError
from specanom.explain import Shap
from specanom.explain.attribution import Attribution
from specanom.explain.evaluate import GenericEvaluator
from specanom.explain.problem import Problem
from specanom.explain.shapley import Pairs, all_masks, kernel_of_sizes, pairs_of


def asked(game: Any, k: int) -> GenericEvaluator:
    """The game of masks themselves: k pixels, one a segment, 1 as observed and 0 as filled."""
    return GenericEvaluator(Problem(game, np.ones(k, np.float32), np.zeros(k, np.float32), np.arange(k)))


def played(game: Any, k: int, method: Shap | None = None, *, seed: int = 0) -> Attribution:
    return (method or Shap())(asked(game, k), seed=seed)


class Network:
    """A small game with interactions of all orders."""

    def __init__(self, k: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.a, self.b, self.c = rng.normal(size=(k, 12)), rng.normal(size=12), rng.normal(size=k)

    def __call__(self, masks: Any) -> np.ndarray:
        masks = np.asarray(masks, dtype=np.float64)
        return np.maximum(masks @ self.a, 0) @ self.b + masks @ self.c


# -- the exact values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 5])
def test_exact_values_are_means_over_all_orders(k: int) -> None:
    game = Network(k, seed=k)
    want = np.zeros(k)
    orders = list(permutations(range(k)))
    for order in orders:
        mask = np.zeros(k)
        before = game(mask[None])[0]
        for player in order:
            mask[player] = 1
            after = game(mask[None])[0]
            want[player] += (after - before) / len(orders)
            before = after
    found = played(game, k)
    np.testing.assert_allclose(found.weights, want, rtol=1e-9, atol=1e-12)
    assert found.n_samples == 2**k
    assert not found.error.any()
    np.testing.assert_array_equal(found.interval, np.stack([found.weights] * 2, axis=1))


def test_two_segments_that_count_only_one_at_a_time_get_nothing_and_the_surrogate_says_it_does_not_fit() -> None:
    def either_or(masks: Any) -> Any:
        return np.where((masks[:, 0] > 0) != (masks[:, 1] > 0), 1.0, 0.0) + masks[:, 2]

    found = played(either_or, 3)
    np.testing.assert_allclose(found.weights, [0, 0, 1], atol=1e-12)
    assert found.r2 < 0.9
    assert played(lambda masks: masks @ np.array([1.0, -2.0, 0.5]), 3).r2 == pytest.approx(1)


def test_the_row_of_all_ones_comes_first_and_every_mask_comes_once() -> None:
    masks = all_masks(6)
    assert masks[0].all()
    assert not masks[-1].any()
    assert len(np.unique(masks, axis=0)) == 64


@given(st.integers(2, 9), st.integers(0, 999), st.booleans())
def test_the_axioms_hold_exactly_and_sampled(k: int, seed: int, exact: bool) -> None:
    game = Network(k, seed)
    game.a[0] = 0
    game.c[0] = 0  # a dummy
    game.a[k - 1], game.c[k - 1] = game.a[1 % k], game.c[1 % k]  # two that are the same to the game
    found = played(game, k, Shap(600, exact=exact), seed=seed)
    total = found.score - found.intercept
    assert found.weights.sum() == pytest.approx(total, rel=1e-9, abs=1e-9)
    if exact:
        assert found.weights[0] == pytest.approx(0, abs=1e-9)
        assert found.weights[k - 1] == pytest.approx(found.weights[1 % k], abs=1e-9)


@given(st.integers(1, 12), st.integers(0, 999))
def test_values_of_a_sum_of_games_are_sums_of_values(k: int, seed: int) -> None:
    one, two = Network(k, seed), Network(k, seed + 1)
    both = played(lambda masks: one(masks) - 3 * two(masks), k)
    want = played(one, k).weights - 3 * played(two, k).weights
    np.testing.assert_allclose(both.weights, want, atol=1e-8)


# -- what is drawn -----------------------------------------------------------------------------------------------------


@given(st.integers(2, 40), st.integers(4, 300), st.integers(0, 99))
def test_weights_add_up_however_few_are_drawn(k: int, n: int, seed: int) -> None:
    found = played(Network(k, seed), k, Shap(n, exact=False), seed=seed)
    total = found.score - found.intercept
    assert abs(found.weights.sum() - total) <= 1e-6 * max(abs(total), 1e-6)
    assert found.n_samples <= n
    assert bool(found.notes) == (not pairs_of(seed, k, n).determined)


@given(st.integers(2, 30), st.integers(0, 99))
def test_additive_games_are_met_exactly_by_few_masks(k: int, seed: int) -> None:
    want = np.random.default_rng(seed).normal(size=k)
    found = played(lambda masks: masks @ want + 7, k, Shap(12 * k + 12, exact=False), seed=seed)
    np.testing.assert_allclose(found.weights, want, atol=1e-8)
    assert found.r2 == pytest.approx(1)
    assert found.intercept == 7


@given(st.integers(2, 60), st.integers(4, 500))
def test_masks_come_in_complementary_pairs_after_all_and_none(k: int, n: int) -> None:
    masks = Pairs(1, k, n).masks
    assert masks.shape[1] == k
    assert len(masks) <= n
    assert masks[0].all()
    assert not masks[1].any()
    np.testing.assert_array_equal(masks[2::2] + masks[3::2], 1)
    sizes = masks[2:].sum(axis=1)
    assert ((sizes > 0) & (sizes < k)).all()


def test_enough_masks_list_every_size_and_give_the_exact_values_without_error() -> None:
    game = Network(9)
    found, want = played(game, 9, Shap(512, exact=False)), played(game, 9)
    np.testing.assert_allclose(found.weights, want.weights, atol=1e-9)
    assert not found.error.any()
    assert found.r2 == pytest.approx(want.r2)


def test_single_segments_are_listed_in_full_as_soon_as_their_share_pays_for_them() -> None:
    masks = Pairs(0, 12, 400).masks[2:]
    alone = masks[masks.sum(axis=1) == 1]
    assert len(alone) == 12
    assert len(np.unique(alone, axis=0)) == 12
    shares = kernel_of_sizes(12)
    np.testing.assert_allclose(shares, shares[::-1])
    assert shares.sum() == pytest.approx(1)
    # Large sizes are drawn by the kernel: all of one size together in proportion to 1/(s (K − s)).
    many = Pairs(0, 60, 20000).masks[2:].sum(axis=1)
    assert (many == 1).sum() == comb(60, 1)
    drawn = np.bincount(many, minlength=60)[3:58] / ((many > 2) & (many < 58)).sum()
    np.testing.assert_allclose(drawn, kernel_of_sizes(60)[2:57] / kernel_of_sizes(60)[2:57].sum(), atol=0.006)


def test_intervals_cover_the_exact_values_as_often_as_they_say() -> None:
    for k, n in ((9, 120), (12, 300)):
        game = Network(k, seed=2)
        want = played(game, k).weights
        found = [played(game, k, Shap(n, exact=False), seed=seed) for seed in range(80)]
        inside = [(one.interval[:, 0] <= want) & (want <= one.interval[:, 1]) for one in found]
        assert 0.88 <= np.mean(inside) <= 0.99
        spread = np.std([one.weights for one in found], axis=0)
        stated = np.sqrt(np.mean([one.error**2 for one in found], axis=0))
        np.testing.assert_allclose(stated, spread, rtol=0.35)


def test_the_ranking_is_certain_when_one_segment_leads_by_far_and_not_among_equals() -> None:
    k = 40
    game = Network(k, seed=4)
    leading = played(lambda masks: game(masks) + 500 * masks[:, 3], k, Shap(300))
    assert leading.stability == 1
    assert leading.weights.argmax() == 3
    assert 0 < played(game, k, Shap(120)).stability < 1


def test_the_same_seed_gives_the_same_bits_and_another_seed_another_drawing() -> None:
    one, again, other = (played(Network(30), 30, Shap(200), seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.weights, again.weights)
    assert (one.weights != other.weights).any()


def test_masks_asked_for_beforehand_are_those_that_are_asked_for() -> None:
    for k, method in ((5, Shap()), (20, Shap(100)), (1, Shap(4, exact=False))):
        seen = []
        evaluator = asked(Network(k), k)
        scores = evaluator.scores
        evaluator.scores = lambda masks, scores=scores, seen=seen: (seen.append(masks), scores(masks))[1]
        method(evaluator, seed=3)
        np.testing.assert_array_equal(seen[0], method.masks(3, k))
        assert len(seen) == 1


# -- bad input ---------------------------------------------------------------------------------------------------------


def test_a_fill_that_equals_the_spectrum_gives_weights_of_zero_and_says_so() -> None:
    for k in (3, 20):
        same = Problem(Network(k), np.ones(k), np.ones(k), np.arange(k))
        found = Shap(50)(GenericEvaluator(same), seed=0)
        assert not found.weights.any()
        assert not found.error.any()
        assert "fill equals the spectrum" in found.notes[0]


def test_a_constant_score_gives_weights_of_zero() -> None:
    for k in (3, 20):
        found = played(lambda masks: np.full(len(masks), 2.5), k, Shap(60))
        assert not found.weights.any()
        assert not found.error.any()


def test_one_segment_gets_the_whole_difference() -> None:
    for exact in ("auto", False):
        found = played(lambda masks: 3 + 2 * masks[:, 0], 1, Shap(10, exact=exact))
        assert found.weights.tolist() == [2]
        assert found.intercept == 3


def test_more_segments_than_masks_are_refused_trust() -> None:
    found = played(Network(50), 50, Shap(20))
    assert np.isnan(found.error).all()
    assert np.isnan(found.interval).all()
    assert np.isnan(found.stability)
    assert "20 masks do not determine the weights of 50 segments" in found.notes[0]
    assert found.completeness < 1e-6


def test_scores_that_are_not_finite_are_refused() -> None:
    def gone(masks: Any) -> Any:
        return np.where(masks.sum(axis=1) < 2, np.nan, 1.0)

    for k in (4, 30):
        with pytest.raises(DataError, match="finite scores of all perturbed copies"):
            played(gone, k, Shap(100))


def test_settings_that_cannot_be_used_are_refused() -> None:
    for bad in ({"n_samples": 3}, {"n_samples": 2.5}, {"n_samples": True}, {"exact": "often"}):
        with pytest.raises(ArgumentError, match=next(iter(bad))):
            Shap(**bad)
    with pytest.raises(ArgumentError, match="at most 20 segments"):
        played(Network(30), 30, Shap(exact=True))


# -- the shap package --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "n", "tolerance"), [(8, 300, 1e-6), (14, 4000, 0.03)])
def test_the_shap_package_agrees(k: int, n: int, tolerance: float) -> None:
    shap = pytest.importorskip("shap")
    game = Network(k, seed=7)
    exact = played(game, k, Shap(exact=True)).weights
    size = np.linalg.norm(exact)
    explainer = shap.KernelExplainer(game, np.zeros((1, k)))
    theirs, ours = [], []
    for seed in range(6):  # one drawing alone may be lucky
        np.random.seed(seed)  # noqa: NPY002 - what the package draws from
        weights = explainer.shap_values(np.ones((1, k)), nsamples=n, silent=True, l1_reg=False)[0]
        found = played(game, k, Shap(n, exact=False), seed=seed)
        np.testing.assert_allclose(found.weights, weights, atol=tolerance * size)
        assert found.intercept == pytest.approx(float(explainer.expected_value))
        theirs.append(np.linalg.norm(weights - exact))
        ours.append(np.linalg.norm(found.weights - exact))
    assert np.mean(ours) <= max(1.2 * np.mean(theirs), 1e-6 * size)
