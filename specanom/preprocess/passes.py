"""The tasks of a Preprocessor at work in partitions: what a worker does with one part in each pass."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError, message
from ..parallel import Partition
from ..shards import write_shard
from ..spectrumset import SpectrumSet
from .assemble import complete
from .fitting import Fitted, missing_in
from .ledger import Ledger
from .medians import row_medians
from .normalise import Finish
from .options import Options
from .pieces import Piece, as_piece
from .pipeline import Pipeline, finish
from .select import median_not_positive

COUNTED = ("id", "snr")
"""What is kept of each spectrum when its pixels are not."""


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
        return {**piece, "missing": missing, **told_by(run.ledger, survey)}


def told_by(ledger: Ledger, survey: Any) -> dict[str, Any]:
    """Return what a task tells of the spectra that it read: who was dropped or skipped, and remarks."""
    return {"ledger": ledger.to_dict(), "skipped": [[str(one) for one in item] for item in survey.skipped],
            "notes": [[str(one) for one in item] for item in survey.notes]}


def _let_go(blocks: Iterator[SpectrumSet], run: Pipeline) -> pd.DataFrame:
    """Count blocks and return what is kept of them without their pixels."""
    tables = [pd.DataFrame({"id": pd.Series([], dtype="str"), "snr": pd.Series([], dtype="float64")})]
    for block in blocks:
        run.ledger.leave(block)
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
        wanted = [str(id) for id in pd.read_parquet(self.ids)["id"].iloc[part.rows]]
        run = Pipeline(self.options, self.grid, self.survey.select(wanted), action="fit_transform")
        piece = as_piece(run.prepared(some=True), len(part), self.grid.size)
        refuse_others(wanted, list(piece["table"]["id"]))
        return piece


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
    pieces: tuple[Piece, ...]

    def __call__(self, part: Partition) -> dict[str, Any]:
        """Return the rows that stay."""
        ledger, step, good = Ledger(), Finish(self.fitted), [np.zeros(0, dtype=bool)]
        for block in self.pieces[part.number].blocks(self.fitted.grid):
            drop = median_not_positive(row_medians(step.kept(block)))
            ledger.drop(block, drop)
            good.append(~drop.rows)
        return {"stay": np.flatnonzero(np.concatenate(good)), "ledger": ledger.to_dict()}


@dataclass(frozen=True)
class Shape:
    """The third pass, over one shard of the result: its rows from the pieces that hold them, finished."""

    fitted: Fitted
    pieces: tuple[Piece, ...]
    stay: tuple[NDArray[np.intp], ...]
    arrays: tuple[str, ...]
    scratch: Path
    precision: str = "full"

    def __call__(self, part: Partition) -> dict[str, Any]:
        """Return the files of the shard, its table, and what was counted."""
        ledger = Ledger()
        held: dict[str, NDArray[Any]] = {}
        tables: list[pd.DataFrame] = []
        end = 0
        for block in self._blocks(part):
            done = finish(block, self.fitted, ledger)
            here = slice(end, end := end + len(done))
            for name in self.arrays:
                values = complete(name, done)
                held.setdefault(name, np.empty((len(part), values.shape[1]), values.dtype))[here] = values
            tables.append(done.table)
        folder = self.scratch / uuid.uuid4().hex
        folder.mkdir(parents=True)
        shard = write_shard(folder, held, precision=self.precision)
        return {**shard.files, "table": pd.concat(tables, ignore_index=True), "hashes": dict(shard.hashes),
                "ledger": ledger.to_dict()}

    def _blocks(self, part: Partition) -> Iterator[SpectrumSet]:
        first = 0
        for piece, stay in zip(self.pieces, self.stay, strict=True):
            rows = stay[max(part.start - first, 0) : max(part.stop - first, 0)]
            first += len(stay)
            if len(rows):
                yield from piece.blocks(self.fitted.grid, rows)
