"""A Preprocessor at work in partitions: every worker reads its own files, and any number of them make the same set.

Three passes. The first reads, cuts and brings to rest; its counts are added up, and from them is learnt what is kept
and filled in. The second finds the spectra that then cannot be normalised. The third writes the shards of the result,
whose rows are not those of the partitions, since cuts have taken some.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..folders import writable
from ..parallel import Outcome, Partition, Partitioned, partitions
from ..seeds import content_hash
from ..shards import Shard, join_shards, write_shard
from ..spectrumset import SpectrumSet
from ..store import FORMAT, SHARD
from .assemble import complete
from .columns import numbers
from .fitting import Fitted, Gathered, drawn_ids, missing_in
from .ledger import Ledger
from .medians import row_medians
from .normalise import Finish
from .options import Options
from .pieces import OPTIONAL, Piece, as_piece
from .pipeline import Pipeline, finish
from .provenance import own_version, provenance
from .select import median_not_positive
from .sources import Source


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

    @property
    def skipped(self) -> Sequence[Any]:
        """What was left out beforehand."""
        ...


@dataclass(frozen=True)
class Prepare:
    """The first pass over one partition: read, cut, bring to rest, count."""

    options: Options
    grid: NDArray[np.float64]
    survey: Parted

    def __call__(self, part: Partition) -> dict[str, Any]:
        """Return the piece and what was counted."""
        survey = self.survey.read(part)
        run = Pipeline(self.options, self.grid, survey, action="fit_transform")
        missing = np.zeros(self.grid.size, dtype=np.int64)

        def counted() -> Iterator[SpectrumSet]:
            for block in run.prepared(some=True):
                np.add(missing, missing_in(block), out=missing)
                yield block

        piece = as_piece(counted(), len(part), self.grid.size)
        return {**piece, "missing": missing, "ledger": run.ledger.to_dict(),
                "skipped": [[str(one) for one in item] for item in survey.skipped],
                "notes": [[str(one) for one in item] for item in survey.notes]}


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
        shard = write_shard(folder, held)
        return {**shard.files, "table": pd.concat(tables, ignore_index=True), "hashes": dict(shard.hashes),
                "ledger": ledger.to_dict()}

    def _blocks(self, part: Partition) -> Iterator[SpectrumSet]:
        first = 0
        for piece, stay in zip(self.pieces, self.stay, strict=True):
            rows = stay[max(part.start - first, 0) : max(part.stop - first, 0)]
            first += len(stay)
            if len(rows):
                yield from piece.blocks(self.fitted.grid, rows)


@dataclass(frozen=True)
class PartedFit:
    """Fits a Preprocessor on a survey in partitions and writes the sample.

    Parameters
    ----------
    options : Options
        What is done.
    grid : (m,) array
        All wavelengths, Å.
    survey : Parted
        What is read.
    executor : optional
        See :func:`specanom.parallel.workers`.
    label : str
        What progress bars call it; none without.
    """

    options: Options
    grid: NDArray[np.float64]
    survey: Parted
    executor: Any = None
    label: str = ""

    def __call__(self, store: Path, work: Path) -> tuple[Fitted, Ledger, Source]:
        """Write the sample.

        Parameters
        ----------
        store : Path
            Of the sample.
        work : Path
            Folder for what lies between the passes, somewhat larger than the result. What a stopped call left there
            is used; it is deleted in the end.

        Returns
        -------
        fitted : Fitted
        ledger : Ledger
            What was counted, of all passes.
        source : Source
            What was skipped and remarked.

        Raises
        ------
        DataError
            When no spectrum passes the cuts, or something else is at `store`.
        PartitionsFailed
            When a part of the result could not be written.
        """
        writable(store, FORMAT)
        first = self._prepare(work / "prepared")
        fitted = first.learn(self.options)
        stay = self._judge(work / "judged", fitted, first)
        shards, table = self._shape(work / "shaped", fitted, first, stay)
        if not len(table):
            raise first.run.nothing_left()
        join_shards(store, fitted.wave, shards, table, provenance=provenance(self.options, first.run.ledger))
        shutil.rmtree(work)
        return fitted, first.run.ledger, first.run.source

    def _prepare(self, folder: Path) -> _First:
        parts = self.survey.partitions()
        settings = json.dumps(self.options.settings(), sort_keys=True)
        task = Prepare(self.options, self.grid, self.survey)
        done = self._pass(folder, content_hash(settings, own_version(), self.grid), "read")(task, parts)
        told = _Told(list(self.survey.skipped), [])
        for _, row in done.failures.iterrows():
            reason = f"its partition failed: {row['error']}"
            told.skipped += [Skip(id, "", reason) for id in self.survey.ids(parts[int(row["partition"])])]
        run = Pipeline(self.options, self.grid, told, action="fit_transform")
        for part, record in zip((parts[int(one["partition"])] for one in done.records), done.records, strict=True):
            lost = {id for id, _, _ in record["told"]["skipped"]}
            run.ledger.take_ids(id for id in self.survey.ids(part) if id not in lost)
            run.ledger.take(record["told"]["ledger"])
            told.skipped += [Skip(*one) for one in record["told"]["skipped"]]
            told.notes += [tuple(one) for one in record["told"]["notes"]]
        return _First(run, done, tuple(Piece.of(done.folder, record) for record in done.records))

    def _judge(self, folder: Path, fitted: Fitted, first: _First) -> tuple[NDArray[np.intp], ...]:
        """Return the rows of each piece that can be normalised."""
        parts = [Partition(i, record["start"], record["stop"], record["inputs"])
                 for i, record in enumerate(first.done.records)]
        done = self._pass(folder, _hash(fitted, first), "look")(Judge(fitted, first.pieces), parts).whole()
        for record in done.records:
            first.run.ledger.take(record["told"]["ledger"])
        return tuple(np.load(path) for path in done.files("stay"))

    def _shape(self, folder: Path, fitted: Fitted, first: _First, stay: tuple[NDArray[np.intp], ...]
               ) -> tuple[list[Shard], pd.DataFrame]:
        """Write the shards and return them with the table of the sample."""
        arrays = ("flux", "imputed", *(name for name in OPTIONAL if any(name in one.files for one in first.pieces)))
        parts = partitions(sum(map(len, stay)), SHARD)
        task = Shape(fitted, first.pieces, stay, arrays, folder / "scratch")
        done = self._pass(folder, _hash(fitted, first), "write")(task, parts).whole()
        for record in done.records:
            first.run.ledger.take(record["told"]["ledger"])
        hashes = done.told("hashes")
        files = {name: done.files(name) for name in arrays}
        shards = [Shard(len(part), {name: files[name][i] for name in arrays}, hashes[i])
                  for i, part in enumerate(parts)]
        return shards, settled(done.table("table")) if parts else pd.DataFrame({"id": []})

    def _pass(self, folder: Path, config: str, what: str) -> Partitioned:
        return Partitioned(folder, config, self.executor, label=f"{self.label}: {what}" if self.label else "")


@dataclass(frozen=True)
class _First:
    """What the first pass made."""

    run: Pipeline
    done: Outcome
    pieces: tuple[Piece, ...]

    def learn(self, options: Options) -> Fitted:
        """Return what is learnt of all pieces together; the rows that medians are taken of are read again."""
        run = self.run
        gathered = Gathered(run.grid, draw=options.impute == "median")
        tables = [piece.table() for piece in self.pieces]
        if not sum(map(len, tables)):
            raise run.nothing_left()
        for table, path in zip(tables, self.done.files("missing"), strict=True):
            gathered.count(np.load(path), numbers(table, "snr"))
        ends = np.cumsum([0, *map(len, tables)])
        drawn = drawn_ids([id for table in tables for id in table["id"]]) if options.impute == "median" else ends[:0]
        for piece, low, high in zip(self.pieces, ends, ends[1:], strict=False):
            for block in piece.blocks(run.grid, drawn[(drawn >= low) & (drawn < high)] - low):
                gathered.draw(block)
        return gathered.conclude(options.max_missing_wave, int(options.bins))


class Skip(NamedTuple):
    """What was left out: id, path, reason."""

    id: str
    path: str
    reason: str


@dataclass
class _Told:
    """Stands for a survey that was read elsewhere, and knows what it said."""

    skipped: list[Any]
    notes: list[Any]

    def blocks(self, n: int) -> Iterator[SpectrumSet]:
        """Yield nothing: it has been read."""
        return iter(())


def settled(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of joined parts with the dtypes of its values alone, however it was parted.

    A part in which a column is blank has no say in what the column holds.
    """
    columns = {}
    for name, column in table.items():
        if column.dtype == object or pd.api.types.is_extension_array_dtype(column.dtype):
            known = column.dropna()
            if any(isinstance(value, str) for value in known):
                column = column.astype(object).where(column.notna(), "").astype("str")
            elif len(known) and all(isinstance(value, (int, np.integer)) for value in known):
                column = column.astype("int64" if len(known) == len(column) else "Int64")
            else:
                column = pd.to_numeric(column).astype("float64")
        columns[name] = column
    made = pd.DataFrame(columns, columns=table.columns)
    made.attrs.update(table.attrs)
    return made


def _hash(fitted: Fitted, first: _First) -> str:
    """Return a hash of what the later passes go by."""
    arrays = (fitted.grid, fitted.kept, fitted.typical, fitted.snr_edges)
    return content_hash(first.done.records[0]["config"], *arrays, *(one["inputs"] for one in first.done.records))
