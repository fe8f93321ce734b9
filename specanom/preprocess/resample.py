"""From observed pixels to the rest frame on the common grid, with the noise propagated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..spectrumset import SpectrumSet
from .columns import numbers
from .positions import PixelPositions, edges

Bits = NDArray[np.uint32]
Rows = tuple[NDArray[np.float32], NDArray[np.float32] | None, Bits | None]
METHODS = ("linear", "conserving")


@dataclass(frozen=True, eq=False)
class ToRest:
    """Shift spectra to the rest frame, λ/(1+z) with z from the table, and put them on `grid`.

    Parameters
    ----------
    grid : (m,) array
        Rest-frame vacuum Å.
    method : "linear" or "conserving"
        Linear interpolation, as in the paper, or the mean over each output pixel weighted by overlap, which conserves
        the integrated flux (Carnall 2017, as ``specutils.manipulation.FluxConservingResampler``).
    conserve : None or "flux"
        None keeps the values per Å as they are. ``"flux"`` multiplies them by 1+z, so that the flux in a line stays
        the same; after normalisation it makes no difference.

    Notes
    -----
    An output pixel that touches a missing pixel is missing; so is one outside the coverage. The variance of an output
    pixel is Σ w²σ² with the weights w of its flux. Neighbouring output pixels share input pixels and so are
    correlated; the covariance is not kept. Mask bits are those of the pixels that an output pixel lies between: they
    say what may be odd there (bright sky, say) and make nothing missing.
    """

    grid: NDArray[np.float64]
    method: str = "linear"
    conserve: str | None = None

    def __call__(self, block: SpectrumSet) -> SpectrumSet:
        z = numbers(block.table, "z")
        resample: Callable[..., Rows] = interpolate if self.method == "linear" else average
        flux, ivar, bits = resample(block.wave, block.flux, block.ivar, z=z, grid=self.grid, mask=block.mask)
        if self.conserve == "flux":
            stretch = (1.0 + z).astype(np.float32)[:, None]
            flux *= stretch
            ivar = None if ivar is None else ivar / (stretch * stretch)
        return SpectrumSet(self.grid, flux, ivar, block.table, mask=bits, frame="rest", scale="flux",
                           provenance=block.provenance)


def interpolate(
    wave: NDArray[np.float64], flux: NDArray[np.float32], ivar: NDArray[np.float32] | None, *,
    z: NDArray[np.float64], grid: NDArray[np.float64], mask: Bits | None = None,
) -> Rows:
    """Interpolate rows linearly at ``grid·(1+z)``.

    Parameters
    ----------
    wave : (p,) array
        Observed wavelengths.
    flux, ivar : (n, p) float32 arrays
        NaN and 0 where missing; `ivar` None where the noise is not known.
    z : (n,) array
        Redshifts.
    grid : (m,) array
        Rest-frame wavelengths.
    mask : (n, p) uint32 array, optional
        Mask bits.

    Returns
    -------
    flux, ivar : (n, m) float32 arrays
        With variance (1−w)²σ₀² + w²σ₁².
    mask : (n, m) uint32 array or None
        Bits of either pixel.
    """
    out = np.full((len(flux), grid.size), np.nan, dtype=np.float32)
    variance = None if ivar is None else _variance(ivar)
    spread = None if ivar is None else np.zeros_like(out)
    bits = None if mask is None else np.zeros(out.shape, dtype=np.uint32)
    with np.errstate(invalid="ignore"):  # 0 times the infinite variance of a missing pixel
        for row, place in enumerate(PixelPositions(wave, grid)(z)):
            here = slice(place.first, place.last)
            up, low, high = place.weight, place.pixel, place.above
            start, stop = flux[row].take(low), flux[row].take(high)
            stop -= start
            stop *= up
            np.add(start, stop, out=out[row, here])
            if mask is not None and bits is not None and mask[row].any():
                np.bitwise_or(mask[row].take(low), mask[row].take(high), out=bits[row, here])
            if variance is None or spread is None:
                continue
            down = 1 - up
            first, second = variance[row].take(low), variance[row].take(high)
            first *= down
            first *= down
            second *= up
            second *= up
            np.add(first, second, out=spread[row, here])
    return out, None if spread is None else _inverse(spread, out), bits


def average(
    wave: NDArray[np.float64], flux: NDArray[np.float32], ivar: NDArray[np.float32] | None, *,
    z: NDArray[np.float64], grid: NDArray[np.float64], mask: Bits | None = None,
) -> Rows:
    """Average rows over output pixels, weighted by overlap; arguments and result as :func:`interpolate`.

    The integral of a piecewise constant flux is linear between the edges of its pixels, so each output pixel is a
    difference of two values of the running integral.
    """
    bins, new = edges(wave), edges(grid)
    width = np.diff(bins)
    gone = np.isnan(flux)
    filled = np.where(gone, 0.0, flux).astype(np.float64)
    variance = None if ivar is None else np.where(gone, 0.0, _variance(ivar)).astype(np.float64)
    out = np.full((len(flux), grid.size), np.nan, dtype=np.float32)
    spread = None if variance is None else np.zeros_like(out)
    for row in range(len(flux)):
        cut = _Cut(bins, new * (1.0 + z[row]))
        touched = cut.sums(gone[row].astype(np.float64), width)
        keep = cut.inside & (touched <= 1e-6 * cut.span)
        out[row, keep] = (cut.sums(filled[row], width) / cut.span)[keep]
        if variance is not None and spread is not None:
            spread[row, keep] = (cut.squares(variance[row], width) / cut.span**2)[keep]
    bits = None if mask is None else _bits(wave, mask, z=z, grid=grid)
    return out, None if spread is None else _inverse(spread, out), bits


def _bits(wave: NDArray[np.float64], mask: Bits, *, z: NDArray[np.float64], grid: NDArray[np.float64]) -> Bits:
    bits = np.zeros((len(mask), grid.size), dtype=np.uint32)
    for row, place in enumerate(PixelPositions(wave, grid)(z)):
        bits[row, place.first : place.last] = mask[row].take(place.pixel) | mask[row].take(place.above)
    return bits


class _Cut:
    """Output pixels with the given edges, laid over input pixels with edges `bins`."""

    def __init__(self, bins: NDArray[np.float64], new: NDArray[np.float64]) -> None:
        last = bins.size - 2
        self.inside = (new[:-1] >= bins[0] * (1 - 1e-12)) & (new[1:] <= bins[-1] * (1 + 1e-12))
        self.span = np.diff(new)
        bounded = np.clip(new, bins[0], bins[-1])
        self._pixel = np.clip(np.searchsorted(bins, bounded, side="right") - 1, 0, last)
        self._depth = bounded - bins[self._pixel]  # Å past the lower edge of that pixel

    def sums(self, values: NDArray[np.float64], width: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return Σ overlap·value for each output pixel."""
        running = np.concatenate([[0.0], np.cumsum(values * width)])
        return np.diff(running[self._pixel] + self._depth * values[self._pixel])

    def squares(self, values: NDArray[np.float64], width: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return Σ overlap²·value for each output pixel."""
        first, last = self._pixel[:-1], self._pixel[1:]
        enter, leave = self._depth[:-1], self._depth[1:]
        running = np.concatenate([[0.0], np.cumsum(values * width**2)])
        across = (width[first] - enter) ** 2 * values[first] + leave**2 * values[last]
        across += running[last] - running[np.minimum(first + 1, last)]
        return np.where(first == last, (leave - enter) ** 2 * values[first], across)


def _variance(ivar: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(divide="ignore"):
        return np.reciprocal(ivar)


def _inverse(variance: NDArray[np.float32], flux: NDArray[Any]) -> NDArray[np.float32]:
    """Turn a variance into an inverse variance in place, 0 where the flux is missing."""
    with np.errstate(divide="ignore", over="ignore"):
        np.reciprocal(variance, out=variance)
    np.copyto(variance, 0.0, where=np.isnan(flux))
    return variance
