"""Labels as a table, and the table as a file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import choice
from ..folders import write_whole
from ..foreign import check_csv

if TYPE_CHECKING:
    import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")
"""Beginnings that make a spreadsheet compute a cell instead of showing it (OWASP, "CSV Injection"; the wide signs are
read as the narrow ones in East Asian versions, and some take ``|`` and ``%``)."""
_BLANK = " \0\x0b\x0c\xa0\u3000\ufeff"
"""What spreadsheets take off a cell before they look at it."""


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
        safe = whole.assign(**{name: whole[name].map(defused) for name in texts}).rename(columns=_head)
        write_whole(path, lambda part: safe.to_csv(part, index=False, encoding="utf-8", quoting=csv.QUOTE_NONNUMERIC))
    else:
        typed = whole.astype(dict.fromkeys(texts, "str"))
        write_whole(path, lambda part: typed.to_parquet(part, index=False))
    return path


def read_texts(path: str | Path) -> pd.DataFrame:
    """Read a CSV file as a table of texts, those that :func:`write_table` defused as they were.

    Raises
    ------
    OSError, ValueError
        When it cannot be read, is no CSV in UTF-8, or a row has more cells than there are columns.
    """
    import pandas as pd

    check_csv(path)
    with open(path, encoding="utf-8-sig", newline="") as file:
        try:
            rows = [row for row in csv.reader(file, strict=True) if row]
        except csv.Error as exc:
            raise ValueError(str(exc)) from exc
    head = [fused(name) for name in rows[0]] if rows else []
    if not head:
        raise ValueError("no columns")
    long = next((place for place, row in enumerate(rows) if len(row) > len(head)), None)
    if long is not None:
        raise ValueError(f"row {long} has {len(rows[long])} cells, there are {len(head)} columns")
    cells = [[fused(cell) for cell in row] + [""] * (len(head) - len(row)) for row in rows[1:]]
    return pd.DataFrame(cells, columns=head, dtype=object)


def defused(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; :func:`fused` takes it back, whatever it was.

    A cell that already begins like a defused one gets one more ``'``, so that no two texts become the same cell.

    >>> defused("=1+1"), defused("'=1+1"), defused("'tis")
    ("'=1+1", "''=1+1", "'tis")
    """
    return "'" + cell if _computes(cell.lstrip("'")) else cell


def fused(cell: str) -> str:
    """Return the text that :func:`defused` made `cell` of.

    >>> fused("'=1+1"), fused("''=1+1"), fused("'tis")
    ('=1+1', "'=1+1", "'tis")
    """
    return cell[1:] if cell.startswith("'") and _computes(cell.lstrip("'")) else cell


def _computes(cell: str) -> bool:
    return cell.lstrip(_BLANK).startswith(FORMULA)


def _head(name: object) -> object:
    return defused(_whole(name)) if isinstance(name, str) else name


def _whole(text: str) -> str:
    """Replace halves of characters, which no file of text can hold."""
    return text.encode("utf-8", "replace").decode()
