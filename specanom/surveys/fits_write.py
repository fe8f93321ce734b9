"""Bytes of FITS files: images and binary tables, as the FITS Standard 4.0 lays them out, written in one go.

A spec file is many small headers around few pixels,
and building objects for each takes fifty times as long as the pixels
themselves. What is here knows scalars, columns of one length and images, no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK = 2880
_KINDS = {"E": ">f4", "D": ">f8", "J": ">i4", "K": ">i8", "I": ">i2", "B": "u1"}
_BITPIX = {">f4": -32, ">f8": -64, ">i4": 32, ">i2": 16}

Value = bool | int | float | str


class Column(NamedTuple):
    """A column of a table.

    Attributes
    ----------
    name : str
    form : str
        TFORM: a count and one of the letters E, D, J, K, I, B, A: ``"E"``, ``"5E"``, ``"16A"``.
    values : sequence
        One value, or `count` values, a row; text for A.
    unit : str
        TUNIT; none when empty.
    """

    name: str
    form: str
    values: Sequence[Any] | NDArray[Any]
    unit: str = ""


def card(key: str, value: Value, comment: str = "") -> str:
    """Return one header record of 80 characters."""
    if isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, str):
        quoted = value.replace("'", "''")
        text = f"'{quoted:<8}'"
        text = f"{text:<20}"
    elif isinstance(value, (int, np.integer)):
        text = f"{int(value):>20}"
    else:
        text = f"{_real(float(value)):>20}"
    return f"{key:<8}= {text}{' / ' + comment if comment else ''}"[:80].ljust(80)


def _real(value: float) -> str:
    """Return a number with a decimal point, as FITS wants it."""
    text = repr(value).upper()
    return text if "." in text or "E" not in text else text.replace("E", ".0E")


def _header(cards: Sequence[str]) -> bytes:
    text = "".join([*cards, "END".ljust(80)])
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("ascii")


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % BLOCK)


def image(values: NDArray[Any] | None, kind: str = ">f4", *, extra: Mapping[str, Value] | None = None, name: str = "",
          primary: bool = False) -> bytes:
    """Return an image HDU.

    Parameters
    ----------
    values : array or None
        Pixels; None for a header without data.
    kind : str
        Big-endian type the pixels are stored as: ``">f4"``, ``">f8"``, ``">i4"``, ``">i2"``.
    extra : mapping
        Further keywords.
    name : str
        EXTNAME.
    primary : bool
        Whether it begins the file.
    """
    shape = () if values is None else values.shape
    cards = [card("SIMPLE", True, "conforms to FITS standard") if primary else card("XTENSION", "IMAGE",
        "image extension"),
             card("BITPIX", _BITPIX[kind] if values is not None else 8), card("NAXIS", len(shape))]
    cards += [card(f"NAXIS{i}", size) for i, size in enumerate(reversed(shape), 1)]
    cards += [card("EXTEND", True)] if primary else [card("PCOUNT", 0), card("GCOUNT", 1)]
    cards += [card("EXTNAME", name)] if name else []
    cards += [card(key, value) for key, value in (extra or {}).items()]
    return _header(cards) + (b"" if values is None else _padded(np.ascontiguousarray(values, dtype=kind).tobytes()))


def table(columns: Sequence[Column], name: str = "") -> bytes:
    """Return a binary table HDU of some columns of one length."""
    kinds = [(column.name, *_kind(column.form)) for column in columns]
    rows = np.zeros(len(columns[0].values), dtype=kinds)
    for column in columns:
        rows[column.name] = _ascii(column) if column.form.endswith("A") else np.asarray(column.values)
    cards = [card("XTENSION", "BINTABLE", "binary table extension"), card("BITPIX", 8), card("NAXIS", 2),
             card("NAXIS1", rows.dtype.itemsize), card("NAXIS2", len(rows)), card("PCOUNT", 0), card("GCOUNT", 1),
             card("TFIELDS", len(columns))]
    for i, column in enumerate(columns, 1):
        cards += [card(f"TTYPE{i}", column.name), card(f"TFORM{i}", column.form)]
        cards += [card(f"TUNIT{i}", column.unit)] if column.unit else []
    cards += [card("EXTNAME", name)] if name else []
    return _header(cards) + _padded(rows.tobytes())


def _kind(form: str) -> tuple[str] | tuple[str, tuple[int]]:
    count = int(form[:-1] or 1)
    if form[-1] == "A":
        return (f"S{count}",)
    return (_KINDS[form[-1]],) if count == 1 else (_KINDS[form[-1]], (count,))


def _ascii(column: Column) -> list[bytes]:
    size = int(column.form[:-1])
    return [str(value).encode("ascii", "replace").ljust(size)[:size] for value in column.values]
