"""Catalogues as ECSV: text that people read, with all of the metadata in its header."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...foreign import read_ecsv as read_checked
from .columns import Column
from .metadata import from_arrays, from_text, to_astropy, to_text

if TYPE_CHECKING:
    import pandas as pd

KEY = "catalogue"
MOST = 16 << 20
"""Characters of a header: it lists what was left out."""


def write_ecsv(path: Path, table: pd.DataFrame, columns: Sequence[Column], meta: Mapping[str, Any]) -> None:
    """Write ECSV, each text as it is: other programs read these cells as data, and compare the ids with theirs.

    What a spreadsheet would compute is not marked here. For one, write a table of labels as CSV.
    """
    made = to_astropy(table, columns)
    made.meta[KEY] = to_text(meta)
    made.write(path, format="ascii.ecsv", delimiter=",")


def read_ecsv(path: Path) -> tuple[pd.DataFrame, tuple[Column, ...], dict[str, Any]]:
    """Read it with what its header tells.

    Raises
    ------
    ValueError
        When it was cut off: a part of a number is a number too.
    """
    with open(path, "rb") as handle:
        size = handle.seek(0, os.SEEK_END)
        handle.seek(max(size - 1, 0))
        if handle.read() != b"\n":
            raise ValueError("its last line has no end: the file was cut off")
    made = read_checked(path, most=MOST)
    columns = tuple(Column(name, made[name].description or "", "" if made[name].unit is None else str(made[name].unit),
                           made[name].meta.get("ucd", "")) for name in made.colnames)
    return from_arrays({name: made[name] for name in made.colnames}), columns, from_text(made.meta[KEY])
