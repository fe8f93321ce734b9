"""The map of explanations and the BPT diagram: the same points twice, so that one selection is seen in both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import (
    BoxSelectTool,
    ColorBar,
    ColumnDataSource,
    DataRange1d,
    FixedTicker,
    GlyphRenderer,
    LassoSelectTool,
    LinearColorMapper,
    PolySelectTool,
    TapTool,
    Title,
)
from bokeh.plotting import figure
from numpy.typing import NDArray

from specanom.cluster import PlaneMap
from specanom.plots.diagrams import X_LABEL, X_LIMITS, Y_LABEL, Y_LIMITS, diagram_range, dividing_curves
from specanom.plots.palette import FONT, Palette, palette
from specanom.plots.theme import beside, canvas, hover, legend, plain

from .colouring import Colouring
from .members import Members

HEIGHT, NARROW = 400, 400
"""Height, and the least width, in screen pixels."""
INSIDE = np.array([220.0, 300.0])
"""Screen pixels of the points of a map where the page is narrow; elsewhere labels have more room than they need."""
LETTER, LABEL = 7.5, 18.0
"""Screen pixels of a letter of a label, and its height."""
ROOM = 0.05
"""What a map shows beyond its outermost points, as a share of what they span."""
FAINT, FULL = 0.5, 0.95
"""Opacity of points, and of those of the cluster in focus."""
MANY = 4000
"""From so many points on they are drawn small."""
TOOLS = "pan,wheel_zoom,reset,save"
TIPS = [("id", "@id"), ("cluster", "@cluster"), ("score", "@score{0.000 a}"), ("z", "@z{0.0000}"),
        ("S/N", "@snr{0.0}"), ("BPT", "@bpt"), ("artefact", "@artefact{0 %}")]


class Atlas:
    """Map and diagram.

    Parameters
    ----------
    members : Members
        The points.
    theme : {"light", "dark"}
        Colours to begin with.

    Attributes
    ----------
    root : Row
        Goes into one FigurePane.
    source : ColumnDataSource
        Columns x, y (map), n2, o3 (diagram), value (colour) and what the pointer tells; called ``"points"``.
    focus : ColumnDataSource
        The member in focus; called ``"focus"``.
    """

    def __init__(self, members: Members, theme: str = "light") -> None:
        colours = palette(theme)
        n = len(members)
        blank = np.full(n, np.nan, dtype=np.float32)
        self.source = ColumnDataSource({
            "x": blank, "y": blank, "value": blank, "id": [plain(id) for id in members.ids],
            "cluster": np.full(n, -1, dtype=np.int32), "alpha": np.full(n, FAINT, dtype=np.float32), **_known(members),
        }, name="points")
        self.focus = ColumnDataSource({"x": [], "y": [], "n2": [], "o3": []}, name="focus")
        self.centres = ColumnDataSource({"x": [], "y": [], "text": []}, name="centres")
        self.mapper = LinearColorMapper(palette=colours.scale(), low=0.0, high=1.0, nan_color=colours.faint)
        self.ticker = FixedTicker(ticks=[])
        self.map, self.diagram = self._map(theme, n), self._diagram(theme, members)
        self.map.name, self.diagram.name = "map", "bpt"
        self.root = beside([self.map, self.diagram], least=NARROW)

    # -- changing what is shown ------------------------------------------------------------------------------------

    def place(self, found: PlaneMap, rows: NDArray[np.intp]) -> None:
        """Show another map of `rows`; the other points have no place."""
        for axis, name in enumerate(("x", "y")):
            values = np.full(len(self.source.data["id"]), np.nan, dtype=np.float32)
            values[rows] = found.xy[:, axis]
            self.source.data[name] = values
        shares = found.explained
        texts = [f"{found.method} {i + 1}" + ("" if shares is None else f" ({shares[i]:.0%} of the variance)")
                 for i in range(2)]
        self.map.xaxis.axis_label, self.map.yaxis.axis_label = texts
        part = "" if found.fitted == len(rows) else f", fitted to {found.fitted:,} of them"
        self.map.title.text = f"Map of {len(rows):,} explanations ({found.method}{part})"

    def group(self, labels: NDArray[np.intp], names: Mapping[int, str]) -> None:
        """Write the numbers (and names) of clusters where they lie."""
        self.source.data["cluster"] = labels.astype(np.int32)
        self.write(labels, names)

    def write(self, labels: NDArray[np.intp], names: Mapping[int, str]) -> None:
        """Write what the clusters are called at the medians of their points."""
        x, y = self.source.data["x"], self.source.data["y"]
        groups = [np.flatnonzero((labels == k) & np.isfinite(x)) for k in range(int(labels.max(initial=-1)) + 1)]
        there = [k for k, rows in enumerate(groups) if rows.size]
        texts = [plain(names.get(k, str(k))) for k in there]
        at = np.array([[np.median(x[groups[k]]), np.median(y[groups[k]])] for k in there], dtype=np.float64)
        if len(there) > 1:
            spans = np.array([np.ptp(x[np.isfinite(x)]), np.ptp(y[np.isfinite(y)])], dtype=np.float64)
            low = np.array([np.nanmin(x), np.nanmin(y)]) - ROOM * spans
            at = within(apart(at, texts, spans / INSIDE), texts, spans / INSIDE, (low, low + (1 + 2 * ROOM) * spans))
        self.centres.data = {"x": [float(one[0]) for one in at], "y": [float(one[1]) for one in at], "text": texts}

    def emphasise(self, rows: NDArray[np.intp]) -> None:
        """Draw the members of the cluster in focus full, all others fainter."""
        alpha = np.full(len(self.source.data["alpha"]), FAINT, dtype=np.float32)
        alpha[rows] = FULL
        self.source.data["alpha"] = alpha

    def paint(self, made: Colouring) -> None:
        """Colour the points."""
        self.source.data["value"] = made.values
        self.mapper.update(palette=list(made.colours), low=made.low, high=made.high)
        self.ticker.ticks = list(made.ticks)
        self.bar.major_label_overrides = dict(made.ticks)
        self.bar.title = made.title
        self.note.text = f"grey: {made.title} of {made.unknown:,} is not known" if made.unknown else " "

    def measured(self, members: Members) -> None:
        """Take in what is known of the members by now."""
        for name, values in _known(members).items():
            self.source.data[name] = values
        good = np.isfinite(members.n2) & np.isfinite(members.o3)
        for made, values, usual in ((self.diagram.x_range, members.n2, X_LIMITS),
                                    (self.diagram.y_range, members.o3, Y_LIMITS)):
            wide = diagram_range(values[good], usual)
            made.update(start=wide.start, end=wide.end, reset_start=wide.start, reset_end=wide.end)
        told = f"{int(good.sum()):,} of {len(members):,} have all four lines"
        self.diagram.title.text = "Lines are not measured" if members.lines is None else told

    def point_at(self, row: int | None) -> None:
        """Put a ring around a member, in both figures."""
        self.focus.data = {name: [] if row is None else [float(self.source.data[name][row])]
                           for name in ("x", "y", "n2", "o3")}

    # -- figures -----------------------------------------------------------------------------------------------------

    def _map(self, theme: str, n: int) -> figure:
        colours = palette(theme)
        made = canvas(theme, " ", x=" ", y=" ", height=HEIGHT, options={
            "tools": TOOLS, "x_range": DataRange1d(only_visible=True), "y_range": DataRange1d(only_visible=True),
            "min_border_left": 60, "min_width": NARROW})
        points = self._points(made, "x", "y", n)
        made.x_range.renderers = made.y_range.renderers = [points]
        made.xgrid.grid_line_color = colours.grid
        made.text("x", "y", text="text", source=self.centres, text_align="center", text_baseline="middle",
                  text_color=colours.ink, text_font=value(FONT), text_font_size="13px", text_font_style="bold",
                  background_fill_color=colours.paper, background_fill_alpha=0.75, padding=2, border_radius=3)
        self._ring(made, "x", "y", colours)
        self.bar = ColorBar(
            color_mapper=self.mapper, ticker=self.ticker, width=12, padding=8, margin=0, title=" ",
            title_text_color=colours.ink, title_text_font=FONT, title_text_font_size="12px",
            title_text_font_style="normal", major_label_text_color=colours.muted, major_label_text_font=FONT,
            major_label_text_font_size="12px", background_fill_color=colours.paper, bar_line_color=None,
            major_tick_line_color=None)
        made.add_layout(self.bar, "right")
        self.note = Title(text=" ", text_color=colours.muted, text_font=FONT, text_font_size="12px",
                          text_font_style="normal", name="unknown")
        made.add_layout(self.note, "above")
        made.above = made.above[::-1]
        return made

    def _diagram(self, theme: str, members: Members) -> figure:
        colours = palette(theme)
        made = canvas(theme, " ", x=X_LABEL, y=Y_LABEL, height=HEIGHT, options={
            "tools": TOOLS, "x_range": diagram_range(np.array([]), X_LIMITS),
            "y_range": diagram_range(np.array([]), Y_LIMITS), "min_border_left": 60, "min_width": NARROW})
        made.xgrid.grid_line_color = colours.grid
        entries = dividing_curves(made, None, colours)
        self._points(made, "n2", "o3", len(members))
        self._ring(made, "n2", "o3", colours)
        legend(made, entries, colours)
        return made

    def _points(self, made: figure, x: str, y: str, n: int) -> GlyphRenderer:
        size = 3.5 if n > MANY else 7
        points = made.scatter(x, y, source=self.source, size=size, line_color=None, fill_alpha="alpha",
                              fill_color={"field": "value", "transform": self.mapper},
                              nonselection_fill_alpha=0.12, selection_fill_alpha=0.95)
        lasso = LassoSelectTool(renderers=[points], continuous=False)
        made.add_tools(lasso, BoxSelectTool(renderers=[points]), PolySelectTool(renderers=[points]),
                       TapTool(renderers=[points]))
        made.toolbar.active_drag = lasso
        hover(made, [points], TIPS)
        return points

    def _ring(self, made: figure, x: str, y: str, colours: Palette) -> None:
        made.scatter(x, y, source=self.focus, size=15, fill_color=None, line_color=colours.ink, line_width=2.5)


def apart(at: NDArray[np.float64], texts: Sequence[str], unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move labels no further than it takes to read them all.

    Parameters
    ----------
    at : (n, 2) array
        Where their middles should be.
    texts : sequence of str
    unit : (2,) array
        How much of x and y a screen pixel is.
    """
    unit = np.where(unit > 0, unit, 1.0)
    place = at / unit
    half = np.array([[0.5 * (LETTER * len(text) + 8), 0.5 * LABEL] for text in texts])
    first, second = np.triu_indices(len(texts), 1)
    for _ in range(100):
        gap = place[second] - place[first]
        lacking = half[first] + half[second] - np.abs(gap)
        close = (lacking > 0.01).all(axis=1)
        if not close.any():
            break
        for one, other, step, need in zip(first[close], second[close], gap[close], lacking[close], strict=True):
            axis = int(np.argmin(need))
            shift = 0.5 * need[axis] * (1.0 if step[axis] >= 0 else -1.0)
            place[one, axis] -= shift
            place[other, axis] += shift
    return np.asarray(place * unit)


def within(at: NDArray[np.float64], texts: Sequence[str], unit: NDArray[np.float64],
           ends: tuple[NDArray[np.float64], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Move labels no further than it takes to have all of each in the picture.

    Parameters
    ----------
    at, texts, unit
        As in :func:`apart`.
    ends : two (2,) arrays
        Lowest and highest x and y shown.
    """
    half = np.array([[0.5 * (LETTER * len(text) + 8), 0.5 * LABEL] for text in texts]) * unit
    low, high = ends[0] + half, ends[1] - half
    return np.asarray(np.where(low < high, np.clip(at, low, np.maximum(low, high)), (low + high) / 2))


def _known(members: Members) -> dict[str, Any]:
    """Return what is known of the members as columns."""
    numbers = {name: np.asarray(getattr(members, name), dtype=np.float32)
               for name in ("n2", "o3", "score", "z", "snr", "artefact")}
    return numbers | {"bpt": [plain(one or "not measured") for one in members.bpt]}
