"""Parquet of strangers: a few kilobytes can promise any number of equal values, and are not believed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arrays import room
from .footers import read_footer
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


def believed(path: str | Path, *, long_texts: bool = True) -> None:
    """Raise unless a Parquet file holds no more than its size lets one believe.

    Parameters
    ----------
    path : path-like
    long_texts : bool
        Whether texts are added up, for which they are read: not where a few rows are looked up among millions.

    Raises
    ------
    OSError, ValueError
        When it is no file, no Parquet, or promises more values or longer texts than :func:`~.arrays.room` has.
    """
    import pyarrow.parquet as pq

    size = regular(path)
    told = read_footer(path)
    if min(told.group_rows, default=0) < 0 or sum(told.group_rows) != told.rows:
        raise ValueError(f"{told.rows} rows are told, its groups have others")
    with pq.ParquetFile(path) as file:
        widths = [_width(field.type) for field in file.schema_arrow]
        widest = max((width for leaves in widths for width in leaves), default=0)
        leaves = [width for leaves in widths for width in leaves]
        if wrong := [len(group) for group in told.values if len(group) != len(leaves)]:
            raise ValueError(f"{wrong[0]} columns are told, its schema has {len(leaves)}")
        values = [sum(max(count, rows) for count, rows in zip(column, told.group_rows, strict=True))
                  for column in zip(*told.values, strict=True)] or [0] * len(leaves)
        total = sum(max(8, width) * count for width, count in zip(leaves, values, strict=True))
        unpacked = sum(max(one, 0) for one in told.unpacked)
        for count, name in ((total, f"{sum(values)} values of up to {widest} bytes"), (unpacked, f"{unpacked} bytes")):
            if count > room(size):
                raise ValueError(f"{name} in a file of {size} bytes")
        texts = [file.schema.column(place).path for place, width in enumerate(leaves) if not width]
    if texts and long_texts:
        _check_texts(path, texts, room(size), size)


def _check_texts(path: str | Path, names: list[str], most: int, size: int) -> None:
    """Add up the lengths of texts, each distinct one in memory once: a column may repeat a long one in every row."""
    import pyarrow.parquet as pq

    total = 0
    with pq.ParquetFile(path, read_dictionary=names) as file:
        for batch in file.iter_batches(batch_size=_BATCH, columns=names):
            total += sum(map(_length, batch.columns))
            if total > most:
                raise ValueError(f"texts of more than {most} bytes in a file of {size}")


def _length(column: Any) -> int:
    """Return the bytes of all texts in an array, within lists and records too."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        lengths: Any = pc.binary_length(column.dictionary)
        return pc.sum(lengths.take(column.indices)).as_py() or 0
    if _is_text(kind):
        return pc.sum(pc.binary_length(column)).as_py() or 0
    if pa.types.is_struct(kind):
        return sum(_length(column.field(place)) for place in range(kind.num_fields))
    if pa.types.is_map(kind):
        return _length(column.keys) + _length(column.items)
    return _length(column.values) if _is_list(kind) else 0


def _width(kind: Any) -> list[int]:
    """Return the bytes of a value in each column of a file that a type is stored in, 0 of texts.

    Raises
    ------
    ValueError
        For a type that no table of spectra has.
    """
    import pyarrow as pa

    if isinstance(kind, pa.BaseExtensionType):
        return _width(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _width(kind.value_type)
    if _is_text(kind):
        return [0]
    if pa.types.is_struct(kind):
        return [width for place in range(kind.num_fields) for width in _width(kind.field(place).type)]
    if pa.types.is_map(kind):
        return _width(kind.key_type) + _width(kind.item_type)
    if _is_list(kind):
        return _width(kind.value_type)
    if pa.types.is_null(kind):
        return [1]
    try:
        return [-(-kind.bit_width // 8)]            # numbers, times, and binary of one length
    except ValueError:
        raise ValueError(f"a column of {kind}") from None


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)
                or pa.types.is_large_binary(kind) or pa.types.is_string_view(kind) or pa.types.is_binary_view(kind))
