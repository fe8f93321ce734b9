"""Presets of the Preprocessor besides the paper's: the bins of redshift of quasars and the options they set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DESI_ENDS = 3600.0, 9824.0
"""First and last wavelength of DESI, Å."""

STEP = 1e-4
"""log10 λ per pixel of the grids of quasars."""


@dataclass(frozen=True)
class QuasarBin:
    """A bin of redshift and the rest wavelengths that DESI observes of every quasar in it.

    Attributes
    ----------
    name : str
        The preset of that name: ``"qso-1.5-2.5"``.
    z_range : (low, high)
    """

    name: str
    z_range: tuple[float, float]

    @property
    def middle(self) -> float:
        """The middle redshift."""
        return 0.5 * (self.z_range[0] + self.z_range[1])

    @property
    def wave(self) -> NDArray[np.float64]:
        """Rest-frame vacuum wavelengths, Å: ``10**(k·1e-4)`` with whole k, shape ``(p,)``."""
        low, high = DESI_ENDS[0] / (1 + self.z_range[0]), DESI_ENDS[1] / (1 + self.z_range[1])
        first, last = int(np.ceil(np.log10(low) / STEP)), int(np.floor(np.log10(high) / STEP))
        return np.asarray(10.0 ** (np.arange(first, last + 1) * STEP), dtype=np.float64)


QUASAR_BINS = tuple(QuasarBin(f"qso-{low}-{high}", (low, high)) for low, high in ((0.8, 1.5), (1.5, 2.5), (2.1, 3.2)))
"""The bins, by redshift; the second and the third overlap."""

MIN_SNR = 2.0
"""Median S/N per observed pixel above which quasars stay: their lines stand out of noise in which a galaxy drowns."""


def _options(one: QuasarBin) -> dict[str, Any]:
    # DESI pixels are finer than the grid's in the blue: means keep all of their light, interpolation would not
    return {"grid": one.wave, "z_range": one.z_range, "target": "qso", "min_snr": MIN_SNR, "resample": "conserving"}


QUASAR_PRESETS: dict[str, dict[str, Any]] = {one.name: _options(one) for one in QUASAR_BINS}
"""Name → options that the preset sets where they are not given."""
