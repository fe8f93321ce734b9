"""One spectrum: flux, reconstruction and residual, with noise, hatching and named lines."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, CrosshairTool, CustomJSHover, GridPlot, Range1d, Span
from bokeh.plotting import figure
from numpy.typing import ArrayLike, NDArray

from ..errors import ShapeError, message
from ..spectrum import Spectrum
from .drawing import robust_range
from .layers import arrows, hatch, headroom, line_markers, named, sky, wavelength_rows
from .palette import Palette, palette
from .theme import canvas, hover, legend, stack
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
    lines: bool = True,
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
    lines : bool
        Whether to mark and name lines; needs a redshift when the axis is in the observed frame.

    Returns
    -------
    bokeh.models.GridPlot
        Panels with one wavelength range. Data sources are called ``"flux"``, ``"reconstruction"``, ``"lines"``,
        ``"masked"``, ``"imputed"``, ``"sky"`` and ``"clipped"``.

    Raises
    ------
    ArgumentError, ShapeError
        For an unknown frame, unit or theme, and for a reconstruction of another length.
    """
    view, colours = SpectrumView.of(s, frame, unit), palette(theme)
    model = None if reconstruction is None else _row(reconstruction, s)
    source = spectrum_source(view, model)
    labelled = lines and (view.axis.frame == "rest" or view.axis.linked)
    top = flux_panel(view, theme, title=describe(s), source=source, labelled=labelled)
    panels = [top]
    if model is not None:
        panels.append(_residual_panel(view, theme, source, top))
    entries = hatch(panels, view, colours) + sky(panels, view.axis, colours)
    if labelled:
        line_markers(panels, view.axis, colours)
    drawn = [("flux", [r for r in top.renderers if r.name == "flux"])]
    if model is not None:
        curve = top.line("x", "reconstruction", source=source, color=colours.vermilion, width=1.4, name="model")
        drawn.append(("reconstruction", [curve]))
    noisy = [r for r in top.renderers if r.name == "noise"]
    legend(top, drawn + ([("±1σ noise", noisy)] if noisy else []) + entries, colours)
    link(panels, colours)
    return stack(panels)


def spectrum_source(view: SpectrumView, model: NDArray[np.float64] | None = None) -> ColumnDataSource:
    """Return the columns a spectrum is drawn from: places, flux, noise, codes of lines and sky."""
    y, sigma = view.y.astype(np.float32), view.sigma.astype(np.float32)
    data: dict[str, Any] = {"x": view.x, "y": y, "sigma": sigma, "line": view.axis.line_names(view.x)[0],
                            "sky": view.axis.sky_names(view.x)[0]}
    if model is not None:
        fitted = model.astype(np.float32)
        data |= {"reconstruction": fitted, "residual": y - fitted, "below": -sigma}
    elif np.isfinite(sigma).any():
        data |= {"low": y - sigma, "high": y + sigma}
    return ColumnDataSource(data, name="flux")


def flux_panel(view: SpectrumView, theme: str, *, title: str, source: ColumnDataSource,
               height: int = FLUX_HEIGHT, labelled: bool = True) -> figure:
    """Draw flux, noise, clipped and imputed pixels; with room at the top when lines are to be labelled."""
    colours, s = palette(theme), view.spectrum
    made = canvas(theme, title, x=view.axis.label, y=flux_label(s.scale, s.meta.get("unit")), height=height,
                  options={"x_range": Range1d(float(view.edges[0]), float(view.edges[-1]))})
    headroom(made, view.limits, height - AROUND if labelled else 0, colours)
    if "low" in source.data:
        made.varea_step("x", "low", "high", source=source, step_mode="center", fill_color=colours.band,
                        fill_alpha=0.55, name="noise")
    _set_aside(made, view, colours)
    curve = made.step("x", "y", source=source, mode="center", line_color=colours.flux, line_width=1, name="flux")
    # Hover does not find step glyphs, so an invisible line with the same points carries it.
    probe = made.line("x", "y", source=source, line_alpha=0, name="probe")
    curve.level = "glyph"
    arrows(made, view.x, view.y, view.limits, colours)
    _spectrum_hover(made, probe, view, "reconstruction" in source.data)
    return made


def link(panels: list[figure], colours: Palette) -> None:
    """Give all panels one wavelength range and one vertical hair line, and the last the only axis label."""
    hair = Span(dimension="height", line_color=colours.faint, line_width=1, line_alpha=0.7)
    for panel in panels:
        panel.x_range = panels[0].x_range
        panel.add_tools(CrosshairTool(overlay=hair))
    for panel in panels[:-1]:
        panel.xaxis.axis_label = ""
        panel.xaxis.major_label_text_alpha = 0
        panel.xaxis.major_label_text_font_size = "1px"


def _row(reconstruction: ArrayLike, s: Spectrum) -> NDArray[np.float64]:
    values = np.asarray(reconstruction, dtype=np.float64)
    values = values[0] if values.ndim == 2 and values.shape[0] == 1 else values
    if values.shape != s.wave.shape:
        raise ShapeError(message("reconstruction", expected=f"shape {s.wave.shape} as the spectrum",
                                 got=f"shape {values.shape}", hint="model.reconstruct(flux[None])[0]"))
    return values


def _set_aside(made: figure, view: SpectrumView, colours: Palette) -> None:
    """Draw what is not part of the curve, masked and imputed pixels that have a value, faintly."""
    s = view.spectrum
    filled = np.zeros(len(s), dtype=bool) if s.imputed is None else s.imputed
    for name, flags, colour in (("imputed flux", filled, colours.imputed),
                                ("masked flux", ~s.valid & ~filled & np.isfinite(s.flux), colours.faint)):
        if flags.any():
            # One pixel more on each side would join the curve; a gap shows that the value was not measured.
            source = ColumnDataSource({"x": view.x, "y": np.where(flags, s.flux, np.nan).astype(np.float32)}, name=name)
            made.step("x", "y", source=source, mode="center", line_color=colour, line_width=1, line_alpha=0.8)


def _residual_panel(view: SpectrumView, theme: str, source: ColumnDataSource, top: figure) -> figure:
    colours = palette(theme)
    lo, hi = robust_range(np.asarray(source.data["residual"]), view.sigma)
    reach = max(abs(lo), abs(hi))
    made = canvas(theme, x=view.axis.label, y="flux − model", height=RESIDUAL_HEIGHT,
                  options={"x_range": top.x_range, "y_range": Range1d(-reach, reach)})
    entries = []
    if np.isfinite(view.sigma).any():
        entries.append(("±1σ noise", [made.varea_step(
            "x", "below", "sigma", source=source, step_mode="center", fill_color=colours.band, fill_alpha=0.7)]))
    made.add_layout(Span(location=0, dimension="width", line_color=colours.faint, line_width=1))
    curve = made.step("x", "residual", source=source, mode="center", line_color=colours.flux, line_width=0.7,
                      line_alpha=0.85, name="residual")
    legend(made, [("residual", [curve]), *entries], colours)
    probe = made.line("x", "residual", source=source, line_alpha=0)
    arrows(made, view.x, source.data["residual"], (-reach, reach), colours)
    _spectrum_hover(made, probe, view, True)
    return made


def _spectrum_hover(made: figure, probe: Any, view: SpectrumView, modelled: bool) -> None:
    rows, formatters = wavelength_rows(view.axis)
    rows = [*rows, ("flux", "@y{0.0000}")]
    if np.isfinite(view.sigma).any():
        rows.append(("σ", "@sigma{0.0000}"))
    if modelled:
        rows += [("model", "@reconstruction{0.0000}"), ("residual", "@residual{0.0000}")]
    named_by: dict[str, CustomJSHover] = {**formatters, **named("line", view.axis.line_names(view.x)[1]),
                                          **named("sky", view.axis.sky_names(view.x)[1])}
    hover(made, [probe], [*rows, ("line", "@line{custom}"), ("sky", "@sky{custom}")], mode="vline",
          formatters=named_by)
