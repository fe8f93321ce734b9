"""Many explanations: a picture of their weights over wavelength, ordered by where they lead."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColorBar, ColumnDataSource, CustomJSHover, GridPlot, HoverTool, LinearColorMapper, Range1d
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..errors import DataError, choice, message
from ..explain.explanationset import ExplanationSet
from .axis import WaveAxis
from .drawing import on_regular, pixel_edges
from .layers import headroom, line_markers, named, wavelength_rows
from .palette import FONT, palette
from .single import link
from .theme import canvas, hover, legend, plain, stack

COLUMNS = 900
ORDERS = ("wavelength", "score", "given")


def explanation_set(
    es: ExplanationSet, *, order: str = "wavelength", limit: int = 500, unit: str = "Å", theme: str = "light"
) -> GridPlot:
    """Draw the weights of many explanations as a picture, one row each.

    Parameters
    ----------
    es : ExplanationSet
        What to draw.
    order : {"wavelength", "score", "given"}
        Rows by the wavelength of the leading segment, by score (oddest on top), or as they come.
    limit : int
        At most so many rows: those with the highest scores.
    unit : {"Å", "nm"}
        Unit of the axis.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    bokeh.models.GridPlot
        The mean |weight| above the picture, with half of the 95 % interval of the median row; each row is scaled to
        its largest |weight|.

    Raises
    ------
    DataError
        For an empty set.
    """
    choice("order", order, ORDERS)
    if not len(es):
        raise DataError(message("es", expected="at least one explanation", got="an empty set"))
    rows = np.argsort(-np.nan_to_num(es.scores, nan=-np.inf), kind="stable")[:limit]
    chosen = es[np.sort(rows)]
    weights = np.nan_to_num(chosen.per_pixel())
    most = np.abs(weights).max(axis=1, keepdims=True)
    scaled = weights / np.where(most > 0, most, 1.0)
    shown = _order(chosen, scaled, order)
    axis = WaveAxis(es.frame, unit, None)
    x = axis.place(es.wave, es.frame)
    half = _half(chosen) / np.where(most > 0, most, np.nan)
    panels = [_mean(scaled, half, x, axis, theme=theme, n=len(es)),
              _picture(scaled[shown], [chosen.ids[i] for i in shown], x, axis, theme)]
    if es.frame == "rest":
        line_markers(panels[:1], axis, palette(theme))
    link(panels, palette(theme))
    return stack(panels)


def _order(es: ExplanationSet, scaled: NDArray[np.float64], order: str) -> NDArray[np.intp]:
    """Return rows from bottom to top."""
    if order == "wavelength":
        return np.argsort(-np.abs(scaled).argmax(axis=1), kind="stable")
    if order == "score":
        return np.argsort(np.nan_to_num(es.scores, nan=-np.inf), kind="stable")
    return np.arange(len(es))[::-1]


def _half(es: ExplanationSet) -> NDArray[np.float64]:
    """Return half of the 95 % interval of each pixel's weight, shape ``(n, p)``."""
    half = (es.interval[:, :, 1] - es.interval[:, :, 0]) / 2.0
    if es.segments.ndim == 1:
        return np.asarray(half[:, es.segments])
    return np.take_along_axis(half, es.segments, axis=1)


def _median(half: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of each column over the rows that know it, NaN where none does."""
    known = np.isfinite(half).any(axis=0)
    made = np.full(half.shape[1], np.nan)
    made[known] = np.nanmedian(half[:, known], axis=0)
    return made


def _mean(scaled: NDArray[np.float64], half: NDArray[np.float64], x: NDArray[np.float64], axis: WaveAxis, *,
          theme: str, n: int) -> figure:
    colours, kept = palette(theme), len(scaled)
    title = f"{n:,} explanations" + (f", the {kept:,} with the highest scores" if kept < n else "")
    mean = np.abs(scaled).mean(axis=0)
    edges = axis.place(pixel_edges(x), axis.frame) if axis.unit == "Å" else pixel_edges(x)
    made = canvas(theme, title, x=axis.label, y="mean |weight|", height=210,
                  options={"x_range": Range1d(float(edges[0]), float(edges[-1]))})
    most = float(np.nanmax(np.append(_median(half), mean.max())))
    headroom(made, (0.0, 1.05 * most or 1.0), 110 if axis.frame == "rest" else 0, colours)
    codes, names = axis.line_names(x)
    source = ColumnDataSource({"x": x, "y": mean.astype(np.float32), "line": codes,
                               "half": _median(half).astype(np.float32)}, name="mean")
    made.varea_step("x", 0, "y", source=source, step_mode="center", fill_color=colours.vermilion, fill_alpha=0.35)
    error = made.step("x", "half", source=source, mode="center", line_color=colours.ink, line_width=1.2)
    curve = made.line("x", "y", source=source, line_alpha=0)
    rows, formatters = wavelength_rows(axis)
    numbers = [("mean |weight|", "@y{0.000}"), ("median ± 95 %", "@half{0.000}")]
    hover(made, [curve], [*rows, *numbers, ("line", "@line{custom}")], mode="vline",
          formatters={**formatters, **named("line", names)})
    legend(made, [("half of the 95 % interval, median", [error])], colours)
    return made


def _picture(scaled: NDArray[np.float64], ids: list[str], x: NDArray[np.float64], axis: WaveAxis,
             theme: str) -> figure:
    colours = palette(theme)
    n = len(ids)
    image = on_regular(x, scaled, COLUMNS).astype(np.float32)
    left, right = (float(x[0]), float(x[-1])) if x.size > 1 else (float(x[0]) - 0.5, float(x[0]) + 0.5)
    made = canvas(theme, x=axis.label, y="explanations", height=int(np.clip(140 + 3 * n, 220, 520)),
                  options={"x_range": Range1d(left, right), "y_range": Range1d(0, n)})
    mapper = LinearColorMapper(palette=colours.diverging(), low=-1, high=1, nan_color=colours.paper)
    source = ColumnDataSource({"image": [image]}, name="picture")
    drawn = made.image("image", x=left, y=0, dw=right - left, dh=n, source=source, color_mapper=mapper)
    made.add_tools(HoverTool(
        renderers=[drawn], tooltips=[("id", "$y{custom}"), (f"λ ({axis.unit})", "$x{0.0}"),
                                     ("weight / largest", "@image{+0.00}")],
        formatters={"$y": CustomJSHover(args={"ids": [plain(i) for i in ids]},
                                        code="return ids[Math.min(ids.length - 1, Math.floor(value))]")}))
    made.add_layout(ColorBar(
        color_mapper=mapper, title="weight / largest |weight| of the row: orange raises the score, blue lowers it",
        orientation="horizontal", width=320, height=8, location="left", padding=4, bar_line_color=None,
        background_fill_color=colours.paper, major_tick_line_color=None, major_label_text_color=colours.muted,
        title_text_color=colours.muted, title_text_font=FONT, major_label_text_font=FONT, title_text_font_size="11px",
        title_text_font_style="normal", major_label_text_font_size="11px"), "below")
    made.ygrid.visible = False
    return made
