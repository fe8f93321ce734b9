"""What a score makes of a sample: computed or looked up, drawn, ranked, and compared with other scores."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets
import traitlets

from specanom import scores as scoring
from specanom.errors import choice
from specanom.plots.counting import Doubles
from specanom.scores import METRICS, CalibratedScorer, Scorer
from specanom.scores.named import CALIBRATED
from specanom.triage import LabelLog

from ..base.dashboard import Dashboard, guarded
from ..base.table import RowTable
from .book import Obtained, ScoreBook
from .figures import ScoreFigures
from .rows import RankedRows
from .settings import code_of, key_of
from .state import ScoreState
from .words import count_words, standing_html, threshold_of

if TYPE_CHECKING:
    import pandas as pd

SETTINGS = ("metric", "filtered", "velocity", "lines", "chosen_lines", "trim", "calibrated")


class Ranking(ScoreState, Dashboard):
    """The half of the score picker that has to do with all spectra; :class:`.ScorePicker` builds its parts."""

    book: ScoreBook
    figures: ScoreFigures
    rows: RankedRows
    table: RowTable
    labels: LabelLog
    _standing: ipywidgets.HTML
    _listed: ipywidgets.SelectMultiple
    _values: Doubles
    _shown: tuple[Scorer, bool] | None = None
    _filled: tuple[int, dict[str, int]] | None = None
    _ready = False

    def _after_ranking(self) -> None:
        """Follow a new ranking with what shows one spectrum."""

    # -- what it results in ----------------------------------------------------------------------------------------

    @property
    def scorer(self) -> Scorer:
        """The score in force, before calibration."""
        return self.scorer_of(self.book.family)

    @property
    def label(self) -> str:
        """What the score in force is called."""
        return self.book.family.label(self.scorer) + CALIBRATED * self.calibrated

    @property
    def shown_label(self) -> str:
        """What the score that is drawn and ranked is called: while another is computed, it is still the one before."""
        if self._shown is None:
            return self.label
        scorer, calibrated = self._shown
        return self.book.family.label(scorer) + CALIBRATED * calibrated

    @property
    def result(self) -> Scorer | CalibratedScorer:
        """The score in force; a calibrated one is scored first if that is still to be done."""
        if not self.calibrated:
            return self.scorer
        given = self.book.reference_of(self.scorer)
        if given is not None:
            return given
        found = self.book.obtain([self.scorer], calibrated=False)
        assert found is not None  # nobody cancels
        return self.book.calibrate(self.scorer, found[0][1])

    def to_code(self) -> str:
        """Return Python that makes the score in force from ``model`` and ``sample``."""
        return code_of(self.scorer, calibrated=self.calibrated, neighbours=self.book.neighbours,
                       given=self.book.reference_of(self.scorer))

    # -- scores ----------------------------------------------------------------------------------------------------

    @traitlets.observe(*SETTINGS)
    def _on_setting(self, change: Any) -> None:
        if self._ready:
            self._rescore()
            if change["name"] == "calibrated":
                self._compare()

    @traitlets.observe("as_given")
    def _on_as_given(self, change: Any) -> None:
        if self._ready:
            self._recalibrate(change["new"])

    @guarded
    def _recalibrate(self, as_given: bool) -> None:
        for job in self.jobs:  # what they are at work on may be calibrated as it was
            job.cancel()
        self.book.keep_given(as_given)
        self._shown = None
        self._rescore()
        self._compare()

    @guarded
    def _rescore(self) -> None:
        """Show the score that the state means: at once when it is known or quick, else from the background."""
        scorer, calibrated = self.scorer, self.calibrated
        if self._shown is not None and (key_of(self._shown[0]), self._shown[1]) == (key_of(scorer), calibrated):
            return
        if not self.book.check(scorer, calibrated=calibrated):
            self.say(f"The column {self.label} given was made with other settings; it is computed anew.")
        self._get([scorer], calibrated, self._show_score, f"Scoring {len(self.sample):,} spectra")

    def _get(self, scorers: list[Scorer], calibrated: bool, show: Callable[[], None], title: str) -> None:
        """Compute what is missing of some scores, and then show them."""
        missing = self.book.missing(scorers, calibrated=calibrated)
        work = partial(self.book.obtain, missing, calibrated=calibrated)
        if not missing:
            show()
        elif self.book.quick(missing, calibrated=calibrated):
            self._keep(show, work())
        else:
            self.background(lambda progress, cancelled: work(progress=progress, cancelled=cancelled),
                            done=partial(self._keep, show), title=title)

    def _keep(self, show: Callable[[], None], found: list[Obtained] | None) -> None:
        if found is not None:
            self.book.keep(found)
            show()

    def _show_score(self) -> None:
        """Draw the score in force, if it is known."""
        scorer, calibrated = self.scorer, self.calibrated
        values = self.book.values(scorer, calibrated=calibrated)
        if values is None:
            return
        self._shown, self._values = (scorer, calibrated), values
        self.figures.show(values, label=self.label, calibrated=calibrated)
        self._fill_table()
        self._show_percentile()
        self._show_overlap()
        self._after_ranking()

    def _ranks(self, name: str, values: Doubles) -> Any:
        published = self.book.family.base.preset == "paper" and not name.endswith(CALIBRATED)
        return self.rows.ranks_of(name, values, nan="first" if published else "last")

    @traitlets.observe("percentile")
    def _on_percentile(self, _change: Any) -> None:
        if self._ready:
            self._show_percentile()

    @guarded
    def _show_percentile(self) -> None:
        at, words = self._above()
        self.figures.threshold(at, words)
        self._standing.value = standing_html(self._values, at, self.figures.histogram.groups)

    def _above(self) -> tuple[float, str]:
        at = threshold_of(self._values, self.percentile)
        return at, count_words(self._values, at)

    # -- comparing scores ------------------------------------------------------------------------------------------

    @traitlets.observe("compared")
    def _on_compared(self, _change: Any) -> None:
        if self._ready:
            self._offer()
            self._compare()

    def _on_listed(self, change: Any) -> None:
        if self._ready:
            self.compared = change["new"]

    def _comparable(self) -> list[str]:
        """Return what can be compared: what is known or was kept, and all metrics."""
        known = [name.removesuffix(CALIBRATED) for both in (False, True) for name in self.book.known(calibrated=both)]
        return list(dict.fromkeys([*known, *METRICS]))

    def _offer(self) -> None:
        """Let the list show what can be compared."""
        ready, self._ready = self._ready, False  # new options empty the list for a moment
        try:
            self._listed.options = list(dict.fromkeys([*self.compared, *self._comparable()]))
            self._listed.value = self.compared
        finally:
            self._ready = ready

    @traitlets.observe("top")
    def _on_top(self, _change: Any) -> None:
        if self._ready:
            self._show_overlap()

    @guarded
    def _compare(self) -> None:
        """Get the scores that are compared and show their ranks and overlap."""
        named = {name: self.book.scorer_named(name) for name in self.compared}
        for name in (name for name, scorer in named.items() if scorer is None):
            choice("compared", name, self._comparable())
        self._get([one for one in named.values() if one is not None], self.calibrated, self._show_compared,
                  "Scoring those compared")

    def _compared(self) -> dict[str, Doubles]:
        """Return the scores compared that are known, without the one in force."""
        known, end = self.book.known(calibrated=self.calibrated), CALIBRATED * self.calibrated
        return {name + end: known[name + end] for name in self.compared if name + end in known}

    def _show_compared(self) -> None:
        self._fill_table()
        self._show_overlap()

    def _frame(self) -> pd.DataFrame:
        """Return the table of what is known: the score in force, and ranks by those compared."""
        others = {name: self._ranks(name, values) for name, values in self._compared().items()}
        rank = self._ranks(self.shown_label, self._values)
        return self.rows.frame(self._values, rank, others, self.labels.current())

    def _content(self) -> tuple[int, dict[str, int]]:
        """Return what tells one content of the table from another; scores are never changed in place."""
        return id(self._values), {name: id(values) for name, values in self._compared().items()}

    def _fill_table(self) -> None:
        """Let the table hold what is known, sending no more than has changed."""
        before, self._filled = self._filled, self._content()
        if before is not None and before[1] == self._filled[1]:
            if before[0] != self._filled[0]:
                self.table.set_column("score", self._values)
                self.table.set_column("rank", self._ranks(self.label, self._values))
        else:
            self.table.set_table(self._frame())

    @guarded
    def _show_overlap(self) -> None:
        import pandas as pd

        shown = {self.shown_label: self._values} if self._shown is not None else {}
        columns = {**shown, **self._compared()}
        table = pd.DataFrame({"id": self.rows.keys, **columns})
        if self.book.family.base.preset == "paper" and not self.calibrated:
            table.attrs["nan_first"] = list(columns)
        shares = scoring.pairwise(table, self.top, list(columns)) if columns else pd.DataFrame()
        self.figures.shares(shares, self.top)
