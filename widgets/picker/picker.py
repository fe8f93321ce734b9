"""ScorePicker: find the score that puts the objects of interest on top, and look at them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets
import numpy as np
import traitlets

from specanom.plots.counting import Doubles
from specanom.scores import METRICS, CalibratedScorer, Scorer
from specanom.spectrumset import SpectrumSet
from specanom.surveys.viewers import Cutouts
from specanom.triage import LabelLog

from ..base.dashboard import guarded
from ..base.locking import LOCK
from ..base.table import RowTable
from ..marks import MarkBar
from .book import ScoreBook
from .figures import ScoreFigures
from .focus import FocusView
from .layout import arrange, beside
from .panel import compare_controls, score_controls, spectrum_controls, view_controls
from .ranking import Ranking
from .rows import RankedRows, formats, headings
from .settings import sentence_of
from .state import WHOLE, WINDOWS

if TYPE_CHECKING:
    import pandas as pd

LABELS = "labels.jsonl"
"""File of marks when none is named, in the working folder; it is made by the first mark."""
MOST = 12
"""Scores compared at first, at most."""


class ScorePicker(Ranking):
    """Try scores on a sample: what they rank first, what they depend on, and how far they agree.

    Parameters
    ----------
    scorer : Scorer or CalibratedScorer
        Where to begin; its model makes the reconstructions.
    sample : SpectrumSet
        What is ranked, and what scores are calibrated against; a scorer that was calibrated with another sample keeps
        its calibration until ``as_given`` is set to False. A set on disk is read row by row as spectra are looked at.
    scores : DataFrame, optional
        Scores that are known, by ``id``, called as those of a run (``mse``, ``mse_filtered``, ``chi2_ivar_cal`` …):
        they are there at once. A few are computed anew before a column is used; one that does not agree is dropped.
    labels : path-like, optional
        File of the marks; ``labels.jsonl`` in the working folder when not given.
    cutouts : Cutouts, optional
        Where pictures of the sky come from. Nobody is asked for one unless it says so.

    Attributes
    ----------
    book : ScoreBook
        All scores so far.
    table : RowTable
    figures : ScoreFigures
    labels : LabelLog
        The marks.
    """

    title: ClassVar[str] = "Score picker"

    def __init__(self, scorer: Scorer | CalibratedScorer, sample: SpectrumSet, *, scores: pd.DataFrame | None = None,
                 labels: str | Path | None = None, cutouts: Cutouts | None = None) -> None:
        super().__init__()
        self.book = ScoreBook(scorer, sample, scores)
        self.sample, self.labels = sample, LabelLog(LABELS if labels is None else labels)
        self.rows, self.figures = RankedRows(self.book.places), ScoreFigures(self.book.places)
        self.spectrum = FocusView(self.book, cutouts)
        self._values: Doubles = np.full(len(sample), np.nan)
        self._untouched = True  # nobody has chosen a spectrum yet: the oddest one is shown
        self.take(scorer)
        self.compared = self._companions()
        self._make_table()
        self._lay_out()
        with LOCK:  # a score that is ready before the first spectrum is drawn waits, or it would be taken for a choice
            self._ready = True
            self._rescore()
            self._compare()
            self._begin()

    # -- what it says ----------------------------------------------------------------------------------------------

    def facts(self) -> Sequence[tuple[str, str]]:
        """Return the state in words."""
        shown = [("spectrum in focus", self.selected)] if self.selected else []
        score = sentence_of(self.scorer, calibrated=self.calibrated, given=self.book.reference_of(self.scorer))
        return [("score", score), ("sample", repr(self.sample)),
                (f"above the {self.percentile:g} % percentile", self._above()[1]), *shown,
                ("marks", repr(self.labels))]

    def tables(self) -> Sequence[tuple[str, pd.DataFrame]]:
        """Return the ranked table in the order shown."""
        return [("Ranked spectra", self.table.view())]

    # -- moving about ----------------------------------------------------------------------------------------------

    def shortcuts(self) -> Mapping[str, tuple[str, Callable[[], None]]]:
        """Return what keys do."""
        step = {"ArrowDown": 1, "j": 1, "ArrowUp": -1, "k": -1}
        moves = {key: (f"{'next' if by > 0 else 'previous'} row", partial(self.table.next, by))
                 for key, by in step.items()}
        flips = {"f": ("line filter on or off", partial(self._flip, "filtered")),
                 "x": ("calibration on or off", partial(self._flip, "calibrated"))}
        return {**super().shortcuts(), **moves, **self.marks.shortcuts(), **flips,
                "o": ("rest or observed frame", self._other_frame),
                "z": ("zoom to the next part of the spectrum", self._next_window),
                "w": ("see the whole spectrum", self._whole),
                "p": ("keep this score for comparison", self.pin)}

    def pin(self) -> None:
        """Rank and compare the score in force beside the others from now on, with these settings."""
        label = self.book.family.label(self.scorer)
        if label not in self.compared:
            self.compared = (*self.compared, label)

    def _flip(self, name: str) -> None:
        setattr(self, name, not getattr(self, name))

    def _other_frame(self) -> None:
        self.frame = "observed" if self.frame == "rest" else "rest"

    def _next_window(self) -> None:
        names = list(WINDOWS)
        self.zoom = names[(names.index(self.zoom) + 1) % len(names)]

    def _whole(self) -> None:
        """Undo what was dragged in the figure as well."""
        self.zoom = WHOLE
        self._show_window()

    # -- building --------------------------------------------------------------------------------------------------

    def _companions(self) -> tuple[str, ...]:
        """Return what is compared at first: what is known, or all metrics of a small sample."""
        known = [name.removesuffix("_cal") for name in self.book.known(calibrated=self.calibrated)]
        usable = [name for name, metric in METRICS.items()
                  if metric.weighting != "ivar" or self.sample.rows("ivar") is not None]
        if not known and self.book.quick([self.book.family.scorer(name) for name in usable]):
            known = usable
        return tuple(dict.fromkeys(known))[:MOST]

    def _make_table(self) -> None:
        known = self.book.values(self.scorer, calibrated=self.calibrated)
        self._values = self._values if known is None else known
        frame, self._filled = self._frame(), self._content()
        self.table = RowTable(frame, columns=headings(frame), formats=formats(frame), sort=("rank", "ascending"),
                              height=424)
        self.table.label = "Ranked spectra"
        self.table.observe(self._on_table, "selected")

    def _lay_out(self) -> None:
        self.marks = MarkBar(self.labels, source="score picker")
        self.marks.on_mark(self._marked)
        self._standing = ipywidgets.HTML()
        compare, self._listed = compare_controls(self)
        self._offer()
        self._listed.observe(self._on_listed, "value")
        controls = [*score_controls(self), view_controls(self, self._standing), compare]
        self.figures.histogram.on_tap = self._tapped_score
        self.figures.overlap.on_tap = self._tapped_pair
        for scatter in self.figures.scatters.values():
            scatter.on_tap = self._tapped_row
        panes = dict(self.figures.panes)
        histogram = panes.pop("histogram")
        head = beside(self.spectrum.details.root, spectrum_controls(self))
        main = arrange([self.table, histogram], [head, self.marks, self.spectrum.pane], list(panes.values()))
        self.build(controls=controls, main=main, panes=[self.spectrum.pane, *self.figures.panes.values()])

    # -- the spectrum in focus -------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Put the oddest spectrum in focus until somebody chooses one."""
        if self._untouched and self.table.shown:
            self.row = self.rows.row(str(self.table.view()["id"].iloc[0]))
            self._untouched = True

    def _on_table(self, change: Any) -> None:
        if change["new"]:
            self.row = self.rows.row(change["new"])

    @traitlets.observe("selected")
    def _on_selected(self, change: Any) -> None:
        if self._ready and not (0 <= self.row < len(self.rows.ids) and self.rows.ids[self.row] == change["new"]):
            row = self.rows.row(change["new"])
            if row < 0 and change["new"]:
                self.say(f"{change['new']} is not in this sample.")
            self.row = row

    @traitlets.observe("row")
    def _on_row(self, _change: Any) -> None:
        known = 0 <= self.row < len(self.rows.ids)
        self._untouched = False
        self.selected = self.rows.ids[self.row] if known else ""
        self.table.selected = self.rows.keys[self.row] if known else ""
        self.marks.target = self.selected
        self._show_focus()
        self._show_spectrum()

    @traitlets.observe("frame")
    def _on_frame(self, _change: Any) -> None:
        if self._ready:
            self._show_spectrum()

    @traitlets.observe("zoom")
    def _on_zoom(self, _change: Any) -> None:
        if self._ready:
            self._show_window()

    @guarded
    def _show_window(self) -> None:
        self.spectrum.window(WINDOWS[self.zoom])

    def _after_ranking(self) -> None:
        self._begin()
        self.figures.mark(self.rows.marked(self.labels.current()))
        self._show_focus()
        self._show_spectrum()

    @guarded
    def _show_focus(self) -> None:
        if 0 <= self.row < len(self._values):
            self.figures.focus(self.row, float(self._values[self.row]))
        else:
            self.figures.focus(-1, np.nan)

    @guarded
    def _show_spectrum(self) -> None:
        if 0 <= self.row < len(self.rows.ids):
            rank = int(self._ranks(self.shown_label, self._values)[self.row]) if self._shown else 0
            self.spectrum.show(self, self.row, frame=self.frame, window=WINDOWS[self.zoom],
                               facts=self._facts_of(self.row, rank))

    def _facts_of(self, row: int, rank: int) -> list[tuple[str, str]]:
        score = float(self._values[row])
        facts = [(self.shown_label, f"{score:.4g}" if np.isfinite(score) else "no score")]
        return facts + ([("rank", f"{rank:,} of {len(self.rows.ids):,}")] if rank else [])

    # -- marks and taps --------------------------------------------------------------------------------------------

    def refresh_marks(self) -> None:
        """Read the marks anew: they may have been given elsewhere."""
        self.marks.refresh()
        self._marked()

    @guarded
    def _marked(self, *_said: Any) -> None:
        marks = self.labels.current()
        for name, of in (("mark", "label"), ("note", "note")):
            self.table.set_column(name, self.rows.words(marks, of))
        self.figures.mark(self.rows.marked(marks))

    @guarded
    def _tapped_row(self, row: int) -> None:
        self.row = row

    @guarded
    def _tapped_score(self, value: float) -> None:
        finite = self._values[np.isfinite(self._values)]
        if finite.size:
            self.percentile = float(np.clip(round(100.0 * float((finite <= value).mean()), 1), 50.0, 99.9))

    @guarded
    def _tapped_pair(self, first: str, second: str) -> None:
        """Let the table show what both lists have; a second tap on the same cell shows all again."""
        columns = ["rank" if name == self.shown_label else f"{name}_rank" for name in dict.fromkeys([first, second])]
        quoted = [name if name.isidentifier() else f"`{name}`" for name in columns]
        wanted = " and ".join(f"{name} <= {self.top}" for name in quoted)
        self.table.filter = "" if self.table.filter == wanted else wanted
