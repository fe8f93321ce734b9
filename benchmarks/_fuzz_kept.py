"""Files beside spectra that strangers give (arrays, Zarr groups, VOTables): whole ones, and changes of them."""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._fuzz_files import Files
from benchmarks._fuzz_picks import LIES, Picks, change_bytes, cut
from benchmarks._fuzz_tables import change_gzip

GROUP = "spectra.zarr"
VALUES: tuple[Any, ...] = (*LIES, None, True, 1.5, 1e300, "", "float64", "object", "NaN", "int8", "/", [], {}, [1],
                           [2**40], [[1]], ["x"] * 3,
                           {"name": "zstd", "configuration": {"level": 0, "checksum": False}},
                           {"name": "gzip", "configuration": {"level": 1}}, {"name": "bytes"}, {"name": "crc32c"},
                           {"name": "numcodecs.pickle"}, {"name": "vlen-utf8"},
                           {"name": "transpose", "configuration": {"order": [1, 0]}},
                           {"name": "blosc", "configuration": {"cname": "lz4", "clevel": 1, "shuffle": "noshuffle",
                                                               "typesize": 8, "blocksize": 0}})


# -- whole ones ------------------------------------------------------------------------------------------------------

def array_files() -> Files:
    """An npz file of numbers and texts, packed."""
    made = io.BytesIO()
    np.savez_compressed(made, rows=np.arange(40), wave=np.linspace(3800.0, 9200.0, 40), names=np.array(["a", "bc"]))
    return {"a.npz": made.getvalue()}


def npy_files() -> Files:
    """An array."""
    made = io.BytesIO()
    np.save(made, np.ones((3, 40), np.float32))
    return {"a.npy": made.getvalue()}


def zarr_files(rows: int = 6, n: int = 24) -> Files:
    """Spectra as they are kept: a Zarr group, a table in Parquet and a manifest."""
    import pandas as pd

    import specanom as sa

    table = pd.DataFrame({"id": [f"s{i}" for i in range(rows)], "z": 0.1})
    whole = sa.SpectrumSet(np.linspace(4000.0, 7000.0, n), np.ones((rows, n), np.float32), table=table)
    with tempfile.TemporaryDirectory() as folder:
        whole.save(Path(folder) / GROUP)
        return {path.relative_to(folder).as_posix(): path.read_bytes()
                for path in sorted((Path(folder) / GROUP).rglob("*")) if path.is_file()}


def votable_files(kind: str) -> Files:
    """A catalogue as VOTable: its data as text, or as a binary stream, with arrays of any size in it."""
    from astropy.io.votable import from_table
    from astropy.table import Table

    cells = np.array(["a", "bc", "def"], dtype=object)
    lists = np.empty(3, dtype=object)
    lists[:] = [np.ma.array(np.ones(size), mask=np.zeros(size, bool)) for size in (2, 1, 3)]
    made = io.BytesIO()
    table = Table({"id": cells, "ra": [1.0, 2.0, 3.0], "dec": [1.0, 2.0, 3.0], "n": [1, 2, 3], "lists": lists,
                   "pair": np.ones((3, 2))})
    from_table(table).to_xml(made, tabledata_format=kind)
    return {"t.vot": made.getvalue()}


@cache
def kept() -> dict[str, Files]:
    """Return the files that are changed, by name."""
    return {"npz": array_files(), "npy": npy_files(), "zarr": zarr_files(),
            **{f"votable {kind}": votable_files(kind) for kind in ("tabledata", "binary", "binary2")}}


# -- changes ---------------------------------------------------------------------------------------------------------

def places(content: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return every place of a JSON value."""
    inside = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [found for key, value in inside for found in ((*at, key), *places(value, (*at, key)))]


def change_json(content: bytes, picks: Picks) -> bytes:
    """Put another value into a place of metadata, drop the place, or put what is there in twice."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return change_bytes(content, picks)
    every = places(told)
    if not every:
        return change_bytes(content, picks)
    *before, last = picks.choice(every)
    inside = told
    for key in before:
        inside = inside[key]
    kind, old = picks.number(0, 7), inside[last]
    if kind == 0:
        del inside[last]
    elif kind == 1:
        inside[last] = [old, picks.choice(VALUES)]
    elif kind == 2 and isinstance(old, list):
        inside[last] = old + old + [picks.choice(VALUES)]
    else:
        inside[last] = picks.choice(VALUES)
    return json.dumps(told).encode()


def change_npy(content: bytes, picks: Picks) -> bytes:
    """Tell another shape, type or order in the header of an array."""
    size = int.from_bytes(content[8:10], "little")
    head = content[10 : 10 + size].decode("latin-1").rstrip()
    sizes = ", ".join(str(picks.choice(LIES)) for _ in range(picks.number(0, 3)))
    types = ("<f8", "|O", "|V8", "<U999999999", "|S0", "<M8[s]", ">i2", "", "<f8,<f8", "|b1")
    head = picks.choice((
        lambda: re.sub(r"\([^)]*\)", f"({sizes},)", head),
        lambda: re.sub(r"'[<>|]\w+'", repr(picks.choice(types)), head),
        lambda: head.replace("False", picks.choice(("True", "0", "None"))), lambda: head + "(" * picks.choice((1, 99)),
        lambda: head.replace("shape", "form")))()
    return content[:8] + len(head).to_bytes(2, "little") + head.encode("latin-1") + content[10 + size :]


def change_zip(content: bytes, picks: Picks) -> bytes:
    """Lie in the directory of an archive: sizes, sums, where entries begin, how many there are."""
    found = [one.start() for one in re.finditer(b"PK\x01\x02|PK\x03\x04|PK\x05\x06", content)]
    if not found:
        return change_bytes(content, picks)
    at = picks.choice(found) + picks.choice((4, 6, 8, 10, 14, 16, 18, 20, 22, 24, 26, 28, 42))
    return content[:at] + struct.pack("<I", picks.choice(LIES) & (2**32 - 1)) + content[at + 4 :]


def change_entry(content: bytes, picks: Picks) -> bytes:
    """Pack the arrays of an archive anew: one with another header, twice, under another name, or larger."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            held = [(name, archive.read(name)) for name in archive.namelist()[:20]]
    except Exception:  # what was changed before may be no archive
        return change_bytes(content, picks)
    if not held:
        return content
    at, kind = picks.number(0, len(held) - 1), picks.number(0, 4)
    name, raw = held[at]
    if kind <= 1:
        held[at] = name, change_npy(raw, picks)
    elif kind == 2:
        held[at] = name, raw + bytes(picks.choice((1, 1 << 16, 1 << 22)))
    else:
        held.append((picks.choice((name, "../../a.npy", "a", "b.npy", "/a.npy", "a.npy" * 9000)), raw))
    made = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        warnings.simplefilter("ignore")                 # of names that are there twice
        for name, raw in held:
            archive.writestr(zipfile.ZipInfo(name), raw, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def change_chunk(content: bytes, picks: Picks) -> bytes:
    """Change a chunk: the size that a frame tells, its end, or a frame of something else."""
    kind = picks.number(0, 4)
    if kind == 0:
        return change_gzip(gzip.compress(content, 1), picks)
    if kind == 1:                                       # the size in a frame of Blosc, or the index at a shard's end
        at = picks.choice((4, 8, 12, max(len(content) - 20, 0), max(len(content) - 12, 0)))
        return content[:at] + struct.pack("<I", picks.choice(LIES) & (2**32 - 1)) + content[at + 4 :]
    return cut(content, picks) if kind == 2 else change_bytes(content, picks)


Change = Callable[[bytes, Picks], bytes]
NPZ_CHANGES: tuple[Change, ...] = (change_zip, change_zip, change_entry, change_entry, change_bytes, cut)
NPY_CHANGES: tuple[Change, ...] = (change_npy, change_npy, change_bytes, cut)
JSON_CHANGES: tuple[Change, ...] = (change_json, change_json, change_json, change_bytes)
CHUNK_CHANGES: tuple[Change, ...] = (change_chunk,)
