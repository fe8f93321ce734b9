"""Weights of explanations as vectors."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import specanom as sa
from specanom.errors import ArgumentError, DataError, ShapeError
from specanom.retrieve import reasons


def test_how_odd_a_spectrum_is_does_not_count():
    weights = np.array([[3.0, -4.0, 0.0], [30.0, 40.0, 0.0], [0.0, 0.0, 1.0]])
    made = reasons(weights, ["a", "b", "c"])
    np.testing.assert_allclose(np.linalg.norm(made.vectors, axis=1), 1.0)
    kb = sa.KnowledgeBase.build(made.vectors, ids=made.ids, encoder=made.encoder)
    kin = kb.query(made.vectors[:1], 2, exclude=["a"])
    assert kin.ids.tolist() == [["b", "c"]]
    np.testing.assert_allclose(kin.distances, [[0.0, np.sqrt(2)]], atol=1e-12)


def test_what_was_not_explained_is_listed():
    made = reasons(np.array([[1.0, 0.0], [0.0, 0.0], [np.nan, 1.0]]), ["a", "b", "c"])
    kb = sa.KnowledgeBase.build(made.vectors, ids=made.ids)
    assert [one.id for one in kb.skipped] == ["b", "c"]


def test_another_cut_into_segments_is_another_encoder():
    wave = np.linspace(4000, 7000, 12)
    sets = [SimpleNamespace(weights=np.ones((2, 3)), ids=["a", "b"], segments=np.repeat([0, 1, 2], size), wave=wave)
            for size in ([4, 4, 4], [2, 4, 6])]
    first, second = (reasons(one) for one in sets)
    kb = sa.KnowledgeBase.build(first.vectors, ids=first.ids, encoder=first.encoder)
    with pytest.raises(ArgumentError, match="weights of 3 segments"):
        kb.query(second.vectors, encoder=second.encoder)
    assert reasons(sets[0]).encoder == first.encoder
    same = SimpleNamespace(**{**vars(sets[0]), "segments": np.tile(sets[0].segments, (2, 1))})
    assert reasons(same).encoder == first.encoder, "the same cut for each row is one cut"


def test_cuts_that_follow_the_flux_cannot_be_compared():
    rows = SimpleNamespace(weights=np.ones((2, 2)), segments=np.array([[0, 0, 1], [0, 1, 1]]))
    with pytest.raises(DataError, match="one cut into segments for all"):
        reasons(rows)
    with pytest.raises(ShapeError, match=r"shape \(n, K\)"):
        reasons(np.ones(3))


def test_an_explanation_set_is_taken_as_it_is():
    rng = np.random.default_rng(0)
    flux = 1 + 0.1 * rng.normal(size=(40, 200))
    flux[np.arange(40), rng.integers(0, 200, 40)] += 2
    sample = sa.SpectrumSet(np.linspace(4000, 7000, 200), flux)
    explainer = sa.Explainer(sa.Scorer(sa.PCAModel(3, folds=1).fit(sample), "mse"), segments=sa.Uniform(20),
                             perturbation=sa.Typical(), method=sa.Lime(n_samples=200), seed=0)
    made = reasons(explainer.explain_many(sample[:12]))
    assert made.ids == list(sample.ids[:12])
    kin = sa.KnowledgeBase.build(made.vectors, ids=made.ids, encoder=made.encoder).query(
        made.vectors, exclude=made.ids, encoder=made.encoder)
    cosine = made.vectors @ made.vectors.T - 2 * np.eye(12)
    assert kin.ids[:, 0].tolist() == [made.ids[i] for i in cosine.argmax(axis=1)]
