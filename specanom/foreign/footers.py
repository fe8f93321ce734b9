"""Footers of Parquet of strangers, read before pyarrow makes objects of them.

pyarrow ends the process where the numbers of a column in a footer contradict each other: what its metadata classes
find wrong is an exception that Python never sees. So what is asked of a footer here is read here: it is a structure of
Thrift's compact protocol (apache/thrift, thrift-compact-protocol.md), whose fields are numbered as parquet.thrift of
apache/parquet-format has it. What is not asked for is passed over without taking memory.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

MAGIC, DEPTH = b"PAR1", 20
MOST = 1 << 27
"""Bytes of a footer: those of tables of spectra have thousands."""
_ROWS, _COLUMNS = (3,), (4, 1)
_VALUES, _UNPACKED, _GROUP_ROWS = (4, 1, 3, 5), (4, 2), (4, 3)
_ASKED = (_ROWS, _VALUES, _UNPACKED, _GROUP_ROWS)
_FLAGS, _WHOLE, _LISTS = (1, 2), (4, 5, 6), (9, 10)
_BYTE, _DOUBLE, _TEXT, _STRUCT = 3, 7, 8, 12


class Footer(NamedTuple):
    """What a footer tells of how much there is."""

    rows: int
    """Of the whole file."""
    group_rows: list[int]
    """Of each row group."""
    unpacked: list[int]
    """Bytes of each row group."""
    values: list[list[int]]
    """Of each column of each row group."""


def read_footer(path: str | Path) -> Footer:
    """Read what the footer of a Parquet file tells.

    Raises
    ------
    OSError, ValueError
        When it cannot be read, or is no footer.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(size - 8, 0))
        end = file.read(8)
        length = int.from_bytes(end[:4], "little")
        if end[4:] != MAGIC or not 0 < length <= min(size - 12, MOST):
            raise ValueError("its end is not that of a Parquet file")
        file.seek(size - 8 - length)
        raw = file.read(length)
    try:
        return _Reader(raw).footer()
    except IndexError:
        raise ValueError("its footer is cut short") from None


class _Reader:
    """Goes through a structure and keeps what is asked for."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0
        self.told: dict[tuple[int, ...], list[int]] = {path: [] for path in _ASKED}
        self.columns: list[int] = []        # of each row group

    def footer(self) -> Footer:
        """Return what there is; of numbers that are told twice, or not for each row group, nothing is believed."""
        self._struct((), 0)
        rows, groups = self.told[_ROWS], len(self.columns)
        if len(rows) != 1 or len(self.told[_GROUP_ROWS]) != groups or len(self.told[_UNPACKED]) != groups:
            raise ValueError("its footer tells no rows, or twice")
        if len(self.told[_VALUES]) != sum(self.columns):
            raise ValueError("its footer tells no values of a column, or twice")
        each = iter(self.told[_VALUES])
        values = [[next(each) for _ in range(count)] for count in self.columns]
        return Footer(rows[0], self.told[_GROUP_ROWS], self.told[_UNPACKED], values)

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self.raw[self.at]) > 127:
            value |= (byte & 127) << shift
            shift += 7
            self.at += 1
            if shift > 63:
                raise ValueError("its footer has a number of more than 64 bits")
        self.at += 1
        return value | byte << shift

    def _signed(self) -> int:
        value = self._varint()
        return value >> 1 ^ -(value & 1)

    def _struct(self, path: tuple[int, ...], depth: int) -> None:
        field = 0
        while head := self.raw[self.at]:
            self.at += 1
            field = field + (head >> 4) if head >> 4 else self._signed()
            self._value(head & 15, (*path, field), depth)
        self.at += 1

    def _value(self, kind: int, path: tuple[int, ...], depth: int) -> None:
        if depth > DEPTH:
            raise ValueError(f"its footer is nested more than {DEPTH} deep")
        if kind in _WHOLE:
            value = self._signed()
            if path in self.told:
                self.told[path].append(value)
        elif kind == _TEXT:
            self._pass(self._varint())
        elif kind == _STRUCT:
            self._struct(path, depth + 1)
        elif kind in _LISTS:
            self._list(path, depth)
        elif kind in (_BYTE, _DOUBLE):
            self._pass(1 if kind == _BYTE else 8)
        elif kind not in _FLAGS:
            raise ValueError(f"its footer has a field of type {kind}")

    def _list(self, path: tuple[int, ...], depth: int) -> None:
        head = self.raw[self.at]
        self.at += 1
        count, kind = self._varint() if head >> 4 == 15 else head >> 4, head & 15
        if count > len(self.raw) - self.at:
            raise ValueError(f"its footer has a list of {count} in {len(self.raw)} bytes")
        if path == _COLUMNS:
            self.columns.append(count)
        for _ in range(count):
            if kind in _FLAGS:
                self._pass(1)               # in a list a flag is a byte
            else:
                self._value(kind, path, depth + 1)

    def _pass(self, count: int) -> None:
        self.at += count
        if self.at > len(self.raw):
            raise IndexError(count)
