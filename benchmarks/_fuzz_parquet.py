"""Changes of Parquet files: any number, size or count of a footer or of the header of a page.

Both are structures of Thrift's compact protocol, whose fields are numbered; what the numbers stand for is not needed
to change them, save where pages begin: (4, 1, 3, 9) and (4, 1, 3, 11) of a footer, and in which places of it other
offsets are (parquet.thrift of the format's own specification).
"""

from __future__ import annotations

from typing import NamedTuple

from benchmarks._fuzz_picks import LIES, Picks, change_bytes

MAGIC = b"PAR1"
OFFSETS = ((4, 1, 2), (4, 1, 3, 9), (4, 1, 3, 10), (4, 1, 3, 11), (4, 5))
PAGES = ((4, 1, 3, 9), (4, 1, 3, 11))


class Place(NamedTuple):
    """A number within a structure."""

    path: tuple[int, ...]
    """Numbers of the fields that lead to it; of what is in lists the list's."""
    start: int
    end: int
    kind: str
    """"number", "length" (of a text) or "count" (of a list)."""
    element: int = 0


class Walk:
    """Finds the numbers of the structure that begins somewhere in bytes.

    Raises
    ------
    IndexError, RecursionError
        When it is no such structure, as after a change.
    """

    def __init__(self, raw: bytes, at: int) -> None:
        self.raw, self.at, self.found = raw, at, list[Place]()
        self._struct(())

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.raw[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def _struct(self, path: tuple[int, ...]) -> None:
        field = 0
        while head := self.raw[self.at]:
            self.at += 1
            field = field + (head >> 4) if head >> 4 else plain(self._varint())
            self._value(head & 15, (*path, field))
        self.at += 1

    def _value(self, kind: int, path: tuple[int, ...], *, listed: bool = False) -> None:
        start, byte = self.at, self.raw[self.at]        # raises at the end of what there is
        if kind in (1, 2, 3):                           # a flag is its type, but in lists
            self.at += kind == 3 or listed
        elif kind in (4, 5, 6):
            self._varint()
            self.found.append(Place(path, start, self.at, "number"))
        elif kind == 7:
            self.at += 8
        elif kind == 8:
            size = self._varint()
            self.found.append(Place(path, start, self.at, "length"))
            self.at += size
        elif kind in (9, 10):
            self.at += 1
            count = self._varint() if byte >> 4 == 15 else byte >> 4
            self.found.append(Place(path, start, self.at, "count", byte & 15))
            for _ in range(count):
                self._value(byte & 15, path, listed=True)
        elif kind == 12:
            self._struct(path)
        else:
            raise IndexError(kind)


def plain(value: int) -> int:
    """Return the number that a zigzag stands for."""
    return value >> 1 ^ -(value & 1)


def varint(value: int) -> bytes:
    """Return a number of up to 64 bits as Thrift writes it."""
    value &= 2**64 - 1
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    return bytes([*made, value])


def zigzag(value: int) -> bytes:
    """Return a signed number as Thrift writes it."""
    return varint(value << 1 ^ value >> 63)


def numbers(content: bytes) -> tuple[int, list[Place]]:
    """Return where the footer of a file begins, and its numbers; none of what has no footer."""
    size = int.from_bytes(content[-8:-4], "little")
    begin = len(content) - 8 - size
    if not content.endswith(MAGIC) or begin < 4:
        return 0, []
    try:
        return begin, Walk(content, begin).found
    except (IndexError, RecursionError):
        return begin, []


def with_number(content: bytes, place: Place, value: int) -> bytes:
    """Return a file with another number at a place of its footer or of a page; other pages are still found."""
    new = {"number": zigzag(value), "length": varint(value),
           "count": bytes([0xF0 | place.element]) + varint(value)}[place.kind]
    begin, told = numbers(content)
    grown = len(new) - (place.end - place.start)
    changes = {(place.start, place.end): new}
    if place.start < begin:
        for one in told:
            value = plain(raw_at(content, one)) if one.path in OFFSETS and one.kind == "number" else 0
            if value > place.start:
                changes[one.start, one.end] = zigzag(value + grown)
    made, last = bytearray(), 0
    for (start, end), piece in sorted(changes.items()):
        made += content[last:start] + piece
        begin += len(piece) - (end - start) if end <= begin else 0
        last = end
    made += content[last:-8]
    return bytes(made) + (len(made) - begin).to_bytes(4, "little") + MAGIC


def raw_at(content: bytes, place: Place) -> int:
    """Return the number at a place as it is written, which is a zigzag of a number that may be negative."""
    return sum((byte & 127) << 7 * i for i, byte in enumerate(content[place.start : place.end]))


def change_footer(content: bytes, picks: Picks) -> bytes:
    """Tell other rows, values, columns, sizes or offsets in the footer."""
    _, told = numbers(content)
    return _changed(content, told, picks)


def change_page(content: bytes, picks: Picks) -> bytes:
    """Tell another size, or number of values, of a page of values or of a dictionary."""
    _, told = numbers(content)
    pages = [plain(raw_at(content, one)) for one in told if one.path in PAGES and one.kind == "number"]
    pages = [at for at in pages if 0 < at < len(content)]
    if not pages:
        return change_bytes(content, picks)
    try:
        return _changed(content, Walk(content, picks.choice(pages)).found, picks)
    except (IndexError, RecursionError):
        return change_bytes(content, picks)


def _changed(content: bytes, told: list[Place], picks: Picks) -> bytes:
    if not told:
        return change_bytes(content, picks)
    one = picks.choice(told)
    old = raw_at(content, one) if one.kind == "length" else plain(raw_at(content, one))
    value = picks.choice((old + 1, old - 1, 2 * old, 100 * old)) if picks.number(0, 2) == 0 else picks.choice(LIES)
    return with_number(content, one, value)


PARQUET_CHANGES = (change_footer, change_footer, change_page, change_page, change_bytes)
