"""What several figures lay over a spectrum: line markers, hatching, the sky, arrows at clipped pixels, hover text."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import BoxAnnotation, ColumnDataSource, CustomJS, CustomJSHover, GlyphRenderer, Range1d
from bokeh.plotting import figure

from .axis import WaveAxis, short_label
from .drawing import clipped, place_labels
from .palette import FONT, Palette
from .theme import hover
from .view import Spans, SpectrumView

ROWS = 3
ROW = 14
"""Rows of line labels, and their height in screen pixels."""
NOMINAL = 900
"""Width the first layout of labels supposes, screen pixels; the browser lays them out again for its own."""

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


def line_colours(colours: Palette) -> dict[str, str]:
    """Return the colour of each kind of line."""
    return {"emission": colours.blue, "uv": colours.purple, "absorption": colours.green, "sky": colours.amber}


def line_markers(panels: list[figure], axis: WaveAxis, colours: Palette) -> ColumnDataSource:
    """Mark rest-frame lines in all panels and write their names at the top of the first, without overlap.

    The most telling lines are named first; zooming in makes room for the others.
    """
    first = panels[0]
    lo, hi = float(first.x_range.start), float(first.x_range.end)
    found = axis.lines_within(lo, hi)
    labels = [short_label(item) for item, _ in found]
    placed = place_labels([(at - lo) / (hi - lo) * NOMINAL for _, at in found], labels, ROWS, width=NOMINAL)
    source = ColumnDataSource({
        "x": [at for _, at in found], "label": labels, "name": [item.label for item, _ in found],
        "row": [(ROWS - 1 - max(row, 0)) * ROW + 2 for row, _ in placed], "shift": [shift for _, shift in placed],
        "alpha": [float(row >= 0) for row, _ in placed],
        "color": [line_colours(colours)[item.kind] for item, _ in found],
    }, name="lines")
    for panel in panels:
        panel.vspan(x="x", source=source, line_color="color", line_alpha=0.5, line_dash=[2, 3], line_width=1,
                    level="underlay")
    first.text(x="x", y=1, x_offset="shift", y_offset="row", level="overlay", text="label", text_color="color",
               text_alpha="alpha", text_font=value(FONT),
               text_font_size="11px", text_align="center", text_baseline="top", y_range_name="labels", source=source)
    relayout = CustomJS(args={"source": source, "range": first.x_range, "plot": first, "rows": ROWS,
                              "height": ROW}, code=RELAYOUT)
    first.x_range.js_on_change("start", relayout)
    first.x_range.js_on_change("end", relayout)
    first.js_on_change("inner_width", relayout)
    return source


def headroom(panel: figure, limits: tuple[float, float], inside: int, colours: Palette) -> None:
    """Set the vertical range of a panel, `inside` pixels tall; 0 keeps no room at its top for the line labels."""
    lo, hi = limits
    if not inside:
        panel.y_range = Range1d(lo, hi)
        return
    share = min(0.5, (ROWS * ROW + 6) / inside)
    panel.y_range = Range1d(lo, lo + (hi - lo) / (1 - share))
    panel.extra_y_ranges["labels"] = Range1d(0, 1)
    panel.yaxis.bounds = panel.ygrid.bounds = (lo, hi)
    # Features that are off the scale end here instead of running through the labels.
    panel.add_layout(BoxAnnotation(bottom=1 - share, y_range_name="labels", line_color=colours.paper, line_width=3,
                                   line_alpha=1.0, fill_color=colours.paper, fill_alpha=1.0, level="annotation"))


def hatch(panels: list[figure], view: SpectrumView, colours: Palette) -> list[tuple[str, list[GlyphRenderer]]]:
    """Hatch masked and imputed pixels in all panels; returns entries for the legend."""
    entries = []
    styles: tuple[tuple[str, Spans, str, str], ...] = (
        ("masked", view.masked, "right_diagonal_line", colours.masked),
        ("imputed", view.imputed, "left_diagonal_line", colours.imputed),
    )
    for name, found, pattern, colour in styles:
        if found:
            source = ColumnDataSource({"x0": [a for a, _ in found], "x1": [b for _, b in found]}, name=name)
            entries.append((name, [
                panel.vstrip(x0="x0", x1="x1", source=source, fill_color=colour, fill_alpha=0.07, line_color=None,
                             hatch_pattern=pattern, hatch_color=colour, hatch_alpha=0.6, hatch_scale=6,
                             hatch_weight=0.8, level="underlay") for panel in panels]))
    return entries


def sky(panels: list[figure], axis: WaveAxis, colours: Palette) -> list[tuple[str, list[GlyphRenderer]]]:
    """Tint telluric bands and the 5577 Å mask where the observed frame is known; returns entries for the legend."""
    bands = [(band, a, b) for band, a, b in axis.sky_bands()
             if b > panels[0].x_range.start and a < panels[0].x_range.end]
    if not bands:
        return []
    source = ColumnDataSource({"x0": [lo for _, lo, _ in bands], "x1": [hi for _, _, hi in bands],
                               "name": [band.name for band, _, _ in bands]}, name="sky")
    return [("sky", [panel.vstrip(x0="x0", x1="x1", source=source, fill_color=colours.amber, fill_alpha=0.09,
                                  line_color=None, level="underlay") for panel in panels])]


def arrows(panel: figure, x: Any, y: Any, limits: tuple[float, float], colours: Palette) -> None:
    """Point at pixels beyond `limits` with a triangle at the edge that tells their value."""
    xs, edges, values = clipped(x, y, limits)
    if not xs:
        return
    up = [edge == limits[1] for edge in edges]
    inset = 0.02 * (limits[1] - limits[0])
    source = ColumnDataSource({"x": xs, "y": [e - inset if u else e + inset for e, u in zip(edges, up, strict=True)],
                               "value": values, "angle": [0.0 if u else np.pi for u in up]},
                              name="clipped")
    marks = panel.scatter(x="x", y="y", angle="angle", marker="triangle", size=9, source=source, line_color=None,
                          fill_color=colours.vermilion)
    hover(panel, [marks], [("off the scale", "@value{0.000 a}"), ("at", "@x{0.0}")])


def named(column: str, names: list[str]) -> dict[str, CustomJSHover]:
    """Return the hover formatter that turns a column of codes into names."""
    return {f"@{column}": CustomJSHover(args={"names": names}, code="return names[value]")}


def wavelength_rows(axis: WaveAxis) -> tuple[list[tuple[str, str]], dict[str, CustomJSHover]]:
    """Return hover rows for the wavelength in this frame and, where the redshift is known, in the other."""
    other = "observed" if axis.frame == "rest" else "rest"
    factor = float(WaveAxis(other, "Å", axis.z).place(1.0, axis.frame)) if axis.linked else 1.0
    code = "return (format == 'other' ? value * factor : value).toFixed(digits) + unit"
    formatter = CustomJSHover(args={"factor": factor, "unit": f" {axis.unit}", "digits": 2 if axis.unit == "Å" else 3},
                              code=code)
    rows = [(f"λ {axis.frame}", "@x{own}"), *([(f"λ {other}", "@x{other}")] if axis.linked else [])]
    return rows, {"@x": formatter}
