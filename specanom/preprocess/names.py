"""Millions of names in the memory of their letters: what a report lists of a large survey."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

CODE = ("utf-8", "surrogatepass")
"""Names of files may hold bytes that are no UTF-8."""


class Names(Sequence[str]):
    """A sequence of texts that takes a third of the memory of a tuple of them; equal to a tuple of the same.

    Parameters
    ----------
    names : iterable of str
        In order.

    Examples
    --------
    >>> ids = Names(["0266-51602-0001", "0266-51602-0002"])
    >>> ids[0], len(ids), ids[-1:]
    ('0266-51602-0001', 2, ('0266-51602-0002',))
    """

    __slots__ = ("_ends", "_text")

    def __init__(self, names: Iterable[str] = ()) -> None:
        text, ends = bytearray(), array("Q")
        for name in names:
            text += str(name).encode(*CODE)
            ends.append(len(text))
        self._text, self._ends = bytes(text), ends

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, key: int) -> str: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[str, ...]: ...
    def __getitem__(self, key: int | slice) -> str | tuple[str, ...]:
        if isinstance(key, slice):
            return tuple(self._at(place) for place in range(len(self))[key])
        return self._at(range(len(self))[key])

    def __iter__(self) -> Iterator[str]:
        return map(self._at, range(len(self)))

    def _at(self, place: int) -> str:
        return self._text[self._ends[place - 1] if place else 0 : self._ends[place]].decode(*CODE)

    def __eq__(self, other: Any) -> bool:
        if isinstance(other, Names):
            return self._ends == other._ends and self._text == other._text
        if isinstance(other, tuple):
            return len(self) == len(other) and all(one == two for one, two in zip(self, other, strict=True))
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        first = ", ".join(map(repr, self[:3]))
        return f"Names({len(self)}: {first}{', …' if len(self) > 3 else ''})"
