"""Tables of partitions as one, a few columns at a time: no more than the result is held, and those columns again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from pyarrow import parquet

from ..parallel import Outcome
from .columns import stacked

AT_ONCE = 8
"""Columns that are read together: opening 5,000 files takes seconds, and 8 columns of 20 million rows take 2 GB."""


def joined(done: Outcome, name: str) -> pd.DataFrame:
    """Return a table of all partitions, with the dtypes of its values alone, however it was parted.

    Raises
    ------
    DataError
        When no partition made such a table.
    """
    paths = done.files(name)
    columns = {path: columns_of(path) for path in paths if parquet.read_metadata(path).num_rows}
    if not columns:
        return done.table(name)
    names = list(dict.fromkeys(column for some in columns.values() for column in some))
    made: dict[str, pd.Series] = {}
    for start in range(0, len(names), AT_ONCE):
        group = names[start : start + AT_ONCE]
        parts = [pd.read_parquet(path, columns=[one for one in group if one in there])
                 for path, there in columns.items()]
        together = settled(stacked(parts))
        made |= {column: together[column] for column in group}
    table = pd.DataFrame(made, copy=False)
    table.attrs.update(pd.read_parquet(paths[0], columns=[]).attrs)
    return table


def columns_of(path: Path) -> list[str]:
    """Return the names of the columns of a table that pandas wrote, its index not among them."""
    told = parquet.read_schema(path)
    index = {one for one in (told.pandas_metadata or {}).get("index_columns", ()) if isinstance(one, str)}
    return [name for name in told.names if name not in index]


def settled(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of joined parts with the dtypes of its values alone, however it was parted.

    A part in which a column is blank has no say in what the column holds.
    """
    columns = {name: _settled(column) for name, column in table.items()}
    made = pd.DataFrame(columns, columns=table.columns, copy=False)
    made.attrs.update(table.attrs)
    return made


def _settled(column: pd.Series) -> pd.Series:
    if column.dtype != object and not pd.api.types.is_extension_array_dtype(column.dtype):
        return column
    if column.isna().all():
        return pd.to_numeric(column).astype("float64")
    if pd.api.types.is_integer_dtype(column.dtype):
        return column.astype("Int64" if column.isna().any() else "int64")
    if isinstance(column.dtype, pd.StringDtype):  # as it lies in its file: no Python text is made of it
        return column.fillna("").astype("str")
    known = column.dropna()
    if any(isinstance(value, str) for value in known):
        return column.astype(object).where(column.notna(), "").astype("str")
    if all(isinstance(value, (int, np.integer)) for value in known):
        return column.astype("int64" if len(known) == len(column) else "Int64")
    return pd.to_numeric(column).astype("float64")


