"""Metrics of a few float64 rows made into metrics of any number of rows: what counts, what is copied, in what order.

Arrays stay contiguous along the pixels: a sum over pixels then has the same bits for one row as for many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ShapeError, message

Doubles = NDArray[np.float64]
Keep = NDArray[np.bool_]
MetricFunction = Callable[..., Doubles]

CHUNK = 32
"""Rows worked on at once: at 4000 pixels a float64 temporary is 1 MB and stays in cache."""

_Inner = Callable[[Doubles, Doubles, Doubles | None, Keep | None], Doubles]
_OfResidual = Callable[[Doubles, Doubles | None, Keep | None], Doubles]


def pair_of(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return spectra and reconstructions as two arrays of one shape (n, p)."""
    a, b = np.asarray(x), np.asarray(y)
    if a.ndim != 2 or a.shape != b.shape:
        raise ShapeError(message("x, y", expected="two (n, p) arrays of one shape", got=f"{a.shape} and {b.shape}",
                                 hint="one spectrum is flux[None, :]"))
    return a, b


def checked(name: str, value: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[Any] | None:
    """Return a weight or the kept pixels as an array of this shape, or of one row of it."""
    if value is None:
        return None
    array = np.asarray(value)
    if array.shape not in (shape, shape[1:]):
        raise ShapeError(message(name, expected=f"shape {shape} or {shape[1:]}", got=f"shape {array.shape}"))
    return array


def rows_of(array: NDArray[Any] | None, rows: slice) -> NDArray[Any] | None:
    """Return some rows; the array itself when it holds for all rows, or there is none."""
    return array[rows] if array is not None and array.ndim == 2 else array


def by_chunks(inner: _Inner, *, compress: bool = True) -> MetricFunction:
    """Turn a metric of a few float64 rows into one of any number of rows.

    Inside, pixels that are not kept are zero in spectrum, reconstruction and weight; when all rows keep the same
    pixels and `compress` is true they are taken out instead.
    """

    @wraps(inner)
    def outer(x: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None, keep: ArrayLike | None = None) -> Doubles:
        a, b = pair_of(x, y)
        weights, kept = _prepared(weight, keep, a.shape, compress)
        out = np.empty(len(a))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            for start in range(0, len(a), CHUNK):
                rows = slice(start, start + CHUNK)
                k = kept.rows(rows, len(out[rows]))
                both = [_cleared(kept.taken(array[rows]).astype(np.float64), k) for array in (a, b)]
                w = rows_of(weights, rows)
                if w is not None:
                    w = _cleared(np.array(np.broadcast_to(w, both[0].shape), dtype=np.float64, order="C"), k)
                out[rows] = inner(both[0], both[1], w, k)
        return out

    return outer


def of_residuals(inner: _OfResidual) -> MetricFunction:
    """Turn a metric of x − y alone, for a few float64 rows, into one of any number of spectra and reconstructions.

    The difference is all that is made of them: this is where explanations spend their time after the model.
    """

    @wraps(inner)
    def outer(x: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None, keep: ArrayLike | None = None) -> Doubles:
        a, b = pair_of(x, y)
        weights, kept = _prepared(weight, keep, a.shape, True)
        out = np.empty(len(a))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            for start in range(0, len(a), CHUNK):
                rows = slice(start, start + CHUNK)
                k = kept.rows(rows, len(out[rows]))
                r = _cleared(kept.taken(np.subtract(a[rows], b[rows], dtype=np.float64)), k)
                w = rows_of(weights, rows)
                if w is not None and k is not None:
                    w = np.where(k, w, 0.0)
                out[rows] = inner(r, w, k)
        return out

    return outer


@dataclass(frozen=True, eq=False)
class _Kept:
    """Pixels that count: all (both None), the same of each row (`columns`), or others of each row (`pixels`)."""

    columns: NDArray[np.intp] | None = None
    pixels: Keep | None = None

    def taken(self, array: NDArray[Any]) -> NDArray[Any]:
        # Not array[:, columns]: that comes with its axes swapped in memory, and sums then depend on the number of rows.
        return array if self.columns is None else np.take(array, self.columns, axis=-1)

    def rows(self, rows: slice, count: int) -> Keep | None:
        if self.pixels is None:
            return None
        return np.broadcast_to(rows_of(self.pixels, rows), (count, self.pixels.shape[-1]))  # type: ignore[arg-type]


def _prepared(
    weight: ArrayLike | None, keep: ArrayLike | None, shape: tuple[int, ...], compress: bool
) -> tuple[NDArray[Any] | None, _Kept]:
    """Check weight and kept pixels once for all rows; a weight without its pixels that do not count."""
    w, k = checked("weight", weight, shape), checked("keep", keep, shape)
    kept = _Kept()
    if k is not None:
        k = np.asarray(k, dtype=bool)
        if k.ndim == 2 or not compress:
            kept = _Kept(pixels=k)
        elif not k.all():
            kept = _Kept(columns=np.flatnonzero(k))
    return None if w is None else kept.taken(w), kept


def _cleared(array: Doubles, k: Keep | None) -> Doubles:
    """Set what is not kept to zero, in place."""
    if k is not None:
        np.copyto(array, 0.0, where=~k)
    return array
