"""A dashboard as a file: what a table may hold, and the colours of what the pointer tells."""

from __future__ import annotations

import pandas as pd
import pytest
from specanom.widgets.base.page import write_page

from specanom.plots.output import pointed_colours
from specanom.plots.theme import canvas

HALF = "half \ud800 a character"


@pytest.mark.parametrize("gap", [None, float("nan"), pd.NA, pd.NaT])
def test_a_page_holds_gaps_and_halves_of_characters(tmp_path, gap):
    table = pd.DataFrame({"id": ["<b>a</b>"], "note": pd.Series([HALF], dtype=object),
                          "bin": pd.Series([gap], dtype=object)})
    path = write_page(tmp_path / "page.html", title="T", theme="light", facts=[("note", HALF)], figures=[],
                      tables=[("Rows", table)], code="x = 1")
    text = path.read_text(encoding="utf-8")
    assert "half ? a character" in text
    assert "<td>–</td>" in text.replace("\n", "")
    assert "<b>a</b>" not in text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_boxes_with_what_the_pointer_tells_have_the_colours_of_the_page(tmp_path, theme):
    figure = canvas(theme, "one")
    path = write_page(tmp_path / "page.html", title="t", theme=theme, facts=[], figures=[figure], tables=[], code="")
    assert f"--tooltip-color: {pointed_colours(theme)['paper']}" in path.read_text(encoding="utf-8")
