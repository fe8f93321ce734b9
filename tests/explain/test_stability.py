"""Rank stability is the chance that another drawing of masks leads with the same segment; errors fall as measured."""

from __future__ import annotations

import numpy as np
import pytest

import specanom as sa
from specanom.errors import ArgumentError
from specanom.explain.lime import Lime
from specanom.explain.sampling import sampling_errors
from specanom.explain.stability import ranking_odds, rivals

from .conftest import Game


def _close_race(lead: float, noise: float = 0.2, k: int = 12) -> Game:
    """Segment 0 leads segment 1 by `lead`; triples that act together make the weights err."""
    rng = np.random.default_rng(1)
    triples = np.array([rng.choice(np.arange(2, k), 3, replace=False) for _ in range(40)])
    sizes = noise * np.linspace(-1, 1, 40)
    parts = np.zeros(k)
    parts[:2] = 2 + lead, 2
    return Game(k, lambda m: m @ parts + np.prod(2 * m[:, triples] - 1, axis=2) @ sizes)


@pytest.mark.parametrize("design", ["paired", "independent"])
def test_stability_is_how_often_redraws_agree(design: str) -> None:
    """Over races of all kinds, from ties to clear leads: predicted and actual agreement are alike."""
    predicted, actual = [], []
    for lead in np.linspace(-0.6, 0.6, 31):
        game = _close_race(float(lead))
        found = [Lime(200, design=design)(game, seed=seed) for seed in range(20)]
        top = np.array([np.abs(f.weights).argmax() for f in found])
        actual += [(np.delete(top, i) == top[i]).mean() for i in range(20)]
        predicted += [f.stability for f in found]
    said, seen = np.array(predicted), np.array(actual)
    for low, high in ((0.0, 0.6), (0.6, 0.75), (0.75, 0.9), (0.9, 0.99), (0.99, 1.01)):
        inside = (said >= low) & (said < high)
        assert inside.sum() >= 20
        assert seen[inside].mean() == pytest.approx(said[inside].mean(), abs=0.1)
    assert np.corrcoef(said, seen)[0, 1] > 0.5
    assert seen[said >= 0.95].mean() >= 0.95


def test_odds_of_two_segments_are_those_of_a_normal_difference() -> None:
    from scipy.stats import norm

    top, overlap = ranking_odds(np.array([1.0, 0.9]), 0.01 * np.eye(2), leading=1)
    expected = norm.cdf(0.1 / np.sqrt(4 * 0.01))
    assert top == pytest.approx(expected, abs=0.05)
    assert overlap == top
    # Errors that are shared do not change the ranking.
    assert ranking_odds(np.array([1.0, 0.9]), np.ones((2, 2)) * 1e-2)[0] == pytest.approx(1.0, abs=0.01)
    assert ranking_odds(np.array([1.0, 0.9]), np.zeros((2, 2))) == (1.0, 1.0)


def test_the_leading_five_overlap_by_what_is_unsure() -> None:
    weights = np.array([6.0, -5, 4, 3, 2, 1.999, 0.1])
    top, overlap = ranking_odds(weights, 1e-4 * np.eye(7))
    assert top == 1.0
    assert overlap == pytest.approx(0.9, abs=0.02)  # the fifth is one of two alike


def test_rivals_are_those_that_may_swap_places() -> None:
    weights, error = np.array([0.1, 2.0, -1.9, 1.0]), np.full(4, 0.05)
    assert rivals(weights, error, 1).tolist() == [1, 2]
    assert rivals(weights, error, 3).tolist() == [1, 2, 3]
    assert rivals(weights, np.zeros(4), 1).tolist() == [1]
    assert rivals(np.ones(100), np.ones(100), 1).size < 100


def test_no_chance_and_no_weights() -> None:
    additive = Lime(400, alpha=1e-9)(Game(5, lambda m: m @ np.arange(5.0)), seed=0)
    assert additive.stability == 1.0
    assert np.isnan(Lime(400)(Game(5, lambda m: np.ones(len(m))), seed=0).stability)


def test_errors_fall_with_masks_and_pairs_beat_independent_ones() -> None:
    rng = np.random.default_rng(0)
    linear, mix = rng.normal(size=16), rng.normal(size=(16, 4)) / 4
    game = Game(16, lambda m: m @ linear + 2 * (np.maximum(m @ mix, 0) ** 2).sum(axis=1))
    found = sampling_errors(game, n=(250, 1000, 4000), repeats=6)
    assert found.error.shape == found.same.shape == (3, 3, 6)
    table = found.to_frame().set_index(["design", "n"])["median"]
    for design in found.designs:
        assert table[design, 250] > 1.4 * table[design, 1000] > 1.9 * table[design, 4000]
    assert table["paired", 1000] < 0.6 * table["independent", 1000]
    # Those of the method itself.
    one = Lime(1000, design="hadamard")(game, seed=2).weights
    expected = np.linalg.norm(one - found.reference) / np.linalg.norm(found.reference)
    assert found.error[found.designs.index("hadamard"), 1, 2] == pytest.approx(expected)
    assert found.default == ("paired", 2000)
    assert "relative error" in repr(found)


def test_errors_of_an_explainer_and_a_spectrum() -> None:
    flux = np.ones(100)
    flux[30:40] = 3
    explainer = sa.Explainer(lambda f: ((f - 1) ** 2).mean(axis=1), sa.Uniform(10), method=Lime(alpha=2.0))
    found = sampling_errors(explainer, flux, n=(100, 200), designs=("paired",), repeats=2)
    assert found.reference.argmax() == 3
    assert found.same.all()
    assert "α = 2" in found.kernel
    with pytest.raises(ArgumentError, match="spectrum"):
        sampling_errors(explainer)
    with pytest.raises(ArgumentError, match="designs"):
        sampling_errors(explainer, flux, designs=("pared",))
    with pytest.raises(ArgumentError, match="n: expected"):
        sampling_errors(explainer, flux, n=())
