"""All labels as a table: who said what of which id, changed, looked through and exported in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import ipywidgets
import pandas as pd
import traitlets

from specanom.triage import WORDS, Label, LabelLog

from .base.controls import button, labelled
from .base.locking import LOCK
from .base.table import RowTable
from .base.words import in_html
from .marks import MarkBar
from .marks.words import sorry, when

COLUMNS = {"label": "label", "note": "note", "author": "by", "time": "when (UTC)", "others": "others say",
           "source": "said in"}

F = TypeVar("F", bound=Callable[..., None])


def told(method: F) -> F:
    """Make a callback of the panel safe: one at a time, and its exception is shown until the next one succeeds."""

    @wraps(method)
    def call(self: LabelsPanel, *arguments: Any) -> None:
        with LOCK:
            try:
                method(self, *arguments)
                self.error, self._problem.value = None, ""
            except Exception as exc:
                self.error = exc
                unread = isinstance(exc, OSError)
                self._problem.value = sorry(f"The labels cannot be read: {exc}" if unread else str(exc))

    return call  # type: ignore[return-value]


KEYS = "the buttons and the keys 1, 2 and 3"


class LabelsPanel(ipywidgets.VBox):  # type: ignore[misc]
    """A table of what stands, the history of the row in focus, and export.

    Parameters
    ----------
    labels : LabelLog
        What is shown.
    path : path-like
        Where they are exported to unless another path is typed: ``.parquet`` or ``.csv``. A path that is not whole
        begins in the folder of the labels: pages run where the package is installed.
    exporting : callable
        ``exporting(action)`` runs what the export button does, and shows its exception.
    words : sequence of str
        What can be said.

    Attributes
    ----------
    selected : str
        Id of the row in focus.
    table : RowTable
    marks : MarkBar
        Changes the label of the row in focus.
    path : str
        Where to export to; set to a piece of a path, it becomes whole.
    history : bool
        Whether all that was ever said is exported instead of what stands.
    error : Exception or None
        Why the labels are not shown as they are, as it stands above them.
    """

    selected = traitlets.Unicode("")
    path = traitlets.Unicode("")
    history = traitlets.Bool(False)

    def __init__(self, labels: LabelLog, path: str | Path, *, exporting: Callable[[Callable[[], Any]], None],
                 words: Sequence[str] = WORDS) -> None:
        self.labels, self._folder = labels, labels.path.resolve().parent
        self.table = RowTable(_frame([]), columns=COLUMNS, sort=("time", "descending"), height=360)
        self.table.label = "Labels"
        self.marks = MarkBar(labels, words, source="labels")
        self._problem, self._count, self._said = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.error: Exception | None = None
        where = ipywidgets.Text(description="Export to", continuous_update=False,
                                layout=ipywidgets.Layout(flex="1 1 28em", width="auto", max_width="70em"))
        where.style.description_width = "auto"
        everything = ipywidgets.Checkbox(description="with all that was said before", indent=False)
        save = button("Export", "Write the labels as .parquet or .csv", lambda: exporting(self.export))
        bar = ipywidgets.HBox([labelled(where, "Ends in .parquet or .csv; a name alone lies beside the labels"),
                               everything, save],
                              layout=ipywidgets.Layout(flex_flow="row wrap", align_items="center", grid_gap="0 1em"))
        bar.add_class("specanom-bar")
        super().__init__([self._problem, self._count, self.table, self.marks, self._said, bar], path=str(path))
        self.add_class("specanom-labels")
        traitlets.link((self, "path"), (where, "value"))
        traitlets.link((self, "history"), (everything, "value"))
        traitlets.link((self, "selected"), (self.marks, "target"))
        self.table.observe(self._on_row, "selected")
        self.marks.on_mark(lambda _id, _word: self.refresh())
        self.refresh()

    @traitlets.validate("path")
    def _whole_path(self, proposal: Any) -> str:
        return str(self._folder / Path(proposal["value"]).expanduser())

    @told
    def refresh(self) -> None:
        """Read the log anew; others may have written to it."""
        rows = []
        for id, latest in self.labels.current().items():
            others = [one for one in self.labels.standing(id) if one.author != latest.author]
            rows.append((latest, others))
        self.table.set_table(_frame(rows))
        torn = self.labels.torn
        known = f"{len(rows)} labelled" if rows else f"nothing labelled yet: {KEYS} on any page say a word"
        self._count.value = in_html(f"{known}; kept in {self.labels.path.resolve()}" + (
            f"; {torn} line{'s' * (torn > 1)} of the file cannot be read, and stay in it" if torn else ""))
        self.marks.refresh()
        self._show_history()

    def export(self) -> Path:
        """Write the labels to `path`; returns it."""
        return self.labels.export(Path(self.path), history=self.history)

    def _on_row(self, change: Any) -> None:
        if change["new"]:
            self.selected = change["new"]

    @traitlets.observe("selected")
    def _on_selected(self, change: Any) -> None:
        self._look_at(change["new"])

    @told
    def _look_at(self, id: str) -> None:
        there = id in self.labels.current()
        self.table.selected = id if there else ""
        self._show_history()

    def _show_history(self) -> None:
        said = self.labels.history(self.selected) if self.selected else []
        lines = "".join(f"<li>{in_html(when(one.time))}: {in_html(one.author or 'somebody')} "
                        f"{_what(one)}</li>" for one in reversed(said))
        self._said.value = f"<b>{in_html(self.selected)}</b><ul>{lines}</ul>" if said else ""


def _what(said: Label) -> str:
    if not said.label:
        return "took it back"
    note = f" – {in_html(said.note)}" if said.note else ""
    return f"said <b>{in_html(said.label)}</b>{note}"


def _frame(rows: Iterable[tuple[Label, Sequence[Label]]]) -> pd.DataFrame:
    made = [[one.id, one.label, one.note, one.author, one.time[:16].replace("T", " "),
             ", ".join(f"{other.author or 'somebody'}: {other.label}" for other in others), one.source]
            for one, others in rows]
    return pd.DataFrame(made, columns=["id", "label", "note", "author", "time", "others", "source"], dtype=object)
