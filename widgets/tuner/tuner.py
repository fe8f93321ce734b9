"""LimeTuner: the live explanation with hands: edges to drag, settings side by side, keys."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import ipywidgets
import pandas as pd

from specanom.errors import choice
from specanom.explain import Explainer
from specanom.explain.session import Session
from specanom.spectrum import Spectrum
from specanom.spectrumset import SpectrumSet

from ..base.controls import bound, button
from ..base.dashboard import guarded
from .code import to_code
from .controls import LayoutButtons
from .edges import add_edge, borders_of, edges_between, move_edge, remove_edge
from .explaining import LiveExplainer
from .pins import Pin, PinBoard, differences
from .presets import LAYOUTS
from .settings import TunerSettings

AGAIN = "pinned settings on this spectrum"


class LimeTuner(LiveExplainer):
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

    title: ClassVar[str] = "Tune an explanation"

    def __init__(self, explainer: Explainer, spectrum: Spectrum, *, sample: SpectrumSet | None = None) -> None:
        super().__init__(explainer, spectrum, sample=sample)
        self._touched: float | None = None
        self._dragging = False
        self.board = PinBoard(restore=self._restore, swap=self._swap, changed=self._on_pins)
        self.build(controls=[self.controls], main=[*self._bars(), self.readout, self.pane, self.board],
                   panes=[self.pane])
        self.live.edges.on_drag(self._dragged, self.remove_edge)
        self.live.edges.on_double_tap(self.add_edge)
        self.follow()
        self.show()

    # -- what it results in ----------------------------------------------------------------------------------------

    def to_code(self) -> str:
        """Return Python that makes this explainer from ``score``, the one given, and explains with it."""
        chosen = self.scores.code(self.settings.score)
        given = "score, sample" if "sample" in chosen or self.sample is not None else "score, spectrum"
        setup = f"# {given}: as given to the tuner"
        if chosen != "score":
            setup += f"\ntuned = {chosen}"
        return to_code(self.settings, setup=setup, score="score" if chosen == "score" else "tuned",
                       spectrum=self._which())

    def _which(self) -> str:
        """Return the expression for the spectrum."""
        if self.sample is None:
            return "spectrum"
        first = self._places.get(self.selected)
        return f"sample.by_id({_literal(self.selected)})" if self._row == first else f"sample[{self._row}]"

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

    def _arrived(self) -> None:
        if self.pins:
            self.background(self._pins_again, done=self.board.renew, title=AGAIN)

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
                self.history.close()
            with self.history.paused(self._dragging):  # the whole movement is one step back
                self.set_edges(move_edge(edges, index, place, borders=borders_of(self.spectrum.wave)))
        self._dragging = not done
        if done:
            self.show()

    @guarded
    def add_edge(self, place: float) -> None:
        """Cut the spectrum once more, at the border of pixels nearest to `place` (Å)."""
        self.history.close()
        self.set_edges(add_edge(self.edges, place, borders=borders_of(self.spectrum.wave)))

    @guarded
    def remove_edge(self, index: int) -> None:
        """Take one edge away, which joins two segments."""
        self.history.close()
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
        before = self.history.back()
        if before is None:
            self.say("nothing to undo")
            return
        with self.history.paused():
            self.settings = before

    @guarded
    def reset(self) -> None:
        """Go back to the explainer that was given."""
        self.history.close()
        self.settings = self.start

    # -- side by side ----------------------------------------------------------------------------------------------

    @property
    def pins(self) -> tuple[Pin, ...]:
        """Settings kept side by side."""
        return self.board.pins

    @guarded
    def pin(self) -> None:
        """Keep the present settings beside the others."""
        if self._unexplained():
            return
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
        self.history.close()
        self.settings = wanted[0]

    def _restore(self, pin: Pin) -> None:
        self._choose(pin.settings)

    @guarded
    def _choose(self, settings: TunerSettings) -> None:
        self.history.close()
        self.settings = settings

    @guarded
    def _swap(self, pin: Pin) -> None:
        if self._unexplained():
            return
        mine, seconds, found = self.settings, self.seconds, self.explanation
        theirs = pin.settings
        self.history.close()
        pin.show(found, seconds, settings=mine, title=differences(mine, self.start))
        self.settings = theirs

    def _unexplained(self) -> bool:
        """Whether the explanation shown is of other settings, which is said: they must not be kept together."""
        if self.stale:
            self.say("these settings have no explanation yet: wait for it, or change what is refused")
        return self.stale

    def _on_pins(self) -> None:
        self.panes = (self.pane, *(pin.pane for pin in self.pins))
        for pane in self.panes[1:]:
            pane.follow = self.theme

    def _pins_again(self, _progress: Callable[[float], None], cancelled: Callable[[], bool]) -> Any:
        session, made = Session(self.spectrum), []
        for pin in self.pins:
            if cancelled():
                break
            started, settings = time.perf_counter(), pin.settings
            found = session.explain(settings.explainer(self.scores[settings.score]))
            made.append((pin, settings, found, time.perf_counter() - started))
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
        which.style.description_width = "auto"
        for one in (step[0], step[2]):
            one.disabled = not there
        toggles = [bound(self, name, ipywidgets.ToggleButton(description=text, tooltip=told, layout=word))
                   for name, text, told in TOGGLES]
        back = [button("Undo", "Back to the settings before the last change (u)", self.undo),
                button("Reset", "Back to the explainer that was given (r)", self.reset),
                button("Pin", "Keep these settings side by side with others (p)", self.pin)]
        rows = [ipywidgets.HBox([*step, *toggles, *back]), LayoutButtons(self.show_layout)]
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
