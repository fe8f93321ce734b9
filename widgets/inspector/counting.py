"""How many clusters: elbow, silhouette and stability over k, with the k in force marked."""

from __future__ import annotations

import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, Range1d, Span
from bokeh.plotting import figure

from specanom.plots.clustering import curve_columns
from specanom.plots.palette import palette
from specanom.plots.theme import canvas, hover, stack

HEIGHT = 128
PANELS = (("inertia", "inertia", "Elbow: inertia", "blue"), ("silhouette", "silhouette", "Silhouette", "vermilion"),
          ("mean", "stability", "Stability (adjusted Rand index)", "green"))
"""Column, name of the source, title and colour of each panel."""


class Counting:
    """Three small curves; a tap on one asks for that k.

    Attributes
    ----------
    root : GridPlot
        Goes into one FigurePane.
    sources : dict of str to ColumnDataSource
        ``"inertia"``, ``"silhouette"`` and ``"stability"``, with k, y, low and high.
    """

    def __init__(self, theme: str = "light") -> None:
        self.sources = {name: ColumnDataSource({key: [] for key in ("k", "y", "low", "high")}, name=name)
                        for _, name, _, _ in PANELS}
        self._marks: list[Span] = []
        self.span = Range1d(1.5, 12.5)
        self.panels = [self._panel(theme, name, title, role) for _, name, title, role in PANELS]
        for panel in self.panels[:-1]:
            panel.xaxis.major_label_text_font_size, panel.xaxis.axis_label = "1px", ""
            panel.xaxis.major_label_text_alpha = 0
        self.root = stack(self.panels, toolbar=False)

    def show(self, curves: pd.DataFrame, stability: pd.DataFrame) -> None:
        """Show the curves as far as they are known."""
        for (column, name, _, _), table in zip(PANELS, (curves, curves, stability), strict=True):
            self.sources[name].data = curve_columns(table, column)
        ks = curves["k"].to_numpy()
        self.span.update(start=float(ks.min()) - 0.5, end=float(ks.max()) + 0.5)
        # From zero, where nothing is stable; a curve of one point must not fill the panel.
        lowest = np.nan_to_num(stability["mean"].to_numpy(dtype=np.float64)).min(initial=0.0)
        self.panels[2].y_range.update(start=float(lowest), end=1.05)

    def mark(self, k: int) -> None:
        """Mark the k in force."""
        for mark in self._marks:
            mark.location = k

    def _panel(self, theme: str, name: str, title: str, role: str) -> figure:
        colours = palette(theme)
        options = {"tools": "tap", "toolbar_location": None, "x_range": self.span, "min_width": 200}
        if name == "stability":
            options["y_range"] = Range1d(0, 1.05)
        last = name == "stability"
        made = canvas(theme, title, x="number of clusters k", height=HEIGHT + (32 if last else 0), options=options)
        made.min_border_left, made.min_border_right = 48, 8
        made.title.text_font_size = "12px"
        made.yaxis.ticker.desired_num_ticks = 3
        made.xaxis.ticker.min_interval, made.xaxis.ticker.num_minor_ticks = 1, 0
        source, colour = self.sources[name], getattr(colours, role)
        made.segment("k", "low", "k", "high", source=source, line_color=colour, line_alpha=0.6)
        made.line("k", "y", source=source, line_color=colour, line_width=1.5)
        points = made.scatter("k", "y", source=source, fill_color=colour, line_color=None, size=7)
        mark = Span(location=0, dimension="height", line_color=colours.ink, line_dash="dashed", line_width=1.4,
                    name="chosen")
        made.add_layout(mark)
        self._marks.append(mark)
        hover(made, [points], [("k", "@k{0}"), (name, "@y{0.000 a}")])
        return made
