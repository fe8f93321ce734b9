"""The live figure of a tuner: built once, then only its numbers change."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import BoxAnnotation, Column, ColumnDataSource
from bokeh.plotting import figure
from numpy.typing import ArrayLike, NDArray

from specanom.explain import Explanation
from specanom.explain.session import Copies
from specanom.plots.axis import WaveAxis
from specanom.plots.explanation_data import (
    WHISKERS,
    context_data,
    leading_data,
    reach,
    tint_data,
    unique,
    weight_data,
)
from specanom.plots.explanation_panels import context_panel, leading_panel, show_many, weights_panel
from specanom.plots.palette import Palette, palette
from specanom.plots.single import link
from specanom.plots.theme import below, beside, stack
from specanom.spectrum import Spectrum

from .edges import EdgeHandles
from .neighbours import Neighbours
from .panel import SpectrumPanel

LONGEST = 28
"""Letters of a segment's name that have room beside its bar."""
TABLE = 400
"""Least width of each lower panel, screen pixels."""
BESIDE = 205
"""Screen pixels left of the lower panels, which stay where they are whatever names stand there."""


class LiveExplanation:
    """Spectrum tinted by weight, weights with intervals, leading segments, and where the weight lies.

    Every method that changes something belongs inside the batch of its pane.

    Parameters
    ----------
    spectrum : Spectrum
    explanation : Explanation
        The first one; others are on the same grid.
    theme : {"light", "dark"}
    top : int
        Leading segments listed by name.

    Attributes
    ----------
    root : Column
        The layout, for a pane.
    edges : EdgeHandles
    theme : str
        The colours of what is computed next.
    """

    def __init__(self, spectrum: Spectrum, explanation: Explanation, *, theme: str = "light", top: int = 6) -> None:
        self.theme, self.top = theme, top
        colours, e = palette(theme), explanation
        self.axis = WaveAxis.of(spectrum.frame, None, "Å", spectrum.z)
        self.weights = ColumnDataSource(weight_data(e, self.axis, colours), name="weights")
        self.spectrum = SpectrumPanel(spectrum, self.weights, theme)
        self.edges = EdgeHandles(self.spectrum.figure, colours)
        self.bars = weights_panel(self.weights, self.axis, theme, reach=reach(e))
        self.bars.update(height=220, name="weights panel")
        self.neighbours = Neighbours(self.spectrum.figure, self.axis.label, theme)
        self.leading = ColumnDataSource(self._leading(e), name="leading")
        self.context = ColumnDataSource(context_data(e, colours), name="context")
        self.tables = [leading_panel(self.leading, theme, reach=reach(e)),
                       context_panel(self.context, theme, title="Where the weight lies")]
        for table in self.tables:
            table.height = max(one.height for one in self.tables)
            table.min_border_left = BESIDE
        panels = [self.spectrum.figure, self.bars]
        self.spectrum.draw_lines(panels)
        link(panels, colours)
        self._veils = [_veil(panel, colours, name) for panel, name in zip(panels, ("spectrum", "weights"), strict=True)]
        self.root: Column = below(stack([*panels, self.neighbours.panel]),
                                  beside(self.tables, least=TABLE))
        self.show(e)

    def show_spectrum(self, spectrum: Spectrum, reconstruction: ArrayLike | None) -> None:
        """Show another spectrum on the same grid, or another model's reconstruction."""
        self.axis = WaveAxis.of(spectrum.frame, None, "Å", spectrum.z)
        self.spectrum.theme = self.theme
        self.spectrum.show(spectrum, reconstruction)

    def show(self, e: Explanation, *, editing: bool = False, density: bool = False) -> None:
        """Show an explanation; with `editing`, the edges of its segments too; with `density`, its weights are per Å."""
        colours = palette(self.theme)
        label = "weight per Å" if density else "weight"
        if self.bars.yaxis.axis_label != label:
            self.bars.yaxis.axis_label = label
            self.tables[0].xaxis.axis_label = f"{label}, with its 95 % interval"
        bars = weight_data(e, self.axis, colours)
        self.weights.data = bars
        self.spectrum.tint.data = tint_data(e, self.axis, colours)
        below_zero, above = reach(e)
        self.bars.y_range.update(start=-below_zero, end=above)
        many = len(bars["segment"]) > WHISKERS
        show_many(self.bars, many, self.theme)
        self._show_tables(e)
        self.edges.show(bars["left"][1:], editing=editing)

    def _show_tables(self, e: Explanation) -> None:
        names, below_zero, above = self._leading(e), *reach(e)
        leading = self.tables[0]
        leading.x_range.update(start=-below_zero, end=above)
        factors = list(names["name"])[::-1]
        if list(leading.y_range.factors) != factors:
            leading.y_range.factors = factors
        self.leading.data = names
        self.context.data = context_data(e, palette(self.theme))

    def show_copies(self, fill: NDArray[np.float32] | None, copies: Copies | None, e: Explanation) -> None:
        """Draw the fill and some perturbed copies, or hide them when `fill` is None."""
        self.neighbours.show(self.spectrum.view.x, fill, copies, e.segments)

    def veil(self, stale: bool) -> None:
        """Grey the figure out, or not: what it shows is not what the controls say."""
        for veil in self._veils:
            if veil.visible != stale:
                veil.visible = stale

    def _leading(self, e: Explanation) -> dict[str, Any]:
        data = leading_data(e, palette(self.theme), self.top)
        return data | {"name": unique([shortened(name) for name in data["name"]])}


def shortened(name: str) -> str:
    """Return a name that has room beside its bar."""
    return name if len(name) <= LONGEST else name[: LONGEST - 1].rstrip(" +,") + "…"


def _veil(panel: figure, colours: Palette, name: str) -> BoxAnnotation:
    veil = BoxAnnotation(fill_color=colours.paper, fill_alpha=0.6, line_color=None, level="overlay", visible=False,
                         name=f"{name} veil")
    panel.add_layout(veil)
    return veil
