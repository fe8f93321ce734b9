"""The two ends of an attribution method: what it may ask (an Evaluator) and what it answers (an Attribution)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, message
from .problem import Problem


class Evaluator(Protocol):
    """Masks → scores for one spectrum: all that most methods ask for."""

    @property
    def problem(self) -> Problem:
        """What is explained, for methods that look into the score: spectrum, fill, segments and the score itself."""
        ...

    @property
    def n_segments(self) -> int:
        """K."""
        ...

    @property
    def path(self) -> str:
        """Which evaluator it is and why: ``"collapse: …"``, ``"generic: the score is a plain function"``, …"""
        ...

    def scores(self, masks: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the score of each perturbed copy: masks ``(n, K)``, 1 = as observed → ``(n,)`` float64."""
        ...

    def energy(self) -> NDArray[np.float64]:
        """Return Σ (x − g)² over each segment, shape ``(K,)``: squared distances between copies."""
        ...

    def reconstruction(self) -> NDArray[np.float32] | None:
        """Return the model's reconstruction of the spectrum itself, shape ``(p,)``; None without a model."""
        ...


class Method(Protocol):
    """An attribution method: settings, called with an evaluator."""

    def __call__(self, evaluator: Evaluator, *, seed: int) -> Attribution:
        """Return the weight of each segment."""
        ...


@dataclass(frozen=True, eq=False)
class Attribution:
    """What a method says of one spectrum.

    Attributes
    ----------
    weights : (K,) array
        Change of the score when the segment is as observed instead of filled.
    interval : (K, 2) array
        95 % interval of each weight over the drawing of masks; NaN when it cannot be known.
    intercept : float
        The surrogate's value with all segments filled.
    score : float
        Score of the spectrum itself.
    r2 : float
        Weighted R² of the surrogate.
    ess : float
        Effective number of samples under the proximity kernel.
    n_samples : int
        Number of scores asked for.
    kernel : str
        The kernel in words, e.g. ``"cosine, w = 0.25"``.
    notes : tuple of str
        Warnings about this fit.
    path : str
        How a method came to its answer when not by the scores of masks; else empty.
    error : (K,) array or None
        Standard error of each weight over the drawing of masks; zero for methods without chance, None when not known.
    stability : float
        Probability that another drawing of as many masks has the same segment of largest |weight|; NaN when not known.
    completeness : float
        ``|Σ weights − (score of the spectrum − score of the fill)|`` as a share of that difference; NaN when not known.
    """

    weights: NDArray[np.float64]
    interval: NDArray[np.float64]
    intercept: float
    score: float
    r2: float
    ess: float
    n_samples: int
    kernel: str
    notes: tuple[str, ...] = field(default=())
    path: str = ""
    error: NDArray[np.float64] | None = None
    stability: float = float("nan")
    completeness: float = float("nan")


def check_scores(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Return the scores as float64 when each is finite.

    Raises
    ------
    DataError
        Saying whether the spectrum itself (row 0) or perturbed copies of it have no score.
    """
    values = np.asarray(scores, dtype=np.float64)
    bad = ~np.isfinite(values)
    if bad[0]:
        raise DataError(message("score", expected="a finite score of the spectrum itself", got=values[0],
                                hint="a spectrum without valid pixels has no score and no explanation"))
    if bad.any():
        raise DataError(message("score", expected="finite scores of all perturbed copies",
                                got=f"{int(bad.sum())} of {values.size} not finite",
                                hint="a fill nearer to the spectrum, e.g. Scale(0.9)"))
    return values


def completeness(weights: NDArray[np.float64], whole: float, empty: float) -> float:
    """Return ``|Σ weights − (whole − empty)|`` as a share of ``|whole − empty|``.

    Parameters
    ----------
    weights : (K,) array
    whole, empty : float
        Scores of the spectrum and of the fill.

    Returns
    -------
    float
        NaN when one of them is not finite, or when they are equal to within the rounding of single precision.
    """
    change = whole - empty
    if not np.isfinite(change) or abs(change) <= 1e-6 * max(abs(whole), abs(empty)):
        return float("nan")
    return abs(float(weights.sum()) - change) / abs(change)
