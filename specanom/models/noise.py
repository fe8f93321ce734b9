"""From inverse variances to the weights of squared residuals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .inputs import Rows
from .on_disk import BLOCK
from .settings import Training

_ROWS = 2000  # rows that are enough for a median noise


@dataclass(frozen=True)
class NoiseScale:
    """Weights ``1/(σ²/median σ² + floor)``, 1 on average: no pixel outweighs the typical one by more than 1/floor.

    Parameters
    ----------
    variance : float
        Median noise variance of the sample.
    floor : float
        Variance added, in units of it.
    norm : float
        What makes the mean weight 1.
    """

    variance: float
    floor: float
    norm: float

    @classmethod
    def of(cls, sample: Rows, rows: NDArray[np.intp], training: Training) -> Self | None:
        """Return the scale of some rows; None when residuals are not to be weighted."""
        if training.weight == "none" or sample.ivar is None:
            return None
        some = sample.ivar[rows[:: max(len(rows) // _ROWS, 1)]]
        good = some[some > 0]
        if not good.size:
            return None
        middle = [(good.size - 1) // 2, good.size // 2]
        good.partition(middle)
        variance = float(np.mean(1.0 / good[middle].astype(np.float64)))  # the median of 1/ivar
        total = 0.0
        for start in range(0, len(some), BLOCK):
            scaled = some[start : start + BLOCK].astype(np.float64) * variance
            total += float((scaled / (1.0 + training.floor * scaled)).sum())
        return cls(variance, training.floor, some.size / total)

    def weights(self, ivar: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the weights of pixels; written so that ivar = 0 gives weight 0."""
        scaled = ivar * np.float32(self.variance)
        made: NDArray[np.float32] = scaled / (1.0 + np.float32(self.floor) * scaled) * np.float32(self.norm)
        return made
