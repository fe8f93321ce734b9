"""Signals that ask the command to stop: of a terminal, of Slurm, of timeout and cron."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

NAMES = ("SIGTERM", "SIGHUP")
"""Those that end a program without a word, were nothing done; Ctrl-C Python knows by itself."""


class Stopped(KeyboardInterrupt):
    """A signal asked the program to stop; what catches Ctrl-C catches this too.

    Attributes
    ----------
    number : int
        Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Let signals stop what is done here as Ctrl-C does, so that it ends what it started and says how far it is.

    A signal that is ignored, as by ``nohup``, stays ignored; one that comes again while things are ended is no news.
    """
    if threading.current_thread() is not threading.main_thread():  # only that one may say what signals do
        yield
        return
    before = {}
    for name in NAMES:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code(exc: KeyboardInterrupt) -> int:
    """Return what a shell shows of a program that a signal ended: 128 and its number."""
    return 128 + (exc.number if isinstance(exc, Stopped) else int(signal.SIGINT))


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise Stopped(number)
