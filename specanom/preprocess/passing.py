"""A fitted Preprocessor on the spectra of one partition, block by block: nothing of the pixels is kept here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..rounding import as_stored
from ..spectrumset import SpectrumSet
from .assemble import complete
from .passes import told_by
from .pipeline import Pipeline, finish
from .preprocessor import Preprocessor


@dataclass
class Passing:
    """Spectra that go by: read, cut, brought to rest and normalised, and let go.

    Parameters
    ----------
    preprocessor : Preprocessor
        Fitted.
    survey : Survey
        What is read: a part of a survey may hold nothing that passes.
    arrays : sequence of str
        Arrays of each block, as the sample has them that a model was trained on; what a block lacks is filled in as
        in that sample.
    precision : {"full", "rounded"}
        Of that sample: what is rounded there is rounded here.
    """

    preprocessor: Preprocessor
    survey: Any
    arrays: Sequence[str]
    precision: str = "full"
    _run: Pipeline = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._run = Pipeline(self.preprocessor, self.preprocessor.fitted_.grid, self.survey, action="transform")

    def __iter__(self) -> Iterator[SpectrumSet]:
        fitted = self.preprocessor.fitted_
        for block in self._run.prepared(some=True):
            done = finish(block, fitted, self._run.tally)
            if len(done):
                yield self._like_sample(done)

    @property
    def told(self) -> dict[str, Any]:
        """What was dropped, skipped and remarked, once all have gone by; see :func:`.passes.told_by`."""
        return told_by(self._run.tally, self.survey)

    def _like_sample(self, block: SpectrumSet) -> SpectrumSet:
        held: dict[str, Any] = {name: as_stored(name, np.asarray(complete(name, block)), self.precision)
                                for name in self.arrays}
        return SpectrumSet(block.wave, table=block.table, frame=block.frame, scale=block.scale, **held)
