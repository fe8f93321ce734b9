"""Narrow peaks of a residual, by matched filters on a logarithmic grid, against the noise that is really there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError, message

Doubles = NDArray[np.float64]

STEP = 1e-4 * float(np.log(10.0))
"""Pixels of the search in ln λ: 69 km/s. Finer pixels are joined by inverse variance."""
WIDTHS = (1.6, 3.0)
"""Standard deviations of the filters, pixels: 110 and 207 km/s, the instrument included."""
SMOOTH = 64
"""Pixels of a block whose median is taken for what the model misses of the continuum."""
GHOST = 0.5
"""Share of the height of a peak of the residual that the spectrum itself must have."""
BLOCK = 128
"""Pixels of a block whose scatter tells by how much the noise is underestimated."""


@dataclass(frozen=True, eq=False)
class Peaks:
    """Peaks of a residual.

    Attributes
    ----------
    wave : (n,) array
        ln of the observed wavelength.
    snr : (n,) array
        Signal-to-noise ratio, negative for missing light.
    start : float
        ln λ of the first pixel of the search.
    seen : (m,) bool array
        Pixels of the search at which something is known.
    width : float
        Standard deviation of the filter, in ln λ.
    """

    wave: Doubles
    snr: Doubles
    start: float
    seen: NDArray[np.bool_]
    width: float = WIDTHS[0] * STEP

    def some(self, which: NDArray[np.bool_]) -> Peaks:
        """Return some of the peaks."""
        return Peaks(self.wave[which], self.snr[which], self.start, self.seen, self.width)

    def known(self, wave: float) -> bool:
        """Say whether the residual is known at ``ln λ``."""
        at = round((wave - self.start) / STEP)
        return 0 <= at < self.seen.size and bool(self.seen[at])


def find_peaks(
    wave: Doubles, residual: Doubles, ivar: Doubles, *, threshold: float = 5.0, flux: Doubles | None = None
) -> Peaks:
    """Find the peaks of a residual, up and down.

    Parameters
    ----------
    wave : (p,) array
        Observed wavelengths, Å, ascending.
    residual, ivar : (p,) arrays
        Flux minus what was expected, and its inverse variance; 0 where nothing is known.
    threshold : float
        Least |S/N|.
    flux : (p,) array, optional
        The spectrum. Peaks that it has not half as high are ghosts: what a model wrongly expects to be missing, as one
        does that has learnt the lines of an odd spectrum. They count as missing light.

    Raises
    ------
    ShapeError
        When the arrays differ in length.

    Notes
    -----
    The median of each 64 pixels is taken away. Where the scatter of 128 pixels is above the noise, as it is among badly
    subtracted lines of the sky, the noise is raised to it.
    """
    snr, start, known = _significance(wave, residual, ivar, raised=True)
    high = _maxima(np.abs(snr), threshold)
    before, here, after = (np.abs(snr[high + step]) for step in (-1, 0, 1))
    bend = before - 2 * here + after
    shift = np.where(bend < 0, 0.5 * (before - after) / np.minimum(bend, -1e-30), 0.0).clip(-0.5, 0.5)
    height = snr[high]
    if flux is not None and high.size:
        own = _significance(wave, flux, ivar, raised=False)[0][high]
        height = np.where((height > 0) & (own < GHOST * height), -height, height)
    return Peaks(start + STEP * (high + shift), height, start, known)


def _significance(
    wave: Doubles, residual: Doubles, ivar: Doubles, *, raised: bool
) -> tuple[Doubles, float, NDArray[np.bool_]]:
    """Return the S/N of a line at each pixel of the search, ln λ of the first, and which are known."""
    if not wave.shape == residual.shape == ivar.shape:
        raise ShapeError(message("residual", expected=f"shape {wave.shape}",
                                 got=f"{residual.shape} with ivar {ivar.shape}"))
    start = float(np.log(wave[0]))
    good = (ivar > 0) & np.isfinite(residual) & np.isfinite(ivar)
    at = np.rint((np.log(wave[good]) - start) / STEP).astype(np.intp)
    size = max(BLOCK, int(np.rint((np.log(wave[-1]) - start) / STEP)) + 1)
    weight: Doubles = np.bincount(at, weights=ivar[good], minlength=size).astype(np.float64)
    total = np.bincount(at, weights=ivar[good] * residual[good], minlength=size)
    known = weight > 0
    value = np.divide(total, weight, out=np.full(size, np.nan), where=known)
    value -= _interpolated(_block_medians(value, SMOOTH), SMOOTH, size)
    loud = 1.4826 * _block_medians(np.abs(value) * np.sqrt(weight), BLOCK)
    factor = np.maximum(_interpolated(loud, BLOCK, size), 1.0) if raised else np.ones(size)
    return _filtered(np.where(known, value, 0.0), weight / factor**2), start, known


def _maxima(height: Doubles, threshold: float) -> NDArray[np.intp]:
    """Return the pixels above the threshold that are higher than their neighbours; of equal ones the first."""
    inner = height[1:-1]
    return np.flatnonzero((inner > height[:-2]) & (inner >= height[2:]) & (inner > threshold)) + 1


def _filtered(value: Doubles, weight: Doubles) -> Doubles:
    """Return the S/N of a line at each pixel, of the width that fits best."""
    best = np.zeros(value.size)
    for width in WIDTHS:
        reach = int(np.ceil(4 * width))
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
        above = np.convolve(value * weight, kernel, "same")
        below = np.convolve(weight, kernel**2, "same")
        told = below > 0
        snr = np.divide(above, np.sqrt(below, where=told, out=np.ones(value.size)), where=told,
                        out=np.zeros(value.size))
        best = np.where(np.abs(snr) > np.abs(best), snr, best)
    return best


def _block_medians(values: Doubles, block: int) -> Doubles:
    """Return the median of the finite values of each block; NaN where fewer than a quarter are."""
    padded = np.full(values.size + -values.size % block, np.nan)
    padded[: values.size] = values
    rows = np.sort(padded.reshape(-1, block), axis=1)  # NaN last
    count = np.isfinite(rows).sum(axis=1)
    row = np.arange(len(rows))
    half = np.maximum(count - 1, 0) / 2
    made = 0.5 * (rows[row, np.floor(half).astype(np.intp)] + rows[row, np.ceil(half).astype(np.intp)])
    return np.where(count >= block // 4, made, np.nan)


def _interpolated(blocks: Doubles, block: int, size: int) -> Doubles:
    """Return a value for each pixel, on straight lines between the middles of blocks; 0 without any."""
    told = np.isfinite(blocks)
    if not told.any():
        return np.zeros(size)
    middles = np.flatnonzero(told) * block + 0.5 * (block - 1)
    return np.asarray(np.interp(np.arange(size), middles, blocks[told]))
