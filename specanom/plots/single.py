"""One spectrum: flux, reconstruction and residual, with noise, hatching and named lines."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    CrosshairTool,
    CustomJSHover,
    GlyphRenderer,
    GridPlot,
    HoverTool,
    Range1d,
    Span,
)
from bokeh.plotting import figure
from numpy.typing import ArrayLike, NDArray

from ..errors import ShapeError, message
from ..spectrum import Spectrum
from .axis import REST_KINDS
from .columns import aside_columns, clipped_columns, flux_columns
from .drawing import robust_range
from .layers import arms, draw_arrows, hatch, headroom, line_markers, named, sky, wavelength_rows
from .palette import Palette, palette
from .theme import canvas, heights, hover, legend, stack
from .view import SpectrumView, describe, flux_label

FLUX_HEIGHT, RESIDUAL_HEIGHT, AROUND = 360, 190, 96
"""Heights in screen pixels, and what title, legend and axis take of the first."""


def spectrum(
    s: Spectrum,
    reconstruction: ArrayLike | None = None,
    *,
    frame: str | None = None,
    unit: str = "Å",
    theme: str = "light",
    lines: bool | Sequence[str] = True,
    height: int | None = None,
) -> GridPlot:
    """Draw a spectrum, its reconstruction and the residual.

    Parameters
    ----------
    s : Spectrum
        What to draw.
    reconstruction : (p,) array, optional
        What a model makes of it, on the same pixels; adds a second panel with flux − reconstruction.
    frame : {"rest", "observed"}, optional
        Frame of the axis; the spectrum's own when None. The other one needs a redshift.
    unit : {"Å", "nm"}
        Unit of the axis.
    theme : {"light", "dark"}
        Colours.
    lines : bool or sequence of str
        Whether to mark and name lines, or which kinds: ``"emission"``, ``"absorption"``, ``"uv"``, ``"sky"``. Needs a
        redshift when the axis is in the observed frame.
    height : int, optional
        Screen pixels from top to bottom, both panels together; 360, and 190 for the residual, by default. The width
        follows the page.

    Returns
    -------
    bokeh.models.GridPlot
        Panels with one wavelength range; of a DESI spectrum the arms are marked at the foot of the first. Data sources
        are called ``"flux"``, ``"reconstruction"``, ``"lines"``, ``"masked"``, ``"imputed"``, ``"sky"`` and
        ``"clipped"``.

    Raises
    ------
    ArgumentError, ShapeError
        For an unknown frame, unit or theme, a height that leaves the flux less than 150 pixels, and a reconstruction
        of another length.
    """
    tall = heights(height, (FLUX_HEIGHT,) if reconstruction is None else (FLUX_HEIGHT, RESIDUAL_HEIGHT))
    view, colours = SpectrumView.of(s, frame, unit), palette(theme)
    model = None if reconstruction is None else model_row(reconstruction, s)
    source = spectrum_source(view, model)
    kinds = REST_KINDS if lines is True else tuple(lines or ())
    labelled = bool(kinds) and (view.axis.frame == "rest" or view.axis.linked)
    top = flux_panel(view, theme, title=describe(s), source=source, height=tall[0], labelled=labelled)
    panels = [top]
    if model is not None:
        panels.append(_residual_panel(view, theme, source, top))
        panels[1].height = tall[1]
    entries = hatch(panels, view, colours) + sky(panels, view.axis, colours)
    arms(top, view, colours)
    if labelled:
        line_markers(panels, view.axis, colours, kinds)
    drawn = [("flux", [r for r in top.renderers if r.name == "flux curve"])]
    if model is not None:
        drawn.append(("reconstruction", [draw_model(top, source, colours)]))
    noisy = [r for r in top.renderers if r.name == "noise"]
    legend(top, drawn + ([("±1σ noise", noisy)] if noisy else []) + entries, colours)
    link(panels, colours)
    return stack(panels)


def spectrum_source(view: SpectrumView, model: NDArray[np.float64] | None = None) -> ColumnDataSource:
    """Return the source a spectrum is drawn from: places, flux, noise, codes of lines and sky."""
    return ColumnDataSource(flux_columns(view, model), name="flux")


def flux_panel(view: SpectrumView, theme: str, *, title: str, source: ColumnDataSource,
               height: int = FLUX_HEIGHT, labelled: bool = True) -> figure:
    """Draw flux, noise, clipped and imputed pixels; with room at the top when lines are to be labelled."""
    colours, s = palette(theme), view.spectrum
    made = canvas(theme, title, x=view.axis.label, y=flux_label(s.scale, s.meta), height=height,
                  options={"x_range": Range1d(float(view.edges[0]), float(view.edges[-1]))})
    headroom(made, view.limits, height - AROUND if labelled else 0, colours)
    if "low" in source.data:
        draw_noise(made, source, ("low", "high"), colours)
    for name, flags in set_aside(view).items():
        if flags.any():
            draw_aside(made, ColumnDataSource(aside_columns(view, flags), name=name), colours)
    _, probe = draw_curve(made, source, "y", colours)
    arrows = clipped_columns(view.x, view.y, view.limits)
    if arrows["x"]:
        draw_arrows(made, ColumnDataSource(arrows, name="clipped"), colours)
    spectrum_hover(made, probe, view, source.data)
    return made


def draw_noise(panel: figure, source: ColumnDataSource, between: tuple[str, str], colours: Palette) -> GlyphRenderer:
    """Draw the ±1σ band between two columns."""
    return panel.varea_step("x", *between, source=source, step_mode="center", fill_color=colours.band, fill_alpha=0.6,
                            name="noise")


def draw_curve(panel: figure, source: ColumnDataSource, column: str,
               colours: Palette) -> tuple[GlyphRenderer, GlyphRenderer]:
    """Draw a step of flux (``"y"``) or residual; returns it and what answers the mouse in its stead."""
    curve = panel.step("x", column, source=source, mode="center", line_color=colours.flux,
                       line_width=1 if column == "y" else 0.7, line_alpha=1 if column == "y" else 0.85,
                       name="flux curve" if column == "y" else f"{column} curve", level="glyph")
    # Hover does not find step glyphs, so an invisible line with the same points carries it.
    return curve, panel.line("x", column, source=source, line_alpha=0, name="probe")


def draw_model(panel: figure, source: ColumnDataSource, colours: Palette, *, width: float = 1.4) -> GlyphRenderer:
    """Draw the reconstruction."""
    return panel.line("x", "reconstruction", source=source, color=colours.vermilion, width=width, name="model")


def set_aside(view: SpectrumView) -> dict[str, NDArray[np.bool_]]:
    """Return which pixels have a flux that is no part of the curve, by the name of their source."""
    s = view.spectrum
    filled = np.zeros(len(s), dtype=bool) if s.imputed is None else s.imputed
    return {"imputed flux": filled, "masked flux": ~s.valid & ~filled & np.isfinite(s.flux)}


def draw_aside(panel: figure, source: ColumnDataSource, colours: Palette) -> GlyphRenderer:
    """Draw the columns of :func:`specanom.plots.columns.aside_columns`, faintly."""
    colour = colours.imputed if source.name == "imputed flux" else colours.faint
    return panel.step("x", "y", source=source, mode="after", line_color=colour, line_width=1, line_alpha=0.8,
                      name=f"{source.name} steps")


def axis_text(panel: figure, label: str) -> None:
    """Write label and numbers under the wavelength axis of `panel`, or neither when `label` is empty."""
    panel.xaxis.axis_label = label
    panel.xaxis.major_label_text_alpha = 1.0 if label else 0
    panel.xaxis.major_label_text_font_size = "12px" if label else "1px"


def link(panels: list[figure], colours: Palette) -> None:
    """Give all panels one wavelength range and one vertical hair line, and the last the only axis label."""
    hair = Span(dimension="height", line_color=colours.faint, line_width=1, line_alpha=0.7)
    for panel in panels:
        panel.x_range = panels[0].x_range
        panel.add_tools(CrosshairTool(overlay=hair, visible=False))
    for panel in panels[:-1]:
        axis_text(panel, "")


def model_row(reconstruction: ArrayLike, s: Spectrum) -> NDArray[np.float64]:
    values = np.asarray(reconstruction, dtype=np.float64)
    values = values[0] if values.ndim == 2 and values.shape[0] == 1 else values
    if values.shape != s.wave.shape:
        raise ShapeError(message("reconstruction", expected=f"shape {s.wave.shape} as the spectrum",
                                 got=f"shape {values.shape}", hint="model.reconstruct(flux[None])[0]"))
    return values


def residual_limits(residual: Any, sigma: NDArray[np.float64]) -> tuple[float, float]:
    """Return vertical limits of a residual, the same above and below zero."""
    lo, hi = robust_range(np.asarray(residual), sigma)
    reach = max(abs(lo), abs(hi))
    return -reach, reach


def residual_canvas(theme: str, top: figure, limits: tuple[float, float]) -> figure:
    """Make the empty panel of residuals under `top`, with its line of zero."""
    made = canvas(theme, x=top.xaxis.axis_label, y="flux − model", height=RESIDUAL_HEIGHT,
                  options={"x_range": top.x_range, "y_range": Range1d(*limits)})
    made.add_layout(Span(location=0, dimension="width", line_color=palette(theme).faint, line_width=1))
    return made


def _residual_panel(view: SpectrumView, theme: str, source: ColumnDataSource, top: figure) -> figure:
    colours = palette(theme)
    limits = residual_limits(source.data["residual"], view.sigma)
    made = residual_canvas(theme, top, limits)
    noisy = np.isfinite(view.sigma).any()
    entries = [("±1σ noise", [draw_noise(made, source, ("below", "sigma"), colours)])] if noisy else []
    curve, probe = draw_curve(made, source, "residual", colours)
    legend(made, [("residual", [curve]), *entries], colours)
    arrows = clipped_columns(view.x, source.data["residual"], limits)
    if arrows["x"]:
        draw_arrows(made, ColumnDataSource(arrows, name="clipped"), colours)
    spectrum_hover(made, probe, view, source.data)
    return made


MODELLED = ("reconstruction", "residual")
"""Columns that a figure of a spectrum has beside its flux when there is a model."""


def hover_rows(view: SpectrumView, columns: Container[str]) -> list[tuple[str, str]]:
    """Return what is told of a pixel under the mouse; of :data:`MODELLED` what is among `columns`."""
    rows = [*wavelength_rows(view.axis)[0], ("flux", "@y{0.0000}")]
    if np.isfinite(view.sigma).any():
        rows.append(("σ", "@sigma{0.0000}"))
    told = dict(zip(MODELLED, ("model", "residual"), strict=True))
    rows += [(name, f"@{column}{{0.0000}}") for column, name in told.items() if column in columns]
    return [*rows, ("line", "@line{custom}"), ("sky", "@sky{custom}")]


def spectrum_hover(made: figure, probe: GlyphRenderer, view: SpectrumView, columns: Container[str]) -> HoverTool:
    """Add the hover tool of a spectrum to a panel; returns it."""
    formatters: dict[str, CustomJSHover] = {**wavelength_rows(view.axis)[1],
                                            **named("line", view.axis.line_names(view.x)[1]),
                                            **named("sky", view.axis.sky_names(view.x)[1])}
    return hover(made, [probe], hover_rows(view, columns), mode="vline", formatters=formatters)
