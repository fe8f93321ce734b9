"""The combination of calibrated scores."""

from __future__ import annotations

import numpy as np
import pytest

from specanom.errors import ArgumentError
from specanom.scores import LatentScorer, Scorer, calibrate_all, combine, highest


def members(model, sample):
    return calibrate_all({"mse": Scorer(model), "ivar": Scorer(model, "chi2_ivar"), "cos": Scorer(model, "cosine")},
                         sample)


def test_is_the_highest_of_its_members(sample, model):
    every = members(model, sample)
    got = combine(every)(sample)
    np.testing.assert_array_equal(got, np.max([one(sample) for one in every.values()], axis=0))


def test_bound_it_gives_the_same_and_runs_each_network_once(sample, model):
    every = members(model, sample)
    latent = LatentScorer(model, "knn").fit(sample).calibrate(sample)
    whole = combine([*every.values(), latent])
    bound = whole.bind(sample[4])
    assert bound(sample.flux[4:5])[0] == pytest.approx(whole(sample)[4], rel=1e-9)
    assert len({id(one.reconstruct) for one in bound.members[:3]}) == 1
    assert bound.keep.shape == sample.wave.shape
    assert not bound.squared
    copies = np.stack([sample.flux[4], sample.flux[4] * 1.3])
    np.testing.assert_allclose(bound(copies), np.max([one(copies) for one in bound.members], axis=0), rtol=1e-12)


def test_a_member_without_a_value_does_not_count(sample, model):
    nan = float("nan")
    np.testing.assert_array_equal(highest([np.array([1.0, nan, nan]), np.array([2.0, 0.5, nan])]), [2.0, 0.5, nan])


def test_raw_scores_cannot_be_combined(sample, model):
    with pytest.raises(ArgumentError, match="calibrated"):
        combine([Scorer(model)])
    with pytest.raises(ArgumentError, match="none"):
        combine([])
