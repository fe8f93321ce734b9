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
_TREE_ERROR = 1e-12
_AT_ONCE = 65_536


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
    """A comparison with every vector in float32: by faiss when it is installed, otherwise by products in numpy.

    Vectors are taken less their mean, because ``|x|² + |y|² − 2xy`` loses digits far from the origin. What
    rounding can do to a squared distance is bounded by ``(d + 16) u (|x| + |y|)²`` with u the unit of float32.
    """

    def __init__(self, vectors: NDArray[Any], *, faiss: bool | None = None) -> None:
        self._centre = np.asarray(vectors.mean(axis=0, dtype=np.float64))
        moved = np.asarray(vectors - self._centre, dtype=np.float32)
        self._reach = float(np.sqrt(np.einsum("ij,ij->i", moved, moved, dtype=np.float64).max()))
        self._unit = (vectors.shape[1] + 16) * float(np.finfo(np.float32).eps)
        with_faiss = importlib.util.find_spec("faiss") is not None if faiss is None else faiss
        self.name = "faiss Flat" if with_faiss else "flat search"
        self._index = _faiss_flat(moved) if with_faiss else _Products(moved)

    def candidates(self, queries: Doubles, width: int) -> tuple[Positions, Doubles]:
        """Return the nearest in float32, and the distance to the last of them less what rounding can do."""
        moved = queries - self._centre
        squares, rows = self._index.search(np.ascontiguousarray(moved, dtype=np.float32), width)
        error = self._unit * (np.sqrt(np.einsum("ij,ij->i", moved, moved)) + self._reach) ** 2
        return rows, np.sqrt(np.maximum(squares[:, -1].astype(np.float64) - error, 0.0))


def _faiss_flat(vectors: NDArray[np.float32]) -> Any:
    import faiss

    index = faiss.IndexFlatL2(vectors.shape[1])
    index.add(vectors)
    return index


class _Products:
    """What ``faiss.IndexFlatL2.search`` does, by matrix products of numpy."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._vectors = vectors
        self._squares = np.einsum("ij,ij->i", vectors, vectors)

    def search(self, queries: NDArray[np.float32], width: int) -> tuple[NDArray[np.float32], Positions]:
        """Return squared distances and rows of the nearest, in order."""
        found = np.empty((len(queries), 0), dtype=np.float32)
        rows = np.empty((len(queries), 0), dtype=np.int64)
        own = np.einsum("ij,ij->i", queries, queries)[:, None]
        for start in range(0, len(self._vectors), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            squares = own + self._squares[part] - 2.0 * (queries @ self._vectors[part].T)
            numbers = np.broadcast_to(np.arange(start, start + squares.shape[1]), squares.shape)
            found, rows = _smallest(np.hstack([found, squares]), np.hstack([rows, numbers]), width)
        order = np.lexsort((rows, found))
        return np.take_along_axis(found, order, axis=1), np.take_along_axis(rows, order, axis=1)


def _smallest(values: NDArray[np.float32], rows: Positions, width: int) -> tuple[NDArray[np.float32], Positions]:
    if values.shape[1] <= width:
        return values, rows
    keep = np.argpartition(values, width - 1, axis=1)[:, :width]
    return np.take_along_axis(values, keep, axis=1), np.take_along_axis(rows, keep, axis=1)


def exact_backend(vectors: NDArray[Any]) -> Backend:
    """Return the exact search that suits the number of dimensions."""
    return Tree(vectors) if vectors.shape[1] <= TREE_DIMENSIONS else Flat(vectors)


def blocks_of(n: int, cost: int, *, room: int = 8_000_000) -> Iterator[slice]:
    """Walk through `n` rows in blocks of at most `room` numbers when each row costs `cost`."""
    step = max(1, room // max(cost, 1))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))
