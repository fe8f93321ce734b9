"""Names of objects as text, digit by digit: one rule for tables, catalogues, indices and knowledge bases.

Identifiers of surveys have up to 20 digits (39633345008634465 of DESI, 19 digits of SDSS and Gaia) and a float64 keeps
16. Text and integers are therefore taken as they are, and a float only where it cannot have lost a digit: a column of
small integers becomes one of floats as soon as one of them is blank.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import numpy as np

from .errors import ArgumentError, DataError, message

EXACT = 2**53
"""From here on float64 cannot tell whole numbers apart."""
BLANK = frozenset({"nan", "NaN", "<NA>", "NaT", "None"})
"""Texts that missing values become when a column is turned into text."""


def id_text(value: Any, name: str = "id") -> str:
    """Return an id as text without blanks at its ends; empty when there is none.

    Parameters
    ----------
    value : str, bytes, int or float
        None, NaN, NaT, ``pandas.NA``, what is masked, and the texts these are written as, are no id.
    name : str
        What the error calls it.

    Raises
    ------
    DataError
        For a float that is no whole number or may have lost digits (from 2⁵³ on, of a float32 from 2²⁴ on), and for
        yes and no.

    Examples
    --------
    >>> id_text(39633345008634465), id_text(b"0266-51602-0001 "), id_text(5.0), id_text(float("nan"))
    ('39633345008634465', '0266-51602-0001', '5', '')
    """
    if type(value) is int:
        return str(value)
    if value is None or value is np.ma.masked:
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else _whole(value, name)
    if isinstance(value, (bool, np.bool_)):
        raise DataError(message(name, expected="text or an integer", got=repr(bool(value))))
    text = str(value).strip().rstrip("\0")
    return "" if text in BLANK else text


def id_texts(values: Iterable[Any], name: str = "id") -> list[str]:
    """Return ids as texts, one for each of `values` (a column, an array, a list); see :func:`id_text`."""
    kind = getattr(values, "dtype", None)
    kind = getattr(kind, "numpy_dtype", kind)  # of pandas' nullable columns
    if isinstance(kind, np.dtype) and kind.kind == "f":  # which pandas hands on as Python floats, single or double
        return [id_text(kind.type(value) if isinstance(value, float) else value, name) for value in values]
    return [id_text(value, name) for value in values]


def _whole(value: Any, name: str) -> str:
    most = 2 ** (np.finfo(value).nmant + 1)  # of a Python float 2⁵³
    if not np.isfinite(value) or not float(value).is_integer() or abs(value) >= most:
        raise DataError(message(name, expected="text or an integer",
                                got=f"the float {float(value)!r}, which may have lost digits",
                                hint="floats lose digits of long ids: read them as text"))
    return str(int(value))


def plain(text: str, most: int) -> str:
    """Return text in one line of characters that can be printed and written, cut behind `most` of them.

    Examples
    --------
    >>> plain("two\\nlines \\x1b[31m", 40)
    'two lines \\\\x1b[31m'
    """
    if not text.isprintable():
        text = "".join(" " if one.isspace() else one if one.isprintable() else ascii(one)[1:-1]
                       for one in text[: most + 1])
    return text if len(text) <= most else f"{text[: most - 1]}…"


def quoted(text: str, most: int) -> str:
    """Return text in quotes as Python writes it in ASCII, cut behind `most` characters."""
    return ascii(text[:most]) + "…" * (len(text) > most)


def encodable(path: str) -> str:
    """Return a path as text that can be written: ``\\udcff`` for a byte of a name that is no UTF-8."""
    return path if path.isascii() else path.encode("utf-8", "backslashreplace").decode("utf-8")


def numbered(key: Any, columns: Container[str]) -> Any:
    """Return the key of rows; refuse an id or the name of one of the `columns`, which are asked for in other ways.

    Raises
    ------
    ArgumentError
        For a text, or a number that is not whole.
    """
    if isinstance(key, (float, np.floating)):
        raise ArgumentError(message("index", expected="a whole number", got=key, hint=f"sample[{key // 1:.0f}]"))
    if not isinstance(key, str):
        return key
    hint = f".table[{key!r}] is that column" if key in columns else f".by_id({key!r}) finds a spectrum"
    raise ArgumentError(message("index", expected="a row, a slice or a mask", got=repr(key), hint=hint))
