"""Grades say why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from specanom.explain.attribution import Attribution
from specanom.explain.grades import grade_of, sampling_error

GOOD = Attribution(
    weights=np.array([1.0, -0.5]), interval=np.array([[0.9, 1.1], [-0.6, -0.4]]), intercept=0.0, score=1.0, r2=0.9,
    ess=900.0, n_samples=1000, kernel="",
)


def test_a_good_fit_is_trusted() -> None:
    assert grade_of(GOOD).grade == "trusted"
    assert np.isclose(sampling_error(GOOD), np.hypot(0.1, 0.1) / 1.96 / np.hypot(1, 0.5))


def test_a_wide_interval_an_unknown_one_or_few_effective_samples_are_unstable() -> None:
    wide = replace(GOOD, interval=GOOD.weights[:, None] + np.array([-1.0, 1.0]))
    assert grade_of(wide).grade == "unstable"
    assert "sampling error" in grade_of(wide).reason
    assert grade_of(replace(GOOD, interval=np.full((2, 2), np.nan))).grade == "unstable"
    noted = grade_of(replace(GOOD, notes=("effective sample size 3 is below 5 × 2 segments",)))
    assert noted == ("unstable", "effective sample size 3 is below 5 × 2 segments")


def test_a_surrogate_that_does_not_follow_the_score_is_a_poor_fit() -> None:
    assert grade_of(replace(GOOD, r2=0.2)).grade == "poor fit"
    assert "0.20" in grade_of(replace(GOOD, r2=0.2)).reason
    assert grade_of(replace(GOOD, weights=np.zeros(2))).grade == "poor fit"
