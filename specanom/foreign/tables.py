"""Parquet of strangers: a few kilobytes can promise any number of equal values, and are not believed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arrays import room
from .reading import damaged, regular

if TYPE_CHECKING:
    import pandas as pd

_BATCH = 16_384


def read_table(path: str | Path, what: str, *, needed: Collection[str] = (), columns: Sequence[str] | None = None,
               hint: str = "") -> pd.DataFrame:
    """Read a Parquet file.

    Parameters
    ----------
    path : path-like
    what : str
        What is expected there, for the error.
    needed : collection of str
        Columns that have to be in it.
    columns : sequence of str, optional
        Those that are read; all by default.
    hint : str
        What to try, for the error.

    Raises
    ------
    DataError
        When it is missing, damaged, lacks a column, or holds more than a file of its size can.
    """
    import pandas as pd

    with damaged(path, what, hint=hint):
        believed(path)
        made = pd.read_parquet(path, columns=None if columns is None else list(columns))
        lacking = [name for name in needed if name not in made.columns]
        if lacking:
            raise ValueError(f"no column {', '.join(lacking)}")
        return made


def believed(path: str | Path) -> None:
    """Raise unless a Parquet file holds no more than its size lets one believe.

    Raises
    ------
    OSError, ValueError
        When it is no file, no Parquet, or promises more values or longer texts than :func:`~.arrays.room` has.
    """
    import pyarrow.parquet as pq

    size = regular(path)
    with pq.ParquetFile(path) as file:
        told = file.metadata
        groups = [told.row_group(place) for place in range(told.num_row_groups)]
        if told.num_rows < 0 or sum(one.num_rows for one in groups) != told.num_rows:
            raise ValueError(f"{told.num_rows} rows are told, its groups have others")
        values = sum(max(one.column(place).num_values, one.num_rows) for one in groups
                     for place in range(one.num_columns))
        unpacked = sum(one.total_byte_size for one in groups)
        for count, name in ((8 * values, f"{values} values"), (unpacked, f"{unpacked} bytes")):
            if count > room(size):
                raise ValueError(f"{name} in a file of {size} bytes")
        texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
    if texts:
        _check_texts(path, texts, room(size), size)


def _check_texts(path: str | Path, names: list[str], most: int, size: int) -> None:
    """Add up the lengths of texts, each distinct one in memory once: a column may repeat a long one in every row."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    total = 0
    with pq.ParquetFile(path, read_dictionary=names) as file:
        for batch in file.iter_batches(batch_size=_BATCH, columns=names):
            for column in batch.columns:
                lengths: Any = pc.binary_length(column.dictionary) if hasattr(column, "dictionary") else None
                counted = pc.binary_length(column) if lengths is None else lengths.take(column.indices)
                total += pc.sum(counted).as_py() or 0
            if total > most:
                raise ValueError(f"texts of more than {most} bytes in a file of {size}")


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)
                or pa.types.is_large_binary(kind))
