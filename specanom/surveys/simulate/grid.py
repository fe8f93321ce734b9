"""The two grids of the simulation, both logarithmic with the step of SDSS, so that a redshift is a shift in pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from specanom.lines import C_KMS

#: log10 of the first vacuum wavelength of a plate, step per pixel, number of pixels.
COEFF0, COEFF1, NPIX = 3.5797, 1e-4, 3850
#: Vacuum wavelengths of the observed grid, Å.
WAVE: NDArray[np.float64] = np.asarray(10 ** (COEFF0 + COEFF1 * np.arange(NPIX)), dtype=np.float64)
#: Pixels by which the rest-frame grid starts before the observed one, and its length (a length quick to transform).
REST_LEAD, REST_PIXELS = 1497, 5760
#: Rest-frame grid, 2692 to 10139 Å.
REST: NDArray[np.float64] = np.asarray(10 ** (COEFF0 + COEFF1 * (np.arange(REST_PIXELS) - REST_LEAD)), dtype=np.float64)
#: Velocity of one pixel, km/s.
PIXEL_KMS = C_KMS * COEFF1 * np.log(10)


def pixel_of(wave: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Position (in pixels, not rounded) of vacuum wavelengths on the observed grid."""
    return np.asarray((np.log10(wave) - COEFF0) / COEFF1)
