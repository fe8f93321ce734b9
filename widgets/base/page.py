"""A dashboard as one file that opens without a network: what it shows, as facts, figures, tables and code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from bokeh.models import UIElement
from pandas import isna
from pandas.api.types import is_scalar

from specanom.folders import write_text
from specanom.plots import THEMES, embed, resources

if TYPE_CHECKING:
    import pandas as pd

ROWS = 200
"""Rows of a table that are written out; the page says how many there are."""


def write_page(path: str | Path, *, title: str, theme: str, facts: Sequence[tuple[str, str]],
               figures: Sequence[UIElement], tables: Sequence[tuple[str, pd.DataFrame]], code: str) -> Path:
    """Write the page and return its path.

    Parameters
    ----------
    path : path-like
        File to write; it appears whole or not at all.
    title : str
        Heading.
    theme : {"light", "dark"}
        Colours around the figures.
    facts : sequence of (str, str)
        The state in words.
    figures : sequence of bokeh figures or layouts
        Drawn as they are.
    tables : sequence of (str, DataFrame)
        The first 200 rows of each are written.
    code : str
        Python that reproduces the state.
    """
    script, parts = embed({str(i): figure for i, figure in enumerate(figures)})
    text = _template().render(
        title=title, colours=THEMES[theme], facts=facts, runtime=resources(theme) if parts else "", script=script,
        figures=list(parts.values()), tables=[_table(name, table) for name, table in tables], code=code)
    target = Path(path)
    write_text(target, text.encode("utf-8", "replace").decode())  # a note may hold half a character, a file cannot
    return target


def _table(name: str, table: pd.DataFrame) -> dict[str, Any]:
    shown = table.head(ROWS)
    return {"title": name, "columns": [str(column) for column in shown.columns], "count": len(table),
            "rows": [[_cell(value) for value in row] for row in shown.itertuples(index=False)]}


def _cell(value: Any) -> str:
    if value is None or (is_scalar(value) and isna(value)):
        return "–"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _template() -> jinja2.Template:
    source = Path(__file__).with_name("page.html.j2").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(source)
