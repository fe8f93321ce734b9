"""The spectrum of one member with its explanation under it."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource

from specanom.explain import Explanation
from specanom.plots.axis import REST_KINDS, WaveAxis
from specanom.plots.explanation_data import WHISKERS, reach, tint_data, weight_data
from specanom.plots.explanation_panels import show_many, tint_layer, weights_panel
from specanom.plots.palette import palette
from specanom.plots.single import axis_text, link
from specanom.plots.theme import plain, stack
from specanom.spectrum import Spectrum

from ..spectra.live import LiveSpectrum

FLUX, WEIGHTS = 300, 170
COLUMNS = ("left", "right", "middle", "weight", "low", "high", "name", "segment", "color")


class MemberFigure:
    """A live spectrum over the weights of its segments, with one wavelength range.

    Attributes
    ----------
    root : GridPlot
        Goes into one FigurePane; the weights' source is called ``"weights"``.
    live : LiveSpectrum
        The spectrum.
    """

    def __init__(self, theme: str = "light") -> None:
        colours = palette(theme)
        self.live = LiveSpectrum(theme=theme, residual=False, height=FLUX)
        blank = {name: [np.nan] for name in COLUMNS} | {"name": [""], "color": [colours.ink]}
        self.source = ColumnDataSource(blank, name="weights")
        self.tint = ColumnDataSource({name: [] for name in ("x0", "x1", "color", "alpha")}, name="tint")
        tint_layer(self.live.flux, self.tint)
        made = weights_panel(self.source, WaveAxis("rest"), theme, reach=(1.0, 1.0))
        made.height = WEIGHTS
        link([self.live.flux, made], colours)
        self.weights = made
        self.root = stack([self.live.flux, made])

    def show(self, spectrum: Spectrum, explanation: Explanation | None, *, frame: str, title: str,
             theme: str) -> None:
        """Show a member; call it within ``pane.batch()``.

        Parameters
        ----------
        spectrum : Spectrum
        explanation : Explanation, optional
            Its explanation; the lower panel is hidden without one.
        frame : {"rest", "observed"}
            Of the axis; the spectrum's own where its redshift is not known.
        title : str
            What is written over it.
        theme : {"light", "dark"}
            In which the figure is drawn now.
        """
        z = spectrum.z
        frame = frame if z is not None and np.isfinite(z) else spectrum.frame
        self.live.kinds = REST_KINDS if frame == "rest" else (*REST_KINDS, "sky")
        self.live.show(spectrum, frame=frame)
        self.live.flux.title.text = plain(title)
        self.weights.visible = explanation is not None
        if explanation is None:
            self.tint.data = {name: [] for name in self.tint.data}
        if explanation is None or self.live.view is None:
            return
        axis = self.live.view.axis
        columns: dict[str, Any] = weight_data(explanation, axis, palette(theme))
        self.source.data = columns
        self.tint.data = tint_data(explanation, axis, palette(theme))
        show_many(self.weights, len(columns["left"]) > WHISKERS, theme)
        low, high = reach(explanation)
        self.weights.y_range.update(start=-low, end=high, reset_start=-low, reset_end=high)
        axis_text(self.weights, axis.label)
        axis_text(self.live.flux, "")
