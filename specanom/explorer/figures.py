"""The figures of an explorer, empty: the page fills their sources with what is looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.embed import json_item
from bokeh.models import ColumnDataSource, CustomJS, GridPlot, LayoutDOM, Range1d
from bokeh.models.tools import BoxZoomTool, WheelZoomTool
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..plots.axis import WaveAxis
from ..plots.explanation_panels import tint_layer, weights_panel
from ..plots.layers import draw_hatch, draw_sky, headroom, label_share, line_glyphs
from ..plots.palette import THEMES, palette
from ..plots.single import draw_curve, draw_model, draw_noise, link, residual_canvas
from ..plots.theme import canvas, hover, legend, stack
from ..plots.view import flux_label
from .sky import graticule, outline, ticks

FLUX, RESIDUAL, WEIGHTS = 330, 150, 190
"""Heights of the panels of a card, screen pixels."""
MAP = 300
PIXELS = ("x", "y", "sigma", "low", "high", "below", "reconstruction", "residual", "rest", "observed", "line", "sky")
SPANS = ("x0", "x1")
LINES = ("x", "label", "row", "shift", "alpha", "color")
BARS = ("left", "right", "middle", "weight", "low", "high", "name", "color")
POINTS = ("x", "y", "row", "id", "told", "color", "alpha", "size")
INSIDE = FLUX - 44  # legend above, ticks below
SHARE = label_share(INSIDE)
"""Of the flux panel, kept for the names of lines."""


def figures(wave: NDArray[np.float64] | None, scale: str) -> dict[str, dict[str, Any]]:
    """Return the figures as JSON by theme and name: ``card`` where there are spectra, ``sky`` and ``map``."""
    made: dict[str, dict[str, Any]] = {}
    for theme in THEMES:
        layouts = {"sky": sky_map(theme), "map": scatter(theme)}
        if wave is not None:
            layouts["card"] = card(theme, wave, scale)
        made[theme] = {name: json_item(_without_scripts(layout)) for name, layout in layouts.items()}
    return made


def _without_scripts(layout: LayoutDOM) -> LayoutDOM:
    """Take away the scripts of a layout: the policy of the page lets no text run, and its own files do their work."""
    for model in layout.references():
        kept = {event: [one for one in several if not isinstance(one, CustomJS)]
                for event, several in model.js_property_callbacks.items()}
        model.js_property_callbacks = {event: several for event, several in kept.items() if several}
    return layout


def _source(name: str, columns: tuple[str, ...]) -> ColumnDataSource:
    return ColumnDataSource({column: [] for column in columns}, name=name)


def card(theme: str, wave: NDArray[np.float64], scale: str) -> GridPlot:
    """Draw the panels of a card: flux and reconstruction, residual, weights; all sources are empty and named."""
    colours = palette(theme)
    # One pixel of nothing: BokehJS never ends drawing a stepped area without any.
    pixels = ColumnDataSource({name: [np.nan] for name in PIXELS}, name="pixels")
    x_range = Range1d(float(wave[0]), float(wave[-1]), name="wavelengths")
    top = canvas(theme, x="wavelength", y=flux_label(scale), height=FLUX, options={"x_range": x_range})
    headroom(top, (0.0, 1.0), INSIDE, colours)
    band = draw_noise(top, pixels, ("low", "high"), colours)
    curve, probe = draw_curve(top, pixels, "y", colours)
    bottom = residual_canvas(theme, top, (-1.0, 1.0))
    bottom.height = RESIDUAL
    noise = draw_noise(bottom, pixels, ("below", "sigma"), colours)
    rest, residual_probe = draw_curve(bottom, pixels, "residual", colours)
    bars = weights_panel(_weights(), WaveAxis("rest"), theme, reach=(1.0, 1.0), intervals=("whiskers",))
    bars.height = WEIGHTS
    panels = [top, bottom, bars]
    for name, panel in zip(("flux", "residual", "weights"), panels, strict=True):
        panel.name = f"{name} panel"
    tint_layer(top, _source("tint", ("x0", "x1", "color", "alpha")))
    hatched = [draw_hatch([top, bottom], _source(name, SPANS), colours) for name in ("masked", "imputed")]
    tinted = draw_sky([top, bottom], _source("sky", SPANS), colours)
    line_glyphs(panels, _source("lines", LINES))
    top.scatter(x="x", y="y", angle="angle", marker="triangle", size=9, source=_source("clipped", ("x", "y", "angle")),
                line_color=None, fill_color=colours.vermilion)
    legend(top, [("flux", [curve]), ("reconstruction", [draw_model(top, pixels, colours)]), ("±1σ noise", [band]),
                 *hatched, tinted], colours)
    top.legend[0].name = "legend"
    legend(bottom, [("residual", [rest]), ("±1σ noise", [noise])], colours)
    for panel, told in ((top, probe), (bottom, residual_probe)):
        hover(panel, [told], _pixel_rows(), mode="vline")
    link(panels, colours)
    for panel in panels:
        panel.yaxis.axis_label_standoff = 4
        _zoomed(panel)
    return stack(panels)


def _weights() -> ColumnDataSource:
    """One bar of no height: a panel without any has no range."""
    numbers = {name: [0.0] for name in BARS}
    return ColumnDataSource(numbers | {"right": [1.0], "name": [""], "color": ["#000000"]}, name="weights")


def _pixel_rows() -> list[tuple[str, str]]:
    return [("λ rest", "@rest{0.00} Å"), ("λ observed", "@observed{0.00} Å"), ("flux", "@y{0.0000}"),
            ("σ", "@sigma{0.0000}"), ("model", "@reconstruction{0.0000}"), ("residual", "@residual{0.0000}"),
            ("line", "@line"), ("sky", "@sky")]


def _zoomed(panel: figure) -> None:
    """Let a drag zoom, and the wheel with ctrl: without, it scrolls the card."""
    for tool in panel.tools:
        if isinstance(tool, WheelZoomTool):
            tool.modifiers = "ctrl"
            panel.toolbar.active_scroll = tool
        elif isinstance(tool, BoxZoomTool):
            tool.dimensions = "auto"
            panel.toolbar.active_drag = tool


def sky_map(theme: str) -> figure:
    """Draw the sky with its graticule and the points of source ``"points"``."""
    colours = palette(theme)
    made = _points(theme, {"x_range": Range1d(-2.06, 2.06), "y_range": Range1d(-1.06, 1.06)})
    made.axis.visible = False
    made.grid.visible = False
    made.min_border_left = made.min_border_right = 6
    x, y = outline()
    made.patch(x, y, fill_color=colours.middle, fill_alpha=0.45, line_color=colours.faint, level="image")
    made.multi_line(source=ColumnDataSource(graticule()), xs="xs", ys="ys", line_color=colours.grid, level="image")
    made.text(source=ColumnDataSource(ticks()), x="x", y="y", text="text", text_color=colours.muted, level="underlay",
              text_font_size="11px", text_align="center", text_baseline="bottom")
    return made


def scatter(theme: str) -> figure:
    """Draw the points of source ``"points"`` on axes whose names the page writes."""
    made = _points(theme, {})
    made.xaxis.axis_label = made.yaxis.axis_label = " "
    made.min_border_left = 56
    return made


def _points(theme: str, options: dict[str, Any]) -> figure:
    colours = palette(theme)
    made = canvas(theme, height=MAP, options={
        "tools": "pan,wheel_zoom,box_select,lasso_select,tap,reset,save", "active_drag": "box_select",
        "active_scroll": "wheel_zoom", "toolbar_location": "above", "min_width": 200, **options})
    made.tools = [tool for tool in made.tools if not isinstance(tool, WheelZoomTool) or tool.dimensions == "both"]
    source = _source("points", POINTS)
    drawn = made.scatter(x="x", y="y", source=source, size="size", fill_color="color", fill_alpha="alpha",
                         line_color=None, nonselection_fill_alpha=0.15, name="dots")
    here = made.scatter(x="x", y="y", source=_source("here", ("x", "y")), size=15, fill_color=None,
                        line_color=colours.ink, line_width=2.5, name="ring")
    here.nonselection_glyph = None
    hover(made, [drawn], [("id", "@id"), ("", "@told")])
    return made
