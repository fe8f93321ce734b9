"""A session answers as the explainer does, and asks the score for no copy twice."""

from __future__ import annotations

import numpy as np
import pytest

import specanom as sa
from specanom.errors import ArgumentError
from specanom.explain.session import Session


@pytest.fixture(scope="module")
def sample() -> sa.SpectrumSet:
    rng = np.random.default_rng(4)
    wave = np.linspace(4000.0, 7000.0, 300)
    flux = 1.0 + 0.1 * np.sin(wave / 300.0) * rng.normal(1, 1, (40, 1)) + rng.normal(0, 0.05, (40, 300))
    flux[0, 100:110] += 2.0
    return sa.SpectrumSet(wave, flux.astype("f4"), np.full((40, 300), 400.0))


@pytest.fixture(scope="module")
def scorer(sample: sa.SpectrumSet) -> sa.Scorer:
    return sa.Scorer(sa.PCAModel(3).fit(sample), "mse")


CHANGES = (
    {"segments": sa.Uniform(20)}, {"segments": sa.Uniform(20), "method": sa.Lime(kernel_width=0.5)},
    {"segments": sa.Boundaries([5000.0, 6000.0])}, {"segments": sa.Refined(sa.Uniform(8), depth=1)},
    {"perturbation": sa.Typical()}, {"method": sa.Occlusion()}, {"method": sa.ResidualSplit()},
    {"method": sa.IntegratedGradients(8)}, {"segments": sa.Slic(20, published=True)}, {"seed": 3},
)


def test_each_answer_is_that_of_the_explainer(sample, scorer):
    session = Session(sample[0])
    for change in [*CHANGES, *CHANGES]:  # the second time much is remembered
        explainer = sa.Explainer(scorer, **change)
        mine, other = session.explain(explainer), explainer.explain(sample[0])
        assert np.array_equal(mine.weights, other.weights)
        assert np.array_equal(mine.interval, other.interval, equal_nan=True)
        assert (mine.path, mine.names, mine.grade) == (other.path, other.names, other.grade)
        assert dict(mine.settings) == dict(other.settings)


def test_another_typical_spectrum_is_another_fill(sample, scorer):
    session = Session(sample[0])
    one, two = (session.explain(sa.Explainer(scorer, sa.Uniform(20), perturbation=sa.Typical(row)))
                for row in (np.ones(300), np.full(300, 2.0)))
    assert not np.array_equal(one.weights, two.weights)


def test_only_what_is_new_is_scored(sample):
    asked = []

    def odd(flux):
        asked.append(len(flux))
        return ((flux - 1.0) ** 2).mean(axis=1)

    session = Session(sample[0])
    session.explain(sa.Explainer(odd, sa.Uniform(20), method=sa.Lime(200)))
    before = sum(asked)
    session.explain(sa.Explainer(odd, sa.Uniform(20), method=sa.Lime(200, kernel_width=0.7, alpha=3.0)))
    assert sum(asked) == before
    session.explain(sa.Explainer(odd, sa.Uniform(20), perturbation=sa.Flat(1.0), method=sa.Lime(200)))
    assert sum(asked) > before


def test_copies_are_flux_where_on_and_fill_where_off_by_rising_score(sample, scorer):
    session = Session(sample[0])
    assert session.copies() is None
    explainer = sa.Explainer(scorer, sa.Uniform(20), perturbation=sa.Flat(1.0))
    session.explain(explainer)
    found = session.copies(5)
    on = found.masks.astype(bool)[:, session.problem.segments]
    assert np.array_equal(found.flux[on], np.broadcast_to(sample[0].flux, on.shape)[on])
    assert (found.flux[~on] == 1.0).all()
    assert (np.diff(found.scores) >= 0).all()
    np.testing.assert_allclose(explainer.score.bind(sample[0])(found.flux), found.scores, rtol=1e-4)
    session.explain(sa.Explainer(scorer, sa.Uniform(20), perturbation=sa.Flat(1.0), method=sa.ResidualSplit()))
    assert session.copies() is None


def test_what_cannot_be_explained_leaves_the_last_answer(sample, scorer):
    session = Session(sample[0])
    session.explain(sa.Explainer(scorer, sa.Uniform(20)))
    with pytest.raises(ArgumentError):
        session.explain(sa.Explainer(scorer, sa.Uniform(3000)))
    assert session.problem.n_segments == 20
    assert session.reconstruction.shape == (300,)
