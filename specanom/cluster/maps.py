"""Explanations as points of a plane: principal components at once, UMAP by a process that can be stopped."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError, ShapeError, message, require

Floats = NDArray[np.float64]
Progress = Callable[[float], None]
Cancelled = Callable[[], bool]

FITTED = 5000
"""UMAP is fitted to at most so many rows; the others are placed among them."""
NEIGHBOURS = 15
LOOK = 0.05  # seconds between two looks at the process


@dataclass(frozen=True, eq=False)
class PlaneMap:
    """Where rows lie in a plane.

    Attributes
    ----------
    xy : (n, 2) float32 array
        Places.
    method : {"PCA", "UMAP"}
        How they were found.
    explained : (float, float) or None
        Share of the variance on each axis, for PCA.
    fitted : int
        Rows the map was fitted to.
    """

    xy: NDArray[np.float32]
    method: str
    explained: tuple[float, float] | None
    fitted: int


def pca_map(rows: ArrayLike) -> PlaneMap:
    """Project rows on their first two principal components.

    Parameters
    ----------
    rows : (n, K) array
        Finite.

    Returns
    -------
    PlaneMap
        The largest loading of each axis is positive, so that maps of one sample do not flip.
    """
    values = _checked(rows)
    centred = values - values.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred)
    wanted = np.argsort(variances)[::-1][:2]
    axes = axes[:, wanted] * np.sign(axes[np.abs(axes[:, wanted]).argmax(axis=0), wanted])
    xy, shares = np.zeros((len(values), 2), dtype=np.float32), np.zeros(2)
    xy[:, : len(wanted)] = centred @ axes
    total = float(variances.clip(0).sum())
    shares[: len(wanted)] = variances[wanted].clip(0) / total if total > 0 else 0.0
    return PlaneMap(xy, "PCA", (float(shares[0]), float(shares[1])), len(values))


def umap_map(
    rows: ArrayLike,
    *,
    seed: int = 0,
    most: int = FITTED,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> PlaneMap | None:
    """Lay rows out by UMAP (McInnes et al. 2018), so that rows alike lie together; distances between groups say little.

    It runs in a process of its own: the program stays free meanwhile, and `cancelled` ends it at once.

    Parameters
    ----------
    rows : (n, K) array
        Finite.
    seed : int
        Same seed, same map.
    most : int
        Fitted to at most so many rows, drawn at random; the others are placed among them.
    progress : callable, optional
        Told a share in [0, 1] now and then.
    cancelled : callable, optional
        Asked now and then; when it answers True, the process is ended.

    Returns
    -------
    PlaneMap or None
        None when it was cancelled.

    Raises
    ------
    MissingDependency
        Without umap-learn.
    DataError
        For fewer than four rows, or when the process fails.
    """
    values = _checked(rows)
    if len(values) < 4:
        raise DataError(message("rows", expected="at least 4 rows for UMAP", got=len(values), hint="pca_map(rows)"))
    if importlib.util.find_spec("umap") is None:
        require("umap", extra="maps")  # says what to install; importing it here would cost seconds
    chosen = np.arange(len(values))
    if len(values) > most:
        chosen = np.sort(np.random.default_rng(seed).choice(len(values), most, replace=False))
    with _Worker(values.astype(np.float32), chosen, seed) as worker:
        while not worker.ended(progress):
            if cancelled is not None and cancelled():
                return None
            time.sleep(LOOK)
        return PlaneMap(worker.result(), "UMAP", None, len(chosen))


def _checked(rows: ArrayLike) -> Floats:
    values = np.asarray(rows, dtype=np.float64)
    if values.ndim != 2 or not values.size:
        raise ShapeError(message("rows", expected="shape (n, K)", got=f"shape {values.shape}"))
    if not np.isfinite(values).all():
        raise DataError(message("rows", expected="finite numbers", got="NaN", hint="features.rows[features.kept]"))
    return values


class _Worker:
    """A process that makes one map: arrays through its pipes, one line a step on its error channel."""

    def __init__(self, rows: NDArray[np.float32], chosen: NDArray[np.intp], seed: int) -> None:
        folder = tempfile.TemporaryDirectory(prefix="specanom-map-")
        self._folder = folder
        self._paths = {name: os.path.join(folder.name, name) for name in ("rows.npz", "xy.npy", "told")}
        np.savez(self._paths["rows.npz"], rows=rows, chosen=chosen, seed=seed)
        # The child must find the same package, however this one was found.
        places = os.pathsep.join(place for place in sys.path if place)
        self._told = open(self._paths["told"], "wb")  # noqa: SIM115 (closed with the process)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "specanom.cluster.umapping", self._paths["rows.npz"], self._paths["xy.npy"]],
            env={**os.environ, "PYTHONPATH": places}, stdin=subprocess.DEVNULL, stdout=self._told,
            stderr=subprocess.STDOUT,
        )  # fmt: skip

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._told.close()
        self._folder.cleanup()

    def _lines(self) -> list[str]:
        with open(self._paths["told"], encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()

    def ended(self, progress: Progress | None) -> bool:
        """Pass on how far it is; return whether it has ended."""
        if progress is not None:
            shares = [line.partition(" ")[2] for line in self._lines() if line.startswith("share ")]
            if shares:
                progress(float(shares[-1]))
        return self._process.poll() is not None

    def result(self) -> NDArray[np.float32]:
        """Return the places of all rows."""
        if self._process.returncode:
            last = [line for line in self._lines() if line.strip() and not line.startswith("share ")][-1:]
            raise DataError(message("rows", expected="rows UMAP can lay out", got="".join(last) or "no answer",
                                    hint="pca_map(rows)"))  # fmt: skip
        return np.asarray(np.load(self._paths["xy.npy"], allow_pickle=False), dtype=np.float32)
