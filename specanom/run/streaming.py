"""A run that keeps the oddest spectra alone: each is read, preprocessed and scored in one task, and let go."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import scores
from ..errors import ArgumentError, message
from ..folders import write_json, write_whole
from ..parallel import Outcome, Partition, Partitioned, partitions
from ..preprocess import Preprocessor, PreprocessReport
from ..preprocess.parted import added_up, settled
from ..preprocess.passes import refuse_others
from ..preprocess.passing import Passing
from ..scores.named import line_filter, scorers_of
from ..shards import Shard, join_shards, write_shard
from ..spectrumset import SpectrumSet
from ..store import ARRAYS, SHARD
from ..surveys.parted import PartedSurvey
from .content import STREAMED
from .folder import OBJECTS, TOP, RunFolder
from .manifest import fingerprint, key, versions
from .parted import _model
from .scoring import NAN_FIRST, latents_of, oddest_ids, top_ids

KEEP = ("all", "top")
"""What a run stores of the spectra that pass its cuts: all, or a training sample and the oddest."""
TRAIN = 50_000
"""Spectra that a run which keeps the oddest alone is trained on, when not told otherwise."""
KIN = "kin.zarr"
"""Spectra that are near the oddest, of a run that does not store all."""
SHARE, LEAST = 0.01, 100
"""The share of the oddest whose spectra are stored when not told otherwise, and the fewest in any case."""


@dataclass(frozen=True)
class Like:
    """What spectra that go by have in common with the sample that models were trained on.

    Attributes
    ----------
    preprocess : Path
        The fitted Preprocessor.
    arrays : tuple of str
        Of the sample.
    precision : str
        Of the sample.
    """

    preprocess: Path
    arrays: tuple[str, ...]
    precision: str

    @classmethod
    def of(cls, preprocess: Path, sample: SpectrumSet) -> Like:
        """Return it for a sample."""
        arrays = tuple(name for name in ARRAYS if sample.rows(name) is not None)
        return cls(preprocess.absolute(), arrays, sample.precision)

    def passing(self, survey: Any) -> Passing:
        """Return the spectra of a survey as they go by."""
        return Passing(_preprocessor(self.preprocess), survey, self.arrays, self.precision)


@dataclass(frozen=True)
class StreamPart:
    """Scores of the spectra of one partition: of what was read, only tables are left.

    Parameters
    ----------
    survey : PartedSurvey
        Read by the worker.
    like : Like
        The sample that models were trained on.
    models : mapping
        Name → folder of a model.
    options : mapping
        Of :func:`.scores.named.scorers_of`.
    """

    survey: PartedSurvey
    like: Like
    models: Mapping[str, Path]
    options: Mapping[str, Any]

    def __call__(self, part: Partition) -> dict[str, Any]:
        """Return ``objects``, the table of the spectra; for each model a table of scores; and what was dropped."""
        passing = self.like.passing(self.survey.read(part))
        tables: list[pd.DataFrame] = []
        scored: dict[str, list[pd.DataFrame]] = {name: [] for name in self.models}
        for block in passing:
            tables.append(block.table)
            for name, folder in self.models.items():
                scored[name].append(self._scores(_model(folder), block))
        made = {name: _joined(parts) for name, parts in scored.items() if parts}
        return {**({"objects": pd.concat(tables, ignore_index=True)} if tables else {}), **made, **passing.told}

    def _scores(self, model: Any, block: SpectrumSet) -> pd.DataFrame:
        raw = scores.table(scorers_of(model, **self.options), block, executor="serial")
        made = pd.concat([raw, latents_of(model, block).drop(columns="id")], axis=1)
        made.attrs = {NAN_FIRST: raw.attrs[NAN_FIRST]}
        return made


@dataclass(frozen=True)
class FetchPart:
    """The spectra of some ids, read again, as a shard of a set.

    Parameters
    ----------
    survey, like
        As of :class:`StreamPart`.
    ids : Path
        Table of the ids, in reading order.
    scratch : Path
        Folder for files that are being written.
    """

    survey: PartedSurvey
    like: Like
    ids: Path
    scratch: Path

    def __call__(self, part: Partition) -> dict[str, Any]:
        """Return the files of the shard and their hashes."""
        wanted = [str(id) for id in pd.read_parquet(self.ids, columns=["id"])["id"].iloc[part.rows]]
        held: dict[str, NDArray[Any]] = {}
        read: list[str] = []
        for block in self.like.passing(self.survey.select(wanted)):
            here = slice(len(read), len(read) + len(block))
            read += block.ids
            for name in self.like.arrays:
                whole = held.setdefault(name, np.empty((len(part), block.shape[1]), ARRAYS[name]))
                whole[here] = getattr(block, name)
        refuse_others(wanted, read)
        folder = self.scratch / uuid.uuid4().hex
        folder.mkdir(parents=True)
        shard = write_shard(folder, held, precision=self.like.precision)
        return {**shard.files, "hashes": dict(shard.hashes)}


@dataclass(frozen=True)
class Streamed:
    """What a stream of spectra left behind.

    Attributes
    ----------
    objects : DataFrame
        One row a spectrum that passed the cuts, in reading order.
    raw : mapping
        Name of a model → id, raw scores and latent numbers.
    report : PreprocessReport
        What became of every spectrum; those of partitions that failed are listed as skipped.
    failures : DataFrame
        Of the partitions.
    """

    objects: pd.DataFrame
    raw: Mapping[str, pd.DataFrame]
    report: PreprocessReport
    failures: pd.DataFrame


@dataclass(frozen=True)
class Stream:
    """Scores a survey that is not stored, and stores what is odd of it.

    Parameters
    ----------
    survey : PartedSurvey
        Its files are read where the work is done.
    preprocess : Path
        The fitted Preprocessor, as saved.
    sample : Path
        The training sample.
    work : Path
        Folder for what is done; it may be deleted when the stage is.
    executor : optional
        See :func:`specanom.parallel.workers`.
    label : str
        What progress bars call it; none without.
    """

    survey: PartedSurvey
    preprocess: Path
    sample: Path
    work: Path
    executor: Any = None
    label: str = ""

    def score(self, models: Mapping[str, Path], *, lines: str = "", velocity: float = 0.0, trim: float = 0.03,
              preset: str | None = None) -> Streamed:
        """Read, preprocess and score every spectrum.

        Parameters
        ----------
        models : mapping
            Name → folder of a model, on a file system that all workers see.
        lines, velocity, trim, preset
            See :func:`.scores.named.scorers_of`.

        Raises
        ------
        PartitionsFailed
            When every partition fails.
        """
        sample = SpectrumSet.open(self.sample)
        lines, velocity = line_filter(sample, lines=lines, velocity=velocity, preset=preset)
        options = {"lines": lines, "velocity": velocity, "trim": trim, "preset": preset}
        config = self._config({name: fingerprint(path) for name, path in models.items()}, options)
        task = StreamPart(self.survey, Like.of(self.preprocess, sample),
                          {name: path.absolute() for name, path in models.items()}, options)
        parts = self.survey.partitions()
        parted = Partitioned(self.work / "scores", config, self.executor, label=self.label, needs={"GPU": 1})
        done = parted(task, parts)
        fitted = Preprocessor.load(self.preprocess)
        run = added_up(self.survey, done, parts=parts, options=fitted, grid=fitted.fitted_.grid, action="transform")
        if not run.ledger.n_out:
            raise run.nothing_left()
        return Streamed(_table(done, "objects"), {name: _table(done, name) for name in models},
                        run.report(fitted.fitted_.kept, fitted.fitted_.missing), done.failures)

    def store(self, objects: pd.DataFrame, ids: Sequence[str], path: Path) -> SpectrumSet:
        """Read some spectra again and store them.

        Parameters
        ----------
        objects : DataFrame
            As :meth:`score` returns it: the stored spectra have its rows, in its order.
        ids : sequence of str
            Which.
        path : Path
            Of the set; one that is there is replaced.

        Raises
        ------
        PartitionsFailed
            When some cannot be read any more.
        """
        sample, work = SpectrumSet.open(self.sample), self.work / "spectra"
        table = objects[objects["id"].isin(set(ids))].reset_index(drop=True)
        listed = work / "ids.parquet"
        work.mkdir(parents=True, exist_ok=True)
        write_whole(listed, table[["id"]].to_parquet)
        like = Like.of(self.preprocess, sample)
        task = FetchPart(self.survey, like, listed.absolute(), (work / "scratch").absolute())
        config = self._config(list(table["id"]), {})
        done = Partitioned(work, config, self.executor)(task, partitions(len(table), SHARD)).whole()
        files, hashes = {name: done.files(name) for name in like.arrays}, done.told("hashes")
        shards = [Shard(record["stop"] - record["start"], {name: files[name][i] for name in like.arrays}, hashes[i])
                  for i, record in enumerate(done.records)]
        join_shards(path, sample.wave, shards, table, provenance=sample.provenance)
        shutil.rmtree(work)
        return SpectrumSet.open(path)

    def _config(self, *more: Any) -> str:
        made_by = fingerprint(self.preprocess.with_name(f"{self.preprocess.name}.json"))
        return key({"sample": fingerprint(self.sample), "preprocess": made_by, "more": list(more),
                    "specanom": versions()["specanom"]})


def stored_ids(table: pd.DataFrame, column: str, share: float, preset: str | None = None) -> list[str]:
    """Return the ids whose spectra are stored: the oddest, and those that are explained when nothing else is asked.

    Parameters
    ----------
    table : DataFrame
        Scores, with `bin`.
    column : str
        What ranks.
    share : float
        Of all; 0 for 1 %. No fewer than 100 are stored.
    preset : str or None
        As of :func:`.scoring.oddest_ids`.
    """
    odd = top_ids(table, column, max(LEAST, round((share or SHARE) * len(table))))
    return list(dict.fromkeys([*odd, *oddest_ids(table, column, 0, preset)]))


def check_stored(spectra: SpectrumSet, ids: Sequence[str]) -> None:
    """Refuse to go on without spectra that are asked for and were not stored.

    Raises
    ------
    ArgumentError
    """
    there = set(spectra.ids)
    lost = [id for id in ids if id not in there]
    if lost:
        raise ArgumentError(message("top", expected=f"spectra that are stored, and {len(there)} are",
                                    got=f"{len(ids)}, of which {len(lost)} are not",
                                    hint="a larger share= of the oddest, or keep=all"))


def keep_stream(run: RunFolder, streamed: Streamed) -> list[str]:
    """Write what a stream left behind to a run folder: all objects, what became of each, and the waterfall.

    Returns
    -------
    list of str
        The products.
    """
    write_json(run / STREAMED, streamed.report.to_dict())
    made = {OBJECTS: streamed.objects, "tables/waterfall": streamed.report.to_frame()}
    return [STREAMED, *run.write_or_drop(made)]


def keep_kin(run: RunFolder, kin: pd.DataFrame) -> list[str]:
    """Store the spectra of kin that look alike and are not among the stored ones, for pages that show them.

    Parameters
    ----------
    run : RunFolder
    kin : DataFrame
        As :func:`.kin.kin_table` makes it.

    Returns
    -------
    list of str
        The products: none where all spectra are stored.
    """
    run.fresh(KIN)
    if not (run / TOP).is_dir():
        return []
    there = set(run.spectra().ids)
    ids = [str(id) for id in dict.fromkeys(kin.loc[kin["space"] == "latent", "kin"]) if id not in there]
    if not ids:
        return []
    stream = Stream(PartedSurvey(run / "index"), run / "preprocess", run / "sample.zarr", run.work("07_kin"))
    stream.store(run.objects().table, ids, run / KIN)
    return [KIN]


def shown_spectra(run: RunFolder) -> SpectrumSet:
    """Return the stored spectra with those of their kin, where these were stored apart."""
    return SpectrumSet.concatenate([run.spectra(), SpectrumSet.open(run / KIN)]) if (run / KIN).is_dir() else (
        run.spectra())


def forget_stream(run: RunFolder) -> None:
    """Take away what an earlier run in the same folder left that stored the oddest spectra alone."""
    for name in (TOP, KIN):
        run.fresh(name)
    for name in (STREAMED, f"{OBJECTS}.parquet"):
        (run / name).unlink(missing_ok=True)


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    made = pd.concat(parts, ignore_index=True)
    made.attrs = parts[0].attrs
    return made


def _table(done: Outcome, name: str) -> pd.DataFrame:
    return settled(done.table(name))


@lru_cache(maxsize=2)
def _fitted(path: Path, changed: int) -> Preprocessor:
    return Preprocessor.load(path)


def _preprocessor(path: Path) -> Preprocessor:
    """Return a fitted Preprocessor, loaded once a process."""
    return _fitted(path, path.with_name(path.name + ".json").stat().st_mtime_ns)
