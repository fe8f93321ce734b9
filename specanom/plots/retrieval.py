"""How well a knowledge base finds each label: rates with intervals, and curves over k, size and share."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.layouts import column as stacked
from bokeh.models import Column, ColumnDataSource, FactorRange, FixedTicker, Range1d, Whisker
from bokeh.plotting import figure
from bokeh.transform import dodge

from ..errors import ArgumentError, message
from .palette import palette
from .theme import beside, canvas, hover, legend, plain

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ..retrieve import Evaluation

MEASURES = ("precision", "recall", "f1")
NAMES = {"precision": "precision", "recall": "recall", "f1": "F1"}
ALONG = {"k": "neighbours that vote", "size": "share of the base that is kept",
         "share": "share of the label in the base"}
MOST = 12
"""Labels drawn, the most frequent first: as many as there are colours."""
KEY_COLUMNS = 6
CLOSE = 0.11
"""Share of an axis within which a second label would touch the first."""


def retrieval_rates(evaluation: Evaluation, *, theme: str = "light") -> Column:
    """Draw precision, recall and F1 of each label with 95 % intervals, and along k, size and share of the base.

    Parameters
    ----------
    evaluation : Evaluation
        Of :meth:`specanom.KnowledgeBase.evaluate`.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    bokeh.models.Column
        The rates on top; below, a row of three panels for each thing that was varied. The twelve most frequent
        labels are drawn.

    Raises
    ------
    ArgumentError
        When the evaluation has no labels.
    """
    if not len(evaluation.table):
        raise ArgumentError(message("evaluation", expected="at least one label", got="none"))
    table = evaluation.table.sort_values("n", ascending=False, kind="stable").head(MOST)
    labels = table["label"].tolist()
    rows: list[Any] = [_rates(table, evaluation, theme)]
    for along in ALONG:
        curves = evaluation.curves[evaluation.curves["along"] == along]
        if len(curves):
            rows.append(beside([_curves(curves, labels, (along, one), theme) for one in MEASURES], least=250))
    rows.append(_key(labels, theme))
    return stacked(*rows, sizing_mode="stretch_width", spacing=0,
                   styles={"background-color": palette(theme).paper})


def _rates(table: pd.DataFrame, evaluation: Evaluation, theme: str) -> figure:
    colours = palette(theme)
    labels = [plain(label) for label in table["label"]]
    made = canvas(theme, f"What the vote of {evaluation.k} finds", y="rate, with 95 % interval", height=340, options={
        "x_range": FactorRange(*labels), "y_range": Range1d(-0.02, 1.04), "tools": "save"})
    made.xaxis.major_label_orientation = 0.5 if len(labels) > 6 else 0
    entries = []
    for place, name, colour in zip((-0.2, 0.0, 0.2), MEASURES, colours.categories, strict=False):
        data: dict[str, Any] = {"label": labels, "rate": table[name], "low": table[f"{name}_low"],
                                "high": table[f"{name}_high"], "n": table["n"], "prevalence": table["prevalence"]}
        source = ColumnDataSource(data, name=name)
        base = dodge("label", place, range=made.x_range)
        spread = Whisker(source=source, base=base, lower="low", upper="high", line_color=colour)
        for head in (spread.upper_head, spread.lower_head):
            head.size, head.line_color = 6, colour
        made.add_layout(spread)
        dots = made.scatter(base, "rate", source=source, size=9, fill_color=colour, line_color=colours.paper)
        hover(made, [dots], [("", "@label"), (NAMES[name], "@rate{0.000}"), ("95 %", "@low{0.000} – @high{0.000}"),
                             ("objects of it", "@n{0,0}"), ("prevalence", "@prevalence{0.0000}")])
        entries.append((NAMES[name], [dots]))
    legend(made, entries, colours)
    return made


def _curves(curves: pd.DataFrame, labels: Sequence[str], what: tuple[str, str], theme: str) -> figure:
    colours = palette(theme)
    along, measure = what
    made = canvas(theme, "", x=ALONG[along], y=NAMES[measure], height=250, options={
        "x_axis_type": "log", "y_range": Range1d(-0.02, 1.04), "tools": "save"})
    values = np.unique(curves["value"].to_numpy(dtype=np.float64))
    made.xaxis.ticker = FixedTicker(ticks=values.tolist())
    made.xaxis.major_label_overrides = {_key_of(value): text for value, text in zip(values, _told(values), strict=True)}
    for label, colour in zip(labels, cycle(colours.categories), strict=False):
        part = curves[curves["label"] == label].sort_values("value")
        source = ColumnDataSource({
            "value": part["value"], "rate": part[measure], "low": part[f"{measure}_low"],
            "high": part[f"{measure}_high"], "label": [plain(label)] * len(part),
        }, name=f"{along} {measure} {label}")
        if len(labels) <= 3:
            made.varea("value", "low", "high", source=source, fill_color=colour, fill_alpha=0.15)
        line = made.line("value", "rate", source=source, color=colour, width=1.8)
        dots = made.scatter("value", "rate", source=source, size=6, fill_color=colour, line_color=colours.paper)
        hover(made, [dots], [("", "@label"), (ALONG[along], "@value{0[.]000}"), (NAMES[measure], "@rate{0.000}"),
                             ("95 %", "@low{0.000} – @high{0.000}")])
        line.name = plain(label)
    return made


def _told(values: NDArray[np.float64]) -> list[str]:
    """Return the labels of ticks on a logarithmic axis; none where the one on the right is too near."""
    gaps = np.diff(np.log(values), append=np.inf)
    return [f"{value:g}" if gap > CLOSE * gaps[:-1].sum() else "" for value, gap in zip(values, gaps, strict=True)]


def _key_of(value: float) -> Any:
    return int(value) if value == int(value) else value


def _key(labels: Sequence[str], theme: str) -> figure:
    """Say below the panels which colour is which label; a frame without axes, because the panels have no room."""
    colours = palette(theme)
    lines = -(-len(labels) // KEY_COLUMNS)
    made = canvas(theme, "", height=24 + 24 * lines, options={
        "tools": "", "min_height": 10, "x_range": Range1d(0, 1), "y_range": Range1d(0, 1)})
    made.axis.visible, made.grid.visible, made.toolbar_location = False, False, None
    entries = [(label, [made.scatter([-1], [-1], size=9, fill_color=colour, line_color=colours.paper)])
               for label, colour in zip(labels, cycle(colours.categories), strict=False)]
    legend(made, entries, colours)
    made.legend[0].ncols, made.legend[0].click_policy = KEY_COLUMNS, "none"
    return made
