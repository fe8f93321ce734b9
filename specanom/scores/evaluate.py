"""Several scores of one sample in one pass: each block is reconstructed once per model."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from ..errors import ArgumentError, message
from ..parallel import map_blocks
from ..spectrum import Spectrum
from ..spectrumset import SpectrumSet
from .chunks import Doubles
from .rows import BLOCK, Batch, batches

NAMED = 5
"""How many spectra without a score a warning names."""


class Evaluated(Protocol):
    """What a table of scores asks of a scorer, of whatever kind."""

    @property
    def name(self) -> str: ...

    def evaluate(self, batch: Batch) -> Doubles:
        """Return ``(n,)`` values of a batch."""
        ...


class ScoreWarning(UserWarning):
    """Spectra that have no score."""


def _work(scorers: Sequence[Evaluated], batch: Batch) -> list[Doubles]:
    return [batch.score(scorer) for scorer in scorers]


def evaluate(
    scorers: Sequence[Evaluated], sample: Any, *, block_size: int = BLOCK, executor: Any = None
) -> list[Doubles]:
    """Return the ``(n,)`` values of each scorer.

    Parameters
    ----------
    scorers : sequence
        Scorers, calibrated, combined or latent ones.
    sample : SpectrumSet, Spectrum, sequence of Spectrum or array
        What to score.
    block_size : int
        Rows reconstructed at once; one block is held at a time.
    executor : optional
        See :func:`specanom.parallel.map_blocks`.
    """
    if block_size < 1:
        raise ArgumentError(message("block_size", expected="at least 1", got=block_size))
    if not scorers:
        return []  # and nothing is read
    parts = list(map_blocks(partial(_work, tuple(scorers)), batches(sample, block_size), executor))
    if not parts:
        return [np.empty(0) for _ in scorers]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def scored(scorer: Evaluated, sample: Any, block_size: int) -> Doubles:
    """Return the ``(n,)`` values of one scorer; one warning names the spectra without a score.

    To be called by the scorer that the user calls: the warning points to that line.
    """
    values = evaluate([scorer], sample, block_size=block_size)[0]
    rows = np.flatnonzero(np.isnan(values))
    if rows.size:
        first = ", ".join(_name_of(sample, int(row)) for row in rows[:NAMED])
        rest = ", …" if rows.size > NAMED else ""
        warnings.warn(f"{scorer.name}: {rows.size} of {values.size} spectra have no score: {first}{rest} "
                      "(no pixel counts, or a value is not finite)", ScoreWarning, stacklevel=3)
    return values


def _name_of(sample: Any, row: int) -> str:
    if isinstance(sample, SpectrumSet):
        return sample.ids[row]
    one = sample if isinstance(sample, Spectrum) else sample[row]
    return one.id if isinstance(one, Spectrum) else f"row {row}"
