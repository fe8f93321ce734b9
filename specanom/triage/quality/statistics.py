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


def against_the_rest(odd: ArrayLike, n: ArrayLike, *, level: float) -> tuple[Doubles, Doubles, Doubles]:
    """Compare each bin with the others by Fisher's exact test.

    One bad plate must not make all others look good: the bin least likely by chance is taken out of what the others are
    compared with, as long as there is one at the false discovery rate `level` and half of the bins are left.

    Parameters
    ----------
    odd, n : (b,) arrays
        How many of how many in each bin.
    level : float
        False discovery rate.

    Returns
    -------
    elsewhere : (b,) float64
        Rate in the bins it is compared with; NaN when there are none.
    p : (b,) float64
        Two-sided: twice the smaller tail of the hypergeometric distribution.
    sign : (b,) float64
        1 above the rest, −1 below, 0 at it.
    """
    k, m = (np.asarray(value, dtype=np.int64) for value in (odd, n))
    apart = np.zeros(k.shape, dtype=bool)
    while True:
        elsewhere, p, sign = _fisher(k, m, apart)
        open_q = np.where(apart, np.inf, np.nan_to_num(benjamini_hochberg(p), nan=np.inf))
        if not (open_q <= level).any() or apart.sum() >= k.size // 2:
            return elsewhere, p, sign
        apart[np.argmin(np.where(open_q <= level, p, np.inf))] = True


def _fisher(k: NDArray[np.int64], m: NDArray[np.int64], apart: NDArray[np.bool_]) -> tuple[Doubles, Doubles, Doubles]:
    """Compare each bin with all that are not set apart, itself excepted."""
    from scipy.stats import hypergeom

    rest_k, rest_m = k[~apart].sum() - np.where(apart, 0, k), m[~apart].sum() - np.where(apart, 0, m)
    alone = rest_m == 0  # all others are set apart: they will have to do
    rest_k, rest_m = np.where(alone, k.sum() - k, rest_k), np.where(alone, m.sum() - m, rest_m)
    with np.errstate(divide="ignore", invalid="ignore"):
        elsewhere = rest_k / rest_m
        sign = np.sign(np.nan_to_num(k / m - elsewhere))
    above = hypergeom.sf(k - 1, rest_m + m, rest_k + k, m)
    below = hypergeom.cdf(k, rest_m + m, rest_k + k, m)
    p = np.minimum(1.0, 2.0 * np.minimum(above, below))
    return elsewhere, np.where((m == 0) | (rest_m == 0), np.nan, p), sign
