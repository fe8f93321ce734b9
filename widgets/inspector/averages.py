"""Mean spectrum and mean explanation of a choice of members, beside the means of the clusters, in either frame.

In the observed frame the spectrum is the median: lines of members at different redshifts would be spikes of a mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, CustomJSHover, Range1d
from numpy.typing import NDArray

from specanom.cluster import Band
from specanom.plots.axis import REST_KINDS, WaveAxis
from specanom.plots.columns import line_columns, sky_columns
from specanom.plots.drawing import decimate, robust_range
from specanom.plots.layers import draw_lines, draw_sky, headroom, label_share, set_limits
from specanom.plots.palette import palette
from specanom.plots.single import axis_text, link
from specanom.plots.theme import canvas, hover, legend, plain, stack

Floats = NDArray[np.float64]
FLUX, WEIGHTS, AROUND = 330, 190, 110
"""Heights in screen pixels, and what title, legend and axis take of the first."""
SHOWN = {"rest": "mean", "observed": "median"}
"""What is drawn of the spectra in each frame."""
COLUMNS = 700
"""Stretches to which the means of clusters are thinned: each keeps its lowest and highest point."""


@dataclass(frozen=True, eq=False)
class Averages:
    """What is drawn.

    Attributes
    ----------
    frame : {"rest", "observed"}
    wave : (p,) array
        Å in that frame.
    flux : Band
        Of the choice.
    edges : (b + 1,) array or None
        Borders of the bins of the weights.
    weights : Band or None
    names : sequence of str
        What lies in each bin.
    """

    frame: str
    wave: Floats
    flux: Band
    edges: Floats | None = None
    weights: Band | None = None
    names: Sequence[str] = ()


def tips(shown: str) -> list[tuple[str, str]]:
    """Return what the pointer tells of the curve, which is a ``"mean"`` or a ``"median"``."""
    return [("λ", "@x{0.0} Å"), (shown, "@mean{0.000}"), ("16–84 %", "@low{0.000} – @high{0.000}"),
            ("line", "@line{custom}"), ("sky", "@sky{custom}")]


class AveragesFigure:
    """Two panels with one wavelength range, built once.

    Attributes
    ----------
    root : GridPlot
        Goes into one FigurePane. Sources are called ``"mean"``, ``"mean weights"``, ``"cluster means"``,
        ``"cluster weights"``, ``"lines"`` and ``"sky"``.
    """

    def __init__(self, theme: str = "light") -> None:
        colours = palette(theme)
        empty = {"mean": ("x", "mean", "low", "high", "line", "sky"),
                 "mean weights": ("left", "right", "middle", "mean", "low", "high", "name"),
                 "cluster means": ("xs", "ys", "color", "name"), "cluster weights": ("xs", "ys", "color", "name"),
                 "lines": ("x", "label", "name", "row", "shift", "alpha", "color"), "sky": ("x0", "x1", "name")}
        self.sources = {name: ColumnDataSource({column: [] for column in columns}, name=name)
                        for name, columns in empty.items()}
        self._span = Range1d(0.0, 1.0)
        self.flux = canvas(theme, " ", x=" ", y="flux / median", height=FLUX, options={"x_range": self._span})
        headroom(self.flux, (0.0, 1.0), FLUX - AROUND, colours)
        self.weights = canvas(theme, x=" ", y="mean |weight|", height=WEIGHTS,
                              options={"x_range": self._span, "y_range": Range1d(0.0, 1.0)})
        self.flux.name = "means"
        self.panels = [self.flux, self.weights]
        self._draw(theme)
        link(self.panels, colours)
        self.root = stack(self.panels)

    def _draw(self, theme: str) -> None:
        colours, top, below = palette(theme), self.flux, self.weights
        source = self.sources["mean"]
        band = top.varea("x", "low", "high", source=source, fill_color=colours.band, fill_alpha=0.6)
        others = top.multi_line("xs", "ys", source=self.sources["cluster means"], line_color="color", line_alpha=0.22,
                                line_width=1, level="underlay")
        self._curve = top.line("x", "mean", source=source, line_color=colours.flux, line_width=2)
        marks = draw_sky(self.panels, self.sources["sky"], colours)
        draw_lines(self.panels, self.sources["lines"])
        legend(top, [("mean", [self._curve]), ("middle 68 %", [band]), marks], colours)
        weights = self.sources["mean weights"]
        boxes = below.quad("left", "right", "high", "low", source=weights, fill_color=colours.band, fill_alpha=0.6,
                           line_color=None)
        self._bars = below.quad(left="left", right="right", top="mean", bottom=0, source=weights, line_color=None,
                                fill_color=colours.flux, fill_alpha=0.45)
        rest = below.multi_line("xs", "ys", source=self.sources["cluster weights"], line_color="color", line_width=1,
                                line_alpha=0.28, level="underlay")
        legend(below, [("mean", [self._bars]), ("middle 68 %", [boxes])], colours)
        self._entries = {"sky": top.legend[0].items[-1], "curve": top.legend[0].items[0]}
        self._hover(boxes)
        for panel, lines in ((top, others), (below, rest)):
            hover(panel, [lines], [("of", "@name")])

    def _hover(self, boxes: Any) -> None:
        axis = WaveAxis("observed")
        _, sky = axis.sky_names(np.array([5000.0]))
        _, rest = WaveAxis("rest").line_names(np.array([5000.0]))
        named = {f"@{column}": CustomJSHover(args={"names": names}, code="return names[value]")
                 for column, names in (("line", rest), ("sky", sky))}
        self._tip = hover(self.flux, [self._curve], tips("mean"), mode="vline", formatters=named)
        hover(self.weights, [boxes, self._bars], [("segment", "@name"), ("λ", "@left{0.0} – @right{0.0} Å"),
                                                  ("mean |weight|", "@mean{0.000}"),
                                                  ("16–84 %", "@low{0.000} – @high{0.000}")])

    # -- changing what is shown ------------------------------------------------------------------------------------

    def show(self, made: Averages, *, title: str, colour: str, theme: str) -> None:
        """Show a choice of members; call it within ``pane.batch()``.

        Parameters
        ----------
        made : Averages
            Its means.
        title : str
            What it is.
        colour : str
            Of the bars and the curve.
        theme : {"light", "dark"}
            In which the figure is drawn now.
        """
        axis = WaveAxis(made.frame)
        lo, hi = float(made.wave[0]), float(made.wave[-1])
        if axis.label != self.weights.xaxis.axis_label or (self._span.reset_start, self._span.reset_end) != (lo, hi):
            self._span.update(start=lo, end=hi, reset_start=lo, reset_end=hi)
            self._write(axis, (lo, hi), theme)
        self.flux.title.text = plain(title)
        self._curve.glyph.line_color = self._bars.glyph.fill_color = colour
        self._show_flux(made)
        self._show_weights(made)

    def _write(self, axis: WaveAxis, span: tuple[float, float], theme: str) -> None:
        observed = axis.frame == "observed"
        # Lines of the sky stand still in the observed frame, lines of the galaxies in the rest frame.
        kinds = ("sky",) if observed else REST_KINDS
        self.sources["lines"].data = line_columns(axis, span, palette(theme), kinds)
        self.sources["sky"].data = sky_columns(axis if observed else WaveAxis("rest"), span)
        self._entries["sky"].visible = len(self.sources["sky"].data["x0"]) > 0
        self._entries["curve"].label = value(SHOWN[axis.frame])
        self._tip.tooltips = tips(SHOWN[axis.frame])
        axis_text(self.weights, axis.label)

    def _show_flux(self, made: Averages) -> None:
        x, flux = made.wave, made.flux
        axis = WaveAxis(made.frame)
        none = np.zeros(x.size, dtype=np.uint8)
        middle = getattr(flux, SHOWN[made.frame])
        self.sources["mean"].data = {
            "x": x.astype(np.float32), "mean": middle.astype(np.float32), "low": flux.low.astype(np.float32),
            "high": flux.high.astype(np.float32),
            "line": axis.line_names(x)[0] if made.frame == "rest" else none,
            "sky": axis.sky_names(x)[0] if made.frame == "observed" else none,
        }
        seen = (x >= self._span.start) & (x <= self._span.end)
        limits = robust_range(np.concatenate([flux.low[seen], middle[seen], flux.high[seen]]))
        set_limits(self.flux, limits, label_share(FLUX - AROUND))

    def _show_weights(self, made: Averages) -> None:
        self.weights.visible = made.weights is not None and made.edges is not None
        if made.weights is None or made.edges is None:
            axis_text(self.flux, WaveAxis(made.frame).label)
            return
        left, right = made.edges[:-1], made.edges[1:]
        there = np.isfinite(made.weights.mean)
        names = [plain(name) for name in made.names] or [""] * left.size
        self.sources["mean weights"].data = {
            "left": left[there], "right": right[there], "middle": ((left + right) / 2)[there],
            "mean": made.weights.mean[there], "low": made.weights.low[there], "high": made.weights.high[there],
            "name": [name for name, seen in zip(names, there, strict=True) if seen],
        }
        end = 1.08 * float(np.nanmax(made.weights.high, initial=0.0)) or 1.0
        self.weights.y_range.update(start=0.0, end=end, reset_start=0.0, reset_end=end)

    def beside(self, wave: Floats, means: Floats, *, edges: Floats | None, weights: Floats | None,
               named: Sequence[tuple[str, str]]) -> None:
        """Show the means of some clusters as thin curves.

        Parameters
        ----------
        wave : (p,) array
            Å.
        means : (g, p) array
            Mean spectra; medians in the observed frame.
        edges, weights : (b + 1,) and (g, b) arrays, or None
            Mean explanations and the borders of their bins.
        named : sequence of (str, str)
            Name and colour of each.
        """
        names, colours = [plain(name) for name, _ in named], [colour for _, colour in named]
        thin = [decimate(wave, mean, COLUMNS) for mean in means]
        self.sources["cluster means"].data = {
            "xs": [np.asarray(x, dtype=np.float32) for x, _ in thin],
            "ys": [np.asarray(y, dtype=np.float32) for _, y in thin], "color": colours, "name": names}
        rows = [] if edges is None or weights is None else list(weights)
        steps = np.repeat(edges, 2)[1:-1].astype(np.float32) if rows and edges is not None else np.empty(0)
        self.sources["cluster weights"].data = {
            "xs": [steps] * len(rows), "ys": [np.repeat(row, 2).astype(np.float32) for row in rows],
            "color": colours[: len(rows)], "name": names[: len(rows)]}
