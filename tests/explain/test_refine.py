"""Refinement finds narrow things more exactly than equal segments, with the same number of scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import specanom as sa
from specanom.errors import ArgumentError
from specanom.explain.attribution import Attribution
from specanom.explain.evaluate import evaluator_of
from specanom.explain.perturb import fill_of
from specanom.explain.problem import Problem
from specanom.explain.refine import Refined, refined, shares
from specanom.explain.segments import Lines, Uniform, checked, numbered

P = 1500
WAVE = 10 ** np.linspace(np.log10(3600), np.log10(7400), P)


def reconstruct(flux: np.ndarray) -> np.ndarray:
    """A smooth model: what it cannot follow is odd."""
    low = np.polynomial.legendre.legvander(np.linspace(-1, 1, P), 8)
    basis = np.linalg.qr(low)[0].astype(np.float32)
    return (flux @ basis) @ basis.T


def residual(flux: np.ndarray) -> np.ndarray:
    return ((flux - reconstruct(flux)) ** 2).mean(axis=1)


def spectrum(centre: int, width: float, height: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    pixel = np.arange(P)
    shape = 1 + 0.2 * np.sin(pixel / 600) + height * np.exp(-0.5 * ((pixel - centre) / width) ** 2)
    return (shape + rng.normal(0, 0.05, P)).astype(np.float32)


class Counting:
    """A score that counts the copies it is asked for."""

    def __init__(self, flux: np.ndarray, perturbation: object = None) -> None:
        self.flux, self.perturbation, self.cuts = flux, perturbation or sa.Scale(0.9), []

    def at(self, ids: np.ndarray):
        self.cuts.append(ids)
        return evaluator_of(Problem(residual, self.flux, fill_of(self.perturbation, self.flux, ids, seed=0), ids))


# --- cutting ---------------------------------------------------------------------------------------------------------

@given(st.integers(1, 12), st.sampled_from([2, 4, 8]), st.integers(1, 6), st.integers(1, 20), st.integers(0, 2**31))
def test_split_only_cuts_and_covers_each_pixel(k: int, parts: int, leading: int, finest: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ids = numbered(np.sort(rng.integers(0, k, 150)))
    k = int(ids.max()) + 1
    weights = rng.normal(size=k)
    made = Refined(Uniform(3), parts=parts, leading=leading, finest=finest).split(ids, weights)
    if made is None:
        assert (np.bincount(ids) < max(2, 2 * finest)).all()
        return
    made = checked(made, 150)
    assert (np.diff(made) >= 0).all()
    owner = np.array([ids[made == j][0] for j in range(made.max() + 1)])
    assert np.array_equal(owner[made], ids)  # no piece holds pixels of two segments
    cut = [j for j in range(k) if np.unique(made[ids == j]).size > 1]
    assert 1 <= len(cut) <= leading
    able = [j for j in range(k) if (ids == j).sum() >= max(2, 2 * finest)]
    strongest = sorted(able, key=lambda j: -abs(weights[j]))[:leading]
    assert set(cut) == set(strongest)
    for j in cut:
        sizes = np.bincount(made[ids == j] - made[ids == j].min())
        assert sizes.size <= parts
        assert sizes.min() >= finest
        assert sizes.max() - sizes.min() <= max(1, np.log2(parts)) or sizes.size < parts


def test_what_is_not_sure_is_not_cut() -> None:
    ids, weights = np.repeat([0, 1, 2], 10), np.array([1.0, 0.5, 0.0])
    made = Refined(parts=2, finest=1).split(ids, weights, np.array([0.6, 0.1, 0.0]))
    assert np.array_equal(np.unique(made[:10]), [0])
    assert np.unique(made[10:20]).size == 2
    assert np.unique(made[20:]).size == 1
    assert Refined().split(ids, weights, np.array([1.0, 1.0, 1.0])) is None
    assert Refined(parts=2, finest=1).split(ids, weights, np.full(3, np.nan)) is not None


def test_a_segment_of_two_stretches_is_cut_by_its_pixels() -> None:
    ids = np.array([0, 0, 1, 1, 0, 0])
    made = Refined(Uniform(2), parts=2, finest=1, leading=1).split(ids, np.array([1.0, 0.1]))
    assert made.tolist() == [0, 0, 1, 1, 2, 2]


def test_an_image_is_halved_along_its_longer_side() -> None:
    made = Refined(sa.Grid(1, 1), parts=4, finest=1).split(np.zeros((4, 6), dtype=int), np.array([1.0]))
    assert made.tolist() == [[0, 0, 0, 1, 1, 1]] * 2 + [[2, 2, 2, 3, 3, 3]] * 2


# --- the budget ------------------------------------------------------------------------------------------------------

@given(st.integers(40, 9999), st.integers(1, 4))
def test_the_samples_of_all_rounds_are_those_of_one_explanation(n: int, depth: int) -> None:
    parts = shares(sa.Lime(n), depth + 1)
    assert sum(part.n_samples for part in parts) == n
    assert all(part.n_samples % 2 == 0 for part in parts[:-1])
    assert parts[-1].n_samples >= n / 2


def test_methods_without_samples_are_used_as_they_are() -> None:
    @dataclass(frozen=True)
    class Plain:
        def __call__(self, evaluator, *, seed):
            raise NotImplementedError

    assert shares(Plain(), 3) == (Plain(),) * 3
    assert shares(sa.Lime("auto"), 2) == (sa.Lime("auto"),) * 2
    with pytest.raises(ArgumentError, match="enough for 3 rounds"):
        shares(sa.Lime(10), 3)


def test_as_many_scores_are_asked_for_as_by_equal_segments() -> None:
    asked = []

    def counted(flux: np.ndarray) -> np.ndarray:
        asked.append(len(flux))
        return residual(flux)

    e = sa.Explainer(counted, Refined(), method=sa.Lime(1000)).explain(spectrum(734, 3, 2.0))
    assert e.n_samples == 1000
    assert 1000 <= sum(asked) < 1000 + 3 * 512  # batches of the same size, the last of each round padded


# --- what it finds ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("centre", [133, 734, 1400])
@pytest.mark.parametrize("fill", [sa.Scale(0.9), sa.SegmentMean()])
def test_a_line_is_found_within_a_few_pixels(centre: int, fill: object) -> None:
    flux = spectrum(centre, 3.0, 2.0, seed=centre)
    problem = Counting(flux, fill)
    evaluator, found = refined(problem.at, Refined(), Uniform(40)(flux, WAVE), method=sa.Lime(2000), seed=0)
    ids = evaluator.problem.segments
    leading = np.flatnonzero(ids == np.argmax(np.abs(found.weights)))
    equal = sa.Explainer(residual, Uniform(77), perturbation=fill).explain(flux)
    assert len(problem.cuts) == 3
    assert ids.max() + 1 < 77
    assert np.abs(leading - centre).min() <= 3
    assert leading.size <= 5 < 18 < (equal.segments == equal.order[0]).sum()
    assert found.n_samples == equal.n_samples == 2000


def test_refinement_points_more_exactly_than_equal_segments_on_the_same_budget() -> None:
    inside = {"equal": [], "refined": []}
    for seed in range(6):
        rng = np.random.default_rng(seed)
        centre, width = int(rng.integers(100, P - 100)), float(rng.uniform(1, 3))
        flux = spectrum(centre, width, float(rng.uniform(1, 3)), seed)
        truth = np.abs(np.arange(P) - centre) <= 2 * width
        for name, cut in (("equal", Uniform(77)), ("refined", Refined())):
            e = sa.Explainer(residual, cut, method=sa.Lime(1000)).explain(flux)
            inside[name].append(truth[e.segments == e.order[0]].mean())
    assert np.mean(inside["refined"]) > 0.85
    assert np.mean(inside["equal"]) < 0.5


def test_an_explainer_refines_lines_and_keeps_the_settings() -> None:
    flux = spectrum(int(np.searchsorted(WAVE, 6564.6)), 3.0, 4.0)
    s = sa.Spectrum(WAVE, flux, z=0.1, frame="rest", id="a")
    cut = Refined(Lines(), depth=1, parts=2)
    explainer = sa.Explainer(residual, cut, method=sa.Lime(1000))
    e = explainer.explain(s)
    assert cut.frame == "rest"
    assert cut.refines
    assert cut.uses_flux
    assert not cut.images
    assert e.n_segments > Lines()(flux, WAVE).max() + 1
    assert e.edges is not None
    assert e.edges.size == e.n_segments + 1
    assert e.settings["segments"]["start"]["kind"] == "Lines"
    assert len(e.names) == e.n_segments
    many = explainer.explain_many([s, sa.Spectrum(WAVE, spectrum(900, 3, 3.0), z=0.2, frame="rest", id="b")])
    assert np.array_equal(many[0].weights, e.weights)
    assert np.array_equal(many[0].segments, e.segments)


def test_nothing_to_find_stops_after_the_first_round() -> None:
    flux = np.ones(P, dtype=np.float32)
    problem = Counting(flux)
    problem.at = lambda ids: evaluator_of(Problem(lambda rows: np.zeros(len(rows)), flux, 0.9 * flux, ids))
    evaluator, found = refined(problem.at, Refined(), Uniform(40)(flux, WAVE), method=sa.Lime(2000), seed=0)
    assert evaluator.n_segments == 40
    assert found.n_samples == 500
    assert isinstance(found, Attribution)
    assert not found.weights.any()


def test_samples_are_not_left_over_when_there_is_nothing_more_to_cut() -> None:
    flux = spectrum(734, 3.0, 2.0)
    coarse = Refined(Uniform(10), finest=P)  # no piece is large enough to be cut
    e = sa.Explainer(residual, coarse, method=sa.Lime(2000)).explain(flux)
    assert e.n_segments == 10
    assert e.n_samples == 2000
    three_quarters = sa.Explainer(residual, Uniform(10), method=sa.Lime(1500)).explain(flux)
    assert np.array_equal(e.weights, three_quarters.weights)
    assert np.array_equal(e.error, three_quarters.error)
    plain = sa.Explainer(residual, coarse, method=sa.Occlusion()).explain(flux)
    assert plain.n_samples == 12


@pytest.mark.parametrize("options", [{"parts": 3}, {"depth": 0}, {"leading": 0}, {"finest": 1.5}, {"start": Uniform},
                                     {"start": Refined()}])
def test_settings_that_make_no_sense_are_refused(options: dict) -> None:
    with pytest.raises(ArgumentError):
        Refined(**options)
