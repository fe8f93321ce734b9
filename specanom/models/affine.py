"""The layers of a network as numpy arrays: what an explainer needs to evaluate many perturbed copies at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class AffineLayer:
    """``y = weight @ x + bias``; `weight` is ``(out, in)``, `bias` ``(out,)``, both read-only."""

    weight: Floats
    bias: Floats

    def __post_init__(self) -> None:
        self.weight.flags.writeable = False
        self.bias.flags.writeable = False

    def __call__(self, x: NDArray[np.floating]) -> NDArray[np.floating]:
        """Apply the layer to ``(n, in)``."""
        return x @ self.weight.T + self.bias


@dataclass(frozen=True, eq=False)
class AffineLayers:
    """A whole network: ReLU after each layer of `encoder` and `decoder`, none after `latent` and `output`.

    Principal components are such a network without `encoder` and `decoder` layers.
    """

    encoder: tuple[AffineLayer, ...]
    latent: AffineLayer
    decoder: tuple[AffineLayer, ...]
    output: AffineLayer

    @property
    def first(self) -> AffineLayer:
        """The layer that sees the spectrum."""
        return self.encoder[0] if self.encoder else self.latent

    @property
    def last(self) -> AffineLayer:
        """The layer that makes the reconstruction."""
        return self.output

    def __call__(self, x: NDArray[np.floating]) -> NDArray[np.floating]:
        """Reconstruct ``(n, p)`` spectra in plain numpy, in the precision of `x`."""
        for layer in self.encoder:
            x = np.maximum(layer(x), 0)
        x = self.latent(x)
        for layer in self.decoder:
            x = np.maximum(layer(x), 0)
        return self.output(x)
