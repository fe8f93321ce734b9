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
from ..folders import write_whole
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
from .manifest import fingerprint, key, versions
from .parted import _model
from .scoring import NAN_FIRST, latents_of


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


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    made = pd.concat(parts, ignore_index=True)
    made.attrs = parts[0].attrs
    return made


def _table(done: Outcome, name: str) -> pd.DataFrame:
    return settled(done.table(name))


@lru_cache(maxsize=2)
def _fitted(path: Path, state: str) -> Preprocessor:
    return Preprocessor.load(path)


def _preprocessor(path: Path) -> Preprocessor:
    """Return a fitted Preprocessor, loaded once a process."""
    return _fitted(path, fingerprint(path.with_name(path.name + ".json")))
