"""Tables and other files beside spectra that lie: in Parquet, CSV, ECSV, VOTable, npz, npy and Zarr."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from benchmarks._fuzz_files import Files, spec_file, table_files
from benchmarks._fuzz_kept import GROUP, array_files, npy_files, votable_files, zarr_files
from benchmarks._fuzz_parquet import Walk, numbers, plain, raw_at, with_number
from tests.surveys.lying_files import HUGE, bomb

PARQUET = table_files()["parquet table"]["t.parquet"]
ECSV = table_files()["ecsv table"]["t.ecsv"].decode()
VOTABLE, STREAM = votable_files("tabledata")["t.vot"], votable_files("binary2")["t.vot"]
NPZ, NPY = array_files()["a.npz"], npy_files()["a.npy"]
PACKED = gzip.compress(spec_file())
Maker = Callable[[], bytes]


def footer(path: tuple[int, ...], value: int, kind: str = "number", which: int = 0) -> bytes:
    """A Parquet file whose footer tells another number; fields are numbered as parquet.thrift has them."""
    found = [one for one in numbers(PARQUET)[1] if one.path == path and one.kind == kind]
    return with_number(PARQUET, found[which], value)


def page(path: tuple[int, ...], value: int, *, dictionary: bool = False) -> bytes:
    """A Parquet file of which a page tells another number."""
    places = [one for one in numbers(PARQUET)[1] if one.path == ((4, 1, 3, 11) if dictionary else (4, 1, 3, 9))]
    header = Walk(PARQUET, plain(raw_at(PARQUET, places[0]))).found
    return with_number(PARQUET, next(one for one in header if one.path == path), value)


def ecsv(header: str, data: str = "wave flux\n" + "400 1.5\n401 1.5\n") -> bytes:
    """ECSV whose header is another."""
    return f"# %ECSV 1.0\n# ---\n{header}{data}".encode()


def votable(old: bytes, new: bytes, whole: bytes = VOTABLE) -> bytes:
    """A VOTable in which something stands instead of something else."""
    assert old in whole
    return whole.replace(old, new, 1)


def npy(shape: str, dtype: str = "<f4") -> bytes:
    """An array of 120 numbers whose header tells something else."""
    head = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + NPY[-480:]


def npz(**entries: bytes) -> bytes:
    """An archive of entries."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(f"{name}.npy", content)
    return made.getvalue()


def directory(at: int, value: int) -> bytes:
    """An archive whose directory tells another size: 24 is what it unpacks to, 42 where it is."""
    start = NPZ.rindex(b"PK\x01\x02") + at
    return NPZ[:start] + value.to_bytes(4, "little") + NPZ[start + 4 :]


def zarr(name: str, *at: Any, value: Any) -> Files:
    """Spectra as they are kept, in whose metadata something else stands."""
    files = zarr_files()
    told = json.loads(files[f"{GROUP}/{name}"])
    inside = told
    for key in at[:-1]:
        inside = inside[key]
    inside[at[-1]] = value
    return {**files, f"{GROUP}/{name}": json.dumps(told).encode()}


def chunk(change: Callable[[bytes], bytes]) -> Files:
    """Spectra as they are kept, with another chunk of wavelengths."""
    files = zarr_files()
    return {**files, f"{GROUP}/wave/c/0": change(files[f"{GROUP}/wave/c/0"])}


TABLES: dict[str, tuple[str, Maker, str]] = {
    # Parquet
    "2^40 rows of Parquet": ("t.parquet", lambda: footer((3,), HUGE), "its groups have others"),
    "2^40 rows of a group": ("t.parquet", lambda: footer((4, 3), HUGE), "its groups have others"),
    "2^40 values of a column": ("t.parquet", lambda: footer((4, 1, 3, 5), HUGE), "in a file of"),
    "2^40 bytes of a group": ("t.parquet", lambda: footer((4, 2), HUGE), "in a file of"),
    "half of the columns": ("t.parquet", lambda: footer((4, 1), 2, "count"), ""),
    "2^31 columns": ("t.parquet", lambda: footer((4, 1), 2**31, "count"), "a list of"),
    "2^31 names of columns": ("t.parquet", lambda: footer((2,), 2**31, "count"), "a list of"),
    "a page before the file": ("t.parquet", lambda: footer((4, 1, 3, 9), -9), ""),
    "a dictionary behind the file": ("t.parquet", lambda: footer((4, 1, 3, 11), HUGE), ""),
    "a histogram of more levels than there are": ("t.parquet", lambda: footer((2, 3), 0, which=1), "histogram"),
    "a codec that is none": ("t.parquet", lambda: footer((4, 1, 3, 4), 99), ""),
    "a page that unpacks to 2 GiB": ("t.parquet", lambda: page((2,), 2**31 - 1), ""),
    "a page of 2 GiB": ("t.parquet", lambda: page((3,), 2**31 - 1), ""),
    "a page of less than nothing": ("t.parquet", lambda: page((2,), -(2**31)), ""),
    "a page of 2^31 values": ("t.parquet", lambda: page((5, 1), 2**31 - 1), ""),
    "a dictionary that unpacks to 2 GiB": ("t.parquet", lambda: page((2,), 2**31 - 1, dictionary=True), ""),
    "a dictionary of 2^31 values": ("t.parquet", lambda: page((7, 1), 2**31 - 1, dictionary=True), ""),
    "a footer of 2 GiB": ("t.parquet", lambda: PARQUET[:-8] + (2**31).to_bytes(4, "little") + b"PAR1", "its end"),
    # CSV
    "long rows of CSV": ("t.csv", lambda: b"wave,flux\n1,2\n" + b"1,2,3\n" * 99, ""),
    "one row of 10^6 cells": ("t.csv", lambda: b"wave,flux\n1,2\n" + b"1," * 10**6 + b"\n", ""),
    "short rows of CSV": ("t.csv", lambda: b"wave,flux,ivar\n" + b"4000\n" * 99, "increasing"),
    "15,000 columns of one name": ("t.csv", lambda: b"wave,flux" + b",a" * 15_000 + b"\n1,2\n", "called like others"),
    "10^6 empty lines": ("t.csv", lambda: b"wave,flux\n" + b"\n" * 10**6, "no rows"),
    "a quote without end": ("t.csv", lambda: b'wave,flux\n1,"' + b"1,2\n" * 99_999, ""),
    # ECSV
    "long rows of ECSV": ("t.ecsv", lambda: ECSV.encode() + b"400 1.5 9 9\n", "inconsistent"),
    "short rows of ECSV": ("t.ecsv", lambda: ECSV.encode() + b"400\n", "inconsistent"),
    "columns that are not there": ("t.ecsv", lambda: ECSV.replace("wave flux", "wave").encode(), ""),
    "two columns of one name": ("t.ecsv", lambda: ECSV.replace("flux", "wave").encode(), ""),
    "a header that runs": ("t.ecsv", lambda: ecsv("# datatype: !!python/object/apply:os.getcwd []\n"), ""),
    "a column of another class": ("t.ecsv", lambda: ecsv(
        "# datatype:\n# - {name: wave, datatype: float64}\n# - {name: flux, datatype: float64}\n# meta: !!omap\n"
        "# - __serialized_columns__:\n#     flux: {__class__: os.system, command: !astropy.table.SerializedColumn "
        "{name: flux}}\n"), ""),
    "complex numbers": ("t.ecsv", lambda: ECSV.replace("flux, unit: Jy, datatype: float64", "flux, datatype: complex128"
                                                       ).encode(), "complex"),
    "no columns in a header": ("t.ecsv", lambda: ecsv("# datatype: []\n"), ""),
    "cells of 10^18 numbers": ("t.ecsv", lambda: ecsv(
        "# datatype:\n# - {name: wave, datatype: float64}\n# - {name: flux, datatype: string, subtype: "
        "'float64[999999999,999999999]'}\n"), ""),
}
GZIPPED: dict[str, tuple[str, Maker, str]] = {
    "a size that gzip lies of": ("a.fits.gz", lambda: PACKED[:-4] + b"\xff\xff\xff\x7f", "cannot unpack"),
    "a sum that is wrong": ("a.fits.gz", lambda: PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], "cannot unpack"),
    "a second part that is cut": ("a.fits.gz", lambda: PACKED + PACKED[:-9], "cut short"),
    "a second part of 300 MB": ("a.fits.gz", lambda: PACKED + bomb(300), "unpacks to more than"),
    "300 parts of a megabyte": ("a.fits.gz", lambda: PACKED + bomb(1) * 300, "unpacks to more than"),
    "100,000 parts of nothing": ("a.fits.gz", lambda: PACKED + gzip.compress(b"") * 100_000, "parts in"),
    "a name without end in gzip": ("a.fits.gz", lambda: PACKED[:3] + b"\x08" + PACKED[4:10] + b"x" * 99_999, "cannot"),
}
OTHERS: dict[str, tuple[str, Callable[[], bytes | Files], str]] = {
    # VOTable
    "cells of 10^9 numbers": ("t.vot", lambda: votable(b'arraysize="2"', b'arraysize="999999999"'), "more than"),
    "10^9 rows of a VOTable": ("t.vot", lambda: votable(b"<TABLE>", b'<TABLE nrows="999999999">'), "more than"),
    "3,000 columns of one name in a VOTable": ("t.vot", lambda: votable(b"<DATA>", 3000 * (
        b'<FIELD ID="n" datatype="long" name="n"/>') + b"<DATA>"), "called like others"),
    "a size that is text": ("t.vot", lambda: votable(b'arraysize="2"', b'arraysize="many"'), ""),
    "a stream that is packed": ("t.vot", lambda: votable(b'"base64"', b'"gzip"', STREAM), "packed"),
    # arrays
    "an array of 10^12 numbers": ("a.npy", lambda: npy("(1000000000000,)"), "its header tells of"),
    "an array of fewer than no numbers": ("a.npy", lambda: npy("(-1,)"), ""),
    "an array of objects": ("a.npy", lambda: npy("(60,)", "|O"), "no plain numbers"),
    "an array of 999 axes": ("a.npy", lambda: npy("(" + "1," * 40 + ")"), ""),
    "an entry of 10^12 numbers": ("a.npz", lambda: npz(rows=npy("(1000000000000,)")), "tells of"),
    "an entry that unpacks to 300 MB": ("a.npz", lambda: npz(rows=NPY + bytes(300 << 20)), "would unpack to"),
    "an entry that says it is 4 GiB": ("a.npz", lambda: directory(24, 2**32 - 2), "would unpack to"),
    "an entry that says it is less": ("a.npz", lambda: directory(24, 9), ""),
    "an entry that is elsewhere": ("a.npz", lambda: directory(42, 2**31), ""),
    # Zarr
    "10^12 spectra": ("a", lambda: zarr("flux/zarr.json", "shape", value=[10**12, 24]), "can hold"),
    "10^12 spectra in a manifest": ("a", lambda: zarr("manifest.json", "rows", value=10**12), ""),
    "chunks of 10^12": ("a", lambda: zarr(
        "wave/zarr.json", "chunk_grid", "configuration", "chunk_shape", value=[10**12]), "chunk_shape"),
    "chunks of another number of axes": ("a", lambda: zarr(
        "wave/zarr.json", "chunk_grid", "configuration", "chunk_shape", value=[1, 24]), "chunk_shape"),
    "a codec that makes objects": ("a", lambda: zarr(
        "wave/zarr.json", "codecs", value=[{"name": "numcodecs.pickle"}]), "codecs"),
    "codecs within codecs": ("a", lambda: zarr(
        "wave/zarr.json", "codecs", value=[{"name": "bytes"}, *[{"name": "gzip", "configuration": {"level": 1}}] * 2]),
        "packed once"),
    "no codec": ("a", lambda: zarr("wave/zarr.json", "codecs", value=[]), "codecs"),
    "another type of numbers": ("a", lambda: zarr("wave/zarr.json", "data_type", value="float16"), ""),
    "a chunk that is cut": ("a", lambda: chunk(lambda raw: raw[:-9]), "a chunk"),
    "a chunk of nothing": ("a", lambda: chunk(lambda raw: b""), "a chunk"),
    "a chunk that says it is 2 GiB": ("a", lambda: chunk(
        lambda raw: raw[:4] + (2**31 - 1).to_bytes(4, "little") + raw[8:]), "a chunk"),
}
