"""Blocks of residuals give the scores of a float64 dense evaluation, for every squared recipe and any network."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specanom.explain import Lime
from specanom.explain.evaluate import GenericEvaluator, blocked, evaluator_of
from specanom.explain.evaluate.blocked import BlockedEvaluator, no_blocks
from specanom.explain.masks import make_masks
from specanom.explain.problem import Problem
from specanom.models.bound import Bound
from specanom.models.network import Network, glorot
from specanom.scores.bound import BoundScore
from specanom.scores.recipe import Recipe

P = 230
CPU = torch.device("cpu")
RECIPES = [
    Recipe("chi2", weight="flux", delta=1e-2),
    Recipe("chi2", weight="reconstruction", delta=1e-2),
    Recipe("chi2", weight="signed", delta=1e-2),
    Recipe("chi2", weight="signed", delta=1e-2, trim=0.03, trim_by="residual", norm="l2"),
    Recipe("chi2", weight="reconstruction", delta=1e-2, trim=0.1, trim_by="residual"),
    Recipe("chi2", weight="reconstruction", delta=1e-2, trim=0.4, norm="l2"),
    Recipe("chi2", weight="flux", delta=1e-3, trim=0.03),
    Recipe("chi2_ivar", trim=0.05),
    Recipe("chi2_ivar", trim=0.05, trim_by="residual", norm="l2"),
    Recipe("mse", trim=0.03),
    Recipe("mse", trim=0.03, norm="l2"),
    Recipe("mse", trim=0.9),
]


def network_of(seed: int, hidden: tuple[int, ...], p: int = P) -> Bound:
    network = Network(p, 4, hidden)
    glorot(network, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, torch.nn.Linear):
                layer.bias.uniform_(-0.1, 0.1, generator=torch.Generator().manual_seed(seed))
    return Bound(network, -1, device=CPU)


def problem_of(seed: int, recipe: Recipe, *, k: int = 20, hidden: tuple[int, ...] = (24, 12), fill: str = "scale",
               level: float = 1.0, kept: float = 0.9, shuffled: bool = False) -> Problem:
    """A problem with a random network, spectrum, noise and kept pixels."""
    rng = np.random.default_rng(seed)
    flux = (level + 0.3 * rng.standard_t(3, P)).astype(np.float32)
    ids = np.sort(np.concatenate([np.arange(k), rng.integers(0, k, P - k)]))
    if shuffled:
        ids = rng.permutation(ids)
    filled = {"scale": 0.9 * flux, "flat": np.ones(P), "zero": np.zeros(P), "noise": rng.normal(level, 0.3, P),
              "same in half": np.where(ids % 2, flux, 0.5)}[fill].astype(np.float32)
    keep = rng.random(P) < kept
    keep[:12] = True
    weights = rng.gamma(2.0, 1.0, P) * (rng.random(P) < 0.95)
    score = BoundScore("score", recipe, keep, network_of(seed, hidden),
                       weights if recipe.weighting == "ivar" else None)
    return Problem(score, flux, filled, ids.astype(np.intp))


@dataclass
class Exact:
    """The dense evaluation in float64."""

    problem: Problem
    path: str = "exact"

    @property
    def n_segments(self) -> int:
        return self.problem.n_segments

    def energy(self) -> np.ndarray:
        return self.problem.energy()

    def reconstruction(self) -> np.ndarray:
        return self.both(np.ones((1, self.n_segments), dtype=np.uint8))[1][0]

    def both(self, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        z = GenericEvaluator(self.problem).copies(masks).astype(np.float64)
        return z, self.problem.score.reconstruct.network(z)

    def scores(self, masks: np.ndarray) -> np.ndarray:
        return self.problem.score.of_reconstruction(*self.both(masks))

    def scale(self, masks: np.ndarray) -> np.ndarray:
        """Size of what is summed, by which errors are measured where signed terms cancel."""
        score, (z, made) = self.problem.score, self.both(masks)
        terms = np.abs(score.recipe.terms(z, made, score.weights, score.keep)).sum(axis=1)
        return np.sqrt(terms) if score.norm == "l2" else terms / score.recipe.stay(int(blocked.counted(score).sum()))

    def settled(self, masks: np.ndarray) -> np.ndarray:
        """Rows in which rounding cannot decide which pixel is trimmed, or whether there is a root."""
        score, (z, made) = self.problem.score, self.both(masks)
        counts = blocked.counted(score)
        stay = score.recipe.stay(int(counts.sum()))
        total = score.recipe.terms(z, made, score.weights, score.keep).sum(axis=1)
        clear = np.abs(total) > 1e-3 * np.abs(score.recipe.terms(z, made, score.weights, score.keep)).sum(axis=1)
        if score.trim == 0 or score.recipe.trim_by == "weighted" or stay == counts.sum():
            return clear
        size = np.sort(np.square(z - made)[:, counts], axis=1)
        return clear & (size[:, stay] > (1 + 1e-4) * size[:, stay - 1])


def check(problem: Problem, masks: np.ndarray, fast: bool) -> None:
    """Scores are within 1e-5, or within what float32 does to the dense evaluation, of float64."""
    assert no_blocks(problem) == ""
    exact, evaluator = Exact(problem), BlockedEvaluator(problem, fast=fast)
    assert ("numba" if fast else "numpy") in evaluator.path
    want, got, dense = exact.scores(masks), evaluator.scores(masks), GenericEvaluator(problem).scores(masks)
    rows, scale = exact.settled(masks), exact.scale(masks) + 1e-300
    assert np.array_equal(np.isnan(got[rows]), np.isnan(want[rows]))
    rows &= ~np.isnan(want)
    # The root of a sum of terms that cancel is steeper than its terms: its scale is that of the sum.
    slope = scale / np.maximum(np.abs(want), 1e-300) if problem.score.norm == "l2" else 1.0
    error, other = (np.abs(each - want) / (scale * slope) for each in (got, dense))
    assert (error[rows] <= max(1e-5, 2 * other[rows].max(initial=0.0))).all()


@pytest.mark.parametrize("fast", [True, False], ids=["numba", "numpy"])
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: f"{r.weighting}-{r.trim:g}-{r.trim_by}-{r.norm}")
@settings(max_examples=8, deadline=None)
@given(
    st.integers(0, 10**6), st.sampled_from([1, 2, 20, 90]), st.sampled_from([(), (16,), (24, 12), (40, 20, 10)]),
    st.sampled_from(["scale", "flat", "zero", "noise", "same in half"]), st.sampled_from([0.0, 1.0]),
    st.sampled_from([0.5, 1.0]), st.booleans(), st.sampled_from([2, 40, 130]),
)
def test_scores_are_those_of_float64(recipe, fast, seed, k, hidden, fill, level, kept, shuffled, n) -> None:
    if fast:
        pytest.importorskip("numba")
    problem = problem_of(seed, recipe, k=k, hidden=hidden, fill=fill, level=level, kept=kept, shuffled=shuffled)
    check(problem, make_masks(seed, k, n, "paired" if seed % 2 else "independent"), fast)


@pytest.mark.parametrize("recipe", [RECIPES[i] for i in (0, 1, 6, 7, 9)], ids=lambda r: f"{r.weighting}-{r.trim:g}")
@pytest.mark.parametrize("n", [15, 400])
def test_weights_are_those_of_float64_scores(recipe: Recipe, n: int) -> None:
    problem = problem_of(11, recipe)
    assert n > problem.n_segments or n < problem.n_segments
    got, want = (Lime(n)(each, seed=1).weights for each in (BlockedEvaluator(problem), Exact(problem)))
    assert np.linalg.norm(got - want) <= 1e-4 * np.linalg.norm(want)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: f"{r.weighting}-{r.trim:g}-{r.trim_by}-{r.norm}")
def test_numba_and_numpy_differ_by_rounding(recipe: Recipe) -> None:
    pytest.importorskip("numba")
    problem, masks = problem_of(5, recipe), make_masks(0, 20, 300)
    rows = Exact(problem).settled(masks)
    a, b = (BlockedEvaluator(problem, fast=fast).scores(masks) for fast in (True, False))
    np.testing.assert_allclose(a[rows], b[rows], rtol=2e-6 / 1e-3 if recipe.weighting == "signed" else 2e-6)


def test_the_evaluator_is_chosen_for_every_squared_recipe_whose_pixels_or_weights_change() -> None:
    for recipe in RECIPES:
        path = evaluator_of(problem_of(0, recipe)).path
        assert path.startswith("blocks"), path
    assert "0.03 trimmed" in evaluator_of(problem_of(0, RECIPES[6])).path


def test_bits_are_the_same_in_threads_and_again() -> None:
    problem, masks = problem_of(3, RECIPES[6]), make_masks(0, 20, 500)
    alone = BlockedEvaluator(problem).scores(masks)
    with ThreadPoolExecutor(4) as pool:
        for again in pool.map(lambda _: BlockedEvaluator(problem).scores(masks), range(8)):
            assert np.array_equal(alone, again)


def test_the_link_of_a_calibrated_score_is_applied_to_every_row() -> None:
    problem, masks = problem_of(3, RECIPES[1]), make_masks(0, 20, 100)
    linked = replace(problem.score, link=lambda raw: 3.0 * np.log(raw))
    got = BlockedEvaluator(replace(problem, score=linked)).scores(masks)
    np.testing.assert_allclose(got, 3.0 * np.log(BlockedEvaluator(problem).scores(masks)), rtol=1e-12)


def test_a_root_of_a_negative_sum_is_nan_as_published() -> None:
    problem = problem_of(3, Recipe("chi2", weight="signed", norm="l2", delta=1e-3), level=-1.0, fill="scale")
    masks = make_masks(0, 20, 50)
    assert np.isnan(Exact(problem).scores(masks)).all()
    assert np.isnan(BlockedEvaluator(problem).scores(masks)).all()


def test_what_is_beyond_float32_falls_to_the_dense_evaluation() -> None:
    problem = problem_of(3, Recipe("mse", trim=0.03))
    huge = Problem(problem.score, problem.flux * np.float32(1e20), problem.fill, problem.segments)
    assert "beyond" in no_blocks(huge)
    assert evaluator_of(huge).path.startswith("generic: fluxes")
    # Weights of 1e36 overflow single precision in the sum of squares, not in double.
    heavy = replace(problem.score, recipe=Recipe("chi2_ivar", trim=0.03), weights=np.full(P, 1e38))
    heavy_problem, masks = replace(problem, score=heavy), make_masks(0, 20, 70)
    np.testing.assert_allclose(BlockedEvaluator(heavy_problem).scores(masks), Exact(heavy_problem).scores(masks),
                               rtol=1e-5)


@pytest.mark.parametrize(("change", "why"), [
    ({"recipe": Recipe("chi2", weight="reconstruction", delta=0.0)}, "may be infinite"),
    ({"recipe": Recipe("mse", trim=0.99), "keep": np.arange(P) < 5}, "no pixel counts"),
    ({"keep": np.zeros(P, dtype=bool)}, "no pixel counts"),
    ({"recipe": Recipe("chi2_ivar", trim=0.1), "weights": np.full(P, 1e200)}, "weights are infinite"),
])
def test_what_blocks_cannot_do_is_said_and_left_to_the_score(change: dict, why: str) -> None:
    problem, masks = problem_of(2, Recipe("mse", trim=0.03)), make_masks(0, 20, 30)
    problem = replace(problem, score=replace(problem.score, **change))
    assert why in no_blocks(problem)
    evaluator = evaluator_of(problem)
    assert evaluator.path == f"generic: {no_blocks(problem)}"
    np.testing.assert_array_equal(evaluator.scores(masks), GenericEvaluator(problem).scores(masks))


def test_a_zero_flux_without_delta_is_left_to_the_score() -> None:
    problem = problem_of(2, Recipe("chi2", weight="flux", delta=0.0), fill="zero")
    assert no_blocks(problem) == "weights are infinite"
    assert no_blocks(problem_of(2, Recipe("chi2", weight="flux", delta=0.0))) == ""


def test_a_fill_equal_to_the_spectrum_gives_one_score() -> None:
    problem = problem_of(2, RECIPES[0])
    same = Problem(problem.score, problem.flux, problem.flux, problem.segments)
    got = BlockedEvaluator(same).scores(make_masks(0, 20, 60))
    assert (got == got[0]).all()
    assert got[0] == pytest.approx(problem.score(problem.flux[None])[0], rel=1e-5)


def test_memory_is_blocks_and_not_copies() -> None:
    import tracemalloc

    problem, masks = problem_of(2, RECIPES[6]), make_masks(0, 20, 20_000)
    evaluator = BlockedEvaluator(problem)
    evaluator.scores(masks[:200])
    tracemalloc.start()
    evaluator.scores(masks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * masks.shape[0] * P * 4
