"""The live histogram of the score in force, one outline an S/N bin, with the chosen percentile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.events import Tap
from bokeh.models import ColumnDataSource, Label, Span
from bokeh.plotting import figure

from specanom.plots.counting import Doubles, Flags, counts_of, edges_of
from specanom.plots.palette import FONT, palette
from specanom.plots.theme import canvas, hover, legend, plain

from .axes import Scale, count_place, fit, show_counts, show_scale, spans

EMPTY: dict[str, list[float]] = {"left": [], "right": [], "top": [], "low": [], "high": [], "count": [], "group": []}
SIGMA = "σ above spectra of like S/N and z"


class ScoreHistogram:
    """How the score in force is distributed. Change it inside ``pane.batch()``.

    Parameters
    ----------
    groups : dict
        Name → rows: an outline each.
    theme : {"light", "dark"}
        Colours to begin with.

    Attributes
    ----------
    root : figure
    on_tap : callable or None
        Takes the score at the place that was tapped.
    """

    def __init__(self, groups: dict[str, Flags], theme: str) -> None:
        self.groups = groups
        self.on_tap: Callable[[float], None] | None = None
        self.scale, self._ends = Scale(False), (0.0, 1.0)
        colours = palette(theme)
        self.root: figure = canvas(theme, " ", x="score", y="spectra", height=320, options=spans())
        self.root.title.text_font_size = "13px"
        self.bars: dict[str, ColumnDataSource] = {}
        self.outlines: dict[str, ColumnDataSource] = {}
        entries = []
        for at, name in enumerate(groups):
            colour = colours.categories[at % len(colours.categories)]
            self.bars[name] = ColumnDataSource(dict(EMPTY), name=f"histogram: {name}")
            self.outlines[name] = ColumnDataSource({"x": [], "y": []})
            quads = self.root.quad(left="left", right="right", top="top", bottom=0, source=self.bars[name],
                                   fill_color=colour, fill_alpha=0.12, line_color=None)
            edge = self.root.line("x", "y", source=self.outlines[name], line_color=colour, line_width=1.6)
            hover(self.root, [quads], [("score", "@low{0.0000 a} – @high{0.0000 a}"), ("spectra", "@count"),
                                       ("of", "@group")])
            entries.append((name, [edge, quads]))
        if len(groups) > 1:
            legend(self.root, entries, colours)
            self.root.legend.update(spacing=8, glyph_width=12, label_text_font_size="11px")  # beside a narrow table
        self._threshold = Span(location=0, dimension="height", line_color=colours.ink, line_dash="dashed",
                               name="percentile", visible=False)
        self._focus = Span(location=0, dimension="height", line_color=colours.vermilion, line_width=2, name="focus",
                           visible=False)
        self._words = Label(x=0, y=0, y_offset=-2, text="", text_color=colours.ink, text_font=FONT,
                            text_font_size="12px", background_fill_color=colours.paper, background_fill_alpha=0.85,
                            text_baseline="top", name="above", visible=False)
        for part in (self._threshold, self._focus, self._words):
            self.root.add_layout(part)
        self.root.on_event(Tap, self._tapped)

    def show(self, values: Doubles, *, label: str, calibrated: bool) -> None:
        """Draw other scores."""
        finite = values[np.isfinite(values)]
        self.scale = Scale.of(values)
        lost = values.size - finite.size
        self.root.title.text = plain(f"{label}{f' · {lost:,} without a score' if lost else ''}")
        self.root.xaxis[0].axis_label = SIGMA if calibrated else "score"
        edges = edges_of(finite, self.scale.log) if finite.size else np.linspace(0.0, 1.0, 2)
        places = self.scale.place(edges)
        self._ends = float(places[0]), float(places[-1])
        highest = max(self._count(name, rows, values, (edges, places)) for name, rows in self.groups.items())
        lo, hi = fit(self.root.x_range, places)
        show_scale(self.root.xaxis[0], self.scale, lo, hi)
        fit(self.root.y_range, np.array([0.0, float(count_place(highest))]))
        self.root.y_range.update(start=0.0, reset_start=0.0)
        show_counts(self.root.yaxis[0], highest)

    def threshold(self, at: float, words: str) -> None:
        """Draw where the chosen percentile lies; nothing when it is not finite."""
        known = bool(np.isfinite(at))
        place = self._place(at) if known else 0.0
        middle = sum(self._ends) / 2
        self._threshold.update(location=place, visible=known)
        self._words.update(x=place, y=self.root.y_range.reset_end, text=plain(f" {words} "), visible=known,
                           text_align="right" if place > middle else "left")

    def focus(self, value: float) -> None:
        """Draw where the spectrum in focus lies; nothing when it has no score."""
        known = bool(np.isfinite(value))
        self._focus.update(location=self._place(value) if known else 0.0, visible=known)

    def _place(self, value: float) -> float:
        """Return where a score is drawn: at the end when it is beyond, as it is counted there."""
        return float(np.clip(self.scale.place(np.array(value)), *self._ends))

    def _count(self, name: str, rows: Flags, values: Doubles, borders: tuple[Doubles, Doubles]) -> float:
        edges, places = borders
        counts = counts_of(values, edges, rows)
        self.bars[name].data = {"left": places[:-1], "right": places[1:], "top": count_place(counts), "low": edges[:-1],
                                "high": edges[1:], "count": counts, "group": [plain(name)] * counts.size}
        self.outlines[name].data = {"x": np.repeat(places, 2)[1:-1], "y": np.repeat(count_place(counts), 2)}
        return float(counts.max(initial=1))

    def _tapped(self, event: Any) -> None:
        if self.on_tap is not None and event.x is not None:
            self.on_tap(self.scale.value(event.x))
