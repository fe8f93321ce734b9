"""A score that sees narrow notches and weak broad features alike: the residual smoothed over several lengths."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SCALES = (1, 5, 15, 51, 151)
"""Lengths in pixels over which the whitened residual is smoothed."""

SHARE = 0.01
"""Which share of the smoothed squares, the highest ones, is averaged at each scale."""

_DRAWS = 256


def smoothed_squares(
    whitened: NDArray[np.float64], good: NDArray[np.bool_], width: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Square the running sum of the residual over `width` pixels, in units of its variance.

    Each window is divided by the number of good pixels in it, so that unit noise keeps unit variance whatever is
    masked; windows with less than half their pixels do not count.

    Parameters
    ----------
    whitened : (n, p) array
        Residual times √ivar, zero where not good.
    good : (n, p) bool array
        Pixels that count.
    width : int
        Pixels in a window, at most p.

    Returns
    -------
    squares : (n, p − width + 1) array
        Zero where the window does not count.
    counted : (n, p − width + 1) bool array
    """
    if width == 1:
        return np.square(whitened), good
    sums, counts = _running(whitened, width), _running(good.astype(np.float64), width)
    counted = counts >= 0.5 * width
    np.square(sums, out=sums)
    sums /= np.where(counted, counts, 1.0)
    sums[~counted] = 0.0
    return sums, counted


def _running(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    n, p = values.shape
    total = np.zeros((n, p + 1))
    np.cumsum(values, axis=1, out=total[:, 1:])
    return np.asarray(total[:, width:] - total[:, :-width])


def highest_mean(squares: NDArray[np.float64], counted: NDArray[np.bool_], share: float) -> NDArray[np.float64]:
    """Return the mean of the highest `share` of the counted values of each row; NaN where none counts."""
    n, width = squares.shape
    keep = np.ceil(share * counted.sum(axis=1)).astype(np.intp)
    most = int(keep.max(initial=0))
    if most == 0:
        return np.full(n, np.nan)
    top = np.partition(squares, width - most, axis=1)[:, width - most :]
    top = np.sort(top, axis=1)[:, ::-1]
    inside = np.arange(most) < keep[:, None]
    return np.asarray(np.where(keep > 0, (top * inside).sum(axis=1) / np.maximum(keep, 1), np.nan))


@lru_cache(maxsize=64)
def unit_noise(pixels: int, width: int, share: float) -> float:
    """Return what :func:`highest_mean` gives on average for independent noise of unit variance (fixed draws)."""
    noise = np.random.default_rng(20250).standard_normal((_DRAWS, pixels))
    squares, counted = smoothed_squares(noise, np.ones(noise.shape, dtype=bool), width)
    return float(highest_mean(squares, counted, share).mean())


def multiscale_statistic(
    whitened: NDArray[np.float64],
    good: NDArray[np.bool_],
    *,
    scales: tuple[int, ...] = SCALES,
    share: float = SHARE,
) -> NDArray[np.float64]:
    """Return the highest, among the scales, of the mean of the highest squares in units of unit noise.

    Parameters
    ----------
    whitened : (n, p) array
        Residual times √ivar.
    good : (n, p) bool array
        Pixels that count; the others must be zero in `whitened`.
    scales : tuple of int
        Smoothing lengths, pixels; those longer than the spectrum are left out.
    share : float
        Share of the squares that is averaged.

    Returns
    -------
    (n,) array
        About 1 for a spectrum of which only noise is left; NaN where no pixel counts.
    """
    n, p = whitened.shape
    best = np.full(n, np.nan)
    whitened = np.where(good, whitened, 0.0)
    for width in scales:
        if width <= p:
            here = highest_mean(*smoothed_squares(whitened, good, width), share)
            best = np.fmax(best, here / unit_noise(p, width, share))
    return best
