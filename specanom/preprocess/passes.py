"""The tasks of a Preprocessor at work in partitions: what a worker does with one part in each pass."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, message
from ..parallel import Outcome, Partition
from ..shards import Shard, write_shard
from ..spectrumset import SpectrumSet
from ..store import ARRAYS
from .assemble import complete
from .columns import stacked
from .fitting import Fitted, missing_in
from .medians import row_medians
from .normalise import Finish
from .options import Options
from .pieces import Listed, as_piece
from .pipeline import Pipeline, finish
from .select import median_not_positive
from .tally import Tally

TOLD = "told"
"""Table of a partition: which of its spectra were dropped, skipped or remarked on."""
COUNTED = ("id", "snr")
"""What is kept of each spectrum when its pixels are not."""
TALLY = "tally"
"""What the record of a partition calls its counts; in the hash too, so that a record of another form is not taken."""


class Parted(Protocol):
    """A survey in partitions, as :class:`specanom.surveys.PartedSurvey` is one."""

    def partitions(self) -> list[Partition]:
        """Return the partitions."""
        ...

    def ids(self, partition: Partition) -> list[str]:
        """Return the ids of one, in reading order."""
        ...

    def read(self, partition: Partition) -> Any:
        """Return the spectra of one, with ``.blocks``, ``.skipped`` and ``.notes``."""
        ...

    def select(self, ids: Sequence[str]) -> Any:
        """Return some spectra likewise, in reading order when they are asked for so."""
        ...

    @property
    def skipped(self) -> Sequence[Any]:
        """What was left out beforehand."""
        ...


@dataclass(frozen=True)
class Prepare:
    """The first pass over one partition: read, cut, bring to rest, count; the pixels are kept or let go."""

    options: Options
    grid: NDArray[np.float64]
    survey: Parted
    pixels: bool = True

    def __call__(self, part: Partition) -> dict[str, Any]:
        """Return the piece and what was counted."""
        survey = self.survey.read(part)
        run = Pipeline(self.options, self.grid, survey, action="fit_transform")
        missing = np.zeros(self.grid.size, dtype=np.int64)

        def counted() -> Iterator[SpectrumSet]:
            for block in run.prepared(some=True):
                np.add(missing, missing_in(block), out=missing)
                yield block

        piece = as_piece(counted(), len(part), self.grid.size) if self.pixels else {"table": _let_go(counted(), run)}
        return {**piece, "missing": missing, **told_by(run.tally, survey)}


def told_by(tally: Tally, survey: Any) -> dict[str, Any]:
    """Return what a task tells of the spectra that it read: who was dropped or skipped, and remarks.

    Who it was is a table, ``told``, beside what was counted: one main process holds what is counted of all tasks.
    """
    known = tally.to_dict()
    rows = [("dropped", id, "", name) for name, (_, ids) in known["dropped"].items() for id in ids]
    rows += [("note", id, "", note) for note, ids in known["notes"].items() for id in ids]
    rows += [_short("skipped", *item) for item in survey.skipped]
    rows += [_short("remark", *item) for item in survey.notes]
    known |= {"dropped": {name: [reason, []] for name, (reason, _) in known["dropped"].items()}, "notes": {}}
    return {TALLY: known, TOLD: pd.DataFrame(rows, columns=["what", "id", "path", "text"], dtype="str")}


def _short(what: str, id: Any, path: Any, text: Any) -> tuple[str, str, str, str]:
    """Return a row; the path is told of what has no id alone."""
    return what, str(id), "" if id else str(path), str(text)


def told_again(record: Mapping[str, Any], file: Path) -> tuple[dict[str, Any], dict[str, list[tuple[str, str, str]]]]:
    """Return what :func:`told_by` told: a tally as plain values, and what was ``skipped`` and each ``remark``.

    Parameters
    ----------
    record : mapping
        The manifest of a partition.
    file : Path
        Its table ``told``.
    """
    counted: dict[str, Any] = record["told"][TALLY]
    dropped = {name: (reason, list[str]()) for name, (reason, _) in counted["dropped"].items()}
    notes: dict[str, list[str]] = {}
    said: dict[str, list[tuple[str, str, str]]] = {"skipped": [], "remark": []}
    for what, id, path, text in pd.read_parquet(file).itertuples(index=False, name=None):
        if what == "dropped":
            dropped[text][1].append(id)
        elif what == "note":
            notes.setdefault(text, []).append(id)
        else:
            said[what].append((id, path, sys.intern(text)))  # one text for all that are left out for one reason
    return {**counted, "dropped": dropped, "notes": notes}, said


def _let_go(blocks: Iterator[SpectrumSet], run: Pipeline) -> pd.DataFrame:
    """Count blocks and return what is kept of them without their pixels."""
    tables = [pd.DataFrame({"id": pd.Series([], dtype="str"), "snr": pd.Series([], dtype="float64")})]
    for block in blocks:
        run.tally.leave(block)
        tables.append(block.table[list(COUNTED)])
    return pd.concat(tables[1:] or tables, ignore_index=True)


@dataclass(frozen=True)
class Draw:
    """Some spectra that passed the cuts, read again for their pixels."""

    options: Options
    grid: NDArray[np.float64]
    survey: Parted
    ids: Path

    def __call__(self, part: Partition) -> dict[str, Any]:
        """Return the piece of some of the listed ids."""
        wanted = listed_ids(self.ids, part)
        run = Pipeline(self.options, self.grid, self.survey.select(wanted), action="fit_transform")
        piece = as_piece(run.prepared(some=True), len(part), self.grid.size)
        refuse_others(wanted, list(piece["table"]["id"]))
        return piece


def listed_ids(table: Path, part: Partition) -> list[str]:
    """Return the ids of a partition of a table of ids."""
    return [str(id) for id in pd.read_parquet(table, columns=["id"])["id"].iloc[part.rows]]


def refuse_others(wanted: Sequence[str], read: Sequence[str]) -> None:
    """Refuse spectra that are not those that were there when the files were read before.

    Raises
    ------
    DataError
    """
    if list(wanted) != list(read):
        lost = [id for id in wanted if id not in set(read)]
        raise DataError(message("survey", expected="files as they were when they were first read",
                                got=f"{len(lost)} of {len(wanted)} spectra not there any more, first {lost[:1]}",
                                hint="start again, when nobody changes the files"))


@dataclass(frozen=True)
class Judge:
    """The second pass over one partition: which spectra cannot be normalised at the kept wavelengths."""

    fitted: Fitted
    pieces: Listed

    def __call__(self, part: Partition) -> dict[str, Any]:
        """Return the rows that stay."""
        tally, step, good = Tally(), Finish(self.fitted), [np.zeros(0, dtype=bool)]
        for block in self.pieces.piece(part.number).blocks(self.fitted.grid):
            drop = median_not_positive(row_medians(step.kept(block)))
            tally.drop(block, drop)
            good.append(~drop.rows)
        return {"stay": np.flatnonzero(np.concatenate(good)), TALLY: tally.to_dict()}


@dataclass(frozen=True)
class Shape:
    """The third pass, over one shard of the result: its rows from the pieces that hold them, finished."""

    fitted: Fitted
    pieces: Listed
    arrays: tuple[str, ...]
    scratch: Path
    precision: str = "full"

    def __call__(self, part: Partition) -> dict[str, Any]:
        """Return the files of the shard, its table, and what was counted."""
        tally = Tally()
        blocks = (finish(block, self.fitted, tally) for piece, rows in self.pieces.within(part.start, part.stop)
                  for block in piece.blocks(self.fitted.grid, rows))
        made, table = as_shard(blocks, len(part), self.scratch, arrays=self.arrays, precision=self.precision)
        return {**made, "table": table, TALLY: tally.to_dict()}


def as_shard(blocks: Iterable[SpectrumSet], rows: int, scratch: Path, *, arrays: Sequence[str], precision: str
             ) -> tuple[dict[str, Any], pd.DataFrame]:
    """Write finished blocks as a shard of a set.

    Parameters
    ----------
    blocks : iterable of SpectrumSet
        On one grid.
    rows : int
        At least as many as come.
    scratch : Path
        Folder for files that are being written.
    arrays : sequence of str
        Of the set.
    precision : {"full", "rounded"}
        See :func:`.shards.write_shard`.

    Returns
    -------
    made : dict
        What a task returns of it: the files, and their hashes.
    table : DataFrame
        Of the blocks.
    """
    held: dict[str, NDArray[Any]] = {}
    tables = [pd.DataFrame({"id": pd.Series([], dtype="str")})]
    end = 0
    for block in blocks:
        here = slice(end, end := end + len(block))
        for name in arrays:
            held.setdefault(name, np.empty((rows, block.shape[1]), ARRAYS[name]))[here] = complete(name, block)
        tables.append(block.table)
    folder = scratch / uuid.uuid4().hex
    folder.mkdir(parents=True)
    shard = write_shard(folder, {name: array[:end] for name, array in held.items()}, precision=precision)
    return {**shard.files, "hashes": dict(shard.hashes)}, stacked(tables[1:] or tables)


def shards_of(done: Outcome, arrays: Sequence[str]) -> list[Shard]:
    """Return the shards that tasks made by :func:`as_shard`, in their order."""
    files, hashes = {name: done.files(name) for name in arrays}, done.told("hashes")
    return [Shard(record["stop"] - record["start"], {name: files[name][i] for name in arrays}, hashes[i])
            for i, record in enumerate(done.records)]
