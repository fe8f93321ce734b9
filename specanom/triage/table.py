"""Labels as a table, and the table as a file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import choice
from ..folders import write_whole

if TYPE_CHECKING:
    import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Beginnings that make a spreadsheet compute a cell instead of showing it."""


def frame_of(labels: Iterable[Any], fields: Sequence[str]) -> pd.DataFrame:
    """Return labels as a table of texts, one row each."""
    import pandas as pd

    return pd.DataFrame([[getattr(one, name) for name in fields] for one in labels], columns=list(fields), dtype=object)


def write_table(table: pd.DataFrame, path: Path) -> Path:
    """Write a table of texts and numbers as ``.parquet`` or ``.csv`` by rename; returns the path.

    In CSV, a text that a spreadsheet would take for a formula gets a ``'`` in front.

    Raises
    ------
    ArgumentError
        For another ending.
    """
    kind = choice("path", path.suffix.lower(), (".parquet", ".csv"))
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [name for name in table.columns if table[name].dtype.kind not in "biuf"]
    whole = table.assign(**{name: table[name].map(_whole).astype(object) for name in texts})
    if kind == ".csv":
        # A lone carriage return in a cell that is not quoted would end the row.
        safe = whole.assign(**{name: whole[name].map(defused) for name in texts})
        write_whole(path, lambda part: safe.to_csv(part, index=False, encoding="utf-8", quoting=csv.QUOTE_NONNUMERIC))
    else:
        typed = whole.astype(dict.fromkeys(texts, "str"))
        write_whole(path, lambda part: typed.to_parquet(part, index=False))
    return path


def defused(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula.

    >>> defused("=1+1")
    "'=1+1"
    """
    return "'" + cell if cell.startswith(FORMULA) else cell


def _whole(text: str) -> str:
    """Replace halves of characters, which no file of text can hold."""
    return text.encode("utf-8", "replace").decode()
