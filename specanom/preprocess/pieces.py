"""Spectra at rest between two passes: one piece a partition, on disk, read back in any rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyarrow import parquet

from ..folders import write_json, write_whole
from ..spectrumset import SpectrumSet
from ..store import ARRAYS
from .columns import stacked

OPTIONAL = ("ivar", "mask")
"""Arrays that some spectra of a sample have and others have not."""


def as_piece(blocks: Iterable[SpectrumSet], rows: int, pixels: int) -> dict[str, Any]:
    """Return blocks at rest as what a partition keeps on disk.

    Parameters
    ----------
    blocks : iterable of SpectrumSet
        On one grid; each lets go of its memory before the next is made.
    rows : int
        At least as many as come.
    pixels : int
        Of the grid.

    Returns
    -------
    dict
        ``flux``, ``ivar`` and ``mask`` ``(n, m)``, ``has`` ``(n,)`` with a bit for each optional array, ``table``.
    """
    arrays = {name: np.zeros((rows, pixels), dtype=ARRAYS[name]) for name in ("flux", *OPTIONAL)}
    has = np.zeros(rows, dtype=np.uint8)
    tables: list[pd.DataFrame] = []
    end = 0
    for block in blocks:
        here = slice(end, end := end + len(block))
        arrays["flux"][here] = block.flux
        for bit, name in enumerate(OPTIONAL):
            if (values := getattr(block, name)) is not None:
                arrays[name][here] = values
                has[here] |= 1 << bit
        tables.append(block.table)
    present = [name for bit, name in enumerate(OPTIONAL) if (has[:end] & (1 << bit)).any()]
    table = stacked(tables) if tables else pd.DataFrame({"id": pd.Series([], dtype="str")})
    return {"table": table, "has": has[:end], **{name: arrays[name][:end] for name in ("flux", *present)}}


@dataclass(frozen=True)
class Piece:
    """The piece of one partition.

    Parameters
    ----------
    files : mapping
        Name → its file.
    """

    files: Mapping[str, Path]

    @classmethod
    def of(cls, folder: Path, record: Mapping[str, Any]) -> Piece:
        """Return the piece that a manifest speaks of."""
        return cls({name.partition("/")[0]: folder / name for name in record["files"]})

    def __len__(self) -> int:
        return int(parquet.read_metadata(self.files["table"]).num_rows)

    def table(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return its table, or those of some columns that it has."""
        there = parquet.read_schema(self.files["table"]).names
        wanted = None if columns is None else [name for name in columns if name in there]
        return pd.read_parquet(self.files["table"], columns=wanted)

    def blocks(self, wave: NDArray[np.float64], rows: NDArray[np.intp] | None = None) -> Iterator[SpectrumSet]:
        """Yield some rows in order, or all; those that have the same arrays together, as when they were read."""
        table, has = self.table(), np.load(self.files["has"], allow_pickle=False)
        wanted = np.arange(len(table)) if rows is None else rows
        if not len(wanted):
            return
        arrays = {name: np.load(path, mmap_mode="r", allow_pickle=False)
                  for name, path in self.files.items() if name in ARRAYS}
        for run in np.split(wanted, np.flatnonzero(np.diff(has[wanted])) + 1):
            lacks = [name for bit, name in enumerate(OPTIONAL) if not has[run[0]] & (1 << bit)]
            there: dict[str, Any] = {name: np.asarray(array[run]) for name, array in arrays.items()
                                     if name not in lacks}
            yield SpectrumSet(wave, table=table.iloc[run].reset_index(drop=True), frame="rest", scale="flux", **there)


@dataclass(frozen=True)
class Listed:
    """All pieces of a survey, listed in a file, so that a task takes the name of that along and not thousands of names.

    Parameters
    ----------
    path : Path
        The list; the rows of the pieces that stay, where that is told, are in an array beside it.
    """

    path: Path

    @classmethod
    def write(cls, path: Path, pieces: Sequence[Piece], stay: Sequence[NDArray[np.intp]] | None = None) -> Listed:
        """Write the list: `stay` has the rows of each piece that the result is made of."""
        made = cls(path.absolute())
        files = [{name: str(file.absolute()) for name, file in piece.files.items()} for piece in pieces]
        path.parent.mkdir(parents=True, exist_ok=True)
        if stay is not None:
            write_whole(made._rows, lambda part: _save(part, np.concatenate([np.zeros(0, dtype=np.intp), *stay])))
        ends = [] if stay is None else np.cumsum([len(one) for one in stay]).tolist()
        write_json(path, {"files": files, "ends": ends})
        return made

    def piece(self, number: int) -> Piece:
        """Return one of them."""
        return _piece(self._told()["files"][number])

    def within(self, start: int, stop: int) -> Iterator[tuple[Piece, NDArray[np.intp]]]:
        """Yield the pieces that rows `start` to `stop` of the result come from, each with its rows."""
        told = self._told()
        stay = np.load(self._rows, mmap_mode="r", allow_pickle=False)
        first = 0
        for files, end in zip(told["files"], told["ends"], strict=True):
            rows = np.array(stay[max(start, first) : min(stop, end)])
            first = end
            if len(rows):
                yield _piece(files), rows

    @property
    def _rows(self) -> Path:
        return self.path.with_suffix(".npy")

    def _told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return told


def _piece(files: Mapping[str, str]) -> Piece:
    return Piece({name: Path(file) for name, file in files.items()})


def _save(path: Path, rows: NDArray[np.intp]) -> None:
    with open(path, "wb") as handle:  # given a name, numpy would append its own suffix
        np.save(handle, rows, allow_pickle=False)
