"""The order of scores: the oddest first, NaN last, ties by id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import ShapeError, choice, message


def order(values: ArrayLike, ids: Sequence[str] | NDArray[Any], *, nan: str = "last") -> NDArray[np.intp]:
    """Return the rows from the oddest to the most ordinary.

    Parameters
    ----------
    values : (n,) array
        Scores, higher is odder.
    ids : (n,) sequence of str
        Equal scores are ordered by id, so that the order of the sample never decides.
    nan : {"last", "first"}
        Where spectra without a score go. ``"first"`` is what the published code does.
    """
    choice("nan", nan, ("last", "first"))
    scores = np.asarray(values, dtype=np.float64)
    names = np.asarray(ids if isinstance(ids, np.ndarray) else list(ids), dtype=str)
    if scores.ndim != 1 or names.shape != scores.shape:
        raise ShapeError(message("values, ids", expected="two of one length", got=f"{scores.shape} and {names.shape}"))
    missing = np.isnan(scores)
    group = missing if nan == "last" else ~missing
    return np.lexsort((names, -np.where(missing, 0.0, scores), group))


def ranks(values: ArrayLike, ids: Sequence[str] | NDArray[Any], *, nan: str = "last") -> NDArray[np.int64]:
    """Return the rank of each score, 1 the oddest; see :func:`order`.

    Examples
    --------
    >>> ranks([0.5, float("nan"), 2.0, 0.5], ["b", "c", "d", "a"])
    array([3, 4, 1, 2])
    """
    rows = order(values, ids, nan=nan)
    made = np.empty(rows.size, dtype=np.int64)
    made[rows] = np.arange(1, rows.size + 1)
    return made
