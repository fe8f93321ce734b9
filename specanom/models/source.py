"""The training data of one network: centred, in coordinates of a few components or in pixels, weighted by noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .components import Components, leading_components
from .distributed import Group
from .forms import Forms, FormsOfAll, Grams, GramsInMemory, GramsOnDisk
from .inputs import Rows
from .losses import squared_error
from .memory import is_large
from .network import Network, recentre, widen
from .noise import NoiseScale
from .on_disk import BLOCK, OnDisk
from .settings import Training


@dataclass(frozen=True, eq=False)
class Batch:
    """Some spectra: what the network sees (and has to make), and how its output is judged."""

    inputs: Tensor
    weight: Tensor | None
    forms: Forms | None
    n_pixels: int

    def errors(self, made: Tensor) -> Tensor:
        """Return the mean (weighted) squared residual over pixels of each spectrum, shape ``(b,)``."""
        made = made.float()
        if self.forms is not None:
            return self.forms(made - self.inputs) / self.n_pixels
        return squared_error(made, self.inputs, self.weight)


class Batches:
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
        same = Group.current().like_first
        self.components = made = Components(same(made.mean), same(made.axes), same(made.variances))
        self._mean = made.mean.astype(np.float32)
        self._noise = NoiseScale.of(sample, rows, training)
        self._coordinates: Tensor | None = None
        self._forms: FormsOfAll | None = None
        if training.basis:
            self._coordinates, self._forms = self._project()

    @property
    def width(self) -> int:
        """How many numbers of a spectrum the network sees."""
        return self.n_pixels if self._coordinates is None else int(self._coordinates.shape[1])

    @property
    def weighted(self) -> bool:
        """Whether residuals count by their inverse variance."""
        return self._noise is not None

    def first_components(self, k: int) -> tuple[Tensor, Tensor]:
        """Return the leading axes in the network's coordinates ``(k, width)``, and their variances ``(k,)``."""
        k = min(k, len(self.components.variances))
        variances = torch.from_numpy(self.components.variances[:k]).float()
        if self._coordinates is not None:
            return torch.eye(k, self.width), variances
        return torch.from_numpy(self.components.axes[:k]).float(), variances

    def take(self, picks: Tensor) -> Batch:
        """Return the spectra at positions `picks` of this source's rows."""
        if self._coordinates is not None and self._forms is not None:
            where = picks.to(self._device)
            return Batch(self._coordinates[where], None, self._forms.pick(where), self.n_pixels)
        rows = self.rows[picks.numpy()]
        pixels = torch.from_numpy(self._sample.flux[rows] - self._mean).to(self._device)
        weight = torch.from_numpy(self._weights(rows)).to(self._device) if self.weighted else None
        return Batch(pixels, weight, None, self.n_pixels)

    def finish(self, network: Network) -> Network:
        """Return the network over plain pixels, on the CPU: centring and basis go into its affine layers."""
        network = network.cpu()
        mean = torch.from_numpy(self.components.mean)
        if self._coordinates is None:
            return recentre(network, mean)
        axes = torch.from_numpy(self.components.axes)
        return widen(network, axes, axes, mean)

    def _weights(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        assert self._noise is not None
        assert self._sample.ivar is not None
        return self._noise.weights(self._sample.ivar[rows])

    def _project(self) -> tuple[Tensor, FormsOfAll]:
        """Return the coordinates of all rows, and their quadratic forms."""
        axes, n = self.components.axes, len(self.rows)
        q = len(axes)
        products = _products(axes).T if self.weighted else None
        grams = self._room_for(n, q) if self.weighted else None
        coordinates, leans, rests = np.empty((n, q), np.float32), np.empty((n, q), np.float32), np.empty(n, np.float32)
        for start in range(0, n, BLOCK):
            rows, part = self.rows[start : start + BLOCK], slice(start, start + BLOCK)
            centred = self._sample.flux[rows] - self.components.mean
            inside = centred @ axes.T
            outside = centred - inside @ axes
            weight = self._weights(rows) if self.weighted else np.float32(1.0)
            if grams is not None and products is not None:
                grams.put(start, weight @ products)
            leaned = outside * weight
            coordinates[part], leans[part], rests[part] = inside, leaned @ axes.T, (outside * leaned).sum(axis=1)
        placed, lean, rest = (torch.from_numpy(part).to(self._device) for part in (coordinates, leans, rests))
        return placed, FormsOfAll(grams, None if grams is None else lean, rest)

    def _room_for(self, n: int, q: int) -> Grams:
        """Return where `n` matrices ``(q, q)`` are kept: on disk with the spectra, or where memory is short."""
        short = self._device.type == "cpu" and is_large(4.0 * n * q * q)
        if isinstance(self._sample.flux, OnDisk) or short:
            return GramsOnDisk(n, q, self._sample.scratch)
        return GramsInMemory(n, q, self._device)


def _products(axes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the products of all pairs of axes, ``(q (q + 1) / 2, p)``, in the order of an upper triangle."""
    q, at = len(axes), 0
    made = np.empty((q * (q + 1) // 2, axes.shape[1]), np.float32)
    for first in range(q):
        made[at : at + q - first] = axes[first] * axes[first:]
        at += q - first
    return made
