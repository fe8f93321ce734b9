"""Cells that every format holds alike: one type a column, and text of one line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

SEPARATOR = ";"
"""Between the entries of a cell that holds several."""
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ufeff\ufffe\uffff]+")
_HALF = re.compile(r"[\ud800-\udfff]")
_NAME = re.compile(r"[^A-Za-z0-9_]+")


def one_line(value: Any) -> str:
    """Return text on one line, without control characters, halves of characters and blanks at its ends.

    Neither FITS nor XML can hold the first two, and both drop the last.
    """
    if not isinstance(value, str):
        if value is None or str(value) == "<NA>" or value != value:
            return ""
        value = str(value)
    return _BLANK.sub(" ", _HALF.sub("\N{REPLACEMENT CHARACTER}", value)).strip()


def joined(values: Sequence[str], separator: str = SEPARATOR) -> str:
    """Return several texts as one; the separator within a text becomes its %-code, so that :func:`split` is exact.

    Examples
    --------
    >>> joined(["a", "b;c"])
    'a;b%3Bc'
    """
    return separator.join(coded(one, separator) for one in values)


def coded(text: str, separator: str = SEPARATOR) -> str:
    """Return a text in which the separator, and the %, are %-codes."""
    return text.replace("%", "%25").replace(separator, f"%{ord(separator):02X}")


def split(cell: str, separator: str = SEPARATOR) -> list[str]:
    """Return the texts that :func:`joined` joined.

    Examples
    --------
    >>> split("a;b%3Bc")
    ['a', 'b;c']
    """
    code = f"%{ord(separator):02X}"
    return [one.replace(code, separator).replace("%25", "%") for one in cell.split(separator)] if cell else []


def safe_name(name: str) -> str:
    """Return a name of a column that every format takes: letters, digits and ``_``.

    Examples
    --------
    >>> safe_name("XMatch: AllWISE")
    'XMatch_AllWISE'
    """
    return _NAME.sub("_", str(name)).strip("_") or "column"


def typed(values: pd.Series) -> pd.Series:
    """Return a column as text, int64, Int64, float64 or float32: yes and no become 1 and 0.

    Texts are on one line each. Integers of which some are not known are those of pandas that can be blank (Int64);
    what is neither number nor text is told as text.
    """
    import pandas as pd

    kind = values.dtype
    if pd.api.types.is_bool_dtype(kind) or pd.api.types.is_integer_dtype(kind):
        if pd.api.types.is_unsigned_integer_dtype(kind) and (values.fillna(0) > np.iinfo(np.int64).max).any():
            return values.map(one_line).astype("str")
        return values.astype("Int64" if values.isna().any() else np.int64)
    if pd.api.types.is_float_dtype(kind):
        return values.astype(np.float32 if kind == np.float32 else np.float64)
    present = values.dropna()
    if len(present) and present.map(lambda value: isinstance(value, (bool, np.bool_))).all():
        return typed(values.astype("boolean"))
    return values.map(one_line, na_action=None).astype("str")
