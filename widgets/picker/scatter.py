"""The live figure of the score in force against S/N or redshift."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from bokeh.events import Tap
from bokeh.models import ColumnDataSource, LinearColorMapper
from bokeh.plotting import figure
from numpy.typing import NDArray

from specanom.plots.counting import CROWD, Doubles, cloud_of, running_of
from specanom.plots.palette import palette
from specanom.plots.theme import canvas, hover, legend, plain

from .axes import Scale, fit, nearest, show_scale, spans

CELLS = ("left", "right", "bottom", "top", "density")
AXES = {"snr": "median S/N per pixel", "z": "redshift"}


class ScoreScatter:
    """Score against one column: density where there are many, points elsewhere. Change it inside ``pane.batch()``.

    Parameters
    ----------
    x : (n,) array
        The column; NaN where unknown.
    ids : sequence of str
        What points are called.
    column : {"snr", "z"}
        Which it is.
    theme : {"light", "dark"}
        Colours to begin with.

    Attributes
    ----------
    root : figure
    on_tap : callable or None
        Takes the row nearest to the place that was tapped.
    """

    def __init__(self, x: Doubles, ids: Sequence[str], column: str, theme: str) -> None:
        self.x, self.ids, self.column = np.asarray(x, dtype=np.float64), ids, column
        self.on_tap: Callable[[int], None] | None = None
        across = Scale.of(self.x) if column == "snr" else Scale(False)
        self._x, self._y = across.place(self.x), np.full(self.x.size, np.nan)
        self._values = self._y
        self.scale = Scale(False)
        self.root: figure = canvas(theme, f"against {AXES[column]}", x=AXES[column], y="score", height=320,
                                   options=spans())
        self.root.name = f"against {column}"
        self.root.title.text_font_size = "13px"
        self._sources(theme)
        lo, hi = fit(self.root.x_range, self._x)
        show_scale(self.root.xaxis[0], across, lo, hi)
        self.root.on_event(Tap, self._tapped)

    def _sources(self, theme: str) -> None:
        colours, made = palette(theme), self.root
        self.cells = ColumnDataSource({name: [] for name in CELLS}, name=f"density {self.column}")
        self.points = ColumnDataSource(self._rows(np.empty(0, dtype=np.intp)), name=f"points {self.column}")
        self.median = ColumnDataSource({name: [] for name in ("x", "low", "median", "high")})
        self.marked = ColumnDataSource({"x": [], "y": [], "color": []}, name=f"marked {self.column}")
        self.ring = ColumnDataSource({"x": [], "y": []}, name=f"focus {self.column}")
        self._mapper = LinearColorMapper(palette=colours.sequential()[14:], low=float(np.log10(CROWD)), high=1.0)
        made.quad(left="left", right="right", bottom="bottom", top="top", source=self.cells, line_color=None,
                  fill_color={"field": "density", "transform": self._mapper})
        dots = made.scatter(x="x", y="y", source=self.points, size=4, fill_color=colours.teal, fill_alpha=0.55,
                            line_color=None)
        band = made.varea("x", "low", "high", source=self.median, fill_color=colours.vermilion, fill_alpha=0.18)
        curve = made.line("x", "median", source=self.median, color=colours.vermilion, width=2)
        made.scatter(x="x", y="y", source=self.marked, size=9, marker="square", fill_color=None, line_color="color",
                     line_width=2)
        made.scatter(x="x", y="y", source=self.ring, size=15, fill_color=None, line_color=colours.ink, line_width=2.5)
        tool = hover(made, [dots], [("id", "@id"), (AXES[self.column], "@of{0.0000 a}"), ("score", "@score{0.0000 a}")])
        tool.limit = 1  # in a crowd the list would cover the page
        legend(made, [("running median", [curve]), ("middle 68 %", [band])], colours)

    def show(self, values: Doubles, *, label: str) -> None:
        """Draw other scores."""
        self._values, self.scale = values, Scale.of(values)
        self._y = self.scale.place(values)
        good = np.flatnonzero(np.isfinite(self._x) & np.isfinite(self._y))
        cells, alone = cloud_of(self._x[good], self._y[good])
        self.cells.data = cells
        self._mapper.high = float(max(np.max(cells["density"], initial=1.0), 1.0))
        self.points.data = self._rows(good[alone])
        self.median.data = running_of(self._x[good], self._y[good])
        lo, hi = fit(self.root.y_range, self._y[good])
        show_scale(self.root.yaxis[0], self.scale, lo, hi)
        self.root.yaxis[0].axis_label = plain(label)

    def mark(self, rows: NDArray[np.intp], colours: Sequence[str]) -> None:
        """Draw squares around rows, each in its colour."""
        self.marked.data = {"x": self._x[rows], "y": self._y[rows], "color": list(colours)}

    def focus(self, row: int) -> None:
        """Draw a ring around a row; none for −1 and where it has no place."""
        rows = [row] if row >= 0 and np.isfinite(self._x[row] + self._y[row]) else []
        self.ring.data = {"x": self._x[rows], "y": self._y[rows]}

    def _rows(self, rows: NDArray[np.intp]) -> dict[str, Any]:
        return {"x": self._x[rows], "y": self._y[rows], "of": self.x[rows], "score": self._values[rows],
                "id": [plain(self.ids[row]) for row in rows]}

    def _tapped(self, event: Any) -> None:
        if self.on_tap is None or event.x is None:
            return
        row = nearest(self.root, self._x, self._y, (event.x, event.y))
        if row is not None:
            self.on_tap(row)
