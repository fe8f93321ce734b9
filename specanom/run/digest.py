"""What the results of a run are, in a few characters each: hashes of values, not of files.

Two runs of the same files agree in all of them, whatever machine, workers or partitions made them. Times, paths,
compression and the order of row groups say nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError, message
from .failures import PREFIX

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 4096
"""Rows of an array that are read at a time."""
FOLDERS = ("clusters", "knowledge", "model", "pca")
"""Folders of results that are neither tables nor stores of arrays."""
WHERE_AND_WHEN = ("path", "provenance")
"""Columns that tell where files are, and when and in which folder a run was made."""
_READABLE = (".parquet", ".npz", ".npy", ".safetensors")


def digests(run_dir: str | Path, *, stores: bool = True) -> dict[str, str]:
    """Return a hash of every result of a run.

    Parameters
    ----------
    run_dir : path-like
        A run folder.
    stores : bool
        Also those of spectra, explanations and models, which are read whole for it; tables alone otherwise.

    Returns
    -------
    dict
        Path in the run folder → hash of the values: of every Parquet table (names, types and values of the columns, in
        their order), every Zarr store (all arrays, and the table within) and the arrays of models, clusters and
        knowledge bases. Lists of what failed are left out, since they tell of partitions; so are files that hold
        the same in another form.

    Raises
    ------
    DataError
        When there is no such folder, or a result cannot be read.

    Examples
    --------
    >>> digests("runs/first") == digests("runs/on the cluster")                         # doctest: +SKIP
    True
    """
    folder = Path(run_dir)
    if not folder.is_dir():
        raise DataError(message("run_dir", expected="a run folder", got=f"no folder {folder}"))
    found = {}
    for path in sorted(_results(folder, stores=stores)):
        try:
            found[path.relative_to(folder).as_posix()] = content_digest(path)
        except (OSError, ValueError, KeyError) as exc:
            raise DataError(message("run_dir", expected=f"a readable {path}", got=f"{type(exc).__name__}: {exc}",
                                    hint=f"specanom run --run-dir {folder} makes it again")) from exc
    return found


def content_digest(path: str | Path) -> str:
    """Return the hash of the values of a table, a file of arrays, a Zarr store, or a folder of these."""
    path = Path(path)
    digest = hashlib.sha256()
    if path.is_dir():
        files = sorted(one for one in path.rglob("*") if one.suffix in _READABLE and one.is_file())
        parts: Iterator[tuple[str, str]] = ((one.relative_to(path).as_posix(), content_digest(one)) for one in files)
        for name, value in [*parts, *_zarr(path)]:
            digest.update(f"{name}\x1f{value}\n".encode())
    elif path.suffix == ".parquet":
        _add_table(digest, path)
    elif path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            for name in sorted(arrays.files):
                digest.update(f"{name}\x1f{_of_array(arrays[name])}\n".encode())
    elif path.suffix == ".npy":
        digest.update(_of_array(np.load(path, allow_pickle=False, mmap_mode="r")).encode())
    else:
        with open(path, "rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    return digest.hexdigest()


def _results(folder: Path, *, stores: bool) -> Iterator[Path]:
    for table in [*folder.glob("*.parquet"), *folder.glob("tables/*.parquet")]:
        if not table.name.startswith((PREFIX, ".")):
            yield table
    if stores:
        yield from (path for path in folder.glob("*.zarr") if path.is_dir())
        yield from (folder / name for name in FOLDERS if (folder / name).is_dir())


def _add_table(digest: Any, path: Path) -> None:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    digest.update(f"{file.metadata.num_rows}\n".encode())
    for field in [one for one in file.schema_arrow if one.name not in WHERE_AND_WHEN]:
        column = file.read(columns=[field.name]).column(0).combine_chunks()
        kind = str(field.type).removeprefix("large_")
        digest.update(f"{field.name}\x1f{kind}\x1f{_of_column(column)}\n".encode())


def _of_column(column: pa.Array) -> str:
    """Return the hash of a column: numbers by their bits, any NaN the same, texts and lists as JSON."""
    import pyarrow as pa

    digest = hashlib.sha256()
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        digest.update(np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_).tobytes())
        values = np.asarray(column.drop_null().to_numpy(zero_copy_only=False))
        digest.update(_of_array(values).encode())
    else:
        for start in range(0, len(column), ROWS):
            digest.update(json.dumps(column[start : start + ROWS].to_pylist(), default=str).encode())
    return digest.hexdigest()


def _of_array(array: Any) -> str:
    """Return the hash of an array in memory or in a store, block by block."""
    digest = hashlib.sha256(f"{array.shape}\x1f{np.dtype(array.dtype).newbyteorder('=').str}\n".encode())
    for start in range(0, array.shape[0] if array.ndim else 1, ROWS):
        block = np.array(array[start : start + ROWS] if array.ndim else array[()])
        block = block.astype(block.dtype.newbyteorder("="))
        if block.dtype.kind == "f":
            block[np.isnan(block)] = np.nan  # one NaN is as good as another
        digest.update(block.tobytes())
    return digest.hexdigest()


def _zarr(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and hash of every array of a store; none of a folder that is none."""
    if not (folder / "zarr.json").exists():
        return
    import zarr

    for one in sorted(path.parent for path in folder.glob("*/zarr.json")):
        yield f"{one.name}/", _of_array(zarr.open_array(str(one), mode="r"))
