"""The last steps: only kept wavelengths, median 1, missing pixels filled in, S/N bin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..spectrumset import SpectrumSet
from .columns import numbers, others_last
from .fitting import Fitted, snr_bins


@dataclass(frozen=True, eq=False)
class Finish:
    """Normalise spectra at rest by their medians and fill in what is missing, with what was fitted.

    Parameters
    ----------
    fitted : Fitted
        Which wavelengths stay, what missing pixels are filled with, and the S/N bins.

    Notes
    -----
    The ivar is in units of the normalised flux (times median²) and 0 where imputed.
    """

    fitted: Fitted

    def kept(self, block: SpectrumSet) -> NDArray[np.float32]:
        """Return the flux at the kept wavelengths, ``(n, p)``: a copy."""
        return self._columns(block.flux)

    def _columns(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return the kept columns; numpy's own selection would lay them out column by column, which is slow later."""
        return np.compress(self.fitted.kept, array, axis=1)

    def __call__(
        self, block: SpectrumSet, flux: NDArray[np.float32], medians: NDArray[np.float64]
    ) -> SpectrumSet:
        """Return the finished block.

        Parameters
        ----------
        block : SpectrumSet
            At rest, on the full grid.
        flux : (n, p) float32 array
            Its flux at the kept wavelengths, from :meth:`kept`; used up.
        medians : (n,) array
            Positive medians of these.
        """
        flux /= medians[:, None].astype(np.float32)
        imputed = np.isnan(flux)
        np.copyto(flux, self.fitted.typical[None, :], where=imputed)
        ivar = None
        if block.ivar is not None:
            ivar = self._columns(block.ivar)
            for _ in range(2):  # not times the square: that of a flux in absolute units underflows
                ivar *= medians[:, None].astype(np.float32)
        mask = None if block.mask is None else self._columns(block.mask)
        table = block.table.assign(bin=snr_bins(numbers(block.table, "snr"), self.fitted.snr_edges), median=medians)
        return SpectrumSet(self.fitted.wave, flux, ivar, others_last(table), mask=mask, imputed=imputed, frame="rest",
                           scale="normalised")
