"""LimeTuner: an explanation that follows its settings while they move."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from html import escape
from typing import Any

import ipywidgets
import pandas as pd
import traitlets

from specanom.errors import ArgumentError, choice, message
from specanom.explain import Explainer, Explanation
from specanom.explain.session import Session
from specanom.plots.explanation_data import by_width
from specanom.spectrum import Spectrum
from specanom.spectrumset import SpectrumSet

from ..base.controls import bound, button
from ..base.dashboard import Dashboard, guarded
from ..base.pane import FigurePane, page_theme
from .code import to_code
from .controls import LayoutButtons, TunerControls
from .describe import describe
from .edges import add_edge, borders_of, edges_between, move_edge, remove_edge
from .figure import LiveExplanation
from .history import History
from .pace import Pace
from .pins import Pin, PinBoard, differences
from .presets import LAYOUTS
from .scores import Scores
from .settings import TunerSettings

WORK = "explaining"
AGAIN = "pinned settings on this spectrum"


class LimeTuner(Dashboard):
    """Tunes an explanation: it follows every slider while it moves.

    Parameters
    ----------
    explainer : Explainer
        Where tuning begins.
    spectrum : Spectrum
        What is explained first.
    sample : SpectrumSet, optional
        More spectra on the same grid, to go through and to calibrate scores with.

    Attributes
    ----------
    settings : TunerSettings
        All that can be tuned; setting it moves the controls.
    selected : str
        Id of the spectrum; another id of the sample switches to it.
    editing : bool
        Whether edges between segments are shown and can be dragged; a double click adds one, or takes away the one
        under the mouse.
    copies : bool
        Whether the fill and a few perturbed copies with their scores are drawn.
    density : bool
        Whether weights are shown per Å, which compares segments of different widths.
    explanation : Explanation
        The one that is shown.
    result : Explainer
        The explainer tuned.
    pins : tuple of Pin
        Settings kept side by side, at most four.
    stale : bool
        Whether the figure is greyed out because it does not show what the controls say.

    Examples
    --------
    >>> import specanom as sa
    >>> sample = sa.Preprocessor().fit_transform(sa.surveys.mock(n=60, seed=1))
    >>> explainer = sa.Explainer(sa.Scorer(sa.PCAModel(4).fit(sample), "chi2_ivar"))
    >>> tuner = LimeTuner(explainer, sample[0], sample=sample)
    >>> tuner.settings = tuner.settings.replace(count=40)
    >>> tuner.explanation.n_segments
    40
    """

    title = "Tune an explanation"

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
        self._history, self._pace = History(), Pace()
        self._wanted: object = None
        self._changing = False
        self._touched: float | None = None
        self._dragging = False
        self._session = Session(spectrum)
        started = time.perf_counter()
        self.explanation: Explanation = self._session.explain(explainer)
        self.seconds = time.perf_counter() - started
        theme = page_theme()
        self.live = LiveExplanation(spectrum, self._shown, theme=theme)
        self.live.show_spectrum(spectrum, self._session.reconstruction)
        self.pane = FigurePane(self.live.root, label="spectrum and weights of its segments", theme=theme)
        self.live.theme = self.pane.theme
        self.controls = TunerControls(self.settings, pixels=len(spectrum), scores=self.scores.names)
        self._readout = ipywidgets.HTML()
        self.board = PinBoard(restore=self._restore, swap=self._swap, changed=self._on_pins)
        self.build(controls=[self.controls], main=[*self._bars(), self._readout, self.pane, self.board],
                   panes=[self.pane])
        traitlets.link((self, "settings"), (self.controls, "settings"))
        self.live.edges.on_drag(self._dragged, self.remove_edge)
        self.live.edges.on_double_tap(self.add_edge)
        self.observe(self._on_settings, "settings")
        self.observe(self._on_selected, "selected")
        self.observe(self._on_view, ("editing", "copies", "density"))
        self._show()

    # -- what it results in ----------------------------------------------------------------------------------------

    @property
    def result(self) -> Explainer:
        """The explainer tuned."""
        return self.settings.explainer(self.scores[self.settings.score])

    def to_code(self) -> str:
        """Return Python that makes this explainer from ``score``, the one given, and explains with it."""
        chosen = self.scores.code(self.settings.score)
        given = "score, sample" if "sample" in chosen or self.sample is not None else "score, spectrum"
        setup = f"# {given}: as given to the tuner"
        if chosen != "score":
            setup += f"\ntuned = {chosen}"
        which = "spectrum" if self.sample is None else f"sample.by_id({_literal(self.selected)})"
        return to_code(self.settings, setup=setup, score="score" if chosen == "score" else "tuned", spectrum=which)

    def facts(self) -> Sequence[tuple[str, str]]:
        """Return (name, value) pairs of the state."""
        e = self.explanation
        told = [("spectrum", e.id), ("score", f"{e.settings['score']} {e.score:.5g}"), ("segments", str(e.n_segments)),
                ("grade", f"{e.grade} ({e.reason})"), ("R²", f"{e.r2:.3f}"), ("effective samples", f"{e.ess:.0f}"),
                ("stability of the leading segment", f"{e.stability:.2f}"), ("path", e.path),
                ("time", f"{1e3 * self.seconds:.0f} ms"), ("context", repr(e.context))]
        return told + [(f"pinned {i}", f"{pin.title}: {pin.explanation.grade} ({pin.explanation.reason})")
                       for i, pin in enumerate(self.pins, 1)]

    def tables(self) -> Sequence[tuple[str, pd.DataFrame]]:
        """Return the segments by falling weight."""
        return [("Segments", self.explanation.to_frame().iloc[self.explanation.order])]

    # -- explaining ------------------------------------------------------------------------------------------------

    @guarded
    def _on_settings(self, change: Any) -> None:
        if not self._changing:
            self._history.note(change["old"], change["new"])
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
        started = time.perf_counter()
        try:
            found = self._session.explain(self.result)
        except Exception:
            self.stale = True
            raise
        if wanted is self._wanted:
            self._take(found, time.perf_counter() - started)

    def _take(self, found: Explanation, seconds: float) -> None:
        self._pace.learn(self.settings, seconds, len(self.spectrum))
        self.explanation, self.seconds = found, seconds
        self.stale = False
        self._show()

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
            raise found
        self._session = session
        self._take(found, seconds)

    # -- showing ---------------------------------------------------------------------------------------------------

    @property
    def _shown(self) -> Explanation:
        return by_width(self.explanation) if self.density else self.explanation

    def _show(self) -> None:
        """Bring the figure to the present explanation."""
        e = self._shown
        with self.pane.batch():
            self.live.show(e, editing=self.editing, density=self.density)
            if self.copies or self.live.neighbours.panel.visible:
                problem = self._session.problem
                fill = problem.fill if self.copies and problem is not None else None
                self.live.show_copies(fill, self._session.copies(), e)
        notes = "".join(f"<br><b>Note:</b> {escape(note)}" for note in self._session.notes)
        self._readout.value = describe(self.explanation, self.seconds, theme=self.pane.theme) + notes
        self.controls.edges = edges_between(e.segments, e.wave)

    @guarded
    def _on_view(self, _change: Any) -> None:
        self._show()

    @traitlets.observe("stale")
    def _on_stale(self, change: Any) -> None:
        with self.pane.batch():
            self.live.veil(change["new"])

    def recolour(self, theme: str) -> None:
        """Compute the next colours for the theme of the page."""
        self.live.theme = theme

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
        """Explain another spectrum on the same grid."""
        session = Session(spectrum)
        started = time.perf_counter()
        found = session.explain(self.result)
        self.spectrum, self._session = spectrum, session
        self.set_trait("selected", spectrum.id)
        self._wanted = object()
        with self.pane.batch():
            self.live.show_spectrum(spectrum, session.reconstruction)
            self._take(found, time.perf_counter() - started)
        if self.pins:
            self.background(self._pins_again, done=self.board.renew, title=AGAIN)

    def step(self, by: int) -> None:
        """Go `by` spectra on in the sample."""
        if self.sample is not None:
            self._step(by)

    @guarded
    def _step(self, by: int) -> None:
        assert self.sample is not None
        place = self._places.get(self.spectrum.id, -1) + by
        if 0 <= place < len(self.sample):
            self.selected = self._ids[place]

    @cached_property
    def _ids(self) -> list[str]:
        return [] if self.sample is None else self.sample.ids

    @cached_property
    def _places(self) -> dict[str, int]:
        return {id: i for i, id in reversed(list(enumerate(self._ids)))}

    # -- edges -----------------------------------------------------------------------------------------------------

    def set_edges(self, edges: Sequence[float]) -> None:
        """Cut the spectrum at some wavelengths, Å, in its frame."""
        self.settings = self.settings.replace(segmentation="boundaries", edges=tuple(edges))

    @property
    def edges(self) -> tuple[float, ...]:
        """Edges of the segments that are shown, Å."""
        return edges_between(self.explanation.segments, self.explanation.wave)

    @guarded
    def _dragged(self, index: int, place: float, done: bool) -> None:
        self._touched = place
        edges = self.edges
        if index < len(edges):
            if not self._dragging:
                self._history.close()
            before, self._changing = self._changing, self._dragging  # the whole movement is one step back
            try:
                self.set_edges(move_edge(edges, index, place, borders=borders_of(self.spectrum.wave)))
            finally:
                self._changing = before
        self._dragging = not done
        if done:
            self._show()

    @guarded
    def add_edge(self, place: float) -> None:
        """Cut the spectrum once more, at the border of pixels nearest to `place` (Å)."""
        self._history.close()
        self.set_edges(add_edge(self.edges, place, borders=borders_of(self.spectrum.wave)))

    @guarded
    def remove_edge(self, index: int) -> None:
        """Take one edge away, which joins two segments."""
        self._history.close()
        self.set_edges(remove_edge(self.edges, index))

    def remove_touched(self) -> None:
        """Take away the edge that was dragged last."""
        if self.editing and self._touched is not None and self.edges:
            at, self._touched = self._touched, None
            self.remove_edge(min(range(len(self.edges)), key=lambda i: abs(self.edges[i] - at)))

    # -- back ------------------------------------------------------------------------------------------------------

    @guarded
    def undo(self) -> None:
        """Go back to the settings before the last change."""
        before = self._history.back()
        if before is None:
            self.say("nothing to undo")
            return
        self._changing = True
        try:
            self.settings = before
        finally:
            self._changing = False

    @guarded
    def reset(self) -> None:
        """Go back to the explainer that was given."""
        self._history.close()
        self.settings = self.start

    # -- side by side ----------------------------------------------------------------------------------------------

    @property
    def pins(self) -> tuple[Pin, ...]:
        """Settings kept side by side."""
        return self.board.pins

    @guarded
    def pin(self) -> None:
        """Keep the present settings beside the others."""
        title = differences(self.settings, self.start)
        self.board.add(self.settings, self.explanation, self.seconds, title=title, theme=self.pane.theme)

    @guarded
    def show_layout(self, name: str) -> None:
        """Pin the settings of one of the paper's figures, and go on from the first of them.

        Parameters
        ----------
        name : str
            E.g. ``"Fig. 7"``.
        """
        layout = next((one for one in LAYOUTS if one.name == name), None)
        if layout is None:
            choice("name", name, [one.name for one in LAYOUTS])
            return
        wanted = layout.pins(self.settings)
        self.board.clear()
        session = Session(self.spectrum)
        for settings, label in zip(wanted, layout.labels, strict=True):
            started = time.perf_counter()
            found = session.explain(settings.explainer(self.scores[settings.score]))
            self.board.add(settings, found, time.perf_counter() - started, title=f"{layout.name}: {label}",
                           theme=self.pane.theme)
        self.board.told(layout.told)
        self._history.close()
        self.settings = wanted[0]

    def _restore(self, pin: Pin) -> None:
        self._choose(pin.settings)

    @guarded
    def _choose(self, settings: TunerSettings) -> None:
        self._history.close()
        self.settings = settings

    @guarded
    def _swap(self, pin: Pin) -> None:
        mine, seconds, found = self.settings, self.seconds, self.explanation
        theirs = pin.settings
        self._history.close()
        pin.show(found, seconds, settings=mine, title=differences(mine, self.start))
        self.settings = theirs

    def _on_pins(self) -> None:
        self.panes = (self.pane, *(pin.pane for pin in self.pins))
        for pane in self.panes[1:]:
            pane.follow = self.theme

    def _pins_again(self, _progress: Callable[[float], None], cancelled: Callable[[], bool]) -> Any:
        session, made = Session(self.spectrum), []
        for pin in self.pins:
            if cancelled():
                break
            started = time.perf_counter()
            found = session.explain(pin.settings.explainer(self.scores[pin.settings.score]))
            made.append((pin, found, time.perf_counter() - started))
        return made

    # -- hands -----------------------------------------------------------------------------------------------------

    def shortcuts(self) -> Mapping[str, tuple[str, Callable[[], None]]]:
        """Return what keys do."""
        return {
            **super().shortcuts(),
            "ArrowLeft": ("previous spectrum", lambda: self.step(-1)),
            "ArrowRight": ("next spectrum", lambda: self.step(1)),
            "p": ("pin these settings", self.pin),
            "u": ("undo", self.undo),
            "r": ("reset to the explainer given", self.reset),
            "e": ("show or hide edges to drag", lambda: self.set_trait("editing", not self.editing)),
            "n": ("show or hide fill and perturbed copies", lambda: self.set_trait("copies", not self.copies)),
            "Delete": ("remove the edge dragged last", self.remove_touched),
        }

    def _bars(self) -> list[ipywidgets.Widget]:
        """Return the rows of buttons above the figure."""
        word = ipywidgets.Layout(width="auto")
        which = bound(self, "selected", ipywidgets.Text(description="Spectrum", continuous_update=False,
                                                        tooltip="Its id; another id of the sample switches to it."))
        there = self.sample is not None
        which.disabled = not there
        step = [button("◀", "Previous spectrum of the sample (←)", lambda: self.step(-1)), which,
                button("▶", "Next spectrum of the sample (→)", lambda: self.step(1))]
        for one in (step[0], step[2]):
            one.disabled = not there
        toggles = [bound(self, name, ipywidgets.ToggleButton(description=text, tooltip=told, layout=word))
                   for name, text, told in TOGGLES]
        back = [button("Undo", "Back to the settings before the last change (u)", self.undo),
                button("Reset", "Back to the explainer that was given (r)", self.reset),
                button("Pin", "Keep these settings side by side with others (p)", self.pin)]
        rows = [ipywidgets.HBox(step), ipywidgets.HBox([*toggles, *back]), LayoutButtons(self.show_layout)]
        for row in rows:
            row.add_class("specanom-bar")
            row.layout.flex_flow = "row wrap"
        return rows


TOGGLES = (
    ("editing", "Edges", "Show the edges between segments: drag them, double-click to add or remove one (e)"),
    ("copies", "Copies", "Show the fill and a few perturbed copies with their scores (n)"),
    ("density", "per Å", "Show weights per Å, which compares segments of different widths"),
)


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
