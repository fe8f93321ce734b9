"""How many ordinary spectra reach a threshold, judged from the calibrated scores of a sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Null:
    """The distribution of calibrated scores of ordinary spectra: the lower half of the sample and its mirror image.

    Odd spectra lie above, so the lower half is taken as free of them.

    Attributes
    ----------
    centre : float
        The median.
    depths : (h,) array
        Distances of the lower half from it, ascending.
    """

    centre: float
    depths: NDArray[np.float64]

    @classmethod
    def of(cls, ordered: NDArray[np.float64]) -> Null:
        """Make it from the sorted scores of a sample."""
        centre = float(np.median(ordered))
        return cls(centre, np.sort(centre - ordered[ordered <= centre]))

    def survival(self, threshold: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the share of ordinary spectra at or above each threshold."""
        depth = np.asarray(threshold) - self.centre
        beyond = self.depths.size - np.searchsorted(self.depths, np.abs(depth), side="left")
        share = 0.5 * beyond / self.depths.size
        return np.asarray(np.where(depth >= 0, share, 1.0 - share))
