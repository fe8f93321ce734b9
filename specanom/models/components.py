"""The leading principal components of many spectra, exactly, from the smaller of the two covariance matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .on_disk import OnDisk, blocks_of


@dataclass(frozen=True, eq=False)
class Components:
    """Mean ``(p,)``, orthonormal `axes` ``(k, p)`` by falling variance, `variances` ``(k,)`` (per n); float64."""

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    variances: NDArray[np.float64]


def leading_components(
    flux: NDArray[np.float32], k: int, *, rows: NDArray[np.intp] | None = None, centre: str = "mean"
) -> Components:
    """Return the `k` leading components of ``flux[rows]``.

    Parameters
    ----------
    flux : (n, p) array
        Spectra.
    k : int
        How many; fewer come back when the data has fewer.
    rows : (m,) array of int, optional
        Which rows; all by default.
    centre : {"mean", "median", "none"}
        What is taken off first.
    """
    index = np.arange(len(flux)) if rows is None else np.asarray(rows)
    mean = centre_of(flux, index, centre)
    k = min(k, flux.shape[1], max(len(index) - (centre == "mean"), 1))
    axes, values = _by_rows(flux, index, mean, k) if len(index) <= flux.shape[1] else _by_pixels(flux, index, mean, k)
    # The sign of a component is free: the largest element is made positive, so that it is the same everywhere.
    largest = np.abs(axes).argmax(axis=1)
    axes *= np.where(axes[np.arange(len(axes)), largest] < 0, -1.0, 1.0)[:, None]
    return Components(mean, axes, values)


def centre_of(flux: NDArray[np.float32], rows: NDArray[np.intp], centre: str) -> NDArray[np.float64]:
    """Return the mean or median spectrum of some rows, or zeros, shape ``(p,)``."""
    if centre == "none":
        return np.zeros(flux.shape[1])
    if centre == "median":
        middle = median_in_blocks(flux, rows) if isinstance(flux, OnDisk) else np.median(flux[rows], axis=0)
        return np.asarray(middle, dtype=np.float64)
    total = np.zeros(flux.shape[1])
    for block in blocks_of(rows):
        total += flux[block].sum(axis=0, dtype=np.float64)
    return total / max(len(rows), 1)


def median_in_blocks(flux: NDArray[np.float32], rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return exactly ``np.median(flux[rows], axis=0)`` of finite values, which need not fit into memory together.

    Read as integers, floats are in order. Four passes find the two middle ones of each pixel, a byte a pass: how many
    of those that begin like them have each next byte.
    """
    n, p = len(rows), flux.shape[1]
    rank = np.repeat([[(n - 1) // 2], [n // 2]], p, axis=1)  # among those that begin like it
    found = np.zeros((2, p), dtype=np.uint32)
    pixel = np.arange(p)
    for shift in (24, 16, 8, 0):
        count = np.zeros((2, p, 256), dtype=np.int64)
        for block in blocks_of(rows):
            keys = _ordered(flux[block])
            byte = (keys >> np.uint32(shift)) & np.uint32(255)
            for which in range(2):
                like = (keys.astype(np.uint64) >> np.uint64(shift + 8)) == found[which]
                places = (byte.astype(np.intp) + 256 * pixel)[like]
                count[which] += np.bincount(places, minlength=256 * p).reshape(p, 256)
        below = count.cumsum(axis=2)
        chosen = (below <= rank[:, :, None]).sum(axis=2)
        before = np.where(chosen > 0, np.take_along_axis(below, np.maximum(chosen - 1, 0)[:, :, None], 2)[:, :, 0], 0)
        rank -= before
        found = (found << np.uint32(8)) | chosen.astype(np.uint32)
    bits = np.where(found >> np.uint32(31), found ^ np.uint32(1 << 31), ~found)
    low, high = bits.astype(np.uint32).view(np.float32)
    return np.asarray(low if n % 2 else np.mean([low, high], axis=0))


def _ordered(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Return integers in the order of the floats: the sign bit turned for positive ones, all bits for negative."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    return np.where(bits >> np.uint32(31), ~bits, bits | np.uint32(1 << 31))


def _by_rows(
    flux: NDArray[np.float32], rows: NDArray[np.intp], mean: NDArray[np.float64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy.linalg import eigh

    centred = flux[rows] - mean
    values, vectors = eigh(centred @ centred.T, subset_by_index=[len(rows) - k, len(rows) - 1])
    values, vectors = values[::-1], vectors[:, ::-1]
    solid = values > max(values[0], 0.0) * 1e-10
    axes = (vectors[:, solid] / np.sqrt(values[solid])).T @ centred
    return axes, values[solid] / len(rows)


def _by_pixels(
    flux: NDArray[np.float32], rows: NDArray[np.intp], mean: NDArray[np.float64], k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy.linalg import eigh
    from scipy.linalg.blas import dsyrk

    p = flux.shape[1]
    covariance = np.zeros((p, p), order="F")  # its lower triangle, added to in place: such a matrix may be 0.1 GB
    for block in blocks_of(rows):
        covariance = dsyrk(1.0, (flux[block] - mean).T, beta=1.0, c=covariance, lower=1, overwrite_c=1)
    values, vectors = eigh(covariance, lower=True, subset_by_index=[p - k, p - 1], overwrite_a=True)
    return np.ascontiguousarray(vectors[:, ::-1].T), np.maximum(values[::-1], 0.0) / len(rows)
