"""The nearest vectors: measured in float64, in an order that depends on the vectors and their ids alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .backends import Backend, Doubles, Positions, blocks_of, exact_backend

SPARE = 6
"""Candidates asked for beyond k, so that most answers are proven at once."""


def distances_to(queries: Doubles, vectors: NDArray[Any], rows: Positions) -> Doubles:
    """Return Euclidean distances ``(m, w)`` in float64 from each query to its own rows of `vectors`; inf for −1."""
    gap = np.asarray(vectors[np.maximum(rows, 0)], dtype=np.float64)
    gap -= queries[:, None, :]
    with np.errstate(over="ignore"):
        distance = np.sqrt(np.einsum("ijk,ijk->ij", gap, gap))
    distance[rows < 0] = np.inf
    return np.asarray(distance)


class Index:
    """Finds the k nearest of `vectors`.

    Parameters
    ----------
    vectors : (n, d) array
        Finite. Of two at the same distance the earlier row comes first, so rows should be in an order with a meaning.
    backend : Backend, optional
        Where candidates come from; by default an exact one that suits the dimensions.
    """

    def __init__(self, vectors: NDArray[Any], backend: Backend | None = None) -> None:
        self.vectors = vectors
        self.backend = exact_backend(vectors) if backend is None else backend

    def __len__(self) -> int:
        return len(self.vectors)

    def nearest(self, queries: Doubles, k: int, *, leave_out: Positions | None = None) -> tuple[Doubles, Positions]:
        """Return distances and rows ``(m, k)`` of the nearest, nearest first.

        Parameters
        ----------
        queries : (m, d) float64 array
            Finite.
        k : int
            At most n, and at most n − 1 with `leave_out`.
        leave_out : (m,) int array, optional
            A row that is not an answer to the query, e.g. itself; −1 for none.
        """
        if leave_out is None:
            return self._search(queries, k)
        distance, rows = self._search(queries, k + 1)
        drop = rows == np.asarray(leave_out)[:, None]
        drop[~drop.any(axis=1), -1] = True
        shape = (len(queries), k)
        return distance[~drop].reshape(shape), rows[~drop].reshape(shape)

    def _search(self, queries: Doubles, k: int) -> tuple[Doubles, Positions]:
        distance = np.empty((len(queries), k))
        rows = np.empty((len(queries), k), dtype=np.int64)
        open_, width = np.arange(len(queries)), min(k + SPARE, len(self))
        while open_.size:
            proven = np.empty(open_.size, dtype=bool)
            for block in blocks_of(open_.size, width * self.vectors.shape[1]):
                part = open_[block]
                distance[part], rows[part], proven[block] = self._once(queries[part], k, width)
            open_, width = open_[~proven], min(8 * width, len(self))
        return distance, rows

    def _once(self, queries: Doubles, k: int, width: int) -> tuple[Doubles, Positions, NDArray[np.bool_]]:
        """Measure `width` candidates; proven is what no candidate left out can change, ties included."""
        if width >= len(self):
            found, proven = np.tile(np.arange(len(self)), (len(queries), 1)), np.ones(len(queries), dtype=bool)
            distance = distances_to(queries, self.vectors, found)
        else:
            found, floor = self.backend.candidates(queries, width)
            distance = distances_to(queries, self.vectors, found)
            proven = np.sort(distance, axis=1)[:, k - 1] < floor
        order = np.lexsort((found, distance))[:, :k]
        return np.take_along_axis(distance, order, axis=1), np.take_along_axis(found, order, axis=1), proven
