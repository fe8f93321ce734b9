"""Work in the background of a dashboard: a thread with a progress bar and a button that cancels it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import ipywidgets

from .controls import close_all

Progress = Callable[[float], None]
Cancelled = Callable[[], bool]
Work = Callable[[Progress, Cancelled], Any]
PERIOD = 0.1  # seconds between two looks at the progress bar: each is a message to the page


class Job:
    """One piece of work on a thread of its own.

    Parameters
    ----------
    title : str
        What it is, beside the bar.
    work : callable
        ``work(progress, cancelled)``: tell `progress` a share in [0, 1] now and then, and end soon after `cancelled()`
        turns true.
    finished : callable
        ``finished(job, result, error)``, called on the thread at the end, whatever happened; `error` is None when all
        went well.

    Attributes
    ----------
    bar : ipywidgets.HBox
        Title, progress and cancel button.
    """

    def __init__(self, title: str, work: Work, finished: Callable[[Job, Any, Exception | None], None]) -> None:
        self.title = title
        self._work, self._finished = work, finished
        self._cancel = threading.Event()
        self._shown = 0.0
        self._progress = ipywidgets.FloatProgress(min=0, max=1, description="", layout=ipywidgets.Layout(flex="1"))
        stop = ipywidgets.Button(description="Cancel", tooltip=f"Stop: {title}", layout=ipywidgets.Layout(width="auto"))
        stop.on_click(lambda _button: self.cancel())
        self.bar = ipywidgets.HBox([ipywidgets.Label(title), self._progress, stop])
        self.bar.add_class("specanom-job")
        self._thread = threading.Thread(target=self._run, name=f"specanom: {title}", daemon=True)

    def start(self) -> Job:
        """Begin; returns the job."""
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Ask the work to end; its result is dropped."""
        self._cancel.set()

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to end."""
        return self._cancel.is_set()

    def close(self) -> None:
        """Take the bar away for good."""
        close_all(self.bar)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; returns whether it came within `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _tell(self, share: float) -> None:
        now = time.monotonic()
        if share >= 1 or now - self._shown >= PERIOD:
            self._shown = now
            self._progress.value = min(1.0, max(0.0, float(share)))

    def _run(self) -> None:
        result, error = None, None
        try:
            result = self._work(self._tell, self._cancel.is_set)
        except Exception as exc:
            error = exc
        self._finished(self, result, error)
