"""The yield curve counts what it says, and its intervals hold what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from specanom.errors import ArgumentError, DataError
from specanom.triage import compare, gain, yield_curve

IDS = [f"s{i:03d}" for i in range(60)]
RANKINGS = st.permutations(IDS[:20])
SETS = st.sets(st.sampled_from(IDS[:25]), min_size=1)


def test_the_curve_of_a_small_example() -> None:
    made = yield_curve("abcde", {"a", "d", "z"})
    assert made.found.tolist() == [1, 1, 1, 2, 2]
    assert (made.interesting, made.missing, made.total) == (3, 1, 6)
    assert made.at(4)["share"] == 0.5
    assert made.at(4)["recall"] == pytest.approx(2 / 3)
    assert made.at(99)["n"] == 5
    assert made.area() == pytest.approx((1 + 1 + 1 + 2 + 2) / (1 + 2 + 3 + 3 + 3))
    assert made.chance == 0.5
    assert "2 among the first 5" in repr(made)
    assert "(1 not in the ranking)" in repr(made)


@given(ranking=RANKINGS, wanted=SETS)
def test_what_is_found_never_falls_and_intervals_hold_the_share(ranking, wanted) -> None:
    made = yield_curve(ranking, wanted)
    table = made.table
    assert (np.diff(table["found"], prepend=0) >= 0).all()
    assert (np.diff(table["found"], prepend=0) <= 1).all()
    assert ((table["low"] <= table["share"] + 1e-12) & (table["share"] <= table["high"] + 1e-12)).all()
    assert table["found"].iloc[-1] + made.missing == made.interesting == len(wanted)
    assert 0 <= made.area() <= 1


@given(ranking=RANKINGS, wanted=SETS, place=st.integers(0, 18))
def test_moving_an_interesting_one_up_never_lowers_the_curve(ranking, wanted, place) -> None:
    swapped = list(ranking)
    if swapped[place] not in wanted and swapped[place + 1] in wanted:
        swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]
    before, after = yield_curve(ranking, wanted), yield_curve(swapped, wanted)
    assert (after.found >= before.found).all()
    assert after.area() >= before.area() - 1e-12


@given(ranking=RANKINGS, wanted=st.sets(st.sampled_from(IDS[:20]), min_size=1))
def test_the_mean_share_at_the_hits_is_scikit_learns_average_precision(ranking, wanted) -> None:
    made = yield_curve(ranking, wanted)
    want = average_precision_score([id in wanted for id in ranking], -np.arange(20))
    assert made.table.loc[made.hits, "share"].mean() == pytest.approx(want)


def test_the_best_ranking_has_area_one_and_a_list_that_ends_finds_no_more() -> None:
    wanted = set(IDS[:10])
    assert yield_curve(IDS, wanted).area() == 1.0
    assert yield_curve(IDS[:10], wanted).area(60) == 1.0
    assert yield_curve(IDS[:5], wanted, total=60).area(10) == pytest.approx((15 + 25) / 55)
    assert np.isnan(yield_curve(IDS, set()).area())


def test_the_gain_is_counted_and_none_is_none() -> None:
    wanted = set(IDS[::3])
    ranked = sorted(IDS, key=lambda id: (id not in wanted, id))
    before, after = yield_curve(IDS, wanted), yield_curve(ranked, wanted)
    made = gain(before, after, n=20)
    assert (made["before"], made["after"], made["gain"]) == (7, 20, 13)
    assert made["low"] > 5
    assert made["low"] <= made["gain"] <= made["high"]
    assert gain(before, before, n=20) == {"before": 7, "after": 7, "gain": 0, "low": 0.0, "high": 0.0}
    assert gain(before, after, n=20, seed=3) == gain(before, after, n=20, seed=3)


def test_the_interval_of_a_gain_holds_no_gain_in_about_95_percent() -> None:
    rng, holds = np.random.default_rng(0), 0
    ids = [f"s{i}" for i in range(400)]
    for _ in range(60):
        wanted = {id for id in ids if rng.random() < 0.3}
        curves = [yield_curve(rng.permutation(ids).tolist(), wanted) for _ in range(2)]
        made = gain(*curves, n=50, repeats=400)
        holds += made["low"] <= 0 <= made["high"]
    assert holds >= 51


def test_several_rankings_are_compared_with_the_first() -> None:
    wanted = set(IDS[::3])
    ranked = sorted(IDS, key=lambda id: (id not in wanted, id))
    table = compare({"score": yield_curve(IDS, wanted), "after": yield_curve(ranked, wanted)}, n=10)
    assert table["ranking"].tolist() == ["score", "after"]
    assert table["found"].tolist() == [4, 10]
    assert table["gain"].tolist() == [0, 6]
    assert table["share"].tolist() == [0.4, 1.0]


@pytest.mark.parametrize(("call", "error"), [
    (lambda: yield_curve(["a", "a"], {"a"}), DataError), (lambda: yield_curve("abc", {"a"}, total=2), ArgumentError),
    (lambda: yield_curve("abc", {"a"}).at(0), ArgumentError), (lambda: yield_curve("", {"a"}).at(1), DataError),
    (lambda: gain(yield_curve("abc", {"a"}), yield_curve("abc", {"b"}), n=2), DataError),
    (lambda: gain(yield_curve("abc", {"a"}), yield_curve("abc", {"a"}), n=0), ArgumentError),
    (lambda: compare({}), ArgumentError),
])
def test_a_wrong_call_is_refused(call, error) -> None:
    with pytest.raises(error):
        call()
