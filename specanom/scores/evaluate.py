"""Several scores of one sample in one pass: each block is reconstructed once per model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from ..errors import ArgumentError, message
from ..parallel import map_blocks
from .chunks import Doubles
from .rows import BLOCK, Batch, batches


class Evaluated(Protocol):
    """What a table of scores asks of a scorer, of whatever kind."""

    @property
    def name(self) -> str: ...

    def evaluate(self, batch: Batch) -> Doubles:
        """Return ``(n,)`` values of a batch."""
        ...


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
    parts = list(map_blocks(partial(_work, tuple(scorers)), batches(sample, block_size), executor))
    if not parts:
        return [np.empty(0) for _ in scorers]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]
