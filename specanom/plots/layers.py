"""What several figures lay over a spectrum: line markers, hatching, the sky, arrows at clipped pixels, hover text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import BoxAnnotation, ColumnDataSource, CustomJS, CustomJSHover, GlyphRenderer, Label, Range1d
from bokeh.plotting import figure

from ..lines import ARM_JOINS
from ..scores.bands import ARMS
from .axis import REST_KINDS, WaveAxis
from .columns import ROW, ROWS, line_columns, sky_columns, span_columns
from .palette import FONT, Palette
from .theme import hover
from .view import SpectrumView

Entry = tuple[str, list[GlyphRenderer]]
"""What a legend says of some glyphs."""

RELAYOUT = """
const d = source.data, a = range.start, b = range.end, w = plot.inner_width || 900
const taken = Array.from({length: rows}, () => []), written = []
for (let i = 0; i < d.x.length; i++) {
  const at = (d.x[i] - a) / (b - a) * w, half = (d.label[i].length * 5.8 + 8) / 2
  const c = Math.min(Math.max(at, half), w - half)
  const double = written.some(([t, x]) => t == d.label[i] && Math.abs(c - x) < 44)
  let row = -1
  if (!double && at >= 0 && at <= w)
    row = taken.findIndex(r => r.every(([lo, hi]) => c + half <= lo || c - half >= hi))
  if (row >= 0) { taken[row].push([c - half, c + half]); written.push([d.label[i], c]) }
  d.row[i] = (rows - 1 - Math.max(row, 0)) * height + 2
  d.shift[i] = c - at
  d.alpha[i] = row < 0 ? 0 : 1
}
source.change.emit()
"""
"""The same rule as :func:`specanom.plots.drawing.place_labels`, run by the browser for its own width and zoom."""


def line_markers(panels: list[figure], axis: WaveAxis, colours: Palette,
                 kinds: Sequence[str] = REST_KINDS) -> ColumnDataSource:
    """Mark lines of some `kinds` in all panels and write their names at the top of the first, without overlap.

    The most telling lines are named first; zooming in makes room for the others.
    """
    window = float(panels[0].x_range.start), float(panels[0].x_range.end)
    source = ColumnDataSource(line_columns(axis, window, colours, kinds), name="lines")
    draw_lines(panels, source)
    return source


def draw_lines(panels: list[figure], source: ColumnDataSource) -> None:
    """Draw the columns of :func:`specanom.plots.columns.line_columns`, and lay their labels out at every zoom."""
    first = panels[0]
    line_glyphs(panels, source)
    relayout = CustomJS(args={"source": source, "range": first.x_range, "plot": first, "rows": ROWS,
                              "height": ROW}, code=RELAYOUT)
    first.x_range.js_on_change("start", relayout)
    first.x_range.js_on_change("end", relayout)
    first.js_on_change("inner_width", relayout)
    source.js_on_change("data", relayout)  # columns that come from Python suppose a width


def line_glyphs(panels: list[figure], source: ColumnDataSource) -> None:
    """Draw the columns of :func:`specanom.plots.columns.line_columns`; the first panel needs its headroom."""
    first = panels[0]
    for panel in panels:
        panel.vspan(x="x", source=source, line_color="color", line_alpha=0.5, line_dash=[2, 3], line_width=1,
                    level="underlay", name="line markers")
    first.text(x="x", y=1, x_offset="shift", y_offset="row", level="overlay", text="label", text_color="color",
               text_alpha="alpha", text_font=value(FONT), name="line labels",
               text_font_size="11px", text_align="center", text_baseline="top", y_range_name="labels", source=source)


def headroom(panel: figure, limits: tuple[float, float], inside: int, colours: Palette) -> None:
    """Set the vertical range of a panel, `inside` pixels tall; 0 keeps no room at its top for the line labels."""
    panel.y_range = Range1d(*limits)
    if not inside:
        return
    share = label_share(inside)
    panel.extra_y_ranges["labels"] = Range1d(0, 1)
    # Features that are off the scale end here instead of running through the labels.
    panel.add_layout(BoxAnnotation(bottom=1 - share, y_range_name="labels", line_color=colours.paper, line_width=3,
                                   line_alpha=1.0, fill_color=colours.paper, fill_alpha=1.0, level="annotation"))
    set_limits(panel, limits, share)


def label_share(inside: int) -> float:
    """Return which share of a panel, `inside` pixels tall, is kept for the labels of lines."""
    return min(0.5, (ROWS * ROW + 6) / inside)


def set_limits(panel: figure, limits: tuple[float, float], share: float = 0.0) -> None:
    """Let a panel show `limits`, and the reset tool come back to them, with a `share` of its height kept at the top."""
    lo, hi = limits
    end = lo + (hi - lo) / (1 - share)
    panel.y_range.update(start=lo, end=end, reset_start=lo, reset_end=end)
    if share:
        panel.yaxis.bounds = panel.ygrid.bounds = (lo, hi)


ARM_HEIGHT = 5
"""Pixels of the screen."""
ARM_ROOM = 0.09
"""Share of the panel's height that is added for the marks of the arms."""
ARM_COLOURS = ("blue", "vermilion", "purple")
HATCHES = {"masked": "right_diagonal_line", "imputed": "left_diagonal_line"}
"""How missing pixels are hatched; the colour is the one of the same name."""


def hatch(panels: list[figure], view: SpectrumView, colours: Palette) -> list[Entry]:
    """Hatch masked and imputed pixels in all panels; returns entries for the legend."""
    found = {"masked": view.masked, "imputed": view.imputed}
    return [draw_hatch(panels, ColumnDataSource(span_columns(spans), name=name), colours)
            for name, spans in found.items() if spans]


def draw_hatch(panels: list[figure], source: ColumnDataSource, colours: Palette) -> Entry:
    """Draw the columns of :func:`specanom.plots.columns.span_columns` of a source called as in HATCHES."""
    name = str(source.name)
    colour = getattr(colours, name)
    return (name, [
        panel.vstrip(x0="x0", x1="x1", source=source, fill_color=colour, fill_alpha=0.07, line_color=None,
                     hatch_pattern=HATCHES[name], hatch_color=colour, hatch_alpha=0.6, hatch_scale=6,
                     hatch_weight=0.8, level="underlay", name=f"{name} hatch") for panel in panels])


def sky(panels: list[figure], axis: WaveAxis, colours: Palette) -> list[Entry]:
    """Tint telluric bands and the 5577 Å mask where the observed frame is known; returns entries for the legend."""
    columns = sky_columns(axis, (float(panels[0].x_range.start), float(panels[0].x_range.end)))
    return [draw_sky(panels, ColumnDataSource(columns, name="sky"), colours)] if columns["x0"] else []


def draw_sky(panels: list[figure], source: ColumnDataSource, colours: Palette) -> Entry:
    """Draw the columns of :func:`specanom.plots.columns.sky_columns`."""
    return ("sky", [panel.vstrip(x0="x0", x1="x1", source=source, fill_color=colours.amber, fill_alpha=0.09,
                                 line_color=None, level="underlay", name="sky tint") for panel in panels])


def arms(panel: figure, view: SpectrumView, colours: Palette) -> None:
    """Mark at the foot of a panel the arms of a spectrograph whose spectra come arm by arm, as those of DESI do.

    Arms lie on two levels, so that where two of them overlap is seen; the panel makes room for them.
    """
    axis, joins = view.axis, ARM_JOINS["DESI"]
    if view.spectrum.meta.get("instrument") != "DESI" or not (axis.frame == "observed" or axis.linked):
        return
    window = panel.x_range.start, panel.x_range.end
    start, end = panel.y_range.start, panel.y_range.end
    low, high = start - ARM_ROOM * (end - start), view.limits[1]
    end = low + (high - low) * (end - start) / (high - start)  # the labels of lines keep their share
    panel.y_range.update(start=low, end=end, reset_start=low, reset_end=end)
    edges = [-math.inf, *(edge for join in joins for edge in (join.lo, join.hi)), math.inf]
    for number, name in enumerate(ARMS[len(joins)]):
        first, last = edges[max(0, 2 * number - 1)], edges[min(2 * number + 2, len(edges) - 1)]
        left, right = (float(place) for place in np.clip(axis.place([first, last], "observed"), *window))
        if left < right:
            foot, colour = ARM_HEIGHT * (number % 2), getattr(colours, ARM_COLOURS[number])
            panel.add_layout(BoxAnnotation(
                left=left, right=right, bottom=foot, top=foot + ARM_HEIGHT, bottom_units="screen", top_units="screen",
                fill_color=colour, fill_alpha=0.75, line_color=None, level="annotation", name=f"arm {name}"))
            panel.add_layout(Label(x=(left + right) / 2, y=2 * ARM_HEIGHT + 1, y_units="screen", text=name,
                                   text_color=colour, text_font=FONT, text_font_size="11px", text_align="center",
                                   text_font_style="bold", name=f"name of arm {name}"))


def draw_arrows(panel: figure, source: ColumnDataSource, colours: Palette) -> None:
    """Draw the columns of :func:`specanom.plots.columns.clipped_columns`: triangles that tell the value when asked."""
    marks = panel.scatter(x="x", y="y", angle="angle", marker="triangle", size=9, source=source, line_color=None,
                          fill_color=colours.vermilion, name="arrows")
    hover(panel, [marks], [("off the scale", "@value{0.000 a}"), ("at", "@x{0.0}")])


def named(column: str, names: list[str]) -> dict[str, CustomJSHover]:
    """Return the hover formatter that turns a column of codes into names."""
    return {f"@{column}": CustomJSHover(args={"names": names}, code="return names[value]")}


def wavelength_rows(axis: WaveAxis) -> tuple[list[tuple[str, str]], dict[str, CustomJSHover]]:
    """Return hover rows for the wavelength in this frame and, where the redshift is known, in the other."""
    other = "observed" if axis.frame == "rest" else "rest"
    code = "return (format == 'other' ? value * factor : value).toFixed(digits) + unit"
    rows = [(f"λ {axis.frame}", "@x{own}"), *([(f"λ {other}", "@x{other}")] if axis.linked else [])]
    return rows, {"@x": CustomJSHover(args=wavelength_terms(axis), code=code)}


def wavelength_terms(axis: WaveAxis) -> dict[str, Any]:
    """Return what the hover text of a wavelength is worked out from: the other frame's factor, unit and digits."""
    other = "observed" if axis.frame == "rest" else "rest"
    factor = float(WaveAxis(other, "Å", axis.z).place(1.0, axis.frame)) if axis.linked else 1.0
    return {"factor": factor, "unit": f" {axis.unit}", "digits": 2 if axis.unit == "Å" else 3}
