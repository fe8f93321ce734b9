"""The diagram of Baldwin, Phillips & Terlevich with the curves that divide it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from bokeh.models import ColumnDataSource, GlyphRenderer, Range1d
from bokeh.plotting import figure
from numpy.typing import ArrayLike

from ..diagnostics.bpt import bpt_curves
from ..errors import ArgumentError, message
from .palette import Palette, palette
from .theme import canvas, hover, legend, plain

if TYPE_CHECKING:
    import pandas as pd

ROLES = {"SF": "blue", "composite": "green", "Seyfert": "vermilion", "LINER": "purple", "none": "slate"}
MARKERS = ("circle", "triangle", "square", "diamond", "inverted_triangle")
"""Shapes of groups, one behind the other: with twelve colours sixty pairs that no other group has."""
NUMBERED = re.compile(r"(-?\d+)$")
DASHES = ("solid", "dashed", "dotdash", "dotted")
X_LABEL, Y_LABEL = "log [N II] 6585 / Hα", "log [O III] 5008 / Hβ"
X_LIMITS, Y_LIMITS = (-2.0, 0.8), (-1.4, 1.6)


def bpt(
    lines: pd.DataFrame,
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    *,
    background: pd.DataFrame | None = None,
    groups: str = "bpt",
    theme: str = "light",
) -> figure:
    """Draw log [O III]/Hβ against log [N II]/Hα.

    Parameters
    ----------
    lines : DataFrame
        As made by :func:`specanom.diagnostics.measure_lines`: ``N2`` and ``O3`` with errors, ``id`` and `groups`.
    curves : mapping of name to (x, y), optional
        Dividing curves; those of Kauffmann et al. (2003), Kewley et al. (2001) and Schawinski et al. (2007) when None.
    background : DataFrame, optional
        More galaxies with ``N2`` and ``O3``, drawn faintly for comparison.
    groups : str
        Column by which points are coloured; one colour when the table lacks it.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    bokeh.plotting.figure
        Only galaxies with both ratios; the title says how many of how many.
    """
    for name in ("N2", "O3"):
        if name not in lines:
            raise ArgumentError(message("lines", expected="columns N2 and O3", got=f"no {name}",
                                        hint="sa.diagnostics.measure_lines(sample)"))
    colours = palette(theme)
    x, y, good = log_ratios(lines)
    made = canvas(theme, f"{int(good.sum()):,} of {len(lines):,} galaxies have all four lines", height=460, options={
        "x_range": diagram_range(x[good], X_LIMITS), "y_range": diagram_range(y[good], Y_LIMITS),
        "match_aspect": False}, x=X_LABEL, y=Y_LABEL)
    made.xgrid.grid_line_color = colours.grid
    entries: list[tuple[str, list[GlyphRenderer]]] = []
    if background is not None:
        bx, by, seen = log_ratios(background)
        source = ColumnDataSource({"x": bx[seen], "y": by[seen]}, name="background")
        entries.append(("for comparison", [made.scatter("x", "y", source=source, size=3, fill_color=colours.faint,
                                                        fill_alpha=0.4, line_color=None)]))
    entries += _points(made, lines, groups, theme)
    legend(made, entries + dividing_curves(made, curves, colours), colours)
    return made


def dividing_curves(made: figure, curves: Mapping[str, tuple[ArrayLike, ArrayLike]] | None,
                    colours: Palette) -> list[tuple[str, list[GlyphRenderer]]]:
    """Draw the curves that divide the diagram, the usual ones when None; returns entries for the legend."""
    entries = []
    for index, (name, (cx, cy)) in enumerate((bpt_curves() if curves is None else curves).items()):
        source = ColumnDataSource({"x": np.asarray(cx, dtype=float), "y": np.asarray(cy, dtype=float)}, name=name)
        entries.append((name, [made.line("x", "y", source=source, color=colours.ink, width=1.4,
                                         line_dash=DASHES[index % len(DASHES)])]))
    return entries


def log_ratios(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return log [N II]/Hα, log [O III]/Hβ, and which rows have both."""
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = (np.log10(table[name].to_numpy(dtype=np.float64)) for name in ("N2", "O3"))
    return x, y, np.isfinite(x) & np.isfinite(y)


def diagram_range(values: np.ndarray, usual: tuple[float, float]) -> Range1d:
    """Return the usual range, wider when points lie outside."""
    low, high = (values.min() - 0.1, values.max() + 0.1) if values.size else usual
    return Range1d(float(min(low, usual[0])), float(max(high, usual[1])))


def _points(made: figure, lines: pd.DataFrame, groups: str, theme: str) -> list[tuple[str, list[GlyphRenderer]]]:
    colours = palette(theme)
    x, y, good = log_ratios(lines)
    # Errors of a logarithm: the relative error over ln 10.
    err = [lines[f"{n}_err"].to_numpy(dtype=np.float64) / lines[n].to_numpy(dtype=np.float64) / np.log(10)
           if f"{n}_err" in lines else np.full(len(lines), np.nan) for n in ("N2", "O3")]
    labels = lines[groups].astype(str).to_numpy() if groups in lines else np.full(len(lines), "galaxies")
    ids = lines["id"].astype(str).to_numpy() if "id" in lines else np.arange(len(lines)).astype(str)
    entries: list[tuple[str, list[GlyphRenderer]]] = []
    for index, label in enumerate(_sorted(set(labels[good]))):
        rows = good & (labels == label)
        # A group called by a number, or one at its end, keeps the colour that its cluster has elsewhere.
        told = NUMBERED.search(label)
        number = int(told[1]) if told else index
        colour = getattr(colours, ROLES[label]) if label in ROLES else colours.categories[number % 12]
        marker = "circle" if label in ROLES else MARKERS[number % len(MARKERS)]
        source = ColumnDataSource({
            "x": x[rows], "y": y[rows], "id": [plain(i) for i in ids[rows]], "group": [plain(label)] * int(rows.sum()),
            "x0": (x - err[0])[rows], "x1": (x + err[0])[rows], "y0": (y - err[1])[rows], "y1": (y + err[1])[rows],
        }, name=f"points {label}")
        drawn = [made.segment(x0="x0", x1="x1", y0="y", y1="y", source=source, line_color=colour, line_alpha=0.3),
                 made.segment(x0="x", x1="x", y0="y0", y1="y1", source=source, line_color=colour, line_alpha=0.3),
                 made.scatter("x", "y", source=source, size=6 if marker == "circle" else 8,
                              marker=marker, fill_color=colour, fill_alpha=0.8,
                              line_color=colours.paper, line_width=0.5)]
        if rows.sum() > 500:  # bars of many points hide the points
            drawn[0].visible = drawn[1].visible = False
        hover(made, drawn[2:], [("id", "@id"), (groups, "@group"), ("log N2", "@x{0.00}"), ("log O3", "@y{0.00}")])
        entries.append((f"{groups} {label}" if label.lstrip("-").isdigit() else label, drawn[::-1]))
    return entries


def _sorted(labels: set[str]) -> list[str]:
    known = [name for name in ROLES if name in labels]
    return known + sorted(labels - set(known), key=_place)


def _place(name: str) -> tuple[str, int, str]:
    """Return what sorts "cluster 10" behind "cluster 9"."""
    told = NUMBERED.search(name)
    return (name[: told.start()], int(told[1]), name) if told else (name, 0, name)
