"""The training data of one network: centred, in coordinates of a few components or in pixels, weighted by noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .components import leading_components
from .inputs import Rows
from .losses import squared_error
from .network import Network, recentre, widen
from .settings import Training

_BLOCK = 4096
_NOISE_ROWS = 2000  # rows that are enough for a median noise


@dataclass(frozen=True, eq=False)
class Batch:
    """Some spectra: what the network sees, and what its output is compared with."""

    inputs: Tensor
    target: Tensor
    weight: Tensor | None
    rest: Tensor | None
    expand: Tensor | None
    n_pixels: int

    def errors(self, made: Tensor) -> Tensor:
        """Return the mean (weighted) squared residual over pixels of each spectrum, shape ``(b,)``."""
        made = made.float()
        if self.expand is not None and self.weight is not None:
            return squared_error(made @ self.expand, self.target, self.weight)
        if self.rest is not None:
            # Orthonormal axes: the residual is what is lost inside their span plus what lies outside it.
            return ((made - self.target).square().sum(dim=1) + self.rest) / self.n_pixels
        return squared_error(made, self.target, self.weight)


class Source:
    """Spectra of one network, served in batches.

    Parameters
    ----------
    sample : Rows
        All spectra; flux and ivar are never copied.
    rows : (m,) array of int
        The rows this network may use, for training and validation.
    training : Training
        Centring, basis and weights.
    n_latent : int
        Components needed for first weights.
    device : torch.device
        Where batches go.
    """

    def __init__(
        self, sample: Rows, rows: NDArray[np.intp], *, training: Training, n_latent: int, device: torch.device
    ) -> None:
        self._sample, self.rows, self._device = sample, rows, device
        self.n_pixels = sample.flux.shape[1]
        wanted = max(training.basis or 0, n_latent)
        made = leading_components(sample.flux, wanted, rows=rows, centre="mean" if training.centre else "none")
        self.components = made
        self._mean = made.mean.astype(np.float32)
        self._axes = torch.from_numpy(made.axes.astype(np.float32)).to(device) if training.basis else None
        self._noise = _noise_scale(sample, rows, training)
        self._coordinates: Tensor | None = None
        self._rest: Tensor | None = None
        if training.basis:
            self._coordinates, self._rest = self._project()

    @property
    def width(self) -> int:
        """How many numbers of a spectrum the network sees."""
        return self.n_pixels if self._axes is None else int(self._axes.shape[0])

    @property
    def weighted(self) -> bool:
        """Whether residuals count by their inverse variance."""
        return self._noise is not None

    def first_components(self, k: int) -> tuple[Tensor, Tensor]:
        """Return the leading axes in the network's coordinates ``(k, width)``, and their variances ``(k,)``."""
        k = min(k, len(self.components.variances))
        variances = torch.from_numpy(self.components.variances[:k]).float()
        if self._axes is not None:
            return torch.eye(k, self.width), variances
        return torch.from_numpy(self.components.axes[:k]).float(), variances

    def take(self, picks: Tensor) -> Batch:
        """Return the spectra at positions `picks` of this source's rows."""
        rows = self.rows[picks.numpy()]
        weight = self._weights(rows) if self.weighted else None
        if self._coordinates is None:
            inputs = self._pixels(rows)
            return Batch(inputs, inputs, weight, None, None, self.n_pixels)
        assert self._rest is not None
        where = picks.to(self._device)
        inputs = self._coordinates[where]
        target = inputs if weight is None else self._pixels(rows)
        return Batch(inputs, target, weight, self._rest[where], self._axes, self.n_pixels)

    def finish(self, network: Network) -> Network:
        """Return the network over plain pixels, on the CPU: centring and basis go into its affine layers."""
        network = network.cpu()
        mean = torch.from_numpy(self.components.mean)
        if self._axes is None:
            return recentre(network, mean)
        axes = torch.from_numpy(self.components.axes)
        return widen(network, axes, axes, mean)

    def _pixels(self, rows: NDArray[np.intp]) -> Tensor:
        return torch.from_numpy(self._sample.flux[rows] - self._mean).to(self._device)

    def _weights(self, rows: NDArray[np.intp]) -> Tensor:
        assert self._noise is not None
        assert self._sample.ivar is not None
        variance, floor, norm = self._noise
        ivar = torch.from_numpy(self._sample.ivar[rows]).to(self._device)
        # 1/(σ²/median σ² + floor), written so that ivar = 0 gives weight 0.
        scaled = ivar * variance
        return scaled / (1.0 + floor * scaled) * norm

    def _project(self) -> tuple[Tensor, Tensor]:
        axes = self.components.axes
        coordinates = np.empty((len(self.rows), len(axes)), dtype=np.float32)
        rest = np.empty(len(self.rows), dtype=np.float32)
        for start in range(0, len(self.rows), _BLOCK):
            part = slice(start, start + _BLOCK)
            centred = self._sample.flux[self.rows[part]] - self.components.mean
            inside = centred @ axes.T
            coordinates[part] = inside
            rest[part] = np.maximum((centred**2).sum(axis=1) - (inside**2).sum(axis=1), 0.0)
        return torch.from_numpy(coordinates).to(self._device), torch.from_numpy(rest).to(self._device)


def _noise_scale(sample: Rows, rows: NDArray[np.intp], training: Training) -> tuple[float, float, float] | None:
    """Return median noise variance, floor, and the factor that makes the mean weight 1; None when unweighted."""
    if training.weight == "none" or sample.ivar is None:
        return None
    some = sample.ivar[rows[:: max(len(rows) // _NOISE_ROWS, 1)]].astype(np.float64)
    good = some > 0
    if not good.any():
        return None
    variance = float(np.median(1.0 / some[good]))
    scaled = some * variance
    return variance, training.floor, float(1.0 / (scaled / (1.0 + training.floor * scaled)).mean())
