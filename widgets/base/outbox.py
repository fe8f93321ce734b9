"""Changes of a bokeh document on their way to the page: gathered in batches, numbered, latest wins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bokeh.core.json_encoder import serialize_json
from bokeh.core.serialization import Serialized
from bokeh.protocol import Protocol

Send = Callable[[dict[str, Any], list[bytes]], None]


@dataclass(frozen=True)
class Origin:
    """Which view a change came from; it must not get it back."""

    view: str


def packed(head: dict[str, Any], payload: Serialized) -> tuple[dict[str, Any], list[bytes]]:
    """Return a message and its binary buffers for a serialised document or patch."""
    buffers = payload.buffers or []
    return ({**head, "content": serialize_json(payload), "ids": [buffer.id for buffer in buffers]},
            [buffer.to_bytes() for buffer in buffers])


class Outbox:
    """Holds changes while a batch is open, then sends what is left of them.

    Parameters
    ----------
    send : callable
        Takes the message and its buffers.

    Attributes
    ----------
    number : int
        Of the last patch sent. A view applies the one that follows the document it has, and asks again when there is
        a gap.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._held: list[Any] = []
        self._depth = 0
        self.number = 0

    def open(self) -> None:
        """Begin to hold changes."""
        self._depth += 1

    def close(self) -> None:
        """Send what was held when the outermost batch ends."""
        self._depth -= 1
        if not self._depth:
            self._flush()

    def put(self, event: Any) -> None:
        """Take one change of the document."""
        self._held.append(event)
        if not self._depth:
            self._flush()

    def skip(self) -> int:
        """Drop what is held and return the next number, for a whole document that takes the place of a patch."""
        self._held = []
        self.number += 1
        return self.number

    def _flush(self) -> None:
        held, self._held = self._held, []
        for run in same_origin(latest(held)):
            self.number += 1
            head = {"k": "patch", "n": self.number, "skip": getattr(run[0].setter, "view", None)}
            self._send(*packed(head, Protocol().create("PATCH-DOC", run).payload))


def latest(events: list[Any]) -> list[Any]:
    """Drop changes that a later one of the same property and origin replaces; the order of the rest stays."""
    seen: set[Any] = set()
    kept = []
    for event in reversed(events):
        if event.kind in ("ModelChanged", "ColumnDataChanged"):
            key = (event.kind, event.model.id, event.attr, tuple(getattr(event, "cols", None) or ()), event.setter)
            if key in seen:
                continue
            seen.add(key)
        kept.append(event)
    return kept[::-1]


def same_origin(events: list[Any]) -> Iterator[list[Any]]:
    """Yield runs of changes that came from the same view: one message each."""
    start = 0
    for stop in range(1, len(events) + 1):
        if stop == len(events) or events[stop].setter is not events[start].setter:
            yield events[start:stop]
            start = stop
