"""A minimal FITS reader for the headers, tables and images that spectra come in.

Spectra by the hundred thousand are small files whose headers are nearly all the same. This reader takes a file in one
system call, caches what it learnt from a header by the header's bytes, and hands out columns as views of the bytes.
It knows little on purpose: whatever is unusual raises :class:`UnusualFits`, and the caller turns to astropy.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..foreign.fits_bytes import FileBytes
from ..foreign.fits_hdus import FitsHdu, FitsHdus
from ..foreign.fits_header import IMAGE, NUMPY, UNSIGNED, WIDTH, BrokenFits, Column, UnusualFits

__all__ = ["BrokenFits", "FastFits", "FastHdu", "FileBytes", "UnusualFits"]

HELD = 8 << 20                # tables up to this size are read in one go, larger ones in pieces of it


class FastHdu(FitsHdu):
    """One HDU: its header, and its columns or image as views of the file's bytes."""

    def __init__(self, content: FileBytes, raw: bytes, start: int) -> None:
        super().__init__(content, raw, start)
        self._last = b"", b""                   # rows that were taken, and their bytes

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


class FastFits(FitsHdus[FastHdu]):
    """A FITS file whose HDUs are found as they are asked for, and read by this module; see :class:`.FitsHdus`."""

    _kind = FastHdu
