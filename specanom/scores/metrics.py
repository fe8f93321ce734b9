"""Distances between spectra and their reconstructions, as pure functions.

Each has the same face: ``f(x, y, weight=None, keep=None)`` takes spectra `x` and reconstructions `y`, both ``(n, p)``,
an optional weight per pixel and the pixels that count (both ``(p,)`` or ``(n, p)``), and returns ``(n,)`` float64,
higher for a worse match. What lies under a pixel that is not kept never matters, NaN included. A spectrum of
which nothing is kept gets NaN. Sums are float64; rows are worked on a few at a time, so that no float64 copy of the
whole input is made and the answer does not depend on how the rows are grouped.

The squared residual and its inverse-flux weight are Eqs. (A.3) and (2) of Ortiz & Boquien (2025).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import choice
from .chunks import CHUNK, Doubles, Keep, MetricFunction, by_chunks, checked, of_residuals, pair_of, rows_of
from .multiscale import multiscale_statistic

LP_POWER = 1.0 / 3.0

def _count(x: Doubles, k: Keep | None) -> Any:
    return np.float64(x.shape[1]) if k is None else k.sum(axis=1, dtype=np.float64)


def _squares(r: Doubles, w: Doubles | None) -> Doubles:
    np.square(r, out=r)
    if w is not None:
        r *= w
    total: Doubles = r.sum(axis=1)
    return total


def _weights(x: Doubles, w: Doubles | None, k: Keep | None) -> Doubles:
    """Weights summing to one over the kept pixels."""
    if w is None:
        w = np.ones_like(x) if k is None else k.astype(np.float64)
    return np.asarray(w / w.sum(axis=1, keepdims=True))


def _mse(r: Doubles, w: Doubles | None, k: Keep | None) -> Doubles:
    return np.asarray(_squares(r, w) / _count(r, k))


def _l2(r: Doubles, w: Doubles | None, k: Keep | None) -> Doubles:
    total = np.sqrt(_squares(r, w))
    return np.asarray(np.where(_count(r, k) > 0, total, np.nan))


def _mad(r: Doubles, w: Doubles | None, k: Keep | None) -> Doubles:
    size = np.abs(r)
    return np.asarray((size if w is None else w * size).sum(axis=1) / _count(r, k))


def _lp(r: Doubles, w: Doubles | None, k: Keep | None) -> Doubles:
    size = np.abs(r) ** LP_POWER
    return np.asarray(((size if w is None else w * size).sum(axis=1) / _count(r, k)) ** (1.0 / LP_POWER))


def _cosine(x: Doubles, y: Doubles, w: Doubles | None, k: Keep | None) -> Doubles:
    w = _weights(x, w, k)
    norms = (w * x * x).sum(axis=1) * (w * y * y).sum(axis=1)
    return np.asarray(1.0 - (w * x * y).sum(axis=1) / np.sqrt(norms))


def _correlation(x: Doubles, y: Doubles, w: Doubles | None, k: Keep | None) -> Doubles:
    w = _weights(x, w, k)
    return _cosine(x - (w * x).sum(axis=1, keepdims=True), y - (w * y).sum(axis=1, keepdims=True), w, k)


def _braycurtis(x: Doubles, y: Doubles, w: Doubles | None, k: Keep | None) -> Doubles:
    w = _weights(x, w, k)
    return np.asarray((w * np.abs(x - y)).sum(axis=1) / (w * np.abs(x + y)).sum(axis=1))


def _multiscale(x: Doubles, y: Doubles, w: Doubles | None, k: Keep | None) -> Doubles:
    good = np.ones(x.shape, dtype=bool) if k is None else k
    r = x - y
    if w is not None:
        good = good & (w > 0)
        r *= np.sqrt(np.where(good, w, 0.0))
    return multiscale_statistic(r, good)


mse = of_residuals(_mse)
mse.__doc__ = "Mean of r², or of w·r² when a weight is given, over the kept pixels; r = x − y."
l2 = of_residuals(_l2)
l2.__doc__ = "Square root of the sum of w·r² over the kept pixels: what the published code computes; NaN below zero."
mad = of_residuals(_mad)
mad.__doc__ = "Mean absolute deviation |r| over the kept pixels."
lp = of_residuals(_lp)
lp.__doc__ = "(mean of |r|^p)^(1/p) over the kept pixels, p = 1/3: many small misfits count, few large ones little."
cosine = by_chunks(_cosine)
cosine.__doc__ = "One minus the cosine between x and y over the kept pixels."
correlation = by_chunks(_correlation)
correlation.__doc__ = "One minus Pearson's correlation between x and y over the kept pixels."
braycurtis = by_chunks(_braycurtis)
braycurtis.__doc__ = "Bray–Curtis distance: sum of |x − y| over sum of |x + y| over the kept pixels."
multiscale = by_chunks(_multiscale, compress=False)
multiscale.__doc__ = """Highest mean square of the whitened residual over five lengths, in units of unit noise.

The weight is the inverse variance; pixels where it is zero do not count. See
:func:`specanom.scores.multiscale.multiscale_statistic`.
"""


def chi2(
    x: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None, keep: ArrayLike | None = None, *, delta: float = 1e-3
) -> Doubles:
    """Mean of r²/(|x| + δ) over the kept pixels, Eq. (2) of the paper.

    A `weight` given takes the place of 1/(|x| + δ).
    """
    a, b = pair_of(x, y)
    out = np.empty(len(a))
    w, k = checked("weight", weight, a.shape), checked("keep", keep, a.shape)
    for start in range(0, len(a), CHUNK):
        rows = slice(start, start + CHUNK)
        part = flux_weight(a[rows], b[rows], "flux", delta) if w is None else rows_of(w, rows)
        out[rows] = mse(a[rows], b[rows], part, rows_of(k, rows))
    return out


def chi2_ivar(x: ArrayLike, y: ArrayLike, weight: ArrayLike, keep: ArrayLike | None = None) -> Doubles:
    """Mean of r²·ivar over the kept pixels that have an ivar above zero: about 1 where only noise is left."""
    a, _ = pair_of(x, y)
    w, k = checked("weight", weight, a.shape), checked("keep", keep, a.shape)
    assert w is not None
    known = w > 0
    return mse(x, y, w, known if k is None else known & k)


def flux_weight(x: ArrayLike, y: ArrayLike, weighting: str, delta: float = 1e-3) -> Doubles:
    """Return the inverse-flux weight of each pixel, float64.

    Parameters
    ----------
    x, y : (n, p) arrays
        Spectra and reconstructions.
    weighting : {"flux", "reconstruction", "signed"}
        1/(|x| + δ); 1/(|y| + δ), which does not blow up where noise crosses zero; or 1/(x + δ) as in the
        published code, negative below −δ.
    delta : float
        δ, in units of the flux.
    """
    choice("weighting", weighting, ("flux", "reconstruction", "signed"))
    base = np.array(y if weighting == "reconstruction" else x, dtype=np.float64)
    if weighting != "signed":
        np.abs(base, out=base)
    base += delta
    with np.errstate(divide="ignore"):
        return np.asarray(np.divide(1.0, base, out=base))


@dataclass(frozen=True)
class Metric:
    """One distance and what it needs.

    Attributes
    ----------
    name : str
        What it is called in ``Scorer(model, name)``.
    function : callable
        ``(x, y, weight, keep) -> (n,)``.
    weighting : {"none", "flux", "ivar"}
        Which weight it takes: none, one made of the fluxes, or the inverse variance.
    squared : bool
        Whether it is a (weighted) mean of squared residuals, which an evaluator may factor.
    """

    name: str
    function: MetricFunction
    weighting: str = "none"
    squared: bool = False


METRICS: dict[str, Metric] = {
    item.name: item
    for item in (
        Metric("mse", mse, squared=True),
        Metric("chi2", mse, "flux", squared=True),
        Metric("chi2_ivar", mse, "ivar", squared=True),
        Metric("multiscale", multiscale, "ivar"),
        Metric("mad", mad),
        Metric("lp", lp),
        Metric("cosine", cosine),
        Metric("correlation", correlation),
        Metric("braycurtis", braycurtis),
    )
}
"""The distances a Scorer knows, by name."""
