"""Waiting for work that ends when nobody is there to do it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from ..errors import SpecanomError, message
from .crew import Workers

LOOK = 30.0
"""Seconds after which it is looked whether anybody works at what is waited for."""
DESERTED = 600.0
"""Seconds that work waits for workers when there are none."""
VARIABLE = "SPECANOM_WAIT_FOR_WORKERS"
"""An environment variable with other seconds, for queues in which workers wait for hours."""


def patience() -> float:
    """Return the seconds that work waits for workers when there are none."""
    said = os.environ.get(VARIABLE, "")
    try:
        return float(said) if float(said) > 0 else DESERTED
    except ValueError:
        return DESERTED


def some_done(futures: Iterable[Any], crew: Workers, tell: Callable[[str], None] | None = None) -> set[Any]:
    """Wait until some futures are done and return those, as long as somebody is there who works.

    Parameters
    ----------
    futures : iterable of Future
    crew : Workers
        What was asked for them.
    tell : callable, optional
        Takes what keeps the work waiting; "" when nothing does any more.

    Raises
    ------
    SpecanomError
        When nobody was there for long.
    """
    awaited, limit = list(futures), patience()
    since: float | None = None
    while True:
        done, _ = wait(awaited, timeout=min(LOOK, limit / 4), return_when=FIRST_COMPLETED)
        why = "" if done else crew.absent()
        if tell is not None and (why or since is not None):
            tell(why and f"{why} for {time.monotonic() - (since or time.monotonic()):.0f} s")
        if done:
            return done
        since = (since or time.monotonic()) if why else None
        if since is not None and time.monotonic() - since >= limit:
            raise deserted(why, limit)


def deserted(why: str, seconds: float) -> SpecanomError:
    """Return the error to raise when nobody was there for some seconds."""
    return SpecanomError(message("executor", expected="workers that work", got=f"{why} for {seconds:.0f} s",
                                 hint=f"look at their logs, start them again and give the same again: what is done "
                                      f"stays; {VARIABLE}=SECONDS waits longer"))


def result_of(future: Any, crew: Workers) -> Any:
    """Return the result of one future, as long as somebody is there who works at it."""
    if isinstance(future, Future):
        some_done([future], crew)
    return future.result()
