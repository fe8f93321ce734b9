"""Questions to others, which may never answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

A = TypeVar("A")


def within(seconds: float, ask: Callable[[], A]) -> A:
    """Return what a call gives, in a thread that is left behind when it takes longer.

    Raises
    ------
    TimeoutError
        When it does.
    """
    found: Future[A] = Future()

    def run() -> None:
        try:
            found.set_result(ask())
        except BaseException as exc:
            found.set_exception(exc)

    threading.Thread(target=run, daemon=True).start()
    return found.result(seconds)
