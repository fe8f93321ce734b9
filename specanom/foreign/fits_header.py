"""FITS headers: keyword → value, and what an extension says of the shape of its data."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

from ..errors import DataError

CARD = 80
SHORT, LONG = 16_384, 131_072        # headers up to these sizes are remembered; the longest of spec files have 75 kB
WIDTH = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
NUMPY = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8", "L": "S1"}
IMAGE = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
UNSIGNED = {"I": ("<u2", 1 << 15), "J": ("<u4", 1 << 31), "K": ("<u8", 1 << 63)}
_FORM = re.compile(r"(\d*)([LXBIJKAEDCMPQ])")


class BrokenFits(DataError):
    """The file cannot be read by anyone: cut short, or its header is damaged."""


class UnusualFits(Exception):
    """The file may be fine, but needs the full reader."""


@dataclass(frozen=True)
class Column:
    """Where one column lies in a table row."""

    offset: int
    code: str
    repeat: int
    unsigned: bool
    plain: bool


@dataclass(frozen=True)
class Layout:
    """What an extension header says of its data; cached by the bytes of the header."""

    kind: str
    header: Mapping[str, Any]
    size: int
    shape: tuple[int, ...]

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Where the columns of a table lie, none of an image."""
        if self.kind != "BINTABLE":
            return MappingProxyType({})
        found: dict[str, Column] = {}
        for name, column in columns_of(self.header, self.shape[1]):
            found.setdefault(name, column)
        return MappingProxyType(found)


def parse_header(raw: bytes) -> dict[str, Any]:
    """Return keyword → value of a FITS header; the first of repeated keywords wins, comments are left out."""
    found: dict[str, Any] = {}
    for at in range(0, len(raw), CARD):
        card = raw[at : at + CARD]
        if card[8:10] == b"= ":
            key = card[:8].decode("latin-1").rstrip()
            if key not in found:
                found[key] = _value(card[10:].decode("latin-1"))
    return found


def _value(text: str) -> Any:
    text = text.strip()
    if text.startswith("'"):
        match = re.match(r"'((?:[^']|'')*)'", text)
        return match.group(1).replace("''", "'").rstrip() if match else text[1:].rstrip()
    text = text.partition("/")[0].strip()
    if text in ("T", "F"):
        return text == "T"
    for kind in (int, float):
        try:
            return kind(text.replace("D", "E") if kind is float else text)
        except ValueError:
            continue
    return text


def integer(header: Mapping[str, Any], key: str, default: int | None = None) -> int:
    """Return a whole number ≥ 0 of a header.

    Raises
    ------
    BrokenFits
        When the keyword is missing without a default, or has another value.
    """
    value = header.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BrokenFits(f"corrupt FITS header: {key} is {value!r}, not a whole number")
    return value


def layout(raw: bytes) -> Layout:
    """Parse the header of an HDU, once for all files that have the same one."""
    if len(raw) <= SHORT:
        return remembered(raw)
    return _few(raw) if len(raw) <= LONG else _parsed(raw)


def _parsed(raw: bytes) -> Layout:
    header = parse_header(raw)
    bits = header.get("BITPIX")
    if type(bits) is not int or bits not in IMAGE:
        raise BrokenFits(f"corrupt FITS header: BITPIX is {bits!r}")
    if integer(header, "NAXIS") > 999 or integer(header, "TFIELDS", 0) > 999:
        raise BrokenFits("corrupt FITS header: more than 999 axes or columns")
    if integer(header, "GCOUNT", 1) != 1 or header.get("GROUPS") is True:
        raise BrokenFits("corrupt FITS header: groups of data")
    axes = [integer(header, f"NAXIS{i}") for i in range(1, integer(header, "NAXIS") + 1)]
    pixels = math.prod(axes) if axes else 0
    size = abs(bits) // 8 * pixels + (abs(bits) // 8 * integer(header, "PCOUNT", 0))
    kind = str(header.get("XTENSION", "IMAGE")).strip()
    if kind == "BINTABLE" and (len(axes) != 2 or bits != 8):
        raise BrokenFits("corrupt FITS header: a binary table without rows and columns of bytes")
    if axes and not pixels:                     # any number of rows of nothing is nothing
        axes = [0 if kind != "BINTABLE" else axes[0], *[0] * (len(axes) - 1)]
    return Layout(kind, MappingProxyType(header), size, tuple(reversed(axes)))


remembered, _few = lru_cache(maxsize=384)(_parsed), lru_cache(maxsize=48)(_parsed)


def columns_of(header: Mapping[str, Any], row_bytes: int) -> list[tuple[str, Column]]:
    """Return the columns of a binary table, with their names in lower case, of which several may be the same.

    Raises
    ------
    BrokenFits
        When they are not as wide together as a row.
    UnusualFits
        When a column is of a form that is not in the standard.
    """
    columns: list[tuple[str, Column]] = []
    offset = 0
    for i in range(1, integer(header, "TFIELDS") + 1):
        match = _FORM.match(str(header.get(f"TFORM{i}", "")).strip())
        if match is None:
            raise UnusualFits(f"TFORM{i}")
        repeat, code = int(match.group(1) or 1), match.group(2)
        zero, scale = header.get(f"TZERO{i}", 0), header.get(f"TSCAL{i}", 1)
        unsigned = code in UNSIGNED and zero == UNSIGNED[code][1]
        plain = scale == 1 and (zero == 0 or unsigned) and (code in NUMPY or code == "A")
        name = str(header.get(f"TTYPE{i}", f"col{i}")).strip().lower()
        columns.append((name, Column(offset, code, repeat, unsigned, plain)))
        offset += (repeat + 7) // 8 if code == "X" else repeat * WIDTH[code]
    if offset != row_bytes:
        raise BrokenFits(f"corrupt FITS header: columns of {offset} bytes in rows of {row_bytes}")
    return columns
