"""The network p–256–128–64–12–64–128–256–p: ReLU between affine layers, linear latent heads, linear output."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from .affine import AffineLayer, AffineLayers

LOG_VAR_RANGE = (-14.0, 8.0)  # keeps exp() finite when a first step overshoots


class Network(nn.Module):
    """An autoencoder of affine layers. Without hidden layers and without `variational` it is a PCA.

    Parameters
    ----------
    n_pixels, n_latent : int
        Width of the ends and of the waist.
    hidden : sequence of int
        Widths of the encoder's layers; the decoder mirrors them.
    variational : bool
        Whether there is a head for the latent variance.
    """

    def __init__(self, n_pixels: int, n_latent: int, hidden: Sequence[int] = (), *, variational: bool = True) -> None:
        super().__init__()
        widths = [n_pixels, *hidden]
        self.n_pixels, self.n_latent, self.hidden = n_pixels, n_latent, tuple(hidden)
        self.encoder = nn.ModuleList(_linear(a, b) for a, b in pairwise(widths))
        self.mu = _linear(widths[-1], n_latent)
        self.log_var = _linear(widths[-1], n_latent) if variational else None
        back = [n_latent, *reversed(widths[1:])]
        self.decoder = nn.ModuleList(_linear(a, b) for a, b in pairwise(back))
        self.output = _linear(back[-1], n_pixels)

    def heads(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of the encoding, each ``(n, d)``."""
        for layer in self.encoder:
            x = torch.relu(layer(x))
        mu: Tensor = self.mu(x)
        if self.log_var is None:
            return mu, torch.full_like(mu, LOG_VAR_RANGE[0])
        return mu, self.log_var(x).clamp(*LOG_VAR_RANGE)

    def encode(self, x: Tensor) -> Tensor:
        """Return the mean of the encoding, ``(n, d)``."""
        return self.heads(x)[0]

    def decode(self, z: Tensor) -> Tensor:
        """Return ``(n, p)`` spectra of latent points ``(n, d)``."""
        for layer in self.decoder:
            z = torch.relu(layer(z))
        out: Tensor = self.output(z)
        return out

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruct ``(n, p)`` through the mean: deterministic."""
        return self.decode(self.encode(x))


def _linear(inputs: int, outputs: int) -> nn.Linear:
    # torch's own first weights come from its global generator: they are made, from a seed, by glorot().
    return nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")


@torch.no_grad()
def glorot(network: Network, generator: torch.Generator) -> None:
    """Fill `network` with Glorot's uniform weights and zero biases."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            bound = math.sqrt(6.0 / (layer.in_features + layer.out_features))
            layer.weight.uniform_(-bound, bound, generator=generator)
            layer.bias.zero_()


@torch.no_grad()
def widen(network: Network, project: Tensor, expand: Tensor, mean: Tensor) -> Network:
    """Return the network over pixels of one that was trained on coordinates.

    Parameters
    ----------
    network : Network
        Takes and makes coordinates ``(n, q)`` of centred spectra.
    project, expand : (q, p) tensor
        Coordinates are ``(x − mean) @ project.T``, spectra ``mean + c @ expand``.
    mean : (p,) tensor
        What was taken off the spectra.
    """
    made = Network(expand.shape[1], network.n_latent, network.hidden, variational=network.log_var is not None)
    made.load_state_dict({**network.state_dict(), **_end_weights(network, project, expand, mean)})
    return made


def _end_weights(network: Network, project: Tensor, expand: Tensor, mean: Tensor) -> dict[str, Tensor]:
    # In float64: the centre is the largest part of a spectrum, and it moves into the biases here.
    project, expand, mean = project.double(), expand.double(), mean.double()
    ends: dict[str, Tensor] = {}
    firsts = {"encoder.0": network.encoder[0]} if network.encoder else {"mu": network.mu, "log_var": network.log_var}
    for name, layer in firsts.items():
        if isinstance(layer, nn.Linear):
            weight = layer.weight.double() @ project
            ends[f"{name}.weight"], ends[f"{name}.bias"] = weight, layer.bias.double() - weight @ mean
    ends["output.weight"] = expand.T @ network.output.weight.double()
    ends["output.bias"] = mean + network.output.bias.double() @ expand
    return {name: value.float() for name, value in ends.items()}


@torch.no_grad()
def recentre(network: Network, mean: Tensor) -> Network:
    """Return the network over pixels of one that was trained on centred pixels."""
    state = network.state_dict()
    firsts = ["encoder.0"] if network.encoder else ["mu", *(["log_var"] if network.log_var is not None else [])]
    for name in firsts:
        shift = state[f"{name}.weight"].double() @ mean.double()
        state[f"{name}.bias"] = (state[f"{name}.bias"].double() - shift).float()
    state["output.bias"] = (state["output.bias"].double() + mean.double()).float()
    made = Network(network.n_pixels, network.n_latent, network.hidden, variational=network.log_var is not None)
    made.load_state_dict(state)
    return made


def affine_layers(network: Network) -> AffineLayers:
    """Return the layers of `network` as read-only numpy arrays."""

    def layer(module: nn.Module) -> AffineLayer:
        assert isinstance(module, nn.Linear)
        return AffineLayer(module.weight.detach().cpu().numpy().copy(), module.bias.detach().cpu().numpy().copy())

    return AffineLayers(tuple(layer(m) for m in network.encoder), layer(network.mu),
                        tuple(layer(m) for m in network.decoder), layer(network.output))
