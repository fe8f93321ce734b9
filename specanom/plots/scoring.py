"""Scores of a sample: how they are distributed, which objects they agree on, and what they depend on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, GridPlot, Label, LinearColorMapper, Range1d, Span
from bokeh.plotting import figure

from ..errors import ArgumentError, choice, message
from .counting import CROWD, Doubles, Flags, cloud_of, counts_of, edges_of, groups_of, positive, running_of
from .palette import FONT, palette
from .theme import canvas, hover, legend, plain, stack

if TYPE_CHECKING:
    import pandas as pd

NOT_SCORES = ("id", "z", "snr", "bin", "ebv", "ra", "dec", "plate", "mjd", "fiber", "median", "missing", "percentile")


def score_names(table: pd.DataFrame, columns: Sequence[str] | None = None) -> list[str]:
    """Return which columns of a table are drawn as scores: those given, or all float ones but ranks and latents.

    Raises
    ------
    ArgumentError
        For a column that is not there, or when none is left.
    """
    if columns is None:
        columns = [str(name) for name in table.columns if name not in NOT_SCORES and table[name].dtype.kind == "f"
                   and not str(name).endswith(("_rank", "_percentile")) and not str(name).startswith("latent_")]
    for name in columns:
        choice("columns", name, [str(c) for c in table.columns])
    if not columns:
        raise ArgumentError(message("table", expected="at least one column of scores", got="none",
                                    hint="sa.scores.table(scorers, sample)"))
    return list(columns)


def histograms(
    table: pd.DataFrame,
    columns: Sequence[str] | None = None,
    *,
    groups: str = "bin",
    percentile: float = 99.0,
    theme: str = "light",
) -> GridPlot:
    """Draw how scores are distributed, one panel a score, one outline an S/N bin.

    Parameters
    ----------
    table : DataFrame
        Scores, one row a spectrum. ``NAME`` and ``NAME_cal`` come to stand side by side.
    columns : sequence of str, optional
        Which scores; all when not given.
    groups : str
        Column whose values get an outline each; one outline in all when the table lacks it.
    percentile : float
        Where the dashed line stands, in per cent of all spectra.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    bokeh.models.GridPlot
        Scores that are positive throughout have a logarithmic axis; NaN are left out and counted in the title.
    """
    names = score_names(table, columns)
    if columns is None:
        raw = [name for name in names if not name.endswith("_cal")]
        paired = [n for name in raw for n in (name, f"{name}_cal") if n in names]
        names = paired + [name for name in names if name not in paired]
    labels = groups_of(table, groups)
    panels = [_histogram(table[name].to_numpy(dtype=np.float64), name, labels, percentile, theme) for name in names]
    return stack(panels, columns=min(2, len(panels)))


def _histogram(values: Doubles, name: str, groups: dict[str, Flags], percentile: float,
               theme: str) -> figure:
    colours = palette(theme)
    finite = np.isfinite(values)
    log = positive(values)
    lost = int((~finite).sum())
    made = canvas(theme, f"{name}{f' ({lost} without a score)' if lost else ''}", y="spectra", x="score" if not
                  name.endswith("_cal") else "σ above spectra of like S/N and z", height=240,
                  options={"x_axis_type": "log" if log else "linear"})
    if not finite.any():
        return made
    edges = edges_of(values[finite], log)
    entries = []
    for (text, rows), colour in zip(groups.items(), _cycle(colours.categories, len(groups)), strict=True):
        counts = counts_of(values, edges, rows)
        source = ColumnDataSource({"left": edges[:-1], "right": edges[1:], "count": counts,
                                   "x": np.sqrt(edges[1:] * edges[:-1]) if log else (edges[1:] + edges[:-1]) / 2,
                                   "group": [plain(text)] * counts.size}, name=f"{name}: {text}")
        quads = made.quad(left="left", right="right", top="count", bottom=0, source=source, fill_color=colour,
                          fill_alpha=0.12, line_color=None)
        outline = made.step(x=np.repeat(edges, 2)[1:-1], y=np.repeat(counts, 2), line_color=colour, line_width=1.6)
        entries.append((text, [outline, quads]))
        hover(made, [quads], [("score", "@left{0.0000 a} – @right{0.0000 a}"), ("spectra", "@count"),
                              ("of", "@group")])
    made.y_range.start = 0
    _percentile_line(made, float(np.percentile(values[finite], percentile)), percentile, theme)
    legend(made, entries, colours)
    return made


def _percentile_line(made: figure, at: float, percentile: float, theme: str) -> None:
    colours = palette(theme)
    made.add_layout(Span(location=at, dimension="height", line_color=colours.muted, line_dash="dashed",
                         name="percentile"))
    made.add_layout(Label(x=at, y=8, y_units="screen", text=f" {percentile:g} % below", text_color=colours.muted,
                          text_font=FONT, text_font_size="11px", background_fill_color=colours.paper,
                          background_fill_alpha=0.8, text_baseline="bottom"))


def _cycle(colours: Sequence[str], count: int) -> list[str]:
    return [colours[i % len(colours)] for i in range(count)]


def overlap(table: pd.DataFrame, *, limit: int = 24, theme: str = "light") -> GridPlot:
    """Draw which objects the top lists of several scores share, as an UpSet figure.

    Parameters
    ----------
    table : DataFrame
        As made by :func:`specanom.scores.overlap`: bool columns of scores, ``exclusive`` and ``shared`` counts.
    limit : int
        How many combinations to draw, the largest first.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    bokeh.models.GridPlot
        Bars count objects in exactly this combination of lists; dots below say which lists these are.
    """
    names = [str(c) for c in table.columns if table[c].dtype == bool]
    if not names or "exclusive" not in table:
        raise ArgumentError(message("table", expected="the result of specanom.scores.overlap",
                                    got=f"columns {list(table.columns)}", hint="sa.scores.overlap(table, 100)"))
    rows = table[table["exclusive"] > 0].sort_values("exclusive", ascending=False, kind="stable").head(limit)
    k = int(table.attrs["k"]) if "k" in table.attrs else None
    x = np.arange(len(rows), dtype=np.float64)
    span = Range1d(-0.6, max(len(rows), 1) - 0.4)
    bars = _upset_bars(rows, x, span, _overlap_title(table, names, k), theme)
    return stack([bars, _upset_dots(rows, names, span, theme)])


def _overlap_title(table: pd.DataFrame, names: list[str], k: int | None) -> str:
    whole = table[table[names].all(axis=1)]
    common = int(whole["shared"].iloc[0]) if len(whole) else 0
    share = f" ({common / k:.1%})" if k else ""
    return f"{f'Top {k}: ' if k else ''}{common} objects{share} common to all {len(names)} scores"


def _upset_bars(rows: pd.DataFrame, x: Doubles, span: Range1d, title: str, theme: str) -> figure:
    colours = palette(theme)
    made = canvas(theme, title, y="objects in exactly these lists", height=240, options={"x_range": span})
    degree = rows[[c for c in rows.columns if rows[c].dtype == bool]].sum(axis=1).to_numpy(dtype=int)
    source = ColumnDataSource({
        "x": x, "count": rows["exclusive"].to_numpy(dtype=int), "shared": rows["shared"].to_numpy(dtype=int),
        "scores": [plain(text) for text in rows["scores"]] if "scores" in rows else [""] * len(rows),
        "degree": degree, "text": [str(v) for v in rows["exclusive"]],
    }, name="intersections")
    columns = made.vbar(x="x", top="count", width=0.62, source=source, line_color=None, fill_color=colours.blue)
    made.text(x="x", y="count", text="text", source=source, text_align="center", text_baseline="bottom", y_offset=-2,
              text_color=colours.muted, text_font_size="11px")
    made.y_range = Range1d(0, 1.15 * max([1, *source.data["count"]]))
    made.xaxis.visible = False
    hover(made, [columns], [("in", "@scores"), ("exactly these", "@count"), ("at least these", "@shared")])
    return made


def _upset_dots(rows: pd.DataFrame, names: list[str], span: Range1d, theme: str) -> figure:
    colours = palette(theme)
    made = canvas(theme, height=60 + 24 * len(names), options={"x_range": span,
                  "y_range": Range1d(len(names) - 0.4, -0.6), "tools": ""})
    inside = rows[names].to_numpy(dtype=bool)
    grid = [(i, j) for i in range(len(rows)) for j in range(len(names))]
    source = ColumnDataSource({
        "x": [i for i, _ in grid], "y": [j for _, j in grid],
        "color": [colours.ink if inside[i, j] else colours.grid for i, j in grid],
    }, name="membership")
    made.scatter(x="x", y="y", size=11, source=source, fill_color="color", line_color=None)
    ends = [np.flatnonzero(row) for row in inside]
    made.segment(x0=list(range(len(rows))), x1=list(range(len(rows))), y0=[int(e.min()) for e in ends],
                 y1=[int(e.max()) for e in ends], line_color=colours.ink, line_width=2)
    made.yaxis.ticker = FixedTicker(ticks=list(range(len(names))))
    made.yaxis.major_label_overrides = {j: plain(name) for j, name in enumerate(names)}
    made.xaxis.visible = False
    made.ygrid.visible = False
    made.yaxis.axis_line_color = made.yaxis.major_tick_line_color = None
    return made


def dependence(
    table: pd.DataFrame, score: str, *, against: Sequence[str] = ("snr", "z"), theme: str = "light"
) -> GridPlot:
    """Draw how a score depends on S/N and redshift: density, running median and the middle 68 %.

    Parameters
    ----------
    table : DataFrame
        One row a spectrum, with the score and what it is drawn against.
    score : str
        Column of the score.
    against : sequence of str
        Columns for the horizontal axes.
    theme : {"light", "dark"}
        Colours.
    """
    for name in (score, *against):
        choice("table", name, [str(c) for c in table.columns])
    return stack([_dependence(table, score, name, theme) for name in against], columns=len(against))


def _dependence(table: pd.DataFrame, score: str, against: str, theme: str) -> figure:
    colours = palette(theme)
    x, y = (table[name].to_numpy(dtype=np.float64) for name in (against, score))
    good = np.isfinite(x) & np.isfinite(y)
    log_y = positive(y[good])
    log_x = against == "snr" and positive(x[good])
    label = {"snr": "median S/N per pixel", "z": "redshift"}.get(against, against)
    made = canvas(theme, f"{score} against {label}", x=label, y=score, height=320, options={
        "x_axis_type": "log" if log_x else "linear", "y_axis_type": "log" if log_y else "linear"})
    if not good.any():
        return made
    ids = [plain(i) for i in table["id"][good]] if "id" in table else [""] * int(good.sum())
    cloud(made, x[good], y[good], ids, theme=theme, log=(log_x, log_y))
    running = running_of(x[good], y[good])
    source = ColumnDataSource(running, name="running median")
    band = made.varea("x", "low", "high", source=source, fill_color=colours.vermilion, fill_alpha=0.18)
    curve = made.line("x", "median", source=source, color=colours.vermilion, width=2)
    legend(made, [("running median", [curve]), ("middle 68 %", [band])], colours)
    return made


def cloud(
    made: figure, x: Doubles, y: Doubles, ids: list[str], *, theme: str, log: tuple[bool, bool] = (False, False)
) -> None:
    """Draw points; where there are too many, their density and only the points in its thin parts."""
    colours = palette(theme)
    cells, alone = cloud_of(x, y, log)
    if cells["density"].size:
        source = ColumnDataSource(cells, name="density")
        mapper = LinearColorMapper(palette=colours.sequential()[14:], low=np.log10(CROWD), high=cells["density"].max())
        made.quad(left="left", right="right", bottom="bottom", top="top", source=source, line_color=None,
                  fill_color={"field": "density", "transform": mapper})
    points = ColumnDataSource({"x": x[alone], "y": y[alone], "id": [i for i, a in zip(ids, alone, strict=True) if a]},
                              name="points")
    dots = made.scatter(x="x", y="y", source=points, size=3.5, fill_color=colours.teal, fill_alpha=0.55,
                        line_color=None)
    hover(made, [dots], [("id", "@id"), ("x", "@x{0.0000 a}"), ("y", "@y{0.0000 a}")])
