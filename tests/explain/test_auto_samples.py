"""n_samples="auto" draws masks until its tolerance is met, wastes none, and says how many it took."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import specanom as sa
from specanom.errors import ArgumentError
from specanom.explain import ExplanationWarning
from specanom.explain.lime import Lime
from specanom.explain.masks import DESIGNS, make_masks
from specanom.explain.rounds import SIZES, first_round, next_round, relative_half

from .conftest import Game


def _signed(k: int, strength: float) -> Any:
    """One leading segment, and triples that act together, which no pairing of masks cancels."""
    triples = np.random.default_rng(0).integers(0, k, (40, 3))
    sizes = np.linspace(-1, 1, 40)
    return lambda m: m[:, 0] + strength * np.prod(2 * m[:, triples] - 1, axis=2) @ sizes


@pytest.mark.parametrize("design", DESIGNS)
def test_drawing_ends_when_the_tolerance_is_met(design: str) -> None:
    game = Game(20, _signed(20, 0.6))
    found = Lime("auto", design=design, tolerance=0.15)(game, seed=1)
    half = (found.interval[:, 1] - found.interval[:, 0]) / 2
    assert relative_half(found.weights, half) <= 0.15
    assert found.n_samples in SIZES
    assert found.n_samples > 500
    assert found.notes == ()
    # With the size before it was not met.
    before = Lime(SIZES[SIZES.index(found.n_samples) - 1], design=design)(Game(20, _signed(20, 0.6)), seed=1)
    assert relative_half(before.weights, np.ptp(before.interval, axis=1) / 2) > 0.1


@pytest.mark.parametrize("design", DESIGNS)
def test_no_mask_is_scored_twice_and_the_result_is_that_of_so_many_masks(design: str) -> None:
    game = Game(20, _signed(20, 0.6))
    method = Lime("auto", design=design, tolerance=0.1)
    found = method(game, seed=1)
    extra = 1 if design == "independent" else 0
    assert sum(len(one) for one in game.asked) == found.n_samples + extra
    assert game.asked[0] is method.masks(1, 20)
    rows = np.concatenate([game.asked[0][: len(game.asked[0]) - extra], *game.asked[1:]])
    assert np.array_equal(rows, make_masks(1, 20, found.n_samples, design))
    same = Lime(found.n_samples, design=design)(Game(20, _signed(20, 0.6)), seed=1)
    assert np.array_equal(found.weights, same.weights)
    assert np.array_equal(found.interval, same.interval)
    assert found.stability == same.stability


def test_an_easy_score_takes_one_round_and_a_harder_one_more() -> None:
    easy, hard = (Lime("auto")(Game(20, _signed(20, s)), seed=0).n_samples for s in (0.05, 0.8))
    assert easy == 500
    assert hard > 2000


def test_a_tolerance_never_met_is_said_with_what_was() -> None:
    found = Lime("auto", tolerance=1e-3, max_samples=2000)(Game(20, _signed(20, 0.6)), seed=0)
    assert found.n_samples == 2000
    reached = relative_half(found.weights, np.ptp(found.interval, axis=1) / 2)
    assert found.notes == (f"tolerance 0.001 not met: {reached:.2g} of the largest weight with 2000 masks",)
    few = Lime("auto", max_samples=40)(Game(50, _signed(50, 0.6)), seed=0)
    assert few.n_samples == 40
    assert "not met: no interval at all with 40 masks" in few.notes[-1]


def test_the_explainer_warns_of_it_and_calls_it_unstable() -> None:
    flux = np.ones((1, 200), dtype=np.float32)
    flux[0, 60:70] = 3
    explainer = sa.Explainer(lambda f: np.cos(40 * f.mean(axis=1)), sa.Uniform(20), perturbation=sa.Flat(0.5),
                             method=Lime("auto", tolerance=1e-4, max_samples=1000))
    with pytest.warns(ExplanationWarning, match="tolerance 0.0001 not met"):
        found = explainer.explain(flux[0])
    assert found.grade == "unstable"
    assert found.n_samples == 1000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fine = sa.Explainer(lambda f: f.mean(axis=1), sa.Uniform(20), method=Lime("auto")).explain(flux[0])
    assert fine.n_samples == 500
    assert "auto" in repr(explainer)
    assert explainer.settings["method"]["n_samples"] == "auto"


def test_a_constant_score_needs_one_round() -> None:
    found = Lime("auto")(Game(5, lambda m: np.full(len(m), 0.3)), seed=0)
    assert found.n_samples == 500
    assert not found.weights.any()


def test_rounds_grow_by_what_the_error_asks_for() -> None:
    assert SIZES[:8] == (500, 1000, 1500, 2000, 3000, 4000, 6000, 8000)
    assert first_round(77, 16_000) == 500
    assert first_round(943, 16_000) == 6000
    assert first_round(943, 3000) == 3000
    assert next_round(500, 0.2, 0.1, most=16_000) == 2000
    assert next_round(500, 0.101, 0.1, most=16_000) == 1000
    assert next_round(500, 10.0, 0.1, most=16_000) == 16_000
    assert next_round(500, float("nan"), 0.1, most=16_000) == 1000
    assert next_round(500, float("nan"), 0.1, most=700) == 700


def test_the_paper_preset_keeps_its_samples_and_auto_stays_when_given() -> None:
    assert Lime().by_preset("paper").n_samples == 5000
    given = Lime("auto", tolerance=0.05).by_preset("paper")
    assert (given.n_samples, given.tolerance, given.design, given.normalise) == ("auto", 0.05, "independent", False)


@pytest.mark.parametrize("bad", [{"n_samples": "automatic"}, {"tolerance": 0.0}, {"tolerance": float("nan")},
                                 {"max_samples": 1}, {"max_samples": 10.5}, {"n_samples": True}])
def test_settings_are_checked(bad: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(bad))):
        Lime(**bad)
