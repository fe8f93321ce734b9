"""Whether another drawing of masks would rank the segments alike, from the covariance of the weights.

Weights β found with one drawing and β′ found with another are both scattered about the same truth with covariance Σ,
so that, with nothing else known of the truth, β′ is normal about β with covariance 2 Σ. How often the leading segment
of such a β′ is that of β, and how many of its leading five are, is counted in a thousand draws.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .ridge import Quality, Ridge

DRAWS = 1000
LEADING = 5
REACH = 4.0  # standard errors of a difference beyond which segments do not swap places
MOST = 48  # rivals whose covariance is taken: more only when next to nothing is known, and then it is all the same
Doubles = NDArray[np.float64]


def top_stability(fit: Ridge, found: Quality, weights: Doubles) -> float:
    """Return the probability that another drawing of masks has the same segment of largest |weight|.

    Parameters
    ----------
    fit, found : Ridge, Quality
        The regression and its quality, for the covariance of the weights.
    weights : (K,) array

    Returns
    -------
    float
        0–1; NaN when the errors of the weights are not known.
    """
    if not np.isfinite(found.error).all() or not weights.any():
        return float("nan")
    chosen = rivals(weights, found.error, 1)
    if chosen.size == 1:
        return 1.0
    return ranking_odds(weights[chosen], fit.covariance(found, chosen))[0]


def rivals(weights: Doubles, error: Doubles, leading: int) -> NDArray[np.intp]:
    """Return the `leading` segments and those that another drawing might put among them, by falling |weight|."""
    order = np.argsort(-np.abs(weights), kind="stable")
    last = order[min(leading, order.size) - 1]
    apart = np.abs(weights[last]) - np.abs(weights[order])
    near = apart <= REACH * np.sqrt(2.0) * (error[order] + error[last])
    near[:leading] = True
    return np.asarray(order[near][:MOST], dtype=np.intp)


def ranking_odds(weights: Doubles, covariance: Doubles, leading: int = LEADING) -> tuple[float, float]:
    """Return how likely the ranking survives another drawing of masks.

    Parameters
    ----------
    weights : (s,) array
        Weights of the segments that may lead, by falling |weight|.
    covariance : (s, s) array
        Their covariance over the drawing of masks.
    leading : int
        How many segments the second number speaks of.

    Returns
    -------
    top : float
        Probability that the segment of largest |weight| is the same.
    overlap : float
        Expected share of the `leading` segments that are among them again.
    """
    values, vectors = np.linalg.eigh(2.0 * covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    drawn = np.abs(weights + _normals(weights.size) @ root.T)
    top = float((drawn.argmax(axis=1) == 0).mean())
    leading = min(leading, weights.size)
    again = np.argpartition(-drawn, leading - 1, axis=1)[:, :leading] < leading
    return top, float(again.mean())


@lru_cache(maxsize=MOST)
def _normals(size: int) -> Doubles:
    return np.random.default_rng(size).standard_normal((DRAWS, size))
