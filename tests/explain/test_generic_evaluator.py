"""The generic evaluator builds exact copies and gives the same bits however masks are split."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specanom.errors import ShapeError
from specanom.explain.evaluate.generic import GenericEvaluator, batch_rows
from specanom.explain.problem import Problem
from specanom.explain.segments import Uniform, numbered

RNG = np.random.default_rng(0)
P = 301
FLUX = RNG.normal(1, 0.3, P).astype(np.float32)
FILL = RNG.normal(1, 0.3, P).astype(np.float32)
W1, W2 = RNG.normal(size=(P, 32)).astype(np.float32), RNG.normal(size=(32, P)).astype(np.float32)


def network_score(flux: np.ndarray) -> np.ndarray:
    """A network of one hidden layer, in float32 through BLAS, whose bits depend on the shape of a batch."""
    return ((flux - np.maximum(flux @ W1, 0) @ W2 / P) ** 2).mean(axis=1)


def _masks(n: int, k: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 2, (n, k), dtype=np.uint8)


@given(st.integers(1, 40), st.integers(1, 30), st.booleans())
def test_copies_hold_flux_where_on_and_fill_where_off(k: int, n: int, shuffled: bool) -> None:
    ids = Uniform(k)(FLUX, np.arange(P, dtype=float))
    if shuffled:
        ids = numbered(np.random.default_rng(k).permutation(ids))
    masks = _masks(n, k)
    made = GenericEvaluator(Problem(network_score, FLUX, FILL, ids)).copies(masks)
    assert np.array_equal(made, np.where(masks[:, ids] == 1, FLUX, FILL))


@settings(max_examples=10)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_any_split_of_the_masks_gives_the_same_bits(parts: list[int]) -> None:
    evaluator = GenericEvaluator(Problem(network_score, FLUX, FILL, Uniform(20)(FLUX, np.arange(P, dtype=float))))
    masks = _masks(sum(parts), 20)
    whole = evaluator.scores(masks)
    split = np.concatenate([evaluator.scores(some) for some in np.split(masks, np.cumsum(parts)[:-1])])
    assert np.array_equal(whole, split)


def test_all_on_gives_the_score_of_the_spectrum_and_all_off_that_of_the_fill() -> None:
    evaluator = GenericEvaluator(Problem(network_score, FLUX, FILL, Uniform(9)(FLUX, np.arange(P, dtype=float))))
    on, off = evaluator.scores(np.array([[1] * 9, [0] * 9], dtype=np.uint8))
    assert on == pytest.approx(network_score(FLUX[None])[0], rel=1e-6)
    assert off == pytest.approx(network_score(FILL[None])[0], rel=1e-6)


def test_a_score_sees_one_shape_and_memory_is_bounded() -> None:
    shapes = set()

    def score(flux: np.ndarray) -> np.ndarray:
        shapes.add(flux.shape)
        return flux.sum(axis=1)

    evaluator = GenericEvaluator(Problem(score, FLUX, FILL, np.zeros(P, dtype=np.intp)))
    assert evaluator.scores(_masks(1300, 1)).shape == (1300,)
    assert len(shapes) == 1
    for p in (1, 300, 3773, 100_000):
        assert batch_rows(p) % 16 == 0
        assert batch_rows(p) * p * 4 <= max(8 << 20, 16 * p * 4)


def test_energy_is_the_squared_distance_between_spectrum_and_fill() -> None:
    evaluator = GenericEvaluator(Problem(network_score, FLUX, FILL, Uniform(7)(FLUX, np.arange(P, dtype=float))))
    assert evaluator.energy().sum() == pytest.approx(((FLUX.astype(float) - FILL) ** 2).sum())


def test_wrong_shapes_are_told() -> None:
    segments = Uniform(7)(FLUX, np.arange(P, dtype=float))
    with pytest.raises(ShapeError, match="masks"):
        GenericEvaluator(Problem(network_score, FLUX, FILL, segments)).scores(_masks(3, 6))
    with pytest.raises(ShapeError, match="one value a row"):
        GenericEvaluator(Problem(lambda f: f, FLUX, FILL, segments)).scores(_masks(3, 7))
