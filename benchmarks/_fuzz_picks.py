"""Where the choices of a change come from (a generator, bytes, or Hypothesis), and changes of any bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from benchmarks._fuzz_files import BLOCK

T = TypeVar("T")
WORDS = tuple(np.array(value, kind).tobytes() for kind in (">f4", ">f8", ">i4", ">i8")
              for value in (0, 1, -1, 2**31 - 1)) + tuple(
    np.array(value, kind).tobytes() for kind in (">f4", ">f8") for value in (np.nan, np.inf, -np.inf, 3e38))


LIES = (0, 1, -1, 2, 7, 255, 1000, 65_536, 10**6, 2**31 - 1, 2**31, -(2**31), 2**32, 2**40, 2**63 - 1, -(2**63))
"""Sizes that are not there."""


class Picks(Protocol):
    """Where choices come from."""

    def number(self, low: int, high: int) -> int: ...
    def choice(self, options: Sequence[T]) -> T: ...


class FromRandom:
    """Choices of a random generator."""

    def __init__(self, seed: int) -> None:
        import random

        self._random = random.Random(seed)

    def number(self, low: int, high: int) -> int:
        """Return a whole number, both ends among them."""
        return self._random.randint(low, high)

    def choice(self, options: Sequence[T]) -> T:
        """Return one of some."""
        return options[self._random.randrange(len(options))]


class FromBytes:
    """Choices read off bytes, as libFuzzer makes them: one that is alike gives choices that are alike."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self, low: int, high: int) -> int:
        """Return a whole number, both ends among them; the low one when the bytes are at their end."""
        size = max(1, ((high - low).bit_length() + 7) // 8)
        piece = self._data[self._at : self._at + size]
        self._at += size
        return low + int.from_bytes(piece, "little") % (high - low + 1)

    def choice(self, options: Sequence[T]) -> T:
        """Return one of some."""
        return options[self.number(0, len(options) - 1)]


class FromDraw:
    """Choices that Hypothesis draws."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw

    def number(self, low: int, high: int) -> int:
        """Return a whole number, both ends among them."""
        from hypothesis import strategies as st

        return int(self._draw(st.integers(low, high)))

    def choice(self, options: Sequence[T]) -> T:
        """Return one of some."""
        return options[self.number(0, len(options) - 1)]


# -- changes of any bytes ---------------------------------------------------------------------------------------------

def change_bytes(content: bytes, picks: Picks) -> bytes:
    """Overwrite some bytes, anywhere."""
    if not content:
        return content
    at = picks.number(0, len(content) - 1)
    word = picks.choice(WORDS) if picks.number(0, 1) else bytes([picks.number(0, 255)])
    if picks.number(0, 3) == 0:
        word = word * picks.number(1, 400)
    return content[:at] + word + content[at + len(word):]


def cut(content: bytes, picks: Picks) -> bytes:
    """Cut the end off, or put something behind it."""
    if picks.number(0, 2):
        return content[: picks.number(0, len(content))]
    return content + picks.choice((b"\0", b" ", b"\xff", b"END")) * picks.number(1, 3 * BLOCK)
