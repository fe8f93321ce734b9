"""Squared scores of a network without making any perturbed copy: masks meet the network in its first hidden layer.

A score costs about K·H products instead of those of a whole spectrum through the network. When few ReLUs change
state over the masks, the network collapses to a small one (see :mod:`.collapse`) and costs a tenth of that.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...errors import ShapeError, message
from ..problem import Problem
from .collapse import collapse
from .deviations import Deviations, Floats, Setup, signs_of
from .squares import Squares

Doubles = NDArray[np.float64]

FEW = 2  # masks for each unit of the last hidden layer, below which collapsing costs more than it saves


class FactoredEvaluator:
    """Scores of perturbed copies of one spectrum, for sums of squares over a fixed set of pixels.

    Parameters
    ----------
    problem : Problem
        Its score is a mean (or root) of squared residuals with fixed weights, of a model with affine layers.

    Attributes
    ----------
    collapses : bool
        Whether the network may be collapsed; to be switched off where the paths are compared.
    """

    fullest: ClassVar[float] = 0.5
    """Rank, as a share of the last hidden layer, up to which a collapsed network pays."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.n_segments = problem, problem.n_segments
        self.collapses = True
        self.setup = Setup(problem)
        self.path = "factored: squared residuals of affine layers"

    @cached_property
    def squares(self) -> Squares:
        """The quadratic form of this problem."""
        return Squares(self.setup)

    def energy(self) -> Doubles:
        """Return Σ (x − g)² over each segment, shape ``(K,)``."""
        return self.problem.energy()

    def reconstruction(self) -> Floats:
        """Return the reconstruction of the spectrum itself, shape ``(p,)``."""
        return np.asarray(self.setup.ends[0])

    @cached_property
    def _ends(self) -> Doubles:
        """Scores of the spectrum and of the fill, from all their pixels."""
        score: Any = self.problem.score
        made: Doubles = score.of_reconstruction(np.stack([self.problem.flux, self.problem.fill]), self.setup.ends)
        return made

    def scores(self, masks: NDArray[np.uint8]) -> Doubles:
        """Return the score of each perturbed copy, shape ``(n,)`` float64.

        Raises
        ------
        ShapeError
            When masks are not ``(n, K)``.
        """
        if masks.ndim != 2 or masks.shape[1] != self.n_segments:
            raise ShapeError(message("masks", expected=f"shape (n, {self.n_segments})", got=f"shape {masks.shape}"))
        if not self.setup.u.any():
            return np.full(len(masks), self._ends[0])
        signs = signs_of(masks)
        on = signs @ np.ones(self.n_segments, dtype=np.float32)
        whole, empty = np.flatnonzero(on == 0.5 * self.n_segments), np.flatnonzero(on == -0.5 * self.n_segments)
        values = self._linked(self._raw(signs, np.concatenate([whole, empty])))
        if whole.size:
            values[whole] = self._ends[0]
        if empty.size:
            values[empty] = self._ends[1]
        return values

    def _linked(self, raw: Doubles) -> Doubles:
        link = getattr(self.problem.score, "link", None)
        return raw if link is None else np.asarray(link(raw), dtype=np.float64)

    def _raw(self, signs: Floats, parked: NDArray[np.intp]) -> Doubles:
        if len(signs) == parked.size:
            return np.zeros(len(signs))
        return self.squares.of(self.deviations(signs, parked))

    def deviations(self, signs: Floats, parked: NDArray[np.intp]) -> Deviations:
        """Return the last hidden layer of the copies, collapsed where it pays, and keep why in `path`.

        Parameters
        ----------
        signs : (n, K) float32 array
            t of the copies; the parked rows are set to zero.
        parked : (m,) int array
            Rows that are scored apart.
        """
        signs[parked] = 0.0
        found = self._deviations(signs, parked)
        self.path = self.path_of(found)
        return found

    def _deviations(self, signs: Floats, parked: NDArray[np.intp]) -> Deviations:
        shared = self.setup.shared
        if self.collapses and shared.relu[-1] and len(signs) >= FEW * shared.width:
            return collapse(self.setup, signs, parked, fullest=self.fullest)
        why = f"{len(signs)} masks are too few to collapse for" if self.collapses else "not to be collapsed"
        return Deviations(signs, self.setup.reference, None, parked, lambda rows: self.setup.plain(signs[rows]),
                          why if shared.relu[-1] else "the network is linear")

    def path_of(self, found: Deviations) -> str:
        """Return which way was taken and why."""
        if found.basis is None:
            return f"factored: {found.why}"
        return f"collapse: rank {found.rank} of {self.setup.shared.width}"
