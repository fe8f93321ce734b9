"""What an explanation says: the spectrum by weight, weights with intervals, the leading segments, their context."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from bokeh.models import Column, ColumnDataSource
from bokeh.plotting import figure
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, GridError, message
from ..explain.explanation import Explanation
from ..spectrum import Spectrum
from .axis import WaveAxis
from .drawing import robust_range
from .explanation_data import (
    WHISKERS,
    by_width,
    context_data,
    context_title,
    explanation_title,
    leading_data,
    reach,
    tint_data,
    weight_data,
)
from .explanation_panels import HEIGHT as WEIGHTS_HEIGHT
from .explanation_panels import context_panel, leading_panel, tint_layer, weights_panel
from .layers import Entry, hatch, line_markers
from .palette import Palette, palette
from .single import draw_model, flux_panel, link, model_row, spectrum_source
from .theme import below, heights, legend, plain, stack
from .view import SpectrumView

TINTED_HEIGHT = 320
"""Of the panel of flux over the weights, in screen pixels."""
TALLER = 2.5
"""A reconstruction may make the range of the flux so many times taller; beyond, it leaves the frame."""


def explanation(
    e: Explanation,
    spectrum: Spectrum | None = None,
    *,
    reconstruction: ArrayLike | None = None,
    frame: str | None = None,
    unit: str = "Å",
    theme: str = "light",
    top: int = 6,
    density: bool = False,
    height: int | None = None,
) -> Column:
    """Draw an explanation.

    Parameters
    ----------
    e : Explanation
        What to draw.
    spectrum : Spectrum, optional
        The spectrum it explains, for noise, hatching and the other frame; by default the flux kept in `e`.
    reconstruction : (p,) array, optional
        What the model makes of the spectrum, drawn over the flux: a weight on flat flux, where the model expects a
        line, is not understood without it. ``model.reconstruct(sample.select([e.id]))[0]`` is the one that was scored.
    frame : {"rest", "observed"}, optional
        Frame of the axis; that of the explanation when None.
    unit : {"Å", "nm"}
        Unit of the axis.
    theme : {"light", "dark"}
        Colours.
    top : int
        How many of the leading segments are listed by name.
    density : bool
        Draw weights per Å, which compare segments of different widths, and let these say which segments lead.
    height : int, optional
        Screen pixels of the panels of flux and weight together; 320 and 250 by default. The width follows the page.

    Returns
    -------
    bokeh.models.Column
        The spectrum tinted by weight (orange raises the score, blue lowers it), the weight of each segment with its
        95 % interval, the leading segments by name, and the context of the weight. Data sources are called
        ``"flux"``, ``"tint"``, ``"weights"``, ``"leading"`` and ``"context"``.

    Raises
    ------
    GridError, ArgumentError
        When the spectrum is not the one that was explained, a reconstruction comes without any flux, or for a height
        below 268.
    ShapeError
        For a reconstruction of another length.
    """
    s = _explained(e, spectrum)
    tall = heights(height, (WEIGHTS_HEIGHT,) if s is None else (TINTED_HEIGHT, WEIGHTS_HEIGHT))
    model = None if reconstruction is None else _model(reconstruction, s)
    axis = WaveAxis.of(e.frame, frame, unit, None if s is None else s.z)
    colours = palette(theme)
    panels: list[figure] = []
    if s is not None:
        view = _holding(SpectrumView.of(s, frame, unit), model)
        panels.append(_tinted(e, view, theme, model, tall[0]))
        entries = _curves(panels[0], colours) + hatch(panels, view, colours)
        if entries:
            legend(panels[0], entries, colours)
    drawn, label = (by_width(e), "weight per Å") if density else (e, "weight")
    panels.append(_weights(drawn, axis, theme, title="" if panels else explanation_title(e), label=label))
    panels[-1].height = tall[-1]
    if s is not None and _labelled(axis):
        line_markers(panels, axis, colours)
    link(panels, colours)
    shares = ColumnDataSource(context_data(e, colours), name="context")
    tables = [leading_segments(drawn, theme, top, label=label), context_panel(shares, theme, title=context_title(e))]
    for table in tables:
        table.height = max(one.height for one in tables)
    return below(stack(panels), stack(tables, columns=2, toolbar=False))


def leading_segments(e: Explanation, theme: str, top: int, *, label: str = "weight") -> figure:
    """Draw the `top` segments of largest |weight| by name, with their intervals, as horizontal bars."""
    source = ColumnDataSource(leading_data(e, palette(theme), top), name="leading")
    return leading_panel(source, theme, reach=reach(e), label=label, intervals=bool(np.isfinite(e.interval).any()))


def _explained(e: Explanation, spectrum: Spectrum | None) -> Spectrum | None:
    if spectrum is None:
        return None if e.flux is None else Spectrum(e.wave, e.flux, id=e.id, frame=e.frame, scale="normalised")
    if spectrum.wave.shape != e.wave.shape or not np.allclose(spectrum.wave, e.wave):
        raise GridError(message("spectrum", expected="the wavelengths of the explanation", got="others",
                                hint="sample.by_id(e.id)"))
    if e.id and spectrum.id != e.id:
        raise ArgumentError(message("spectrum", expected=f"the spectrum explained, {e.id!r}", got=repr(spectrum.id),
                                    hint="sample.by_id(e.id)"))
    return spectrum


def _model(reconstruction: ArrayLike, s: Spectrum | None) -> NDArray[np.float64]:
    if s is None:
        raise ArgumentError(message("reconstruction", expected="a spectrum beside it", got="none",
                                    hint="plots.explanation(e, sample.by_id(e.id), reconstruction=...)"))
    return model_row(reconstruction, s)


def _holding(view: SpectrumView, model: NDArray[np.float64] | None) -> SpectrumView:
    """Return the view with room for what only the model has, up to :data:`TALLER` times the range of the flux."""
    if model is None:
        return view
    (low, high), (bottom, top) = view.limits, robust_range(model, view.sigma)
    most = (TALLER - 1.0) * (high - low)
    return replace(view, limits=(max(min(low, bottom), low - most), min(max(high, top), high + most)))


def _curves(panel: figure, colours: Palette) -> list[Entry]:
    """Draw the reconstruction where the source has one; returns what the legend says of it and of the flux."""
    curve = next(one for one in panel.renderers if one.name == "flux curve")
    source = curve.data_source
    if "reconstruction" not in source.data:
        return []
    return [("flux", [curve]), ("reconstruction", [draw_model(panel, source, colours, width=1)])]


def _labelled(axis: WaveAxis) -> bool:
    """Return whether rest-frame lines have a place on the axis."""
    return axis.frame == "rest" or axis.linked


def _tinted(e: Explanation, view: SpectrumView, theme: str, model: NDArray[np.float64] | None, height: int) -> figure:
    source = spectrum_source(view)  # with the band of noise around the flux, whether there is a model or not
    if model is not None:
        source.data["reconstruction"] = model.astype(np.float32)
    made = flux_panel(view, theme, title=explanation_title(e), source=source, height=height,
                      labelled=_labelled(view.axis))
    tint_layer(made, ColumnDataSource(tint_data(e, view.axis, palette(theme)), name="tint"))
    return made


def _weights(e: Explanation, axis: WaveAxis, theme: str, *, title: str, label: str) -> figure:
    source = ColumnDataSource(weight_data(e, axis, palette(theme)), name="weights")
    many = len(source.data["segment"]) > WHISKERS
    drawn = ("band" if many else "whiskers",) if np.isfinite(e.interval).any() else ()
    made = weights_panel(source, axis, theme, reach=reach(e), label=label, intervals=drawn)
    made.title.text = plain(title)
    return made
