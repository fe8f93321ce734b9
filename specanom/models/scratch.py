"""Spectra to train on: in memory, or as a copy on disk from which rows are drawn when the sample is too large for it.

A shuffled row of a compressed set costs a whole chunk of it. Training therefore draws from a plain copy, which is
written once, block by block. The weights are the same bits either way.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..errors import DataError, message
from ..folders import writable, write_json
from ..seeds import content_hash
from ..spectrumset import SpectrumSet
from ..store import StoredRows
from .distributed import Group
from .folds import hash_rows
from .inputs import Floats, Rows, check_finite, check_state, read_rows
from .memory import is_large
from .on_disk import BLOCK, NpyWriter, OnDisk

FORMAT = "specanom scratch"
VERSION = 1
_MANIFEST = "manifest.json"


def outgrows_memory(sample: Any) -> bool:
    """Whether a set of spectra lies on disk and would take more than a quarter of the free memory."""
    return isinstance(sample, SpectrumSet) and _is_lazy(sample) and is_large(_size(sample))


@contextlib.contextmanager
def training_rows(
    argument: str, sample: Any, *, scratch: str | Path | None, finite: bool = True
) -> Iterator[Rows]:
    """Give the rows of a sample for training.

    Parameters
    ----------
    argument : str
        What the sample is called in errors.
    sample : SpectrumSet or (n, p) array
        To train on.
    scratch : path-like or None
        Folder for a copy of a SpectrumSet, which is kept, and taken again for the same set. With None there is a
        copy only when :func:`outgrows_memory`, in the system's folder for temporary files, and it is removed.
    finite : bool
        Whether flux that is not finite is refused.

    Yields
    ------
    Rows
        With flux and ivar as arrays or :class:`.on_disk.OnDisk`; from the latter rows can be taken by index.

    Raises
    ------
    DataError
        As :func:`.inputs.read_rows`; when something else is in the folder, or there is no room for the copy.
    """
    group = Group.current()
    on_disk = isinstance(sample, SpectrumSet) and (
        scratch is not None or group.from_first(lambda: bytes([outgrows_memory(sample)])) == b"\1")
    if not on_disk:
        rows = read_rows(argument, sample, finite=finite)
        yield rows if scratch is None else replace(rows, scratch=Path(scratch))
        return
    check_state(argument, sample)
    with contextlib.ExitStack() as stack:
        yield _on_disk(sample, scratch, stack, lambda flux, first: check_finite(argument, flux, first=first)
                       if finite else None)


def _on_disk(
    sample: SpectrumSet, scratch: str | Path | None, stack: contextlib.ExitStack, check: Callable[[Floats, int], None]
) -> Rows:
    group = Group.current()
    folder = Path(scratch or group.from_first(lambda: tempfile.mkdtemp(prefix="specanom-").encode()).decode())
    try:
        group.on_first(lambda: _copy(sample, folder, check))
        arrays = {name: OnDisk.open(folder / f"{name}.npy") for name in _names(sample)}
        contents = np.load(folder / "contents.npy", allow_pickle=False)
        group.barrier()
    finally:
        if scratch is None and group.first:  # open files live on without their names, until this process ends
            shutil.rmtree(folder, ignore_errors=True)
    for array in arrays.values():
        stack.callback(array.close)
    # Of an array training asks for rows by index, its shape and its dtype: all of which these have.
    flux, ivar = cast(Floats, arrays["flux"]), cast("Floats | None", arrays.get("ivar"))
    return Rows(flux, ivar, tuple(sample.ids), sample.wave, contents, None if scratch is None else folder)


def _copy(sample: SpectrumSet, folder: Path, check: Callable[[Floats, int], None]) -> None:
    """Write the copy, unless it is there; its manifest is whole when it is."""
    told = {"format": FORMAT, "version": VERSION, "of": _fingerprint(sample), "rows": len(sample),
            "pixels": sample.shape[1], "arrays": _names(sample)}
    writable(folder, FORMAT)
    manifest = folder / _MANIFEST
    if told["of"] and manifest.is_file() and json.loads(manifest.read_text()) == told:
        return
    folder.mkdir(parents=True, exist_ok=True)
    room = shutil.disk_usage(folder).free
    if _size(sample) > room:
        raise DataError(message("scratch", expected=f"{_size(sample) / 1e9:.1f} GB free for a copy of the sample",
                                got=f"{room / 1e9:.1f} GB in {folder}", hint="scratch=FOLDER on a larger disk"))
    write_json(manifest, {"format": FORMAT, "version": VERSION, "of": "", "being written": True})
    writers = {name: NpyWriter(folder / f"{name}.npy", sample.shape) for name in _names(sample)}
    hashes, first = [], 0
    try:
        for block in sample.blocks(BLOCK):
            check(block.flux, first)
            hashes.append(hash_rows(block.flux))
            for name, writer in writers.items():
                writer.append(getattr(block, name))
            first += len(block)
    finally:
        for writer in writers.values():
            writer.close()
    np.save(folder / "contents.npy", np.concatenate(hashes) if hashes else np.empty(0, np.uint64))
    write_json(manifest, told)


def _names(sample: SpectrumSet) -> list[str]:
    return ["flux"] if sample.rows("ivar") is None else ["flux", "ivar"]


def _size(sample: SpectrumSet) -> float:
    n, p = sample.shape
    return 4.0 * n * p * len(_names(sample))


def _is_lazy(sample: SpectrumSet) -> bool:
    return isinstance(sample.rows("flux"), StoredRows)


def _fingerprint(sample: SpectrumSet) -> str:
    """Return what tells this sample from others without reading its pixels; nothing for what is not a saved set.

    The manifest of a saved set has a hash of every shard.
    """
    parts: list[Any] = [sample.wave, repr(sample.ids)]
    for name in _names(sample):
        rows = sample.rows(name)
        root = getattr(getattr(getattr(rows, "_array", None), "store", None), "root", None)
        if not isinstance(rows, StoredRows) or root is None or not (Path(root) / _MANIFEST).is_file():
            return ""
        parts += [(Path(root) / _MANIFEST).read_bytes(), rows._rows]
    return content_hash(*parts)
