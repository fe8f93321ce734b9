"""Scores on a device agree with a float64 dense evaluation, whatever else is in the batch; the rest falls back."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

import specanom as sa
from specanom.errors import ArgumentError
from specanom.explain.evaluate.device import Prefetched, device_scores, full_precision, prefetch
from specanom.explain.masks import make_masks
from specanom.explain.problem import Problem
from specanom.explain.segments import Uniform, numbered
from specanom.models.affine import AffineLayer, AffineLayers
from specanom.scores.bound import BoundScore
from specanom.scores.recipe import Recipe

P = 301
WAVE = np.arange(P, dtype=float)
RECIPES = {
    "mse": Recipe("mse"),
    "l2": Recipe("mse", norm="l2"),
    "chi2_ivar": Recipe("chi2_ivar"),
    "trimmed": Recipe("mse", trim=0.03),
    "chi2": Recipe("chi2", delta=0.05),
    "chi2 by reconstruction": Recipe("chi2", weight="reconstruction", delta=0.05),
    "chi2 signed": Recipe("chi2", weight="signed", delta=0.05),
    "chi2 trimmed": Recipe("chi2", trim=0.1, delta=0.05),
    "chi2 trimmed as published": Recipe("chi2", trim=0.1, trim_by="residual", delta=0.05),
    "chi2_ivar trimmed": Recipe("chi2_ivar", trim=0.3),
}


class Network:
    """What a bound model offers: its layers and their reconstruction."""

    def __init__(self, seed: int, widths: tuple[int, ...] = (32, 16, 4, 16, 24), relus: bool = True) -> None:
        rng = np.random.default_rng(seed)
        sizes = (P, *widths, P)
        layers = [AffineLayer((rng.normal(size=(b, a)) / np.sqrt(a) * 1.4).astype(np.float32),
                              rng.normal(size=b).astype(np.float32) / 10)
                  for a, b in itertools.pairwise(sizes)]
        half = len(widths) // 2
        self.network: AffineLayers | None = (
            AffineLayers(tuple(layers[:half]), layers[half], tuple(layers[half + 1 : -1]), layers[-1])
            if relus else AffineLayers((), layers[0], (), layers[-1]))

    def __call__(self, flux: np.ndarray) -> np.ndarray:
        assert self.network is not None
        return np.asarray(self.network(flux))


NETWORKS = [Network(0), Network(1)]
PCA = Network(2, (5,), relus=False)
CUT = Uniform(20)(np.ones(P), WAVE)
MASKS = make_masks(0, 20, 300)


def problem(seed: int, recipe: Recipe = RECIPES["mse"], network: Any = NETWORKS[0], cut: np.ndarray = CUT) -> Problem:
    rng = np.random.default_rng(seed)
    flux = rng.normal(1, 0.3, P).astype(np.float32)
    fill = (0.9 * flux if seed % 2 else np.full(P, flux.mean())).astype(np.float32)
    weights = rng.uniform(0, 3, P) if recipe.weighting == "ivar" else None
    return Problem(BoundScore("toy", recipe, rng.random(P) < 0.95, network, weights), flux, fill, cut)


def dense(one: Problem, masks: np.ndarray) -> np.ndarray:
    """The score of each copy in float64 throughout."""
    copies = np.where(masks[:, one.segments] == 1, one.flux.astype(float), one.fill.astype(float))
    score: Any = one.score
    return np.asarray(score.recipe(copies, one.reconstruct(copies), score.weights, score.keep))  # type: ignore[misc]


def close(got: np.ndarray | None, wanted: np.ndarray) -> bool:
    assert got is not None
    return bool(np.max(np.abs(got - wanted)) <= 1e-5 * np.max(np.abs(wanted)))


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("network", [*NETWORKS, PCA], ids=["vae", "other vae", "pca"])
def test_scores_are_those_of_a_dense_float64_evaluation(name: str, network: Network) -> None:
    some = [problem(seed, RECIPES[name], network) for seed in range(3)]
    for one, (got, path, _) in zip(some, device_scores(some, MASKS, "cpu"), strict=True):
        assert got is not None
        wanted = dense(one, MASKS)
        if name == "chi2 signed":  # terms of both signs, a few of them huge: an error relative to their size
            assert np.abs(got - wanted).max() <= 1e-5 * np.abs(wanted).max() + 1e-4
        else:
            np.testing.assert_allclose(got, wanted, rtol=1e-5)
        assert ("factored" in path) == (name in {"mse", "l2", "chi2_ivar"})


def test_segments_in_pieces_and_wide_segments_are_summed_whole() -> None:
    rng = np.random.default_rng(0)
    for cut in (numbered(rng.permutation(CUT)), np.repeat(np.arange(3), [200, 1, 100]), np.zeros(P, dtype=np.intp)):
        k = int(cut.max()) + 1
        masks = make_masks(1, k, 40)
        some = [problem(1, cut=cut), problem(2, RECIPES["chi2 trimmed"], cut=cut)]
        for one, (got, *_) in zip(some, device_scores(some, masks, "cpu"), strict=True):
            assert close(got, dense(one, masks))


def test_the_bits_of_a_spectrum_do_not_depend_on_its_company() -> None:
    shuffled = numbered(np.random.default_rng(3).permutation(CUT))
    kinds = [RECIPES["mse"], RECIPES["chi2_ivar"], RECIPES["chi2 trimmed"]]
    some = [problem(i, kinds[i % 3], NETWORKS[i // 3 % 2], shuffled if i % 5 == 4 else CUT) for i in range(19)]
    alone = [device_scores([one], MASKS, "cpu")[0][0] for one in some]
    order = np.random.default_rng(0).permutation(len(some))
    for rows in (range(len(some)), order, order[:7], order[::-1]):
        among = device_scores([some[i] for i in rows], MASKS, "cpu")
        assert all(np.array_equal(alone[i], got) for i, (got, *_) in zip(rows, among, strict=True))  # type: ignore[arg-type]


def test_the_bits_of_a_mask_do_not_depend_on_how_many_there_are() -> None:
    for name in ("mse", "chi2"):
        one = problem(0, RECIPES[name])
        few, many = (device_scores([one], masks, "cpu")[0][0] for masks in (MASKS[:7], MASKS))
        assert few is not None
        assert many is not None
        assert np.array_equal(few, many[:7])


def test_the_full_size_of_the_paper_agrees_too() -> None:
    rng = np.random.default_rng(5)
    p, sizes = 3773, (3773, 256, 128, 64, 12, 64, 128, 256, 3773)
    layers = [AffineLayer((rng.normal(size=(b, a)) * np.sqrt(2 / a)).astype(np.float32), np.zeros(b, np.float32))
              for a, b in itertools.pairwise(sizes)]
    network = Network(0)
    network.network = AffineLayers(tuple(layers[:3]), layers[3], tuple(layers[4:-1]), layers[-1])
    flux = rng.normal(1, 0.2, p).astype(np.float32)
    cut = Uniform(77)(flux, np.arange(p, dtype=float))
    one = Problem(BoundScore("mse", Recipe(), np.ones(p, bool), network), flux, 0.9 * flux, cut)
    masks = make_masks(0, 77, 200)
    np.testing.assert_allclose(device_scores([one], masks, "cpu")[0][0], dense(one, masks), rtol=1e-5)


def test_a_link_is_applied() -> None:
    plain = problem(0)
    score: Any = plain.score
    linked = Problem(BoundScore("toy", score.recipe, score.keep, score.reconstruct, link=np.log), plain.flux,
                     plain.fill, plain.segments)
    (first, *_), (second, *_) = device_scores([plain, linked], MASKS, "cpu")
    assert first is not None
    assert np.array_equal(np.log(first), second)  # type: ignore[arg-type]


def test_what_a_device_cannot_do_goes_to_the_cpu_and_says_why() -> None:
    drawn = Network(0)
    drawn.network = None
    plain = Problem(lambda flux: flux.mean(axis=1).astype(float), np.ones(P), np.zeros(P), CUT)
    mine = Problem(BoundScore("toy", Recipe(), np.ones(P, bool), lambda x: 0.9 * x), np.ones(P), np.zeros(P), CUT)
    cases = {"plain function": plain, "does not offer its layers": mine, "mad": problem(0, Recipe("mad")),
             "masks of 20 segments": problem(0, cut=np.zeros(P, dtype=np.intp))}
    assert "random draws" in device_scores([problem(0, network=drawn)], MASKS, "cpu")[0].path
    for why, one in cases.items():
        scores, path, _ = device_scores([one], MASKS, "cpu")[0]
        assert scores is None
        assert path.startswith("not on cpu: ")
        assert why in path
        (evaluator,) = prefetch([one], MASKS, "cpu")
        assert path in evaluator.path
        masks = np.ones((2, one.n_segments), dtype=np.uint8)
        np.testing.assert_allclose(evaluator.scores(masks), np.asarray(one.score(one.flux[None]))[0], rtol=1e-6)


def test_known_masks_are_looked_up_and_others_computed() -> None:
    one = problem(0)
    evaluator = prefetch([one, problem(1)], MASKS, "cpu")[0]
    assert isinstance(evaluator, Prefetched)
    assert evaluator.path == "device: factored, float32 on cpu"
    assert np.array_equal(evaluator.scores(MASKS), device_scores([one], MASKS, "cpu")[0][0])  # type: ignore[arg-type]
    evaluator.scores(MASKS)[:] = 0.0
    assert (evaluator.scores(MASKS.copy()) > 0).all()
    other = make_masks(9, 20, 33)
    np.testing.assert_allclose(evaluator.scores(other), dense(one, other), rtol=1e-5)
    assert np.array_equal(evaluator.energy(), one.energy())
    typical: Any = one.reconstruct
    np.testing.assert_allclose(evaluator.reconstruction(), typical(one.flux[None])[0], atol=1e-5)


def test_masks_may_differ_from_spectrum_to_spectrum() -> None:
    coarse = Uniform(5)(np.ones(P), WAVE)
    some = [problem(0), problem(1, cut=coarse), problem(2)]
    masks = [MASKS, make_masks(0, 5, 50), MASKS]
    for one, mine, evaluator in zip(some, masks, prefetch(some, masks, "cpu"), strict=True):
        assert evaluator.path.startswith("device")
        assert close(evaluator.scores(mine), dense(one, mine))


@pytest.mark.parametrize("method", [sa.Lime(100), sa.Occlusion(), sa.Shap(100), sa.Shap(exact=True)], ids=repr)
def test_spectra_are_scored_together_whether_or_not_a_method_gives_them_one_array(
    method: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    together: list[int] = []

    def counted(problems: Any, masks: Any, device: Any) -> Any:
        together.append(len(problems))
        return device_scores(problems, masks, device)

    monkeypatch.setattr("specanom.explain.evaluate.device.device_scores", counted)
    few = Uniform(6)(np.ones(P), WAVE)
    some = [problem(i, cut=few) for i in range(5)]
    made = prefetch(some, [method.masks(0, 6) for _ in some], "cpu")
    assert together == [5]
    alone = prefetch(some[3:4], [method.masks(0, 6)], "cpu")[0]
    assert np.array_equal(made[3].scores(method.masks(0, 6)), alone.scores(method.masks(0, 6)))


def test_a_score_that_overflows_is_nan() -> None:
    one = problem(0)
    huge = Problem(one.score, np.where(np.arange(P) == 5, 1e30, one.flux), one.fill, one.segments)
    scores, *_ = device_scores([huge], MASKS, "cpu")[0]
    assert scores is not None
    assert np.isnan(scores[MASKS[:, CUT[5]] == 1]).all()


def test_precision_is_full_inside_and_as_before_after() -> None:
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        with full_precision():
            assert torch.get_float32_matmul_precision() == "highest"
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


def test_a_device_that_is_not_here_is_refused() -> None:
    if not torch.cuda.is_available():
        with pytest.raises(ArgumentError, match="device of this machine"):
            device_scores([problem(0)], MASKS, "cuda")
    with pytest.raises(ArgumentError, match="tpu"):
        device_scores([problem(0)], MASKS, "tpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_same_scores_and_bits_in_any_company() -> None:
    some = [problem(i, RECIPES["mse" if i % 2 else "chi2 trimmed"]) for i in range(21)]
    alone = [device_scores([one], MASKS, "cuda")[0][0] for one in some]
    for one, wanted, (got, *_) in zip(some, alone, device_scores(some[::-1], MASKS, "cuda")[::-1], strict=True):
        assert np.array_equal(got, wanted)  # type: ignore[arg-type]
        assert close(got, dense(one, MASKS))


def test_principal_components_of_a_real_model_are_explained_on_a_device() -> None:
    rng = np.random.default_rng(0)
    flux = rng.normal(1, 0.1, (60, P)).astype(np.float32)
    model = sa.PCAModel(3).fit(flux)
    bound: Any = sa.Scorer(model).bind(sa.SpectrumSet(WAVE + 4000, flux)[0])
    one = Problem(bound, flux[0], 0.9 * flux[0], CUT)
    np.testing.assert_allclose(device_scores([one], MASKS, "cpu")[0][0], bound(  # type: ignore[arg-type]
        np.where(MASKS[:, CUT] == 1, one.flux, one.fill)), rtol=1e-4)
