"""What a run says while it works: one line a stage, and on a terminal a line that ticks."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from ..parallel.partitioned import PROGRESS
from ..parallel.progress import pause
from .pipeline import StageResult

TICK = 0.5  # seconds
_CLEAR = "\r\x1b[K"
_PLACES = ("work/*/*", "work/*/*/*", "*.work/*")
"""Where stages work, in the run folder; below that there may be very many files."""


class StageLines:
    """Listens to a pipeline and prints one line a finished stage.

    On a terminal the running stage is shown with the seconds it has taken, beside what it took the last time, and how
    far its partitions are. A log gets a line of that now and then.

    Parameters
    ----------
    last : mapping
        Stage → seconds of an earlier run of the same folder, where known.
    run_dir : Path, optional
        Where stages in partitions note how far they are.
    """

    def __init__(self, last: Mapping[str, float] | None = None, run_dir: Path | None = None) -> None:
        self._last = dict(last or {})
        self._run_dir = run_dir
        self._live = sys.stdout.isatty()
        self._done = threading.Event()
        self._ticker: threading.Thread | None = None

    def __call__(self, stage: str, result: StageResult | None) -> None:
        """Take the start (None) or the result of a stage."""
        if result is None:
            self._start(stage)
            return
        self.stop()
        counts = ", ".join(f"{value} {name}" for name, value in result.counts.items())
        took = "up to date" if result.skipped else f"{result.seconds:.1f} s"
        why = f"  (again: {result.why})" if result.why else ""
        print(f"{stage:14} {took:>10}  {counts}{why}", flush=True)

    def stop(self) -> None:
        """End the ticking line, after a failure too."""
        if self._ticker is not None:
            self._done.set()
            self._ticker.join()
            self._ticker = None
            if self._live:
                print(_CLEAR, end="", flush=True)

    def _start(self, stage: str) -> None:
        self._done.clear()
        self._ticker = threading.Thread(target=self._tick if self._live else self._log,
                                        args=(stage, time.monotonic()), daemon=True)
        self._ticker.start()

    def _tick(self, stage: str, start: float) -> None:
        before = f" of about {self._last[stage]:.0f} s" if stage in self._last else " s"
        while True:
            width = shutil.get_terminal_size().columns - 1
            head = f"{stage:14} {time.monotonic() - start:8.0f}{before} … "
            print(f"{_CLEAR}{head}{fitted(self._far(), width - len(head))}"[: len(_CLEAR) + width], end="", flush=True)
            if self._done.wait(TICK):
                return

    def _log(self, stage: str, start: float) -> None:
        while not self._done.wait(pause(time.monotonic() - start)):
            print(f"{stage:14} {time.monotonic() - start:8.0f} s … {self._far()}".rstrip(), flush=True)

    def _far(self) -> str:
        """Return what the partitions that are being worked on say of themselves."""
        if self._run_dir is None:
            return ""
        try:
            found = [path for place in _PLACES for path in self._run_dir.glob(f"{place}/{PROGRESS}")]
            last = max(found, key=lambda path: path.stat().st_mtime, default=None)
            return last.read_text(encoding="utf-8") if last is not None else ""
        except OSError:  # it is done, this very moment
            return ""


def fitted(text: str, width: int) -> str:
    """Return how far partitions are in so many characters: the speed goes first, then the spectra; the time stays.

    Examples
    --------
    >>> fitted("score: 3 of 9 partitions, 96 of 280 spectra, 53 a second, 12 s to go", 45)
    'score: 3 of 9 partitions, 12 s to go'
    """
    parts = text.split(", ")
    for word in (" a second", " spectra"):
        if len(", ".join(parts)) > width:
            parts = [one for one in parts if not one.endswith(word)]
    return ", ".join(parts)[: max(width, 0)]
