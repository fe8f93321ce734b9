"""How faithful explanations are: deletion and insertion curves, and what each method reaches above its noise floor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from bokeh.models import Column, ColumnDataSource, FactorRange, Range1d, Span
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..errors import ArgumentError, message
from ..explain.comparison import ARROWS, MEASURES, SHUFFLED, Comparison
from ..explain.faithfulness import Curve
from .palette import palette
from .theme import below, canvas, hover, legend, plain, stack

Doubles = NDArray[np.float64]
WAYS = {"deletion": ("Deletion: leading segments off first, low is faithful", "share of the segments off"),
        "insertion": ("Insertion: leading segments on first, high is faithful", "share of the segments on")}
SPREAD = 30.0  # largest over smallest value from which an axis is logarithmic
LEAST = 1e-6  # what smaller values count as on a logarithmic axis
LABELS = 120  # screen pixels for the names of methods
LIMITS = (-1.0, 2.0)  # curves leave the frame where the fill scores like the spectrum


def comparison(made: Comparison, *, theme: str = "light") -> Column:
    """Draw what methods reach on the same spectra.

    Parameters
    ----------
    made : Comparison
        Of :func:`specanom.explain.compare`.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    bokeh.models.Column
        Above, deletion and insertion curves: medians over spectra with their 95 % intervals, the dashed line for
        shuffled weights. Below, each measure: averages and intervals, the open ring the noise floor of the method.
    """
    above = stack([_curves(made, kind, theme) for kind in WAYS], columns=2)
    measures = [name for name in made.measures if name not in WAYS]
    return below(above, stack([_measure(made, name, theme) for name in measures], columns=2))


def faithfulness_curves(curves: Mapping[str, tuple[Curve, Curve]], *, theme: str = "light") -> Any:
    """Draw the deletion and insertion curves of one spectrum.

    Parameters
    ----------
    curves : mapping
        Name of a method → what :func:`specanom.explain.curves` returned.
    theme : {"light", "dark"}
        Colours.

    Raises
    ------
    ArgumentError
        When `curves` is something else.
    """
    if not isinstance(curves, Mapping):
        raise ArgumentError(message("curves", expected='a mapping such as {"Lime": curves(evaluator, weights)}',
                                    got=type(curves).__name__, hint="comparison.plot() draws a Comparison"))
    colours = palette(theme)
    panels = []
    for place, kind in enumerate(WAYS):
        panel = _frame(kind, [pair[place].value for pair in curves.values()], theme)
        entries: list[tuple[str, list[Any]]] = []
        for index, (name, pair) in enumerate(curves.items()):
            colour = colours.categories[index % len(colours.categories)]
            source = ColumnDataSource({"x": pair[place].share, "y": pair[place].value, "score": pair[place].score},
                                      name=f"{kind}: {name}")
            drawn = panel.line("x", "y", source=source, color=colour, line_width=2)
            hover(panel, [drawn], [("method", plain(name)), ("share", "@x{0.00}"), ("normalised", "@y{0.000}"),
                                   ("score", "@score{0.0000 a}"), ("area", f"{pair[place].auc:.3f}")])
            entries.append((f"{name} {pair[place].auc:.2f}", [drawn]))
        _key(panel, entries, theme)
        panels.append(panel)
    return stack(panels, columns=2)


def _frame(kind: str, values: list[Doubles], theme: str) -> figure:
    every = np.concatenate([np.asarray(value)[np.isfinite(value)] for value in values] or [np.zeros(1)])
    lo, hi = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
    title, x = WAYS[kind]
    made = canvas(theme, title, x=x, y="score: 0 as filled, 1 as observed", height=300, options={
        "x_range": Range1d(0, 1),
        "y_range": Range1d(max(min(lo, 0.0), LIMITS[0]) - 0.05, min(max(hi, 1.0), LIMITS[1]) + 0.05)})
    made.segment(0, 0 if kind == "insertion" else 1, 1, 1 if kind == "insertion" else 0,
                 line_color=palette(theme).grid, line_width=1)
    made.min_border_left = LABELS
    return made


def _key(panel: figure, entries: list[tuple[str, list[Any]]], theme: str) -> None:
    legend(panel, entries, palette(theme))
    panel.legend[0].ncols = min(3, len(entries))  # a panel is half a page wide


def _curves(made: Comparison, kind: str, theme: str) -> figure:
    colours = palette(theme)
    rows = made.curves[made.curves["kind"] == kind]
    own, floor = rows[~rows["shuffled"]], rows[rows["shuffled"]]
    panel = _frame(kind, [rows["value"].to_numpy(dtype=np.float64)], theme)
    entries: list[tuple[str, list[Any]]] = []
    for index, (name, part) in enumerate(own.groupby("method", sort=False)):
        colour = colours.categories[index % len(colours.categories)]
        source = ColumnDataSource({key: part[key].to_numpy() for key in ("share", "value", "lower", "upper")},
                                  name=f"{kind}: {name}")
        band = panel.varea("share", "lower", "upper", source=source, fill_color=colour,
                           fill_alpha=0.3 / len(made.methods))
        drawn = panel.line("share", "value", source=source, color=colour, line_width=2)
        area = float(made.table[kind].get(name, np.nan)) if kind in made.table else float("nan")
        hover(panel, [drawn], [("method", plain(name)), ("share", "@share{0.00}"), ("median", "@value{0.000}"),
                               ("95 %", "@lower{0.000} – @upper{0.000}"), ("area, median", f"{area:.3f}")])
        entries.append((str(name), [drawn, band]))
    if len(floor):
        usual = floor.groupby("share")["value"].mean()
        drawn = panel.line(usual.index.to_numpy(), usual.to_numpy(), color=colours.muted, line_width=1.6,
                           line_dash="dashed")
        entries.append(("shuffled", [drawn]))
    _key(panel, entries, theme)
    return panel


def _measure(made: Comparison, name: str, theme: str) -> figure:
    colours = palette(theme)
    methods = list(made.methods)
    about = MEASURES[name]
    value, lower, upper = (table[name].reindex(methods).to_numpy(dtype=np.float64)
                           for table in (made.table, made.lower, made.upper))
    floor = made.table[name].reindex([m + SHUFFLED for m in methods]).to_numpy(dtype=np.float64)
    every = np.concatenate([value, lower, upper, floor])
    every = every[np.isfinite(every)]
    share = about.average == "mean" or name == "r2"
    log = bool(not share and (every >= 0).all() and every.max() > SPREAD * max(every.min(), LEAST))
    if log:
        value, lower, upper, floor, every = (np.maximum(each, LEAST) for each in (value, lower, upper, floor, every))
    names = [plain(m) for m in methods]
    panel = canvas(theme, f"{about.label}: {about.better} is better {ARROWS[about.better]}",
                   height=92 + 26 * len(methods), options={
                       "y_range": FactorRange(*names[::-1]), "x_axis_type": "log" if log else "linear",
                       "x_range": _room(every, log, share), "tools": "save"})
    source = ColumnDataSource({
        "method": names, "value": value, "lower": lower, "upper": upper, "floor": floor,
        "color": [colours.categories[i % len(colours.categories)] for i in range(len(methods))]}, name=name)
    panel.segment(x0="lower", x1="upper", y0="method", y1="method", source=source, line_color="color", line_width=3,
                  line_alpha=0.45)
    ring = panel.scatter(x="floor", y="method", source=source, size=9, fill_color=None, line_color=colours.muted,
                         line_width=1.6)
    dot = panel.scatter(x="value", y="method", source=source, size=10, fill_color="color", line_color=None)
    hover(panel, [dot, ring], [("method", "@method"), (plain(about.label), "@value{0.0000 a}"),
                               ("95 %", "@lower{0.0000 a} – @upper{0.0000 a}"), ("shuffled", "@floor{0.0000 a}")])
    if name.startswith("roc"):
        panel.add_layout(Span(location=0.5, dimension="height", line_color=colours.faint, line_dash="dotted"))
    panel.xgrid.grid_line_color = colours.grid
    panel.ygrid.grid_line_color = None
    panel.min_border_left = LABELS
    return panel


def _room(values: Doubles, log: bool, share: bool) -> Range1d:
    lo, hi = float(values.min()), float(values.max())
    if log:
        return Range1d(lo / 1.5, hi * 1.5)
    if share and lo >= 0.0 and hi <= 1.0:
        return Range1d(-0.02, 1.02)
    room = 0.06 * (hi - lo) or 0.5
    return Range1d(min(lo - room, 0.0), hi + room)
