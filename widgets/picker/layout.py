"""Where the parts of the score picker are: table and spectrum side by side where there is room, figures below."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets

Layout = ipywidgets.Layout
TABLE = 440
"""Least width of the table, px; the spectrum goes below it where both do not fit."""
SPECTRUM = 520
FIGURE = 420


def arrange(table: ipywidgets.Widget, spectrum: Sequence[ipywidgets.Widget],
            figures: Sequence[ipywidgets.Widget]) -> list[ipywidgets.Widget]:
    """Return the rows of the main area."""
    left = ipywidgets.VBox([table], layout=Layout(flex=f"1 1 {TABLE}px", min_width="0"))
    right = ipywidgets.VBox(list(spectrum), layout=Layout(flex=f"1.4 1 {SPECTRUM}px", min_width="0"))
    first = ipywidgets.Box([left, right], layout=Layout(display="flex", flex_flow="row wrap", grid_gap="12px 16px",
                                                        align_items="flex-start", width="100%"))
    for pane in figures:
        pane.layout.min_width = "0"
    columns = f"repeat(auto-fit, minmax({FIGURE}px, 1fr))"
    second = ipywidgets.GridBox(list(figures), layout=Layout(grid_template_columns=columns, grid_gap="12px 16px",
                                                             width="100%"))
    return [first, second]
