"""Does an explanation point where the anomaly is? Measures against the truth of a simulated survey, pure functions.

The pointing game is of Zhang et al. (2018); ROC-AUC and average precision rank pixels by their weight. What cannot be
known is NaN, and each function says when.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError, choice, message

Doubles = NDArray[np.float64]
BY = ("segment", "pixel")


def pointing(weights: NDArray[Any], segments: NDArray[np.intp], truth: NDArray[np.bool_], *, by: str = "segment",
             positive: bool = False) -> float:
    """Return whether the leading segment lies in the truth: 1 or 0 (Zhang et al. 2018).

    Parameters
    ----------
    weights : (K,) array
        The leading segment has the largest |weight|; of equal ones, each counts alike.
    segments : (p,) int array
        Ids 0…K−1.
    truth : (p,) bool array
        Where the anomaly is, widened by the tolerance: :func:`~specanom.explain.truth.truth_pixels`.
    by : {"segment", "pixel"}
        ``"segment"``: whether any pixel of the leading segment is in the truth. ``"pixel"``: the share of its pixels
        that are, the chance that one of them, taken at random, hits.
    positive : bool
        Whether only positive weights can lead.

    Returns
    -------
    float
        0 when no weight can lead: an explanation that points nowhere does not point right. NaN when no pixel is in
        the truth.
    """
    choice("by", by, BY)
    size = _size(weights, positive)
    if not truth.any():
        return float("nan")
    if not size.max() > 0:
        return 0.0
    hits = np.bincount(segments, weights=truth, minlength=size.size)
    value = (hits > 0).astype(np.float64) if by == "segment" else hits / np.bincount(segments, minlength=size.size)
    return float(value[size == size.max()].mean())


def roc_auc(values: NDArray[Any], truth: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve of pixels: the chance that one in the truth has the larger value.

    Parameters
    ----------
    values : (p,) array
        Such as ``np.abs(explanation.per_pixel())``; equal values count half. Pixels with NaN are left out.
    truth : (p,) bool array

    Returns
    -------
    float
        NaN when all pixels are in the truth, or none.
    """
    value, inside = _seen(values, truth)
    hits = int(inside.sum())
    if hits == 0 or hits == inside.size:
        return float("nan")
    _, group, count = np.unique(value, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count - 1) / 2.0  # of equal values each gets the mean rank
    return float((rank[group][inside].sum() - hits * (hits + 1) / 2.0) / (hits * (inside.size - hits)))


def average_precision(values: NDArray[Any], truth: NDArray[np.bool_]) -> float:
    """Return the precision of pixels averaged over the truth that is found as the threshold falls.

    Parameters
    ----------
    values, truth : (p,) arrays
        As for :func:`roc_auc`; equal values come in together.

    Returns
    -------
    float
        NaN when no pixel is in the truth. Values without any order give the share of pixels in the truth.
    """
    value, inside = _seen(values, truth)
    hits = int(inside.sum())
    if hits == 0:
        return float("nan")
    order = np.argsort(-value, kind="stable")
    last = np.append(np.flatnonzero(np.diff(value[order])), value.size - 1)
    found = np.cumsum(inside[order])[last]
    return float(np.sum(np.diff(found, prepend=0) / hits * found / (last + 1.0)))


def _seen(values: NDArray[Any], truth: NDArray[np.bool_]) -> tuple[Doubles, NDArray[np.bool_]]:
    value, inside = np.asarray(values, dtype=np.float64), np.asarray(truth, dtype=np.bool_)
    if value.shape != inside.shape or value.ndim != 1:
        raise ShapeError(message("truth", expected=f"shape {value.shape}, one a pixel", got=f"shape {inside.shape}"))
    good = ~np.isnan(value)
    return value[good], inside[good]


def _size(weights: NDArray[Any], positive: bool) -> Doubles:
    value = np.nan_to_num(np.asarray(weights, dtype=np.float64))
    return np.maximum(value, 0.0) if positive else np.abs(value)
