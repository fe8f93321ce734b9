"""Steps on observed pixels: which ones count, the airglow line at 5577 Å, and the signal-to-noise ratio.

A missing pixel has flux NaN and, where the noise is known, ivar 0. Each step takes a SpectrumSet in the observed
frame and returns another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lines import AIRGLOW_5577, ARM_JOINS
from ..spectrumset import SpectrumSet
from .columns import texts, with_columns
from .medians import row_medians

FATAL_BITS: dict[str, tuple[int, ...]] = {"sdss": (18, 22, 24, 25), "desi": tuple(range(32))}
"""Mask bits that make a pixel missing, by survey.

SDSS: FULLREJECT, NOSKY, NODATA and COMBINEREJ of ``and_mask`` (SPPIXMASK). Bright or badly subtracted sky
(23, 27, 28) and the fibre-wide bits 0–9 are context, not defects. DESI: every bit of its pixel mask; but where two
arms overlap, a pixel with noise stays, since the bits may be those of the other arm, which has no weight in it.
"""


def bit_pattern(bits: Sequence[int]) -> np.uint32:
    """Return the 32-bit pattern in which the numbered bits are set."""
    return np.uint32(sum(1 << int(bit) for bit in set(bits)))


def missing(block: SpectrumSet, where: NDArray[np.bool_]) -> SpectrumSet:
    """Return the block with the pixels `where`, bool ``(n, p)``, made missing."""
    flux = np.where(where, np.float32(np.nan), block.flux)
    return block.replace(flux=flux, ivar=None if block.ivar is None else np.where(where, np.float32(0), block.ivar))


def missing_columns(block: SpectrumSet, columns: slice) -> SpectrumSet:
    """Return the block with the same neighbouring pixels made missing in every row."""
    flux = block.flux.copy()
    flux[:, columns] = np.nan
    if block.ivar is None:
        return block.replace(flux=flux)
    ivar = block.ivar.copy()
    ivar[:, columns] = 0
    return block.replace(flux=flux, ivar=ivar)


def noise_unknown(ivar: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Say which rows have no noise at all: ivar NaN wherever it is not 0; shape ``(n,)``."""
    nan = np.isnan(ivar)
    rows: NDArray[np.bool_] = np.asarray(nan.any(axis=1))
    if rows.any():
        rows[rows] = ~(ivar[rows] > 0).any(axis=1)
    return rows


@dataclass(frozen=True)
class BadPixels:
    """Make bad pixels missing: ivar 0, flux that is not finite, or a fatal mask bit.

    Parameters
    ----------
    bits : sequence of int, optional
        Which mask bits are fatal. None takes those of each row's survey (:data:`FATAL_BITS`; SDSS where the survey is
        not named). An empty tuple ignores the mask, as the paper did.
    """

    bits: Sequence[int] | None = None

    def __call__(self, block: SpectrumSet) -> SpectrumSet:
        bad = ~np.isfinite(block.flux)
        if block.ivar is not None:
            alive = block.ivar > 0
            alive &= block.ivar < np.inf
            if not alive.any(axis=1).all():  # looked for only where a row has no valid ivar at all
                alive[noise_unknown(block.ivar)] = True
            bad |= ~alive
        if block.mask is not None:
            bad |= self._flagged(block, block.mask)
        return missing(block, bad)

    def _flagged(self, block: SpectrumSet, mask: NDArray[np.uint32]) -> NDArray[np.bool_]:
        if self.bits is not None:
            return np.asarray((mask & bit_pattern(self.bits)) != 0)
        patterns = {name: bit_pattern(bits) for name, bits in FATAL_BITS.items()}
        names = [str(name).lower() for name in texts(block.table, "survey")]
        pattern = np.array([patterns.get(name, patterns["sdss"]) for name in names], dtype=np.uint32)
        bad = np.asarray((mask & pattern[:, None]) != 0)
        joined = np.array([name == "desi" for name in names], dtype=bool)
        if block.ivar is not None and joined.any():
            bad &= ~(joined[:, None] & _overlaps(block.wave)[None, :] & (block.ivar > 0))
        return bad


def _overlaps(wave: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which observed pixels two arms of DESI share; shape ``(p,)``."""
    inside = [(wave > band.lo - 0.4) & (wave < band.hi + 0.4) for band in ARM_JOINS["DESI"]]
    return np.asarray(np.logical_or.reduce(inside), dtype=bool)


@dataclass(frozen=True)
class Airglow:
    """Set aside the residual of the airglow line [O I] 5577, observed 5565–5590 Å.

    Parameters
    ----------
    how : "mask" or "overwrite"
        ``"mask"`` makes the pixels missing. ``"overwrite"`` is what the published code does: each pixel becomes the
        mean of the pixels one window width bluer and redder. A line at 5540–5565 or 5590–5615 Å is then copied into
        the window at half its height, a ghost: for [O III] 5008 at redshifts near 0.1087 and 0.1187.
    """

    how: str = "mask"

    def __call__(self, block: SpectrumSet) -> SpectrumSet:
        start = int(np.searchsorted(block.wave, AIRGLOW_5577.lo))
        stop = int(np.searchsorted(block.wave, AIRGLOW_5577.hi, side="right"))
        if start == stop:
            return block
        size = stop - start
        alone = start < size or stop + size > block.shape[1]  # no neighbours to take the mean of
        if self.how == "mask" or alone:
            return missing_columns(block, slice(start, stop))
        return self._overwrite(block, np.arange(start, stop))

    @staticmethod
    def _overwrite(block: SpectrumSet, window: NDArray[np.intp]) -> SpectrumSet:
        blue, red = window - window.size, window + window.size
        flux = block.flux.copy()
        flux[:, window] = 0.5 * (flux[:, blue] + flux[:, red])
        if block.ivar is None:
            return block.replace(flux=flux)
        ivar = block.ivar.copy()
        with np.errstate(divide="ignore"):
            ivar[:, window] = 4.0 / (1.0 / ivar[:, blue] + 1.0 / ivar[:, red])
        return block.replace(flux=flux, ivar=ivar)


@dataclass(frozen=True)
class SignalToNoise:
    """Add the column ``snr``: :func:`specanom.spectrum.median_snr` of the observed pixels, NaN where ivar is unknown.

    It is taken before any cut on the signal-to-noise ratio of pixels, so it means the same with and without one. A
    value that the survey gave goes to the column ``snr_survey``.
    """

    def __call__(self, block: SpectrumSet) -> SpectrumSet:
        columns = {"snr_survey": block.table["snr"]} if "snr" in block.table else {}
        snr = np.full(len(block), np.nan)
        if block.ivar is not None:
            snr = row_medians(pixel_snr(block.flux, block.ivar))
        return with_columns(block, {**columns, "snr": snr})


@dataclass(frozen=True)
class FaintPixels:
    """Make pixels with flux·√ivar below `minimum` missing, as the paper did with 1.0.

    This censors on the data: troughs and dead blocks vanish and are filled in as ordinary. Off by default; noise
    belongs in the weight of a score.
    """

    minimum: float

    def __call__(self, block: SpectrumSet) -> SpectrumSet:
        if block.ivar is None:
            return block
        return missing(block, pixel_snr(block.flux, block.ivar) < self.minimum)


def pixel_snr(flux: NDArray[np.float32], ivar: NDArray[np.float32]) -> NDArray[Any]:
    """Return flux·√ivar; NaN where either is missing or unknown."""
    root = np.sqrt(ivar)
    root *= flux
    return root
