"""What the report says of partitions that failed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .content import Content
from .failures import failed_in, failed_stages, failures_of
from .tabulate import grid, number

if TYPE_CHECKING:
    import pandas as pd

TEXT = (
    "A partition is a piece of the survey that is worked on at a time. A stage goes on without those that fail, after "
    "it has tried them again where that may help. Their spectra have no result of that stage, and none of the stages "
    "after it; all others have theirs. specanom run --retry tries the failed ones again once the cause is mended: a "
    "broken file, too little memory, a worker that was lost."
)
MOST, LONG = 20, 200
"""Partitions that are listed, and characters that are quoted of an error."""


def failure_section(content: Content) -> dict[str, Any]:
    """What failed: a sentence for the top of the page, a text and a table; nothing of these when all went well."""
    folder = content.run.path
    found = [one for stage in failed_stages(folder) if (one := failed_in(folder, stage)) is not None]
    if not found:
        return {"banner": "", "text": "", "table": None}
    table = failures_of(folder)
    shown = table.groupby("stage", sort=False).head(max(MOST // len(found), 1)).assign(rows=_rows)
    told = [f"{one.partitions} of {one.stage} ({number(one.spectra)} spectra)" for one in found]
    banner = f"Some partitions failed, and their spectra are not in the results: {', '.join(told)}."
    more = f" {number(len(shown))} of {number(len(table))} are listed." if len(table) > len(shown) else ""
    files = ", ".join(f"tables/{one.path.name}" for one in found)
    columns: dict[str, tuple[str, Callable[[Any], str]]] = {
        "stage": ("stage", str), "model": ("model", _known), "partition": ("partition", number),
        "rows": ("rows", str), "attempts": ("attempts", number), "error": ("error", str),
        "text": ("what it says", _short)}
    if not shown["model"].any():
        del columns["model"]
    texts = tuple(place for place, name in enumerate(columns) if name in ("stage", "model", "error", "text"))
    return {
        "banner": banner, "text": f"{TEXT}{more} All are in {files}.",
        "table": grid(shown, columns, text=texts)}


def _rows(table: pd.DataFrame) -> list[str]:
    """Return the first and the last row of partitions, counted from 0."""
    return [f"{number(start)} – {number(stop - 1)}" for start, stop in zip(table["start"], table["stop"], strict=True)]


def _known(name: Any) -> str:
    return str(name) or "–"


def _short(text: Any) -> str:
    """Return an error as one line of a cell."""
    line = " ".join(str(text).split())
    return line if len(line) <= LONG else f"{line[:LONG]}…"
