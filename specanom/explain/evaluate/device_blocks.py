"""Masks → scores on a device, in blocks of fixed shape: the quadratic form, and residuals pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from .device_constants import BatchSizes, Constants, SideBySide

if TYPE_CHECKING:
    import torch


def factored(ready: Sequence[Constants], signs: torch.Tensor, sizes: BatchSizes) -> list[NDArray[np.float64]]:
    """Return the raw scores of each spectrum, fixed weights, nothing trimmed.

    ``Σ v r² = base + t·ρ + δ·(linear + t·B + δ·G)`` with δ the deviation of the last hidden layer from its value
    halfway between spectrum and fill.

    Parameters
    ----------
    ready : sequence of Constants
        At most ``sizes.spectra``, networks of one shape.
    signs : (n, K) tensor
        Masks less ½.
    sizes : BatchSizes
    """
    import torch

    filled = _filled(ready, sizes.spectra)
    both = torch.stack([torch.cat([one.a, one.b], dim=1) for one in filled])
    start, reference, linear = (torch.stack([getattr(one, name) for one in filled])[:, None, :]
                                for name in ("start", "reference", "linear"))
    gram, rho = torch.stack([one.gram for one in filled]), torch.stack([one.rho for one in filled])
    base = torch.stack([one.base for one in filled])[:, None]
    width, exact = start.shape[-1], rho.device
    inner = SideBySide([one.layers for one in filled])
    made = []
    for block in _blocks(signs, sizes.masks):
        products = torch.bmm(block.expand(sizes.spectra, -1, -1).contiguous(), both)
        delta = inner.hidden(products[..., :width] + start) - reference
        form = products[..., width:] + linear + torch.bmm(delta, gram)
        total = (delta * form).sum(-1).to(exact).double()
        total += (block.to(exact).double()[None] * rho[:, None, :]).sum(-1) + base
        made.append(total)
    totals = torch.cat(made, dim=1)[: len(ready), : len(signs)].cpu().numpy()
    return [_normed(values, one.problem.score) for values, one in zip(totals, ready, strict=True)]


def residuals(ready: Sequence[Constants], signs: torch.Tensor, sizes: BatchSizes) -> list[NDArray[np.float64]]:
    """Return the raw scores of each spectrum from the residual of every pixel: weights made of fluxes, and trims.

    Parameters
    ----------
    ready : sequence of Constants
    signs : (n, K) tensor
        Masks less ½.
    sizes : BatchSizes
        Memory is a few arrays of ``sizes.rows`` × p.
    """
    import torch

    made = []
    for one in ready:
        pixels = Pixels(one)
        values = [pixels.totals(block) for block in _blocks(signs, sizes.rows)]
        totals = torch.cat(values)[: len(signs)].cpu().numpy().astype(np.float64)
        made.append(_normed(totals, one.problem.score, kept=pixels.kept))
    return made


class Pixels:
    """The residuals of the copies of one spectrum, and what a score makes of them.

    Parameters
    ----------
    one : Constants
    """

    def __init__(self, one: Constants) -> None:
        import torch

        problem, device, score = one.problem, one.a.device, cast(Any, one.problem.score)
        self.one, self.score = one, score
        self.flux, self.fill = (torch.tensor(values, device=device) for values in (problem.flux, problem.fill))
        self.inner = SideBySide([one.layers])
        self.residual = one.residual.float().to(device)
        self.segments = torch.tensor(problem.segments, device=device)
        self.keep = torch.tensor(np.asarray(score.keep, dtype=np.bool_), device=device)
        weights = score.weights
        self.fixed = None if weights is None else torch.tensor(np.asarray(weights, dtype=np.float32), device=device)
        count = int(np.count_nonzero(score.keep))
        self.kept = score.recipe.stay(count)
        self.left_out = count - self.kept

    def totals(self, signs: torch.Tensor) -> torch.Tensor:
        """Return the sum of the weighted squares that stay, ``(n,)``, of one block of masks."""
        import torch

        one = self.one
        start = (torch.matmul(signs, one.a) + one.start)[None]
        delta = self.inner.hidden(start)[0] - one.reference
        t = signs[:, self.segments]
        residual = torch.addmm(self.residual + t * one.difference, delta, one.layers.last.T, alpha=-1.0)
        terms = torch.square(residual)
        by_residual = self.score.recipe.trim_by == "residual"
        size = terms if by_residual else None
        weight = self._weight(t > 0, residual)
        if weight is not None:
            terms = terms * weight
        terms = torch.where(self.keep, terms, 0.0)
        if self.left_out:
            size = torch.where(self.keep, terms if size is None else size, -torch.inf)
            largest = torch.topk(size, self.left_out, dim=1, sorted=False).indices
            terms.scatter_(1, largest, 0.0)
        return terms.sum(dim=1)

    def _weight(self, on: torch.Tensor, residual: torch.Tensor) -> torch.Tensor | None:
        import torch

        if self.score.weighting in ("none", "ivar"):
            return self.fixed
        copies = torch.where(on, self.flux, self.fill)
        base = copies - residual if self.score.weighting == "reconstruction" else copies
        if self.score.weighting != "signed":
            base = base.abs()
        return torch.reciprocal(base + self.score.delta)


def _normed(totals: NDArray[np.float64], score: Any, kept: int | None = None) -> NDArray[np.float64]:
    if score.norm == "l2":
        with np.errstate(invalid="ignore"):
            return np.asarray(np.sqrt(totals))
    return np.asarray(totals / (np.count_nonzero(score.keep) if kept is None else kept))


def _filled(ready: Sequence[Constants], spectra: int) -> list[Constants]:
    return [*ready, *[ready[-1]] * (spectra - len(ready))]


def _blocks(signs: torch.Tensor, rows: int) -> list[torch.Tensor]:
    """Cut masks into blocks of exactly `rows`, the last one filled up."""
    import torch

    short = -len(signs) % rows
    return list(torch.split(torch.nn.functional.pad(signs, (0, 0, 0, short)), rows))
