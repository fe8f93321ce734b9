"""First weights that make the network a PCA, so that training starts where the linear baseline ends.

A ReLU passes x as the pair (x⁺, x⁻) with x = x⁺ − x⁻. The first 2·d units of each hidden layer carry the d leading
components that way, unit variance each; the other units start with small Glorot weights and are free to learn what
is not linear.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .network import Network, glorot

_FREE = 0.3  # size of the free units' Glorot weights
_FREE_OUT = 0.03  # and of what they add to the spectrum at first


def has_room(hidden: tuple[int, ...], n_latent: int) -> bool:
    """Whether each hidden layer can hold a pair of units per latent dimension."""
    return bool(hidden) and min(hidden) >= 2 * n_latent


@torch.no_grad()
def start_as_pca(network: Network, components: Tensor, variances: Tensor, generator: torch.Generator) -> None:
    """Make `network` reconstruct like the PCA of `components`.

    Parameters
    ----------
    network : Network
        With room for the pairs.
    components : (k, width) tensor
        Orthonormal, in the network's coordinates; k ≤ latent dimensions.
    variances : (k,) tensor
        Variance of the data along each.
    generator : torch.Generator
        For the free units.
    """
    glorot(network, generator)
    k = components.shape[0]
    size = variances.clamp_min(1e-12).sqrt()
    signs = torch.stack([torch.ones(k), -torch.ones(k)], dim=1).reshape(-1, 1)  # +1, −1, +1, −1, …
    pairs = components.repeat_interleave(2, dim=0) * signs
    _carry(network.encoder[0], pairs / size.repeat_interleave(2)[:, None])
    merge = torch.zeros(k, 2 * k)
    merge[torch.arange(k), 2 * torch.arange(k)], merge[torch.arange(k), 2 * torch.arange(k) + 1] = 1.0, -1.0
    split = merge.repeat_interleave(2, dim=0) * signs
    for layer in [*network.encoder[1:], *network.decoder[1:]]:
        _carry(layer, split)
    network.mu.weight.zero_()
    network.mu.weight[:k, : 2 * k] = merge
    assert network.log_var is not None
    network.log_var.weight.zero_()
    # The variance at which a linear decoder balances reconstruction against the divergence (mean over dimensions).
    network.log_var.bias[:k] = -torch.log1p(2.0 * network.n_latent * variances)
    _carry(network.decoder[0], torch.eye(k).repeat_interleave(2, dim=0) * signs)
    network.output.weight.mul_(_FREE_OUT)
    network.output.weight[:, : 2 * k] = (pairs * size.repeat_interleave(2)[:, None]).T


def _carry(layer: nn.Module, rows: Tensor) -> None:
    """Give the first units of `layer` exactly `rows`, and shrink the free ones."""
    assert isinstance(layer, nn.Linear)
    layer.weight.mul_(_FREE)
    layer.weight[: rows.shape[0]] = 0.0
    layer.weight[: rows.shape[0], : rows.shape[1]] = rows
