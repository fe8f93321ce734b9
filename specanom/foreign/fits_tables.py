"""FITS of strangers for astropy, which takes memory for what a header says: it is held against the file before."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .fits_hdus import FitsHdu, FitsHdus
from .fits_header import CARD, WIDTH, BrokenFits, UnusualFits, columns_of
from .texts import check_yaml

if TYPE_CHECKING:
    from astropy.table import Table

MAX_FULL, MAX_HEADERS = 256, 4 << 20
"""HDUs, and bytes of headers, of a file that astropy is given: it takes milliseconds for each."""
SPARE, TIMES = 64 << 20, 8
"""Bytes that lists of different lengths may have together: so many, and these for each byte of the file."""
LETTER, SCALED = 4, 8
"""Bytes of a letter in memory, and at least of a number that has a scale or a zero."""
PIECE = 8 << 20

_SHAPED = re.compile(r"(?:NAXIS|TFORM|TDIM|TBCOL)\d*|BITPIX|[PG]COUNT|TFIELDS|THEAP")
_BEGIN, _END = "--BEGIN-ASTROPY-SERIALIZED-COLUMNS--", "--END-ASTROPY-SERIALIZED-COLUMNS--"
_WIDTH = re.compile(r"[AIFED](\d*)")
_OF = re.compile(r"\s*\d*[PQ]([A-Z])")


@contextmanager
def opened(found: FitsHdus[Any]) -> Iterator[list[Any]]:
    """Let astropy open a file, once every HDU was held against it, and close it again.

    Yields
    ------
    list of HDU
        Those that were held against the file, in their order; data are read as they are asked for.

    Raises
    ------
    BrokenFits
        When an HDU is not whole, or there are too many.
    """
    from astropy.io import fits

    content = found.content()
    if len(found.hdus) > MAX_FULL or sum(len(one.raw) for one in found.hdus) > MAX_HEADERS:
        raise BrokenFits(f"more than {MAX_FULL} HDUs, or {MAX_HEADERS >> 20} MiB of headers, of an unusual kind")
    # a table of compressed tiles is left one: its tiles may claim any size
    with (io.BytesIO(content.head) if content.packed else open(found.path, "rb") as source,
          fits.open(source, memmap=False, lazy_load_hdus=True, disable_image_compression=True) as hdus):
        yield list(islice(hdus, len(found.hdus)))


@contextmanager
def open_fits(path: str | Path) -> Iterator[list[Any]]:
    """Let astropy open a file whose tables are about as large in memory as they are on disk.

    Raises
    ------
    OSError
        When it is not there.
    BrokenFits
        When an HDU is not whole, or a table has sizes that it cannot hold, or says them twice.
    """
    found: FitsHdus[FitsHdu] = FitsHdus(str(path))
    with opened(found) as hdus:
        for hdu, twin in zip(hdus, found.hdus, strict=True):
            if twin.kind in ("BINTABLE", "TABLE"):
                _check_table(hdu, twin)
        yield hdus


def read_fits_table(path: str | Path) -> Table:
    """Return the first table of a FITS file.

    Raises
    ------
    OSError, ValueError
        When it cannot be read, or the YAML in which astropy keeps columns stands for more than it is long.
    BrokenFits
        When there is none, or as :func:`open_fits`.
    """
    from astropy.io import fits
    from astropy.table import Table

    with open_fits(path) as hdus:
        tables = (hdu for hdu in hdus if isinstance(hdu, (fits.BinTableHDU, fits.TableHDU)))
        hdu = next((one for one in tables if not one.header.get("ZIMAGE")), None)
        if hdu is None:
            raise BrokenFits("no table in it")
        check_yaml(_serialized([str(line) for line in hdu.header.get("COMMENT", ())]))
        return Table.read(hdu)


def _serialized(comments: list[str]) -> str:
    """Return the YAML among the comments of a header: a line of 71 characters goes on in the next."""
    if _BEGIN not in comments or _END not in comments:
        return ""
    made, joined = "", False
    for line in comments[comments.index(_BEGIN) + 1 : comments.index(_END)]:
        made += line[:70] if joined else "\n" + line[:70]
        joined = len(line) == 71
    return made


def _check_table(hdu: Any, twin: FitsHdu) -> None:
    """Refuse a table that may be larger in memory than on disk by more than numbers are."""
    names = [twin.raw[at : at + 8].decode("latin-1").partition("=")[0].strip().upper()
             for at in range(0, len(twin.raw), CARD)]
    shaped = [name for name in names if _SHAPED.fullmatch(name)]
    if len(set(shaped)) < len(shaped) or hdu.size != twin.layout.size:
        raise BrokenFits("corrupt FITS header: a size that is said twice")
    width, rows = int(twin.header["NAXIS1"]), int(twin.header["NAXIS2"])
    if rows and not width:
        raise BrokenFits(f"corrupt FITS header: {rows:,} rows of nothing")
    if twin.kind == "BINTABLE":
        _check_lists(twin, width, rows)
    else:
        _check_texts(twin, width)


def _check_texts(twin: FitsHdu, width: int) -> None:
    """Refuse columns of a table in text that are wider than its rows."""
    for name, form in twin.header.items():
        found = _WIDTH.match(str(form)) if name.startswith("TFORM") else None
        if found and int(found[1] or 1) > width:
            raise BrokenFits(f"corrupt FITS header: {name} is {form}, in rows of {width} bytes")


def _check_lists(twin: FitsHdu, width: int, rows: int) -> None:
    """Add up the lists of different lengths, which may all be the same bytes of the heap."""
    try:
        columns = columns_of(twin.header, width)
    except UnusualFits as exc:
        raise BrokenFits(f"corrupt FITS header: {exc} is no form of a column") from exc
    lists = [(one, _value(twin, number)) for number, (_, one) in enumerate(columns, 1)
             if one.code in "PQ" and one.repeat]
    if any(one.repeat != 1 for one, _ in lists):
        raise BrokenFits("corrupt FITS header: several lists in one cell")
    values, total, most = 0.0, 0.0, SPARE + TIMES * twin.content.size
    step = max(1, PIECE // max(width, 1))
    for first in range(0, rows if lists else 0, step):
        count = min(step, rows - first)
        buffer, at = twin.content.span(twin.start + first * width, count * width)
        for one, value in lists:
            told: Any = np.ndarray((count,), ">u4" if one.code == "P" else ">u8", buffer=buffer,
                                   offset=at + one.offset, strides=(width,))
            number = float(told.sum(dtype=np.float64))
            values, total = values + number, total + value * number
        if total > most:
            raise BrokenFits(f"corrupt FITS: lists of {values:,.0f} values in {twin.content.size:,} bytes")


def _value(twin: FitsHdu, number: int) -> int:
    """Return the bytes in memory of a value in the lists of a column, at most 8 for each in the file."""
    found = _OF.match(str(twin.header.get(f"TFORM{number}")))
    code = found[1] if found else "M"
    if code == "A":
        return LETTER
    width = WIDTH.get(code, 1)                  # a bit becomes a flag
    scaled = twin.header.get(f"TSCAL{number}", 1) != 1 or twin.header.get(f"TZERO{number}", 0) != 0
    return max(width, SCALED) if scaled else width
