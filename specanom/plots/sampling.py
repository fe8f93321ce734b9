"""How the error of LIME's weights falls with the number of masks."""

from __future__ import annotations

import numpy as np
from bokeh.models import Band, ColumnDataSource, FixedTicker, Label, NumeralTickFormatter, Range1d, Span
from bokeh.plotting import figure

from ..explain.sampling import SamplingErrors
from .palette import FONT, Palette, palette
from .theme import canvas, hover, legend

COLOURS = {"paired": "vermilion", "independent": "slate", "hadamard": "blue"}
NAMES = {"paired": "paired complements", "independent": "independent (as published)", "hadamard": "Hadamard, folded"}


def sampling_errors(found: SamplingErrors, *, theme: str = "light") -> figure:
    """Draw the error of the weights against the number of masks, a curve for each way of drawing them.

    Parameters
    ----------
    found : SamplingErrors
        What :func:`specanom.explain.sampling_errors` measured.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    bokeh.plotting.figure
        Median error of all repeats with the range of two thirds of them, on logarithmic axes; a ring marks the
        default. Data sources are called by design.
    """
    colours = palette(theme)
    table = found.to_frame()
    values = table[["low", "high"]].to_numpy()
    values = values[np.isfinite(values) & (values > 0)]
    low, high = (values.min(), values.max()) if values.size else (0.01, 1.0)
    low, high = (low, high) if high > 1.2 * low else (low / 2, high * 2)
    named = f" of {found.id}" if found.id else ""
    title = f"Error of the weights{named} against endless sampling"
    made = canvas(theme, title, x="number of masks", y="relative error", height=360, options={
        "x_axis_type": "log", "y_axis_type": "log", "y_range": Range1d(float(low) / 1.4, float(high) * 1.4),
        "x_range": Range1d(found.n[0] / 1.15, found.n[-1] * 1.15)})
    made.xaxis.ticker = FixedTicker(ticks=[int(size) for size in found.n])
    made.xaxis.formatter = NumeralTickFormatter(format="0,0")
    made.yaxis.ticker = FixedTicker(ticks=[base * 10.0**power for power in range(-6, 3) for base in (1, 2, 5)])
    made.yaxis.formatter = NumeralTickFormatter(format="0.[000]%")
    entries = []
    for design, part in table.groupby("design", sort=False):
        source = ColumnDataSource({name: part[name].to_numpy() for name in ("n", "median", "low", "high", "same")},
                                  name=str(design))
        colour = getattr(colours, COLOURS[str(design)])
        made.add_layout(Band(base="n", lower="low", upper="high", source=source, fill_color=colour, fill_alpha=0.13,
                             line_color=None, level="underlay"))
        curve = made.line("n", "median", source=source, line_color=colour, line_width=2)
        dots = made.scatter("n", "median", source=source, size=7, fill_color=colour, line_color=colours.paper)
        hover(made, [dots], [("masks", "@n{0,0}"), ("error", "@median{0.0 %}"), ("two thirds", "@low{0.0 %} – "
                             "@high{0.0 %}"), ("same leading segment", "@same{0 %}"), ("design", NAMES[str(design)])])
        entries.append((NAMES[str(design)], [curve, dots]))
    _mark_default(made, found, colours)
    legend(made, entries, colours)
    return made


def _mark_default(made: figure, found: SamplingErrors, colours: Palette) -> None:
    design, n = found.default
    table = found.to_frame()
    row = table[(table["design"] == design) & (table["n"] == n)]
    if row.empty:
        return
    source = ColumnDataSource({"n": [n], "median": row["median"].to_numpy()}, name="default")
    made.add_layout(Span(location=n, dimension="height", line_color=colours.faint, line_dash="dashed"))
    made.scatter("n", "median", source=source, size=16, fill_color=None, line_color=colours.ink, line_width=2)
    right = n > np.sqrt(float(found.n[0]) * float(found.n[-1]))  # of the middle: the words go to the left
    made.add_layout(Label(x=n, y=float(row["median"].iloc[0]), x_offset=-12 if right else 12, y_offset=8,
                          text_align="right" if right else "left",
                          text=f"default: {n:,} {design}, {float(row['median'].iloc[0]):.1%}", text_color=colours.ink,
                          text_font=FONT, text_font_size="12px", background_fill_color=colours.paper,
                          background_fill_alpha=0.8))
