"""Masks depend on seed, K, N and design; row 0 is the spectrum itself."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import pairwise_distances

from specanom.errors import ArgumentError
from specanom.explain.masks import (
    DESIGNS,
    cosine_distances,
    effective_size,
    empty_row,
    kernel,
    make_masks,
    with_empty,
)


@given(st.integers(0, 2**40), st.integers(1, 90), st.integers(2, 301), st.sampled_from(DESIGNS))
def test_masks_are_zeros_and_ones_with_ones_first(seed: int, k: int, n: int, design: str) -> None:
    masks = make_masks(seed, k, n, design)
    assert masks.shape == (n, k)
    assert masks.max() <= 1
    assert masks[0].all()
    assert not masks.flags.writeable


@pytest.mark.parametrize("design", DESIGNS)
def test_masks_are_reproducible_and_differ_by_seed(design: str) -> None:
    first = make_masks(7, 20, 101, design).copy()
    make_masks.cache_clear()
    assert np.array_equal(first, make_masks(7, 20, 101, design))
    assert not np.array_equal(first, make_masks(8, 20, 101, design))


@pytest.mark.parametrize("design", ["paired", "hadamard"])
def test_paired_rows_are_complements(design: str) -> None:
    masks = make_masks(0, 33, 501, design)
    assert (masks[0:500:2] + masks[1:501:2] == 1).all()


def test_hadamard_blocks_balance_any_three_segments() -> None:
    masks = make_masks(1, 13, 2 + 2 * 16, "hadamard")[2:]  # one block of order 16 and its complement
    for columns in itertools.combinations(range(13), 3):
        code = masks[:, columns] @ np.array([4, 2, 1])
        assert np.bincount(code, minlength=8).tolist() == [4] * 8


def test_independent_rows_are_fair_coins() -> None:
    masks = make_masks(0, 77, 4000, "independent")[1:]
    assert masks.mean() == pytest.approx(0.5, abs=0.005)
    assert np.abs(np.corrcoef(masks.T.astype(float)) - np.eye(77)).max() < 0.08


@given(st.integers(0, 1000), st.integers(1, 60))
def test_cosine_distances_are_those_of_scikit_learn(seed: int, k: int) -> None:
    masks = make_masks(seed, k, 40, "independent")
    np.testing.assert_allclose(
        cosine_distances(masks), pairwise_distances(masks, masks[:1], metric="cosine").ravel(), atol=1e-12
    )


def test_the_row_without_any_segment_has_distance_one() -> None:
    assert cosine_distances(np.zeros((1, 9), dtype=np.uint8)).tolist() == [1.0]


def test_kernel_and_effective_size() -> None:
    assert kernel(np.array([0.0, 0.25]), 0.25).tolist() == pytest.approx([1.0, np.exp(-0.5)])
    assert effective_size(np.ones(10)) == pytest.approx(10)
    assert effective_size(np.array([1.0, 0, 0])) == pytest.approx(1)
    assert effective_size(np.zeros(3)) == 0.0
    # 77 segments: the published kernel is mildly local.
    near = kernel(cosine_distances(make_masks(0, 77, 2000, "independent")), 0.25)[1:]
    assert near.min() > 0.15
    assert near.max() < 0.85


def test_unknown_designs_and_too_few_masks_are_refused() -> None:
    with pytest.raises(ArgumentError, match="design"):
        make_masks(0, 5, 10, "pared")
    with pytest.raises(ArgumentError, match="n_samples"):
        make_masks(0, 5, 1)


@given(st.integers(0, 2**40), st.integers(1, 90), st.integers(2, 301), st.integers(0, 700), st.sampled_from(DESIGNS))
def test_a_larger_draw_begins_with_the_smaller(seed: int, k: int, n: int, more: int, design: str) -> None:
    assert np.array_equal(make_masks(seed, k, n, design), make_masks(seed, k, n + more, design)[:n])


@pytest.mark.parametrize("design", DESIGNS)
def test_the_fill_is_among_the_rows_asked_for(design: str) -> None:
    asked = with_empty(3, 12, 101, design)
    assert not asked[empty_row(101, design)].any()
    assert np.array_equal(asked[:101], make_masks(3, 12, 101, design))
    assert with_empty(3, 12, 101, design) is asked
