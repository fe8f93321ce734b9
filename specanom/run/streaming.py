"""A run that keeps the oddest spectra alone: each is read, preprocessed and scored in one task, and let go."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..folders import write_whole
from ..parallel import Partition, Partitioned, partitions
from ..preprocess import Preprocessor, PreprocessReport
from ..preprocess.columns import completed, stacked
from ..preprocess.parted import added_up
from ..preprocess.passes import TALLY, TOLD, as_shard, listed_ids, refuse_others, shards_of
from ..preprocess.passing import Passing
from ..scores.named import line_filter
from ..shards import join_shards
from ..spectrumset import SpectrumSet
from ..store import ARRAYS, SHARD
from ..surveys.parted import PartedSurvey
from .manifest import fingerprint, key, versions
from .parted import ReadOnce, joined, raw_scores


@dataclass(frozen=True)
class Like:
    """What spectra that go by have in common with the sample that models were trained on.

    Attributes
    ----------
    preprocess : ReadOnce
        The fitted Preprocessor, best without its report.
    arrays : tuple of str
        Of the sample.
    precision : str
        Of the sample.
    """

    preprocess: ReadOnce
    arrays: tuple[str, ...]
    precision: str

    @classmethod
    def of(cls, preprocess: Path, sample: SpectrumSet) -> Like:
        """Return it for a sample; `preprocess` is the JSON that :meth:`.Preprocessor.save` wrote."""
        arrays = tuple(name for name in ARRAYS if sample.rows(name) is not None)
        return cls(ReadOnce.of(preprocess), arrays, sample.precision)

    def passing(self, survey: Any) -> Passing:
        """Return the spectra of a survey as they go by."""
        return Passing(self.preprocess.preprocessor(), survey, self.arrays, self.precision)


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
        Name → a model.
    options : mapping
        Of :func:`.scores.named.scorers_of`.
    """

    survey: PartedSurvey
    like: Like
    models: Mapping[str, ReadOnce]
    options: Mapping[str, Any]

    def __call__(self, part: Partition) -> dict[str, Any]:
        """Return ``objects``, the table of the spectra; for each model a table of scores; and what was dropped."""
        passing = self.like.passing(self.survey.read(part))
        tables: list[pd.DataFrame] = []
        scored: dict[str, list[pd.DataFrame]] = {name: [] for name in self.models}
        for block in passing:
            tables.append(block.table)
            for name, model in self.models.items():
                scored[name].append(raw_scores(model.model(), block, self.options))
        made = {name: _concatenated(parts) for name, parts in scored.items() if parts}
        return {**({"objects": stacked(tables)} if tables else {}), **made, **passing.told}


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
        wanted, read = listed_ids(self.ids, part), list[str]()

        def blocks() -> Iterator[SpectrumSet]:
            for block in self.like.passing(self.survey.select(wanted)):
                read.extend(block.ids)
                yield block
            refuse_others(wanted, read)

        return as_shard(blocks(), len(part), self.scratch, arrays=self.like.arrays, precision=self.like.precision)[0]


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
        sample, fitted = SpectrumSet.open(self.sample), Preprocessor.load(self.preprocess)
        lines, velocity = line_filter(sample, lines=lines, velocity=velocity, preset=preset)
        options = {"lines": lines, "velocity": velocity, "trim": trim, "preset": preset}
        judges = {name: ReadOnce.of(path) for name, path in models.items()}
        config = self._config({name: model.state for name, model in judges.items()}, options)
        task = StreamPart(self.survey, Like.of(self._light(fitted), sample), judges, options)
        parts = self.survey.partitions()
        parted = Partitioned(self.work / "scores", config, self.executor, label=self.label, needs={"GPU": 1})
        done = parted(task, parts)
        run = added_up(self.survey, done, parts=parts, options=fitted, grid=fitted.fitted_.grid, action="transform")
        if not run.tally.n_out:
            raise run.nothing_left()
        objects = completed([joined(done, "objects")], run.tally.columns)
        return Streamed(objects, {name: joined(done, name) for name in models},
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
        like = Like.of(self._light(Preprocessor.load(self.preprocess)), sample)
        scratch = (work / "scratch").absolute()
        shutil.rmtree(scratch, ignore_errors=True)  # of workers that were killed
        task = FetchPart(self.survey, like, listed.absolute(), scratch)
        config = self._config(list(table["id"]), {})
        done = Partitioned(work, config, self.executor)(task, partitions(len(table), SHARD)).whole()
        join_shards(path, sample.wave, shards_of(done, like.arrays), table, provenance=sample.provenance)
        shutil.rmtree(work)
        return SpectrumSet.open(path)

    def _light(self, fitted: Preprocessor) -> Path:
        """Write what was learnt for workers, without the report: that names every spectrum that was dropped."""
        return fitted.save(self.work / "preprocess", report=False)

    def _config(self, *more: Any) -> str:
        made_by = fingerprint(self.preprocess.with_name(f"{self.preprocess.name}.json"))
        return key({"sample": fingerprint(self.sample), "preprocess": made_by, "more": [*more, TALLY, TOLD],
                    "specanom": versions()["specanom"]})


def _concatenated(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    made = pd.concat(parts, ignore_index=True)
    made.attrs = parts[0].attrs
    return made
