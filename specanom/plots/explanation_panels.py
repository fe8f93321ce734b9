"""The panels of an explanation, each drawn from one data source that may be given other numbers later."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, FactorRange, GlyphRenderer, Range1d, Span, Whisker
from bokeh.plotting import figure

from .axis import WaveAxis
from .palette import Palette, palette
from .theme import canvas, hover, legend

INTERVALS = ("whiskers", "band")
"""Names of the two ways of drawing intervals: one for few segments, one for many."""
BAR_EDGE = 0.4
HEIGHT = 250


def tint_layer(panel: figure, source: ColumnDataSource) -> GlyphRenderer:
    """Lay strips in the colours of the weights behind a spectrum; columns as of ``tint_data``."""
    return panel.vstrip(x0="x0", x1="x1", source=source, fill_color="color", fill_alpha="alpha", line_color=None,
                        level="underlay")


def weights_panel(
    source: ColumnDataSource, axis: WaveAxis, theme: str, *, reach: tuple[float, float], label: str = "weight",
    intervals: tuple[str, ...] = INTERVALS,
) -> figure:
    """Draw the weight of each segment with its 95 % interval; columns as of ``weight_data``.

    Parameters
    ----------
    source : ColumnDataSource
    axis : WaveAxis
    theme : {"light", "dark"}
    reach : (float, float)
        How far the vertical range goes below and above zero.
    label : str
        Of the vertical axis.
    intervals : tuple of {"whiskers", "band"}
        How intervals are drawn; renderer and annotation are called so, for those that show one of the two.
    """
    colours = palette(theme)
    left, right = source.data["left"], source.data["right"]
    made = canvas(theme, x=axis.label, y=label, height=HEIGHT,
                  options={"x_range": Range1d(float(np.min(left)), float(np.max(right)))})
    bars = made.quad(left="left", right="right", top="weight", bottom=0, source=source, fill_color="color",
                     fill_alpha=0.8, line_color="color" if intervals == ("band",) else colours.paper,
                     line_width=BAR_EDGE, name="bars")
    made.y_range = Range1d(-reach[0], reach[1])
    made.add_layout(Span(location=0, dimension="width", line_color=colours.faint, line_width=1))
    if "band" in intervals:
        made.quad(left="left", right="right", top="high", bottom="low", source=source, fill_color=colours.ink,
                  fill_alpha=0.45, line_color=None, name="band")
    if "whiskers" in intervals:
        whisker = Whisker(base="middle", lower="low", upper="high", source=source, line_color=colours.ink,
                          line_width=1.2, level="annotation", name="whiskers")
        for head in (whisker.upper_head, whisker.lower_head):
            head.size, head.line_color = 4, colours.ink
        made.add_layout(whisker)
    keys = [(text, [made.scatter(x=[np.nan], y=[np.nan], marker="square", size=11, fill_color=colour, line_color=None)])
            for text, colour in (("raises the score", colours.vermilion), ("lowers it", colours.blue))]
    legend(made, keys, colours)
    hover(made, [bars], [("segment", "@name"), (f"λ ({axis.unit})", "@left{0.0} – @right{0.0}"),
                         ("weight", "@weight{+0.0000 a}"), ("95 %", "@low{+0.0000 a} … @high{+0.0000 a}")])
    return made


def show_many(panel: figure, many: bool, theme: str) -> None:
    """Turn a panel with both kinds of intervals to the band, for many segments, or to the whiskers.

    Seams between many bars would hide the bars themselves, so those then have their own colour.
    """
    edge = "color" if many else palette(theme).paper
    # Not select_one: it walks through the whole layout, which takes longer than the explanation.
    drawn = {one.name: one for one in (*panel.renderers, *panel.center)}
    if drawn["bars"].glyph.line_color != edge:
        drawn["bars"].glyph.line_color = edge
    for name, shown in (("band", many), ("whiskers", not many)):
        if drawn[name].visible != shown:
            drawn[name].visible = shown


def leading_panel(
    source: ColumnDataSource, theme: str, *, reach: tuple[float, float], label: str = "weight", intervals: bool = True
) -> figure:
    """Draw the leading segments by name with their intervals, as horizontal bars; columns as of ``leading_data``."""
    colours = palette(theme)
    names = list(source.data["name"])
    made = canvas(theme, "Leading segments",
                  x=f"{label}, with its 95 % interval", height=110 + 24 * len(names),
                  options={"y_range": FactorRange(*names[::-1]), "tools": "", "toolbar_location": None,
                           "x_range": Range1d(-reach[0], reach[1])})
    bars = made.hbar(y="name", right="weight", height=0.6, source=source, fill_color="color", fill_alpha=0.85,
                     line_color=None)
    if intervals:
        made.add_layout(Whisker(base="name", lower="low", upper="high", source=source, dimension="width",
                                line_color=colours.ink, upper_head=None, lower_head=None, level="annotation"))
    made.add_layout(Span(location=0, dimension="height", line_color=colours.faint, line_width=1))
    _ruled(made, colours)
    hover(made, [bars], [("segment", "@name"), ("weight", "@weight{+0.0000 a}")])
    return made


def context_panel(source: ColumnDataSource, theme: str, *, title: str) -> figure:
    """Draw what lies where the weight is, as horizontal bars; columns as of ``context_data``."""
    colours = palette(theme)
    names = list(source.data["name"])
    made = canvas(theme, title, x="share of Σ|weight|", height=110 + 24 * len(names), options={
        "y_range": FactorRange(*names[::-1]), "tools": "", "toolbar_location": None, "x_range": Range1d(0, 1.12)})
    made.hbar(y="name", right="share", height=0.6, source=source, fill_color="color", fill_alpha=0.85, line_color=None)
    made.text(x="share", y="name", text="text", source=source, x_offset=5, text_baseline="middle",
              text_color=colours.muted, text_font_size="11px")
    made.xaxis.ticker = [0, 0.25, 0.5, 0.75, 1]
    made.xaxis.major_label_overrides = {0: "0", 0.25: "25 %", 0.5: "50 %", 0.75: "75 %", 1: "100 %"}
    _ruled(made, colours)
    return made


def _ruled(made: figure, colours: Palette) -> None:
    made.ygrid.grid_line_color = None
    made.xgrid.grid_line_color = colours.grid
    made.yaxis.axis_line_color = made.yaxis.major_tick_line_color = None
    made.min_border_left = 30
