"""What looking through a ranking yields."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
from bokeh.models import ColumnDataSource, GlyphRenderer
from bokeh.plotting import figure

from ..errors import ArgumentError, message
from ..triage import YieldCurve
from .palette import Palette, palette
from .theme import canvas, hover, legend, plain


def yields(curves: Mapping[str, YieldCurve], *, first: int = 200, theme: str = "light") -> figure:
    """Draw how many interesting spectra are among the first n, for one or several rankings.

    Parameters
    ----------
    curves : mapping
        Name → curve, of the same spectra.
    first : int
        How far along the rankings.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    bokeh.plotting.figure
        Steps with their 95 % intervals (Wilson); grey, the best that is possible and what chance would give.

    Raises
    ------
    ArgumentError
        When there are no curves, or they are of different numbers of interesting spectra.
    """
    if not curves or first < 1:
        raise ArgumentError(message("curves, first", expected="at least one curve, and 1 or more",
                                    got=f"{len(curves)} and {first}"))
    if len({(curve.interesting, curve.total) for curve in curves.values()}) > 1:
        raise ArgumentError(message("curves", expected="rankings of the same spectra by the same truth", got=", ".join(
            f"{name!r}: {curve.interesting} of {curve.total}" for name, curve in curves.items())))
    colours = palette(theme)
    one = next(iter(curves.values()))
    panel = canvas(theme, "Interesting spectra among the first n", x="n, spectra looked at",
                   y=f"found, of {one.interesting}", height=380)
    entries = []
    for (name, curve), colour in zip(curves.items(), cycle(colours.categories), strict=False):
        entries.append((name, _curve(panel, name, curve, first=first, colour=colour)))
    entries += _bounds(panel, one, first, colours)
    legend(panel, entries, colours)
    last = min(first, max(len(curve.hits) for curve in curves.values()))
    panel.x_range.start, panel.x_range.end = 0, 1.02 * last
    panel.y_range.start = 0
    panel.y_range.end = 1.05 * max(1.0, max(source.data["most"].max(initial=0) for source in _sources(panel)))
    return panel


def _sources(panel: figure) -> list[ColumnDataSource]:
    return [source for source in panel.select(ColumnDataSource) if "most" in source.data]


def _curve(panel: figure, name: str, curve: YieldCurve, *, first: int, colour: str) -> list[GlyphRenderer]:
    table = curve.table.head(first)
    n = np.r_[0, table["n"].to_numpy()]
    data = {"n": n, "found": np.r_[0, table["found"].to_numpy()], "share": np.r_[np.nan, table["share"].to_numpy()],
            "least": np.r_[0.0, (table["low"] * table["n"]).to_numpy()],
            "most": np.minimum(np.r_[0.0, (table["high"] * table["n"]).to_numpy()], max(curve.interesting, 1)),
            "low": np.r_[np.nan, table["low"].to_numpy()], "high": np.r_[np.nan, table["high"].to_numpy()],
            "ranking": [plain(name)] * len(n)}
    source = ColumnDataSource(data, name=name)
    band = panel.varea("n", "least", "most", source=source, fill_color=colour, fill_alpha=0.12)
    line = panel.step("n", "found", source=source, mode="after", line_color=colour, line_width=2)
    dots = panel.scatter("n", "found", source=source, size=8, fill_alpha=0.0, line_alpha=0.0)
    hover(panel, [dots], [("", "@ranking"), ("looked at", "@n"), ("found", "@found"), ("share", "@share{0.0%}"),
                          ("95 %", "@low{0.0%} – @high{0.0%}")])
    return [band, line, dots]


def _bounds(panel: figure, curve: YieldCurve, first: int, colours: Palette) -> list[tuple[str, list[GlyphRenderer]]]:
    """Draw what is best possible, and what chance would give."""
    last = float(first)
    most = min(float(curve.interesting), last)
    best = panel.line([0.0, most, last], [0.0, most, most], line_color=colours.faint, line_dash="dashed", name="best")
    chance = panel.line([0.0, last], [0.0, curve.chance * last], line_color=colours.faint, line_dash="dotted",
                        name="chance")
    return [("best possible", [best]), ("by chance", [chance])]
