"""Occlusion: one segment at a time, in hand-computed games and against spectra."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError, DataError
from specanom.explain import Occlusion
from specanom.explain.attribution import Attribution
from specanom.explain.evaluate import GenericEvaluator
from specanom.explain.problem import Problem


def played(game: Any, k: int, mode: str = "off") -> Attribution:
    problem = Problem(game, np.ones(k, np.float32), np.zeros(k, np.float32), np.arange(k))
    return Occlusion(mode)(GenericEvaluator(problem), seed=0)


@given(st.integers(1, 30), st.sampled_from(["off", "on"]), st.integers(0, 99))
def test_additive_games_are_met_exactly_and_completely(k: int, mode: str, seed: int) -> None:
    want = np.random.default_rng(seed).uniform(0.1, 1, k)
    found = played(lambda masks: masks @ want + 5, k, mode)
    np.testing.assert_allclose(found.weights, want, atol=1e-9)
    assert found.intercept == pytest.approx(5)
    assert found.completeness == pytest.approx(0, abs=1e-9)
    assert found.n_samples == k + 2


def test_segments_that_act_only_together_share_nothing_but_have_all_or_none() -> None:
    def together(masks: Any) -> Any:
        return 1 + masks[:, 0] * masks[:, 1] + 2 * masks[:, 2]

    off, on = played(together, 3), played(together, 3, "on")
    assert off.weights.tolist() == [1, 1, 2]
    assert on.weights.tolist() == [0, 0, 2]
    assert off.completeness == pytest.approx(1 / 3)
    assert on.completeness == pytest.approx(1 / 3)
    assert (off.score, off.intercept, on.intercept) == (4, 0, 1)


def test_segments_that_act_either_way_are_missed_when_switched_off() -> None:
    either = played(lambda masks: np.maximum(masks[:, 0], masks[:, 1]), 2)
    assert not either.weights.any()
    assert played(lambda masks: np.maximum(masks[:, 0], masks[:, 1]), 2, "on").weights.tolist() == [1, 1]


def test_nothing_is_drawn_so_errors_are_zero_and_no_fit_is_claimed() -> None:
    found = played(lambda masks: masks[:, 0] ** 2, 4)
    assert not found.error.any()
    np.testing.assert_array_equal(found.interval[:, 0], found.weights)
    np.testing.assert_array_equal(found.interval[:, 1], found.weights)
    assert np.isnan(found.r2)
    assert np.isnan(found.ess)
    assert found.stability == 1
    assert not found.notes


def test_masks_are_all_on_all_off_and_each_segment() -> None:
    assert Occlusion().masks(0, 3).tolist() == [[1, 1, 1], [0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert Occlusion("on").masks(0, 3).tolist() == [[1, 1, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_a_fill_that_equals_the_spectrum_says_so() -> None:
    same = Problem(lambda flux: flux.sum(axis=1), np.ones(6), np.ones(6), np.arange(6))
    found = Occlusion()(GenericEvaluator(same), seed=0)
    assert not found.weights.any()
    assert "fill equals the spectrum" in found.notes[0]


def test_bad_scores_and_settings_are_refused() -> None:
    with pytest.raises(DataError, match="1 of 6 not finite"):
        played(lambda masks: np.where(masks[:, 2] < 1, np.where(masks[:, 0] < 1, 1, np.nan), 1.0), 4)
    with pytest.raises(ArgumentError, match="did you mean 'off'"):
        Occlusion("offf")
