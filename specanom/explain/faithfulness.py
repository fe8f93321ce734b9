"""Does an explanation say what the score does? Measures that ask the score again, and need no truth.

Deletion and insertion curves (Petsiuk et al. 2018, RISE), infidelity and max-sensitivity (Yeh et al. 2019): pure
functions of weights and an evaluator. What cannot be known is NaN, and each function says when.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, ShapeError, message
from ..spectrum import Spectrum
from .attribution import Evaluator

Doubles = NDArray[np.float64]
FLAT = 1e-9
"""A difference of scores below this share of their size counts as none."""


@dataclass(frozen=True, eq=False)
class Curve:
    """The score as segments are switched off (deletion) or on (insertion), one by one.

    Attributes
    ----------
    kind : str
        ``"deletion"`` or ``"insertion"``.
    share : (K + 1,) array
        Share of the segments that have been switched, 0–1.
    score : (K + 1,) array
        The score itself.
    value : (K + 1,) array
        ``(score − score of the fill) / (score of the spectrum − score of the fill)``: 1 as observed, 0 when all is
        filled; NaN when these two scores are equal.
    order : (K,) int array
        In which order the segments were switched.
    auc : float
        Area under `value`: low is good for deletion, high for insertion; a straight line has ½.
    """

    kind: str
    share: Doubles
    score: Doubles
    value: Doubles
    order: NDArray[np.intp]
    auc: float

    def __repr__(self) -> str:
        return f"Curve of {self.kind}: {self.order.size} segments, area {self.auc:.3f}"


def curves(evaluator: Evaluator, weights: NDArray[Any]) -> tuple[Curve, Curve]:
    """Return the deletion and the insertion curve of some weights.

    Parameters
    ----------
    evaluator : Evaluator
        Scores of masks for the spectrum.
    weights : (K,) array
        Segments are switched by falling weight; by rising weight when the fill scores higher than the spectrum,
        so that a faithful explanation always moves the score towards that of the fill first.

    Raises
    ------
    ShapeError, DataError
        When weights are not K finite numbers, or a score is not finite.
    """
    ranked = _weights(evaluator, weights)
    k = ranked.size
    ends = _scores(evaluator, np.stack([np.ones(k, np.uint8), np.zeros(k, np.uint8)]))
    drop = float(ends[0] - ends[1])
    order = np.argsort(-ranked if drop >= 0 else ranked, kind="stable").astype(np.intp)
    place = np.empty(k, dtype=np.intp)
    place[order] = np.arange(k)
    steps = np.arange(1, k)[:, None]
    off = (place[None, :] >= steps).astype(np.uint8)  # row i: the first i + 1 segments are off
    asked = _scores(evaluator, np.concatenate([off, 1 - off])) if k > 1 else np.empty(0)
    deleted = np.concatenate([ends[:1], asked[: k - 1], ends[1:]])
    inserted = np.concatenate([ends[1:], asked[k - 1 :], ends[:1]])
    return _curve("deletion", deleted, ends, order=order), _curve("insertion", inserted, ends, order=order)


def deletion(evaluator: Evaluator, weights: NDArray[Any]) -> Curve:
    """Return the deletion curve: leading segments are switched off first, so the score should fall at once."""
    return curves(evaluator, weights)[0]


def insertion(evaluator: Evaluator, weights: NDArray[Any]) -> Curve:
    """Return the insertion curve: leading segments are switched on first, so the score should rise at once."""
    return curves(evaluator, weights)[1]


def _curve(kind: str, score: Doubles, ends: Doubles, *, order: NDArray[np.intp]) -> Curve:
    drop = ends[0] - ends[1]
    share = np.linspace(0.0, 1.0, score.size)
    known = abs(drop) > FLAT * max(abs(ends[0]), abs(ends[1]))
    value = (score - ends[1]) / drop if known else np.full(score.size, np.nan)
    for array in (share, score, value, order):
        array.flags.writeable = False
    return Curve(kind, share, score, value, order, float(np.trapezoid(value, share)))


def infidelity(
    evaluator: Evaluator,
    weights: NDArray[Any],
    *,
    masks: NDArray[np.uint8] | None = None,
    scaled: bool = False,
    n_samples: int = 500,
    seed: int = 0,
) -> float:
    """Return how far sums of weights are from what switching segments off does to the score (Yeh et al. 2019, Eq. 2).

    The mean over masks of ``(Σ weights of the segments off − (f(x) − f(mask)))²``, divided by the mean of
    ``(f(x) − f(mask))²``: 0 is perfect, 1 is as bad as weights of zero.

    Parameters
    ----------
    evaluator : Evaluator
        Scores of masks for the spectrum.
    weights : (K,) array
    masks : (n, K) uint8 array, optional
        1 = as observed. When not given, `n_samples` masks in which small and large shares of the segments are off, see
        :func:`spread_masks`.
    scaled : bool
        Whether weights are first multiplied by the one factor that fits best (Yeh et al. 2019, Sect. 2.2), which lets
        methods of other units be compared; then at most 1.
    n_samples, seed : int
        Of the masks.

    Returns
    -------
    float
        NaN when no mask changes the score.
    """
    given = _weights(evaluator, weights)
    if masks is None:
        masks = spread_masks(given.size, n_samples, seed=seed)
    return infidelity_of(given, masks, changes(evaluator, masks), scaled=scaled)


def infidelity_of(weights: Doubles, masks: NDArray[np.uint8], change: Doubles, *, scaled: bool = False) -> float:
    """Return the :func:`infidelity` of weights ``(K,)`` when the :func:`changes` ``(n,)`` of masks are known."""
    said = (1.0 - masks) @ weights
    power, size = float(change @ change), float(said @ said)
    if power == 0:
        return float("nan")
    if scaled and size > 0:
        said = said * (float(said @ change) / size)
    return float(np.sum((said - change) ** 2) / power)


def changes(evaluator: Evaluator, masks: NDArray[np.uint8]) -> Doubles:
    """Return ``f(x) − f(mask)`` of masks ``(n, K)``, ``(n,)``; 0 throughout when it is only rounding."""
    scores = _scores(evaluator, np.concatenate([np.ones((1, masks.shape[1]), np.uint8), masks]))
    change = scores[0] - scores[1:]
    return change if np.abs(change).max() > FLAT * abs(scores[0]) else np.zeros_like(change)


def spread_masks(k: int, n: int, *, seed: int = 0) -> NDArray[np.uint8]:
    """Return ``(n, k)`` masks; the chance of a segment to be off is drawn evenly between 0 and 1 for each mask."""
    rng = np.random.default_rng([seed, k])
    return (rng.random((n, k)) >= rng.random((n, 1))).astype(np.uint8)


def max_sensitivity(
    explain: Callable[[Spectrum], NDArray[Any]], spectrum: Spectrum, *, n: int = 8, size: float = 1.0, seed: int = 0
) -> float:
    """Return how much an explanation changes at most when the flux changes by its noise (Yeh et al. 2019, Eq. 4).

    The largest of `n` values of ``‖φ(x + δ) − φ(x)‖ / ‖φ(x)‖``, δ Gaussian noise of `size`/√ivar.

    Parameters
    ----------
    explain : callable
        Spectrum → weights, always of one length: ``lambda s: explainer.explain(s).per_pixel()``.
    spectrum : Spectrum
        With its ivar; pixels with ivar 0 and imputed pixels stay.
    n : int
        How many times noise is drawn.
    size : float
        Standard deviation of the noise in units of the spectrum's own.
    seed : int

    Returns
    -------
    float
        NaN when all weights of the spectrum are 0, or when no pixel has noise of a known size.

    Raises
    ------
    ArgumentError
        When the noise is not known, or `n` or `size` is not positive.
    """
    if spectrum.ivar is None:
        raise ArgumentError(message("spectrum", expected="an inverse variance", got="none",
                                    hint="Spectrum(wave, flux, ivar)"))
    if n < 1 or not size > 0:
        raise ArgumentError(message("n, size", expected="above 0", got=f"{n}, {size}"))
    own = np.asarray(explain(spectrum), dtype=np.float64)
    length = float(np.linalg.norm(own))
    good = spectrum.valid
    if length == 0 or not good.any():
        return float("nan")
    rng = np.random.default_rng(seed)
    sigma = np.where(good, size / np.sqrt(np.where(good, spectrum.ivar, 1.0)), 0.0)
    worst = 0.0
    for _ in range(n):
        moved = spectrum.replace(flux=(spectrum.flux + sigma * rng.standard_normal(sigma.size)).astype(np.float32))
        other = np.asarray(explain(moved), dtype=np.float64)
        if other.shape != own.shape:
            raise ShapeError(message("explain", expected=f"weights of shape {own.shape} each time",
                                     got=f"shape {other.shape}", hint="weights per pixel"))
        worst = max(worst, float(np.linalg.norm(other - own)) / length)
    return worst


def _weights(evaluator: Evaluator, weights: Sequence[float] | NDArray[Any]) -> Doubles:
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (evaluator.n_segments,):
        raise ShapeError(message("weights", expected=f"shape ({evaluator.n_segments},), one a segment",
                                 got=f"shape {given.shape}"))
    if not np.isfinite(given).all():
        raise DataError(message("weights", expected="finite numbers", got=f"{int((~np.isfinite(given)).sum())} not"))
    return given


def _scores(evaluator: Evaluator, masks: NDArray[np.uint8]) -> Doubles:
    found = np.asarray(evaluator.scores(np.ascontiguousarray(masks)), dtype=np.float64)
    if not np.isfinite(found).all():
        raise DataError(message("score", expected="finite scores of the perturbed copies",
                                got=f"{int((~np.isfinite(found)).sum())} of {found.size} not finite"))
    return found
