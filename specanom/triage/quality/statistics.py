"""Rates with intervals, and many tests at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Doubles = NDArray[np.float64]


def jeffreys(count: ArrayLike, n: ArrayLike, *, level: float = 0.95) -> tuple[Doubles, Doubles]:
    """Return the interval of a rate from Jeffreys' prior.

    Parameters
    ----------
    count, n : arrays
        How many of how many.
    level : float
        Probability the interval holds.

    Returns
    -------
    low, high : float64 arrays
        0 where the count is 0 and 1 where it is all, so that coverage stays near `level` there; NaN for n = 0.

    References
    ----------
    Brown, Cai & DasGupta 2001, Statistical Science 16, 101, section 4.3.
    """
    from scipy.stats import beta

    k, total = (np.asarray(value, dtype=np.float64) for value in (count, n))
    tail = (1.0 - level) / 2.0
    low = np.where(k == 0, 0.0, beta.ppf(tail, k + 0.5, total - k + 0.5))
    high = np.where(k == total, 1.0, beta.ppf(1.0 - tail, k + 0.5, total - k + 0.5))
    return np.where(total == 0, np.nan, low), np.where(total == 0, np.nan, high)


def benjamini_hochberg(p: ArrayLike) -> Doubles:
    """Return for each p value the smallest false discovery rate at which it is rejected; NaN stays NaN.

    References
    ----------
    Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57, 289.
    """
    values = np.asarray(p, dtype=np.float64)
    q = np.full(values.shape, np.nan)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    scaled = values[order] * order.size / np.arange(1, order.size + 1)
    q[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return q


def against_the_rest(odd: ArrayLike, n: ArrayLike) -> tuple[Doubles, Doubles, Doubles]:
    """Compare each bin with all other bins by Fisher's exact test.

    Parameters
    ----------
    odd, n : (b,) arrays
        How many of how many in each bin.

    Returns
    -------
    elsewhere : (b,) float64
        Rate in all other bins; NaN when there are none.
    p : (b,) float64
        Two-sided: twice the smaller tail of the hypergeometric distribution.
    sign : (b,) float64
        1 above the rest, −1 below, 0 at it.
    """
    from scipy.stats import hypergeom

    k, m = (np.asarray(value, dtype=np.int64) for value in (odd, n))
    total, hits = int(m.sum()), int(k.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        elsewhere = (hits - k) / (total - m)
        sign = np.sign(np.nan_to_num(k / m - elsewhere))
    above, below = hypergeom.sf(k - 1, total, hits, m), hypergeom.cdf(k, total, hits, m)
    p = np.minimum(1.0, 2.0 * np.minimum(above, below))
    return elsewhere, np.where((m == 0) | (m == total), np.nan, p), sign
