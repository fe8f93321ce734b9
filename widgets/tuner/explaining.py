"""An explanation that follows its settings while they move: what the tuner computes, and when."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

import ipywidgets
import traitlets

from specanom.errors import ArgumentError, message
from specanom.explain import Explainer, Explanation
from specanom.explain.session import Session
from specanom.plots.explanation_data import by_width
from specanom.spectrum import Spectrum
from specanom.spectrumset import SpectrumSet

from ..base.dashboard import Dashboard, guarded
from ..base.pane import FigurePane, page_theme
from ..base.words import in_html
from .controls import TunerControls
from .describe import describe
from .edges import edges_between
from .figure import LiveExplanation
from .history import History
from .pace import Pace
from .scores import Scores
from .settings import TunerSettings

WORK = "explaining"


class LiveExplainer(Dashboard):
    """Explains one spectrum again whenever its settings change; :class:`.LimeTuner` adds hands, and tells of all."""

    settings = traitlets.Instance(TunerSettings)
    editing = traitlets.Bool(False)
    copies = traitlets.Bool(False)
    density = traitlets.Bool(False)
    stale = traitlets.Bool(False)

    def __init__(self, explainer: Explainer, spectrum: Spectrum, *, sample: SpectrumSet | None = None) -> None:
        self.start = TunerSettings.of(explainer)
        super().__init__()
        self.sample, self.spectrum = sample, spectrum
        self.scores = Scores(explainer.score, self.start.score, sample)
        self.set_trait("settings", self.start)
        self.set_trait("selected", spectrum.id)
        self.history, self._pace = History(), Pace()
        self._wanted: object = None
        self._row = self._places.get(spectrum.id, -1)
        self._at = spectrum, self._row  # what the figure shows; spectrum and _row may be ahead of it
        self._session = Session(spectrum)
        started = time.perf_counter()
        self.explanation: Explanation = self._session.explain(explainer)
        self.seconds, self._explained = time.perf_counter() - started, self.settings
        theme = page_theme()
        self.live = LiveExplanation(spectrum, self._shown, theme=theme)
        self.live.show_spectrum(spectrum, self._session.reconstruction)
        self.pane = FigurePane(self.live.root, label="spectrum and weights of its segments", theme=theme)
        self.live.theme = self.pane.theme
        self.controls = TunerControls(self.settings, pixels=len(spectrum), scores=self.scores.names)
        self.readout = ipywidgets.HTML()

    def follow(self) -> None:
        """Follow the traits from now on; called when all controls are tied to them, so that these come first."""
        traitlets.link((self, "settings"), (self.controls, "settings"))
        self.observe(self._on_settings, "settings")
        self.observe(self._on_selected, "selected")
        self.observe(self._on_view, ("editing", "copies", "density"))

    @property
    def result(self) -> Explainer:
        """The explainer tuned."""
        return self.settings.explainer(self.scores[self.settings.score])

    # -- explaining ------------------------------------------------------------------------------------------------

    @guarded
    def _on_settings(self, change: Any) -> None:
        self.history.note(change["old"], change["new"])
        self.explain()

    @guarded
    def take_score(self, score: Any) -> None:
        """Explain another score of the same spectra from now on, e.g. one that was picked in a ScorePicker."""
        name, before = self.scores.take(score), self.settings
        self.controls.scores = self.scores.names
        self.settings = self.settings.replace(score=name)
        if self.settings == before:  # another score of the same name
            self.explain()

    def explain(self) -> None:
        """Explain with the present settings, at once or, where that takes long, in the background."""
        self._wanted = wanted = object()
        ready = self.scores.ready(self.settings.score)
        reason = self.settings.refused(self.scores[self.settings.score] if ready else None, self.spectrum)
        if reason is not None:
            self.stale = True
            raise ArgumentError(reason)
        if not ready or self._pace.slow(self.settings, len(self.spectrum)):
            self.stale = True
            self._in_background()
            return
        session = self._session if self._at[0] is self.spectrum else Session(self.spectrum)
        started = time.perf_counter()
        try:
            found = session.explain(self.result)
        except Exception:
            self.stale = True
            raise
        if wanted is self._wanted:
            self._take(session, found, time.perf_counter() - started)

    def _take(self, session: Session, found: Explanation, seconds: float) -> None:
        self._pace.learn(self.settings, seconds, len(self.spectrum))
        another, self._at = self.spectrum is not self._at[0], (self.spectrum, self._row)
        self._session, self.explanation, self.seconds = session, found, seconds
        self._explained = self.settings
        with self.pane.batch():
            self.stale = False
            if another:
                self.live.show_spectrum(self.spectrum, session.reconstruction)
            self._draw()
        self._say_what()
        if another:
            self._arrived()

    def _arrived(self) -> None:
        """Follow another spectrum with what else is shown of it."""

    def _in_background(self) -> None:
        """Work for the newest settings on one thread, however many come meanwhile."""
        if any(job.title == WORK and not job.cancelled for job in self.jobs):
            return
        self.background(self._work, done=self._worked, title=WORK)

    def _work(self, _progress: Callable[[float], None], cancelled: Callable[[], bool]) -> Any:
        while True:
            wanted, settings, session = self._wanted, self.settings, Session(self.spectrum)
            started = time.perf_counter()
            try:
                found: Any = session.explain(settings.explainer(self.scores[settings.score]))
            except Exception as exc:
                found = exc
            if wanted is self._wanted or cancelled():
                return wanted, session, found, time.perf_counter() - started

    def _worked(self, result: tuple[object, Session, Any, float]) -> None:
        wanted, session, found, seconds = result
        if wanted is not self._wanted:
            if self.stale:
                self._in_background()
            return
        if isinstance(found, Exception):
            self._go_back()
            raise found
        self._take(session, found, seconds)

    # -- showing ---------------------------------------------------------------------------------------------------

    @property
    def _shown(self) -> Explanation:
        return by_width(self.explanation) if self.density else self.explanation

    def show(self) -> None:
        """Bring the figure to the present explanation, and then the words: the page takes its time over these."""
        self._draw()
        self._say_what()

    def _draw(self) -> None:
        e = self._shown
        with self.pane.batch():
            self.live.show(e, editing=self.editing, density=self.density)
            if self.copies or self.live.neighbours.panel.visible:
                problem = self._session.problem
                fill = problem.fill if self.copies and problem is not None else None
                self.live.show_copies(fill, self._session.copies(), e)

    def _say_what(self) -> None:
        self._read_out()
        self.controls.edges = edges_between(self._shown.segments, self._shown.wave)

    def _read_out(self) -> None:
        """Say the grade and the numbers, in colours of the theme."""
        notes = "".join(f"<br><b>Note:</b> {in_html(note)}" for note in self._session.notes)
        self.readout.value = describe(self.explanation, self.seconds, theme=self.pane.theme) + notes

    @guarded
    def _on_view(self, _change: Any) -> None:
        self.show()

    @traitlets.observe("stale")
    def _on_stale(self, change: Any) -> None:
        with self.pane.batch():
            self.live.veil(change["new"])

    def recolour(self, theme: str) -> None:
        """Compute the next colours for the theme of the page."""
        self.live.theme = theme
        self._read_out()

    # -- another spectrum ------------------------------------------------------------------------------------------

    @guarded
    def _on_selected(self, change: Any) -> None:
        if change["new"] == self.spectrum.id:
            return
        if self.sample is None:
            self.set_trait("selected", self.spectrum.id)
            raise ArgumentError(message("selected", expected="a sample to choose from", got="one spectrum alone",
                                        hint="explainer.tune(spectrum, sample=sample)"))
        try:
            self.look_at(self.sample.by_id(change["new"]))
        except Exception:
            self.set_trait("selected", self.spectrum.id)
            raise

    def look_at(self, spectrum: Spectrum) -> None:
        """Explain another spectrum on the same grid; the one before stays, greyed out, until that is done."""
        self._look_at(spectrum, self._places.get(spectrum.id, -1))

    def _look_at(self, spectrum: Spectrum, row: int) -> None:
        self.spectrum, self._row = spectrum, row
        try:
            self.explain()
        except Exception:
            self._go_back()
            raise
        self.set_trait("selected", spectrum.id)

    def _go_back(self) -> None:
        """Stay with the spectrum that is shown: the one that was to follow cannot be explained."""
        if self.spectrum is not self._at[0]:
            self.spectrum, self._row = self._at
            self.set_trait("selected", self.spectrum.id)
            self.stale = self.settings != self._explained

    def step(self, by: int) -> None:
        """Go `by` spectra on in the sample."""
        if self.sample is not None:
            self._step(by)

    @guarded
    def _step(self, by: int) -> None:
        assert self.sample is not None
        row = self._row + by  # ids may stand more than once
        if 0 <= row < len(self.sample):
            self._look_at(self.sample[row], row)

    @cached_property
    def _ids(self) -> list[str]:
        return [] if self.sample is None else self.sample.ids

    @cached_property
    def _places(self) -> dict[str, int]:
        return {id: i for i, id in reversed(list(enumerate(self._ids)))}
