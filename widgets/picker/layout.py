"""Where the parts of the score picker are: table and spectrum side by side where there is room, figures below."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets

Layout = ipywidgets.Layout
TABLE = 380
"""Least width of the table, px; the spectrum goes below it where both do not fit."""
SPECTRUM = 470
FIGURE = 400


def arrange(left: Sequence[ipywidgets.Widget], right: Sequence[ipywidgets.Widget],
            figures: Sequence[ipywidgets.Widget]) -> list[ipywidgets.Widget]:
    """Return the rows of the main area: two columns of which the second is wider, and figures below.

    Where the page is too narrow for both columns the second comes above the first.
    """
    columns = [column(left, f"1 1 {TABLE}px"), column(right, f"1.5 1 {SPECTRUM}px")]
    first = wrapping(columns)
    first.layout.flex_flow, first.layout.align_items = "row wrap-reverse", "flex-end"
    return [first, wrapping([column([figure], f"1 1 {FIGURE}px") for figure in figures])]


def column(widgets: Sequence[ipywidgets.Widget], flex: str) -> ipywidgets.VBox:
    """Return widgets below each other that share the width of a row."""
    return ipywidgets.VBox(list(widgets), layout=Layout(flex=flex, min_width="0"))


def wrapping(widgets: Sequence[ipywidgets.Widget]) -> ipywidgets.Box:
    """Return a row that goes on below where the page is too narrow."""
    return ipywidgets.Box(list(widgets), layout=Layout(display="flex", flex_flow="row wrap", grid_gap="12px 16px",
                                                       align_items="flex-start", width="100%"))


def beside(main: ipywidgets.Widget, side: ipywidgets.Widget) -> ipywidgets.HBox:
    """Return a widget that fills the row and a small one at its end, or below where there is little room."""
    main.layout.flex, main.layout.min_width = "1 1 300px", "0"
    return ipywidgets.HBox([main, side], layout=Layout(justify_content="space-between", align_items="center",
                                                       flex_flow="row wrap", grid_gap="4px 12px"))
