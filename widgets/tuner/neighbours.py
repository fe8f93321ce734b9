"""The fill and a few perturbed copies of a spectrum with their scores, drawn under it."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, Range1d
from bokeh.plotting import figure
from numpy.typing import NDArray

from specanom.explain.session import Copies
from specanom.plots.drawing import pixel_edges, robust_range, runs
from specanom.plots.palette import palette
from specanom.plots.theme import canvas

ROWS = 5
NONE: dict[str, dict[str, Any]] = {
    "copies": {"x": [], "y": []}, "off": {"left": [], "right": [], "bottom": [], "top": []},
    "copy scores": {"x": [], "y": [], "text": []},
}


class Neighbours:
    """Perturbed copies, one above the other: what is filled is shaded, the score stands at the right.

    Parameters
    ----------
    spectrum : figure
        The panel of the spectrum, in which the fill is drawn and whose wavelengths are taken.
    label : str
        Of the wavelength axis.
    theme : {"light", "dark"}
    """

    def __init__(self, spectrum: figure, label: str, theme: str) -> None:
        colours = palette(theme)
        self.fill = ColumnDataSource({"x": [], "y": []}, name="fill")
        self.drawn_fill = spectrum.line("x", "y", source=self.fill, line_color=colours.green, line_width=1.3,
                                        visible=False, name="fill line")
        self.sources = {name: ColumnDataSource(data, name=name) for name, data in NONE.items()}
        made = canvas(theme, "Perturbed copies, lowest to highest score", x=label, y="", height=300, options={
            "x_range": spectrum.x_range, "y_range": Range1d(0, ROWS)})
        made.quad(left="left", right="right", bottom="bottom", top="top", source=self.sources["off"],
                  fill_color=colours.green, fill_alpha=0.14, line_color=None, level="underlay")
        made.line("x", "y", source=self.sources["copies"], line_color=colours.flux, line_width=0.8)
        made.text(x="x", y="y", text="text", source=self.sources["copy scores"], text_color=colours.ink,
                  text_align="right", text_baseline="top", text_font_size="12px", x_offset=-6, y_offset=2)
        made.yaxis.major_label_text_alpha = 0
        made.yaxis.major_tick_line_color = None
        made.ygrid.grid_line_color = None
        made.visible = False
        self.panel = made

    def show(self, x: NDArray[np.float64], fill: NDArray[np.float32] | None, copies: Copies | None,
             segments: NDArray[np.intp]) -> None:
        """Draw them; without `fill` they are hidden, without `copies` the panel says that the method makes none.

        Parameters
        ----------
        x : (p,) array
            Places of the pixels on the axis.
        fill : (p,) array or None
        copies : Copies or None
        segments : (p,) int array
            Of the copies' masks.
        """
        shown = fill is not None
        if self.panel.visible != shown:
            self.panel.visible = self.drawn_fill.visible = shown
        if fill is None:
            return
        self.fill.data = {"x": x, "y": fill}
        wanted = NONE if copies is None else columns_of(x, copies, segments)
        for name, source in self.sources.items():
            source.data = wanted[name]
        title = ("This method makes no perturbed copies; the fill is drawn over the spectrum." if copies is None else
                 f"{len(copies.scores)} of {copies.of:,} perturbed copies, from the lowest score to the highest; "
                 "shaded: filled")
        if self.panel.title.text != title:
            self.panel.title.text = title


def columns_of(x: NDArray[np.float64], copies: Copies, segments: NDArray[np.intp]) -> dict[str, dict[str, Any]]:
    """Return the columns of copies drawn in rows of height 1, the lowest score in the lowest row."""
    n = len(copies.flux)
    low, high = robust_range(copies.flux[-1])
    rows = np.arange(n)[:, None] + np.clip((copies.flux - low) / (high - low), 0.0, 1.0) * 0.86 + 0.05
    y = np.concatenate([rows, np.full((n, 1), np.nan)], axis=1).astype(np.float32).ravel()
    edges = pixel_edges(x)
    off: dict[str, list[float]] = {"left": [], "right": [], "bottom": [], "top": []}
    for row, mask in enumerate(copies.masks):
        for start, stop in runs(mask[segments] == 0):
            for name, value in zip(off, (edges[start], edges[stop], row, row + 1), strict=True):
                off[name].append(float(value))
    return {
        "copies": {"x": np.tile(np.append(x, np.nan), n), "y": y}, "off": dict(off),
        "copy scores": {"x": [float(x[-1])] * n, "y": [float(row + 1) for row in range(n)],
                        "text": [f"score {score:.4g}" for score in copies.scores]},
    }
