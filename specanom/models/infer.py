"""Runs a network over numpy arrays in batches of one fixed shape, so that a row's bits do not depend on its company.

A matrix product may sum in another order for another number of rows. Every batch therefore has 256 rows, the
missing ones zero: the answer for a spectrum is the same alone, among many, and in any split.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .network import Network

BATCH = 256
Floats = NDArray[np.float32]


@torch.no_grad()
def run_padded(step: Callable[[Tensor], Tensor], rows: Floats, width: int, device: torch.device) -> Floats:
    """Return ``step(rows)``, shape ``(n, width)``, evaluated in batches of exactly :data:`BATCH` rows."""
    made = np.empty((len(rows), width), dtype=np.float32)
    fill_padded(step, rows, made, np.arange(len(rows)), device=device)
    return made


@torch.no_grad()
def fill_padded(
    step: Callable[[Tensor], Tensor], rows: Floats, made: Floats, which: NDArray[np.intp], *, device: torch.device
) -> None:
    """Put ``step(rows[which])`` into ``made[which]``, evaluated in batches of exactly :data:`BATCH` rows."""
    buffer = torch.zeros(BATCH, rows.shape[1])
    view = buffer.numpy()
    for start in range(0, len(which), BATCH):
        part = which[start : start + BATCH]
        np.take(rows, part, axis=0, out=view[: len(part)], mode="clip")  # "clip": straight into the buffer
        view[len(part) :] = 0.0
        made[part] = step(buffer.to(device))[: len(part)].cpu().numpy()


def draw_rows(network: Network, flux: Floats, noise: Floats, device: torch.device) -> Floats:
    """Return reconstructions ``(n, p)`` through latent points mean + σ·noise, with `noise` ``(n, d)``."""
    d = network.n_latent
    heads = run_padded(lambda x: torch.cat(network.heads(x), dim=1), flux, 2 * d, device)
    return run_padded(network.decode, heads[:, :d] + np.exp(0.5 * heads[:, d:]) * noise, network.n_pixels, device)
