"""Inputs of the fuzzer: whole files, one of which was changed in the ways of its kind."""

from __future__ import annotations

import gzip
from collections.abc import Callable

from benchmarks._fuzz_changes import FITS_CHANGES
from benchmarks._fuzz_files import LARGEST, Files, seeds
from benchmarks._fuzz_kept import CHUNK_CHANGES, JSON_CHANGES, NPY_CHANGES, NPZ_CHANGES, kept
from benchmarks._fuzz_parquet import PARQUET_CHANGES
from benchmarks._fuzz_picks import Picks
from benchmarks._fuzz_tables import CSV_CHANGES, ECSV_CHANGES, VOTABLE_CHANGES, change_gzip

CHANGES: dict[str, tuple[Callable[[bytes, Picks], bytes], ...]] = {
    "csv": CSV_CHANGES, "ecsv": ECSV_CHANGES, "parquet": PARQUET_CHANGES, "vot": VOTABLE_CHANGES, "npz": NPZ_CHANGES,
    "npy": NPY_CHANGES, "json": JSON_CHANGES, "fits": FITS_CHANGES, "fit": FITS_CHANGES, "gz": (change_gzip,)}


LONGEST = 1 << 17
"""Bytes of a table in text: what reads them takes a hundred times as long as what reads FITS."""


def kind_of(name: str) -> str:
    """Return what changes a file has by its name; chunks of Zarr have none."""
    return name.rpartition("/")[2].rpartition(".")[2] if "." in name.rpartition("/")[2] else "chunk"


def changed(name: str, content: bytes, picks: Picks) -> bytes:
    """Return a file with up to five changes of its kind."""
    kind = kind_of(name)
    changes, most = CHANGES.get(kind, CHUNK_CHANGES), LONGEST if kind in ("csv", "ecsv", "vot") else LARGEST
    for _ in range(picks.number(1, 5)):
        content = picks.choice(changes)(content, picks)[:most]
    return content


def mutant(picks: Picks) -> Files:
    """Return a survey, or something beside one, with some changes in one of its files."""
    kinds = {kind: [name for name in seeds() if kind in name] for kind in ("real", "table")}
    few = [name for name in seeds() if name not in kinds["real"] + kinds["table"]]
    which = picks.number(0, 31)                     # tables in text take ten times as long
    if which in (26, 27):
        files = dict(kept()[picks.choice(list(kept()))])
    else:
        files = dict(seeds()[picks.choice(kinds["real"] if which == 31 else kinds["table"] if which > 27 else few)])
    name = picks.choice(sorted(files))
    content = files.pop(name)
    packed = kind_of(name) in ("fits", "fit") and picks.number(0, 15) == 15
    if packed:                                      # whole within or changed, and the packing changed or not
        content = gzip.compress(changed(name, content, picks) if picks.number(0, 1) else content, 1)
        name += ".gz"
    files[name] = changed(name, content, picks) if not packed or picks.number(0, 3) else content
    return files
