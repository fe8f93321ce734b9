"""The products that the fast evaluators spend their time in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import ssyrk

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

BLOCK = 512  # rows worked on at once: what is made of them stays in the cache


def product(left: Floats, right: Floats) -> Floats:
    """Return ``left @ right`` of two float32 matrices; torch is a fifth quicker than numpy at these shapes."""
    import torch

    made: Floats = torch.mm(torch.from_numpy(left), torch.from_numpy(right)).numpy()
    return made


def signed_product(signs: Floats, matrix: Floats, paired: bool) -> Floats:
    """Return ``signs @ matrix``; when rows 2i + 1 are the negatives of rows 2i, half of them are computed."""
    if not paired:
        return product(signs, matrix)
    made = np.empty((len(signs), matrix.shape[1]), dtype=np.float32)
    half = product(signs[0::2], matrix)
    made[0::2] = half
    np.negative(half[: len(signs) // 2], out=made[1::2])
    return made


def square_of(matrix: Floats) -> Floats:
    """Return ``matrixᵀ @ matrix``, of which only one triangle is computed."""
    upper = ssyrk(1.0, matrix.T)
    return np.asarray(upper + np.triu(upper, 1).T, dtype=np.float32)


def are_paired(signs: Floats) -> bool:
    """Say whether each odd row of t is the negative of the row before."""
    if len(signs) < 2 or (signs[0] + signs[1]).any():
        return False
    if len(signs) > 3 and (signs[2] + signs[3]).any():  # row 0, all ones, may have been parked with its complement
        return False
    return not (signs[0 : len(signs) - 1 : 2] + signs[1::2]).any()


def ranges(values: Floats, matrix: Floats | None = None) -> tuple[Doubles, Doubles]:
    """Return the smallest and the largest value of each column of ``values @ matrix``, or of `values` themselves."""
    import torch

    columns = values.shape[1] if matrix is None else matrix.shape[1]
    low, high = torch.full((columns,), np.inf), torch.full((columns,), -np.inf)
    rows = torch.from_numpy(values)
    factor = None if matrix is None else torch.from_numpy(matrix)
    buffer = torch.empty((BLOCK, columns))
    for start in range(0, len(values), BLOCK):
        some = rows[start : start + BLOCK]
        if factor is not None:
            some = torch.mm(some, factor, out=buffer[: len(some)])
        torch.minimum(low, some.amin(dim=0), out=low)
        torch.maximum(high, some.amax(dim=0), out=high)
    return low.numpy().astype(np.float64), high.numpy().astype(np.float64)


def through_relu(change: Floats, centre: Doubles) -> None:
    """Turn a change before a ReLU into the change after it, in place: ``relu(centre + change) − relu(centre)``."""
    import torch

    low = torch.from_numpy((-centre).astype(np.float32))
    after = torch.from_numpy(change)
    torch.maximum(after, low, out=after).add_(torch.from_numpy(np.minimum(centre, 0.0).astype(np.float32)))
