"""Conditions on columns of a table, written as a person would say them; never run as code.

===================================  ==================================================================================
``{"BAL_PROB": "> 0.5"}``            a comparison: ``>``, ``>=``, ``<``, ``<=``, ``==``, ``!=`` and a number or text
``{"z": "0.1 .. 0.3"}``              from, to, both included
``{"class": {"STAR", "QSO"}}``       one of these
``{"survey": "desi"}``               this text; a number or bool likewise
``{"zwarning": "& 4"}``              an integer with any of these bits set
``{"deltachi2": "missing"}``         no value; ``"known"`` for the opposite
===================================  ==================================================================================

A missing value fulfils nothing but ``"missing"``, ``!=`` included; in the filters of tables and of the explorer, which
are expressions over several columns, it is unequal to everything. Integers are compared digit by digit, and columns of
single precision with the number as single precision has it. A text that begins like one of the signs is compared by
``Condition("column", "==", "> 5")``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, choice, message
from .columns import NUMBERS, column_of

if TYPE_CHECKING:
    import pandas as pd

OPERATORS = (">", ">=", "<", "<=", "==", "!=", "in", "between", "&", "missing", "known")
_SIGNS = re.compile(r"\s*(>=|<=|==|!=|>|<|&)\s*(.*?)\s*", re.S)
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*")
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    ">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal,
}
HINT = "'> 0.5', '0.1 .. 0.3', {'STAR', 'QSO'}, '& 4', 'missing', or a plain value"


@dataclass(frozen=True)
class Condition:
    """One condition on one column.

    Parameters
    ----------
    column : str
        Name of the column.
    operator : str
        One of ``OPERATORS``.
    value : number, text, bool, tuple or None
        What is compared with: a tuple of values for ``"in"``, (from, to) for ``"between"``, an integer for ``"&"``,
        nothing for ``"missing"`` and ``"known"``.

    Examples
    --------
    >>> Condition.of("BAL_PROB", ">0.5")
    BAL_PROB > 0.5
    """

    column: str
    operator: str
    value: Any = None

    def __post_init__(self) -> None:
        choice("operator", self.operator, OPERATORS)
        number = isinstance(self.value, (int, float, np.number)) and not isinstance(self.value, bool)
        if self.operator in _COMPARE and not (number and np.isfinite(_real(self.value))):
            raise ArgumentError(message(self.column, expected=f"a number after {self.operator}", got=repr(self.value),
                                        hint=HINT))
        if self.operator == "&" and not (isinstance(self.value, (int, np.integer)) and self.value > 0):
            raise ArgumentError(message(self.column, expected="a positive integer after &", got=repr(self.value)))
        if self.operator == "between" and not self.value[0] <= self.value[1]:
            raise ArgumentError(message(self.column, expected="from .. to, the lower first", got=f"{self.value}"))

    @classmethod
    def of(cls, column: str, written: Any) -> Condition:
        """Read a condition as it is written; see the table above.

        Raises
        ------
        ArgumentError
            When it cannot be understood.
        """
        if isinstance(written, Condition):
            return written
        if isinstance(written, (set, frozenset, list, tuple)):
            if not written or not all(_plain(one) for one in written):
                raise ArgumentError(message(column, expected="some plain values", got=repr(written), hint=HINT))
            return cls(column, "in", tuple(sorted(written, key=str)))
        if not isinstance(written, str):
            if written is None or not _plain(written):
                raise ArgumentError(message(column, expected="a condition", got=repr(written), hint=HINT))
            return cls(column, "==", written)
        if written.strip() in ("missing", "known"):
            return cls(column, written.strip())
        if found := _RANGE.fullmatch(written):
            return cls(column, "between", (_value(found[1], whole=False), _value(found[2], whole=False)))
        if found := _SIGNS.fullmatch(written):
            return cls(column, found[1], _value(found[2], whole=found[1] == "&"))
        return cls(column, "==", written)

    def holds(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """Return for each row whether it is fulfilled, shape ``(n,)``.

        Raises
        ------
        ArgumentError
            When the table lacks the column, or numbers are asked of a column that has none.
        """
        values = column_of(table, self.column, f"column of {self}")
        known = values.notna().to_numpy(dtype=bool)
        if self.operator in ("missing", "known"):
            return np.asarray(known == (self.operator == "known"))
        if self.operator in ("==", "!=", "in"):
            wanted = self.value if self.operator == "in" else (self.value,)
            equal = np.any([self._equals(values, one) for one in wanted], axis=0)
            return np.asarray(known & (~equal if self.operator == "!=" else equal))
        if values.dtype.kind not in NUMBERS:
            raise ArgumentError(message(f"{self}", expected="a column of numbers", got=f"dtype {values.dtype}"))
        if self.operator == "&":
            return np.asarray(known & self._has_bits(values))
        numbers = _numbers(values)
        if self.operator == "between":
            return np.asarray(known & _compared(numbers, ">=", self.value[0]) & _compared(numbers, "<=", self.value[1]))
        return np.asarray(known & _compared(numbers, self.operator, self.value))

    def _has_bits(self, values: pd.Series) -> NDArray[np.bool_]:
        numbers = _numbers(values.fillna(0))
        if numbers.dtype.kind == "f" and not (np.isfinite(numbers) & (numbers == np.round(numbers))).all():
            raise ArgumentError(message(f"{self}", expected="a column of whole numbers", got=f"dtype {values.dtype}"))
        return np.asarray((numbers.astype(np.int64) & int(self.value)) != 0)

    def _equals(self, values: pd.Series, one: Any) -> NDArray[np.bool_]:
        if (values.dtype.kind in NUMBERS) == isinstance(one, str):  # the id "12" is not the number 12
            raise ArgumentError(message(f"{self}", expected="text for a column of texts, numbers for one of numbers",
                                        got=f"{one!r} for dtype {values.dtype}"))
        if isinstance(one, str):
            return np.asarray((values == one).fillna(False), dtype=bool)
        numbers = _numbers(values)
        return _compared(numbers, ">=", one) & _compared(numbers, "<=", one)

    def __repr__(self) -> str:
        if self.operator in ("missing", "known"):
            return f"{self.column} {self.operator}"
        if self.operator == "between":
            return f"{self.column} {_told(self.value[0])} .. {_told(self.value[1])}"
        if self.operator == "in":
            return f"{self.column} in {{{', '.join(map(str, self.value))}}}"
        return f"{self.column} {self.operator} {self.value}"


def read_conditions(written: Mapping[str, Any] | None) -> tuple[Condition, ...]:
    """Read the conditions of a mapping, column → condition."""
    if written is None:
        return ()
    if not isinstance(written, Mapping):
        raise ArgumentError(message("conditions", expected="a mapping of column to condition", got=repr(written),
                                    hint="{'BAL_PROB': '> 0.5'}"))
    return tuple(Condition.of(column, one) for column, one in written.items())


def _plain(value: Any) -> bool:
    return isinstance(value, (str, bool, int, float, np.number, np.bool_)) and value == value


def _numbers(values: pd.Series) -> NDArray[Any]:
    """Return a column of numbers in its own type; what is missing among integers is 0 here."""
    if values.dtype.kind == "f":
        return values.to_numpy(dtype=values.dtype if isinstance(values.dtype, np.dtype) else np.float64,
                               na_value=np.nan)
    kind = {"b": np.int8, "i": np.int64, "u": np.uint64}[values.dtype.kind]
    return values.fillna(False if kind is np.int8 else 0).to_numpy(dtype=kind)


def _compared(numbers: NDArray[Any], sign: str, value: Any) -> NDArray[np.bool_]:
    """Compare in the type of the column: integers as integers, with the next whole number on the side that is asked."""
    if numbers.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.asarray(_COMPARE[sign](numbers, numbers.dtype.type(_real(value))))
    if isinstance(value, (int, np.integer, np.bool_)):
        value = int(value)
    elif np.isfinite(value):
        value = (math.ceil if sign in (">=", "<") else math.floor)(float(value))
    return np.asarray(_COMPARE[sign](numbers, value))  # also with integers that have no place in its type


def _real(value: Any) -> float:
    """Return a number as float; infinite where it has no place in one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _told(value: Any) -> str:
    return str(value) if isinstance(value, (int, np.integer)) else f"{value:g}"


def _value(text: str, *, whole: bool) -> Any:
    if re.fullmatch(r"[-+]?\d+", text):
        return int(text)
    if not whole and re.fullmatch(_NUMBER, text):
        return float(text)
    return text.strip("'\"")
