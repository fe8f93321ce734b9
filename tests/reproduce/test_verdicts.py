"""Verdicts are computed from numbers: the paper's own numbers agree with the paper, others do not."""

from __future__ import annotations

import numpy as np
import pytest

from specanom.reproduce import verdicts
from specanom.reproduce.groups import even, on_lines, share_of
from specanom.reproduce.numbers import GOOD_MSE, POOR_MSE, TABLE_1, TABLE_2, TABLE_3
from specanom.reproduce.sides import Made

COUNTS = sorted(TABLE_2.values(), reverse=True)
SHARES = [n / sum(COUNTS) for n in COUNTS]


def test_the_numbers_of_the_paper_agree_with_the_paper() -> None:
    sample = Made(dict(TABLE_1))
    errors = Made({"good": GOOD_MSE, "poor": POOR_MSE, "noise of the good one": float("nan")})
    sizes = Made({"counts": COUNTS, "shares": SHARES, "spectra": sum(COUNTS)})
    ratios = Made({"ranges": TABLE_3, "members": {}})
    for judge, made in ((verdicts.table_1, sample), (verdicts.figure_1, errors), (verdicts.table_2, sizes),
                        (verdicts.table_3, ratios)):
        assert set(judge(made, made).told.values()) == {verdicts.AGREES}, judge.__name__


def test_other_numbers_differ_and_the_sentence_names_them() -> None:
    far = Made({name: (10 * z, snr / 10) for name, (z, snr) in TABLE_1.items()})
    verdict = verdicts.table_1(Made(dict(TABLE_1)), far)
    assert verdict.told == {"paper": "agrees", "defaults": "differs"}
    assert "0 of 14 numbers" in verdict.said["defaults"]
    assert "50 % of z (1 for 0.1)" in verdict.said["defaults"]
    assert not verdict.settled


def test_what_was_not_made_cannot_be_told() -> None:
    none = Made({}, missing="no cluster leans on Hα, [O II] or [O III]")
    verdict = verdicts.table_3(none, none)
    assert set(verdict.told.values()) == {verdicts.OPEN}
    assert all("no cluster leans" in said for said in verdict.said.values())


def test_the_trend_of_the_paper_goes_its_own_way_and_not_backwards() -> None:
    good, steps = verdicts.trend(TABLE_3)
    assert good == steps == 10
    assert verdicts.trend({1: TABLE_3[3], 2: TABLE_3[2], 3: TABLE_3[1]}) == (0, 10)


def test_a_table_2_of_the_same_k_with_another_largest_cluster_agrees_in_part() -> None:
    made = Made({"counts": [94, 1, 1, 1, 1, 1, 1], "shares": [0.94, *[0.01] * 6], "spectra": 100})
    assert verdicts.table_2(made, made).told["paper"] == verdicts.PARTLY


@pytest.mark.parametrize(("weights", "expected"), [((0.0, 1.0, 0.0), 1.0), ((1.0, -1.0, 0.0), 0.5), ((1, 1, 1), 1 / 3)])
def test_shares_count_the_segments_that_reach_a_line(weights: tuple[float, ...], expected: float) -> None:
    wave = np.arange(6400.0, 6700.0)
    segments = np.arange(wave.size) // 100
    where = on_lines(wave, ("Ha",))
    assert where.sum() == pytest.approx(2 * 600 / 299792.458 * 6564.61, abs=2)
    assert share_of(np.array(weights), segments, where) == pytest.approx(expected)
    assert even(segments, where) == pytest.approx(1 / 3)
