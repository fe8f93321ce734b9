"""The HDUs of a FITS file: each has to lie whole within the file when it is come to, so that no shape is larger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from .fits_bytes import FileBytes
from .fits_header import CARD, BrokenFits, Layout, layout

BLOCK = 2880
MAX_HEADER = 1_440_000        # 18000 cards; a longer header is a broken one
MAX_HDUS = 1000               # spec files of many exposures have some hundred
END_CARD = b"END" + b" " * 77


class FitsHdu:
    """One HDU: its header, and where its data lie in the file."""

    def __init__(self, content: FileBytes, raw: bytes, start: int) -> None:
        self.content, self.raw, self.start = content, raw, start

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


Hdu = TypeVar("Hdu", bound=FitsHdu)


class FitsHdus(Generic[Hdu]):
    """A FITS file whose HDUs are found as they are asked for, each held against the file.

    Parameters
    ----------
    path : str
        The file; ``.gz`` is unpacked in memory.

    Raises
    ------
    BrokenFits
        When it is empty, no FITS file, or cut short where data are asked for.
    """

    _kind: type[Any] = FitsHdu

    def __init__(self, path: str) -> None:
        self.path = path
        self._content = FileBytes(path)
        self._hdus: list[Hdu] = []
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
    def hdus(self) -> Sequence[Hdu]:
        """The HDUs that were come to so far."""
        return self._hdus

    def hdu(self, index: int) -> Hdu | None:
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
        hdu = self._kind(self._content, raw, start + -(-len(raw) // BLOCK) * BLOCK)
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
