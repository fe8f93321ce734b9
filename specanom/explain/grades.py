"""How far an explanation can be trusted, in a word and a reason."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .attribution import Attribution

GOOD_R2 = 0.5  # below, segments act together more than they add up
GOOD_ERROR = 0.35  # relative sampling error of the weight vector above which the ranking of segments moves


class Grade(NamedTuple):
    """A grade, ``"trusted"``, ``"unstable"`` or ``"poor fit"``, and why."""

    grade: str
    reason: str


def sampling_error(found: Attribution) -> float:
    """Return the relative sampling error of the weight vector, ‖standard errors‖/‖weights‖; NaN when not known."""
    half = (found.interval[:, 1] - found.interval[:, 0]) / 2.0
    size = float(np.linalg.norm(found.weights))
    return float(np.linalg.norm(half)) / 1.96 / size if size > 0 else float("nan")


def grade_of(found: Attribution) -> Grade:
    """Grade an attribution by its effective sample size, its sampling error and its fit, in this order."""
    error = sampling_error(found)
    if not found.weights.any():
        return Grade("poor fit", "no segment changes the score")
    if found.notes:
        return Grade("unstable", found.notes[0])
    if not np.isfinite(error):
        return Grade("unstable", "too few samples to know the error of the weights")
    if error > GOOD_ERROR:
        return Grade("unstable", f"sampling error {error:.0%} of the weights: take more samples")
    if found.r2 < GOOD_R2:
        return Grade("poor fit", f"R² {found.r2:.2f}: segments act together more than they add up")
    return Grade("trusted", f"R² {found.r2:.2f}, sampling error {error:.0%}")
