"""What of a partitioned work exists: files put in place by rename, and for each partition a manifest, written last.

A file system can lose the end of a write, and a machine can stop between two files. So nothing is believed but a
manifest, and of a manifest only what the files bear out.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..disk import PART, disk_error
from ..errors import ArgumentError, DataError, SpecanomError, message
from ..folders import move_whole, write_json, write_whole
from .partition import Partition

if TYPE_CHECKING:
    import pandas as pd

FORM = "specanom partition"
VERSION = 2
MANIFESTS = "done"
"""Folder of the manifests, beside one folder for each kind of file."""
IDENTITY = ("format", "version", "partition", "start", "stop", "config", "inputs")
"""What a manifest says of a partition, but for what came of it."""

Made = Mapping[str, Any]
"""What a task returns, by name: a DataFrame (for a Parquet file), an array (``.npy``), a mapping of arrays (``.npz``),
the path of a file or folder it wrote there (which is moved), or anything that JSON holds."""


class Ledger:
    """The files of a partitioned work.

    Parameters
    ----------
    folder : path-like
        On a file system that all workers see.
    config : str
        A hash of all settings: what was made under another is made again.
    """

    def __init__(self, folder: str | Path, config: str) -> None:
        self.folder = Path(folder)
        self.config = config

    def manifest(self, partition: Partition) -> Path:
        """Return where the manifest of a partition is, or would be."""
        return self.folder / MANIFESTS / f"{_stem(self._identity(partition))}.json"

    def record(self, partition: Partition) -> dict[str, Any] | None:
        """Return the manifest of a partition when it fits and every file is there, byte by byte; None otherwise."""
        record = self.seen(partition)
        if record is None:
            return None
        try:
            whole = all(digest(self.folder / name) == known["sha256"] for name, known in record["files"].items())
        except (OSError, TypeError, KeyError, AttributeError):
            return None
        return record if whole else None

    def seen(self, partition: Partition) -> dict[str, Any] | None:
        """Return the manifest of a partition when it fits and every file is there in its size; None otherwise."""
        try:
            record: dict[str, Any] = json.loads(self.manifest(partition).read_text(encoding="utf-8"))
            if {**record, **self._identity(partition)} != record:
                return None
            there = all(_bytes(self.folder / name) == known["bytes"] for name, known in record["files"].items())
        except (OSError, ValueError, TypeError, KeyError, AttributeError):  # not there, torn, or somebody else's
            return None
        return record if there else None

    def write(self, partition: Partition, made: Made) -> dict[str, Any]:
        """Put what a task made in place, the manifest last, and return it.

        Raises
        ------
        DiskError
            When the disk does not take it.
        """
        try:
            return self._write(partition, made)
        except SpecanomError:
            raise
        except Exception as exc:
            told = disk_error(exc, self.folder)
            if told is None:
                raise
            raise told from exc

    def _write(self, partition: Partition, made: Made) -> dict[str, Any]:
        identity = self._identity(partition)
        files: dict[str, Any] = {}
        told: dict[str, Any] = {}
        for name, value in made.items():
            suffix, write = _writer(name, value)
            if write is None:
                told[name] = value
                continue
            path = self.folder / name / f"{_stem(identity)}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(value, Path):
                move_whole(value, path)
            else:
                write_whole(path, write)
            files[path.relative_to(self.folder).as_posix()] = {"sha256": digest(path), "bytes": _bytes(path)}
        record = {**identity, "told": told, "files": files}
        path = self.manifest(partition)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, record)
        return record

    def sweep(self, known: Iterable[Mapping[str, Any]]) -> int:
        """Delete every file that no manifest in `known` speaks of; returns how many.

        Halves that a killed worker left are among them, and partitions of a run that was parted otherwise.
        """
        known = list(known)
        kept = {self.folder / name for record in known for name in record["files"]}
        kept |= {self.folder / MANIFESTS / f"{_stem(record)}.json" for record in known}
        stray = [path for path in self.folder.glob("*/*")
                 if path not in kept and (path.name.startswith(("part-", ".nfs")) or path.name.endswith(PART))]
        for path in stray:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):  # of a disk that has become read-only
                    path.unlink(missing_ok=True)
        return len(stray)

    def _identity(self, partition: Partition) -> dict[str, Any]:
        return {"format": FORM, "version": VERSION, "partition": partition.number, "start": partition.start,
                "stop": partition.stop, "config": self.config, "inputs": partition.inputs}


def _stem(identity: Mapping[str, Any]) -> str:
    """Return what the files of a partition are called: a worker that nobody waits for may still write another's."""
    said = json.dumps([identity[name] for name in IDENTITY])
    return f"part-{identity['partition']:05d}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def size_of(record: Mapping[str, Any]) -> int:
    """Return the bytes that a manifest speaks of."""
    return sum(known["bytes"] for known in record["files"].values())


def _bytes(path: Path) -> int:
    """Return the size of a file; of a folder, of all files in it."""
    if path.is_dir():
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    return path.stat().st_size


def read_table(folder: Path, name: str, records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the rows of a table of all partitions, in their order.

    Raises
    ------
    DataError
        When no partition made such a table.
    """
    import pandas as pd

    paths = [folder / path for record in records for path in record["files"] if path.startswith(f"{name}/")]
    if not paths:
        raise DataError(message("name", expected="a table that the partitions made", got=repr(name)))
    parts = [pd.read_parquet(path) for path in paths]
    some = [part for part in parts if len(part)]  # an empty one has lost its dtypes
    table = pd.concat(some, ignore_index=True) if some else parts[0]
    table.attrs.update(parts[0].attrs)
    return table


def digest(path: Path) -> str:
    """Return the SHA-256 of a file; of a folder, of the names and hashes of all files in it."""
    if path.is_dir():
        files = sorted(one for one in path.rglob("*") if one.is_file())
        text = "".join(f"{one.relative_to(path).as_posix()}\x1f{digest(one)}\n" for one in files)
        return hashlib.sha256(text.encode()).hexdigest()
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _writer(name: str, value: Any) -> tuple[str, Any]:
    """Return the suffix of a file and what writes it; None when the value goes to the manifest itself."""
    if hasattr(value, "to_parquet"):
        return ".parquet", value.to_parquet
    if isinstance(value, Path):
        return value.suffix, Path
    if isinstance(value, np.ndarray):
        return ".npy", partial(_save_one, _plain(name, value))
    if isinstance(value, Mapping) and value and all(isinstance(one, np.ndarray) for one in value.values()):
        return ".npz", partial(_save_many, {key: _plain(name, one) for key, one in value.items()})
    return "", None


def _plain(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return an array that needs no pickle."""
    if array.dtype.hasobject:
        raise ArgumentError(message(name, expected="arrays of numbers", got="Python objects in one of them"))
    return array


def _save_one(array: NDArray[Any], path: Path) -> None:
    with open(path, "wb") as handle:  # given a name, numpy would append its own suffix
        np.save(handle, array, allow_pickle=False)


def _save_many(arrays: Mapping[str, NDArray[Any]], path: Path) -> None:
    with open(path, "wb") as handle:
        np.savez(handle, allow_pickle=False, **arrays)
