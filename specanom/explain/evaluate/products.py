"""The products that the fast evaluators spend their time in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

BLOCK = 512  # rows worked on at once: what is made of them stays in the cache


def product(left: Floats, right: Floats) -> Floats:
    """Return ``left @ right`` of two float32 matrices."""
    return left @ right


def signed_product(signs: Floats, matrix: Floats, paired: bool) -> Floats:
    """Return ``signs @ matrix``; when rows 2i + 1 are the negatives of rows 2i, half of them are computed."""
    if not paired:
        return signs @ matrix
    made = np.empty((len(signs), matrix.shape[1]), dtype=np.float32)
    half = signs[0::2] @ matrix
    made[0::2] = half
    np.negative(half[: len(signs) // 2], out=made[1::2])
    return made


def are_paired(signs: Floats) -> bool:
    """Say whether each odd row of t is the negative of the row before."""
    if len(signs) < 2 or (signs[0] + signs[1]).any():
        return False
    if len(signs) > 3 and (signs[2] + signs[3]).any():  # row 0, all ones, may have been parked with its complement
        return False
    return not (signs[0 : len(signs) - 1 : 2] + signs[1::2]).any()


def ranges(values: Floats, matrix: Floats | None = None) -> tuple[Doubles, Doubles]:
    """Return the smallest and the largest value of each column of ``values @ matrix``, or of `values` themselves."""
    columns = values.shape[1] if matrix is None else matrix.shape[1]
    low, high = np.full(columns, np.inf, dtype=np.float32), np.full(columns, -np.inf, dtype=np.float32)
    buffer = None if matrix is None else np.empty((BLOCK, columns), dtype=np.float32)
    for start in range(0, len(values), BLOCK):
        some = values[start : start + BLOCK]
        if matrix is not None and buffer is not None:
            some = np.matmul(some, matrix, out=buffer[: len(some)])
        np.minimum(low, some.min(axis=0), out=low)
        np.maximum(high, some.max(axis=0), out=high)
    return low.astype(np.float64), high.astype(np.float64)
