"""The evaluator for any callable score: build the perturbed copies in batches and call it.

Every batch has the same number of rows, the last one padded, so a score sees one shape only and a copy gets the
same bits whatever else is in its batch. Memory is one batch of copies, however many masks there are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ShapeError, message
from ...protocols import Score
from ..segments import runs

BATCH_BYTES = 8 << 20  # float32 copies of one batch: they stay in the caches, and BLAS has enough rows
MAX_ROWS = 512


class GenericEvaluator:
    """Scores of perturbed copies of one spectrum.

    Parameters
    ----------
    score : callable
        ``(rows, p) float32 -> (rows,)``, higher is odder.
    flux, fill : (p,) float32 arrays
        The spectrum and what replaces a segment that is off.
    segments : (p,) int array
        Ids 0…K−1.
    """

    path = "generic"

    def __init__(
        self, score: Score, flux: NDArray[np.float32], *, fill: NDArray[np.float32], segments: NDArray[np.intp]
    ) -> None:
        self._score = score
        self._flux = np.ascontiguousarray(flux, dtype=np.float32)
        self._fill = np.ascontiguousarray(fill, dtype=np.float32)
        self._segments = segments
        self._n_segments = int(segments.max()) + 1
        starts = runs(segments)
        self._run_ids, self._run_widths = segments[starts[:-1]], np.diff(starts)
        self._in_order = bool(np.array_equal(self._run_ids, np.arange(self._n_segments)))
        self.rows = batch_rows(self._flux.size)

    @property
    def n_segments(self) -> int:
        """Number of segments K."""
        return self._n_segments

    def energy(self) -> NDArray[np.float64]:
        """Return Σ (x − g)² over each segment, shape ``(K,)``."""
        square = (self._flux.astype(np.float64) - self._fill) ** 2
        return np.asarray(np.bincount(self._segments, weights=square, minlength=self._n_segments), dtype=np.float64)

    def copies(self, masks: NDArray[np.uint8], out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Return the perturbed copies of some masks, shape ``(n, p)``; bit for bit flux or fill in each pixel."""
        if out is None:
            out = np.empty((len(masks), self._flux.size), dtype=np.float32)
        on = masks.astype(np.bool_)
        if not self._in_order:
            on = on[:, self._run_ids]
        out[:] = self._fill
        np.copyto(out, self._flux, where=np.repeat(on, self._run_widths, axis=1))
        return out

    def scores(self, masks: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the score of each perturbed copy, shape ``(n,)`` float64.

        Raises
        ------
        ShapeError
            When masks are not ``(n, K)``, or the score does not return one value a row.
        """
        if masks.ndim != 2 or masks.shape[1] != self._n_segments:
            raise ShapeError(message("masks", expected=f"shape (n, {self._n_segments})", got=f"shape {masks.shape}"))
        values = np.empty(len(masks), dtype=np.float64)
        batch = np.empty((self.rows, self._flux.size), dtype=np.float32)
        for start in range(0, len(masks), self.rows):
            some = masks[start : start + self.rows]
            self.copies(some, out=batch[: len(some)])
            batch[len(some) :] = self._flux
            values[start : start + len(some)] = self._checked(self._score(batch))[: len(some)]
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
