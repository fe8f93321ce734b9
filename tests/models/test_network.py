"""The network: widths, folding of centre and basis into its layers, the start as a PCA, plain numpy layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from specanom.models.components import leading_components
from specanom.models.initial import has_room, start_as_pca
from specanom.models.network import Network, affine_layers, glorot, recentre, widen

RNG = torch.Generator


def filled(n_pixels: int = 30, n_latent: int = 3, hidden: tuple[int, ...] = (16, 8)) -> Network:
    network = Network(n_pixels, n_latent, hidden)
    glorot(network, RNG().manual_seed(0))
    return network


def test_it_has_the_published_layers() -> None:
    network = Network(3773, 12, (256, 128, 64))
    shapes = [tuple(layer.weight.shape) for layer in [*network.encoder, network.mu, *network.decoder, network.output]]
    assert shapes == [(256, 3773), (128, 256), (64, 128), (12, 64), (64, 12), (128, 64), (256, 128), (3773, 256)]


def test_glorot_fills_within_its_bound_and_from_its_seed() -> None:
    first, same, other = (Network(30, 3, (16,)) for _ in range(3))
    for network, seed in ((first, 1), (same, 1), (other, 2)):
        glorot(network, RNG().manual_seed(seed))
    weight = first.encoder[0].weight
    assert 0.9 * np.sqrt(6 / 46) < float(weight.detach().abs().max()) <= np.sqrt(6 / 46)
    assert torch.equal(weight, same.encoder[0].weight)
    assert not torch.equal(weight, other.encoder[0].weight)


def test_making_a_network_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    filled()
    assert torch.equal(before, torch.get_rng_state())


def test_widening_equals_projecting_by_hand() -> None:
    network, generator = filled(6), RNG().manual_seed(3)
    axes = torch.linalg.qr(torch.randn(40, 6, generator=generator))[0].T
    mean, x = torch.randn(40, generator=generator) + 1, torch.randn(9, 40, generator=generator)
    wide = widen(network, axes, axes, mean)
    by_hand = mean + network((x - mean) @ axes.T) @ axes
    assert torch.allclose(wide(x), by_hand, atol=2e-5)
    assert wide.n_pixels == 40


def test_recentring_equals_subtracting_by_hand() -> None:
    network, mean = filled(), torch.linspace(0.5, 2, 30)
    x = torch.randn(9, 30, generator=RNG().manual_seed(0))
    assert torch.allclose(recentre(network, mean)(x), network(x - mean) + mean, atol=2e-5)


def test_it_can_start_as_a_pca(flux: np.ndarray) -> None:
    found = leading_components(flux, 4)
    axes = torch.from_numpy(found.axes).float()
    network = Network(200, 4, (32, 16, 16))
    start_as_pca(network, axes, torch.from_numpy(found.variances).float(), RNG().manual_seed(0))
    centred = torch.from_numpy(flux - found.mean.astype(np.float32))
    pca = centred @ axes.T @ axes
    latent = network.encode(centred)
    assert np.allclose(latent.detach().std(0, correction=0), 1, atol=1e-3), "unit variance"
    # The free units add a little at first, so that they have a gradient.
    assert float((network(centred) - pca).detach().square().mean()) < 0.02 * float(pca.square().mean())


def test_it_is_told_when_there_is_no_room_for_pairs() -> None:
    assert has_room((256, 128, 64), 12)
    assert not has_room((256, 16, 64), 12)
    assert not has_room((), 12)


def test_numpy_layers_compute_the_same() -> None:
    network = filled()
    x = torch.randn(5, 30, generator=RNG().manual_seed(0))
    layers = affine_layers(network)
    assert np.allclose(layers(x.numpy()), network(x).detach().numpy(), atol=1e-5)
    assert layers.first.weight.shape == (16, 30)
    assert layers.last.weight.shape == (30, 16)
    with pytest.raises(ValueError, match="read-only"):
        layers.first.weight[0, 0] = 1.0
