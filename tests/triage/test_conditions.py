"""Conditions on columns mean what they say, for every kind of column, and are never run as code."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError
from specanom.triage import Condition, read_conditions

LONG = 39633345008634465
TABLE = pd.DataFrame({
    "id": list("abcde"), "BAL_PROB": [0.1, 0.5, 0.9, np.nan, 1.0], "class": ["QSO", "STAR", "GALAXY", None, "QSO"],
    "zwarning": [0, 4, 5, 2, 12], "good": [True, False, True, False, True],
})


@pytest.mark.parametrize(("column", "written", "holds"), [
    ("BAL_PROB", ">0.5", "ce"), ("BAL_PROB", " >= 0.5 ", "bce"), ("BAL_PROB", "< .5", "a"),
    ("BAL_PROB", "<=5e-1", "ab"),
    ("BAL_PROB", "!= 0.5", "ace"), ("BAL_PROB", "== 0.5", "b"), ("BAL_PROB", 0.5, "b"), ("BAL_PROB", "missing", "d"),
    ("BAL_PROB", "known", "abce"), ("BAL_PROB", "0.5 .. 0.9", "bc"), ("BAL_PROB", {1.0, 0.1}, "ae"),
    ("class", {"STAR"}, "b"), ("class", ["STAR", "QSO"], "abe"), ("class", "QSO", "ae"), ("class", "== QSO", "ae"),
    ("class", "!= 'QSO'", "bc"), ("class", "missing", "d"), ("zwarning", "& 4", "bce"), ("zwarning", "&1", "c"),
    ("zwarning", "> -1", "abcde"), ("zwarning", 4, "b"), ("good", True, "ace"), ("id", "a", "a"),
])
def test_a_condition_holds_where_it_says(column, written, holds) -> None:
    assert "".join(TABLE.loc[Condition.of(column, written).holds(TABLE), "id"]) == holds


@pytest.mark.parametrize("dtype", ["int64", "uint64", "Int64", "UInt64"])
def test_integers_are_compared_digit_by_digit(dtype) -> None:
    table = pd.DataFrame({"n": pd.array([LONG - 1, LONG, LONG + 1], dtype=dtype)})
    want = {f">= {LONG}": [0, 1, 1], f"> {LONG}": [0, 0, 1], f"<= {LONG}": [1, 1, 0], f"< {LONG}": [1, 0, 0],
            f"== {LONG}": [0, 1, 0], f"!= {LONG}": [1, 0, 1], f"{LONG} .. {LONG}": [0, 1, 0],
            f"> {10**30}": [0, 0, 0], f"< {10**30}": [1, 1, 1], "> -1e30": [1, 1, 1], f"== {10**30}": [0, 0, 0]}
    for written, holds in want.items():
        assert Condition.of("n", written).holds(table).tolist() == [bool(one) for one in holds], written
    assert Condition("n", "in", (LONG, 7)).holds(table).tolist() == [False, True, False]
    assert Condition.of("n", np.int64(LONG)).holds(table).tolist() == [False, True, False]
    assert repr(Condition.of("n", f"{LONG} .. {LONG + 1}")) == f"n {LONG} .. {LONG + 1}"


@given(value=st.floats(-5, 5), column=st.lists(st.integers(-5, 5), min_size=1, max_size=8),
       sign=st.sampled_from([">", ">=", "<", "<=", "==", "!="]))
def test_integers_compare_with_fractions_as_numbers_do(value, column, sign) -> None:
    holds = Condition("x", sign, value).holds(pd.DataFrame({"x": column}))
    assert holds.tolist() == [eval(f"x {sign} value", {"x": x, "value": value}) for x in column]


@pytest.mark.parametrize("value", [0.1, np.float32(0.1), np.float64(0.1)])
def test_single_precision_is_equal_to_the_number_that_was_written(value) -> None:
    table = pd.DataFrame({"x": np.array([0.1, 0.2], dtype=np.float32)})
    holds = {sign: Condition("x", sign, value).holds(table).tolist() for sign in (">", ">=", "<", "<=", "==", "!=")}
    assert holds == {">": [False, True], ">=": [True, True], "<": [False, False], "<=": [True, False],
                     "==": [True, False], "!=": [False, True]}
    assert Condition("x", "between", (value, value)).holds(table).tolist() == [True, False]
    assert Condition("x", "<", 1e300).holds(table).all()


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), 10**400, -(10**400), 1e300])
@pytest.mark.parametrize("column", [[1, 2], [1.0, 2.0], [True, False]])
def test_numbers_beyond_every_column_equal_nothing_in_it(value, column) -> None:
    table = pd.DataFrame({"x": column})
    assert not Condition.of("x", value).holds(table).any()
    assert not Condition.of("x", {value, 7}).holds(table).any()
    assert Condition("x", "!=", value).holds(table).all()


def test_integers_that_may_be_missing_work_too() -> None:
    table = pd.DataFrame({"n": pd.array([1, None, 3], dtype="Int64")})
    assert Condition.of("n", "> 1").holds(table).tolist() == [False, False, True]
    assert Condition.of("n", "& 1").holds(table).tolist() == [True, False, True]
    assert Condition.of("n", "missing").holds(table).tolist() == [False, True, False]


@given(value=st.floats(allow_nan=False, allow_infinity=False), sign=st.sampled_from([">", ">=", "<", "<=", "==", "!="]),
       column=st.lists(st.floats(), min_size=1, max_size=6))
def test_a_written_number_compares_as_python_does(value, sign, column) -> None:
    table = pd.DataFrame({"x": column})
    compared = {">": lambda x: x > value, ">=": lambda x: x >= value, "<": lambda x: x < value,
                "<=": lambda x: x <= value, "==": lambda x: x == value, "!=": lambda x: x == x and x != value}[sign]
    assert Condition.of("x", f"{sign} {value!r}").holds(table).tolist() == [bool(compared(x)) for x in column]


@given(column=st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "c"])), min_size=1), word=st.sampled_from("abc"))
def test_equal_and_unequal_divide_what_is_known(column, word) -> None:
    table = pd.DataFrame({"x": pd.Series(column, dtype=object)})
    same, other = (Condition.of("x", f"{sign} {word}").holds(table) for sign in ("==", "!="))
    assert not (same & other).any()
    assert ((same | other) == Condition.of("x", "known").holds(table)).all()


@pytest.mark.parametrize(("written", "match"), [
    ("> x", "a number after >"), (f"> {10**400}", "number after >"),
    (">", "a number after >"), ("> nan", "a number after >"), (None, "a condition"),
    ([], "some plain values"), ({None}, "some plain values"), (float("nan"), "a condition"),
    ("& 0", "positive integer"),
    ("& 1.5", "positive integer"), ("2 .. 1", "the lower first"), (lambda x: x, "a condition"),
])
def test_what_is_no_condition_is_refused(written, match) -> None:
    with pytest.raises(ArgumentError, match=match):
        Condition.of("BAL_PROB", written)


def test_a_column_that_is_missing_is_named_with_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="did you mean 'BAL_PROB'"):
        Condition.of("BALPROB", "> 0.5").holds(TABLE)


@pytest.mark.parametrize(("column", "written"), [("class", "> 3"), ("class", 3), ("zwarning", "GALAXY"), ("id", "& 1")])
def test_texts_are_not_compared_with_numbers(column, written) -> None:
    with pytest.raises(ArgumentError, match=column):
        Condition.of(column, written).holds(TABLE)


def test_code_is_a_text_like_any_other() -> None:
    condition = Condition.of("class", "__import__('os').remove('x')")
    assert not condition.holds(TABLE).any()


def test_a_mapping_gives_one_condition_a_column() -> None:
    made = read_conditions({"BAL_PROB": ">0.5", "class": {"STAR", "QSO"}, "z": "0.1 .. 0.3", "deltachi2": "missing"})
    assert [repr(one) for one in made] == [
        "BAL_PROB > 0.5", "class in {QSO, STAR}", "z 0.1 .. 0.3", "deltachi2 missing"]
    with pytest.raises(ArgumentError, match="mapping"):
        read_conditions(["BAL_PROB > 0.5"])
