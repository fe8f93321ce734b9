"""Reading and writing columns of a block's table, whether the survey gave them or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..spectrum import COLUMNS
from ..spectrumset import SpectrumSet

OWN = ("note", "z_pipeline", "snr_survey", "missing", "bin", "median")
"""Columns that preprocessing adds."""
_FIRST = frozenset((*COLUMNS, *OWN))
BLANK, WHOLE, NUMBER, TEXT, OTHER = range(5)
"""What a column holds; of what two tables hold the higher is that of both."""


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


def kinds_of(table: pd.DataFrame) -> dict[str, int]:
    """Return what the columns hold that not every spectrum has."""
    return {name: _kind(table[name]) for name in table.columns if isinstance(name, str) and name not in _FIRST}


def _kind(column: pd.Series) -> int:
    if column.dtype == object or isinstance(column.dtype, pd.StringDtype):
        given = [value for value in column if not _blank(value)]
        if any(isinstance(value, str) for value in given):
            return TEXT
        column = pd.Series(given)
    if column.isna().all() and column.dtype.kind != "f":
        return BLANK
    return {"i": WHOLE, "u": WHOLE, "f": NUMBER}.get(column.dtype.kind, OTHER)


def completed(tables: Sequence[pd.DataFrame], kinds: Mapping[str, int]) -> pd.DataFrame:
    """Return tables one below the other, with every column that some spectrum had, be it one that was dropped.

    So the columns of a sample, and what they hold, do not depend on who was read together with whom.

    Parameters
    ----------
    tables : sequence of DataFrame
        Of the spectra that stayed.
    kinds : mapping
        Of all that were read, see :func:`kinds_of`.
    """
    table = tables[0] if len(tables) == 1 else stacked(tables)
    lacking = pd.Series(np.full(len(table), np.nan), index=table.index)
    made = {name: _as_kind(table.get(name, lacking), kind) for name, kind in kinds.items()
            if name not in table or kind != OTHER}
    return others_last(table.assign(**made)) if made else table


def _as_kind(column: pd.Series, kind: int) -> pd.Series:
    if kind == TEXT:
        return column.astype(object).where(column.notna(), "").astype("str")
    if kind == WHOLE and (blank := column.isna()).any():
        return column.astype("float64" if blank.all() else "Int64")
    return column.astype("int64" if kind == WHOLE else "float64") if kind in (BLANK, WHOLE, NUMBER) else column
