"""Where candidates for the nearest vectors come from: a tree, a flat search, and graphs or cells of faiss.

Each answers ``candidates(queries, width)`` with positions ``(m, width)`` (−1 where it found fewer) and a distance
``(m,)`` below which nothing it left out can lie. :mod:`specanom.retrieve.index` measures the candidates anew in
float64 and asks for more until its answer is proven.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Positions = NDArray[np.int64]

TREE_DIMENSIONS = 16
"""Up to how many dimensions a k-d tree beats comparing with every vector."""
FEW_THREADS = 4
"""Up to how many threads products in numpy are quicker than faiss."""
_TREE_ERROR = 1e-12
_BLOCK = 8192


class Backend(Protocol):
    """Finds candidates for the nearest vectors."""

    @property
    def name(self) -> str:
        """What is shown of it."""
        ...

    def candidates(self, queries: Doubles, width: int) -> tuple[Positions, Doubles]:
        """Return positions ``(m, width)`` and the distance ``(m,)`` below which nothing was left out."""
        ...


class Tree:
    """A k-d tree (scipy), exact in float64; for few dimensions."""

    name = "k-d tree"

    def __init__(self, vectors: NDArray[Any]) -> None:
        from scipy.spatial import cKDTree

        self._tree = cKDTree(vectors)

    def candidates(self, queries: Doubles, width: int) -> tuple[Positions, Doubles]:
        """Return the nearest; the bound is the distance to the last of them."""
        distance, rows = self._tree.query(queries, k=width)
        shape = (len(queries), width)
        return (np.asarray(rows, dtype=np.int64).reshape(shape),
                np.asarray(distance, dtype=np.float64).reshape(shape)[:, -1] * (1.0 - _TREE_ERROR))


class Flat:
    """A comparison with every vector in float32: by products in numpy on few threads, by faiss's Flat on many.

    Vectors are taken less their mean, because ``|x|² + |y|² − 2xy`` loses digits far from the origin. What
    rounding can do to a squared distance is bounded by ``(d + 16) u (|x| + |y|)²`` with u the unit of float32.

    Parameters
    ----------
    vectors : (n, d) array
    faiss : bool, optional
        Whether faiss searches. By default where it is installed and has more than four threads: on one, products
        take a quarter of its time, but faiss shares all of the work among threads and numpy only the products.
    """

    def __init__(self, vectors: NDArray[Any], *, faiss: bool | None = None) -> None:
        self._centre = np.asarray(vectors.mean(axis=0, dtype=np.float64))
        moved = np.asarray(vectors - self._centre, dtype=np.float32)
        self._reach = float(np.sqrt(np.einsum("ij,ij->i", moved, moved, dtype=np.float64).max()))
        self._unit = (vectors.shape[1] + 16) * float(np.finfo(np.float32).eps)
        with_faiss = _threads_of_faiss() > FEW_THREADS if faiss is None else faiss
        self.name = "faiss Flat" if with_faiss else "flat search"
        self._index = _faiss_flat(moved) if with_faiss else Products(moved)

    def candidates(self, queries: Doubles, width: int) -> tuple[Positions, Doubles]:
        """Return the nearest in float32, and the distance to the last of them less what rounding can do."""
        moved = queries - self._centre
        with np.errstate(over="ignore", invalid="ignore"):
            squares, rows = self._index.search(np.ascontiguousarray(moved, dtype=np.float32), width)
            error = self._unit * (np.sqrt(np.einsum("ij,ij->i", moved, moved)) + self._reach) ** 2
            return rows, np.sqrt(np.maximum(squares[:, -1].astype(np.float64) - error, 0.0))


def _threads_of_faiss() -> int:
    if importlib.util.find_spec("faiss") is None:
        return 0
    import faiss

    return int(faiss.omp_get_max_threads())


def _faiss_flat(vectors: NDArray[np.float32]) -> Any:
    import faiss

    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    return index


class Products:
    """The flat search by matrix products in blocks; of each block only what beats the farthest kept so far is sorted.

    What is compared is ``|y|²/2 − x·y``, half the squared distance less a constant of the query.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._vectors = vectors
        self._halves = np.einsum("ij,ij->i", vectors, vectors) / 2

    def search(self, queries: NDArray[np.float32], width: int) -> tuple[NDArray[np.float32], Positions]:
        """Return squared distances and rows ``(m, width)`` of the nearest, in order."""
        parts = [self._search(queries[one], width) for one in blocks_of(len(queries), _BLOCK)]
        return np.concatenate([squares for squares, _ in parts]), np.concatenate([rows for _, rows in parts])

    def _search(self, queries: NDArray[np.float32], width: int) -> tuple[NDArray[np.float32], Positions]:
        own = np.einsum("ij,ij->i", queries, queries)[:, None]
        first = max(_BLOCK // 4, width)
        halves, rows = _nearest_of(self._scores(queries, slice(0, first)), 0, width)
        for start in range(first, len(self._vectors), _BLOCK):
            scores = self._scores(queries, slice(start, start + _BLOCK))
            query, row = np.nonzero(scores <= halves[:, -1:])
            if query.size:
                halves, rows = _merged(halves, rows, (query, row + start, scores[query, row]))
        return own + 2.0 * halves, rows

    def _scores(self, queries: NDArray[np.float32], part: slice) -> NDArray[np.float32]:
        scores = queries @ self._vectors[part].T
        np.subtract(self._halves[part], scores, out=scores)
        return scores


def _nearest_of(scores: NDArray[np.float32], start: int, width: int) -> tuple[NDArray[np.float32], Positions]:
    keep = np.argpartition(scores, width - 1, axis=1)[:, :width] if width < scores.shape[1] else np.broadcast_to(
        np.arange(width), (len(scores), width))
    values = np.take_along_axis(scores, keep, axis=1)
    order = np.lexsort((keep, values))
    return np.take_along_axis(values, order, axis=1), np.take_along_axis(keep, order, axis=1) + start


def _merged(
    values: NDArray[np.float32], rows: Positions, found: tuple[NDArray[np.intp], Positions, NDArray[np.float32]]
) -> tuple[NDArray[np.float32], Positions]:
    """Return the least of what was kept and what was found, as many as were kept."""
    m, width = values.shape
    query = np.concatenate([np.repeat(np.arange(m), width), found[0]])
    row, value = np.concatenate([rows.ravel(), found[1]]), np.concatenate([values.ravel(), found[2]])
    order = np.lexsort((row, value, query))
    keep = order[np.searchsorted(query[order], np.arange(m))[:, None] + np.arange(width)]
    return value[keep], row[keep]


def exact_backend(vectors: NDArray[Any]) -> Backend:
    """Return the exact search that suits the number of dimensions."""
    return Tree(vectors) if vectors.shape[1] <= TREE_DIMENSIONS else Flat(vectors)


def blocks_of(n: int, cost: int, *, room: int = 8_000_000) -> Iterator[slice]:
    """Walk through `n` rows in blocks of at most `room` numbers when each row costs `cost`."""
    step = max(1, room // max(cost, 1))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))
