"""Catalogues as Parquet: units, descriptions and UCDs in the schema, and as the VOParquet convention has it.

The convention (IVOA Note "Parquet in the VO" 1.0, 2025) keeps a VOTable without data in the metadata of the file;
TOPCAT and astropy (``parquet.votable``) read it. The fields of the schema have the same by name, for those who look
with pyarrow only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...foreign import believed
from .columns import HEALPIX, Column
from .file_votable import without_data
from .metadata import from_text, to_text

if TYPE_CHECKING:
    import pandas as pd

KEY = b"specanom.catalogue"
VO_VERSION = b"IVOA.VOTable-Parquet.version"
VO_CONTENT = b"IVOA.VOTable-Parquet.content"
ROWS = 100_000
"""Rows of a row group: HATS tools skip those whose pixels are elsewhere."""


def write_parquet(path: Path, table: pd.DataFrame, columns: Sequence[Column], meta: Mapping[str, Any]) -> None:
    """Write Parquet, sorted as the table is."""
    import pyarrow as pa
    from pyarrow import parquet

    known = pa.Table.from_pandas(table.iloc[:0], preserve_index=False).schema
    extra = {KEY: to_text(meta).encode(), VO_VERSION: b"1.0", VO_CONTENT: without_data(table, columns, meta)}
    fields = []
    for one in columns:
        old = known.field(one.name)
        kind = pa.string() if pa.types.is_large_string(old.type) else old.type
        if kind == pa.string():  # astropy asks how wide its column of text has to be
            extra[f"table::len::{one.name}".encode()] = str(max(table[one.name].str.len().max(), 1)).encode()
        told = {key: value for key, value in (("description", one.description), ("unit", one.unit), ("ucd", one.ucd))
                if value}
        fields.append(pa.field(one.name, kind, metadata=told))
    schema = pa.schema(fields, metadata={**(known.metadata or {}), **extra})
    place = next((i for i, one in enumerate(columns) if one.name == HEALPIX), None)
    sorting = None if place is None else [parquet.SortingColumn(place)]
    with parquet.ParquetWriter(path, schema, compression="zstd", sorting_columns=sorting) as writer:
        for start in range(0, max(len(table), 1), ROWS):
            part = pa.Table.from_pandas(table.iloc[start : start + ROWS], preserve_index=False)
            writer.write_table(part.cast(schema), row_group_size=ROWS)


def read_parquet(path: Path,
                 names: Collection[str] | None = None) -> tuple[pd.DataFrame, tuple[Column, ...], dict[str, Any]]:
    """Read it, or its columns of some names, with what its schema tells."""
    from pyarrow import parquet

    believed(path)
    few = None if names is None else [name for name in parquet.read_schema(path).names if name in names]
    made = parquet.read_table(path, columns=few)
    held = made.schema.metadata or {}
    if KEY not in held:
        raise ValueError("its schema has no metadata of a catalogue")
    columns = tuple(_column(field) for field in made.schema)
    table: pd.DataFrame = made.to_pandas()
    texts = [name for name in table.columns if table[name].dtype.kind not in "if"]
    return table.astype(dict.fromkeys(texts, "str")), columns, from_text(held[KEY].decode())


def _column(field: Any) -> Column:
    told = {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}
    return Column(field.name, told.get("description", ""), told.get("unit", ""), told.get("ucd", ""))
