"""How a question to a knowledge base is answered, and how far apart its own members are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, ShapeError, message
from .backends import Doubles
from .entries import Skipped, names_of
from .index import Index
from .kin import Kin
from .votes import vote, weights_of

if TYPE_CHECKING:
    from .knowledge import KnowledgeBase

REFERENCES = 2048
"""Members, evenly drawn in the order of their ids, whose own distances stand for those of all."""
KEPT = 10
"""Neighbours to which these are measured at first."""
NEAREST = 3
"""Which neighbour of the members sets τ."""


class Own:
    """Distances of members to their own neighbours, themselves left out; measured when first needed.

    Parameters
    ----------
    index : Index
        Of the members.
    distances : (r, K) array, optional
        As they were measured before.
    """

    def __init__(self, index: Index, distances: Doubles | None = None) -> None:
        self._index = index
        self._sorted = None if distances is None else np.sort(distances, axis=0)
        self._distances = distances

    @property
    def distances(self) -> Doubles:
        """``(r, K)``, K at least 10 when the base has as many others."""
        if self._distances is None:
            self._measure(KEPT)
        assert self._distances is not None
        return self._distances

    def to_neighbour(self, k: int) -> Doubles:
        """Return the distances to the k-th neighbour in increasing order, ``(r,)``; empty for a base of one."""
        most = len(self._index) - 1
        if most < 1:
            return np.empty(0)
        if self._distances is None or self._distances.shape[1] < min(k, most):
            self._measure(max(k, KEPT))
        assert self._sorted is not None
        return np.asarray(self._sorted[:, min(k, most) - 1])

    def _measure(self, k: int) -> None:
        n = len(self._index)
        rows = np.unique(np.linspace(0, n - 1, min(n, REFERENCES)).astype(np.int64))
        queries = np.asarray(self._index.vectors[rows], dtype=np.float64)
        width = min(k, n - 1)
        found = np.empty((len(rows), 0)) if not width else self._index.nearest(queries, width, leave_out=rows)[0]
        self._distances, self._sorted = found, np.sort(found, axis=0)


def default_tau(own: Own) -> float:
    """Return the median distance of members to their third neighbour; of copies, the mean of what is not zero."""
    found = own.to_neighbour(NEAREST)
    if found.size and np.median(found) > 0:
        return float(np.median(found))
    positive = found[found > 0]
    return float(positive.mean()) if positive.size else 1.0


def answers(base: KnowledgeBase, rows: NDArray[Any], k: int, *, exclude: Iterable[Any] | None, far: float) -> Kin:
    """Return the kin of vectors ``(m, d)``; the parameters are those of :meth:`KnowledgeBase.query`.

    Raises
    ------
    ArgumentError, ShapeError
        When k, `far` or `exclude` cannot be.
    """
    names = None if exclude is None else names_of(exclude, "exclude")
    if names is not None and len(names) != len(rows):
        raise ShapeError(message("exclude", expected=f"{len(rows)} ids, one for each vector", got=len(names)))
    if not 0 < far < 1:
        raise ArgumentError(message("far", expected="a quantile between 0 and 1", got=far))
    own = np.full(len(rows), -1, dtype=np.int64)
    if names is not None:
        own[:] = [base._place_of.get(name, -1) for name in names]
    most = len(base) - bool((own >= 0).any())
    if isinstance(k, bool) or k != int(k) or not 1 <= k <= most:
        raise ArgumentError(message("k", expected=f"1 to {most}, what the base can give", got=k))
    return _answers(base, rows, int(k), names=names, own=own, far=far)


def _answers(
    base: KnowledgeBase, rows: NDArray[Any], k: int, *, names: NDArray[np.object_] | None, own: NDArray[np.int64],
    far: float,
) -> Kin:
    finite = np.isfinite(rows).all(axis=1)
    distances = np.full((len(rows), k), np.nan)
    found = np.full((len(rows), k), -1, dtype=np.int64)
    if finite.any():
        leave = own[finite] if (own >= 0).any() else None
        near = base._index.nearest(rows[finite].astype(np.float64), k, leave_out=leave)
        distances[finite], found[finite] = near[0], base._order[near[1]]
    weights = weights_of(distances, base.tau)
    labels = np.where(found >= 0, base.labels[np.maximum(found, 0)], "").astype(object)
    ids = np.where(found >= 0, base.ids[np.maximum(found, 0)], "").astype(object)
    winner, share = vote(labels, weights)
    queries = np.array([str(i) for i in range(len(rows))], dtype=object) if names is None else names
    usual = base._measured.to_neighbour(k)
    threshold = float(np.quantile(usual, far)) if usual.size else float("nan")
    last = distances[:, -1]
    quantile = np.where(finite & (usual.size > 0), np.searchsorted(usual, last) / max(usual.size, 1), np.nan)
    skipped = tuple(Skipped(str(queries[i]), "vector is not finite") for i in np.flatnonzero(~finite))
    return Kin(queries, ids, labels, distances, weights, winner, share, quantile, last > threshold, threshold, far,
               base.tau, found, base.metadata, skipped)
