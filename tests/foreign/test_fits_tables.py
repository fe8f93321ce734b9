"""FITS tables and answers of services that claim more than they hold never get as far as astropy."""

from __future__ import annotations

import gzip
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table

from specanom.errors import DataError
from specanom.foreign import open_fits, read_fits_table
from specanom.triage.catalogue.formats import read_file
from specanom.triage.crossmatch.reading import read_table
from specanom.triage.crossmatch.votables import BadAnswer, read_votable
from tests.foreign.kept import little_memory
from tests.surveys.lying_files import bomb, with_cards

BILLIONS = 10**12


def table(**columns: Any) -> bytes:
    """A FITS file with a table of three rows, called as that of a catalogue."""
    given = {"id": np.array(["a", "b", "c"]), "ra": np.arange(3.0), "dec": np.arange(3.0), **columns}
    made = io.BytesIO()
    Table(given, meta={"EXTNAME": "CATALOGUE"}).write(made, format="fits")
    return made.getvalue()


def lists(rows: int, lengths: int, *, code: str = "PE", heap: int = 4000) -> bytes:
    """A table of lists that are all the same bytes of a heap, or say that they are."""
    wide = ">u4" if code[0] == "P" else ">u8"
    told = np.zeros((rows, 2), wide)
    told[:, 0] = lengths
    names = "id", "ra"
    made = io.BytesIO()
    columns = [fits.Column(names[0], "2A", array=np.full(rows, "a")), fits.Column(names[1], "D", array=np.zeros(rows)),
               fits.Column("flux", f"{told.itemsize * 2}B", array=told.view("u1").reshape(rows, -1))]
    hdu = fits.BinTableHDU.from_columns(columns, name="CATALOGUE")
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(made)
    whole = with_cards(made.getvalue(), 1, TFORM3=f"1{code}(9)", PCOUNT=heap)
    start = whole.index(b"XTENSION=")
    data = start + -(-(whole.index(b"END".ljust(80), start) + 80 - start) // 2880) * 2880
    body = whole[data : data + rows * (10 + 2 * told.itemsize)] + bytes(heap)
    return whole[:data] + body.ljust(-(-len(body) // 2880) * 2880, b"\0")


def ascii_table() -> bytes:
    made = io.BytesIO()
    columns = [fits.Column("ra", "F8.3", array=np.arange(3.0)), fits.Column("dec", "F8.3", array=np.arange(3.0))]
    fits.HDUList([fits.PrimaryHDU(), fits.TableHDU.from_columns(columns, name="CATALOGUE")]).writeto(made)
    return made.getvalue()


LIES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "10^12 rows": ("a.fits", lambda: with_cards(table(), 1, NAXIS2=BILLIONS), "cut short"),
    "rows of 10^12 bytes": ("a.fits", lambda: with_cards(table(), 1, NAXIS1=BILLIONS), "cut short"),
    "10^12 rows of nothing": ("a.fits", lambda: with_cards(
        table(), 1, NAXIS1=0, NAXIS2=BILLIONS, TFORM1="0A", TFORM2="0D", TFORM3="0D")[:-2880], "rows of nothing"),
    "a column of 10^9 values": ("a.fits", lambda: with_cards(table(), 1, TFORM2="999999999D"), "corrupt"),
    "narrower columns than rows": ("a.fits", lambda: with_cards(table(), 1, TFORM2="E"), "corrupt"),
    "a column of no form": ("a.fits", lambda: with_cards(table(), 1, TFORM2="huge"), "no form of a column"),
    "a size that is said twice": ("a.fits", lambda: with_cards(table(), 1, naxis2=BILLIONS), "said twice"),
    "a form that is said twice": ("a.fits", lambda: with_cards(table(), 1, tform2="QD(9)"), "said twice"),
    "a heap of 10^12 bytes": ("a.fits", lambda: with_cards(lists(3, 9), 1, PCOUNT=BILLIONS), "cut short"),
    "lists of 2^31 values": ("a.fits", lambda: lists(3, 2**31 - 1), "lists of"),
    "lists of 2^62 values": ("a.fits", lambda: lists(3, 2**62, code="QE"), "lists of"),
    "a heap that is a million lists": ("a.fits", lambda: lists(50_000, 1000), "lists of"),
    "several lists in one cell": ("a.fits", lambda: with_cards(lists(3, 9), 1, TFORM3="2PE(9)", TFORM1="A", NAXIS1=25),
                                  "several lists"),
    "text of 10^9 letters": ("a.fits", lambda: with_cards(ascii_table(), 1, TFORM1="A999999999"), "in rows of"),
    "groups of data behind it": ("a.fits", lambda: groups_behind(), "no table in it|CATALOGUE"),
    "cut short": ("a.fits", lambda: table(more=np.zeros(3000).reshape(3, -1))[:-9000], "cut short"),
    "zeros in gzip": ("a.fits.gz", lambda: bomb(300), "does not begin with SIMPLE"),
    "10 GB after a true header": ("a.fits.gz", lambda: bomb(300, table()), "unpacks to more than"),
    "gzip that is cut": ("a.fits.gz", lambda: gzip.compress(table())[:-50], "cannot unpack"),
    "gzip that is called FITS": ("a.fits", lambda: bomb(300, table()), "not a FITS file"),
    "no table": ("a.fits", lambda: table()[:2880], "no table in it|CATALOGUE"),
    "an HDF5 file": ("a.h5", lambda: b"\x89HDF\r\n\x1a\n" + bytes(2000), "not a FITS file"),
}


def groups_behind() -> bytes:
    """Groups of data that are no extension: astropy takes them for a table, and only astropy sees them."""
    head = [("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", 0), ("NAXIS2", BILLIONS), ("GROUPS", True),
            ("PCOUNT", 1), ("GCOUNT", 1), ("PTYPE1", "ra"), ("PSCAL1", 1.0), ("PZERO1", 0.0)]
    cards = "".join([*(str(fits.Card(*one)) for one in head), "END".ljust(80)])
    return table()[:2880] + cards.ljust(2880).encode() + bytes(2880)


@pytest.mark.parametrize("lie", LIES)
def test_a_table_that_lies_is_refused_before_astropy_sees_it(lie: str, tmp_path: Path) -> None:
    name, make, said = LIES[lie]
    (tmp_path / name).write_bytes(make())
    Table.read(io.BytesIO(table()), format="fits")      # what is loaded once is not of the file
    for read in (read_table, lambda path: read_file("fits", path)):
        start = time.process_time()
        with little_memory(), pytest.raises(DataError, match=said):
            read(tmp_path / name)
        assert time.process_time() - start < 1


def test_yaml_that_laughs_is_refused_among_the_comments(tmp_path: Path) -> None:
    """Columns that FITS has not, as of coordinates, are kept by astropy as YAML; each line stands for ten of the last.
    """
    whole = table(at=SkyCoord([1.0, 2, 3], [4.0, 5, 6], unit="deg"))
    text = ["x: &a [1,1,1,1,1,1,1,1,1,1]"]
    text += [f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]" for old, new in zip("abcdef", "bcdefg", strict=True)]
    cards = [f"COMMENT {line}".ljust(80).encode() for line in text]
    at = whole.index(b"COMMENT --BEGIN-ASTROPY-SERIALIZED-COLUMNS--") + 80
    (tmp_path / "a.fits").write_bytes(whole[:at] + b"".join(cards) + whole[at + 80 * len(cards):])
    start = time.process_time()
    with little_memory(), pytest.raises(DataError, match="stands for more"):
        read_table(tmp_path / "a.fits")
    assert time.process_time() - start < 1


def test_an_honest_table_is_read_as_astropy_reads_it(tmp_path: Path) -> None:
    place = SkyCoord([1.0, 2, 3], [4.0, 5, 6], unit="deg")
    flux = np.array([np.ones(1), np.ones(2), np.ones(0)], dtype=object)
    given = {"name": ["α", "b", "c"], "flag": [True, False, True], "big": [2**62, 0, -1], "three": np.ones((3, 3))}
    for name in ("a.fits", "a.fits.gz"):
        Table({**{key: value for key, value in given.items() if key != "name"}, "at": place, "flux": flux}).write(
            tmp_path / name)
        with open(tmp_path / name, "ab") as handle:
            handle.write(b"" if name.endswith(".gz") else b"junk" * 720)     # behind the last HDU: nobody looks
        made = read_fits_table(tmp_path / name)
        assert made.colnames == ["flag", "big", "three", "at", "flux"]
        assert [len(one) for one in made["flux"]] == [1, 2, 0]
        frame = read_table(tmp_path / name)
        assert frame["ra"].tolist() == [1.0, 2.0, 3.0]
        assert frame["big"].tolist() == [str(2**62), "0", "-1"]
    (tmp_path / "text.fits").write_bytes(ascii_table())
    assert read_table(tmp_path / "text.fits")["dec"].tolist() == [0.0, 1.0, 2.0]
    with open_fits(tmp_path / "text.fits") as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "CATALOGUE"]


def test_an_image_in_tiles_is_passed_over_for_a_table(tmp_path: Path) -> None:
    hdu = fits.CompImageHDU(np.ones((40, 40), "f4"))
    rows = fits.BinTableHDU.from_columns([fits.Column("ra", "D", array=np.arange(3.0))])
    fits.HDUList([fits.PrimaryHDU(), hdu, rows]).writeto(tmp_path / "a.fits")
    assert read_fits_table(tmp_path / "a.fits").colnames == ["ra"]


@pytest.mark.parametrize("code", ["B", "L"])
def test_long_lists_of_bytes_are_read_as_those_of_numbers_are(code: str, tmp_path: Path) -> None:
    """Images in tiles are such lists: files of more than a few megabytes are no lie."""
    cells = np.empty(4, dtype=object)
    cells[:] = [np.ones(3_000_000, "u1" if code == "B" else bool)] * 4
    rows = fits.BinTableHDU.from_columns([fits.Column("ra", "D", array=np.arange(4.0)),
                                          fits.Column("list", f"P{code}()", array=cells)])
    fits.HDUList([fits.PrimaryHDU(), rows]).writeto(tmp_path / "a.fits")
    with open_fits(tmp_path / "a.fits") as hdus:
        assert hdus[1].data["ra"].tolist() == [0, 1, 2, 3]
        assert len(hdus[1].data["list"][3]) == 3_000_000


# -- answers of services -----------------------------------------------------------------------------------------------

def answer(field: str = "", table: str = "", data: str = "<TABLEDATA><TR><TD>1</TD></TR></TABLEDATA>", *,
           before: str = "") -> bytes:
    """An answer as SIMBAD gives it to TAP, with a field that may lie."""
    return (f'<?xml version="1.0" encoding="UTF-8"?>{before}<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/'
            f'VOTable/v1.3"><RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/><TABLE name="result" '
            f'{table}><FIELD name="ra" datatype="double" unit="deg" {field}/><DATA>{data}</DATA></TABLE></RESOURCE>'
            "</VOTABLE>").encode()


BINARY = '<BINARY><STREAM encoding="base64">AAAAAAAAAAA=</STREAM></BINARY>'
LAUGHS = "<!DOCTYPE a [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {new} '{f'&{old};' * 10}'>" for old, new in zip("abcdefghi", "bcdefghij", strict=True)) + "]>"


@pytest.mark.parametrize(("raw", "said"), [
    (answer('arraysize="400000000"'), "more than it can hold"),
    (answer('arraysize="30000x30000x*"'), "more than it can hold"),
    (answer(table=f'nrows="{BILLIONS}"'), "more than it can hold"),
    (answer(data="<TABLEDATA><TR><TD>&j;</TD></TR></TABLEDATA>", before=LAUGHS), "entity"),
    (answer(before='<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'), "entity"),
    (answer(data='<BINARY2><STREAM encoding="gzip"/></BINARY2>'), "packed"),
    (answer(data='<FITS><STREAM href="file:///etc/passwd"/></FITS>'), "elsewhere"),
    (answer(data=BINARY).replace(b'"double"', b'"char" arraysize="0"'), "rows of nothing"),   # astropy reads on and on
    (answer(data=BINARY).replace(b'"double"', b'"char" arraysize="0x*"'), "cells of nothing"),
    (b"<html>503 Service Unavailable</html>", "no VOTable came"),
])
def test_an_answer_that_lies_is_a_bad_one(raw: bytes, said: str) -> None:
    read_votable(answer())
    start = time.process_time()
    with little_memory(), pytest.raises(BadAnswer, match=said):
        read_votable(raw)
    assert time.process_time() - start < 1


def test_an_honest_answer_is_read() -> None:
    assert read_votable(answer(table='nrows="1"'))["ra"].tolist() == [1.0]
    assert len(read_votable(answer(before='<!DOCTYPE VOTABLE SYSTEM "http://us-vo.org/xml/VOTable.dtd">'))) == 1
