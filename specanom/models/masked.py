"""Trains a masked transformer: what it is given, and how its predictions of hidden pixels are judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..seeds import object_seed
from .distributed import Group
from .gaps import with_gaps
from .inputs import Floats, Rows
from .loop import Limits, Loop
from .noise import NoiseScale
from .patches import Blocks
from .plan import Plan
from .settings import Training
from .transformer_network import MaskedTransformer

_BLOCK = 1024  # spectra looked at together


@dataclass(frozen=True, eq=False)
class MaskedBatch:
    """Some spectra ``(b, p)``, NaN where unknown, and the weight of each pixel, 0 there."""

    flux: Tensor
    weight: Tensor


class MaskedSource:
    """Spectra of a masked transformer, served in batches.

    Parameters
    ----------
    sample : Rows
        All spectra; NaN and pixels without inverse variance are unknown.
    rows : (m,) array of int
        The rows to use, for training and validation.
    training : Training
        Says how noise weighs.
    device : torch.device
        Where batches go.

    Attributes
    ----------
    mean : (p,) float32 tensor
        The mean spectrum; a pixel that no spectrum knows lies on a line between its neighbours.
    scale : float
        Weighted scatter about it: predicting the mean has a loss of 1.
    """

    def __init__(self, sample: Rows, rows: NDArray[np.intp], *, training: Training, device: torch.device) -> None:
        self._sample, self._rows, self._device = sample, rows, device
        self._noise = NoiseScale.of(sample, rows, training)
        mean = self._mean()
        self.mean, self.scale = torch.from_numpy(mean), self._scatter(mean)

    def take(self, picks: Tensor) -> MaskedBatch:
        """Return the spectra at positions `picks` of this source's rows."""
        flux, weight = self._read(self._rows[picks.numpy()])
        return MaskedBatch(torch.from_numpy(flux).to(self._device), torch.from_numpy(weight).to(self._device))

    def _read(self, which: NDArray[np.intp]) -> tuple[Floats, Floats]:
        flux = with_gaps(self._sample, which)
        weight = np.isfinite(flux).astype(np.float32)
        if self._noise is not None:
            assert self._sample.ivar is not None
            weight *= self._noise.weights(self._sample.ivar[which])
        return flux, weight

    def _mean(self) -> Floats:
        total, count = np.zeros(self._sample.flux.shape[1]), np.zeros(self._sample.flux.shape[1])
        for start in range(0, len(self._rows), _BLOCK):
            flux = with_gaps(self._sample, self._rows[start : start + _BLOCK])
            total += np.nansum(flux, axis=0, dtype=np.float64)
            count += np.isfinite(flux).sum(axis=0)
        known, pixel = count > 0, np.arange(count.size)
        mean = np.zeros(count.size)
        if known.any():
            mean = np.interp(pixel, pixel[known], total[known] / count[known])
        return mean.astype(np.float32)

    def _scatter(self, mean: Floats) -> float:
        total, weights = 0.0, 0.0
        for start in range(0, len(self._rows), _BLOCK):
            flux, weight = self._read(self._rows[start : start + _BLOCK])
            total += float(np.nansum(weight * np.square(flux - mean), dtype=np.float64))
            weights += float(weight.sum(dtype=np.float64))
        return float(np.sqrt(total / weights)) if total > 0 else 1.0


class MaskedTrainer(Loop):
    """Trains a masked transformer on one source.

    Parameters
    ----------
    source : MaskedSource
        The spectra.
    train, valid : (m,) int arrays
        Positions in the source's rows.
    network : MaskedTransformer
        On its device; its weights are set here.
    blocks : Blocks
        How pixels are hidden.
    training, limits, seed
        As in every :class:`Loop`.
    """

    parts = ("loss",)
    network: MaskedTransformer

    def __init__(
        self, source: MaskedSource, train: np.ndarray, valid: np.ndarray, *, network: MaskedTransformer,
        blocks: Blocks, training: Training, limits: Limits, seed: int,
    ) -> None:
        self._source, self._blocks = source, blocks
        super().__init__(network, train, valid, training=training, limits=limits, seed=seed)

    def _first_weights(self) -> None:
        cpu = MaskedTransformer(self.network.patches, **self.network.shape).to_empty(device="cpu")
        cpu.start(self._source.mean, self._source.scale, self.generator)
        self.network.load_state_dict(cpu.state_dict())

    def _losses(self, picks: Tensor) -> Tensor:
        # Drawn on the CPU on every device, so that what is hidden does not depend on it.
        return self._group.mean(self.errors(picks, self.generator, self._group), len(picks))[None]

    def errors(self, picks: Tensor, generator: torch.Generator, group: Group | None = None) -> Tensor:
        """Return the weighted mean squared residual over the hidden pixels of each spectrum, ``(b,)``.

        With a `group`, of this process's share of the spectra.
        """
        group = group or Group()
        batch = self._source.take(group.share(picks))
        hidden = group.share(self._blocks.draw(len(picks), generator)).to(self._device)
        standard = self.network.standardise(batch.flux)
        with self._mixed():
            made = self.network(standard, hidden)
        residual = torch.where(torch.isfinite(standard), made.float() - standard, 0.0)
        weight = batch.weight * hidden
        return (weight * residual.square()).sum(dim=1) / hidden.sum(dim=1)

    @torch.no_grad()
    def validate(self) -> float:
        """Return the mean error of the kept share of the validation spectra, with the same blocks at each look."""
        generator = torch.Generator().manual_seed(self._seed)
        found = [self.errors(part, generator).cpu() for part in torch.split(self._valid, self._batch)]
        return self._training.trimmed_mean(torch.cat(found))


def trainer_of(
    rows: Rows, plan: Plan, network: MaskedTransformer, *, blocks: Blocks, training: Training, limits: Limits
) -> MaskedTrainer:
    """Return what trains `network`, on its device, on all spectra but those of the plan that validate."""
    train, valid = plan.split(plan.order, training.validation, training.validation_from)
    device = next(network.parameters()).device
    source = MaskedSource(rows, np.concatenate([train, valid]), training=training, device=device)
    at = np.arange(len(train) + len(valid))
    return MaskedTrainer(source, at[: len(train)], at[len(train) :], network=network, blocks=blocks, training=training,
                         limits=limits, seed=object_seed(plan.seed, "masked transformer"))
