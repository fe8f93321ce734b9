"""Tables for the report: heads, cells as text, which columns are words, which rows stand out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class ShownTable:
    """A table ready to be written: `text` are the columns set left, `best` the rows set off."""

    head: list[str]
    rows: list[list[str]]
    text: frozenset[int] = frozenset({0})
    best: frozenset[int] = frozenset()


def number(value: Any, digits: int = 3) -> str:
    """Return a number as a reader wants it: few digits, a real minus sign, a dash for what is not known."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "–"
    if isinstance(value, (int, np.integer)):
        return f"{int(value):,}".replace(",", " ")
    value = float(value)
    if not np.isfinite(value):
        return "∞" if value > 0 else "−∞"
    small = value != 0 and abs(value) < 10 ** (1 - digits)
    text = f"{value:.{digits - 1}e}" if small or abs(value) >= 1e6 else f"{value:.{digits}g}"
    if "e" in text and not small and abs(value) < 1e6:
        text = f"{value:.0f}"
    return text.replace("-", "−")


def fixed(digits: int) -> Callable[[Any], str]:
    """Return a formatter with that many decimals."""

    def form(value: Any) -> str:
        if value is None or not np.isfinite(value):
            return "–"
        return f"{value:.{digits}f}".replace("-", "−")

    return form


def percent(value: Any) -> str:
    """Return a share as a percentage."""
    return "–" if value is None or not np.isfinite(value) else f"{100 * value:.0f} %"


def grid(table: pd.DataFrame, columns: Mapping[str, tuple[str, Callable[[Any], str]]], *,
         text: Iterable[int] = (0,), best: Iterable[int] = ()) -> ShownTable:
    """Return a table ready to be written.

    Parameters
    ----------
    table : DataFrame
        The values.
    columns : mapping
        Column → its head, and what makes a cell of a value.
    text, best : iterables of int
        Columns set left; rows set off.
    """
    rows = [[form(value) for value, (_, form) in zip(row, columns.values(), strict=True)]
            for row in table[list(columns)].itertuples(index=False, name=None)]
    return ShownTable([name for name, _ in columns.values()], rows, frozenset(text), frozenset(best))
