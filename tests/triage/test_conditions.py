"""Conditions on columns mean what they say, for every kind of column, and are never run as code."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError
from specanom.triage import Condition, read_conditions

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
    ("> x", "a number after >"), (">", "a number after >"), ("> nan", "a number after >"), (None, "a condition"),
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
