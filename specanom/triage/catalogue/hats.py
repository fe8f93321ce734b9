"""A catalogue as a HATS folder, which LSDB opens: files of Parquet by HEALPix pixel, of no more than so many rows.

The layout is that of the IVOA Note "HATS" 1.0 (2025): ``hats.properties``, ``partition_info.csv`` and
``dataset/Norder=…/Dir=…/Npix=….parquet``, each file sorted by ``_healpix_29``.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import ArgumentError, DataError, message
from ...folders import part_of, swap
from .columns import HEALPIX, Column
from .sky import NOWHERE, ORDER

if TYPE_CHECKING:
    import pandas as pd

PROPERTIES = "hats.properties"
ROWS = 1_000_000
FINEST = 12
"""Order beyond which a pixel is not split, however many objects it has."""
BUNCH = 10_000
"""Pixels of a folder ``Dir=``."""


class Hats(NamedTuple):
    """What a HATS catalogue is called, how many rows a file has at most, and its metadata as text."""

    name: str = "specanom"
    rows: int = ROWS
    meta: str = "{}"


def write_hats(folder: Path, table: pd.DataFrame, columns: Sequence[Column], settings: Hats) -> Path:
    """Write the objects that have a position; returns the folder.

    Parameters
    ----------
    folder : Path
        A new folder, or a HATS folder that is replaced when the new one is whole.
    table, columns
        Of a catalogue.
    settings : Hats

    Raises
    ------
    DataError
        When no object has a position, or something else is at `folder`.
    """
    if settings.rows < 1:
        raise ArgumentError(message("rows", expected="at least 1", got=settings.rows))
    if folder.exists() and not (folder / PROPERTIES).exists():
        raise DataError(message("path", expected="a new folder, or a HATS catalogue to replace",
                                got=f"{folder}, which holds something else"))
    placed = table[table[HEALPIX] != NOWHERE]
    if placed.empty:
        raise DataError(message("catalogue", expected="an object with a position", got="none"))
    part = part_of(folder)
    try:
        found = _write_dataset(part / "dataset", placed, columns, settings.rows)
        lines = "".join(f"{order},{pixel}\n" for order, pixel in found)
        (part / "partition_info.csv").write_text("Norder,Npix\n" + lines, encoding="utf-8")
        (part / "specanom.json").write_text(settings.meta, encoding="utf-8")
        told = _properties(part, len(placed), found, settings)
        text = "".join(f"{key}={value}\n" for key, value in told.items())
        (part / PROPERTIES).write_text("#HATS catalog\n" + text, encoding="utf-8")
        swap(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _write_dataset(folder: Path, placed: pd.DataFrame, columns: Sequence[Column], rows: int) -> list[tuple[int, int]]:
    """Write the files of sorted objects; returns order and pixel of each."""
    import pyarrow as pa
    from pyarrow import parquet

    schema, found = _schema(placed, columns), []
    for order, pixel, start, stop in partitions(placed[HEALPIX].to_numpy(), rows):
        path = folder / f"Norder={order}" / f"Dir={pixel // BUNCH * BUNCH}" / f"Npix={pixel}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        here = pa.Table.from_pandas(placed.iloc[start:stop], schema=schema, preserve_index=False)
        parquet.write_table(here, path, compression="zstd", sorting_columns=[parquet.SortingColumn(0)])
        found.append((order, pixel))
    parquet.write_metadata(schema, folder / "_common_metadata")
    return found


def partitions(pixels: NDArray[np.int64], rows: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield order, pixel, first row and end of each partition of sorted pixels of order 29.

    A pixel of order 0 is split in four, and so on, until none has more than `rows` objects.
    """
    waiting = [(0, pixel) for pixel in range(11, -1, -1)]
    while waiting:
        order, pixel = waiting.pop()
        shift = 2 * (ORDER - order)
        start, stop = np.searchsorted(pixels, [pixel << shift, (pixel + 1) << shift]).tolist()
        if stop == start:
            continue
        if stop - start > rows and order < FINEST:
            waiting += [(order + 1, 4 * pixel + i) for i in (3, 2, 1, 0)]
        else:
            yield order, pixel, start, stop


def _schema(table: pd.DataFrame, columns: Sequence[Column]) -> Any:
    import pyarrow as pa

    fields = []
    for one in columns:
        kind = table[one.name].dtype
        told = {key: value for key, value in (("description", one.description), ("unit", one.unit), ("ucd", one.ucd))
                if value}
        fields.append(pa.field(one.name, pa.from_numpy_dtype(str(kind).lower()) if kind.kind in "if" else pa.string(),
                               metadata=told))
    return pa.schema(fields)


def _properties(part: Path, count: int, found: Sequence[tuple[int, int]], settings: Hats) -> dict[str, Any]:
    size = sum(path.stat().st_size for path in part.rglob("*.parquet"))
    sky = sum(1 / (12 * 4**order) for order, _ in found)
    return {
        "obs_collection": "_".join(settings.name.split()) or "specanom", "dataproduct_type": "object",
        "hats_nrows": count, "hats_col_ra": "ra", "hats_col_dec": "dec", "hats_col_healpix": HEALPIX,
        "hats_col_healpix_order": ORDER,
        "hats_cols_sort": "id", "hats_max_rows": settings.rows, "hats_order": max(order for order, _ in found),
        "hats_npix_suffix": ".parquet", "moc_sky_fraction": f"{sky:.6f}", "hats_estsize": -(-size // 1024),
        "hats_builder": "specanom", "hats_creation_date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MUTC"),
        "hats_version": "v1.0",
    }
