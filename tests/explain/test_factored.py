"""The factored evaluator agrees with a float64 dense evaluation, for any network, segmentation, fill and pixels."""

from __future__ import annotations

import gc
import threading
import tracemalloc
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specanom.errors import ShapeError
from specanom.explain.evaluate import FactoredEvaluator, GenericEvaluator, evaluator_of, shared
from specanom.explain.masks import make_masks
from specanom.explain.problem import Problem
from specanom.explain.ridge import Ridge
from specanom.explain.segments import numbered
from specanom.models.affine import AffineLayer, AffineLayers
from specanom.scores.bound import BoundScore
from specanom.scores.calibrate import Excess
from specanom.scores.recipe import Recipe


class Model:
    """A reconstruction that offers its layers."""

    def __init__(self, network: AffineLayers | None) -> None:
        self.network = network

    def __call__(self, flux: np.ndarray) -> np.ndarray:
        assert self.network is not None
        return self.network(np.asarray(flux, dtype=np.float32))


def layers(rng: np.random.Generator, p: int, hidden: tuple[int, ...], latent: int) -> AffineLayers:
    """Return a random network p–hidden–latent–hidden–p."""

    def layer(a: int, b: int) -> AffineLayer:
        weight = rng.normal(size=(b, a)) / np.sqrt(a)
        return AffineLayer(weight.astype("f4"), rng.normal(0, 0.3, b).astype("f4"))

    down, up = (p, *hidden), (latent, *hidden[::-1])
    return AffineLayers(tuple(layer(a, b) for a, b in pairwise(down)), layer(down[-1], latent),
                        tuple(layer(a, b) for a, b in pairwise(up)), layer(up[-1], p))


def cuts(rng: np.random.Generator, p: int, k: int, kind: str) -> np.ndarray:
    """Return K segments: even, uneven like those of SLIC, or scattered over the pixels."""
    if kind == "even":
        return np.arange(p) * k // p
    if kind == "uneven":
        edges = np.sort(rng.choice(np.arange(1, p), k - 1, replace=False))
        return np.searchsorted(edges, np.arange(p), side="right")
    return numbered(np.concatenate([np.arange(k), rng.integers(0, k, p - k)])[rng.permutation(p)])


def dense(problem: Problem, masks: np.ndarray, kind: type = np.float64) -> np.ndarray:
    """Return the scores of the copies through the whole network in one precision, `kind`."""
    score, network = problem.score, problem.reconstruct.network
    copies = np.where(masks[:, problem.segments] == 1, problem.flux, problem.fill).astype(kind)
    made = copies
    for i, one in enumerate([*network.encoder, network.latent, *network.decoder, network.output]):
        made = made @ one.weight.T.astype(kind) + one.bias.astype(kind)
        if i not in (len(network.encoder), len(network.encoder) + 1 + len(network.decoder)):
            made = np.maximum(made, 0)
    return score.of_reconstruction(copies, made)


def allowed(problem: Problem, masks: np.ndarray) -> float:
    """Return the relative error that is allowed: 1e-5, or that of the float32 dense evaluation if it is larger."""
    exact = dense(problem, masks)
    return max(1e-5, float(np.max(np.abs(dense(problem, masks, np.float32) / exact - 1), initial=0.0)))


@st.composite
def problems(draw: st.DrawFn, link: bool = False) -> Problem:
    """Random problems of all kinds the factored evaluator takes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    p = draw(st.integers(30, 300))
    k = draw(st.integers(1, p // 2))
    hidden = tuple(draw(st.lists(st.integers(2, 24), max_size=3)))
    network = layers(rng, p, hidden, draw(st.integers(1, 8)))
    flux = rng.normal(1, 0.3, p).astype("f4")
    fill = {"scale": 0.9 * flux, "flat": np.ones(p), "other": rng.normal(1, 0.3, p)}[
        draw(st.sampled_from(["scale", "flat", "other"]))].astype("f4")
    keep = rng.random(p) < draw(st.sampled_from([1.1, 0.9, 0.4]))
    keep[rng.integers(p)] = True
    ivar = rng.gamma(2.0, 20.0, p) if draw(st.booleans()) else None
    recipe = Recipe("mse" if ivar is None else "chi2_ivar", norm=draw(st.sampled_from(["mean", "l2"])))
    score = BoundScore("any", recipe, keep, Model(network), ivar, link=Excess(0.1, 2.0) if link else None)
    return Problem(score, flux, fill, cuts(rng, p, k, draw(st.sampled_from(["even", "uneven", "scattered"]))))


@settings(max_examples=60, deadline=None)
@given(problems(), st.integers(1, 130), st.sampled_from(["paired", "independent"]))
def test_scores_agree_with_a_float64_dense_evaluation(problem: Problem, n: int, design: str) -> None:
    evaluator = evaluator_of(problem)
    assert isinstance(evaluator, FactoredEvaluator)
    masks = make_masks(1, problem.n_segments, max(n, 2), design)[np.random.default_rng(0).permutation(max(n, 2))]
    scores = evaluator.scores(masks)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, dense(problem, masks), rtol=allowed(problem, masks))


@settings(max_examples=20, deadline=None)
@given(problems(link=True))
def test_a_calibrated_score_goes_through_its_link(problem: Problem) -> None:
    masks = make_masks(2, problem.n_segments, 40)
    scores = evaluator_of(problem).scores(masks)
    np.testing.assert_allclose(scores, dense(problem, masks), atol=1e-5)
    raw = Problem(replace(problem.score, link=None), problem.flux, problem.fill, problem.segments)
    np.testing.assert_allclose(scores, problem.score.link(evaluator_of(raw).scores(masks)), rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(problems(), st.sampled_from([20, 300]))
def test_lime_weights_agree_with_those_of_dense_scores(problem: Problem, n: int) -> None:
    """Fewer masks than segments too."""
    masks = make_masks(3, problem.n_segments, n)
    fit = Ridge(masks, np.ones(len(masks)), alpha=1.0, pairs=True)
    fast, exact = fit.solve(evaluator_of(problem).scores(masks))[0], fit.solve(dense(problem, masks))[0]
    np.testing.assert_allclose(fast, exact, atol=1e-4 * np.linalg.norm(exact) + 1e-9)


def _problem(
    seed: int = 0, k: int = 12, *, hidden: tuple[int, ...] = (16, 8), p: int = 200, **score: object
) -> Problem:
    rng = np.random.default_rng(seed)
    flux = rng.normal(1, 0.3, p).astype("f4")
    offered = {"recipe": Recipe(), "keep": np.ones(p, dtype=bool), "reconstruct": Model(layers(rng, p, hidden, 4))}
    return Problem(BoundScore("any", **{**offered, **score}), flux, 0.9 * flux, cuts(rng, p, k, "even"))


def test_a_fill_equal_to_the_spectrum_gives_its_score_exactly() -> None:
    one = _problem()
    same = Problem(one.score, one.flux, one.flux, one.segments)
    evaluator = evaluator_of(same)
    scores = evaluator.scores(make_masks(0, 12, 50))
    assert (scores == scores[0]).all()
    assert scores[0] == one.score.of_reconstruction(one.flux[None], evaluator.reconstruction()[None])[0]
    assert scores[0] == pytest.approx(dense(same, np.ones((1, 12), dtype=np.uint8))[0], rel=1e-6)


def test_rows_of_all_ones_anywhere_have_the_score_of_the_spectrum() -> None:
    problem = _problem()
    masks = make_masks(0, 12, 40).copy()
    masks[[3, 17, 39]] = 1
    evaluator = evaluator_of(problem)
    scores = evaluator.scores(masks)
    exact = problem.score.of_reconstruction(problem.flux[None], evaluator.reconstruction()[None])[0]
    assert (scores[[0, 3, 17, 39]] == exact).all()


def test_the_reconstruction_is_the_model_s() -> None:
    problem = _problem()
    for evaluator in (evaluator_of(problem), GenericEvaluator(problem)):
        np.testing.assert_allclose(evaluator.reconstruction(), problem.reconstruct(problem.flux[None])[0], atol=1e-6)
    plain = Problem(lambda flux: flux.mean(axis=1), problem.flux, problem.fill, problem.segments)
    assert evaluator_of(plain).reconstruction() is None


def test_the_path_says_which_way_and_why() -> None:
    rng = np.random.default_rng(0)
    p = 200
    ones = np.ones(p)
    linear = _problem(hidden=())
    masks = make_masks(0, 12, 30)
    evaluator = evaluator_of(linear)
    evaluator.scores(masks)
    assert evaluator.path == "factored: the network is linear"
    evaluator = evaluator_of(_problem())
    evaluator.scores(masks)
    assert evaluator.path == "factored: 30 masks are too few to collapse for"
    assert evaluator_of(Problem(lambda f: f[:, 0], linear.flux, linear.fill, linear.segments)).path == (
        "generic: the score is a plain function")
    multi = _problem(recipe=Recipe("multiscale"), weights=ones)
    assert evaluator_of(multi).path == "generic: metric 'multiscale' is no sum of squares"
    assert evaluator_of(_problem(reconstruct=Model(None))).path == "generic: reconstructions are random draws"
    bare = _problem(reconstruct=lambda flux: flux * rng.random())
    assert evaluator_of(bare).path == "generic: the model does not offer its layers"


def test_nothing_kept_has_no_score() -> None:
    with np.errstate(all="ignore"):
        assert np.isnan(evaluator_of(_problem(keep=np.zeros(200, dtype=bool))).scores(make_masks(0, 12, 20))).all()


def test_wrong_masks_are_told() -> None:
    with pytest.raises(ShapeError, match="masks"):
        evaluator_of(_problem()).scores(np.ones((3, 11), dtype=np.uint8))


def test_layers_and_gram_matrices_are_shared_and_go_with_the_network() -> None:
    reconstruct = _problem().reconstruct
    keep = np.ones(200, dtype=bool)
    keep[50:60] = False
    one = _problem(reconstruct=reconstruct, keep=keep)
    first, second = evaluator_of(one), evaluator_of(_problem(1, reconstruct=reconstruct, keep=keep))
    for evaluator in (first, second):
        evaluator.scores(make_masks(0, 12, 20))
    assert first.setup.shared is second.setup.shared
    assert first.setup.shared.gram(keep) is second.setup.shared.gram(keep.copy())
    exact = reconstruct.network.output.weight[keep].astype(float)
    np.testing.assert_allclose(first.setup.shared.gram(keep), exact.T @ exact, rtol=1e-12, atol=1e-12)
    known = len(shared._SHARED)
    del reconstruct, one, first, second, evaluator
    gc.collect()
    assert len(shared._SHARED) < known


def test_threads_and_company_change_no_bit() -> None:
    reconstruct = _problem().reconstruct
    masks = make_masks(0, 12, 700)
    made: dict[int, np.ndarray] = {}

    def work(seed: int) -> None:
        made[seed] = evaluator_of(_problem(seed, reconstruct=reconstruct)).scores(masks)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in range(6):
        again = evaluator_of(_problem(seed, reconstruct=_problem().reconstruct))
        again.scores(masks[:13])
        assert np.array_equal(again.scores(masks), made[seed])


def test_no_array_of_masks_by_pixels_is_made() -> None:
    n, p = 2000, 4000
    evaluator = evaluator_of(_problem(p=p, hidden=(32, 16)))
    masks = make_masks(0, 12, n)
    evaluator.scores(masks[:600])
    tracemalloc.start()
    evaluator.scores(masks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * n * p / 8
