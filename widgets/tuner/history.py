"""Settings gone back to: one step for each thing that was changed, not for each tick of a slider."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields

from .settings import TunerSettings

PAUSE = 0.8
"""Seconds after which another change of the same setting is a step of its own."""
MOST = 200


class History:
    """The settings that were left.

    Parameters
    ----------
    clock : callable
        Seconds, for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: list[TunerSettings] = []
        self._changed: frozenset[str] = frozenset()
        self._at = float("-inf")
        self._paused = False

    def __len__(self) -> int:
        return len(self._left)

    def note(self, old: TunerSettings, new: TunerSettings) -> None:
        """Remember what was left, unless it is a further tick of the same slider."""
        if self._paused:
            return
        changed = frozenset(item.name for item in fields(old) if getattr(old, item.name) != getattr(new, item.name))
        now = self._clock()
        if changed != self._changed or now - self._at > PAUSE:
            self._left = [*self._left[1 - MOST:], old]
        self._changed, self._at = changed, now

    @contextmanager
    def paused(self, pause: bool = True) -> Iterator[None]:
        """Remember nothing of what changes inside, when `pause` says so."""
        before, self._paused = self._paused, self._paused or pause
        try:
            yield
        finally:
            self._paused = before

    def close(self) -> None:
        """End the step: what is changed next is another one, however soon."""
        self._changed, self._at = frozenset(), float("-inf")

    def back(self) -> TunerSettings | None:
        """Return the settings before the last step and forget them; None when there are none."""
        self.close()
        return self._left.pop() if self._left else None
