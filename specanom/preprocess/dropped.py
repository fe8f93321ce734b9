"""A report as JSON that stays short: of a large survey the ids go to a table beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from ..errors import DataError, message
from ..folders import write_whole
from ..foreign import read_table
from .names import Names
from .report import PreprocessReport

FEW = 100
"""Ids of each cut and note that JSON tells itself."""
LISTED = "listed"
"""Field of that JSON: how many rows the table has."""
BATCH = 65_536
WHAT = "the ids of a report of preprocessing"


def table_of(path: Path) -> Path:
    """Return the table of ids that belongs to a report in JSON: ``preprocess.dropped.parquet``."""
    return path.with_suffix(".dropped.parquet")


def told(report: PreprocessReport, path: Path) -> dict[str, Any]:
    """Return what JSON at `path` says of a report; where it would list many ids, they are written to its table.

    The table has ``group``, the place among cuts and then notes, and ``id``.
    """
    if all(len(ids) <= FEW for ids in _lists(report)):
        table_of(path).unlink(missing_ok=True)
        return report.to_dict()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(table_of(path), lambda part: _write(part, report))
    light = replace(report, waterfall=tuple(replace(one, ids=tuple(one.ids[:FEW])) for one in report.waterfall),
                    notes=tuple(replace(one, ids=tuple(one.ids[:FEW])) for one in report.notes))
    return {**light.to_dict(), LISTED: sum(map(len, _lists(report)))}


def report_of(content: Mapping[str, Any], path: Path) -> PreprocessReport:
    """Return the report that JSON at `path` tells.

    Where its table is not beside it any more, the first ids of each cut and note are known alone.

    Raises
    ------
    DataError
        When the table is of another report, or damaged.
    """
    report = PreprocessReport.from_dict({name: value for name, value in content.items() if name != LISTED})
    if LISTED not in content or not table_of(path).exists():
        return report
    table = read_table(table_of(path), WHAT, needed=("group", "id"))
    groups, cuts = len(_lists(report)), len(report.waterfall)
    if len(table) != content[LISTED] or not table["group"].isin(range(groups)).all():
        raise DataError(message("path", expected=f"{content[LISTED]} ids that belong to {path.name}",
                                got=f"{len(table)} others in {table_of(path).name}", hint="copy both together"))
    ids = [Names(table.loc[table["group"] == place, "id"]) for place in range(groups)]
    return replace(report, waterfall=tuple(replace(one, ids=ids[i]) for i, one in enumerate(report.waterfall)),
                   notes=tuple(replace(one, ids=ids[cuts + i]) for i, one in enumerate(report.notes)))


def _lists(report: PreprocessReport) -> list[Sequence[str]]:
    return [*(one.ids for one in report.waterfall), *(one.ids for one in report.notes)]


def _write(path: Path, report: PreprocessReport) -> None:
    schema = pa.schema([("group", pa.int32()), ("id", pa.string())])
    with parquet.ParquetWriter(path, schema) as writer:
        for place, every in enumerate(_lists(report)):
            for start in range(0, len(every), BATCH):
                ids = list(every[start : start + BATCH])
                writer.write_table(pa.table([pa.array([place] * len(ids), pa.int32()), ids], schema=schema))
