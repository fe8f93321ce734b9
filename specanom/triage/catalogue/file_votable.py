"""Catalogues as VOTable 1.4: units, descriptions, UCDs and the frame of the positions."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from ...foreign import check_votable
from .columns import Column
from .metadata import TITLE, from_arrays, from_text, to_astropy, to_text

if TYPE_CHECKING:
    import pandas as pd

UNITS = {"Angstrom": "0.1 nm"}
"""What VOUnits 1.1 has instead of units it no longer recommends."""
_USUAL = {new.replace(" ", ""): old for old, new in UNITS.items()}
INFO = "specanom"
FRAME = "icrs"
ROWS = 4096
"""Rows that are written at a time."""
_INFINITE = {"nan": "NaN", "inf": "+InF", "-inf": "-InF"}
_DATA = re.compile(rb"\s*<DATA>.*</DATA>|\s*<DATA/>", re.S)


def write_votable(path: Path, table: pd.DataFrame, columns: Sequence[Column], meta: Mapping[str, Any]) -> None:
    """Write VOTable, its data as text, which holds every character.

    What astropy writes, but for blanks between cells: it makes every cell an object of its own and holds texts at the
    width of the longest, which takes minutes and gigabytes of a large catalogue.
    """
    head = io.BytesIO()
    _votable(table.iloc[:0], columns, meta).to_xml(head, tabledata_format="tabledata")
    before, end, after = head.getvalue().rpartition(b"  </TABLE>")
    with open(path, "wb") as handle:
        handle.write(before)
        if len(table):
            handle.write(b"   <DATA>\n    <TABLEDATA>\n")
            for start in range(0, len(table), ROWS):
                block = table.iloc[start : start + ROWS]
                cells = zip(*(_cells(block[one.name]) for one in columns), strict=True)
                handle.write("".join(f"<TR>{''.join(row)}</TR>\n" for row in cells).encode())
            handle.write(b"    </TABLEDATA>\n   </DATA>\n")
        handle.write(end + after)


def _cells(values: pd.Series) -> list[str]:
    """Return a column as cells of XML, written as astropy writes them."""
    if values.dtype.kind == "f":
        found = [_INFINITE.get(text, text.removesuffix(".0")) for text in map(str, values.to_numpy())]
    elif values.dtype.kind == "i":
        blank = values.isna().tolist()
        found = ["" if none else str(one) for one, none in zip(values.tolist(), blank, strict=True)]
    else:
        found = [escape(text) for text in values.tolist()]
    return [f"<TD>{text}</TD>" if text else "<TD/>" for text in found]


def without_data(table: pd.DataFrame, columns: Sequence[Column], meta: Mapping[str, Any]) -> bytes:
    """Return the VOTable of a catalogue without its data: what the VOParquet convention keeps in the schema."""
    handle = io.BytesIO()
    votable = _votable(table.iloc[:0], columns, meta)
    for field in votable.resources[0].tables[0].fields:
        if field.datatype == "unicodeChar":  # of one width, or astropy does not join it to the data
            field.arraysize = str(max(table[field.name].str.len().max(), 1))
    votable.to_xml(handle, tabledata_format="tabledata")
    return _DATA.sub(b"", handle.getvalue())


def _votable(table: pd.DataFrame, columns: Sequence[Column], meta: Mapping[str, Any]) -> Any:
    from astropy.io.votable import from_table
    from astropy.io.votable.tree import CooSys, Info

    votable = from_table(to_astropy(table, columns, units_as=UNITS), table_id="catalogue")
    votable.version = "1.4"
    resource = votable.resources[0]
    resource.type = "results"
    resource.coordinate_systems.append(CooSys(ID=FRAME, system="ICRS"))
    resource.infos.append(Info(name=INFO, value=to_text(meta)))
    one = resource.tables[0]
    one.name, one.description = "catalogue", TITLE
    for field, column in zip(one.fields, columns, strict=True):
        field.ucd = column.ucd or None
        if field.datatype == "unicodeChar":
            field.arraysize = "*"
        if column.name in ("ra", "dec"):
            field.ref = FRAME
    return votable


def read_votable(path: Path) -> tuple[pd.DataFrame, tuple[Column, ...], dict[str, Any]]:
    """Read it with what its fields tell."""
    from astropy.io.votable import parse

    raw = path.read_bytes()
    check_votable(raw)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        votable = parse(io.BytesIO(raw), verify="exception")
    resource = votable.resources[0]
    one = resource.tables[0]
    columns = tuple(Column(field.name, " ".join((field.description or "").split()), _unit(field), field.ucd or "")
                    for field in one.fields)  # a long description is broken into lines
    meta = from_text(next(info.value for info in resource.infos if info.name == INFO))
    arrays = {field.name: one.array[field.ID] for field in one.fields}
    return from_arrays({name: _filled(values) for name, values in arrays.items()}), columns, meta


def _unit(field: Any) -> str:
    if field.unit is None:
        return ""
    text: str = field.unit.to_string()
    return _USUAL.get(text.replace(" ", ""), text)


def _filled(values: Any) -> Any:
    """Return a masked column as it was written: a float that is NaN comes back masked."""
    if values.dtype.kind == "f":
        return values.filled(float("nan"))
    return values.filled("") if values.dtype.kind == "O" else values
