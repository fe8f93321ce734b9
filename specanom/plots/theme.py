"""One look for every figure: an empty canvas in the house style, and turning a figure from light to dark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bokeh.layouts import column, gridplot, row
from bokeh.model import Model
from bokeh.models import (
    BasicTicker,
    BasicTickFormatter,
    Column,
    ColumnDataSource,
    CustomJS,
    GlyphRenderer,
    GridPlot,
    HoverTool,
    LayoutDOM,
    Legend,
    LegendItem,
    Plot,
    Row,
    WheelZoomTool,
)
from bokeh.plotting import figure

from ..errors import ArgumentError, message
from ..visible import visible
from .palette import FONT, THEMES, Palette, palette, translation
from .ticks import round_ticks

TOOLS = "pan,box_zoom,reset,save"
LEFT = 78
"""Screen pixels left of the frame, the same for all panels so that stacked frames are aligned."""
LEGEND, ENTRY, LETTER = 760, 42, 6.5
"""Screen pixels that a row of a legend may take, and that an entry takes beside its text and for each letter of it."""


NARROW = "@media (max-width: 700px) { :host { grid-column: 1 !important; grid-row: auto !important } }"
"""Style of a panel beside others: on a narrow page it goes below them."""
SHORTEN = """
const [whole, cut] = title.tags, full = cut && title.text == cut ? whole : title.text
const pen = document.createElement("canvas").getContext("2d"), room = plot.inner_width + 8
const wide = (text, size) => { pen.font = `bold ${size}px ${title.text_font}`; return pen.measureText(text).width }
const size = Math.min(14, Math.max(11, Math.floor(14 * room / wide(full, 14))))
let text = full
for (let n = full.length - 1; n > 8 && wide(text, size) > room; n--) text = full.slice(0, n).trimEnd() + "…"
if (title.text_font_size != "13px") title.text_font_size = `${size}px`
title.tags = [full, text]
if (title.text != text) title.text = text
"""
"""Writes a title that is longer than its panel is wide in smaller letters, and cuts what is still too long."""
COLUMNS = """
const widths = legend.items.map(item => 46 + 6.4 * (item.label.value || "").length)
const all = widths.reduce((sum, one) => sum + one, 0)
const columns = all <= plot.inner_width ? own : Math.max(1, Math.floor(plot.inner_width / Math.max(...widths)))
if (legend.ncols != columns) legend.ncols = columns
"""
"""Puts a legend that is wider than its panel into as many columns as there is room for."""

LEAST = 150
"""Screen pixels of the lowest panel that has room for title, legend and axis."""

QUIET = ":host { opacity: 0.45; transition: opacity 0.15s } :host(:hover), :host(:focus-within) { opacity: 1 }"
"""Style of a tool bar: faint until it is used."""


def plain(text: object) -> str:
    """Return text that is drawn as it is, formulas of bokeh (``$$…$$``, ``\\[…\\]``) and hidden characters too."""
    shown = visible(str(text), keep="\n\t\u200b")
    return shown.replace("$$", "$\u200b$").replace("\\[", "\\\u200b[").replace("\\(", "\\\u200b(")


def canvas(theme: str, title: str = "", *, x: str = "", y: str = "", height: int = 300, options: Any = None) -> figure:
    """Make an empty figure in the house style.

    Parameters
    ----------
    theme : {"light", "dark"}
        Colours.
    title, x, y : str
        Title and axis labels.
    height : int
        Screen pixels; the width follows the page.
    options : dict, optional
        Options of ``bokeh.plotting.figure``: ranges, axis types, tools.
    """
    colours = palette(theme)
    settings = {"tools": TOOLS, "sizing_mode": "stretch_width", "height": height, "min_width": 320,
                "output_backend": "canvas", "toolbar_location": "right", **(options or {})}
    made = figure(title=plain(title), x_axis_label=plain(x), y_axis_label=plain(y), **settings)
    if "pan" in settings["tools"]:
        made.add_tools(WheelZoomTool(dimensions="width"))
    made.toolbar.logo = None
    made.toolbar.stylesheets = [QUIET]
    made.js_on_change("inner_width", CustomJS(args={"title": made.title, "plot": made}, code=SHORTEN))
    made.min_border_left, made.min_border_right = LEFT, 14
    _dress(made, colours)
    round_ticks(made)
    if height <= 240:  # few numbers where there is little room
        for axis in made.yaxis:
            if isinstance(axis.ticker, BasicTicker):
                axis.ticker.desired_num_ticks = 4
    return made


def heights(height: int | None, usual: Sequence[int]) -> list[int]:
    """Return how high panels are that are `height` together, in the proportions of the `usual` heights.

    Raises
    ------
    ArgumentError
        When less than :data:`LEAST` is left for the first.
    """
    if height is None:
        return list(usual)
    total = sum(usual)
    made = [round(height * one / total) for one in usual]
    if made[0] < LEAST:
        raise ArgumentError(message("height", expected=f"at least {-(-LEAST * total // usual[0])} screen pixels",
                                    got=repr(height)))
    return made


def plain_numbers() -> BasicTickFormatter:
    """Return what writes 0.0004 as it is, where bokeh would write 4.000e-4."""
    return BasicTickFormatter(power_limit_low=-6)


def _dress(made: figure, colours: Palette) -> None:
    made.background_fill_color = made.border_fill_color = colours.paper
    made.outline_line_color = None
    made.title.text_color, made.title.text_font = colours.ink, FONT
    made.title.text_font_size, made.title.text_font_style = "14px", "bold"
    for axis in made.axis:
        axis.axis_line_color = axis.major_tick_line_color = colours.faint
        axis.minor_tick_line_color = None
        axis.major_label_text_color = axis.axis_label_text_color = colours.muted
        axis.major_label_text_font = axis.axis_label_text_font = FONT
        axis.major_label_text_font_size, axis.axis_label_text_font_size = "12px", "12px"
        axis.axis_label_text_font_style = "normal"
        if isinstance(axis.formatter, BasicTickFormatter):
            axis.formatter = plain_numbers()
    for grid in made.grid:
        grid.grid_line_color = colours.grid
    made.xgrid.grid_line_color = None


def legend(made: figure, entries: Sequence[tuple[str, Sequence[GlyphRenderer]]], colours: Palette) -> None:
    """Put a legend above the frame, where it can cover nothing, in rows that fit a page; a click hides a curve."""
    items = [LegendItem(label=plain(text), renderers=list(renderers)) for text, renderers in entries]
    box = Legend(
        items=items, orientation="horizontal", ncols=_legend_columns([text for text, _ in entries]), location="left",
        click_policy="hide", spacing=16, padding=2, margin=0,
        border_line_color=None, background_fill_color=None, label_text_color=colours.muted, label_text_font=FONT,
        label_text_font_size="12px", glyph_height=14, glyph_width=18, label_standoff=6,
    )
    made.add_layout(box, "above")
    made.js_on_change("inner_width", CustomJS(args={"legend": box, "plot": made, "own": "auto"}, code=COLUMNS))


def _legend_columns(labels: Sequence[str]) -> int:
    """Return into how many columns a legend goes: all in one row, or as many as fit into LEGEND pixels."""
    widths = [ENTRY + LETTER * len(label) for label in labels]
    for columns in range(len(widths), 1, -1):
        if sum(max(widths[start::columns]) for start in range(columns)) <= LEGEND:
            return columns
    return 1


def hover(made: figure, renderers: Sequence[GlyphRenderer], rows: Sequence[tuple[str, str]], *,
          mode: str = "mouse", formatters: dict[str, Any] | None = None) -> HoverTool:
    """Add a hover tool with labelled rows for `renderers`; returns it."""
    tool = HoverTool(renderers=list(renderers), tooltips=list(rows), mode=mode, formatters=formatters or {},
                     visible=False,  # no button: what the pointer tells is never in the way
                     line_policy="nearest", point_policy="snap_to_data" if mode == "mouse" else "follow_mouse")
    made.add_tools(tool)
    return tool


def stack(panels: Sequence[Plot], *, columns: int = 1, toolbar: bool = True) -> GridPlot:
    """Join panels into one layout with one toolbar, or none; on narrow pages they are all below each other."""
    if columns > 1:
        for panel in panels:
            panel.stylesheets = [*panel.stylesheets, NARROW]
    grid = gridplot(list(panels), ncols=columns, sizing_mode="stretch_width",
                    toolbar_location="right" if toolbar else None, toolbar_options={"logo": None})
    # No seam of another colour between panels and beside the toolbar.
    if grid.toolbar is not None:
        grid.toolbar.stylesheets = [QUIET]
    grid.styles = {"background-color": panels[0].background_fill_color}
    return grid


def beside(panels: Sequence[Plot], *, least: int) -> Row:
    """Put panels side by side, and below each other on pages where one would be less than `least` pixels wide."""
    for panel in panels:
        panel.min_width = least
    colour = panels[0].background_fill_color
    return row(*panels, sizing_mode="stretch_width", styles={"flex-wrap": "wrap", "background-color": colour})


def below(*layouts: LayoutDOM) -> Column:
    """Put layouts of different numbers of columns under each other."""
    return column(*layouts, sizing_mode="stretch_width", spacing=0)


def restyle(layout: Model, theme: str) -> Model:
    """Turn every colour of a finished figure or layout into that of `theme`, in place; returns it.

    Works on live documents: only properties that change are set.
    """
    target = palette(theme)
    table: dict[str, str] = {}
    for source in THEMES.values():
        if source is not target:
            table |= translation(source, target)
    for model in layout.references():
        for name in model.properties():
            if "color" in name or name in ("palette", "styles"):
                _translate(model, name, table)
        if isinstance(model, ColumnDataSource) and "color" in model.data:
            model.data["color"] = [table.get(value, value) for value in model.data["color"]]
    return layout


def _translate(model: Model, name: str, table: dict[str, str]) -> None:
    old = getattr(model, name)
    new: Any = old
    if isinstance(old, str):
        new = table.get(old, old)
    elif isinstance(old, (list, tuple)):
        new = type(old)(table.get(v, v) if isinstance(v, str) else v for v in old)
    elif isinstance(old, dict):
        new = {key: table.get(v, v) if isinstance(v, str) else v for key, v in old.items()}
    if new != old:
        setattr(model, name, new)
