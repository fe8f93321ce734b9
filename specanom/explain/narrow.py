"""What light that came through the spectrograph cannot do, seen in the flux alone.

It cannot vary faster than the line-spread function: cosmic rays, hot pixels and the residuals of badly subtracted
sky do. And it cannot come without noise: dead pixels do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ..lines import C_KMS
from ..spectrum import Spectrum

FWHM = 2.3548  # of a Gaussian, in sigma
NARROWER = 0.8  # of the line-spread function: dispersions vary by a tenth along a spectrum, whose median is known
STANDS_OUT = 5.0  # in units of the noise
AROUND = 51  # pixels of the running median a spike stands out from
DEAD_RUN = 8  # pixels in a row; resampled noise of the stated size does this in about one of 20,000 spectra
DEAD_STEP = 0.05  # of the noise, from one pixel to the next


def line_spread(spectrum: Spectrum) -> float | None:
    """Return the Gaussian sigma of the line-spread function, km/s, or None when ``meta["lsf"]`` does not say."""
    lsf = spectrum.meta.get("lsf")
    return None if lsf is None or not np.isfinite(float(lsf)) or float(lsf) <= 0 else float(lsf)


def narrow_pixels(spectrum: Spectrum) -> NDArray[np.bool_] | None:
    """Say which pixels belong to a spike narrower than the line-spread function.

    A spike is a local extreme of the flux against its running median, above five times the scatter around that
    median and, where `ivar` is known, five times the noise; "narrower" means a full width at half maximum below 0.8
    of that of ``meta["lsf"]`` (Gaussian sigma in km/s). It covers that width to both sides of its extreme.

    Returns
    -------
    (p,) bool array or None
        None when the line-spread function is not known.
    """
    lsf = line_spread(spectrum)
    if lsf is None:
        return None
    width = FWHM * lsf / C_KMS
    wave = spectrum.wave
    excess = spectrum.flux - median_filter(spectrum.flux, size=min(AROUND, len(spectrum)), mode="nearest")
    size = np.abs(excess)
    high = _standing_out(spectrum, size)
    high = high[(size[high] >= size[high - 1]) & (size[high] >= size[(high + 1) % size.size])]
    found = np.zeros(size.size, dtype=np.bool_)
    if not high.size:
        return found
    lows, tops = (np.searchsorted(wave, wave[high] * (1 + sign * width)) for sign in (-1, 1))
    for peak, low, top in zip(high.tolist(), lows.tolist(), tops.tolist(), strict=True):
        # Wider than the window is wider than what is asked, so one pixel beyond it is enough.
        window = slice(max(low - 1, 0), top + 1)
        values = excess[window] if excess[peak] > 0 else -excess[window]
        if _half_maximum_width(values.tolist(), peak - window.start, wave[window].tolist()) < (
                NARROWER * width * wave[peak]):
            found[low:top] = True
    return found


def dead_pixels(spectrum: Spectrum) -> NDArray[np.bool_]:
    """Say which pixels carry no noise: eight or more in a row that follow each other within a twentieth of it.

    None do when `ivar` is not known, or when most of the spectrum is like that, as in a model without noise.
    """
    dead = np.zeros(len(spectrum), dtype=np.bool_)
    if spectrum.ivar is None or len(spectrum) <= DEAD_RUN:
        return dead
    ivar = np.maximum(spectrum.ivar[1:], spectrum.ivar[:-1])
    still = (np.diff(spectrum.flux) ** 2 * ivar < DEAD_STEP**2) & (ivar > 0)
    starts, stops = runs_of(still)
    long = stops - starts + 1 >= DEAD_RUN
    dead |= covered(starts[long], stops[long] + 1, len(spectrum))
    return dead if dead.mean() < 0.5 else np.zeros_like(dead)


def runs_of(flags: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where runs of True begin, and where they have ended."""
    padded = np.zeros(flags.size + 2, dtype=np.int8)
    padded[1:-1] = flags
    ends = np.flatnonzero(np.diff(padded))
    return ends[::2], ends[1::2]


def covered(starts: NDArray[Any], stops: NDArray[Any], size: int) -> NDArray[np.bool_]:
    """Say which of `size` pixels lie in any of the intervals ``[start, stop)``; empty ones count for nothing."""
    inside = np.zeros(size, dtype=np.bool_)
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        inside[start:stop] = True
    return inside


def middle(values: NDArray[Any]) -> float:
    """Return the median of finite values, without the checks that cost numpy more than the median itself."""
    half = values.size // 2
    if values.size % 2:
        return float(np.partition(values, half)[half])
    low, high = np.partition(values, (half - 1, half))[half - 1 : half + 1]
    return float((low + high) / 2)


def _standing_out(spectrum: Spectrum, size: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the pixels above five times the scatter of the flux and five times their noise, imputed ones left out."""
    high = np.flatnonzero(size > STANDS_OUT * 1.4826 * middle(size))
    if spectrum.ivar is not None:
        high = high[size[high].astype(np.float64) ** 2 * spectrum.ivar[high] > STANDS_OUT**2]
    return high if spectrum.imputed is None else high[~spectrum.imputed[high]]


def _half_maximum_width(values: list[float], peak: int, wave: list[float]) -> float:
    """Return the full width at half maximum, to the ends at most."""
    level = values[peak] / 2.0
    ends = []
    for step in (-1, 1):
        here = peak
        while 0 <= here + step < len(values) and values[here + step] > level:
            here += step
        beyond = here + step
        if not 0 <= beyond < len(values):
            ends.append(wave[here])
            continue
        share = (values[here] - level) / (values[here] - values[beyond])
        ends.append(wave[here] + share * (wave[beyond] - wave[here]))
    return ends[1] - ends[0]
