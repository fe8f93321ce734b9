"""Explanations written as they come: whole shards of arrays, a table row group by row group, a manifest at the end.

At no time is there more in memory than a shard. Everything goes to a folder beside the path and is renamed when it is
whole; without a manifest nothing is opened, so what a killed program leaves is never taken for finished.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError, message
from ..folders import FolderWriter, part_of, put_in_place, writable, write_json
from .joining import NUMBERS, TEXT, Joining, check_same, empty_of, same_array
from .names import NONE

if TYPE_CHECKING:
    from .explanationset import ExplanationSet, Skipped

FORMAT = "specanom explanations"
VERSION = 2
LARGE = ("weights", "interval", "error", "shares", "narrow", "flux")
ROWS = 4096  # rows of a shard
CHUNK = 64  # rows of a chunk: what reading one explanation costs


class ExplanationWriter(FolderWriter):
    """Writes explanations in blocks; the set appears at `path` when it is finished.

    Parameters
    ----------
    path : path-like
        Folder to make, e.g. ``"explanations.zarr"``.
    overwrite : bool
        Whether a finished set at `path` may be replaced.

    Raises
    ------
    DataError
        When something other than saved explanations or an empty folder is at `path`.
    """

    def __init__(self, path: str | Path, *, overwrite: bool = True) -> None:
        self.path = Path(path)
        self._folder = writable(path, FORMAT, overwrite=overwrite)
        self._part = part_of(self._folder)
        self._waiting = Joining()
        self._head: dict[str, Any] = {}
        self._group: Any = None
        self._table: Any = None
        self._rows = 0
        self._whole = {"narrow": True, "flux": True}
        self._skipped: list[dict[str, str]] = []
        self._kind: type[ExplanationSet]
        self._vocabulary: dict[str, int] = {}

    def append(self, block: ExplanationSet) -> None:
        """Add explanations.

        Raises
        ------
        GridError, DataError
            When their wavelengths or settings are others than those before.
        """
        if not self._head:
            self._head = {"wave": block.wave, "frame": block.frame, "settings": dict(block.settings),
                          "segments": block.segments if block.segments.ndim == 1 else block.segments[0]}
        check_same(self._head, block)
        self._waiting.append(block)
        if self._waiting.rows >= ROWS:
            self._write(type(block)(**self._waiting.finish()))
        self._kind = type(block)

    def skip(self, skipped: Iterable[Skipped]) -> None:
        """Note spectra that have no explanation."""
        self._skipped += [{"id": one.id, "reason": one.reason} for one in skipped]

    def _write(self, many: ExplanationSet) -> None:
        """Write whole shards, and keep what is left of the last one waiting."""
        whole = len(many) - len(many) % ROWS
        for start in range(0, whole, ROWS):
            self._write_shard(many[start : start + ROWS])
        if whole < len(many):
            self._waiting.append(many[whole:])

    def _write_shard(self, block: ExplanationSet) -> None:
        import zarr

        if self._group is None:
            self._part.parent.mkdir(parents=True, exist_ok=True)
            self._group = zarr.create_group(store=str(self._part))
            self._group.create_array("wave", data=block.wave)
        for name in LARGE:
            values = getattr(block, name)
            if values is None:
                self._whole[name] = False
            else:
                self._put(name, values)
        self._put("names", block.names.coded(self._vocabulary), empty=NONE)
        self._put_segments(block)
        self._put_table(block)
        self._rows += len(block)

    def _put(self, name: str, values: Any, empty: float | None = None) -> None:
        """Write the next rows of an array; more columns than before leave the earlier rows empty there."""
        from zarr.codecs import BloscCodec

        if name not in self._group:
            empty = empty_of(values) if empty is None else empty
            self._group.create_array(
                name, shape=(0, *values.shape[1:]), dtype=values.dtype, fill_value=values.dtype.type(empty),
                chunks=(CHUNK, *values.shape[1:]), shards=(ROWS, *values.shape[1:]),
                compressors=BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle"))
        array = self._group[name]
        wide = tuple(np.maximum(array.shape[1:], values.shape[1:]).tolist())
        array.resize((self._rows + len(values), *wide))
        array[(slice(self._rows, None), *(slice(size) for size in values.shape[1:]))] = values

    def _put_segments(self, block: ExplanationSet) -> None:
        """Write the cut once while all rows share it, and row by row from when one does not."""
        first = self._head["segments"]
        shared = block.segments.ndim == 1 and same_array(block.segments, first)
        if "segments" not in self._group:
            if shared:
                return
            rows, self._rows = self._rows, 0
            for start in range(0, rows, ROWS):  # earlier rows, of whole shards, had the first cut
                self._put("segments", np.tile(first.astype(np.int32), (ROWS, 1)))
                self._rows = start + ROWS
        self._put("segments", np.broadcast_to(block.segments, (len(block), first.size)).astype(np.int32))

    def _put_table(self, block: ExplanationSet) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        columns = {name: pa.array(getattr(block, name), pa.string()) for name in TEXT}
        columns |= {name: pa.array(getattr(block, name)) for name in NUMBERS}
        made = pa.table(columns)
        if self._table is None:
            self._table = parquet.ParquetWriter(self._part / "table.parquet", made.schema)
        self._table.write_table(made)

    def close(self) -> Path:
        """Write what is left and the manifest, and put the set in its place.

        Raises
        ------
        DataError
            When there is not one explanation.
        """
        if self._waiting.rows:
            self._write_shard(self._kind(**self._waiting.finish()))
        if not self._rows:
            reasons = "; ".join(f"{one['id']}: {one['reason']}" for one in self._skipped[:3])
            raise DataError(message("explanations", expected="at least one", got=f"none ({reasons or 'empty sample'})"))
        self._table.close()
        if "segments" not in self._group:
            self._group.create_array("segments", data=self._head["segments"].astype(np.int32))
        there = [name for name in (*LARGE, "names", "segments", "wave") if self._whole.get(name, True)]
        shapes = {name: list(self._group[name].shape) for name in there}
        (self._part / "names.json").write_text(json.dumps(list(self._vocabulary), ensure_ascii=False), "utf-8")
        write_json(self._part / "manifest.json", {
            "format": FORMAT, "version": VERSION, "rows": self._rows, "arrays": shapes, "frame": self._head["frame"],
            "settings": self._head["settings"], "skipped": self._skipped,
        })
        put_in_place(self._part, self._folder, FORMAT)
        return self.path

    def _release(self) -> None:
        if self._table is not None:
            self._table.close()
