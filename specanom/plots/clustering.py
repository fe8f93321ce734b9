"""Clusters of explanations: mean spectra and weights with their bands, and how many clusters there are."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from bokeh.models import ColumnDataSource, GridPlot, LayoutDOM, Range1d, Span, Title
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..cluster.summary import Cluster, ClusterSummary
from ..errors import ArgumentError, DataError, message
from .axis import REST_KINDS, WaveAxis
from .drawing import pixel_edges, robust_range, runs
from .layers import headroom, line_markers, named, sky, wavelength_rows
from .palette import FONT, palette
from .single import link
from .theme import canvas, hover, legend, plain, stack

if TYPE_CHECKING:
    import pandas as pd

FLUX, WEIGHTS = 300, 130
"""Heights in screen pixels."""
STORY = 150
"""Characters of a story in one line of a title."""


def clusters(summary: ClusterSummary, *, unit: str = "Å", theme: str = "light", lines: bool = True) -> GridPlot:
    """Draw each cluster: mean spectrum over mean |weights|, both with the band of the middle 68 %.

    Parameters
    ----------
    summary : ClusterSummary
        ``clusterer.summary(sample)``.
    unit : {"Å", "nm"}
        Unit of the axis.
    theme : {"light", "dark"}
        Colours.
    lines : bool
        Whether to name lines: of the galaxies in the rest frame, of the sky in the observed one.

    Returns
    -------
    bokeh.models.GridPlot
        Two panels a cluster, all with one wavelength range. Data sources are called ``"cluster 0"`` and
        ``"weights 0"`` and so on.

    Raises
    ------
    DataError
        For a summary without clusters.
    """
    if not len(summary):
        raise DataError(message("summary", expected="at least one cluster", got="none"))
    axis, colours = WaveAxis(summary.frame, unit, None), palette(theme)
    ends = axis.place(pixel_edges(np.asarray(summary.wave)), axis.frame)
    span = Range1d(float(ends[0]), float(ends[-1]))
    panels: list[LayoutDOM] = []
    for cluster in summary:
        pair = [_mean(cluster, summary, axis, span, theme, lines)]
        if summary.segments is not None or summary.edges is not None:
            pair.append(_weights(cluster, summary, axis, span, theme))
        if lines:
            line_markers(pair, axis, colours, REST_KINDS if axis.frame == "rest" else ("sky",))
        link(pair, colours)
        panels += pair
    return stack(panels)


def _mean(cluster: Cluster, summary: ClusterSummary, axis: WaveAxis, span: Range1d, theme: str,
          labelled: bool) -> figure:
    colours, x = palette(theme), axis.place(summary.wave, axis.frame)
    colour = colours.categories[cluster.label % 12]
    made = canvas(theme, _title(cluster), x=axis.label, y="flux / median", height=FLUX, options={"x_range": span})
    told = Title(text=fill(plain(cluster.story), STORY), text_color=colours.muted, text_font=FONT,
                 text_font_size="12px", text_font_style="normal")
    made.add_layout(told, "above")
    low, high = robust_range(np.concatenate([cluster.flux_low, cluster.flux, cluster.flux_high]))
    headroom(made, (low, high), FLUX - 120 if labelled else 0, colours)
    kind, (codes, names) = ("line", axis.line_names(x)) if axis.frame == "rest" else ("sky", axis.sky_names(x))
    data = {"mean": cluster.flux, "low": cluster.flux_low, "high": cluster.flux_high}
    source = ColumnDataSource({"x": x, "line": codes, **{k: v.astype(np.float32) for k, v in data.items()}},
                              name=f"cluster {cluster.label}")
    band = made.varea("x", "low", "high", source=source, fill_color=colours.band, fill_alpha=0.7)
    curve = made.line("x", "mean", source=source, color=colour, width=1.3)
    legend(made, [(summary.centre, [curve]), ("middle 68 %", [band]), *sky([made], axis, colours)], colours)
    made.above = made.above[::-1]  # from the frame outwards: legend, story, title
    rows, formatters = wavelength_rows(axis)
    hover(made, [curve], [*rows, (summary.centre, "@mean{0.000}"), ("16–84 %", "@low{0.000} – @high{0.000}"),
                          (kind, "@line{custom}")], mode="vline", formatters={**formatters, **named("line", names)})
    return made


def _title(cluster: Cluster) -> str:
    parts = [f"Cluster {cluster.label}", f"{cluster.size:,} spectra"]
    for name, (low, _, high), digits in (("z", cluster.z, 2), ("S/N", cluster.snr, 0)):
        if np.isfinite(low):
            parts.append(f"{name} {low:.{digits}f}–{high:.{digits}f}")
    return " · ".join(parts)


def _weights(cluster: Cluster, summary: ClusterSummary, axis: WaveAxis, span: Range1d, theme: str) -> figure:
    colours = palette(theme)
    boxes = _boxes(cluster, summary, axis)
    which = np.array([k for k, _, _ in boxes], dtype=np.intp)
    source = ColumnDataSource({
        "left": [a for _, a, _ in boxes], "right": [b for _, _, b in boxes],
        "middle": [(a + b) / 2 for _, a, b in boxes], "weight": cluster.weights[which],
        "low": cluster.weights_low[which], "high": cluster.weights_high[which],
        "name": [plain(cluster.segment_names[k]) for k in which],
    }, name=f"weights {cluster.label}")
    made = canvas(theme, x=axis.label, y="|weight|", height=WEIGHTS, options={"x_range": span})
    bars = made.quad(left="left", right="right", bottom=0, top="weight", source=source, line_color=None,
                     fill_color=colours.categories[cluster.label % 12], fill_alpha=0.75)
    sky([made], axis, colours)
    made.segment(x0="middle", x1="middle", y0="low", y1="high", source=source, line_color=colours.muted,
                 line_width=1.5 if len(boxes) <= 250 else 0.5)
    made.y_range = Range1d(0, 1.08 * float(np.nanmax(cluster.weights_high, initial=0.0)) or 1.0)
    hover(made, [bars], [("segment", "@name"), ("mean |weight|", "@weight{0.000}"),
                         ("16–84 %", "@low{0.000} – @high{0.000}")])
    return made


def _boxes(cluster: Cluster, summary: ClusterSummary, axis: WaveAxis) -> list[tuple[int, float, float]]:
    """Return segment, left and right end of each bar."""
    if summary.edges is not None:
        ends = axis.place(summary.edges, axis.frame).tolist()
        return [(k, ends[k], ends[k + 1]) for k in range(cluster.weights.size)]
    assert summary.segments is not None  # the caller draws no weights without segments
    edges = axis.place(pixel_edges(np.asarray(summary.wave)), axis.frame).tolist()
    return [(k, edges[a], edges[b]) for k in range(cluster.weights.size) for a, b in runs(summary.segments == k)]


def curve_columns(curves: pd.DataFrame, name: str) -> dict[str, NDArray[np.float64]]:
    """Return one curve over the number of clusters, with its scatter where the table has one (``std``)."""
    y = curves[name].to_numpy(dtype=np.float64)
    spread = curves["std"].to_numpy(dtype=np.float64) if name == "mean" else np.zeros(len(y))
    return {"k": curves["k"].to_numpy(dtype=np.float64), "y": y, "low": y - spread, "high": y + spread}


def elbow_silhouette(curves: pd.DataFrame, chosen: int | None = None, *, theme: str = "light") -> GridPlot:
    """Draw inertia (the elbow) and silhouette against the number of clusters.

    Parameters
    ----------
    curves : DataFrame
        ``clusterer.curves_``: k, inertia, silhouette.
    chosen : int, optional
        The number that was taken, marked by a line.
    theme : {"light", "dark"}
        Colours.
    """
    missing = [name for name in ("k", "inertia", "silhouette") if name not in curves]
    if missing:
        raise ArgumentError(message("curves", expected="columns k, inertia and silhouette", got=f"no {missing}",
                                    hint="clusterer.curves_"))
    colours, panels = palette(theme), []
    for name, role in (("inertia", colours.blue), ("silhouette", colours.vermilion)):
        source = ColumnDataSource(curve_columns(curves, name), name=name)
        made = canvas(theme, name.capitalize(), x="number of clusters", y=name, height=260)
        curve = made.line("k", "y", source=source, color=role, width=1.6)
        made.scatter("k", "y", source=source, color=role, size=8)
        made.xaxis.ticker = [int(k) for k in curves["k"]]
        if chosen is not None:
            made.add_layout(Span(location=int(chosen), dimension="height", line_color=colours.muted,
                                 line_dash="dashed", name="chosen"))
        hover(made, [curve], [("clusters", "@k"), (name, "@y{0.0000 a}")])
        panels.append(made)
    return stack(panels, columns=2)
