"""Catalogues as FITS: a binary table with TTYPE, TUNIT, TCOMM and TUCD, and a second one with the metadata.

FITS tables hold ASCII, and no blanks at the end: text beyond ASCII is written as ``\\uXXXX`` (and a backslash as
``\\\\``), and so is a blank at the end of a row of the metadata, as JSON does; the header says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...foreign import open_fits
from .columns import Column
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
    """Write FITS."""
    from astropy.io import fits

    hdu = fits.BinTableHDU.from_columns([_fits_column(table[one.name], one) for one in columns], name=NAME)
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
    fits.HDUList([fits.PrimaryHDU(), hdu, told]).writeto(path, output_verify="exception", checksum=True)


def _pieces(text: str) -> Iterator[str]:
    """Yield JSON in pieces of a row of the metadata, none of which ends in a blank."""
    size = CHUNK - len(_BLANK) + 1
    for at in range(0, len(text), size):
        piece = text[at : at + size]
        yield piece[:-1] + _BLANK if piece.endswith(" ") else piece


def _fits_column(values: pd.Series, one: Column) -> Any:
    from astropy.io import fits

    if values.isna().any() and values.dtype.kind == "i":
        none = _unused(values)
        return fits.Column(one.name, "K", unit=_unit(one), null=none,
                           array=values.fillna(none).to_numpy(dtype=np.int64))
    if values.dtype.kind in "if":
        return fits.Column(one.name, CODES[str(values.dtype).lower()], unit=_unit(one), array=values.to_numpy())
    cells: NDArray[Any] = np.array([escaped(text) for text in values], dtype="S")
    width = max(cells.dtype.itemsize, 1)
    return fits.Column(one.name, f"{width}A", unit=_unit(one), array=cells.astype(f"S{width}"))


def _unused(values: pd.Series) -> int:
    """Return the lowest whole number that is not among some: it stands for what is not known."""
    held = set(values.dropna().tolist())
    return next(one for one in range(np.iinfo(np.int64).min, 0) if one not in held)


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
