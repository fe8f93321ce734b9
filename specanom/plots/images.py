"""Explained images: the heat map of superpixels, the leading ones on grey, and some of the perturbed copies.

Pixel (row 0, column 0) is drawn at the lower left, as FITS images are; ``origin="upper"`` is for photographs.
"""

from __future__ import annotations

import numpy as np
from bokeh.core.properties import value
from bokeh.layouts import row
from bokeh.models import (
    BasicTicker,
    ColorBar,
    ColumnDataSource,
    GridPlot,
    HoverTool,
    LinearColorMapper,
    Range1d,
    Row,
)
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..errors import choice
from ..explain.imageexplanation import ImageExplanation, Neighbours
from .explanations import leading_segments
from .palette import FONT, palette
from .pictures import borders, brightness, rgba
from .theme import canvas, plain_numbers, stack

ORIGINS = ("lower", "upper")
FRAME = 330
"""Screen pixels of the longer side of a large picture."""
SMALL = 150
"""Of a picture in a mosaic."""
SIDE = 52
"""What the axis takes beside a large picture, in screen pixels."""
YELLOW = "#ffd21f"
"""Of superpixel borders: seen on black, grey and white alike."""


def image_explanation(
    e: ImageExplanation, *, top: int = 5, stretch: str = "asinh", origin: str = "lower", theme: str = "light"
) -> Row:
    """Draw an explained image.

    Parameters
    ----------
    e : ImageExplanation
        What to draw.
    top : int
        How many of the leading superpixels are shown and listed.
    stretch : {"asinh", "linear"}
        How flux becomes brightness.
    origin : {"lower", "upper"}
        Where row 0 is; ``"lower"`` is the custom in astronomy.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    bokeh.models.Row
        As many beside each other as the page has room for: the image with the borders of its superpixels, the weight
        of each superpixel (orange raises the score, blue lowers it), the leading ones with all else covered in grey,
        and their weights with 95 % intervals. Data sources are called ``"image"``, ``"borders"``, ``"heat"``,
        ``"top"``, ``"top borders"`` and ``"leading"``.
    """
    panels = [image_segments(e, stretch=stretch, origin=origin, theme=theme),
              image_heat(e, origin=origin, theme=theme),
              image_top(e, top, stretch=stretch, origin=origin, theme=theme)]
    for panel in panels[1:]:
        panel.x_range, panel.y_range = panels[0].x_range, panels[0].y_range
    bars = leading_segments(e, theme, top)
    bars.title.text, bars.sizing_mode, bars.toolbar_location = "Leading superpixels", None, None
    bars.width, bars.min_width = FRAME + SIDE, None
    return row(*panels, bars, styles={"flex-wrap": "wrap", "background-color": palette(theme).paper})


def image_segments(
    e: ImageExplanation, *, stretch: str = "asinh", origin: str = "lower", theme: str = "light"
) -> figure:
    """Draw the image with the borders of all superpixels in yellow; options as in :func:`image_explanation`."""
    made = _panel(_title(e), e.segments.shape, origin=origin, theme=theme)
    _picture(made, rgba(brightness(e.image, stretch)), "image")
    _borders(made, e.segments, "borders", width=0.7, alpha=0.75)
    _tips(made, e, theme)
    return made


def image_heat(e: ImageExplanation, *, origin: str = "lower", theme: str = "light") -> figure:
    """Draw the weight of each superpixel in symmetric diverging colours; options as in :func:`image_explanation`."""
    colours = palette(theme)
    most = float(np.nanmax(np.abs(e.weights))) or 1.0
    made = _panel("Weight of each superpixel", e.segments.shape, origin=origin, theme=theme)
    mapper = LinearColorMapper(palette=colours.diverging(), low=-most, high=most, nan_color=colours.paper)
    _picture(made, e.heat().astype(np.float32), "heat", mapper=mapper)
    _borders(made, e.segments, "borders", width=0.5, alpha=0.5, colour=colours.faint)
    bar = ColorBar(
        color_mapper=mapper, formatter=plain_numbers(), title="orange raises the score, blue lowers it",
        ticker=BasicTicker(desired_num_ticks=5), width=round(0.84 * made.frame_width), height=8, location="center",
        orientation="horizontal", padding=4, bar_line_color=None, background_fill_color=colours.paper,
        major_tick_line_color=None, major_label_text_color=colours.muted, title_text_color=colours.muted,
        title_text_font=FONT, major_label_text_font=FONT, title_text_font_size="11px",
        title_text_font_style="normal", major_label_text_font_size="11px")
    made.add_layout(bar, "below")
    _tips(made, e, theme)
    return made


def image_top(
    e: ImageExplanation, top: int = 5, *, stretch: str = "asinh", origin: str = "lower", theme: str = "light"
) -> figure:
    """Draw the leading superpixels, numbered and with yellow borders, and all else covered in grey.

    The grey only covers: it is not what a perturbation puts there, see :func:`neighbours` for that.
    Options as in :func:`image_explanation`.
    """
    colours = palette(theme)
    kept = e.top(top)
    title = f"The {min(top, e.n_segments)} leading superpixels, all else covered"
    made = _panel(title, e.segments.shape, origin=origin, theme=theme)
    _picture(made, rgba(brightness(e.image, stretch), colours.slate, kept), "top")
    _borders(made, np.where(kept, e.segments, -1), "top borders", width=1.6, alpha=1.0)
    numbers = [int(k) for k in e.order[:top]]
    at = np.array([np.argwhere(e.segments == k).mean(axis=0) for k in numbers])
    made.text(x=at[:, 1], y=at[:, 0], text=[str(k) for k in numbers], text_color=YELLOW, text_align="center",
              text_baseline="middle", text_font=value(FONT), text_font_size="11px", text_font_style="bold",
              background_fill_color="#000000", background_fill_alpha=0.55, padding=2, border_radius=3)
    _tips(made, e, theme)
    return made


def neighbours(
    n: Neighbours, *, columns: int = 4, stretch: str = "asinh", origin: str = "lower", theme: str = "light"
) -> GridPlot:
    """Draw the perturbed copies an image was explained by, each with its score; the first is the image itself.

    All share the black and white of the image. Options as in :func:`image_explanation`; data sources are called
    ``"neighbour 0"`` and so on.
    """
    panels = []
    for i, (image, score) in enumerate(zip(n.images, n.scores, strict=True)):
        title = f"{'as observed' if i == 0 else f'{int(n.masks[i].sum())} of {n.masks.shape[1]} on'}: {score:.4g}"
        made = _panel(title, n.segments.shape, origin=origin, theme=theme, side=SMALL)
        made.axis.visible = False
        _picture(made, rgba(brightness(image, stretch, like=n.images[0])), f"neighbour {i}")
        panels.append(made)
    for panel in panels[1:]:
        panel.x_range, panel.y_range = panels[0].x_range, panels[0].y_range
    grid = stack(panels, columns=columns, toolbar=False)
    grid.sizing_mode = None
    return grid


def _title(e: ImageExplanation) -> str:
    return f"{e.settings.get('score') or 'score'} {e.score:.4g} · {e.grade}"


def _panel(title: str, shape: tuple[int, ...], *, origin: str, theme: str, side: int = FRAME) -> figure:
    """Make an empty panel with square pixels."""
    choice("origin", origin, ORIGINS)
    height, width = shape[:2]
    scale = side / max(height, width)
    rows = (-0.5, height - 0.5)
    made = canvas(theme, title, x="column", y="row", options={
        "x_range": Range1d(-0.5, width - 0.5), "y_range": Range1d(*(rows if origin == "lower" else rows[::-1])),
        "frame_width": round(width * scale), "frame_height": round(height * scale), "sizing_mode": None,
        "height": None, "min_width": None, "tools": "pan,box_zoom,wheel_zoom,reset,save" if side == FRAME else "",
        "toolbar_location": "right" if side == FRAME else None})
    made.min_border_left, made.min_border_right = 8, 6
    if side == FRAME:
        made.min_border_left = SIDE - 8
    made.styles = {"flex": "none"}  # in a row it would grow, and the picture with it, beyond its frame
    made.grid.visible = False
    made.title.text_font_size = "13px" if side == FRAME else "11px"
    return made


def _picture(made: figure, pixels: NDArray[np.generic], name: str, mapper: LinearColorMapper | None = None) -> None:
    source = ColumnDataSource({"image": [pixels]}, name=name)
    height, width = pixels.shape
    place = {"x": -0.5, "y": -0.5, "dw": width, "dh": height, "source": source, "level": "image"}
    if mapper is None:
        made.image_rgba("image", **place)
    else:
        made.image("image", color_mapper=mapper, **place)


def _borders(
    made: figure, ids: NDArray[np.integer], name: str, *, width: float, alpha: float, colour: str = YELLOW
) -> None:
    source = ColumnDataSource(borders(ids), name=name)
    made.segment(x0="x0", y0="y0", x1="x1", y1="y1", source=source, line_color=colour, line_width=width,
                 line_alpha=alpha, line_cap="square")


def _tips(made: figure, e: ImageExplanation, theme: str) -> None:
    """Say on hovering which superpixel it is and what it weighs."""
    heat = e.heat().astype(np.float32)
    low, high = (e.interval[e.segments, side].astype(np.float32) for side in (0, 1))
    source = ColumnDataSource({"weight": [heat], "id": [e.segments.astype(np.int32)], "low": [low], "high": [high]})
    height, width = e.segments.shape
    clear = LinearColorMapper(palette=["rgba(0, 0, 0, 0)"])
    drawn = made.image("weight", x=-0.5, y=-0.5, dw=width, dh=height, source=source, color_mapper=clear)
    made.add_tools(HoverTool(renderers=[drawn], tooltips=[
        ("superpixel", "@id"), ("column, row", "$x{0}, $y{0}"), ("weight", "@weight{+0.0000 a}"),
        ("95 %", "@low{+0.0000 a} … @high{+0.0000 a}")]))
