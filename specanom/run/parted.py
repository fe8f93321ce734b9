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
from ..preprocess.parted import settled
from ..scores.named import line_filter, scorers_of
from ..spectrumset import SpectrumSet
from .manifest import fingerprint, key, versions
from .scoring import NAN_FIRST, latents_of


@dataclass(frozen=True)
class ScorePart:
    """The scores of a run and the latent numbers of some rows of a sample.

    Parameters
    ----------
    sample, model : Path
        Read by the worker, each once.
    options : mapping
        Of :func:`.scores.named.scorers_of`.
    """

    sample: Path
    model: Path
    options: Mapping[str, Any]

    def __call__(self, part: Partition) -> dict[str, Any]:
        """Return a table with id, the raw scores and the latent numbers."""
        fitted, sample = _model(self.model), _sample(self.sample)
        rows = sample[part.rows]
        scorers = scorers_of(fitted, **self.options)
        raw = scores.table(scorers, rows, executor="serial")
        made = pd.concat([raw, latents_of(fitted, rows).drop(columns="id")], axis=1)
        made.attrs = {NAN_FIRST: raw.attrs[NAN_FIRST]}
        return {"scores": made}


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
        config = key({"sample": fingerprint(sample), "model": fingerprint(model), "options": options,
                      "specanom": versions()["specanom"]})
        run = Partitioned(self.work, config, self.executor, label=self.label, needs={"GPU": 1})
        return run(ScorePart(sample.absolute(), model.absolute(), options), partitions(len(whole), self.size))


def joined(done: Outcome, name: str) -> pd.DataFrame:
    """Return a table of all partitions, with the dtypes of its values however it was parted."""
    return settled(done.table(name))


@lru_cache(maxsize=4)
def _loaded(path: Path, state: str) -> Any:
    return models.load(path)


def _model(path: Path) -> Any:
    """Return a model, loaded once a process."""
    return _loaded(path, fingerprint(path))


@lru_cache(maxsize=2)
def _opened(path: Path, state: str) -> SpectrumSet:
    return SpectrumSet.open(path)


def _sample(path: Path) -> SpectrumSet:
    """Return a sample, opened once a process: its table may be long."""
    return _opened(path, fingerprint(path / "manifest.json"))  # not its time: clocks are set back
