"""How it went: what preprocessing dropped, how training went, and curves of benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.models import ColumnDataSource, CustomJS, FactorRange, GridPlot, Range1d
from bokeh.plotting import figure

from ..errors import ArgumentError, message
from ..preprocess.report import PreprocessReport
from .palette import palette
from .theme import canvas, hover, legend, plain, stack

if TYPE_CHECKING:
    import pandas as pd


TEXT_ROOM = """
const text = 96, room = plot.inner_width
if (room > 2 * text) range.end = most * Math.max(1.18, room / (room - text))
else if (room > 0) range.end = 2 * most
"""
"""Leaves room for the numbers behind the bars, on narrow pages too."""


def waterfall(report: PreprocessReport, *, theme: str = "light") -> figure:
    """Draw how many spectra each cut left, from the first to the last.

    Parameters
    ----------
    report : PreprocessReport
        ``Preprocessor.report``.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    bokeh.plotting.figure
        One bar a step that dropped something; the tinted end of a bar is what this step dropped. Hovering lists the
        reason and the first ids.
    """
    colours = palette(theme)
    table = report.to_frame()
    table = table[table["count"] > 0]
    names = ["read", *(_numbered(table["reason"].tolist()))]
    left = [report.n_in, *table["remaining"].tolist()]
    dropped = [0, *table["count"].tolist()]
    ids = ["", *(_some(i) for i in table["ids"])]
    before = [a + b for a, b in zip(left, dropped, strict=True)]
    source = ColumnDataSource({"step": [plain(n) for n in names], "left": left, "before": before, "dropped": dropped,
                               "ids": ids, "text": [_count(n, d) for n, d in zip(left, dropped, strict=True)]},
                              name="waterfall")
    made = canvas(theme, f"{report.n_out:,} of {report.n_in:,} spectra kept", x="spectra", height=90 + 30 * len(names),
                  options={"y_range": FactorRange(*source.data["step"][::-1]), "x_range": Range1d(
                      0, max(report.n_in, 1) * 1.18), "tools": "save"})
    kept = made.hbar(y="step", right="left", height=0.62, source=source, fill_color=colours.teal, line_color=None)
    cut = made.hbar(y="step", left="left", right="before", height=0.62, source=source, fill_color=colours.vermilion,
                    fill_alpha=0.75, line_color=None)
    made.text(x="before", y="step", text="text", source=source, x_offset=6, text_baseline="middle",
              text_color=colours.muted, text_font_size="11px")
    legend(made, [("left", [kept]), ("dropped here", [cut])], colours)
    made.ygrid.grid_line_color = None
    made.xgrid.grid_line_color = colours.grid
    made.xaxis.formatter.use_scientific = False
    made.xaxis.ticker.desired_num_ticks = 4
    made.min_border_left = 40
    made.js_on_change("inner_width", CustomJS(args={"range": made.x_range, "plot": made, "most": max(report.n_in, 1)},
                                              code=TEXT_ROOM))
    hover(made, [kept, cut], [("step", "@step"), ("left", "@left{0,0}"), ("dropped", "@dropped{0,0}"),
                              ("among them", "@ids")])
    return made


def _numbered(reasons: Sequence[str]) -> list[str]:
    """Make names unique, as a factor range needs."""
    return [text if reasons.index(text) == i else f"{text} ({i + 1})" for i, text in enumerate(reasons)]


def _some(ids: Sequence[str]) -> str:
    return plain(", ".join(list(ids)[:5]) + (", …" if len(ids) > 5 else ""))


def _count(left: int, dropped: int) -> str:
    return f"{left:,}" if not dropped else f"{left:,}  (−{dropped:,})"


NETWORKS = ("bin", "fold", "round")
LOSSES = {"loss": "training loss", "val": "validation loss", "mse": "mean squared residual, training",
          "kld": "Kullback–Leibler divergence", "mmd": "maximum mean discrepancy"}


def history(table: pd.DataFrame, *, theme: str = "light") -> GridPlot:
    """Draw how training went: each loss against the step, one curve a network.

    Parameters
    ----------
    table : DataFrame
        ``model.history``: ``step`` or ``epoch``, columns of losses, and optionally ``bin``, ``fold`` and ``round``,
        which tell networks apart, and ``best``, whose last True is marked.
    theme : {"light", "dark"}
        Colours.
    """
    x = next((name for name in ("step", "epoch") if name in table), None)
    if x is None:
        raise ArgumentError(message("table", expected="a column step or epoch", got=f"{list(table.columns)}",
                                    hint="VAEModel(...).fit(sample).history"))
    left_out = (x, *NETWORKS, "epoch", "rate", "seconds")
    losses = [str(c) for c in table.columns
              if c not in left_out and table[c].dtype.kind == "f" and table[c].notna().any()]
    if not losses:
        raise ArgumentError(message("table", expected="columns of losses", got=f"{list(table.columns)}"))
    networks = _networks(table)
    return stack([_losses(networks, x, name, theme) for name in losses], columns=min(2, len(losses)))


def _networks(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each network by its name."""
    keys = [name for name in NETWORKS if name in table and len(table[name].unique()) > 1]
    if not keys:
        return {"network": table}
    parts = table.groupby(keys, sort=False)
    return {" · ".join(_called(key, value) for key, value in zip(keys, values, strict=True)): part
            for values, part in parts}


def _called(key: str, value: object) -> str:
    return str(value) if value == "reference" else f"{key} {value}"


def _losses(networks: Mapping[str, pd.DataFrame], x: str, name: str, theme: str) -> figure:
    colours = palette(theme)
    finite = np.concatenate([part[name].dropna().to_numpy(dtype=np.float64) for part in networks.values()])
    log = bool(finite.size and (finite > 0).all())
    made = canvas(theme, LOSSES.get(name, name), x=x, height=240, options={"y_axis_type": "log" if log else "linear"})
    curves: dict[str, Any] = {}
    for (label, part), colour in zip(networks.items(), cycle(colours.categories), strict=False):
        source = ColumnDataSource({"x": part[x].to_numpy(), "y": part[name].to_numpy(dtype=np.float64)},
                                  name=f"{name}: {label}")
        curves[label] = [made.line("x", "y", source=source, line_width=1.6, color=colour)]
        if "best" in part and part["best"].any():
            last = part[part["best"]].iloc[[-1]]
            curves[label].append(made.scatter(last[x].to_numpy(), last[name].to_numpy(dtype=np.float64), size=8,
                                              fill_color=colours.paper, line_color=colour, line_width=2))
        hover(made, curves[label][:1], [("network", plain(label)), (x, "@x"), (name, "@y{0.00000}")])
    if len(curves) > 1:
        legend(made, list(curves.items()), colours)
    return made


def roc(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, theme: str = "light") -> figure:
    """Draw receiver operating curves.

    Parameters
    ----------
    curves : mapping of str to (false-alarm rate, share found)
        Both 0–1 and increasing, by name of the score.
    theme : {"light", "dark"}
        Colours.
    """
    made = canvas(theme, x="false-alarm rate", y="share of the anomalies found", height=420,
                  options={"x_range": Range1d(0, 1), "y_range": Range1d(0, 1.01)})
    made.line([0, 1], [0, 1], line_color=palette(theme).faint, line_dash="dashed")
    _named_curves(made, {name: (x, y, None) for name, (x, y) in curves.items()}, theme)
    return made


def learning_curve(
    table: pd.DataFrame, x: str, columns: Sequence[str], *, y: str = "ROC-AUC", theme: str = "light"
) -> figure:
    """Draw how measures change with the size of the sample.

    Parameters
    ----------
    table : DataFrame
        One row a size.
    x : str
        Column of the size, e.g. ``"plates"``; drawn on a logarithmic axis.
    columns : sequence of str
        Columns to draw. Where there is also ``NAME_err``, it is drawn as a bar.
    y : str
        Label of the vertical axis.
    theme : {"light", "dark"}
        Colours.
    """
    missing = [name for name in (x, *columns) if name not in table]
    if missing:
        raise ArgumentError(message("columns", expected=f"columns of the table, {list(table.columns)}", got=missing))
    made = canvas(theme, x=x, y=y, height=360, options={"x_axis_type": "log"})
    made.xaxis.ticker = sorted({float(v) for v in table[x]})
    err = {name: table[f"{name}_err"].to_numpy(dtype=np.float64) if f"{name}_err" in table else None
           for name in columns}
    _named_curves(made, {name: (table[x], table[name], err[name]) for name in columns}, theme, dots=True)
    return made


def _named_curves(made: figure, curves: Mapping[str, tuple[Any, Any, Any]], theme: str, dots: bool = False) -> None:
    colours = palette(theme)
    entries = []
    for index, (name, (x, y, err)) in enumerate(curves.items()):
        colour = colours.categories[index % len(colours.categories)]
        xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        source = ColumnDataSource({"x": xs, "y": ys}, name=name)
        drawn = [made.line("x", "y", source=source, color=colour, width=2)]
        if dots:
            drawn.append(made.scatter("x", "y", source=source, color=colour, size=7))
        if err is not None:
            drawn.append(made.segment(x0=xs, x1=xs, y0=ys - err, y1=ys + err, line_color=colour))
        hover(made, drawn[:1], [("curve", plain(name)), (made.xaxis[0].axis_label, "@x{0.000}"), ("y", "@y{0.0000}")])
        entries.append((name, drawn))
    legend(made, entries, colours)
