"""What the fuzzer changes is changed, and still of its kind: else it would only show that rubbish is refused."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Callable

import pytest

from benchmarks._fuzz_files import seeds
from benchmarks._fuzz_kept import (
    GROUP,
    change_chunk,
    change_entry,
    change_json,
    change_npy,
    change_zip,
    kept,
    zarr_files,
)
from benchmarks._fuzz_mutants import CHANGES, kind_of, mutant
from benchmarks._fuzz_parquet import PAGES, Walk, change_footer, change_page, numbers, plain, raw_at, with_number
from benchmarks._fuzz_picks import FromRandom, Picks
from benchmarks._fuzz_tables import (
    change_attribute,
    change_cell,
    change_element,
    change_gzip,
    change_rows,
    change_stream,
    change_yaml,
)

PARQUET = seeds()["parquet table"]["t.parquet"]
ECSV = seeds()["ecsv table"]["t.ecsv"]
CSV = seeds()["long table"]["long.csv"]
PACKED = gzip.compress(seeds()["spec"]["spec.fits"])
VOTABLE, STREAM = kept()["votable tabledata"]["t.vot"], kept()["votable binary2"]["t.vot"]
META = zarr_files()[f"{GROUP}/flux/zarr.json"]
CHUNK = zarr_files()[f"{GROUP}/flux/c/0/0"]


def is_zip(content: bytes) -> bool:
    return b"PK" in content


def is_packed(content: bytes) -> bool:
    """Begins as gzip, or is what gzip holds."""
    return len(content) < 10 or content.startswith(b"\x1f\x8b") or b"SIMPLE" in _any(content)


def _any(content: bytes) -> bytes:
    for bits in (-15, 15):
        try:
            return zlib.decompressobj(bits).decompress(content, 999)
        except zlib.error:
            continue
    return b""


KINDS: dict[str, tuple[Callable[[bytes, Picks], bytes], bytes, Callable[[bytes], object]]] = {
    "footers of Parquet": (change_footer, PARQUET, lambda made: made[:4] == made[-4:] == b"PAR1"),
    "pages of Parquet": (change_page, PARQUET, lambda made: made[:4] == made[-4:] == b"PAR1" and numbers(made)[1]),
    "headers of ECSV": (change_yaml, ECSV, lambda made: b"wave flux" in made and made.count(b"\n#") > 2),
    "cells": (change_cell, CSV, lambda made: made.count(b",") > 50),
    "rows of CSV": (change_rows, CSV, lambda made: made.count(b",") > 50),
    "rows of ECSV": (change_rows, ECSV, lambda made: b"ECSV" in made or b"datatype" in made),
    "gzip": (change_gzip, PACKED, is_packed),
    "attributes of VOTables": (change_attribute, VOTABLE, lambda made: b"</VOTABLE>" in made),
    "elements of VOTables": (change_element, VOTABLE, lambda made: b"TABLE" in made),
    "streams of VOTables": (change_stream, STREAM, lambda made: b'base64">' in made and b"</VOTABLE>" in made),
    "metadata of Zarr": (change_json, META, json.loads),
    "chunks of Zarr": (change_chunk, CHUNK, lambda made: True),
    "headers of arrays": (change_npy, kept()["npy"]["a.npy"], lambda made: made.startswith(b"\x93NUMPY")),
    "directories of archives": (change_zip, kept()["npz"]["a.npz"], is_zip),
    "entries of archives": (change_entry, kept()["npz"]["a.npz"],
                            lambda made: zipfile.ZipFile(io.BytesIO(made)).namelist()),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_change_makes_another_file_of_the_same_kind(name: str) -> None:
    change, whole, of_the_kind = KINDS[name]
    made = [change(whole, FromRandom(seed)) for seed in range(40)]
    assert made == [change(whole, FromRandom(seed)) for seed in range(40)], "equal choices, equal files"
    assert sum(one != whole for one in made) > 20
    assert len(set(made)) > 10
    assert sum(bool(of_the_kind(one)) for one in made) > 30


@pytest.mark.parametrize("kind", CHANGES)
def test_changes_of_what_was_changed_do_not_end(kind: str) -> None:
    """Each has to take what the others, or rubbish, have left."""
    for seed in range(60):
        picks = FromRandom(seed)
        content = (PARQUET, ECSV, STREAM, PACKED, META, CHUNK, b"", b"\xff" * 9)[seed % 8]
        for _ in range(4):
            content = picks.choice(CHANGES[kind])(content, picks)[: 1 << 14]


def test_other_numbers_in_the_header_of_a_page_leave_the_other_pages_where_they_are_told() -> None:
    import pyarrow.parquet as pq

    whole = pq.read_table(io.BytesIO(PARQUET))
    _, told = numbers(PARQUET)
    first, second = sorted(plain(raw_at(PARQUET, one)) for one in told if one.path in PAGES)[:2]
    size = next(one for one in Walk(PARQUET, first).found if one.path == (2,))
    made = with_number(PARQUET, size, 2**40)
    grown = len(made) - len(PARQUET)
    assert grown > 3
    again = sorted(plain(raw_at(made, one)) for one in numbers(made)[1] if one.path in PAGES)[:2]
    assert again == [first, second + grown]
    columns = whole.column_names[1:]
    assert pq.read_table(io.BytesIO(made), columns=columns).equals(whole.select(columns))
    with pytest.raises(OSError, match="end of stream"):
        pq.read_table(io.BytesIO(made))


def test_rows_that_are_told_in_the_footer_are_what_pyarrow_reads_there() -> None:
    import pyarrow.parquet as pq

    rows = next(one for one in numbers(PARQUET)[1] if one.path == (3,))
    assert pq.read_metadata(io.BytesIO(with_number(PARQUET, rows, 2**40))).num_rows == 2**40


def test_inputs_are_of_every_kind() -> None:
    made = [mutant(FromRandom(seed)) for seed in range(1500)]
    kinds = {kind_of(name) for files in made for name in files}
    assert kinds == {*CHANGES, "chunk"}
