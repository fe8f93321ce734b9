"""A set of spectra put together from shards that were written by themselves, in any order and in any process."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .folders import part_of, put_in_place, writable, write_json
from .rounding import as_stored
from .seeds import content_hash, file_hash
from .store import ARRAYS, FORMAT, VERSION, create_array, create_group, told_of

if TYPE_CHECKING:
    import pandas as pd

SUFFIX = ".shard"


@dataclass(frozen=True)
class Shard:
    """One shard of every array.

    Attributes
    ----------
    rows : int
        :data:`.store.SHARD`, or fewer in the last one.
    files : mapping
        Name of an array → its file.
    hashes : mapping
        Name of an array → hash of its values.
    """

    rows: int
    files: Mapping[str, Path]
    hashes: Mapping[str, str]


def write_shard(folder: Path, arrays: Mapping[str, NDArray[Any]], *, precision: str = "full") -> Shard:
    """Write up to :data:`.store.SHARD` rows as the files that a Zarr array holds them in.

    Parameters
    ----------
    folder : Path
        For the files, ``NAME.shard``.
    arrays : mapping
        Name → ``(n, p)`` array.
    precision : {"full", "rounded"}
        As in :class:`.store.SpectrumWriter`.
    """
    import zarr

    files, hashes, rows = {}, {}, 0
    for name, given in arrays.items():
        values = as_stored(name, np.asarray(given, dtype=ARRAYS[name]), precision)
        rows = len(values)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            array = create_array(zarr.create_group(store=scratch), name, (rows, values.shape[1]))
            array[:] = values
            written = Path(scratch) / name / "c" / "0" / "0"
            files[name] = folder / f"{name}{SUFFIX}"
            if written.exists():
                os.replace(written, files[name])
            else:  # nothing but fill values: Zarr writes no file
                files[name].write_bytes(b"")
        hashes[name] = content_hash(values)
    return Shard(rows, files, hashes)


def join_shards(path: str | Path, wave: NDArray[np.float64], shards: Sequence[Shard], table: pd.DataFrame, *,
                provenance: Mapping[str, Any] | None = None, precision: str = "full") -> Path:
    """Put a set of normalised spectra at rest together; it appears when it is whole.

    The files of the shards stay where they are.

    Parameters
    ----------
    path : path-like
        Of the set; one that is there is replaced.
    wave : (p,) array
        Vacuum Å.
    shards : sequence of Shard
        In order; all but the last full.
    table : DataFrame
        One row a spectrum.
    provenance : mapping, optional
        As in :class:`.store.SpectrumWriter`.
    precision : {"full", "rounded"}
        What the shards were written with.
    """
    folder = writable(path, FORMAT)
    part = part_of(folder)
    part.parent.mkdir(parents=True, exist_ok=True)
    rows = sum(shard.rows for shard in shards)
    names = list(shards[0].files) if shards else ["flux"]
    told = told_of(provenance, precision)
    try:
        group = create_group(part, np.asarray(wave, dtype=np.float64), told)
        for name in names:
            create_array(group, name, (rows, len(wave)))
            for number, shard in enumerate(shards):
                if shard.files[name].stat().st_size:
                    _link(shard.files[name], part / name / "c" / str(number) / "0")
        table.to_parquet(part / "table.parquet", index=False)
        write_json(part / "manifest.json", {
            "format": FORMAT, "version": VERSION, "frame": "rest", "scale": "normalised", "arrays": names,
            "provenance": told, "rows": rows, "table": file_hash(part / "table.parquet"),
            "wave": content_hash(np.asarray(wave, np.float64)),
            "shards": [{"rows": shard.rows, "blake2": dict(shard.hashes)} for shard in shards]})
        put_in_place(part, folder, FORMAT)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Path(path)


def _link(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where a file system has no such thing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
