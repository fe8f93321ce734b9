"""A dashboard as a file: what a table may hold."""

from __future__ import annotations

import pandas as pd
import pytest
from specanom.widgets.base.page import write_page

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
