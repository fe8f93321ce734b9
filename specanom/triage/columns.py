"""Columns of a table that a user gives, checked where they are taken."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, choice, message

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = "biuf"
"""Kinds of columns that are numbers, yes and no among them."""


def column_of(table: pd.DataFrame, name: str, argument: str = "column") -> pd.Series:
    """Return a column of a table.

    Raises
    ------
    ArgumentError
        When there is no table, or none of its columns has the name.
    DataError
        When several have.
    """
    import pandas as pd

    if not isinstance(table, pd.DataFrame):
        raise ArgumentError(message("table", expected="a DataFrame", got=f"a {type(table).__name__}",
                                    hint="catalogue.table"))
    found = table[choice(argument, name, list(table.columns))]
    if found.ndim > 1:
        raise DataError(message(argument, expected=f"one column {name!r}", got=f"{found.shape[1]}"))
    return found


def numbers_of(table: pd.DataFrame, name: str, argument: str = "column") -> NDArray[np.float64]:
    """Return a column of numbers, NaN where one is missing; errors as :func:`column_of`, and for other columns."""
    found = column_of(table, name, argument)
    if found.dtype.kind not in NUMBERS:
        raise ArgumentError(message(argument, expected="columns of numbers", got=f"{name!r}: {found.dtype}"))
    made: NDArray[np.float64] = found.to_numpy(dtype=np.float64, na_value=np.nan)
    return made


def ids_of(table: pd.DataFrame) -> list[str]:
    """Return the ids of a table: text in every row, each once.

    Raises
    ------
    DataError
        When they are not.
    """
    ids: list[Any] = column_of(table, "id").tolist()
    wrong = [one for one in ids if not isinstance(one, str) or not one]
    if wrong:
        raise DataError(message("id", expected="text in every row", got=repr(wrong[0]),
                                hint="read TARGETID as text: a float has lost its last digits"))
    if len(set(ids)) < len(ids):
        again = Counter(ids).most_common(1)[0][0]
        raise DataError(message("id", expected="each id once", got=f"{again!r} twice"))
    return ids
