"""A table of FITS written a block of rows at a time, with the checksums of the standard."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from astropy.io.fits import Header

ROWS = 4096
"""Rows of a block; a multiple of four, so that each begins with a whole word of the checksum."""
RECORD = 2880
"""Bytes of a record: header and data are filled up to whole ones."""
_NO_TEXT = frozenset((*range(0x3A, 0x41), *range(0x5B, 0x61)))
"""Signs between digits, capitals and small letters, which a checksum does not have."""


def write_rows(handle: IO[bytes], header: Header, blocks: Iterable[NDArray[Any]], rows: int) -> None:
    """Write a binary table where a file ends.

    Parameters
    ----------
    handle : file
        Open for writing, and at its end.
    header : Header
        Of the table, with cards ``CHECKSUM`` and ``DATASUM``; what they say, and ``NAXIS2``, is set here.
    blocks : iterable of structured arrays
        The rows as FITS stores them, :data:`ROWS` each but for the last.
    rows : int
        Of all blocks.
    """
    header["NAXIS2"] = rows
    start, total, size = handle.tell(), 0, 0
    handle.write(header.tostring().encode("ascii"))
    for block in blocks:
        raw = block.tobytes()
        total, size = added(total, raw), size + len(raw)
        handle.write(raw)
    handle.write(bytes(-size % RECORD))
    header["DATASUM"] = str(total)
    header["CHECKSUM"] = "0" * 16
    header["CHECKSUM"] = encoded(added(total, header.tostring().encode("ascii")) ^ 0xFFFFFFFF)
    handle.seek(start)
    handle.write(header.tostring().encode("ascii"))
    handle.seek(0, 2)


def added(total: int, raw: bytes) -> int:
    """Return a checksum with more bytes counted in: the sum of words of 32 bits in ones' complement.

    Examples
    --------
    >>> added(0xFFFFFFFF, bytes([0, 0, 0, 1]))
    1
    """
    words = np.frombuffer(raw + bytes(-len(raw) % 4), dtype=">u4")
    total += int(words.sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def encoded(value: int) -> str:
    """Return a checksum as 16 letters and digits.

    References
    ----------
    FITS Standard 4.0, appendix J.

    Examples
    --------
    >>> encoded(868229149 ^ 0xFFFFFFFF)
    'hcHjjc9ghcEghc9g'
    """
    text = [0] * 16
    for place in range(4):
        quotient, rest = divmod(value >> (24 - 8 * place) & 0xFF, 4)
        four = [quotient + 0x30 + rest, *[quotient + 0x30] * 3]
        while not _NO_TEXT.isdisjoint(four):
            for i in (0, 2):
                if four[i] in _NO_TEXT or four[i + 1] in _NO_TEXT:
                    four[i], four[i + 1] = four[i] + 1, four[i + 1] - 1
        text[place::4] = four
    return bytes([text[-1], *text[:-1]]).decode("ascii")
