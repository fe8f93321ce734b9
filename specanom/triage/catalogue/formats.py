"""The files a catalogue is written to: each appears when it is whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import DataError, message
from ...folders import write_whole
from .columns import Column
from .file_ecsv import read_ecsv, write_ecsv
from .file_fits import read_fits, write_fits
from .file_parquet import read_parquet, write_parquet
from .file_votable import read_votable, write_votable

if TYPE_CHECKING:
    import pandas as pd

FORMATS = {".parquet": "parquet", ".ecsv": "ecsv", ".fits": "fits", ".vot": "votable", ".votable": "votable",
           ".xml": "votable"}
"""Ending → format."""
Content = tuple["pd.DataFrame", tuple[Column, ...], dict[str, Any]]

_WRITE: Mapping[str, Callable[[Path, Any, Sequence[Column], Mapping[str, Any]], None]] = {
    "parquet": write_parquet, "ecsv": write_ecsv, "fits": write_fits, "votable": write_votable}
_READ: Mapping[str, Callable[[Path], Content]] = {
    "ecsv": read_ecsv, "fits": read_fits, "votable": read_votable}


def write_file(kind: str, path: Path, table: pd.DataFrame, columns: Sequence[Column],
               meta: Mapping[str, Any]) -> None:
    """Write a catalogue in one of the formats, by rename."""
    write_whole(path, lambda part: _WRITE[kind](part, table, columns, meta))


def read_file(kind: str, path: Path, names: Collection[str] | None = None) -> Content:
    """Read a catalogue in one of the formats; of Parquet only the columns of these names, when some are given.

    Raises
    ------
    DataError
        When there is none, or the file cannot be read.
    """
    try:
        return read_parquet(path, names) if kind == "parquet" else _READ[kind](path)
    except FileNotFoundError:
        raise DataError(message("path", expected="an existing file", got=repr(str(path)))) from None
    except Exception as exc:  # each reader has errors of its own for damaged files
        raise DataError(message("path", expected=f"a catalogue as Catalogue.write leaves it, in {kind}",
                                got=f"{path} ({type(exc).__name__}: {exc})")) from exc
