"""Scores of the encoding."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import multivariate_normal

from specanom.errors import ArgumentError, NotFittedError
from specanom.scores import LatentScorer

METHODS = ["gmm", "knn", "forest", "kl"]


class Coordinates:
    """Its encoding is the first three pixels."""

    wave = None

    def encode(self, flux, ids=None):
        return np.asarray(flux)[:, :3]

    def reconstruct(self, flux, ids=None):
        return np.asarray(flux) * 0

    def bind(self, id):
        return self.reconstruct


class Spread(Coordinates):
    def encode_distribution(self, flux, ids=None):
        return self.encode(flux), np.full((len(flux), 3), -1.0)


@pytest.fixture
def cloud():
    return np.random.default_rng(0).normal(size=(400, 10)) * ([1, 5, 0.2] + [1] * 7)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_far_from_all_others_scores_highest(cloud, method):
    cloud[17, :3] = [9, 40, -2]
    scorer = LatentScorer(Coordinates(), method).fit(cloud)
    values = scorer(cloud)
    assert values.shape == (400,)
    assert values.dtype == np.float64
    assert values.argmax() == 17
    np.testing.assert_allclose(scorer(cloud, block_size=37), values, rtol=1e-9)


def test_one_gaussian_is_minus_the_log_of_its_density(cloud):
    got = LatentScorer(Coordinates(), "gmm", size=1).fit(cloud)(cloud)
    x = cloud[:, :3]
    want = -multivariate_normal(x.mean(0), np.cov(x.T, bias=True)).logpdf(x)
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3)


def test_the_kth_neighbour_is_never_the_spectrum_itself(cloud):
    got = LatentScorer(Coordinates(), "knn", size=4).fit(cloud)(cloud)
    x = cloud[:, :3] / cloud[:, :3].std(axis=0)
    np.testing.assert_allclose(got, np.sort(cdist(x, x), axis=1)[:, 4], rtol=1e-6)
    fresh = cloud[:5] + 0.01
    y = fresh[:, :3] / cloud[:, :3].std(axis=0)
    np.testing.assert_allclose(LatentScorer(Coordinates(), "knn", size=4).fit(cloud)(fresh),
                               np.sort(cdist(y, x), axis=1)[:, 3], rtol=1e-6)


def test_kl_uses_the_width_of_the_encoding_where_the_model_tells_it(cloud):
    half_square = 0.5 * (cloud[:, :3] ** 2).sum(axis=1)
    np.testing.assert_allclose(LatentScorer(Coordinates(), "kl")(cloud), half_square)
    np.testing.assert_allclose(LatentScorer(Spread(), "kl")(cloud), half_square + 1.5 * np.exp(-1.0))


@pytest.mark.parametrize("method", METHODS)
def test_bound_and_calibrated_like_any_score(sample, model, method):
    scorer = LatentScorer(model, method, seed=3).fit(sample)
    assert scorer.bind(sample[2])(sample.flux[2:3])[0] == pytest.approx(scorer(sample)[2], rel=1e-9)
    calibrated = scorer.calibrate(sample)
    assert calibrated.bind(sample[2])(sample.flux[2:3])[0] == pytest.approx(calibrated(sample)[2], rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_score(cloud, method):
    one, two = (LatentScorer(Coordinates(), method, seed=5).fit(cloud)(cloud) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_wrong_calls_raise(cloud, smoother):
    for method in ("gmm", "knn", "forest"):
        with pytest.raises(NotFittedError, match="fit"):
            LatentScorer(Coordinates(), method)(cloud)
    with pytest.raises(ArgumentError, match="gmm"):
        LatentScorer(Coordinates(), "gm")
    with pytest.raises(ArgumentError, match="size"):
        LatentScorer(Coordinates(), size=0)
    with pytest.raises(ArgumentError, match="encodes"):
        LatentScorer(lambda flux: flux)


def test_copies_of_a_spectrum_are_encoded_under_its_own_id(sample):
    class ById(Coordinates):
        def encode(self, flux, ids=None):
            shift = np.zeros(len(flux)) if ids is None else [float(id[1:]) for id in ids]
            return np.asarray(flux)[:, :3] + np.asarray(shift)[:, None]

    for method in ("knn", "kl"):
        scorer = LatentScorer(ById(), method).fit(sample)
        assert scorer.bind(sample[60])(sample.flux[60:61])[0] == pytest.approx(scorer(sample)[60], rel=1e-6)
