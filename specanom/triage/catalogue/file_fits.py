"""Catalogues as FITS: a binary table with TTYPE, TUNIT, TCOMM and TUCD, and a second one with the metadata.

FITS tables hold ASCII, and no blanks at the end: text beyond ASCII is written as ``\\uXXXX`` (and a backslash as
``\\\\``), and so is a blank at the end of a row of the metadata, as JSON does; the header says so.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...foreign import open_fits
from .columns import Column
from .fits_rows import ROWS, write_rows
from .metadata import TITLE, from_arrays, from_text, texts, to_text

if TYPE_CHECKING:
    import pandas as pd

NAME, META = "CATALOGUE", "METADATA"
CODES = {"int64": "K", "int32": "J", "float64": "D", "float32": "E"}
CHUNK = 4000
"""Characters of a row of the metadata."""
_BLANK = "\\u0020"
_OUTSIDE = re.compile(r"[^\x20-\x5b\x5d-\x7e]")
_CODE = re.compile(r"\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|(\\))")


def escaped(text: str) -> str:
    """Return text in ASCII.

    Examples
    --------
    >>> escaped("Hα")
    'H\\\\u03b1'
    """
    return _OUTSIDE.sub(_coded, text) if not text.isascii() or "\\" in text else text


def unescaped(text: str) -> str:
    """Return the text that :func:`escaped` turned into ASCII."""
    return _CODE.sub(lambda found: found[3] or chr(int(found[1] or found[2], 16)), text) if "\\" in text else text


def _coded(found: re.Match[str]) -> str:
    point = ord(found[0])
    return "\\\\" if found[0] == "\\" else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def write_fits(path: Path, table: pd.DataFrame, columns: Sequence[Column], meta: Mapping[str, Any]) -> None:
    """Write FITS, some rows at a time: astropy would hold all of them several times over."""
    from astropy.io import fits

    made = [_fits_column(table[one.name], one) for one in columns]
    hdu = fits.BinTableHDU.from_columns(made, name=NAME)
    for i, one in enumerate(columns, 1):
        hdu.header.set(f"TCOMM{i}", one.description, after=f"TFORM{i}")
        if one.ucd:
            hdu.header.set(f"TUCD{i}", one.ucd, after=f"TCOMM{i}")
    hdu.header["RADESYS"] = ("ICRS", "frame of ra and dec")
    hdu.header["COMMENT"] = TITLE
    hdu.header["COMMENT"] = r"Text beyond ASCII is written as \uXXXX, a backslash as \\."
    hdu.header["COMMENT"] = f"Thresholds, provenance and what was left out: JSON in {META}."
    rows = list(_pieces(to_text(meta)))
    told = fits.BinTableHDU.from_columns([fits.Column("json", f"{CHUNK}A", array=np.array(rows))], name=META)
    empty = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu, told]).writeto(empty, output_verify="exception", checksum=True)
    raw = empty.getvalue()
    with fits.open(io.BytesIO(raw)) as hdus:
        place, header = hdus[NAME].fileinfo(), hdus[NAME].header
    with open(path, "wb") as handle:
        handle.write(raw[: place["hdrLoc"]])
        write_rows(handle, header, _blocks(table, made), len(table))
        handle.write(raw[place["datLoc"] + place["datSpan"] :])


def _blocks(table: pd.DataFrame, columns: Sequence[Any]) -> Iterator[NDArray[Any]]:
    """Yield the rows of a table as FITS has them, :data:`ROWS` at a time."""
    kinds = {"K": ">i8", "J": ">i4", "D": ">f8", "E": ">f4"}
    dtype = np.dtype([(one.name, kinds.get(one.format) or f"S{one.format[:-1]}") for one in columns])
    for start in range(0, len(table), ROWS):
        some = table.iloc[start : start + ROWS]
        block = np.empty(len(some), dtype)
        for one in columns:
            values = some[one.name]
            if values.dtype.kind not in "if":
                block[one.name] = [escaped(text).encode("ascii") for text in values.tolist()]
            else:
                block[one.name] = (values if one.null is None else values.fillna(one.null)).to_numpy()
        yield block


def _pieces(text: str) -> Iterator[str]:
    """Yield JSON in pieces of a row of the metadata, none of which ends in a blank."""
    size = CHUNK - len(_BLANK) + 1
    for at in range(0, len(text), size):
        piece = text[at : at + size]
        yield piece[:-1] + _BLANK if piece.endswith(" ") else piece


def _fits_column(values: pd.Series, one: Column) -> Any:
    """Return what FITS has to know of a column, without its cells."""
    from astropy.io import fits

    if values.dtype.kind in "if":
        blank = values.dtype.kind == "i" and values.isna().any()
        form = "K" if blank else CODES[str(values.dtype).lower()]
        return fits.Column(one.name, form, unit=_unit(one), null=_unused(values) if blank else None)
    blocks = (values.iloc[start : start + ROWS].tolist() for start in range(0, len(values), ROWS))
    width = max((len(escaped(text)) for block in blocks for text in block), default=0)
    return fits.Column(one.name, f"{max(width, 1)}A", unit=_unit(one))


def _unused(values: pd.Series) -> int:
    """Return the lowest whole number that is not among some: it stands for what is not known."""
    held = values.dropna()
    return next(one for one in range(np.iinfo(np.int64).min, 0) if not (held == one).any())


def _unit(one: Column) -> str | None:
    from astropy import units

    return units.Unit(one.unit).to_string("fits") if one.unit else None


def read_fits(path: Path) -> tuple[pd.DataFrame, tuple[Column, ...], dict[str, Any]]:
    """Read it with what its header tells."""
    from astropy import units

    with open_fits(path) as hdus:
        tables = {one.name: one for one in reversed(hdus)}
        hdu, header = tables[NAME], tables[NAME].header
        columns = tuple(
            Column(one.name, header.get(f"TCOMM{i}", ""),
                   str(units.Unit(one.unit, format="fits")) if one.unit else "", header.get(f"TUCD{i}", ""))
            for i, one in enumerate(hdu.columns, 1))
        arrays = {one.name: _plain(hdu.data[one.name], hdu.columns[one.name].null) for one in columns}
        meta = from_text("".join(texts(tables[META].data["json"])))
    return from_arrays(arrays), columns, meta


def _plain(values: NDArray[Any], none: int | None) -> NDArray[Any]:
    if values.dtype.kind in "if":
        return np.asarray(values) if none is None else np.ma.masked_equal(values, none)
    return np.array([unescaped(text) for text in texts(values)], dtype=object)
