"""Grades say why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from specanom.explain.attribution import Attribution
from specanom.explain.grades import grade_of, sampling_error, sum_missed

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


def test_the_standard_error_is_taken_where_it_is_given() -> None:
    assert np.isclose(sampling_error(replace(GOOD, error=np.array([0.3, 0.4]))), 0.5 / np.hypot(1, 0.5))


@pytest.mark.parametrize(("stability", "grade"), [(1.0, "trusted"), (0.91, "trusted"), (0.7, "unstable")])
def test_a_lead_that_other_masks_would_not_give_is_unstable(stability: float, grade: str) -> None:
    found = grade_of(replace(GOOD, stability=stability))
    assert found.grade == grade
    assert (grade == "trusted") == ("same leader" in found.reason)
    assert (grade == "unstable") == ("another segment in 30%" in found.reason)


def test_weights_that_do_not_add_up_are_a_poor_fit_unless_they_cancel() -> None:
    """Σw = 0.5 of Σ|w| = 1.5: missing the change by all of it is at least 0.25/1.5 of the weights."""
    assert sum_missed(replace(GOOD, completeness=1.0)) == pytest.approx(0.25 / 1.5)
    assert grade_of(replace(GOOD, completeness=1.0)).grade == "trusted"
    assert grade_of(replace(GOOD, completeness=3.0)).grade == "poor fit"
    assert "by 300% of it" in grade_of(replace(GOOD, completeness=3.0)).reason
    one_sign = replace(GOOD, weights=np.array([1.0, 0.5]), interval=np.array([[0.9, 1.1], [0.4, 0.6]]))
    assert grade_of(replace(one_sign, completeness=0.4)).grade == "poor fit"
    assert grade_of(replace(one_sign, completeness=0.1)).grade == "trusted"


def test_methods_without_chance_are_graded_by_what_they_have() -> None:
    nothing = replace(GOOD, error=np.zeros(2), interval=np.full((2, 2), np.nan), r2=np.nan, ess=np.nan)
    assert grade_of(nothing) == ("trusted", "no sampling error")
    assert grade_of(replace(nothing, completeness=1e-7)).grade == "trusted"
    assert grade_of(replace(nothing, completeness=9.0)).grade == "poor fit"
    assert grade_of(replace(nothing, r2=0.1)).grade == "poor fit"


def test_no_change_has_its_reason() -> None:
    said = "the fill equals the spectrum: switching segments off changes nothing"
    assert grade_of(replace(GOOD, weights=np.zeros(2), notes=(said,))) == ("poor fit", said)
    assert grade_of(replace(GOOD, weights=np.zeros(2))) == ("poor fit", "no segment changes the score")
    assert "rounding" in grade_of(replace(GOOD, weights=GOOD.weights * 1e-9)).reason
