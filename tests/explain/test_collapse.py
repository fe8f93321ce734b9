"""Folding away the ReLUs that never change state is exact, and is given up when too many do."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from specanom.explain.evaluate import evaluator_of
from specanom.explain.evaluate.collapse import collapse
from specanom.explain.evaluate.deviations import Setup, signs_of
from specanom.explain.evaluate.products import are_paired
from specanom.explain.masks import make_masks
from specanom.explain.problem import Problem
from specanom.models.affine import AffineLayer, AffineLayers
from specanom.scores.bound import BoundScore
from specanom.scores.recipe import Recipe

P = 240


class Model:
    """A reconstruction that offers its layers."""

    def __init__(self, network: AffineLayers) -> None:
        self.network = network

    def __call__(self, flux: np.ndarray) -> np.ndarray:
        return self.network(np.asarray(flux, dtype=np.float32))


def _problem(
    seed: int, k: int, *, hidden: tuple[int, ...] = (40, 20), decided: float = 3.0, **score: object
) -> Problem:
    """Return a problem whose units are the more decided, the larger their biases are."""
    rng = np.random.default_rng(seed)

    def layer(a: int, b: int) -> AffineLayer:
        weight = rng.normal(size=(b, a)) / np.sqrt(a)
        return AffineLayer(weight.astype("f4"), rng.normal(0, decided, b).astype("f4"))

    down, up = (P, *hidden), (4, *hidden[::-1])
    network = AffineLayers(tuple(layer(a, b) for a, b in pairwise(down)), layer(down[-1], 4),
                           tuple(layer(a, b) for a, b in pairwise(up)), layer(up[-1], P))
    offered = {"recipe": Recipe(), "keep": np.ones(P, dtype=bool), "reconstruct": Model(network)}
    flux = rng.normal(1, 0.5, P).astype("f4")
    segments = np.arange(P) * k // P
    return Problem(BoundScore("any", **{**offered, **score}), flux, np.ones(P), rng.permutation(segments))


def _dense(problem: Problem, masks: np.ndarray) -> np.ndarray:
    copies = np.where(masks[:, problem.segments] == 1, problem.flux, problem.fill).astype(np.float64)
    return problem.score.of_reconstruction(copies, problem.reconstruct.network(copies))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.sampled_from([(40,), (40, 20), (30, 24, 16), (12, 48)]),
       st.floats(0.1, 6.0), st.sampled_from(["paired", "independent"]))
def test_coordinates_are_those_of_the_network(
    seed: int, k: int, hidden: tuple[int, ...], decided: float, design: str
) -> None:
    setup = Setup(_problem(seed, k, hidden=hidden, decided=decided))
    signs = signs_of(make_masks(seed, k, 200, design))
    signs[[0, 1]] = 0.0
    found = collapse(setup, signs, np.arange(2), fullest=0.5)
    made = found.y if found.basis is None else found.y @ found.basis
    np.testing.assert_allclose(made, setup.plain(signs), atol=2e-5 * (1 + np.abs(made).max()))
    assert found.rank <= setup.shared.width
    assert (found.basis is None) == bool(found.why)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 60), st.floats(0.3, 6.0), st.booleans(), st.booleans())
def test_scores_agree_with_a_float64_dense_evaluation(
    seed: int, k: int, decided: float, weighted: bool, missing: bool
) -> None:
    rng = np.random.default_rng(seed)
    keep = rng.random(P) < (0.9 if missing else 1.1)
    ivar = rng.gamma(2.0, 20.0, P) if weighted else None
    problem = _problem(seed, k, decided=decided, keep=keep, weights=ivar,
                       recipe=Recipe("chi2_ivar" if weighted else "mse"))
    masks = make_masks(seed, k, 300)
    evaluator = evaluator_of(problem)
    np.testing.assert_allclose(evaluator.scores(masks), _dense(problem, masks), rtol=1e-5)
    assert "too few" not in evaluator.path


def test_a_decided_network_collapses_and_an_undecided_one_does_not() -> None:
    masks = make_masks(0, 20, 500)
    one = _problem(0, 20, decided=0.01)
    # Half way between a spectrum and its negative there is nothing, and every unit is about to change.
    undecided = evaluator_of(Problem(one.score, one.flux, -one.flux, one.segments))
    decided = evaluator_of(_problem(0, 20, decided=8.0))
    for evaluator in (decided, undecided):
        evaluator.scores(masks)
    assert re.fullmatch(r"collapse: rank \d+ of 40", decided.path)
    assert undecided.path == "factored: rank above 20 of 40, too high to collapse"


def test_scores_do_not_depend_on_what_was_asked_before() -> None:
    masks = make_masks(0, 20, 500)
    fresh, used = evaluator_of(_problem(0, 20)), evaluator_of(_problem(0, 20))
    used.scores(make_masks(5, 20, 100, "independent"))
    used.scores(masks[:3])
    assert np.array_equal(fresh.scores(masks), used.scores(masks))


def test_complementary_rows_are_recognised() -> None:
    paired, single = (signs_of(make_masks(0, 20, 101, design)) for design in ("paired", "independent"))
    assert are_paired(paired)
    assert not are_paired(single)
    assert not are_paired(paired[1:])
    assert not are_paired(paired[:1])


def test_no_mask_at_all_is_no_error() -> None:
    assert evaluator_of(_problem(0, 20)).scores(np.empty((0, 20), dtype=np.uint8)).shape == (0,)
