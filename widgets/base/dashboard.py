"""The frame of every dashboard: header, controls, figures, errors, keys, code and saving."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import ipywidgets
import traitlets

from .controls import bound, close_all
from .jobs import Job, Work
from .keys import Keys
from .locking import LOCK
from .page import write_page
from .pane import FigurePane, page_theme, send_figures
from .words import in_html

if TYPE_CHECKING:
    import pandas as pd

F = TypeVar("F", bound=Callable[..., Any])
SLOW = 0.25  # seconds after which a callback shows that it is at work
PATIENCE = "If this was not expected, the traceback is in .error of the dashboard."


def guarded(method: F) -> F:
    """Make a callback of a dashboard safe: one at a time, marked as busy when it is slow, its exception shown.

    The widget stays as it was when the method raises; the error box says what happened and what to try, and goes when
    the next callback succeeds.
    """

    @wraps(method)
    def call(self: Dashboard, *arguments: Any) -> Any:
        with LOCK, self._at_work():
            try:
                return method(self, *arguments)
            except Exception as exc:
                self.fail(exc)
                return None

    return call  # type: ignore[return-value]


class Dashboard(ipywidgets.VBox):  # type: ignore[misc]
    """What all dashboards share. State is in traits: setting one does what its control does.

    Attributes
    ----------
    theme : {"auto", "light", "dark"}
        Colours of the figures; ``"auto"`` takes those of the page.
    selected : str
        Id of the spectrum in focus; empty when there is none.
    error : Exception or None
        What the error box shows.
    panes : tuple of FigurePane
        Its live figures.
    """

    title: ClassVar[str] = "specanom"

    theme = traitlets.Enum(("auto", "light", "dark"), "auto")
    selected = traitlets.Unicode("")

    def __init__(self) -> None:
        super().__init__()
        self.error: Exception | None = None
        self.panes: tuple[FigurePane, ...] = ()
        self._jobs: dict[str, Job] = {}
        self._depth, self._failures = 0, 0
        self._busy = ipywidgets.HTML()
        self._status = ipywidgets.HTML()
        self._box = ipywidgets.HTML(layout=ipywidgets.Layout(display="none"))
        self._running = ipywidgets.VBox([])
        self._code = ipywidgets.HTML(layout=ipywidgets.Layout(display="none"))

    # -- for those who build on it ---------------------------------------------------------------------------------

    def build(self, *, controls: Sequence[ipywidgets.Widget], main: Sequence[ipywidgets.Widget],
              panes: Sequence[FigurePane]) -> None:
        """Lay out the dashboard; called once, at the end of the constructor.

        Parameters
        ----------
        controls : sequence of Widget
            The column at the left, from the top; see :func:`.controls.group`.
        main : sequence of Widget
            What fills the rest.
        panes : sequence of FigurePane
            The live figures among them, which follow the theme.
        """
        self.panes = tuple(panes)
        for pane in self.panes:
            pane.observe(self._on_pane_theme, "theme")
        left = ipywidgets.VBox(list(controls))
        left.add_class("specanom-controls")
        right = ipywidgets.VBox(list(main))
        right.add_class("specanom-main")
        body = ipywidgets.HBox([left, right] if controls else [right])
        body.add_class("specanom-body")
        self._box.add_class("specanom-error")
        self._code.add_class("specanom-code")
        self._running.add_class("specanom-jobs")
        self.add_class("specanom-dashboard")
        self.children = (self._header(), self._box, self._running, self._code, body)

    def shortcuts(self) -> Mapping[str, tuple[str, Callable[[], None]]]:
        """Return what keys do: name of the key → (what it does in words, what is called)."""
        return {"c": ("show or hide the code of this state", self.toggle_code)}

    def recolour(self, theme: str) -> None:
        """Follow a change of colours with what the panes do not hold; called with ``"light"`` or ``"dark"``."""

    def facts(self) -> Sequence[tuple[str, str]]:
        """Return (name, value) pairs that describe the state, for :meth:`save_html`."""
        return ()

    def tables(self) -> Sequence[tuple[str, pd.DataFrame]]:
        """Return titled tables for :meth:`save_html`."""
        return ()

    # -- what every dashboard offers -------------------------------------------------------------------------------

    def to_code(self) -> str:
        """Return Python that reproduces what is shown."""
        raise NotImplementedError(f"{type(self).__name__} says how it is written as code")

    @property
    def result(self) -> Any:
        """What was tuned."""
        raise NotImplementedError(f"{type(self).__name__} says what it results in")

    def save_html(self, path: str | Path) -> Path:
        """Write what is shown into one file that opens without a network; returns the path.

        Parameters
        ----------
        path : path-like
            File to write; it appears whole or not at all. Every text in it is escaped.
        """
        with LOCK:
            return write_page(path, title=self.title, theme=self.shown_theme, facts=self.facts(),
                              figures=[pane.root for pane in self.panes], tables=self.tables(), code=self.to_code())

    @property
    def shown_theme(self) -> str:
        """``"light"`` or ``"dark"``: the colours in force."""
        if self.panes:
            return str(self.panes[0].theme)
        return page_theme() if self.theme == "auto" else str(self.theme)

    def say(self, text: str) -> None:
        """Write a line of plain text into the header."""
        self._status.value = f"<span>{in_html(text)}</span>"

    @property
    def said(self) -> str:
        """The line in the header, as HTML."""
        return str(self._status.value)

    def fail(self, exc: Exception) -> None:
        """Show an exception in the error box; the dashboard lives on."""
        self.error = exc
        self._failures += 1
        kind = type(exc).__name__
        first, _, hint = str(exc).partition(" Try: ")
        tried = f"<br><b>Try:</b> {in_html(hint)}" if hint else f"<br>{PATIENCE}"
        self._box.value = f"<div role='alert'><b>{in_html(kind)}</b>: {in_html(first)}{tried}</div>"
        self._box.layout.display = None

    @contextmanager
    def busy(self, text: str) -> Iterator[None]:
        """Show a busy mark with `text` while inside."""
        before = self._busy.value
        self._busy.value = f"<span class='specanom-busy' role='status'>{in_html(text)}</span>"
        try:
            yield
        finally:
            self._busy.value = before

    def background(self, work: Work, *, done: Callable[[Any], None], title: str) -> Job:
        """Work on a thread, with a progress bar that can cancel it.

        Parameters
        ----------
        work : callable
            ``work(progress, cancelled)``, see :class:`.jobs.Job`. It must not touch the dashboard.
        done : callable
            Takes the result, under the kernel's lock; not called when the work was cancelled, failed or replaced.
        title : str
            What it is, in words. A newer job of the same title replaces an older one.
        """
        with LOCK:
            older = self._jobs.get(title)
            if older is not None:
                older.cancel()
            job = Job(title, work, lambda job, result, error: self._finished(job, result, error, done))
            self._jobs[title] = job
            self._running.children = tuple(one.bar for one in self._jobs.values())
        return job.start()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """What is going on in the background."""
        with LOCK:
            return tuple(self._jobs.values())

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until nothing goes on in the background; returns whether that came within `timeout` seconds each."""
        while jobs := self.jobs:
            if not jobs[0].wait(timeout):
                return False
        return True

    def toggle_code(self) -> None:
        """Show or hide the code of the present state."""
        self._guarded_code(self._code.layout.display == "none")

    def close(self) -> None:
        """End what goes on in the background and let go of the figures."""
        for job in self.jobs:
            job.cancel()
        for pane in self.panes:
            pane.close()
        for child in self.children:
            close_all(child)
        self.layout.close()
        super().close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        send_figures()
        return super()._repr_mimebundle_(**options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.selected!r})" if self.selected else f"{type(self).__name__}()"

    # -- inside ----------------------------------------------------------------------------------------------------

    def _header(self) -> ipywidgets.HBox:
        name = ipywidgets.HTML(f"<h2>{in_html(self.title)}</h2>")
        name.add_class("specanom-title")
        self._status.add_class("specanom-status")
        theme = bound(self, "theme", ipywidgets.Dropdown(
            options=[("page's colours", "auto"), ("light", "light"), ("dark", "dark")], description="Theme",
            layout=ipywidgets.Layout(width="auto")))
        theme.add_class("specanom-theme")
        code = ipywidgets.Button(description="Code", tooltip="The Python that reproduces this state (c)",
                                 layout=ipywidgets.Layout(width="auto"))
        code.on_click(lambda _button: self.toggle_code())
        actions = self.shortcuts()
        self._keys = Keys({key: words for key, (words, _) in actions.items()})
        traitlets.dlink((self, "theme"), (self._keys, "theme"))
        self._keys.on_key(self._on_key)
        header = ipywidgets.HBox([name, self._busy, self._status, theme, code, self._keys])
        header.add_class("specanom-header")
        return header

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Show a busy mark when this takes long, and clear the error box after a success."""
        self._depth += 1
        failures = self._failures
        mark = threading.Timer(SLOW, self._mark) if self._depth == 1 else None
        if mark is not None:
            mark.daemon = True
            mark.start()
        try:
            yield
        finally:
            self._depth -= 1
            if mark is not None:
                mark.cancel()
                self._busy.value = ""
                if self._failures == failures and self.error is not None:
                    self.error = None
                    self._box.layout.display = "none"

    def _mark(self) -> None:
        if self._depth:  # the work may have ended just now
            self._busy.value = "<span class='specanom-busy' role='status'>working</span>"

    def _finished(self, job: Job, result: Any, error: Exception | None, done: Callable[[Any], None]) -> None:
        with LOCK:
            current = self._jobs.get(job.title) is job
            if current:
                del self._jobs[job.title]
                self._running.children = tuple(one.bar for one in self._jobs.values())
            job.close()
            if not current or job.cancelled:
                return
            if error is not None:
                self.fail(error)
                return
            self._deliver(done, result)

    @guarded
    def _deliver(self, done: Callable[[Any], None], result: Any) -> None:
        done(result)

    @guarded
    def _guarded_code(self, show: bool) -> None:
        if show:
            self._code.value = f"<pre tabindex='0' aria-label='code of this state'>{in_html(self.to_code())}</pre>"
        self._code.layout.display = None if show else "none"

    @guarded
    def _on_key(self, name: str) -> None:
        actions = self.shortcuts()
        if name in actions:
            actions[name][1]()

    @traitlets.observe("theme")
    def _on_theme(self, change: Any) -> None:
        for pane in self.panes:
            pane.follow = change["new"]

    @guarded
    def _on_pane_theme(self, change: Any) -> None:
        if self.panes and change["owner"] is self.panes[0]:
            self.recolour(change["new"])
