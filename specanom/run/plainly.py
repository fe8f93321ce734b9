"""What a run prints on a terminal: nothing in a name of a file or an object may act there."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from ..visible import visible

CLEAR = "\r\x1b[K"
"""The one thing that is sent to a terminal to act there: take the line back."""


class Plain:
    """A stream whose text shows its control characters instead of sending them on.

    Parameters
    ----------
    stream : file of text
        Where it goes; all but writing is done by it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text; returns its length."""
        self._stream.write(CLEAR.join(visible(part, keep="\n\t") for part in text.split(CLEAR)))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def printed_plainly() -> Iterator[None]:
    """Print what stands in files of strangers as text: ``ESC[2J`` in the id of an object clears no screen."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Plain(before[0]), Plain(before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
