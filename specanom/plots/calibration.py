"""Whether a probability keeps its word, and what it tells apart: reliability curves and ROC per kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import ColumnDataSource, GridPlot, Range1d, Whisker
from bokeh.plotting import figure

from ..errors import ArgumentError, message
from .palette import palette
from .theme import canvas, hover, legend, plain, stack

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("predicted", "observed", "low", "high", "count")


def reliability(
    curves: Mapping[str, pd.DataFrame],
    rocs: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
    *,
    theme: str = "light",
) -> GridPlot:
    """Draw predicted against observed shares with their binomial intervals, and an ROC per kind.

    Parameters
    ----------
    curves : mapping
        By name, tables of :func:`specanom.explain.reliability.reliability_table`.
    rocs : mapping, optional
        By kind, false-positive and true-positive rates, e.g. of kinds left out of a calibration.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    bokeh.models.GridPlot
        On the diagonal, what was called 70 % probable was true in 70 % of the cases. The size of a point grows with
        the number of spectra in it.

    Raises
    ------
    ArgumentError
        When there are no curves, or a table lacks a column.
    """
    if not curves:
        raise ArgumentError(message("curves", expected="at least one table of reliability_table", got="none"))
    for name, table in curves.items():
        missing = [column for column in COLUMNS if column not in table]
        if missing:
            raise ArgumentError(message("curves", expected="tables of reliability_table",
                                        got=f"{name!r} without {', '.join(missing)}"))
    panels = [_diagram(curves, theme)]
    if rocs:
        panels.append(_rocs(rocs, theme))
    return stack(panels, columns=2)


def _square(title: str, x: str, y: str, theme: str) -> figure:
    made = canvas(theme, title, x=x, y=y, height=460, options={"x_range": Range1d(-0.02, 1.02),
                                                               "y_range": Range1d(-0.02, 1.02)})
    made.line([0, 1], [0, 1], color=palette(theme).muted, line_dash="dashed", line_width=1)
    return made


def _diagram(curves: Mapping[str, pd.DataFrame], theme: str) -> figure:
    colours = palette(theme)
    made = _square("Does the probability keep its word?", "predicted probability", "share that were artefacts", theme)
    entries = []
    for (name, table), colour in zip(curves.items(), cycle(colours.categories), strict=False):
        data: dict[str, Any] = {column: table[column].to_numpy() for column in COLUMNS}
        data |= {"size": 5.0 + 2.5 * np.log10(np.maximum(data["count"], 1)), "curve": [plain(name)] * len(table)}
        source = ColumnDataSource(data, name=name)
        spread = Whisker(source=source, base="predicted", lower="low", upper="high", line_color=colour,
                         line_alpha=0.6)
        for head in (spread.upper_head, spread.lower_head):
            head.size, head.line_color, head.line_alpha = 6, colour, 0.6
        made.add_layout(spread)
        curve = made.line("predicted", "observed", source=source, color=colour, width=1.6)
        dots = made.scatter("predicted", "observed", source=source, size="size", fill_color=colour,
                            line_color=colours.paper)
        hover(made, [dots], [("", "@curve"), ("predicted", "@predicted{0.00}"), ("observed", "@observed{0.00}"),
                             ("95 %", "@low{0.00} – @high{0.00}"), ("spectra", "@count{0,0}")])
        entries.append((name, [curve, dots]))
    legend(made, entries, colours)
    _below(made, columns=2)
    return made


def _rocs(rocs: Mapping[str, tuple[Sequence[float], Sequence[float]]], theme: str) -> figure:
    colours = palette(theme)
    made = _square("Kinds of artefact the calibration has not seen", "share of astrophysical anomalies taken",
                   "share of this kind found", theme)
    entries = []
    for i, ((kind, (x, y)), colour) in enumerate(zip(rocs.items(), cycle(colours.categories), strict=False)):
        source = ColumnDataSource({"x": np.asarray(x), "y": np.asarray(y), "kind": [plain(kind)] * len(x)}, name=kind)
        dash = "solid" if i < len(colours.categories) else "dashed"
        curve = made.line("x", "y", source=source, color=colour, width=1.8, line_dash=dash)
        hover(made, [curve], [("kind", "@kind"), ("taken", "@x{0.00}"), ("found", "@y{0.00}")])
        entries.append((kind, [curve]))
    legend(made, entries, colours)
    _below(made, columns=4)
    return made


def _below(made: figure, *, columns: int) -> None:
    """Move the legend below the frame: above it, one of several rows would run into the title."""
    entries = made.legend[0]
    entries.ncols, entries.spacing, entries.margin = columns, 8, 16
    made.above = [one for one in made.above if one is not entries]
    made.add_layout(entries, "below")
