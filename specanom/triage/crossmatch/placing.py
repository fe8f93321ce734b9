"""The positions of a table at hand, and what is said of rows that have none."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import DataError, message
from .degrees import SPELT_OUT, degrees, unread
from .reading import TOLD, UNITS

if TYPE_CHECKING:
    import pandas as pd

BLANK = ("", "nan", "<NA>", "None", "--")


class _Lost(NamedTuple):
    column: str
    what: str
    value: str


def placed(rows: pd.DataFrame, columns: Mapping[str, str], service: str) -> pd.DataFrame:
    """Return a table with its positions as degrees, NaN where they cannot be read.

    Parameters
    ----------
    rows : DataFrame
        As :func:`.frame_of` makes it; what its positions were is read once.
    columns : mapping
        Column of ``ra`` and of ``dec``.
    service : str
        What the table is called.

    Warns
    -----
    UserWarning
        How many rows have no position, with an example.

    Raises
    ------
    DataError
        When the unit of a column is none of angle, or no row has a position that can be read.
    """
    units = rows.attrs.get(UNITS, {})
    made: dict[str, Any] = {}
    lost: dict[int, _Lost] = {}
    for what in SPELT_OUT:
        column = columns[what]
        values = rows[column].to_numpy()
        made[column] = degrees(values, what, units.get(column, ""), column=f"{column} of {service}")
        for row in unread(values, made[column], what):
            lost.setdefault(row, _Lost(column, what, str(values[row]).strip()))
    if len(lost) == len(rows):
        raise DataError(_nowhere(lost, columns["ra"], service))
    if lost and not rows.attrs.get(TOLD):
        one = _telling(lost)
        such = "" if one.value in BLANK else f" that can be read, as {one.column} {one.value!r}"
        warnings.warn(f"{service}: {len(lost):,} of {rows_of(len(rows))} have no position{such}; they are left out.",
                      UserWarning, stacklevel=4)
    table = rows.assign(**made)
    table.attrs = {UNITS: {name: unit for name, unit in units.items() if name not in made}, TOLD: True}
    return table


def rows_of(n: int) -> str:
    """Return a number of rows in words."""
    return f"{n:,} row{'s' if n != 1 else ''}"


def _nowhere(lost: Mapping[int, _Lost], column: str, service: str) -> str:
    """Say that no row of a table has a position."""
    if not lost:
        return message(f"column {column} of {service}", expected="positions", got="no rows")
    one = _telling(lost)
    if one.value in BLANK:
        return message(f"column {column} of {service}", expected="positions",
                       got=f"blanks: none of {rows_of(len(lost))} has one")
    return message(f"column {one.column} of {service}",
                   expected=f"a {SPELT_OUT[one.what]} in degrees, or as sexagesimal text", got=repr(one.value),
                   hint=f"none of {rows_of(len(lost))} can be read; sexagesimal text is \"10:03:09.4\" or "
                   "\"10 03 09.4\", numbers have decimal points")


def _telling(lost: Mapping[int, _Lost]) -> _Lost:
    """Return the first that is not blank, else the first."""
    every = [lost[row] for row in sorted(lost)]
    return next((one for one in every if one.value not in BLANK), every[0])
