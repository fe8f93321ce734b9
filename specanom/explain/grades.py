"""How far an explanation can be trusted, in a word and a reason.

The thresholds were chosen such that another drawing of masks gives a trusted explanation the same leading segment in
at least 95 of 100 cases, whatever the fill. Measured with 20 spectra of each of three simulated surveys, none of which
the thresholds were looked for on, a VAE with ``chi2_ivar``, 77 segments and 50 drawings each; in brackets, how often
another drawing leads with the same segment:

=====  ============  =============  =============  =============
masks  fill          trusted        unstable       poor fit
=====  ============  =============  =============  =============
500    Scale         46 % (98.7 %)  44 % (64.7 %)  10 % (97.8 %)
500    Flat          23 % (99.6 %)  39 % (57.7 %)  38 % (99.0 %)
500    SegmentMean   89 % (99.8 %)   3 % (72.0 %)   8 % (100 %)
500    Typical       96 % (99.8 %)   4 % (57.2 %)   0 %
2000   Scale         86 % (99.8 %)  11 % (81.2 %)   3 % (99.4 %)
2000   Flat          56 % (99.8 %)  17 % (71.4 %)  27 % (98.9 %)
2000   SegmentMean   95 % (100 %)    1 % (96.2 %)   4 % (100 %)
2000   Typical       98 % (99.9 %)   2 % (72.3 %)   0 %
=====  ============  =============  =============  =============

With 2000 masks it is 99.9 % of the trusted at S/N below the median, and 99.8 % above. A calibrated score is a
logarithm, whose change between spectrum and fill the weights miss where the fill is near the model: it is then a poor
fit by its sum, though its segments are ranked like those of the raw score.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .attribution import Attribution

GOOD_R2 = 0.5  # below, segments act together more than they add up
GOOD_ERROR = 0.35  # relative sampling error of the weight vector above which the ranking of segments moves
STABLE = 0.9  # probability of the same leading segment with other masks
GOOD_SUM = 0.2  # share of Σ|weight| by which Σ weight may miss the change of the score
ROUNDING = 1e-6  # of a score in single precision


class Grade(NamedTuple):
    """A grade, ``"trusted"``, ``"unstable"`` or ``"poor fit"``, and why."""

    grade: str
    reason: str


def sampling_error(found: Attribution) -> float:
    """Return the relative sampling error of the weight vector, ‖standard errors‖/‖weights‖; NaN when not known."""
    error = found.error
    if error is None:
        error = (found.interval[:, 1] - found.interval[:, 0]) / 2.0 / 1.96
    size = float(np.linalg.norm(found.weights))
    return float(np.linalg.norm(error)) / size if size > 0 else float("nan")


def sum_missed(found: Attribution) -> float:
    """Return by how much Σ weight misses the change of the score, at least, as a share of Σ|weight|; NaN if unknown.

    As a share of the change itself (``completeness``) it says little where weights of both signs cancel.
    """
    size = float(np.abs(found.weights).sum())
    missed = found.completeness
    return abs(float(found.weights.sum())) * missed / (1.0 + missed) / size if size > 0 else float("nan")


def grade_of(found: Attribution) -> Grade:
    """Grade an attribution by its weights, notes, sampling error, stability, fit and sum, in this order.

    What is not known (NaN) is not held against a method without chance: one whose errors are all zero is graded by
    its fit and its sum, as far as it has them.
    """
    size = float(np.abs(found.weights).max())
    if size == 0.0:
        return Grade("poor fit", found.notes[0] if found.notes else "no segment changes the score")
    if found.notes:
        return Grade("unstable", found.notes[0])
    if size <= ROUNDING * abs(found.score):
        return Grade("poor fit", "no segment changes the score by more than its rounding")
    return _by_chance(found) or _by_fit(found) or Grade("trusted", _praise(found))


def _by_chance(found: Attribution) -> Grade | None:
    error = sampling_error(found)
    if not np.isfinite(error):
        return Grade("unstable", "too few samples to know the error of the weights")
    if error > GOOD_ERROR:
        return Grade("unstable", f"sampling error {error:.0%} of the weights: take more samples")
    if found.stability < STABLE:
        return Grade("unstable", f"other masks would lead with another segment in {1 - found.stability:.0%} of cases: "
                                 "take more samples")
    return None


def _by_fit(found: Attribution) -> Grade | None:
    if found.r2 < GOOD_R2:
        return Grade("poor fit", f"R² {found.r2:.2f}: segments act together more than they add up")
    if sum_missed(found) > GOOD_SUM:
        return Grade("poor fit", f"the weights miss the change of the score by {found.completeness:.0%} of it: "
                                 "segments act together more than they add up")
    return None


def _praise(found: Attribution) -> str:
    error = sampling_error(found)
    parts = [f"R² {found.r2:.2f}"] if np.isfinite(found.r2) else []
    parts.append(f"sampling error {error:.0%}" if error > 0 else "no sampling error")
    if np.isfinite(found.stability) and error > 0:
        parts.append(f"same leader in {found.stability:.0%} of drawings")
    return ", ".join(parts)
