"""The leading principal components of many spectra, exactly, from the smaller of the two covariance matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BLOCK = 4096


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
        return np.asarray(np.median(flux[rows], axis=0), dtype=np.float64)
    total = np.zeros(flux.shape[1])
    for start in range(0, len(rows), _BLOCK):
        total += flux[rows[start : start + _BLOCK]].sum(axis=0, dtype=np.float64)
    return total / max(len(rows), 1)


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

    p = flux.shape[1]
    covariance = np.zeros((p, p))
    for start in range(0, len(rows), _BLOCK):
        centred = flux[rows[start : start + _BLOCK]] - mean
        covariance += centred.T @ centred
    values, vectors = eigh(covariance, subset_by_index=[p - k, p - 1])
    return np.ascontiguousarray(vectors[:, ::-1].T), np.maximum(values[::-1], 0.0) / len(rows)
