"""The terms of the loss, as functions of tensors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


def squared_error(made: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the mean (weighted) squared residual of each spectrum, shape ``(b,)``."""
    residual = (made - target).square()
    return (residual if weight is None else residual * weight).mean(dim=1)


def kl_divergence(mu: Tensor, log_var: Tensor) -> Tensor:
    """Return the mean of :func:`kl_terms` over batch and latent dimensions.

    The mean over latent dimensions, where the textbook has a sum, is what was published.
    """
    return kl_terms(mu, log_var).mean()


def kl_terms(mu: Tensor, log_var: Tensor) -> Tensor:
    """Return −½ (1 + log σ² − μ² − σ²) of each spectrum and latent dimension, shape ``(b, d)``."""
    return -0.5 * (1.0 + log_var - mu.square() - log_var.exp())


def mmd(latent: Tensor, draws: Tensor) -> Tensor:
    """Return the maximum mean discrepancy between `latent` ``(b, d)`` and normal `draws` ``(m, d)``.

    The biased V-statistic (diagonals counted) with kernel exp(−‖a − b‖² / d²).
    """
    return _kernel(latent, latent).mean() + _kernel(draws, draws).mean() - 2.0 * _kernel(latent, draws).mean()


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    # ‖a‖² + ‖b‖² − 2ab: cheap, and in a dozen dimensions of order one as exact as the differences.
    distance = a.square().sum(1)[:, None] + b.square().sum(1)[None, :] - 2.0 * a @ b.T
    return torch.exp(-distance.clamp_min(0.0) / a.shape[1] ** 2)


@dataclass(frozen=True, eq=False)
class LossParts:
    """One evaluation of the loss: its sum, which is differentiated, and its parts."""

    total: Tensor
    mse: Tensor
    kld: Tensor
    mmd: Tensor
