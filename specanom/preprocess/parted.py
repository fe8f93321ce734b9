"""A Preprocessor at work in partitions: every worker reads its own files, and any number of them make the same set.

Three passes. The first reads, cuts and brings to rest; its counts are added up, and from them is learnt what is kept
and filled in. The second finds the spectra that then cannot be normalised. The third writes the shards of the result,
whose rows are not those of the partitions, since cuts have taken some.

Where only some spectra are wanted as a sample, the first pass lets go of all pixels, and those spectra alone are read
again: what lies on disk does not grow with the survey.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..folders import writable, write_whole
from ..parallel import Outcome, Partition, Partitioned, partitions
from ..seeds import content_hash
from ..shards import Shard, join_shards
from ..spectrumset import SpectrumSet
from ..store import FORMAT, SHARD
from .columns import completed, numbers
from .fitting import TYPICAL_SAMPLE, Fitted, Gathered, draw_keys, lowest
from .joining import joined
from .options import Options, full_grid
from .passes import COUNTED, TALLY, TOLD, Draw, Judge, Parted, Prepare, Shape, shards_of, told_again
from .pieces import OPTIONAL, Listed, Piece
from .pipeline import Pipeline
from .provenance import own_version, provenance
from .report import PreprocessReport
from .tally import Tally

Places = NDArray[np.intp]
PREPARED = "prepared"
"""Folder of what the first pass made."""


@dataclass(frozen=True)
class PartedFit:
    """Fits a Preprocessor on a survey in partitions and writes the sample.

    Parameters
    ----------
    options : Options
        What is done.
    survey : Parted
        What is read.
    executor : optional
        See :func:`specanom.parallel.workers`.
    label : str
        What progress bars call it; none without.
    only : int, optional
        Write so many spectra, those whose ids hash lowest, and keep the pixels of no others; all when not given. What
        is learnt is learnt of all in any case.
    precision : {"full", "rounded"}
        Of the sample, see :mod:`specanom.rounding`.
    """

    options: Options
    survey: Parted
    executor: Any = None
    label: str = ""
    only: int | None = None
    precision: str = "full"

    def __call__(self, store: Path) -> PartedFitted:
        """Write the sample.

        What lies between the passes, somewhat larger than the result, is in the survey's ``work``, or beside `store`
        when it names none. What a stopped call left there is used. Beside `store` it is deleted in the end; what was
        read stays when a partition failed, so that another call reads that one alone.

        Parameters
        ----------
        store : Path
            Of the sample.

        Raises
        ------
        DataError
            When no spectrum passes the cuts, or something else is at `store`.
        PartitionsFailed
            When a part of the result could not be written.
        """
        writable(store, FORMAT)
        named: Path | None = getattr(self.survey, "work", None)
        work = named or store.with_name(f"{store.name}.work")
        first, gathered = self._prepare(work / PREPARED)
        drawn = first if self.only is None else self._draw(work, first)
        fitted = drawn.learn(gathered, self.options)
        stay = self._judge(work / "judged", fitted, drawn)
        if self.only is not None:
            stay = tuple(map(np.intersect1d, stay, drawn.lowest(self.only)))
        shards, table = self._shape(work / "shaped", fitted, drawn, stay)
        if not len(table):
            raise first.run.nothing_left()
        join_shards(store, fitted.wave, shards, table, provenance=provenance(self.options, first.run.tally),
                    precision=self.precision)
        if named is None:
            _tidy(work, all_done=not len(first.done.failures))
        return PartedFitted(fitted, first.run.report(fitted.kept, fitted.missing), first.done.failures)

    @cached_property
    def grid(self) -> NDArray[np.float64]:
        """All wavelengths, Å, shape ``(m,)``."""
        return full_grid(self.options.grid)

    def _prepare(self, folder: Path) -> tuple[_Pieces, Gathered]:
        parts = self.survey.partitions()
        settings = json.dumps(self.options.settings(), sort_keys=True)
        task = Prepare(self.options, self.grid, self.survey, pixels=self.only is None)
        config = content_hash(settings, own_version(), self.grid, "pixels" if task.pixels else "counts", TALLY,
                              TOLD)
        done = self._pass(folder, config, "read")(task, parts)
        run = added_up(self.survey, done, parts=parts, options=self.options, grid=self.grid,
                       action="fit_transform" if self.only is None else "fit")
        pieces = tuple(Piece.of(done.folder, record) for record in done.records)
        gathered = Gathered(self.grid, draw=self.options.impute == "median")
        keys = [np.zeros(0, dtype=np.uint64)]
        for piece, path in zip(pieces, done.files("missing"), strict=True):
            table = piece.table(COUNTED)
            gathered.count(np.load(path, allow_pickle=False), numbers(table, "snr"))
            keys.append(draw_keys(table["id"]))
        if not gathered.n:
            raise run.nothing_left()
        return _Pieces(run, run.tally, done, pieces, np.concatenate(keys)), gathered

    def _draw(self, work: Path, first: _Pieces) -> _Pieces:
        """Read the spectra again that the sample and the medians are made of."""
        assert self.only is not None
        learnt = TYPICAL_SAMPLE if self.options.impute == "median" else 0
        places = lowest(first.keys, max(self.only, learnt))
        ids = [str(id) for piece, rows in zip(first.pieces, first.rows(places), strict=True) if len(rows)
               for id in piece.table(("id",))["id"].iloc[rows]]
        listed = work / "drawn.parquet"
        write_whole(listed, pd.DataFrame({"id": ids}).to_parquet)
        size = max(record["stop"] - record["start"] for record in first.done.records)
        config = content_hash(_hash(first), *ids)
        task = Draw(self.options, self.grid, self.survey, listed.absolute())
        done = self._pass(work / "drawn", config, "read again")(task, partitions(len(ids), size)).whole()
        pieces = tuple(Piece.of(done.folder, record) for record in done.records)
        return _Pieces(first.run, Tally(), done, pieces, first.keys[places])

    def _judge(self, folder: Path, fitted: Fitted, first: _Pieces) -> tuple[Places, ...]:
        """Return the rows of each piece that can be normalised."""
        parts = [Partition(i, record["start"], record["stop"], record["inputs"])
                 for i, record in enumerate(first.done.records)]
        task = Judge(fitted, Listed.write(folder.with_suffix(".json"), first.pieces))
        done = self._pass(folder, _hash(first, fitted), "look")(task, parts).whole()
        for record in done.records:
            first.tally.take(record["told"][TALLY])
        return tuple(np.load(path, allow_pickle=False) for path in done.files("stay"))

    def _shape(self, folder: Path, fitted: Fitted, first: _Pieces, stay: tuple[Places, ...]
               ) -> tuple[list[Shard], pd.DataFrame]:
        """Write the shards and return them with the table of the sample."""
        arrays = ("flux", "imputed", *(name for name in OPTIONAL if any(name in one.files for one in first.pieces)))
        parts = partitions(sum(map(len, stay)), SHARD)
        scratch = (folder / "scratch").absolute()
        shutil.rmtree(scratch, ignore_errors=True)  # of workers that were killed
        listed = Listed.write(folder.with_suffix(".json"), first.pieces, stay)
        task = Shape(fitted, listed, arrays, scratch, self.precision)
        config = content_hash(_hash(first, fitted), self.precision, *stay)
        done = self._pass(folder, config, "write")(task, parts).whole()
        for record in done.records:
            first.tally.take(record["told"][TALLY])
        if not parts:
            return [], pd.DataFrame({"id": []})
        return shards_of(done, arrays), completed([joined(done, "table")], first.run.tally.columns)

    def _pass(self, folder: Path, config: str, what: str) -> Partitioned:
        return Partitioned(folder, config, self.executor, label=f"{self.label}: {what}" if self.label else "")


class PartedFitted(NamedTuple):
    """What a fit in partitions comes to.

    Attributes
    ----------
    fitted : Fitted
    report : PreprocessReport
        Of all passes; with `only`, of the first, which knows of all spectra.
    failures : DataFrame
        Partitions that could not be read, see :class:`specanom.parallel.Outcome`.
    """

    fitted: Fitted
    report: PreprocessReport
    failures: pd.DataFrame


@dataclass(frozen=True)
class _Pieces:
    """What a pass made of the survey, or of some spectra of it, and where the next ones count."""

    run: Pipeline
    tally: Tally
    done: Outcome
    pieces: tuple[Piece, ...]
    keys: NDArray[np.uint64]

    def learn(self, gathered: Gathered, options: Options) -> Fitted:
        """Return what is learnt of all; the rows that medians are taken of are read again."""
        for piece, rows in zip(self.pieces, self.lowest(TYPICAL_SAMPLE), strict=True):
            for block in piece.blocks(self.run.grid, rows) if options.impute == "median" else ():
                gathered.draw(block)
        return gathered.conclude(options.max_missing_wave, int(options.bins))

    def lowest(self, size: int) -> list[Places]:
        """Return the rows of each piece that are among the `size` spectra of the lowest keys."""
        return self.rows(lowest(self.keys, size))

    def rows(self, places: Places) -> list[Places]:
        """Return which rows of each piece some places of all are."""
        ends = np.cumsum([0, *map(len, self.pieces)])
        parts = np.split(places, np.searchsorted(places, ends[1:-1]))
        return [part - low for part, low in zip(parts, ends[:-1], strict=True)]


def added_up(survey: Parted, done: Outcome, *, parts: Sequence[Partition], options: Options,
             grid: NDArray[np.float64], action: str) -> Pipeline:
    """Return a run that counted what all parts of a survey counted, whose source skipped what they skipped.

    Every spectrum of a part that failed counts as skipped, with the reason.

    Parameters
    ----------
    survey : Parted
        What was read.
    done : Outcome
        Of a task that tells what :func:`.passes.told_by` does.
    parts : sequence of Partition
        Of the survey.
    options, grid, action
        See :class:`.pipeline.Pipeline`.
    """
    # Of a million that were left out most share their file and their reason with others.
    told = _Told([Skip(id, sys.intern(path), sys.intern(reason)) for id, path, reason in survey.skipped], [])
    for _, row in done.failures.iterrows():
        reason = f"its partition failed: {row['error']}"
        told.skipped += [Skip(id, "", reason) for id in survey.ids(parts[int(row["partition"])])]
    made = Pipeline(options, grid, told, action=action)
    for record, file in zip(done.records, done.files(TOLD), strict=True):
        counted, said = told_again(record, file)
        lost = {id for id, _, _ in said["skipped"]}
        made.tally.take_ids(id for id in survey.ids(parts[int(record["partition"])]) if id not in lost)
        made.tally.take(counted)
        told.skipped += [Skip(*one) for one in said["skipped"]]
        told.notes += said["remark"]
    return made


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


def _tidy(work: Path, *, all_done: bool) -> None:
    """Delete what lay between the passes; what was read stays for another call when some of it failed."""
    for folder in [work] if all_done else list(work.iterdir()):
        if folder.name != PREPARED:
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()


def _hash(first: _Pieces, fitted: Fitted | None = None) -> str:
    """Return a hash of what the later passes go by."""
    arrays = () if fitted is None else (fitted.grid, fitted.kept, fitted.typical, fitted.snr_edges)
    return content_hash(first.done.records[0]["config"], *arrays, *(one["inputs"] for one in first.done.records))
