"""Features too narrow to have passed through the spectrograph: cosmic rays, hot pixels, edges."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ..lines import C_KMS
from ..spectrum import Spectrum

FWHM = 2.3548  # of a Gaussian, in sigma


def narrow_segments(
    spectrum: Spectrum, segments: NDArray[np.intp], mass: NDArray[np.float64]
) -> NDArray[np.bool_] | None:
    """Say in which segments the leading feature is narrower than the line-spread function.

    The feature is the highest or lowest pixel, against the running median, next to where most of the segment's
    weight is (`mass`). It counts above five times the scatter around that median; "narrower" means a full width at
    half maximum below 0.8 of that of ``meta["lsf"]`` (Gaussian sigma in km/s). None when that is not known.
    """
    lsf = spectrum.meta.get("lsf")
    if lsf is None or not np.isfinite(float(lsf)) or float(lsf) <= 0:
        return None
    stands_out = spectrum.flux - median_filter(spectrum.flux, size=min(51, len(spectrum)), mode="nearest")
    scatter = 1.4826 * float(np.median(np.abs(stands_out)))
    narrow = np.zeros(int(segments.max()) + 1, dtype=np.bool_)
    order = np.argsort(-mass, kind="stable")
    _, first = np.unique(segments[order], return_index=True)
    for segment, centre in enumerate(order[first]):
        around = slice(max(0, centre - 3), centre + 4)
        peak = around.start + int(np.abs(stands_out[around]).argmax())
        if abs(stands_out[peak]) > 5.0 * scatter:
            width = _half_maximum_width(stands_out * np.sign(stands_out[peak]), peak, spectrum.wave)
            narrow[segment] = width / spectrum.wave[peak] * C_KMS < 0.8 * FWHM * float(lsf)
    return narrow


def _half_maximum_width(values: NDArray[np.float64], peak: int, wave: NDArray[np.float64]) -> float:
    level = values[peak] / 2.0
    ends = []
    for step in (-1, 1):
        here = peak
        while 0 <= here + step < values.size and values[here + step] > level:
            here += step
        beyond = here + step
        if not 0 <= beyond < values.size:
            ends.append(float(wave[here]))
            continue
        share = (values[here] - level) / (values[here] - values[beyond])
        ends.append(float(wave[here] + share * (wave[beyond] - wave[here])))
    return ends[1] - ends[0]
