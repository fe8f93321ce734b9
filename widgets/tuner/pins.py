"""Settings that were kept, side by side: small weights, what differs, grade and time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

import ipywidgets
import numpy as np
from bokeh.models import ColumnDataSource

from specanom.explain import Explanation
from specanom.plots.axis import WaveAxis
from specanom.plots.explanation_data import WHISKERS, reach, weight_data
from specanom.plots.explanation_panels import show_many, weights_panel
from specanom.plots.palette import palette

from ..base.controls import button, close_all
from ..base.pane import FigurePane
from ..base.words import in_html
from .kinds import METHODS, PERTURBATIONS, SEGMENTATIONS
from .settings import AsGiven, TunerSettings

MOST = 4
HEIGHT = 170


@dataclass(frozen=True)
class Actions:
    """What the buttons of a pin do, each called with the pin."""

    restore: Callable[[Pin], None]
    swap: Callable[[Pin], None]
    unpin: Callable[[Pin], None]


class Pin(ipywidgets.VBox):  # type: ignore[misc]
    """One kept setting with its weights.

    Parameters
    ----------
    settings : TunerSettings
    explanation : Explanation
    seconds : float
        What the explanation took.
    title : str
        What differs, in words.
    actions : Actions
    theme : {"light", "dark"}

    Attributes
    ----------
    settings, explanation, seconds, title
        As shown.
    pane : FigurePane
    """

    def __init__(self, settings: TunerSettings, explanation: Explanation, seconds: float, *, title: str,
                 actions: Actions, theme: str = "light") -> None:
        self.settings, self.explanation, self.seconds, self.title = settings, explanation, seconds, title
        e = explanation
        axis = WaveAxis(e.frame)
        self._source = ColumnDataSource(weight_data(e, axis, palette(theme)), name="weights")
        self._figure = weights_panel(self._source, axis, theme, reach=reach(e))
        self._figure.update(height=HEIGHT, min_border_left=52, min_width=200, toolbar_location=None)
        self._figure.xaxis.ticker.desired_num_ticks = 4
        self._figure.legend.visible = False
        self.pane = FigurePane(self._figure, label=f"weights of the pinned settings: {title}", theme=theme)
        self._caption = ipywidgets.HTML()
        buttons = ipywidgets.HBox([
            button("Restore", "Go on from these settings.", lambda: actions.restore(self)),
            button("Swap", "Exchange them with the present ones.", lambda: actions.swap(self)),
            button("Unpin", "Take this panel away.", lambda: actions.unpin(self)),
        ])
        super().__init__([self._caption, self.pane, buttons], layout=ipywidgets.Layout(
            flex="1 1 300px", min_width="280px", max_width="50%"))
        self.add_class("specanom-pin")
        self.show(explanation, seconds)

    def show(self, explanation: Explanation, seconds: float, *, settings: TunerSettings | None = None,
             title: str | None = None) -> None:
        """Show another explanation in its place, of other settings or of another spectrum."""
        self.explanation, self.seconds = explanation, seconds
        self.settings, self.title = settings or self.settings, title or self.title
        e = explanation
        with self.pane.batch():
            self._source.data = weight_data(e, WaveAxis(e.frame), palette(self.pane.theme))
            below, above = reach(e)
            self._figure.y_range.update(start=-below, end=above)
            edges = self._source.data
            self._figure.x_range.update(start=float(np.min(edges["left"])), end=float(np.max(edges["right"])))
            show_many(self._figure, len(edges["segment"]) > WHISKERS, self.pane.theme)
        self._caption.value = caption(e, seconds, self.title)


def caption(e: Explanation, seconds: float, title: str) -> str:
    """Return what stands above a pinned panel, as HTML."""
    leading = in_html(e.names[int(e.order[0])])
    return (f"<div class='specanom-pin-caption'><b>{in_html(title)}</b><br>{e.n_segments} segments · score "
            f"{e.score:.4g} · {in_html(e.grade)} ({in_html(e.reason)}) · leading: {leading} · "
            f"{1e3 * seconds:.0f} ms</div>")


class PinBoard(ipywidgets.VBox):  # type: ignore[misc]
    """Up to four pins side by side.

    Parameters
    ----------
    restore, swap : callable
        What their buttons do, called with the pin.
    changed : callable
        Called when a pin came or went.
    """

    def __init__(self, *, restore: Callable[[Pin], None], swap: Callable[[Pin], None],
                 changed: Callable[[], None]) -> None:
        self._actions = Actions(restore, swap, self.unpin)
        self._changed = changed
        self._said = ipywidgets.HTML()
        self._row = ipywidgets.HBox([], layout=ipywidgets.Layout(flex_flow="row wrap", align_items="flex-start"))
        super().__init__([self._said, self._row])

    @property
    def pins(self) -> tuple[Pin, ...]:
        """The pins from left to right."""
        return tuple(self._row.children)

    def add(self, settings: TunerSettings, explanation: Explanation, seconds: float, *, title: str,
            theme: str) -> Pin:
        """Add a pin at the right; the oldest makes room when there are four."""
        pin = Pin(settings, explanation, seconds, title=title, actions=self._actions, theme=theme)
        left = self.pins
        if len(left) >= MOST:
            close_all(left[0])
            left = left[1:]
        self._row.children = (*left, pin)
        self._changed()
        return pin

    def unpin(self, pin: Pin) -> None:
        """Take a pin away."""
        self._row.children = tuple(one for one in self.pins if one is not pin)
        close_all(pin)
        if not self.pins:
            self.told("")
        self._changed()

    def clear(self) -> None:
        """Take all pins away."""
        for pin in self.pins:
            self.unpin(pin)

    def told(self, text: str) -> None:
        """Say what is compared, in a sentence above the pins."""
        self._said.value = f"<div class='specanom-pin-caption'>{in_html(text)}</div>" if text else ""

    def renew(self, made: Iterable[tuple[Pin, TunerSettings, Explanation, float]]) -> None:
        """Show other explanations in pins that are still there and have the same settings."""
        for pin, settings, explanation, seconds in made:
            if pin in self.pins and pin.settings is settings:
                pin.show(explanation, seconds)


WORDS = {"count": "K", "n_samples": "N", "factor": "factor", "kernel_width": "w", "alpha": "α"}


def differences(settings: TunerSettings, base: TunerSettings) -> str:
    """Say in words in what some settings differ from others.

    Examples
    --------
    >>> differences(TunerSettings(count=40, perturbation="flat"), TunerSettings())
    'K = 40, flat, level = 1'
    """
    kinds = {"segmentation": SEGMENTATIONS, "perturbation": PERTURBATIONS, "method": METHODS, "start": SEGMENTATIONS}
    used, before = settings.used, base.used
    said = []
    for item in fields(settings):
        name, value = item.name, getattr(settings, item.name)
        if name not in used or (name in before and value == getattr(base, name)) or isinstance(value, AsGiven):
            continue
        if name in kinds:
            kind = kinds[name].get(value)
            said.append(kind.word if kind else str(value))
        elif name not in before and value is None:
            continue
        else:
            said.append(f"{WORDS.get(name, name.replace('_', ' '))} = {_short(value)}")
    return ", ".join(said) or "as given"


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return f"{len(value)} of them"
    return f"{value:g}" if isinstance(value, float) else f"{value:,}" if type(value) is int else str(value)
