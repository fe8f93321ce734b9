"""A spectrum whose layers are built once and whose data change: what every dashboard shows of a spectrum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.plotting import figure
from numpy.typing import ArrayLike, NDArray

from specanom.plots.axis import REST_KINDS, UNITS, WaveAxis
from specanom.plots.columns import (
    aside_columns,
    clipped_columns,
    flux_columns,
    line_columns,
    sky_columns,
    span_columns,
)
from specanom.plots.drawing import robust_range
from specanom.plots.layers import (
    draw_arrows,
    draw_hatch,
    draw_lines,
    draw_sky,
    headroom,
    label_share,
    set_limits,
    wavelength_terms,
)
from specanom.plots.palette import THEMES, Palette, palette
from specanom.plots.single import (
    AROUND,
    FLUX_HEIGHT,
    MODELLED,
    axis_text,
    draw_aside,
    draw_curve,
    draw_model,
    draw_noise,
    hover_rows,
    link,
    model_row,
    residual_canvas,
    residual_limits,
    set_aside,
    spectrum_hover,
)
from specanom.plots.theme import canvas, legend, plain, restyle, stack
from specanom.plots.view import SpectrumView, describe, flux_label
from specanom.spectrum import Spectrum

FLOATS = ("x", "y", "sigma", "low", "high", "reconstruction", "residual", "below")
EMPTY: dict[str, tuple[str, ...]] = {
    "lines": ("x", "label", "name", "row", "shift", "alpha", "color"), "sky": ("x0", "x1", "name"),
    "masked": ("x0", "x1"), "imputed": ("x0", "x1"), "masked flux": ("x", "y"), "imputed flux": ("x", "y"),
    "clipped": ("x", "y", "value", "angle"), "clipped residual": ("x", "y", "value", "angle"),
}
"""The sources beside ``"flux"``, and their columns."""


class LiveSpectrum:
    """Flux, reconstruction, residual, ±1σ, masked and imputed pixels, lines and sky, in one layout built once.

    Parameters
    ----------
    theme : {"light", "dark"}
        Colours to begin with.
    residual : bool
        Whether there is a second panel with flux − model, seen when a reconstruction is shown.
    height : int
        Screen pixels of the panel of flux.
    model : str
        What the legend calls the second curve.

    Attributes
    ----------
    root : bokeh layout
        Goes into one FigurePane, alone or within a larger layout.
    flux, residual : bokeh figures
        The panels, to lay more over them; `residual` is None without one.
    sources : dict of str to ColumnDataSource
        ``"flux"``, ``"lines"``, ``"sky"``, ``"masked"``, ``"imputed"``, ``"masked flux"``, ``"imputed flux"``,
        ``"clipped"`` and ``"clipped residual"``, which are also their names in the document.
    kinds : tuple of str
        Which lines the next :meth:`show` marks: of ``"emission"``, ``"absorption"``, ``"uv"`` and ``"sky"``.
    unit : {"Å", "nm"}
        Unit of the axis from the next :meth:`show` on.
    view : SpectrumView or None
        What is shown now.
    layers : dict of str to list of GlyphRenderer
        ``"noise"``, ``"masked"``, ``"imputed"`` and ``"sky"``: set ``visible`` of each to hide it.
    """

    def __init__(self, *, theme: str = "light", residual: bool = True, height: int = FLUX_HEIGHT,
                 model: str = "reconstruction") -> None:
        self.kinds: tuple[str, ...] = REST_KINDS
        self.unit = "Å"
        self.view: SpectrumView | None = None
        self._share = label_share(height - AROUND)
        self.sources = {name: ColumnDataSource(dict.fromkeys(columns, ()), name=name)
                        for name, columns in EMPTY.items()}
        # One pixel without a value, not none: BokehJS draws a stepped area of no points for ever.
        blank = {name: np.full(1, np.nan, np.float32) for name in FLOATS}
        codes = {name: np.zeros(1, np.uint8) for name in ("line", "sky")}
        self.sources["flux"] = ColumnDataSource(blank | codes, name="flux")
        colours = palette(theme)
        self.flux = canvas(theme, " ", x=" ", y=" ", height=height, options={"x_range": Range1d(0.0, 1.0)})
        headroom(self.flux, (0.0, 1.0), height - AROUND, colours)
        self.residual: figure | None = residual_canvas(theme, self.flux, (-1.0, 1.0)) if residual else None
        self.panels = [self.flux] if self.residual is None else [self.flux, self.residual]
        self._hovers: list[HoverTool] = []
        self._draw(theme, colours)
        link(self.panels, colours)
        self._entries = {str(item.label.value): item for item in self.flux.legend[0].items}
        self._entries["reconstruction"].label = value(plain(model))
        self.root = stack(self.panels)

    # -- changing what is shown --------------------------------------------------------------------------------------

    def show(self, spectrum: Spectrum, reconstruction: ArrayLike | None = None, *, frame: str | None = None,
             keep_zoom: bool = False) -> None:
        """Show another spectrum; call it within ``pane.batch()``, so that the page draws once.

        Parameters
        ----------
        spectrum : Spectrum
            Of any length.
        reconstruction : (p,) array, optional
            What a model makes of it; without, the panel of residuals is hidden.
        frame : {"rest", "observed"}, optional
            Frame of the axis; the spectrum's own when None. The other one needs a redshift.
        keep_zoom : bool
            Whether a window that the user zoomed to stays, in the frame of the axis; the vertical range then fits
            what is seen.

        Raises
        ------
        ArgumentError, ShapeError
            For a frame that needs a redshift, and for a reconstruction of another length. Nothing has changed then.
        """
        view = SpectrumView.of(spectrum, frame, self.unit)
        model = None if reconstruction is None else model_row(reconstruction, spectrum)
        window = self._window(view, keep_zoom)
        columns = self._columns(view, model)
        self.view = view
        self._set_window(view, window)
        self.fit(columns)
        span = float(view.edges[0]), float(view.edges[-1])
        put(self.sources["flux"], columns)
        put(self.sources["lines"], self._lines(view.axis, span))
        put(self.sources["sky"], sky_columns(view.axis, span))
        put(self.sources["masked"], span_columns(view.masked))
        put(self.sources["imputed"], span_columns(view.imputed))
        for name, flags in set_aside(view).items():
            put(self.sources[name], aside_columns(view, flags))
        self._write(view, model is not None)

    def restyle(self, theme: str) -> None:
        """Draw in the colours of another theme; a FigurePane does it by itself when the page changes."""
        restyle(self.root, theme)

    def zoom(self, lo: float, hi: float) -> None:
        """Show the wavelengths from `lo` to `hi` (unit and frame of the axis) and fit the vertical range to them."""
        self.flux.x_range.update(start=lo, end=hi)
        self.fit(self.sources["flux"].data)

    def fit(self, columns: Mapping[str, Any]) -> None:
        """Fit the vertical ranges to flux and reconstruction in the window, and point at flux beyond them."""
        seen = (columns["x"] >= self.flux.x_range.start) & (columns["x"] <= self.flux.x_range.end)
        seen = seen if np.isfinite(columns["y"][seen]).any() else np.ones_like(seen)
        limits = robust_range(columns["y"][seen], columns["sigma"][seen])
        model = columns["reconstruction"][seen]
        if np.isfinite(model).any():
            low, high = robust_range(model)
            limits = min(low, limits[0]), max(high, limits[1])
        set_limits(self.flux, limits, self._share)
        put(self.sources["clipped"], clipped_columns(columns["x"], columns["y"], limits))
        if self.residual is not None:
            reach = residual_limits(columns["residual"][seen], columns["sigma"][seen])
            set_limits(self.residual, reach)
            put(self.sources["clipped residual"], clipped_columns(columns["x"], columns["residual"], reach))

    # -- what is drawn -----------------------------------------------------------------------------------------------

    def _draw(self, theme: str, colours: Palette) -> None:
        flux, top = self.sources["flux"], self.flux
        noise = [draw_noise(top, flux, ("low", "high"), colours)]
        aside = {name: draw_aside(top, self.sources[f"{name} flux"], colours) for name in ("masked", "imputed")}
        curve, probe = draw_curve(top, flux, "y", colours)
        model = draw_model(top, flux, colours)
        draw_arrows(top, self.sources["clipped"], colours)
        marks = [draw_hatch(self.panels, self.sources[name], colours) for name in ("masked", "imputed")]
        marks.append(draw_sky(self.panels, self.sources["sky"], colours))
        draw_lines(self.panels, self.sources["lines"])
        first = SpectrumView.of(Spectrum(np.array([5000.0]), np.full(1, np.nan, dtype=np.float32), id=" "))
        self._hovers = [spectrum_hover(top, probe, first, ())]
        if self.residual is not None:
            noise.append(draw_noise(self.residual, flux, ("below", "sigma"), colours))
            below, probe = draw_curve(self.residual, flux, "residual", colours)
            legend(self.residual, [("residual", [below]), ("±1σ noise", [noise[1]])], colours)
            draw_arrows(self.residual, self.sources["clipped residual"], colours)
            self._hovers.append(spectrum_hover(self.residual, probe, first, MODELLED))
        legend(top, [("flux", [curve]), ("reconstruction", [model]), ("±1σ noise", noise[:1]), *marks], colours)
        self.layers = {"noise": noise, "sky": marks[2][1],
                       **{name: [*found, aside[name]] for name, found in marks[:2]}}

    @property
    def _colours(self) -> Palette:
        """The colours drawn in now, read from the figure: whoever restyles the layout need not say so here."""
        paper = self.flux.background_fill_color
        return next(colours for colours in THEMES.values() if colours.paper == paper)

    def _lines(self, axis: WaveAxis, span: tuple[float, float]) -> dict[str, Any]:
        return line_columns(axis, span, self._colours, self.kinds)

    def _columns(self, view: SpectrumView, model: NDArray[np.float64] | None) -> dict[str, Any]:
        columns = flux_columns(view, model)
        absent = np.full(view.x.size, np.nan, dtype=np.float32)
        floats = {name: np.asarray(columns.get(name, absent), dtype=np.float32) for name in FLOATS}
        return floats | {"line": columns["line"], "sky": columns["sky"]}

    # -- the window of wavelengths -----------------------------------------------------------------------------------

    @property
    def zoomed(self) -> bool:
        """Whether the window is another than the whole spectrum."""
        x = self.flux.x_range
        return self.view is not None and (x.start, x.end) != (x.reset_start, x.reset_end)

    def _window(self, view: SpectrumView, keep_zoom: bool) -> tuple[float, float] | None:
        """Return the window to keep, on the axis of `view`; None for the whole spectrum."""
        if not keep_zoom or self.view is None or not self.zoomed:
            return None
        old = self.view.axis
        ends = np.array([self.flux.x_range.start, self.flux.x_range.end]) / UNITS[old.unit]
        lo, hi = view.axis.place(ends, old.frame)
        overlaps = hi > view.edges[0] and lo < view.edges[-1]
        return (float(lo), float(hi)) if overlaps else None

    def _set_window(self, view: SpectrumView, window: tuple[float, float] | None) -> None:
        lo, hi = float(view.edges[0]), float(view.edges[-1])
        start, end = window or (lo, hi)
        self.flux.x_range.update(start=start, end=end, reset_start=lo, reset_end=hi)

    # -- text --------------------------------------------------------------------------------------------------------

    def _write(self, view: SpectrumView, modelled: bool) -> None:
        """Write title, axes and legend, and hide what there is nothing to see of."""
        title = describe(view.spectrum)
        if view.axis.frame == "observed" and not view.axis.linked:
            title += " · redshift unknown, lines not marked"
        self.flux.title.text = plain(title)
        self.flux.yaxis.axis_label = plain(flux_label(view.spectrum.scale, view.spectrum.meta))
        if self.residual is not None:
            self.residual.visible = modelled
            axis_text(self.residual, view.axis.label)
        axis_text(self.flux, "" if self.residual is not None and modelled else view.axis.label)
        noisy = bool(np.isfinite(view.sigma).any())
        there = {"reconstruction": modelled, "±1σ noise": noisy and not modelled, "masked": bool(view.masked),
                 "imputed": bool(view.imputed), "sky": len(self.sources["sky"].data["x0"]) > 0}
        for name, seen in there.items():
            self._entries[name].visible = seen
        rows, terms = hover_rows(view, MODELLED if modelled else ()), wavelength_terms(view.axis)
        for tool in self._hovers:
            if tool.tooltips != rows:
                tool.tooltips = rows
            if tool.formatters["@x"].args != terms:
                tool.formatters["@x"].args = terms


def put(source: ColumnDataSource, columns: dict[str, Any]) -> None:
    """Give `source` other columns; only those that differ are sent to the page."""
    old = source.data
    name = next(iter(columns))
    if len(old[name]) != len(columns[name]):
        source.data = columns
        return
    changed = {key: values for key, values in columns.items() if not _same(old[key], values)}
    if changed:
        source.data.update(changed)


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        return old.dtype == new.dtype and old.tobytes() == new.tobytes()  # NaN equals NaN
    return list(old) == list(new)
