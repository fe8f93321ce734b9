"""Answers without chance: nothing was drawn, so there is no sampling error and another run gives the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .attribution import Attribution, completeness

UNCHANGED = "the fill equals the spectrum: switching segments off changes nothing"
NAN = float("nan")


def certain(weights: NDArray[np.float64], score: float, *, empty: float, n_samples: int) -> Attribution:
    """Return an attribution with errors of zero, intervals of zero width and a ranking that stays.

    Parameters
    ----------
    weights : (K,) array
    score, empty : float
        Of the spectrum, and of what it is compared with; the latter is the intercept too.
    n_samples : int
        Number of scores asked for.
    """
    values = np.asarray(weights, dtype=np.float64)
    return Attribution(
        weights=values, interval=np.stack([values, values], axis=1), intercept=empty, score=score, r2=NAN, ess=NAN,
        n_samples=n_samples, kernel="", error=np.zeros_like(values), stability=1.0,
        completeness=completeness(values, score, empty),
    )


def unchanged(k: int, score: float, *, n_samples: int) -> Attribution:
    """Return weights of zero for a fill that equals the spectrum, with a note that says so."""
    zero = np.zeros(k)
    return Attribution(
        weights=zero, interval=np.zeros((k, 2)), intercept=score, score=score, r2=0.0, ess=NAN, n_samples=n_samples,
        kernel="", notes=(UNCHANGED,), error=zero, stability=NAN,
    )
