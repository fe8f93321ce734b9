"""How far a partitioned work is: a bar in a notebook or terminal, a line now and then in a log."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from ..disk import beside, replace

T = TypeVar("T")
EVERY, RARER = 30.0, 0.05
"""Seconds between two lines of a log, and the share of the time so far that lies between them when that is longer: a
minute has two lines, a day has a hundred and fifty."""
LARGE = 100_000
"""Spectra from which a bar counts in thousands and millions, for want of room."""
QUIET = "SPECANOM_QUIET_PROGRESS"
"""An environment variable: when it is set nothing is shown, for programs that show what the file says themselves."""


class Progress:
    """Tells how many rows are done.

    Parameters
    ----------
    label : str
        What is going on; nothing is told without one.
    partitions, rows : int
        How many there are; 0 partitions of a work that has none, and 0 rows where nobody knows.
    unit : str
        What a row is.
    file : Path, optional
        Where the line of a log is kept up to date for other programs; gone in the end.
    leave : bool
        Whether the bar stays when all is done.
    """

    def __init__(self, label: str, partitions: int, rows: int, *, unit: str = "spectra",
                 file: Path | None = None, leave: bool = True) -> None:
        self._label, self._partitions, self._rows, self._unit = label, partitions, rows, unit
        self._parts_done = self._rows_done = self._found = self._failed = 0
        self._hindered = self._remark = ""
        self._leave, self._ended = leave, False
        self._bar: Any = None
        self._file = file
        self._start = self._told = time.monotonic()

    def __enter__(self) -> Self:
        if self._label and shows_bars():
            from tqdm.auto import tqdm

            self._bar = tqdm(total=self._rows or None, desc=self._label, unit=f" {self._unit}",
                             unit_scale=self._rows >= LARGE, leave=self._leave,
                             dynamic_ncols=True)  # a terminal may be drawn wider, a notebook has all its width
        self._note()
        return self

    def done(self, rows: int, *, found: bool = False) -> None:
        """Count a partition that is done; `found` by an earlier run."""
        self._parts_done += 1
        self._rows_done += rows
        self._found += rows if found else 0
        self._note()
        if self._bar is not None:
            if found:
                self._bar.initial += rows  # what was there says nothing about the speed
            self._bar.update(rows)
        elif self._label and (now := time.monotonic()) - self._told > pause(now - self._start):
            self._tell()

    def failed(self, rows: int) -> None:
        """Count a partition that was given up."""
        self._failed += rows
        self._note()
        if self._bar is not None:
            self._bar.set_postfix_str("; ".join(self._remarks()))

    def hindered(self, why: str) -> None:
        """Tell what keeps the work waiting, such as that all workers have left; "" when nothing does any more."""
        first, self._hindered = bool(why) and not self._hindered, why
        self._note()
        if self._bar is not None:
            self._bar.set_postfix_str("; ".join(self._remarks()))
        elif self._label and (first or time.monotonic() - self._told > EVERY):
            self._tell()

    def remark(self, text: str) -> None:
        """Say something of what is being done, such as a loss; shown with what is counted next."""
        self._remark = text
        if self._bar is not None:
            self._bar.set_postfix_str("; ".join(self._remarks()), refresh=False)

    def line(self) -> str:
        """Return what a log says."""
        seconds = max(time.monotonic() - self._start, 1e-9)
        speed = (self._rows_done - self._found) / seconds
        of = f" of {self._rows:,}" if self._rows else ""
        parts = f"{self._parts_done} of {self._partitions} partitions, " if self._partitions else ""
        text = f"{self._label or 'work'}: {parts}{self._rows_done:,}{of} {self._unit}"
        left = self._rows - self._rows_done - self._failed
        if speed > 0:
            text += f", {speed:,.0f} a second"
            text += f", {_span(left / speed)} to go" if left > 0 and not self._ended else ""
        return "; ".join([text, *self._remarks()])

    def _remarks(self) -> list[str]:
        """Return what is said of the work, and what is not as it should be."""
        return ([self._remark] if self._remark else []) + (
            [f"{self._failed:,} in failed partitions"] if self._failed else []) + (
            [f"waits: {self._hindered}"] if self._hindered else [])

    def _note(self) -> None:
        if self._file is not None:
            part = beside(self._file)
            with contextlib.suppress(OSError):  # a full disk is told by what the disk is for
                part.write_text(self.line(), encoding="utf-8")
                replace(part, self._file)
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _tell(self) -> None:
        self._told = time.monotonic()
        if os.environ.get(QUIET):
            return
        sys.stderr.write(self.line() + "\n")
        sys.stderr.flush()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._ended = True
        if self._file is not None:
            with contextlib.suppress(OSError):  # a disk that failed is told by what failed on it
                self._file.unlink(missing_ok=True)
        if self._bar is not None:
            self._bar.close()
        elif self._label:
            self._tell()


def shown(items: Iterable[T], label: str, count: int, *, unit: str) -> Iterator[T]:
    """Yield `count` items and tell how many are done."""
    with Progress(label, 0, count, unit=unit) as progress:
        for item in items:
            yield item
            progress.done(1)


def pause(seconds: float) -> float:
    """Return the seconds until the next line of a log, after so many."""
    return max(EVERY, RARER * seconds)


def shows_bars() -> bool:
    """Say whether output is watched: in a notebook that someone looks at, or in a terminal."""
    return not os.environ.get(QUIET) and (sys.stderr.isatty() or _in_notebook())


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    return running is not None and hasattr(running, "kernel")


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
