"""Reading and writing columns of a block's table, whether the survey gave them or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..spectrum import COLUMNS
from ..spectrumset import SpectrumSet

OWN = ("note", "z_pipeline", "snr_survey", "missing", "bin", "median")
"""Columns that preprocessing adds."""
_FIRST = frozenset((*COLUMNS, *OWN))


def numbers(table: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Return a copy of a column as float64, NaN where it is absent, blank or not a number; shape ``(n,)``."""
    if name not in table:
        return np.full(len(table), np.nan)
    return np.array(pd.to_numeric(table[name], errors="coerce"), dtype=np.float64)


def texts(table: pd.DataFrame, name: str) -> NDArray[np.object_]:
    """Return a column as stripped text, ``""`` where it is absent or blank; shape ``(n,)``."""
    if name not in table:
        return np.full(len(table), "", dtype=object)
    return np.array(["" if _blank(value) else str(value).strip() for value in table[name]], dtype=object)


def _blank(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))


def with_columns(block: SpectrumSet, columns: dict[str, Any], **arrays: Any) -> SpectrumSet:
    """Return the block with more (or other) columns in its table and, where named, other arrays."""
    return block.replace(table=block.table.assign(**columns), **arrays)


def add_notes(table: pd.DataFrame, where: NDArray[np.bool_], notes: NDArray[np.object_] | str) -> NDArray[np.object_]:
    """Return the column ``note`` with text appended in the rows `where`; parts are separated by ``"; "``."""
    column = texts(table, "note")
    if where.any():
        added = np.broadcast_to(np.asarray(notes, dtype=object), column.shape)
        column[where] = [f"{old}; {new}" if old else new for old, new in zip(column[where], added[where], strict=True)]
    return column


def others_last(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with columns that not every spectrum has after those that all have, by name.

    Of a catalogue one file may have other columns than the next. So their order depends on what there is, and not on
    which block of spectra has them first.
    """
    others = sorted((name for name in table.columns if name not in _FIRST), key=str)
    return table[[*(name for name in table.columns if name in _FIRST), *others]] if others else table


def stacked(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return tables one below the other; whole numbers stay whole where some tables have no such column."""
    held = Counter(name for table in tables for name in table.columns)
    some = {name for name, count in held.items() if count < len(tables)}
    return pd.concat([table.astype({name: "Int64" for name in some & set(table.columns)
                                    if pd.api.types.is_integer_dtype(table[name])}) if some else table
                      for table in tables], ignore_index=True)
