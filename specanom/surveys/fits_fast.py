"""A minimal FITS reader for the headers, tables and images that spectra come in.

Spectra by the hundred thousand are small files whose headers are nearly all the same. This reader takes a file in one
system call, caches what it learnt from a header by the header's bytes, and hands out columns as views of the bytes.
It knows little on purpose: whatever is unusual raises :class:`UnusualFits`, and the caller turns to astropy.
"""

from __future__ import annotations

import gzip
import os
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError

BLOCK, CARD = 2880, 80
HEAD_BYTES = 262_144          # holds the three HDUs that matter of every lite file and of most full ones
MAX_HEADER = 1_440_000        # 18000 cards; a longer header is a broken one
MAX_UNPACKED = 1 << 30        # a gzipped file may not unpack to more than this
END_CARD = b"END" + b" " * 77
_FORM = re.compile(r"(\d*)([LXBIJKAEDCMPQ])")
_WIDTH = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
_NUMPY = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8", "L": "S1"}
_IMAGE = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_UNSIGNED = {"I": ("<u2", 1 << 15), "J": ("<u4", 1 << 31), "K": ("<u8", 1 << 63)}


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
    columns: Mapping[str, Column]


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


@lru_cache(maxsize=384)
def layout(raw: bytes) -> Layout:
    """Parse the header of an HDU, once for all files that have the same one."""
    header = parse_header(raw)
    bits = header.get("BITPIX")
    if bits not in _IMAGE:
        raise BrokenFits(f"corrupt FITS header: BITPIX is {bits!r}")
    axes = [integer(header, f"NAXIS{i}") for i in range(1, min(integer(header, "NAXIS"), 999) + 1)]
    pixels = int(np.prod([int(a) for a in axes], dtype=object)) if axes else 0
    groups = integer(header, "GCOUNT", 1)
    size = abs(bits) // 8 * groups * (integer(header, "PCOUNT", 0) + pixels)
    kind = str(header.get("XTENSION", "IMAGE")).strip()
    columns: dict[str, Column] = {}
    if kind == "BINTABLE":
        if len(axes) != 2:
            raise BrokenFits("corrupt FITS header: a binary table without rows and columns")
        columns = _columns(header, axes[0])
    return Layout(kind, MappingProxyType(header), size, tuple(reversed(axes)), MappingProxyType(columns))


def _columns(header: Mapping[str, Any], row_bytes: int) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    offset = 0
    for i in range(1, integer(header, "TFIELDS") + 1):
        match = _FORM.match(str(header.get(f"TFORM{i}", "")).strip())
        if match is None:
            raise UnusualFits(f"TFORM{i}")
        repeat, code = int(match.group(1) or 1), match.group(2)
        zero, scale = header.get(f"TZERO{i}", 0), header.get(f"TSCAL{i}", 1)
        unsigned = code in _UNSIGNED and zero == _UNSIGNED[code][1]
        plain = scale == 1 and (zero == 0 or unsigned) and (code in _NUMPY or code == "A")
        name = str(header.get(f"TTYPE{i}", f"col{i}")).strip().lower()
        columns.setdefault(name, Column(offset, code, repeat, unsigned, plain))
        offset += (repeat + 7) // 8 if code == "X" else repeat * _WIDTH[code]
    if offset != row_bytes:
        raise UnusualFits("the columns do not fill the rows")
    return columns


class FastHdu:
    """One HDU: its header, and its columns or image as views of the file's bytes."""

    def __init__(self, file: FastFits, raw: bytes, start: int) -> None:
        self.file, self.raw, self.start = file, raw, start

    @cached_property
    def layout(self) -> Layout:
        """What the header says of the data."""
        return layout(self.raw)

    @property
    def kind(self) -> str:
        """``"IMAGE"``, ``"BINTABLE"`` or what XTENSION says."""
        return self.layout.kind

    @property
    def header(self) -> Mapping[str, Any]:
        """Keyword → value."""
        return self.layout.header

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the data as numpy has it; ``(rows, bytes per row)`` of a table."""
        return self.layout.shape

    @property
    def names(self) -> Mapping[str, Any]:
        """Column names in lower case."""
        return self.layout.columns

    @cached_property
    def _bytes(self) -> tuple[Any, int]:
        return self.file.span(self.start, self.layout.size)

    def _column(self, name: str) -> Column:
        column = self.layout.columns[name]
        if not column.plain:
            raise UnusualFits(f"column {name} is scaled or of variable length")
        return column

    def column(self, name: str) -> NDArray[Any]:
        """Return a column, shape ``(rows,)`` or ``(rows, repeat)``; big-endian, a view where possible."""
        column = self._column(name)
        rows, width = self.layout.shape
        text = column.code == "A"
        kind = f"S{max(column.repeat, 1)}" if text else _NUMPY[column.code]
        shape = (rows,) if text or column.repeat == 1 else (rows, column.repeat)
        buffer, at = self._bytes
        strides = (width,) if len(shape) == 1 else (width, _WIDTH[column.code])
        data: NDArray[Any] = np.ndarray(shape, kind, buffer=buffer, offset=at + column.offset, strides=strides)
        if column.unsigned:
            unsigned, zero = _UNSIGNED[column.code]
            data = data.astype(unsigned) ^ np.array(zero, dtype=unsigned)
        return data

    def scalar(self, name: str, row: int = 0) -> Any:
        """Return one value of a table as a Python number or text."""
        column = self._column(name)
        if column.repeat != 1 and column.code != "A":
            return self.column(name)[row].tolist()
        buffer, at = self._bytes
        at += row * self.layout.shape[1] + column.offset
        if column.code == "A":
            return bytes(buffer[at : at + column.repeat]).split(b"\0")[0].decode("latin-1").strip()
        value = _UNPACK[column.code](buffer, at)[0]
        return value + _UNSIGNED[column.code][1] if column.unsigned else value

    def image(self) -> NDArray[Any]:
        """Return the image, big-endian, a view of the file."""
        header = self.header
        if self.kind != "IMAGE" or header.get("BSCALE", 1) != 1 or header.get("BZERO", 0) != 0:
            raise UnusualFits("a scaled image")
        kind = np.dtype(_IMAGE[header["BITPIX"]])
        buffer, at = self._bytes
        return np.ndarray(self.shape, kind, buffer=buffer, offset=at)


_UNPACK = {code: struct.Struct(form).unpack_from
           for code, form in {"B": ">B", "I": ">h", "J": ">i", "K": ">q", "E": ">f", "D": ">d", "L": ">c"}.items()}


class FastFits:
    """A FITS file whose HDUs are found as they are asked for.

    Parameters
    ----------
    path : str
        The file; ``.gz`` is unpacked in memory.

    Raises
    ------
    BrokenFits
        When it is empty, no FITS file, or cut short where data are asked for.
    UnusualFits
        When the full reader is needed.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._map: Any = None
        if path.lower().endswith(".gz"):
            self.head = _gunzip(path)
            self.size = len(self.head)
        else:
            handle = os.open(path, os.O_RDONLY)
            try:
                self.size = os.fstat(handle).st_size
                self.head = os.read(handle, min(HEAD_BYTES, self.size))
            finally:
                os.close(handle)
        if not self.head:
            raise BrokenFits("the file is empty")
        if not self.head.startswith(b"SIMPLE  ="):
            raise BrokenFits("not a FITS file: it does not begin with SIMPLE")
        self._hdus: list[FastHdu] = []
        self._next = 0

    def span(self, start: int, size: int) -> tuple[Any, int]:
        """Return a buffer and the offset at which bytes `start` to `start + size` of the file lie in it."""
        if start + size > self.size:
            raise BrokenFits(f"cut short: the headers promise {start + size:,} bytes, the file has {self.size:,}")
        if start + size <= len(self.head):
            return self.head, start
        if size > HEAD_BYTES:
            if self._map is None:
                self._map = np.memmap(self.path, np.uint8, "r")
            return self._map, start
        with open(self.path, "rb") as handle:
            handle.seek(start)
            return handle.read(size), 0

    def hdu(self, index: int) -> FastHdu | None:
        """Return an HDU, or None when the file has fewer."""
        while len(self._hdus) <= index:
            if not self._advance():
                return None
        return self._hdus[index]

    def _advance(self) -> bool:
        start = self._next
        if start >= self.size:
            return False
        if start and not self._is_extension(start):
            return False                                   # padding or junk after the last HDU
        raw = self._header(start)
        hdu = FastHdu(self, raw, start + -(-len(raw) // BLOCK) * BLOCK)
        data = 0 if start == 0 and raw[160:190] == _NO_DATA else hdu.layout.size
        self._next = hdu.start + -(-data // BLOCK) * BLOCK
        self._hdus.append(hdu)
        return True

    def _is_extension(self, start: int) -> bool:
        buffer, at = self.span(start, min(BLOCK, self.size - start))
        return bytes(buffer[at : at + 9]) == b"XTENSION="

    def _header(self, start: int) -> bytes:
        for size in (len(self.head) - start, 10 * BLOCK, MAX_HEADER):
            size = min(size, self.size - start)
            if size <= 0:
                continue
            buffer, at = self.span(start, size)
            end = _find_end(buffer, at, at + size)
            if end >= 0:
                return bytes(buffer[at:end])
        raise BrokenFits("corrupt FITS header: no END")


_NO_DATA = b"NAXIS   =                    0"


def _find_end(buffer: Any, start: int, stop: int) -> int:
    if not isinstance(buffer, bytes):
        buffer, shift = bytes(buffer[start:stop]), start
    else:
        shift = 0
    at = start - shift
    begin = at
    while True:
        at = buffer.find(END_CARD, at, stop - shift)
        if at < 0:
            return -1
        if (at - begin) % CARD == 0:
            return at + CARD + shift
        at += 1


def _gunzip(path: str) -> bytes:
    try:
        with gzip.open(path) as handle:
            data = handle.read(MAX_UNPACKED + 1)
    except (OSError, EOFError) as exc:
        raise BrokenFits(f"cannot unpack: {exc}") from exc
    if len(data) > MAX_UNPACKED:
        raise BrokenFits(f"unpacks to more than {MAX_UNPACKED >> 20} MiB")
    return data
