"""The live matrix of how many of their oddest objects pairs of scores share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from bokeh.events import Tap
from bokeh.models import ColumnDataSource, FixedTicker, LinearColorMapper
from bokeh.plotting import figure
from numpy.typing import NDArray

from specanom.plots.palette import palette
from specanom.plots.theme import canvas, hover, plain

from .axes import spans

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("x", "y", "share", "tone", "text", "first", "second", "color")
PALE, DEEP = (0.0, 0.38), (0.82, 1.0)
"""Parts of the ramp for less and for more than half: numbers are easy to read on both, in between on neither."""


class OverlapMatrix:
    """How many objects each pair of top lists shares. Change it inside ``pane.batch()``.

    Parameters
    ----------
    theme : {"light", "dark"}
        Colours to begin with.

    Attributes
    ----------
    root : figure
    on_tap : callable or None
        Takes the names of the two scores whose cell was tapped.
    """

    def __init__(self, theme: str) -> None:
        self.on_tap: Callable[[str, str], None] | None = None
        self.names: list[str] = []
        colours = palette(theme)
        self.root: figure = canvas(theme, " ", height=320, options={**spans(), "tools": "save"})
        self.root.title.text_font_size = "13px"
        self.root.grid.visible = False
        for axis in self.root.axis:
            axis.ticker = FixedTicker(ticks=[])
        self.cells = ColumnDataSource({name: [] for name in COLUMNS}, name="overlap")
        mapper = LinearColorMapper(palette=colours.sequential(), low=0.0, high=1.0)
        tiles = self.root.rect(x="x", y="y", width=0.96, height=0.94, source=self.cells, line_color=None,
                               fill_color={"field": "tone", "transform": mapper})
        self.root.text(x="x", y="y", text="text", source=self.cells, text_align="center", text_baseline="middle",
                       text_font_size="11px", text_color="color")
        hover(self.root, [tiles], [("", "@first"), ("and", "@second"), ("share", "@text (@share{0 %})")])
        self.root.yaxis[0].axis_line_color = self.root.xaxis[0].axis_line_color = None
        self.root.on_event(Tap, self._tapped)

    def show(self, shares: pd.DataFrame, k: int, *, theme: str) -> None:
        """Draw other shares, a symmetric table in [0, 1]."""
        colours = palette(theme)
        self.names = [str(name) for name in shares.columns]
        m, values = len(self.names), shares.to_numpy(dtype=np.float64)
        rows, columns = (index.ravel() for index in np.indices((m, m)))
        flat = values.ravel()
        self.cells.data = {
            "x": columns + 0.5, "y": rows + 0.5, "share": flat, "tone": tone(flat),
            "text": [f"{round(share * k):,}" for share in flat],
            "first": [plain(self.names[i]) for i in rows], "second": [plain(self.names[j]) for j in columns],
            "color": [colours.paper if share > 0.5 else colours.ink for share in flat],
        }
        self.root.title.text = f"Objects that two top-{k:,} lists share"
        for axis, span, ends in ((self.root.xaxis[0], self.root.x_range, (0, m)),
                                 (self.root.yaxis[0], self.root.y_range, (m, 0))):
            span.update(start=ends[0], end=ends[1] if m else 1 - ends[0], reset_start=ends[0], reset_end=ends[1])
            axis.ticker.ticks = [i + 0.5 for i in range(m)]
        self.root.xaxis[0].major_label_overrides = {i + 0.5: str(i + 1) for i in range(m)}
        self.root.yaxis[0].major_label_overrides = {i + 0.5: plain(f"{name}  {i + 1}")
                                                    for i, name in enumerate(self.names)}

    def _tapped(self, event: Any) -> None:
        if self.on_tap is None or event.x is None:
            return
        j, i = int(np.floor(event.x)), int(np.floor(event.y))
        if 0 <= i < len(self.names) and 0 <= j < len(self.names):
            self.on_tap(self.names[i], self.names[j])


def tone(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where on the ramp shares are: pale below a half, deep above."""
    low = PALE[0] + (PALE[1] - PALE[0]) * np.minimum(shares, 0.5) / 0.5
    high = DEEP[0] + (DEEP[1] - DEEP[0]) * (shares - 0.5) / 0.5
    return np.where(shares > 0.5, high, low)
