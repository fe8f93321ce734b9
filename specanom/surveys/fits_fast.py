"""A minimal FITS reader for the headers, tables and images that spectra come in.

Spectra by the hundred thousand are small files whose headers are nearly all the same. This reader takes a file in one
system call, caches what it learnt from a header by the header's bytes, and hands out columns as views of the bytes.
It knows little on purpose: whatever is unusual raises :class:`UnusualFits`, and the caller turns to astropy.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fits_bytes import FileBytes
from .fits_header import CARD, IMAGE, NUMPY, UNSIGNED, WIDTH, BrokenFits, Column, Layout, UnusualFits, layout

__all__ = ["BrokenFits", "FastFits", "FastHdu", "FileBytes", "UnusualFits"]

BLOCK = 2880
MAX_HEADER = 1_440_000        # 18000 cards; a longer header is a broken one
MAX_HDUS = 1000               # spec files of many exposures have some hundred
HELD = 8 << 20                # tables up to this size are read in one go, larger ones in pieces of it
END_CARD = b"END" + b" " * 77


class FastHdu:
    """One HDU: its header, and its columns or image as views of the file's bytes."""

    def __init__(self, content: FileBytes, raw: bytes, start: int) -> None:
        self.content, self.raw, self.start = content, raw, start
        self._last = b"", b""                   # rows that were taken, and their bytes

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
        return self.content.span(self.start, self.layout.size)

    def _row(self, row: int) -> tuple[Any, int]:
        """Return a buffer, and where a row of a table lies in it."""
        layout = self.layout
        width = layout.shape[1]
        if layout.size > HELD:
            return self.content.span(self.start + row * width, width)
        buffer, at = self._bytes
        return buffer, at + row * width

    def _column(self, name: str) -> Column:
        column = self.layout.columns[name]
        if not column.plain:
            raise UnusualFits(f"column {name} is scaled or of variable length")
        return column

    def column(self, name: str) -> NDArray[Any]:
        """Return a column, shape ``(rows,)`` or ``(rows, repeat)``; big-endian, a view where possible."""
        column = self._column(name)
        rows, width = self.layout.shape
        if self.layout.size <= HELD:
            data = _column_of(column, rows, width, *self._bytes)
        else:
            step = max(1, HELD // width)
            data = np.concatenate([
                _column_of(column, n, width, *self.content.span(self.start + first * width, n * width)).copy()
                for first in range(0, rows, step) for n in (min(step, rows - first),)])
        return _signed(column, data)

    def take(self, name: str, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Return a column at some rows, in any order; of a large table no other row is read.

        The rows that were read last are held, since who looks up a row wants several columns of it.
        """
        column = self._column(name)
        count, width = self.layout.shape
        if self.layout.size <= HELD or 2 * len(rows) > count:
            return self.column(name)[rows]
        if not len(rows):
            return self.take(name, np.zeros(1, np.intp))[:0]
        which, back = np.unique(rows, return_inverse=True)
        if not 0 <= which[0] <= which[-1] < count:
            raise IndexError(f"rows {which[0]} to {which[-1]} of {count}")
        step = max(1, HELD // width)
        data = np.concatenate([
            _column_of(column, len(some), width, self._rows(some), 0).copy()
            for first in range(0, which.size, step) for some in (which[first : first + step],)])
        return _signed(column, data)[back]

    def _rows(self, rows: NDArray[np.intp]) -> bytes:
        """Return the bytes of some rows of a table, in rising order."""
        key, (held, raw) = rows.tobytes(), self._last
        if held != key:
            width = self.layout.shape[1]
            pieces = [(self.start + first * width, (stop - first) * width) for first, stop in _runs(rows.tolist())]
            raw = b"".join(self.content.pieces(pieces))
            self._last = key, raw
        return raw

    def scalar(self, name: str, row: int = 0) -> Any:
        """Return one value of a table as a Python number or text."""
        column = self._column(name)
        if column.repeat != 1 and column.code != "A":
            return self.column(name)[row].tolist()
        buffer, at = self._row(row)
        at += column.offset
        if column.code == "A":
            return bytes(buffer[at : at + column.repeat]).split(b"\0")[0].decode("latin-1").strip()
        value = _UNPACK[column.code](buffer, at)[0]
        return value + UNSIGNED[column.code][1] if column.unsigned else value

    def image(self) -> NDArray[Any]:
        """Return the image, big-endian."""
        kind, zero = self._pixel_kind()
        if zero:
            raise UnusualFits("a scaled image")
        buffer, at = self._bytes
        return np.ndarray(self.shape, kind, buffer=buffer, offset=at)

    def rows(self, rows: Sequence[int]) -> NDArray[Any]:
        """Return some rows of an image, shape ``(len(rows), …)``; no other byte of it is read.

        Parameters
        ----------
        rows : sequence of int
            From 0, in rising order.
        """
        kind, zero = self._pixel_kind()
        size = kind.itemsize * int(np.prod(self.shape[1:]))
        pieces = [(self.start + first * size, (stop - first) * size) for first, stop in _runs(rows)]
        raw = b"".join(self.content.pieces(pieces))
        data: NDArray[Any] = np.frombuffer(raw, kind).reshape(len(rows), *self.shape[1:])
        return data.astype(f"u{kind.itemsize}") ^ np.array(zero, dtype=f"u{kind.itemsize}") if zero else data

    def _pixel_kind(self) -> tuple[np.dtype[Any], int]:
        """Return the type of the pixels as stored, and what makes them unsigned: 0 or half of their range."""
        header = self.header
        kind = np.dtype(IMAGE[header["BITPIX"]])
        zero = header.get("BZERO", 0)
        unsigned = kind.kind == "i" and zero == 1 << (8 * kind.itemsize - 1)
        if self.kind != "IMAGE" or header.get("BSCALE", 1) != 1 or not (zero == 0 or unsigned):
            raise UnusualFits("a scaled image")
        return kind, int(zero)


def _column_of(column: Column, rows: int, width: int, buffer: Any, at: int) -> NDArray[Any]:
    """Return a column of rows that lie in a buffer, as a view."""
    text = column.code == "A"
    kind = f"S{max(column.repeat, 1)}" if text else NUMPY[column.code]
    shape = (rows,) if text or column.repeat == 1 else (rows, column.repeat)
    strides = (width,) if len(shape) == 1 else (width, WIDTH[column.code])
    return np.ndarray(shape, kind, buffer=buffer, offset=at + column.offset, strides=strides)


def _signed(column: Column, data: NDArray[Any]) -> NDArray[Any]:
    """Return values as they are meant: unsigned ones are stored with another zero."""
    if not column.unsigned:
        return data
    unsigned, zero = UNSIGNED[column.code]
    meant: NDArray[Any] = data.astype(unsigned) ^ np.array(zero, dtype=unsigned)
    return meant


def _runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Return rising numbers as runs of neighbours, each from its first to one past its last."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and runs[-1][1] == row:
            runs[-1] = runs[-1][0], row + 1
        else:
            runs.append((row, row + 1))
    return runs


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
        self._content = FileBytes(path)
        self._hdus: list[FastHdu] = []
        self._next = 0

    @property
    def size(self) -> int:
        """Bytes of the file, unpacked."""
        return self._content.size

    def content(self) -> FileBytes:
        """Return the bytes, once every HDU was held against them: what another reader can be trusted with.

        Raises
        ------
        BrokenFits
            When an HDU is not whole, or there are too many.
        """
        index = 0
        while self.hdu(index) is not None:
            index += 1
        return self._content

    @property
    def hdus(self) -> Sequence[FastHdu]:
        """The HDUs that were come to so far."""
        return self._hdus

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
        if len(self._hdus) >= MAX_HDUS:
            raise BrokenFits(f"more than {MAX_HDUS} HDUs")
        raw = self._header(start)
        hdu = FastHdu(self._content, raw, start + -(-len(raw) // BLOCK) * BLOCK)
        plain = start == 0 and raw[80:88] == b"BITPIX  " and raw[160:190] == _NO_DATA
        data = 0 if plain else hdu.layout.size
        self._content.require(hdu.start + data)            # no shape is larger than the file, from here on
        self._next = hdu.start + -(-data // BLOCK) * BLOCK
        self._hdus.append(hdu)
        return True

    def _is_extension(self, start: int) -> bool:
        buffer, at = self._content.span(start, min(BLOCK, self.size - start))
        return bytes(buffer[at : at + 9]) == b"XTENSION="

    def _header(self, start: int) -> bytes:
        for size in (len(self._content.head) - start, 2 * BLOCK, 10 * BLOCK, MAX_HEADER):
            size = min(size, self.size - start)
            if size <= 0:
                continue
            buffer, at = self._content.span(start, size)
            end = _find_end(buffer, at, at + size)
            if end >= 0:
                return bytes(buffer[at:end])
        raise BrokenFits("corrupt FITS header: no END")


_NO_DATA = b"NAXIS   =                    0"


def _find_end(buffer: Any, start: int, stop: int) -> int:
    """Return where the header that begins at `start` ends, or −1; END has to lie on a card's boundary."""
    block: bytes = buffer if isinstance(buffer, bytes) else bytes(buffer[start:stop])
    shift = 0 if block is buffer else start
    at = start - shift
    while True:
        at = block.find(END_CARD, at, stop - shift)
        if at < 0:
            return -1
        if (at + shift - start) % CARD == 0:
            return at + shift + CARD
        at += 1
