"""From inverse variances to the weights of squared residuals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .inputs import Rows
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
        some = sample.ivar[rows[:: max(len(rows) // _ROWS, 1)]].astype(np.float64)
        good = some > 0
        if not good.any():
            return None
        variance = float(np.median(1.0 / some[good]))
        scaled = some * variance
        return cls(variance, training.floor, float(1.0 / (scaled / (1.0 + training.floor * scaled)).mean()))

    def weights(self, ivar: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the weights of pixels; written so that ivar = 0 gives weight 0."""
        scaled = ivar * np.float32(self.variance)
        made: NDArray[np.float32] = scaled / (1.0 + np.float32(self.floor) * scaled) * np.float32(self.norm)
        return made
