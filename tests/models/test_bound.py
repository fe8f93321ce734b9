"""A bound network: its layers, its gradient, and that it travels to another process."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from specanom import PCAModel, ShapeError, SpectrumSet, VAEModel


def test_layers_reconstruct_like_the_network(vae: VAEModel, sample: SpectrumSet) -> None:
    bound = vae.bind(sample.ids[0])
    assert bound.network is not None
    assert np.allclose(bound.network(sample.flux), bound(sample.flux), atol=2e-5)
    assert bound.fold == vae.fold_of(sample.ids[:1])[0]
    assert len(bound.network.encoder) == 3


def test_a_pca_is_two_affine_layers(sample: SpectrumSet) -> None:
    bound = PCAModel(5).fit(sample).bind(None)
    assert bound.network is not None
    assert bound.network.first.weight.shape == (5, 200)
    assert np.allclose(bound.network(sample.flux), bound(sample.flux), atol=2e-5)


def test_the_gradient_is_the_slope(sample: SpectrumSet, vae: VAEModel) -> None:
    # In float64 with plain numpy layers, central differences across a step too small to cross a ReLU's edge.
    bound, rng = vae.bind(None), np.random.default_rng(0)
    assert bound.network is not None
    x, cotangent = sample.flux[:3].astype(np.float64), rng.normal(size=(3, 200))
    direction = rng.normal(size=(3, 200))
    step = 1e-6 * direction
    slope = ((bound.network(x + step) - bound.network(x - step)) / 2e-6 * cotangent).sum(1)
    assert np.allclose((bound.vjp(x, cotangent) * direction).sum(1), slope, rtol=2e-3, atol=2e-3)


def test_it_can_be_sent_to_another_process(vae: VAEModel, sample: SpectrumSet) -> None:
    bound = vae.bind(sample.ids[4])
    again = pickle.loads(pickle.dumps(bound))  # noqa: S301
    assert np.array_equal(again(sample.flux[:5]), bound(sample.flux[:5]))


def test_wrong_shapes_are_refused(vae: VAEModel) -> None:
    with pytest.raises(ShapeError, match="200"):
        vae.bind(None)(np.ones(200))
    with pytest.raises(ShapeError, match="cotangent"):
        vae.bind(None).vjp(np.ones((2, 200)), np.ones((3, 200)))
