"""The evaluator for any callable score: build the perturbed copies in batches and call it.

Every batch has the same number of rows, the last one padded, so a score sees one shape only and a copy gets the
same bits whatever else is in its batch. Memory is one batch of copies, however many masks there are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ShapeError, message
from ..problem import Problem
from ..segments import runs

BATCH_BYTES = 8 << 20  # float32 copies of one batch: they stay in the caches, and BLAS has enough rows
MAX_ROWS = 512


class GenericEvaluator:
    """Scores of perturbed copies of one spectrum.

    Parameters
    ----------
    problem : Problem
        Spectrum, fill, segments, and any callable score.
    why : str
        Why no faster evaluator was taken.
    """

    def __init__(self, problem: Problem, why: str = "") -> None:
        self.problem = problem
        self.path = f"generic: {why}" if why else "generic"
        self.n_segments = problem.n_segments
        starts = runs(problem.segments)
        self._run_ids, self._run_widths = problem.segments[starts[:-1]], np.diff(starts)
        self._in_order = bool(np.array_equal(self._run_ids, np.arange(self.n_segments)))
        self.rows = batch_rows(problem.flux.size)

    def energy(self) -> NDArray[np.float64]:
        """Return Σ (x − g)² over each segment, shape ``(K,)``."""
        return self.problem.energy()

    def reconstruction(self) -> NDArray[np.float32] | None:
        """Return the reconstruction of the spectrum itself, shape ``(p,)``; None when the score has no model."""
        reconstruct = self.problem.reconstruct
        if reconstruct is None:
            return None
        made: NDArray[np.float32] = np.asarray(reconstruct(self.problem.flux[None, :]), dtype=np.float32)[0]
        return made

    def copies(self, masks: NDArray[np.uint8], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Return the perturbed copies of some masks, shape ``(n, p)``; bit for bit flux or fill in each pixel."""
        if out is None:
            out = np.empty((len(masks), self.problem.flux.size), dtype=np.float32)
        on = masks.astype(np.bool_)
        if not self._in_order:
            on = on[:, self._run_ids]
        out[:] = self.problem.fill
        np.copyto(out, self.problem.flux, where=np.repeat(on, self._run_widths, axis=1))
        return out

    def scores(self, masks: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the score of each perturbed copy, shape ``(n,)`` float64.

        Raises
        ------
        ShapeError
            When masks are not ``(n, K)``, or the score does not return one value a row.
        """
        if masks.ndim != 2 or masks.shape[1] != self.n_segments:
            raise ShapeError(message("masks", expected=f"shape (n, {self.n_segments})", got=f"shape {masks.shape}"))
        values = np.empty(len(masks), dtype=np.float64)
        batch = np.empty((self.rows, self.problem.flux.size), dtype=np.float32)
        for start in range(0, len(masks), self.rows):
            some = masks[start : start + self.rows]
            self.copies(some, out=batch[: len(some)])
            batch[len(some) :] = self.problem.flux
            values[start : start + len(some)] = self._checked(self.problem.score(batch))[: len(some)]
        return values

    def _checked(self, got: Any) -> NDArray[np.float64]:
        values = np.asarray(got, dtype=np.float64)
        if values.shape != (self.rows,):
            raise ShapeError(message("score", expected=f"one value a row, shape ({self.rows},)",
                                     got=f"shape {values.shape}", hint="a function (n, p) -> (n,)"))
        return values


def batch_rows(p: int) -> int:
    """Return how many copies of `p` pixels make a batch: a power of two (models like those), made of `p` alone."""
    fitting = max(16, min(MAX_ROWS, BATCH_BYTES // (4 * p)))
    return 1 << (fitting.bit_length() - 1)
