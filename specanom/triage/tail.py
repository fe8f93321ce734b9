"""What a growing file of labels holds, read as far as it is written."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path

from .label import Label, displaces, label_of


class Tail:
    """Follows a file of labels, of which each look reads only what is new.

    Parameters
    ----------
    path : Path
        The file, which need not be there; one that takes its place is read from the beginning.

    Attributes
    ----------
    lock : RLock
        To be held from a look until what was seen is no longer needed.
    said : list of Label
        All that was said, in order.
    standing : dict
        (id, author) → place in `said`, counted from 1, and what stands.
    authors : dict
        id → those who said something of it, in the order in which they began.
    about : dict
        id → all that was said of it, in order.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._forget()

    def _forget(self) -> None:
        self._file = (0, 0)
        self._offset = self._torn = self._torn_end = 0
        self.said: list[Label] = []
        self.standing: dict[tuple[str, str], tuple[int, Label]] = {}
        self.authors: dict[str, dict[str, None]] = {}
        self.about: dict[str, list[Label]] = {}

    @property
    def torn(self) -> int:
        """How many lines cannot be read, a last one that is not whole among them."""
        return self._torn + self._torn_end

    def look(self) -> None:
        """Read what was appended since the last time."""
        with self.lock:
            try:
                with open(self.path, "rb") as handle:
                    state = os.fstat(handle.fileno())
                    if (state.st_dev, state.st_ino) != self._file or state.st_size < self._offset:
                        self._forget()  # another file took its place
                        self._file = (state.st_dev, state.st_ino)
                    handle.seek(self._offset)
                    fresh = handle.read(state.st_size - self._offset)  # a device could give without end
            except FileNotFoundError:
                self._forget()
                return
            whole = fresh.rfind(b"\n") + 1
            if label_of(fresh[whole:]) is not None:  # only its line break is missing
                whole = len(fresh)
            self._offset += whole
            self._torn += self._take(fresh[:whole].split(b"\n"))
            self._torn_end = int(bool(fresh[whole:].strip()))

    def _take(self, lines: Iterable[bytes]) -> int:
        """Take lines in; return how many cannot be read."""
        torn = 0
        for line in lines:
            if not line.strip():
                continue
            said = label_of(line)
            if said is None:
                torn += 1
                continue
            self.said.append(said)
            self.about.setdefault(said.id, []).append(said)
            self.authors.setdefault(said.id, {})[said.author] = None
            key = said.id, said.author
            if not said.label:
                self.standing.pop(key, None)
            elif key not in self.standing or displaces(said, self.standing[key][1]):
                self.standing[key] = (len(self.said), said)
        return torn
