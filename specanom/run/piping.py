"""What the command does when its reader goes away, as ``head`` does: it stops without a word."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable
from typing import TextIO

NO_READER = 141
"""Exit code when nobody reads on: what a shell shows of a program that SIGPIPE ended, 128 + 13."""


def until_unread(work: Callable[[], int]) -> int:
    """Do some work that prints, and return its exit code; NO_READER when the reader of what it prints has gone.

    What was printed is written out here, since Python tells of a reader that is gone at its very end as of a bug.
    """
    try:
        try:
            return work()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not reader_gone():
            raise
        return NO_READER


def reader_gone() -> bool:
    """Say whether nobody reads what is printed any more; what is left of it then goes nowhere."""
    gone = [stream for stream in (sys.stdout, sys.stderr) if _unread(stream)]
    for stream in gone:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    return bool(gone)


def _unread(stream: TextIO) -> bool:
    try:
        place = stream.fileno()
    except (OSError, ValueError):  # no file: a notebook, or a test
        return False
    if not hasattr(select, "poll"):  # Windows cannot tell: who asks has seen a pipe break
        return True
    poll = select.poll()
    poll.register(place, select.POLLOUT)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
