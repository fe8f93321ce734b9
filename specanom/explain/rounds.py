"""How many masks to draw next when a tolerance says how many are enough.

Sizes of rounds are the same for all spectra with K segments, so that spectra share masks and factorised regressions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIZES: tuple[int, ...] = (500, *(500 * step for power in range(1, 24) for step in (2**power, 3 * 2**power // 2)))
"""500, 1000, 1500, 2000, 3000, 4000, 6000, …: at most half as many again from one to the next."""
PER_SEGMENT = 6  # masks per segment of a first round: enough for an effective sample size of five per segment
LEADING = 5


def first_round(k: int, most: int) -> int:
    """Return the size of the first round for `k` segments, at most `most`."""
    return int(min(most, next(size for size in SIZES if size >= PER_SEGMENT * k)))


def next_round(n: int, reached: float, tolerance: float, *, most: int) -> int:
    """Return the size after `n`: the one whose error should be below `tolerance`, as errors fall with √n.

    Parameters
    ----------
    n : int
        Masks so far, fewer than `most`.
    reached : float
        Relative half-interval with `n` masks; NaN when it is not known.
    tolerance : float
        What it should be.
    most : int
        Never more than this.
    """
    wanted = n * (reached / tolerance) ** 2 if np.isfinite(reached) else 0.0
    larger = [size for size in SIZES if n < size < most]
    return int(next((size for size in larger if size >= wanted), most))


def relative_half(weights: NDArray[np.float64], half: NDArray[np.float64]) -> float:
    """Return the largest half-interval among the five segments of largest |weight|, over the largest |weight|.

    0 when all weights are 0, NaN when half-intervals are not known.
    """
    size = np.abs(weights)
    if not size.any():
        return 0.0
    leading = np.argsort(-size, kind="stable")[:LEADING]
    return float(half[leading].max() / size.max())
