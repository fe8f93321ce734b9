"""What turns residuals into one number: a metric, a weight and a trim, apart from any model or sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, choice, message
from .chunks import CHUNK, Doubles, Keep, MetricFunction
from .metrics import METRICS, flux_weight, l2

WEIGHTINGS = ("flux", "reconstruction", "signed")


def kept_of(pixels: int, trim: float) -> int:
    """Return how many of `pixels` a trim keeps: ⌊(1 − f)·N⌋, of 3773 at f = 0.03 it is 3659.

    The product is rounded at the ninth decimal first, so that 0.7·10 is 7 pixels and not 6.
    """
    return math.floor(round((1.0 - trim) * pixels, 9))


def trimmed(size: NDArray[Any], keep: Keep, trim: float) -> Keep:
    """Leave out the largest residuals of each row.

    Parameters
    ----------
    size : (n, p) array
        How large the residual of each pixel is.
    keep : (n, p) or (p,) bool array
        Pixels that count before trimming.
    trim : float
        Share of them to leave out; ⌊(1 − trim)·N⌋ stay. Among equal ones the first stay. A value that is not a
        number counts as the largest.

    Returns
    -------
    (n, p) bool array
    """
    keep = np.broadcast_to(keep, size.shape)
    largest = np.finfo(np.float64).max
    ranked = np.where(keep, np.nan_to_num(size.astype(np.float64), nan=largest, posinf=largest), np.inf)
    stay = np.array([kept_of(int(count), trim) for count in keep.sum(axis=1)], dtype=np.intp)
    edge = np.full(len(size), -np.inf)
    for count in np.unique(stay[stay > 0]):
        rows = np.flatnonzero(stay == count)
        edge[rows] = np.partition(ranked[rows], count - 1, axis=1)[:, count - 1]
    below = ranked < edge[:, None]
    level = keep & (ranked == edge[:, None])
    room = stay - below.sum(axis=1)
    for row in np.flatnonzero((level.sum(axis=1) > room) & (stay > 0)):
        level[row, np.flatnonzero(level[row])[room[row] :]] = False
    level[stay == 0] = False
    return np.asarray(below | level)


@dataclass(frozen=True)
class Recipe:
    """Metric × trim × weight, in the order filter → trim → mean (the filter is in the kept pixels given).

    Attributes
    ----------
    metric : str
        A name of :data:`specanom.scores.metrics.METRICS`.
    trim : float
        Share of the kept pixels left out, the largest residuals.
    trim_by : {"weighted", "residual"}
        Whether "largest" is by weighted residual, or by |r| before weighting as published.
    weight : {"flux", "reconstruction", "signed"}
        For chi2: see :func:`specanom.scores.metrics.flux_weight`.
    delta : float
        δ of the chi2 weight.
    norm : {"mean", "l2"}
        Mean of the squares, or root of their sum as published.
    """

    metric: str = "mse"
    trim: float = 0.0
    trim_by: str = "weighted"
    weight: str = "flux"
    delta: float = 1e-3
    norm: str = "mean"

    def __post_init__(self) -> None:
        choice("metric", self.metric, METRICS)
        choice("trim_by", self.trim_by, ("weighted", "residual"))
        choice("weight", self.weight, WEIGHTINGS)
        choice("norm", self.norm, ("mean", "l2"))
        if not 0.0 <= self.trim < 1.0:
            raise ArgumentError(message("trim", expected="a share in [0, 1)", got=self.trim,
                                        hint="0.03 leaves out the largest 3 % of the residuals"))
        if not self.delta >= 0.0:
            raise ArgumentError(message("delta", expected="a number of at least 0", got=self.delta, hint="1e-3"))
        if self.norm == "l2" and not self.squared:
            raise ArgumentError(message("norm", expected=f"'mean' for the metric {self.metric!r}", got="'l2'"))

    @property
    def squared(self) -> bool:
        """Whether the score is made of weighted squared residuals, which an evaluator may factor."""
        return METRICS[self.metric].squared

    @property
    def weighting(self) -> str:
        """``"none"``, ``"ivar"``, or how a flux weight is made: ``"flux"``, ``"reconstruction"``, ``"signed"``."""
        kind = METRICS[self.metric].weighting
        return self.weight if kind == "flux" else kind

    @property
    def can_be_negative(self) -> bool:
        """Whether the score has no floor at zero, so that its logarithm does not always exist."""
        return self.weighting == "signed"

    @property
    def function(self) -> MetricFunction:
        """The metric as ``(x, y, weight, keep) -> (n,)``."""
        return l2 if self.norm == "l2" else METRICS[self.metric].function

    def __call__(
        self, x: NDArray[Any], y: NDArray[Any], ivar: NDArray[Any] | None = None, keep: Keep | None = None
    ) -> Doubles:
        """Return ``(n,)`` float64 scores of spectra `x` given reconstructions `y`, both ``(n, p)``.

        Parameters
        ----------
        x, y : (n, p) arrays
            Spectra and reconstructions.
        ivar : (n, p) or (p,) array, optional
            Inverse variance, needed by the metrics that are weighted with it.
        keep : (n, p) or (p,) bool array, optional
            Pixels that count; all when not given.
        """
        keep = self._known(ivar, keep)
        out = np.empty(len(x))
        for start in range(0, len(x), CHUNK):
            rows = slice(start, start + CHUNK)
            out[rows] = self._few(x[rows], y[rows], _part(ivar, rows), _part(keep, rows))
        return out

    def terms(
        self, x: NDArray[Any], y: NDArray[Any], ivar: NDArray[Any] | None = None, keep: Keep | None = None
    ) -> Doubles:
        """Return the weighted squared residual of each pixel, ``(n, p)``, zero where it does not count."""
        weight, kept = self.used(x, y, ivar, keep)
        with np.errstate(invalid="ignore", over="ignore"):
            made = np.square(x.astype(np.float64) - y)
            if weight is not None:
                made *= weight
        return np.where(kept, made, 0.0)

    def used(
        self, x: NDArray[Any], y: NDArray[Any], ivar: NDArray[Any] | None = None, keep: Keep | None = None
    ) -> tuple[NDArray[Any] | None, Keep]:
        """Return the weight of each pixel, None for no weights, and the ``(n, p)`` pixels that count, after the trim.

        Takes what :meth:`terms` takes.
        """
        keep = self._known(ivar, keep)
        weight = self.pixel_weights(x, y, ivar)
        if self.trim > 0.0:
            keep = self._trim(x, y, weight, keep)
        return weight, np.broadcast_to(np.ones(1, dtype=bool) if keep is None else keep, x.shape)

    def pixel_weights(
        self, x: NDArray[Any], y: NDArray[Any], ivar: NDArray[Any] | None = None
    ) -> NDArray[Any] | None:
        """Return the weight of each squared residual as ``(n, p)``, or as `ivar` is given; None without weights."""
        if self.weighting in ("none", "ivar"):
            return ivar if self.weighting == "ivar" else None
        return flux_weight(x, y, self.weight, self.delta)

    def stay(self, pixels: int) -> int:
        """Return how many of the pixels that count the trim leaves: ``⌊(1 − trim)·pixels⌋``."""
        return kept_of(pixels, self.trim)

    def _known(self, ivar: NDArray[Any] | None, keep: Keep | None) -> Keep | None:
        """Leave out pixels of unknown noise where the noise is the weight."""
        if self.weighting != "ivar":
            return keep
        if ivar is None:
            raise DataError(message("ivar", expected=f"an inverse variance, which {self.metric!r} needs", got="none",
                                    hint="score a SpectrumSet or Spectrum that has one, or use 'mse'"))
        return ivar > 0 if keep is None else keep & (ivar > 0)

    def _few(self, x: NDArray[Any], y: NDArray[Any], ivar: NDArray[Any] | None, keep: Keep | None) -> Doubles:
        weight = self.pixel_weights(x, y, ivar)
        if self.trim > 0.0:
            keep = self._trim(x, y, weight, keep)
        return self.function(x, y, weight, keep)

    def _trim(self, x: NDArray[Any], y: NDArray[Any], weight: NDArray[Any] | None, keep: Keep | None) -> Keep:
        with np.errstate(invalid="ignore", over="ignore"):
            size = np.square(x.astype(np.float64) - y)
            if weight is not None and self.trim_by == "weighted":
                size *= weight
        return trimmed(size, np.ones(x.shape[1], dtype=bool) if keep is None else keep, self.trim)


def _part(array: NDArray[Any] | None, rows: slice) -> NDArray[Any] | None:
    return array[rows] if array is not None and array.ndim == 2 else array
