"""What neighbours say together: weights by distance, a vote over labels, mean and spread of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .backends import Doubles, blocks_of

_EQUAL = 1e-12


def weights_of(distances: ArrayLike, tau: float) -> Doubles:
    """Return weights ``(m, k)`` that fall as ``exp(−d/τ)`` and sum to one: the softmax of ``−d/τ``.

    The least distance is taken from all of a row first, so that nothing vanishes however far they are.

    Parameters
    ----------
    distances : (m, k) array
        Finite or inf; a row of NaN gives NaN.
    tau : float
        Scale of the distances, above zero.

    Examples
    --------
    >>> weights_of([[1.0, 1.0, 1e6]], tau=1.0).tolist()
    [[0.5, 0.5, 0.0]]
    """
    d = np.asarray(distances, dtype=np.float64)
    with np.errstate(under="ignore"):
        raw = np.exp(-(d - d.min(axis=1, keepdims=True)) / tau)
        return np.asarray(raw / raw.sum(axis=1, keepdims=True))


def vote(labels: NDArray[Any], weights: Doubles) -> tuple[NDArray[np.object_], Doubles]:
    """Return the label with most weight in each row, and its share of the weight that has a label.

    An empty label does not vote; where nobody votes, the label is empty and the share NaN. Of labels with equal
    weight that of the nearest neighbour wins: neighbours come nearest first.

    Parameters
    ----------
    labels : (m, k) array of str
    weights : (m, k) array
        Sum to one along rows; NaN do not vote.
    """
    import pandas as pd

    m, k = np.shape(labels)
    flat, names = pd.factorize(np.asarray(labels, dtype=object).ravel())
    codes = flat.reshape(m, k)
    valid = (np.asarray(labels, dtype=object) != "") & np.isfinite(weights)
    counted = np.where(valid, weights, 0.0)
    support = np.empty((m, k))
    # The weight of each neighbour's own label: k × k comparisons, whatever the number of labels.
    for part in blocks_of(m, k * k):
        same = codes[part, :, None] == codes[part, None, :]
        support[part] = np.einsum("ijk,ik->ij", same.astype(np.float64), counted[part])
    support[~valid] = -1.0
    best = support.max(axis=1, keepdims=True)
    first = np.argmax(support >= best - _EQUAL, axis=1)
    rows = np.arange(len(codes))
    total = counted.sum(axis=1)
    nobody = ~valid.any(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(nobody, np.nan, support[rows, first] / total)
    return np.where(nobody, "", names[codes[rows, first]]).astype(object), np.minimum(share, 1.0)


def mean_and_spread(values: ArrayLike, weights: Doubles) -> tuple[Doubles, Doubles]:
    """Return the weighted mean and standard deviation ``(m,)`` of each row of `values` ``(m, k)``, NaN left out.

    The weights w of what is known are made to sum to one, and the variance is ``Σ w (x − mean)² / (1 − Σ w²)``, which
    is without bias for weights that say how much an object counts. The spread of a single value is NaN, not zero.
    """
    x = np.asarray(values, dtype=np.float64)
    known = np.isfinite(x) & np.isfinite(weights)
    w = np.where(known, weights, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        w = w / w.sum(axis=1, keepdims=True)
        mean = np.where(known, w * np.where(known, x, 0.0), 0.0).sum(axis=1)
        free = 1.0 - np.square(w).sum(axis=1)
        square = np.where(known, w * np.square(np.where(known, x, 0.0) - mean[:, None]), 0.0).sum(axis=1)
        spread = np.sqrt(square / np.where(free > _EQUAL, free, np.nan))
    nothing = ~known.any(axis=1)
    return np.where(nothing, np.nan, mean), np.where(nothing, np.nan, spread)
