"""Trains one network of a VAE: the published loss, watched by the deterministic reconstruction."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .distributed import Group
from .initial import has_room, start_as_pca
from .loop import Limits, Loop
from .losses import LossParts, kl_terms, mmd
from .network import Network, glorot
from .settings import Training
from .source import Batch, Batches

_LOOK = 1024  # validation spectra looked at together


class Trainer(Loop):
    """Trains one network on one source.

    Parameters
    ----------
    source : Batches
        The spectra.
    train, valid : (m,) int arrays
        Positions in the source's rows.
    network : Network
        Of the source's width, on its device; its weights are set here.
    training : Training
        The settings.
    limits : Limits
        Steps and epochs at most.
    seed : int
        Everything random comes from it.
    """

    parts = ("loss", "mse", "kld", "mmd")

    def __init__(
        self, source: Batches, train: np.ndarray, valid: np.ndarray, *, network: Network, training: Training,
        limits: Limits, seed: int,
    ) -> None:
        self._source = source
        self._scale = training.mse_scale or float(source.n_pixels)
        super().__init__(network, train, valid, training=training, limits=limits, seed=seed)

    def _first_weights(self) -> None:
        room = has_room(self.network.hidden, self.network.n_latent)
        cpu = Network(self.network.n_pixels, self.network.n_latent, self.network.hidden)
        if self._training.start == "pca" or (self._training.start == "auto" and room):
            start_as_pca(cpu, *self._source.first_components(self.network.n_latent), self.generator)
        else:
            glorot(cpu, self.generator)
        self.network.load_state_dict(cpu.state_dict())

    def _losses(self, picks: Tensor) -> Tensor:
        batch = self._source.take(self._group.share(picks))
        found = self.loss(batch, self.generator, count=len(picks), group=self._group)
        return torch.stack([found.total, found.mse, found.kld, found.mmd])

    def loss(
        self, batch: Batch, generator: torch.Generator, *, count: int | None = None, group: Group | None = None
    ) -> LossParts:
        """Return the loss of a batch and its parts, with latent points drawn from `generator`.

        Parameters
        ----------
        batch : Batch
            All of it, or this process's share.
        generator : torch.Generator
            In the same state in each process: what is drawn is drawn for the joint batch.
        count : int, optional
            Spectra of the joint batch.
        group : Group, optional
            The processes that have the rest of it. What they return adds up to the loss of the joint batch.
        """
        group, count = group or Group(), len(batch.inputs) if count is None else count
        training, d = self._training, self.network.n_latent
        with self._mixed():
            heads = self.network.heads(batch.inputs)
        mu, log_var = heads[0].float(), heads[1].float()
        # Drawn on the CPU on every device, so that the numbers do not depend on it.
        noise = group.share(torch.randn((count, d), generator=generator)).to(self._device)
        latent = mu + torch.exp(0.5 * log_var) * noise
        with self._mixed():
            made = self.network.decode(latent)
        mse = group.mean(batch.errors(made), count)
        kld = group.mean(kl_terms(mu, log_var), count * d)
        draws = torch.randn(training.mmd_samples, d, generator=generator).to(self._device)
        gap = mmd(group.gathered(latent, count), draws) / group.world  # no sum over spectra: all see all of them
        total = self._scale * mse + (1.0 - training.alpha) * kld + (training.alpha + training.lam - 1.0) * gap
        return LossParts(total, mse, kld, gap)

    @torch.no_grad()
    def validate(self) -> float:
        """Return the validation loss: of the kept share of spectra, by the deterministic reconstruction."""
        if self._training.monitor == "loss":
            generator = torch.Generator().manual_seed(self._seed)  # the same draws at each look
            losses = [(len(p), float(self.loss(self._source.take(p), generator).total)) for p in
                      torch.split(self._valid, _LOOK)]
            return sum(n * value for n, value in losses) / len(self._valid)
        return self._scale * self._training.trimmed_mean(self.errors(self._valid))

    @torch.no_grad()
    def errors(self, picks: Tensor) -> Tensor:
        """Return the mean (weighted) squared residual of spectra, reconstructed deterministically; on the CPU."""
        made: list[Any] = []
        for part in torch.split(picks, _LOOK):
            batch = self._source.take(part)
            made.append(batch.errors(self.network(batch.inputs)).cpu())
        return torch.cat(made)

