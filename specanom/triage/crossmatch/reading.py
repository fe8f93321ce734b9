"""Tables at hand, from files and memory, as plain columns in which no integer is rounded."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import DataError, message
from ...foreign import believed, check_csv, check_votable, read_ecsv, read_fits_table, regular
from ...ids import EXACT, plain
from .degrees import SPELT_OUT
from .votables import ROLES, role, texts

if TYPE_CHECKING:
    import pandas as pd

REASON = 500
"""Characters of the reason why a table cannot be read: other packages put whole tables into it."""
UNITS, TOLD = "units", "told"
"""Attributes of a table: units of its columns, and that rows without a position were told."""


def read_table(path: Path) -> pd.DataFrame:
    """Return a table of plain columns from a file.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    import pandas as pd

    path = path.expanduser()
    try:
        regular(path)
        if path.suffix in (".parquet", ".pq"):
            believed(path)
            return _plain(pd.read_parquet(path, dtype_backend="numpy_nullable"))
        if path.suffix == ".csv":
            check_csv(path)
            names = [name for name in pd.read_csv(path, nrows=0).columns if name in ROLES["name"]]
            return _plain(pd.read_csv(path, dtype_backend="numpy_nullable", dtype=dict.fromkeys(names, "string")))
        from astropy.table import Table

        with open(path, "rb") as file:
            head = file.read(256).lstrip(b"\xef\xbb\xbf \t\r\n")
        if head.startswith(b"<") or path.suffix in (".vot", ".votable", ".xml"):
            raw = path.read_bytes()
            check_votable(raw)
            return frame_of(Table.read(io.BytesIO(raw), format="votable"))
        if head.startswith(b"# %ECSV") or path.suffix == ".ecsv":
            return frame_of(read_ecsv(path))
        return frame_of(read_fits_table(path))  # what else astropy reads is of sizes that nobody held against the file
    except Exception as exc:
        raise DataError(message("table", expected="a table that can be read", got=plain(f"{path}: {exc}", REASON),
                                hint="Parquet, CSV, FITS, ECSV or VOTable")) from exc


def frame_of(table: Any) -> pd.DataFrame:
    """Return a table in memory, of pandas or astropy, as one of plain columns; ``attrs["units"]`` tells its units."""
    import pandas as pd

    if isinstance(table, pd.DataFrame):
        plain = _plain(table.reset_index(drop=True))
        plain.attrs = {name: table.attrs[name] for name in (UNITS, TOLD) if name in table.attrs}
        return plain
    table = _apart(table)
    flat = [name for name in table.colnames if len(table[name].shape) <= 1 and not _holds_arrays(table[name])]
    made: pd.DataFrame = table[flat].to_pandas()
    for name in [name for name in flat if name in made and made[name].dtype == object]:
        made[name] = texts(made[name].to_numpy())
    plain = _plain(made)
    plain.attrs = {UNITS: {name: str(table[name].unit) for name in flat if getattr(table[name], "unit", None)}}
    return plain


def _holds_arrays(column: Any) -> bool:
    """Tell whether the cells of a column are arrays of any length, which have no place in a plain table either."""
    return column.dtype.kind == "O" and any(getattr(cell, "shape", ()) != () for cell in column)


def _apart(table: Any) -> Any:
    """Return an astropy table with ICRS degrees for columns of coordinates: ``ra`` and ``dec``, or NAME.ra, NAME.dec.

    The plain names are taken where there is one such column and none of these names.
    """
    from astropy.coordinates import SkyCoord

    places = [name for name in table.colnames if isinstance(table[name], SkyCoord)]
    if not places:
        return table
    made = table.copy()
    taken = any(role(table.colnames, what, {}) for what in SPELT_OUT)
    for name in places:
        at, before = table[name].icrs, "" if len(places) == 1 and not taken else f"{name}."
        made.remove_column(name)
        made[f"{before}ra"], made[f"{before}dec"] = at.ra.deg, at.dec.deg
    return made


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of plain columns, in which no integer is rounded.

    A column of integers with a blank would become floats, and so would one of objects without a counterpart: from 2⁵³
    on they lose digits, as identifiers of 64 bits do. Such a column is text.
    """
    made = {}
    for name in table.columns:
        values = table[name]
        if values.dtype.kind in "iu":
            known = values.dropna()
            if len(known) and max(abs(int(known.max())), abs(int(known.min()))) >= EXACT:
                made[name] = values.map(str, na_action="ignore").astype(object).where(values.notna(), "")
            else:
                made[name] = values.astype("float64" if values.isna().any() else "int64")
        elif values.dtype.kind == "f":
            made[name] = values.astype("float64")
        elif values.dtype.kind == "b" and not values.isna().any():
            made[name] = values.astype(bool)
        else:
            made[name] = values.astype(object).where(values.notna(), "")
    return table.assign(**made) if made else table
