"""The bytes of a FITS file: its beginning in memory, the rest on demand, and never more than there are.

This is where sizes are held against the file. Only regular files are opened, so that nothing waits for the other end
of a pipe; what is packed may unpack to a multiple of its size; what lies beyond the end is not asked for; nothing is
mapped into memory, since a file that is cut while it is read would then end the process; and a file that was written to
since it was opened is not read on.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Sequence
from typing import Any

from .fits_header import BrokenFits

__all__ = ["HEAD_BYTES", "FileBytes", "is_regular", "open_regular"]

HEAD_BYTES = 262_144          # holds the three HDUs that matter of every lite file and of most full ones
MAGIC = b"SIMPLE  ="
UNPACKED, TIMES, MAX_UNPACKED = 48 << 20, 8, 1 << 29
"""A gzipped file may unpack to 48 MiB and 8 times its size, up to 512 MiB; spectra unpack to 1.2 to 3 times theirs."""
PIECE = 1 << 20
MAX_MEMBERS, MEMBER = 1000, 1024
"""Parts of a gzipped file: so many, and one for each of so many bytes; bgzip makes one of each 64 kB."""

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_KINDS = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISCHR, "a device"),
          (stat.S_ISBLK, "a device"), (stat.S_ISSOCK, "a socket"))


def open_regular(path: str) -> tuple[int, os.stat_result]:
    """Open a file for reading, without waiting for the other end of a pipe; returns the handle and its state.

    Raises
    ------
    BrokenFits
        When it is no regular file, nor a link to one.
    """
    handle = os.open(path, _FLAGS)
    try:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode):
            kind = next((name for test, name in _KINDS if test(state.st_mode)), "something else")
            raise BrokenFits(f"no regular file but {kind}")
    except BaseException:
        os.close(handle)
        raise
    return handle, state


def is_regular(path: str) -> bool:
    """Tell whether there is a regular file, or a link to one."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


class FileBytes:
    """The bytes of a file.

    HDUs refer to this and not to their file, so that no cycle keeps a file in memory after its spectrum is gone.

    Raises
    ------
    BrokenFits
        When it is empty, no regular file, does not begin as FITS files do, or cannot be unpacked.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        handle, state = open_regular(path)
        try:
            self._state = _identity(state)
            self.packed = path.lower().endswith(".gz")
            self.size = state.st_size
            self.head = _unpacked(handle, self.size) if self.packed else os.read(handle, min(HEAD_BYTES, self.size))
        finally:
            os.close(handle)
        if self.packed:
            self.size = len(self.head)
        if not self.head:
            raise BrokenFits("the file is empty")
        if not self.head.startswith(MAGIC):
            raise BrokenFits("not a FITS file: it does not begin with SIMPLE")

    def span(self, start: int, size: int) -> tuple[Any, int]:
        """Return a buffer and the offset at which bytes `start` to `start + size` of the file lie in it."""
        self.require(start + size)
        if start + size <= len(self.head):
            return self.head, start
        return self._read([(start, size)])[0], 0

    def pieces(self, wanted: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read pieces of the file, each a start and a size, and nothing between them."""
        ends = max((start + size for start, size in wanted), default=0)
        self.require(ends)
        if ends <= len(self.head):
            return [self.head[start : start + size] for start, size in wanted]
        return self._read(wanted)

    def require(self, end: int) -> None:
        """Refuse what lies beyond the end of the file."""
        if end > self.size:
            raise BrokenFits(f"cut short: the headers promise {end:,} bytes, the file has {self.size:,}")

    def _read(self, wanted: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read pieces without a buffer, which would read ahead."""
        found = []
        handle, state = open_regular(self.path)
        with open(handle, "rb", buffering=0) as file:
            if _identity(state) != self._state:
                raise BrokenFits("changed while it was read")
            for start, size in wanted:
                file.seek(start)
                piece = file.read(size) or b""
                if len(piece) < size:
                    piece += _rest(file, size - len(piece))
                found.append(piece)
        return found


def _identity(state: os.stat_result) -> tuple[int, int, int, int]:
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


def _rest(file: Any, size: int) -> bytes:
    """Return what a read has left over: the system hands out no more than 2 GiB at a time."""
    pieces = []
    while size and (piece := file.read(size)):
        pieces.append(piece)
        size -= len(piece)
    if size:
        raise BrokenFits("cut short while it was read")
    return b"".join(pieces)


def _unpacked(handle: int, size: int) -> bytes:
    """Return the content of a gzipped file of `size` bytes, whose parts are unpacked one behind the other."""
    most = min(MAX_UNPACKED, UNPACKED + TIMES * size)
    found = bytearray()
    with open(os.dup(handle), "rb") as file:
        unpacker, piece, members = zlib.decompressobj(31), file.read(PIECE), 1
        while piece:
            try:
                found += unpacker.decompress(piece, min(PIECE, most + 1 - len(found)))
            except zlib.error as exc:
                raise BrokenFits(f"cannot unpack: {exc}") from exc
            if not MAGIC.startswith(bytes(found[: len(MAGIC)])):
                raise BrokenFits("not a FITS file: what is packed does not begin with SIMPLE")
            if len(found) > most:
                raise BrokenFits(f"unpacks to more than {most >> 20} MiB, of {size:,} bytes: unpack it on disk first")
            piece = unpacker.unconsumed_tail
            if unpacker.eof:
                piece = unpacker.unused_data.lstrip(b"\0")
                unpacker, members = zlib.decompressobj(31), members + 1
                if members > MAX_MEMBERS + size // MEMBER:   # each takes as long as all that is behind it
                    raise BrokenFits(f"cannot unpack: {members:,} parts in {size:,} bytes")
                piece = piece or file.read(PIECE).lstrip(b"\0")
            elif not piece:
                piece = file.read(PIECE)
                if not piece:
                    raise BrokenFits("cannot unpack: the packed file is cut short")
    return bytes(found)
