"""Intervals of rates: so many of so many."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z95 = 1.959963984540054


def wilson(count: ArrayLike, n: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 95 % interval of a rate after Wilson (1927): never empty, never beyond 0–1; NaN for n = 0.

    Parameters
    ----------
    count, n : arrays
        How many of how many.
    """
    k, total = (np.asarray(value, dtype=np.float64) for value in (count, n))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = k / total
        scale = 1.0 + Z95**2 / total
        middle = (share + Z95**2 / (2 * total)) / scale
        half = Z95 / scale * np.sqrt(share * (1 - share) / total + Z95**2 / (4 * total**2))
    lo, hi = np.where(k == 0, 0.0, middle - half), np.where(k == total, 1.0, middle + half)
    empty = total == 0
    return np.where(empty, np.nan, lo), np.where(empty, np.nan, hi)
