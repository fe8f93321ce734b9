"""The spectrum of a tuner: one panel whose layers are all there from the start and get other numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, CustomJSHover, LegendItem
from bokeh.plotting import figure
from numpy.typing import ArrayLike

from specanom.plots.columns import ROW, ROWS, aside_columns, clipped_columns, flux_columns, line_columns, sky_columns
from specanom.plots.columns import span_columns as spans
from specanom.plots.explanation_panels import tint_layer
from specanom.plots.layers import draw_arrows, draw_hatch, draw_lines, draw_sky, headroom, wavelength_terms
from specanom.plots.palette import palette
from specanom.plots.single import (
    AROUND,
    draw_aside,
    draw_curve,
    draw_model,
    draw_noise,
    model_row,
    set_aside,
    spectrum_hover,
)
from specanom.plots.theme import canvas, legend, plain
from specanom.plots.view import SpectrumView, describe, flux_label
from specanom.spectrum import Spectrum

from ..spectra.live import put

HEIGHT = 330
SEGMENT = """
const d = source.data
for (let i = 0; i < d.left.length; i++)
  if (d.left[i] <= value && value < d.right[i])
    return d.name[i] + ", weight " + (d.weight[i] > 0 ? "+" : "") + d.weight[i].toPrecision(3)
return "–"
"""
"""What the hover text says of the segment under the mouse."""


class SpectrumPanel:
    """Flux, ±1σ, reconstruction, tint by weight, masked and imputed pixels, sky and named lines.

    Parameters
    ----------
    spectrum : Spectrum
        The first one to be shown; others are on the same grid.
    weights : ColumnDataSource
        Segments with their weights, for the hover text.
    theme : {"light", "dark"}
    """

    def __init__(self, spectrum: Spectrum, weights: ColumnDataSource, theme: str) -> None:
        view, colours = SpectrumView.of(spectrum), palette(theme)
        self.theme, self.view = theme, view
        data = columns(view, None, theme)
        self.sources = {name: ColumnDataSource(data[name], name=name) for name in data}
        self.tint = ColumnDataSource({"x0": [], "x1": [], "color": [], "alpha": []}, name="tint")
        made = self.figure = canvas(theme, describe(spectrum), x=view.axis.label, height=HEIGHT, y=flux_label(
            spectrum.scale, spectrum.meta), options={"x_range": (view.edges[0], view.edges[-1])})
        made.name = "spectrum"
        headroom(made, view.limits, HEIGHT - AROUND, colours)
        tint_layer(made, self.tint)
        flux = self.sources["flux"]
        noise = draw_noise(made, flux, ("low", "high"), colours)
        for name in ("imputed flux", "masked flux"):
            draw_aside(made, self.sources[name], colours)
        curve, probe = draw_curve(made, flux, "y", colours)
        self.model = draw_model(made, flux, colours)
        draw_arrows(made, self.sources["clipped"], colours)
        entries = [draw_hatch([made], self.sources[name], colours) for name in ("masked", "imputed")]
        entries.append(draw_sky([made], self.sources["sky"], colours))
        legend(made, [("flux", [curve]), ("reconstruction", [self.model]), ("±1σ noise", [noise]), *entries], colours)
        self.entries: dict[str, LegendItem] = {str(item.label.value): item for item in made.legend[0].items}
        self.hover = spectrum_hover(made, probe, view, ())
        self.hover.tooltips = [*self.hover.tooltips, ("segment", "$x{custom}")]
        self.hover.formatters |= {"$x": CustomJSHover(args={"source": weights}, code=SEGMENT)}

    def draw_lines(self, panels: list[figure]) -> None:
        """Mark lines in some panels, this one first, and name them in this one."""
        draw_lines(panels, self.sources["lines"])

    def show(self, spectrum: Spectrum, reconstruction: ArrayLike | None) -> None:
        """Show another spectrum on the same grid."""
        view = self.view = SpectrumView.of(spectrum)
        for name, data in columns(view, reconstruction, self.theme).items():
            put(self.sources[name], data)
        rescale(self.figure, view.limits)
        title = plain(describe(spectrum))
        if self.figure.title.text != title:
            self.figure.title.text = title
        self.hover.formatters["@x"].args = wavelength_terms(view.axis)
        there = {"reconstruction": reconstruction is not None, "±1σ noise": bool(np.isfinite(view.sigma).any()),
                 "masked": bool(view.masked), "imputed": bool(view.imputed),
                 "sky": bool(self.sources["sky"].data["x0"])}
        for name, shown in there.items():
            if self.entries[name].visible != shown:
                self.entries[name].visible = shown


def columns(view: SpectrumView, reconstruction: ArrayLike | None, theme: str) -> dict[str, dict[str, Any]]:
    """Return the columns of every layer but the tint."""
    window = (float(view.edges[0]), float(view.edges[-1]))
    unknown = np.full(view.x.size, np.nan, dtype=np.float32)
    model = unknown if reconstruction is None else model_row(reconstruction, view.spectrum).astype(np.float32)
    named = view.axis.frame == "rest" or view.axis.linked
    lines = line_columns(view.axis, window if named else (0.0, 0.0), palette(theme))
    aside = {name: aside_columns(view, flags) for name, flags in set_aside(view).items()}
    return {
        "flux": {"low": unknown, "high": unknown, **flux_columns(view), "reconstruction": model}, **aside,
        "masked": spans(view.masked), "imputed": spans(view.imputed), "sky": sky_columns(view.axis, window),
        "clipped": clipped_columns(view.x, view.y, view.limits), "lines": lines,
    }


def rescale(panel: figure, limits: tuple[float, float]) -> None:
    """Give a panel with headroom other vertical limits."""
    low, high = limits
    share = min(0.5, (ROWS * ROW + 6) / (HEIGHT - AROUND))
    panel.y_range.update(start=low, end=low + (high - low) / (1 - share))
    for part in (*panel.yaxis, *panel.ygrid):
        part.bounds = (low, high)
