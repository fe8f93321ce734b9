"""The heavy stages of a run in partitions: scores and latent numbers, explanations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from .. import models, scores
from ..parallel import SIZE, Outcome, Partition, Partitioned, partitions
from ..preprocess import Preprocessor
from ..preprocess.joining import joined as joined
from ..scores.named import line_filter, scorers_of
from ..spectrumset import SpectrumSet
from .manifest import fingerprint, key, versions
from .scoring import NAN_FIRST, latents_of


@dataclass(frozen=True)
class ReadOnce:
    """Something on disk that each process reads once.

    Attributes
    ----------
    path : Path
        On a file system that all workers see.
    state : str
        A hash of what is there, taken where the tasks are made: what is read once is known by it.
    """

    path: Path
    state: str

    @classmethod
    def of(cls, path: Path) -> ReadOnce:
        """Return it with the state in which it is."""
        return cls(path.absolute(), fingerprint(path))

    def model(self) -> Any:
        """Return the model that it is."""
        return _model(self.path, self.state)

    def sample(self) -> SpectrumSet:
        """Return the sample that it is, opened: its table may be long."""
        return _sample(self.path, self.state)

    def preprocessor(self) -> Preprocessor:
        """Return the Preprocessor that it is the JSON of."""
        return _preprocessor(self.path, self.state)


@dataclass(frozen=True)
class ScorePart:
    """The scores of a run and the latent numbers of some rows of a sample.

    Parameters
    ----------
    sample, model : ReadOnce
        Read by the worker, each once.
    options : mapping
        Of :func:`.scores.named.scorers_of`.
    """

    sample: ReadOnce
    model: ReadOnce
    options: Mapping[str, Any]

    def __call__(self, part: Partition) -> dict[str, Any]:
        """Return a table with id, the raw scores and the latent numbers."""
        return {"scores": raw_scores(self.model.model(), self.sample.sample()[part.rows], self.options)}


def raw_scores(model: Any, rows: SpectrumSet, options: Mapping[str, Any]) -> pd.DataFrame:
    """Return id, raw scores and latent numbers of some spectra, with `options` of :func:`.scores.named.scorers_of`."""
    raw = scores.table(scorers_of(model, **options), rows, executor="serial")
    made = pd.concat([raw, latents_of(model, rows).drop(columns="id")], axis=1)
    made.attrs = {NAN_FIRST: raw.attrs[NAN_FIRST]}
    return made


@dataclass(frozen=True)
class InPartitions:
    """How a stage of a run is parted.

    Parameters
    ----------
    work : Path
        Folder for what is done; it may be deleted when the stage is.
    executor : optional
        See :func:`specanom.parallel.workers`.
    size : int
        Rows of a partition.
    label : str
        What progress bars call it.
    """

    work: Path
    executor: Any = None
    size: int = SIZE
    label: str = ""

    def score(self, sample: Path, model: Path, *, lines: str = "", velocity: float = 0.0, trim: float = 0.03,
              preset: str | None = None) -> Outcome:
        """Score a sample; the table ``"scores"`` of the outcome has id, raw scores and latent numbers.

        Parameters
        ----------
        sample, model : Path
            Of a run; on a file system that all workers see.
        lines, velocity, trim, preset
            See :func:`.scores.named.scorers_of`.
        """
        whole = SpectrumSet.open(sample)
        lines, velocity = line_filter(whole, lines=lines, velocity=velocity, preset=preset)
        options = {"lines": lines, "velocity": velocity, "trim": trim, "preset": preset}
        task = ScorePart(ReadOnce.of(sample), ReadOnce.of(model), options)
        config = key({"sample": task.sample.state, "model": task.model.state, "options": options,
                      "specanom": versions()["specanom"]})
        run = Partitioned(self.work, config, self.executor, label=self.label, needs={"GPU": 1})
        return run(task, partitions(len(whole), self.size))


@lru_cache(maxsize=4)
def _model(path: Path, state: str) -> Any:
    return models.load(path)


@lru_cache(maxsize=2)
def _sample(path: Path, state: str) -> SpectrumSet:
    return SpectrumSet.open(path)


@lru_cache(maxsize=2)
def _preprocessor(path: Path, state: str) -> Preprocessor:
    return Preprocessor.load(path)
