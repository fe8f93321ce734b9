"""Squared scores whose weights or pixels change with the copy, by blocks of residuals.

The inverse-flux weights of Eq. (2) of Ortiz & Boquien (2025) and a trim (ibid., Sect. 3.2) need the residual of each
pixel. They do not need the copies, nor the network: with E = D basisᵀ the residual of a copy is

    r = rb + t u − E y,        rb ± u/2 where the segment is on or off,

where y is short once the network has collapsed (see :mod:`.collapse`). So :data:`~.kernels.ROWS` copies at a time
take one product, ``E yᵀ``, and a pass or two over it while it is in the cache.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..problem import Problem
from .deviations import Deviations, Doubles, Floats, Setup
from .factored import FactoredEvaluator
from .generic import GenericEvaluator
from .kernels import ROWS, Passes, passes
from .products import BLOCK

LIMITS = (1e-12, 1e12)  # of the largest flux: squares and weights of what is this size are safe in float32


class BlockedEvaluator(FactoredEvaluator):
    """Scores of perturbed copies of one spectrum, for any weighted, trimmed squared residuals.

    Parameters
    ----------
    problem : Problem
        Its score follows a recipe of squared residuals, of a model with affine layers; see :func:`no_blocks`.
    fast : bool
        Whether the passes may be numba's, where it is installed.
    """

    fullest: ClassVar[float] = 0.75  # a coordinate less saves a product over all pixels

    def __init__(self, problem: Problem, *, fast: bool = True) -> None:
        super().__init__(problem)
        self._passes = passes(fast)
        self._score: Any = problem.score
        self.path = f"blocks ({self._passes.name}): {_because(self._score)}"

    @cached_property
    def residuals(self) -> Residuals:
        """What the blocks of this problem share."""
        return Residuals(self.setup)

    def _raw(self, signs: Floats, parked: NDArray[np.intp]) -> Doubles:
        if len(signs) == parked.size:
            return np.zeros(len(signs))
        found, n = self.deviations(signs, parked), len(signs)
        total, blocks = np.empty(n), Blocks(self.residuals, found.basis, self._passes)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for start in range(0, n, BLOCK):
                rows = slice(start, min(start + BLOCK, n))
                total[rows] = blocks(found.signs[rows], found.block(rows))
        return self._scored(total, signs)

    def path_of(self, found: Deviations) -> str:
        """Return which way was taken and why, from the collapsed network or why there is none."""
        how = found.why or f"rank {found.rank} of {self.setup.shared.width}"
        return f"blocks ({self._passes.name}): {_because(self._score)}; {how}"

    def _scored(self, total: Doubles, signs: Floats) -> Doubles:
        with np.errstate(invalid="ignore"):
            raw = np.sqrt(total) if self._score.norm == "l2" else total / self.residuals.stay
        beyond = np.flatnonzero(~np.isfinite(total))
        if beyond.size:  # float32 has not enough range for them, float64 may
            raw[beyond] = self._slowly(signs[beyond] > 0)
        return raw

    def _slowly(self, on: NDArray[np.bool_]) -> Doubles:
        score, generic, made = self._score, GenericEvaluator(self.problem), np.empty(len(on))
        for start in range(0, len(on), ROWS):
            copies = generic.copies(on[start : start + ROWS].astype(np.uint8))
            some = score.recipe(copies, np.asarray(score.reconstruct(copies)), score.weights, score.keep)
            made[start : start + len(some)] = np.where(np.isfinite(some), some, np.nan)
        return made


class Residuals:
    """Residuals and weights of the pixels that count, apart from what differs by copy.

    Parameters
    ----------
    setup : Setup
        What the masks of the problem share.

    Attributes
    ----------
    which : (q,) int array
        Segment of each pixel that counts.
    part, weight : (2, q) float32 array
        rb ± u/2 and weight, of segments that are off and on; `weight` is None where the reconstruction makes it.
    reference : (q,) float32 array
        Reconstruction at zb.
    stay : int
        How many pixels the trim leaves.
    """

    def __init__(self, setup: Setup) -> None:
        score: Any = setup.problem.score
        self.setup, self.recipe = setup, score.recipe
        self.pixels = np.flatnonzero(counted(score))
        self.which = np.ascontiguousarray(setup.problem.segments[self.pixels])
        self.stay = int(self.recipe.stay(self.pixels.size))
        rb, half = setup.residual[self.pixels], 0.5 * setup.u[self.pixels]
        self.part = np.stack([rb - half, rb + half]).astype(np.float32)
        self.reference = (setup.zb[self.pixels] - rb).astype(np.float32)
        made = self.recipe.weighting == "reconstruction"
        self.weight = None if made else np.ascontiguousarray(fixed_weights(setup.problem)[:, self.pixels])

    def expanded(self, basis: Floats | None) -> Floats:
        """Return E of the pixels that count, shape ``(q, r)``."""
        made = self.setup.expanded(basis)
        return made if self.pixels.size == len(made) else made[self.pixels]


class Blocks:
    """Sums of weighted squares of blocks of copies, in one basis.

    Parameters
    ----------
    residuals : Residuals
    basis : (r, H) float32 array or None
        Of the coordinates.
    how : Passes
        See :func:`.kernels.passes`.
    """

    def __init__(self, residuals: Residuals, basis: Floats | None, how: Passes) -> None:
        import torch

        self.residuals, self._how, self._product = residuals, how, torch.mm
        recipe, q = residuals.recipe, residuals.pixels.size
        # Buffers are torch's, which are aligned alike each time: the same products have the same bits.
        self._expanded = torch.tensor(residuals.expanded(basis))
        self._y = torch.zeros(self._expanded.shape[1], ROWS)
        self._block = torch.empty(q, ROWS)
        self._on = np.zeros((residuals.setup.segments.k, ROWS), dtype=np.uint8)
        apart = recipe.trim > 0 and recipe.trim_by == "residual" and recipe.weighting != "none"
        self._square = np.empty((q if apart else 0, ROWS), dtype=np.float32)
        self._total, self._cut, self._guess = np.empty(ROWS), np.empty(ROWS, dtype=np.float32), float("nan")

    def __call__(self, signs: Floats, y: Floats) -> Doubles:
        """Return Σ w r² of copies, shape ``(n,)``; NaN or infinite where float32 does not reach.

        Parameters
        ----------
        signs : (n, K) float32 array
            t.
        y : (n, r) float32 array
            Coordinates.
        """
        made = np.empty(len(signs))
        for start in range(0, len(signs), ROWS):
            n = min(ROWS, len(signs) - start)
            self._on[:, :n], self._on[:, n:] = signs[start : start + n].T > 0, 1
            put = self._y.numpy()
            put[:, :n], put[:, n:] = y[start : start + n].T, 0.0
            made[start : start + n] = self._sums()[:n]
        return made

    def _sums(self) -> Doubles:
        these, block, total = self.residuals, self._block.numpy(), self._total
        self._product(self._expanded, self._y, out=self._block)
        if these.weight is None:
            self._how.made(block, self._on, these.which, these.part, these.reference, self._square, total,
                           np.float32(these.recipe.delta))
        else:
            self._how.fixed(block, self._on, these.which, these.part, these.weight, self._square, total)
        if these.stay == these.pixels.size:
            return total
        beyond = ~np.isfinite(total)
        size = self._square if len(self._square) else block
        self._how.cuts(size, these.stay, self._guess, self._cut)
        self._guess = float(self._cut.min())
        self._how.kept(block, size, self._cut, these.stay, total)
        total[beyond] = np.nan
        return total


def counted(score: Any) -> NDArray[np.bool_]:
    """Return which pixels count before the trim, shape ``(p,)``."""
    keep = np.asarray(score.keep, dtype=np.bool_)
    return keep & (score.weights > 0) if score.weighting == "ivar" else keep


def fixed_weights(problem: Problem) -> Floats:
    """Return the weights of segments off and on, shape ``(2, p)``: those that do not need the reconstruction."""
    score: Any = problem.score
    both = np.stack([problem.fill, problem.flux])
    weights = score.recipe.pixel_weights(both, both, score.weights)
    with np.errstate(over="ignore"):
        made = np.ones_like(both) if weights is None else np.asarray(weights).astype(np.float32)
    return np.ascontiguousarray(np.broadcast_to(made, both.shape))


def no_blocks(problem: Problem) -> str:
    """Say why a squared score of affine layers cannot be worked out by blocks, or nothing when it can."""
    score: Any = problem.score
    if not hasattr(score, "recipe"):
        return "the score does not offer its recipe"
    counts = counted(score)
    if not score.recipe.stay(int(counts.sum())):
        return "no pixel counts"
    largest = max(float(np.abs(problem.flux).max()), float(np.abs(problem.fill).max()))
    if not LIMITS[0] < largest < LIMITS[1]:
        return f"fluxes of {largest:.0e} are beyond what single precision squares"
    if score.weighting == "reconstruction":
        return "" if score.delta > 0 else "weights may be infinite"
    return "" if np.isfinite(fixed_weights(problem)[:, counts]).all() else "weights are infinite"


def _because(score: Any) -> str:
    parts = {"flux": "weights 1/(|x| + δ)", "signed": "weights 1/(x + δ)", "reconstruction": "weights 1/(|x'| + δ)",
             "ivar": "weights ivar", "none": "squared residuals"}[score.weighting]
    return f"{parts}, {score.trim:.3g} trimmed" if score.trim > 0 else parts
