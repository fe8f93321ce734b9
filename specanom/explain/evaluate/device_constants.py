"""What a batch of spectra needs on a device before the first mask: a network's layers, and sums over segments.

Notation: x the spectrum, g the fill, ``u = x − g``, ``zb = g + u/2`` the point halfway, ``t = mask − ½``. A copy is
``zb + Σ t_k u_k``, so everything is a deviation from the halfway point, small, and float32 is enough for it; the few
large constants are float64, on the CPU where the device has none.

Every product has a fixed shape (the batch is filled up), so what comes out for a spectrum does not depend on which
others are in the batch, nor on how many.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ...seeds import content_hash
from ..problem import Problem

if TYPE_CHECKING:
    import torch

PIECE = 64  # pixels of a segment that are summed at once
GRAMS = 16  # Gram matrices of pixel filters kept for each network


@dataclass(frozen=True)
class BatchSizes:
    """Fixed sizes of the batches on one kind of device: spectra, masks of a block, rows of a block of residuals."""

    spectra: int
    masks: int
    rows: int


SIZES = {"cpu": BatchSizes(4, 256, 128), "cuda": BatchSizes(16, 2048, 2048), "mps": BatchSizes(16, 1024, 512)}


@dataclass(frozen=True, eq=False)
class Layers:
    """A network on a device.

    Attributes
    ----------
    first : (p, h) tensor
        Transposed weights of the layer that sees the spectrum; `exact_first` and `exact_last` are float64.
    last : (p, H) tensor
        Weights of the layer that makes the reconstruction.
    between : tuple of (weight, bias)
        The layers between them, transposed, float32.
    relus : tuple of bool
        Whether a ReLU follows the first layer and each of those between.
    """

    first: torch.Tensor
    last: torch.Tensor
    exact_first: torch.Tensor
    exact_last: torch.Tensor
    first_bias: torch.Tensor
    last_bias: torch.Tensor
    between: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    relus: tuple[bool, ...]
    grams: OrderedDict[str, torch.Tensor]

    @classmethod
    def of(cls, network: Any, device: torch.device) -> Layers:
        """Bring the layers of an ``AffineLayers`` to a device, once for each network and device."""
        import torch

        with _LOCK:
            places = _LAYERS.setdefault(network, {})
            if device not in places:
                exact = exact_device(device)
                inner = [*network.encoder, network.latent, *network.decoder]
                relus = [True] * len(network.encoder) + [False] + [True] * len(network.decoder)

                def put(array: Any, where: torch.device, kind: torch.dtype) -> torch.Tensor:
                    return torch.tensor(np.ascontiguousarray(array), device=where, dtype=kind)

                first, last = inner[0], network.output
                places[device] = cls(
                    put(first.weight.T, device, torch.float32), put(last.weight, device, torch.float32),
                    put(first.weight.T, exact, torch.float64), put(last.weight, exact, torch.float64),
                    put(first.bias, exact, torch.float64), put(last.bias, exact, torch.float64),
                    tuple((put(one.weight.T, device, torch.float32), put(one.bias, device, torch.float32))
                          for one in inner[1:]),
                    tuple(relus), OrderedDict(),
                )
            return places[device]

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes that networks must share to be run side by side."""
        widths = [int(weight.shape[1]) for weight, _ in self.between]
        return (*self.first.shape, *widths, *(int(relu) for relu in self.relus))

    def gram(self, problem: Problem) -> torch.Tensor:
        """Return Dᵀ diag(weight) D, summed in float64, given in float32; that of a shared filter is kept.

        Parameters
        ----------
        problem : Problem
            Whose score says how much each pixel counts.
        """
        import torch

        score: Any = problem.score
        key = content_hash(score.keep) if score.weights is None else ""  # weights are a spectrum's own
        with _LOCK:
            if key in self.grams:
                self.grams.move_to_end(key)
                return self.grams[key]
        scaled = self.exact_last * torch.tensor(pixel_weight(problem), device=self.exact_last.device)[:, None]
        made = (scaled.T @ self.exact_last).float().to(self.last.device)
        with _LOCK:
            if key:
                self.grams[key] = made
            while len(self.grams) > GRAMS:
                self.grams.popitem(last=False)
        return made


_LAYERS: WeakKeyDictionary[Any, dict[Any, Layers]] = WeakKeyDictionary()
_LOCK = Lock()


def exact_device(device: torch.device) -> torch.device:
    """Return where float64 is computed for a device: there, or on the CPU for those without (MPS)."""
    import torch

    return torch.device("cpu") if device.type == "mps" else device


@dataclass(frozen=True, eq=False)
class Constants:
    """One spectrum ready on a device; float32 but for `rho` and `base`.

    Attributes
    ----------
    layers : Layers
    a : (K, h) tensor
        Σ u W over each segment, W the first layer: what a segment adds to the pre-activations.
    start : (h,) tensor
        Pre-activation at zb.
    reference : (H,) tensor
        Last hidden layer at zb.
    residual : (p,) float64 tensor
        zb less its reconstruction.
    difference, reconstruction : (p,) tensors
        u, and the reconstruction of x.
    b, linear, rho, base : tensors
        Of the quadratic form, with the weight v of each pixel: −2 Σ v u D over each segment (K, H), −2 Dᵀ(v r) (H,),
        2 Σ v r u over each segment (K,), and Σ v (r² + u²/4).
    """

    problem: Problem
    layers: Layers
    a: torch.Tensor
    start: torch.Tensor
    reference: torch.Tensor
    residual: torch.Tensor
    difference: torch.Tensor
    reconstruction: torch.Tensor
    b: torch.Tensor
    linear: torch.Tensor
    rho: torch.Tensor
    base: torch.Tensor

    @cached_property
    def gram(self) -> torch.Tensor:
        """Dᵀ diag(v) D, (H, H)."""
        return self.layers.gram(self.problem)


def pixel_weight(problem: Problem) -> NDArray[np.float64]:
    """Return the fixed weight of each pixel: that of an ivar-weighted score or 1; 0 where the score does not look."""
    score: Any = problem.score
    weight = np.ones(problem.flux.size) if score.weights is None else np.asarray(score.weights, dtype=np.float64)
    return np.where(score.keep, weight, 0.0)


class Pieces:
    """Segments cut into pieces of at most PIECE pixels, as one padded index for gathers.

    Parameters
    ----------
    segments : (p,) int array
        Ids 0…K−1, in any order along the spectrum.
    """

    def __init__(self, segments: NDArray[np.intp], device: torch.device) -> None:
        import torch

        sizes = np.bincount(segments)
        counts = -(-sizes // PIECE)
        owner = np.repeat(np.arange(sizes.size), counts)
        order = np.argsort(segments, kind="stable")
        ids, first = segments[order], np.concatenate([[0], np.cumsum(counts)])
        place = np.arange(segments.size) - np.concatenate([[0], np.cumsum(sizes)])[ids]  # within its segment
        index = np.full((owner.size, PIECE), segments.size, dtype=np.int64)  # beyond the last pixel there is a zero
        index[first[ids] + place // PIECE, place % PIECE] = order
        self.index = torch.tensor(index, device=device)
        joins = (owner[None, :] == np.arange(sizes.size)[:, None]).astype(np.float32)
        self.join = torch.tensor(joins, device=device)

    def cut(self, rows: torch.Tensor) -> torch.Tensor:
        """Return ``(J, S, w)`` pieces of ``(S, p)`` rows, padded with zeros."""
        import torch

        return torch.nn.functional.pad(rows, (0, 1))[:, self.index].transpose(0, 1)

    def products(self, rows: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
        """Return ``(S, K, h)``: the products of ``(S, p)`` rows with a ``(p, h)`` matrix, segment by segment."""
        import torch

        padded = torch.nn.functional.pad(matrix, (0, 0, 0, 1))[self.index]
        parts = torch.bmm(self.cut(rows).contiguous(), padded)
        return torch.einsum("kj,jsh->skh", self.join, parts)

    def sums(self, rows: torch.Tensor) -> torch.Tensor:
        """Return ``(S, K)``: sums of ``(S, p)`` rows over segments, in the precision of the rows."""
        index, join = self.index.to(rows.device), self.join.to(rows.device, rows.dtype)
        import torch

        parts = torch.nn.functional.pad(rows, (0, 1))[:, index].sum(-1)
        return (parts[:, None, :] * join).sum(-1)


def prepare(problems: Sequence[Problem], pieces: Pieces, layers: Layers, *, spectra: int) -> list[Constants]:
    """Return what the masks of some spectra need; all share one network and one cut.

    Parameters
    ----------
    problems : sequence of Problem
        At most `spectra` of them.
    pieces : Pieces
    layers : Layers
    spectra : int
        Size the batch is filled up to.
    """
    import torch

    device, exact = layers.first.device, layers.exact_first.device
    filled = [*problems, *[problems[-1]] * (spectra - len(problems))]
    x, g, v = (torch.tensor(np.stack(rows).astype(np.float64), device=exact) for rows in (
        [one.flux for one in filled], [one.fill for one in filled], [pixel_weight(one) for one in filled]))
    u = x - g
    middle = g + u / 2.0
    start = (middle @ layers.exact_first + layers.first_bias).float().to(device)
    inner = SideBySide([layers] * spectra)
    reference = inner.hidden(start[:, None, :])[:, 0, :]
    # The residual belongs to the rounded reference, from which the deviations of the copies are taken.
    residual = middle - reference.to(exact).double() @ layers.exact_last.T - layers.last_bias
    seen = v * residual
    difference = u.float().to(device)
    a = pieces.products(difference, layers.first)
    b = pieces.products((-2.0 * v * u).float().to(device), layers.last)
    whole = inner.hidden((start + a.sum(1) / 2.0)[:, None, :])[:, 0, :]
    made = torch.addmm(layers.last_bias.float().to(device), whole, layers.last.T)
    linear = (-2.0 * seen @ layers.exact_last).float().to(device)
    rho, base = pieces.sums(2.0 * seen * u), (v * (residual**2 + u**2 / 4.0)).sum(-1)
    return [Constants(one, layers, a[i], start[i], reference[i], residual[i], difference[i], made[i], b[i], linear[i],
                      rho[i], base[i]) for i, one in enumerate(problems)]


class SideBySide:
    """The inner layers of the networks of a batch, each spectrum with its own.

    Each spectrum is a matrix product of its own in a batch of them, so its place in the batch does not matter.

    Parameters
    ----------
    layers : sequence of Layers
        One a spectrum, of one shape.
    """

    def __init__(self, layers: Sequence[Layers]) -> None:
        import torch

        self.relus = layers[0].relus
        self.between = [(torch.stack([one.between[i][0] for one in layers]),
                         torch.stack([one.between[i][1] for one in layers])[:, None, :])
                        for i in range(len(self.relus) - 1)]

    def hidden(self, start: torch.Tensor) -> torch.Tensor:
        """Return the last hidden layer ``(S, n, H)`` for pre-activations ``(S, n, h)``."""
        import torch

        values = torch.relu(start) if self.relus[0] else start
        for (weight, bias), relu in zip(self.between, self.relus[1:], strict=True):
            values = torch.baddbmm(bias, values, weight)
            if relu:
                values = values.relu_()
        return values
