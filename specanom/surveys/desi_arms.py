"""The arms of DESI spectra, joined on one grid by inverse variance.

A pixel with any mask bit gets no weight, in its arm and before anything is added up. The order matters: where the
weight is taken first, as ``coadd_cameras`` of desispec 0.70 does, a flagged pixel in the overlap of two arms leaks half
of its bad flux into the result and comes out with mask 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError

Doubles = NDArray[np.float64]

STEP = 0.8
GRID: Doubles = np.arange(36_000, 98_241, 8) / 10.0
"""The grid of all three arms: 3600, 3600.8, … 9824 Å in vacuum, 7781 pixels."""
GRID.flags.writeable = False
DISPERSION = 30.0
"""Gaussian sigma of the line-spread function, km/s, in the median over a spectrum.

It is that of the instrument and not of each fibre, since the resolution matrices are not read: theirs is 29.8, 30.0 and
30.5 in three coadds of 2021 to 2023, and falls from 58 at 3700 Å over 30 in the middle arm to 23 at 9000 Å.
"""
TOLERANCE = 0.01
"""Pixels; wavelengths of files are sums of steps in double precision and are off by 1e-9."""


class Joined(NamedTuple):
    """Spectra on one grid.

    Attributes
    ----------
    flux : (m, p) float64 array
        NaN where nothing was seen or everything that was seen is flagged.
    ivar : (m, p) float64 array
        0 there.
    mask : (m, p) uint32 array or None
        The bits of all arms; None when no arm has a mask.
    """

    flux: Doubles
    ivar: Doubles
    mask: NDArray[np.uint32] | None


class Arm(NamedTuple):
    """What one arm gives: rows of exposures as the file has them; `mask` may be None."""

    flux: NDArray[np.generic]
    ivar: NDArray[np.generic]
    mask: NDArray[np.generic] | None


def place(waves: Mapping[str, Doubles]) -> tuple[Doubles, dict[str, int]]:
    """Return one grid that holds the pixels of all arms, and where on it each arm begins.

    Parameters
    ----------
    waves : mapping
        Arm → its wavelengths, (q,) Å.

    Returns
    -------
    wave : (p,) array
        :data:`GRID` whole when all arms lie on it, though some may be missing; otherwise from the bluest to the reddest
        pixel of the arms.
    starts : dict
        Arm → index of its first pixel.

    Raises
    ------
    DataError
        When the pixels of the arms do not coincide: such arms would have to be resampled.
    """
    if all(_fits(wave, GRID[0], STEP) and wave[0] > GRID[0] - 0.1 and wave[-1] < GRID[-1] + 0.1
           for wave in waves.values()):
        return GRID, {arm: _position(wave, GRID[0], STEP) for arm, wave in waves.items()}
    if len(waves) == 1:
        (arm,) = waves
        return np.array(waves[arm], np.float64), {arm: 0}
    bluest = min(waves, key=lambda arm: float(waves[arm][0]))
    first, step = float(waves[bluest][0]), float(np.median(np.diff(waves[bluest])))
    for arm, wave in waves.items():
        if not _fits(wave, first, step):
            raise DataError(f"the grids of the arms do not fit: pixels of {arm} lie between those of {bluest}, so that "
                            "joining them needs resampling; resample the arms to one grid first")
    starts = {arm: _position(wave, first, step) for arm, wave in waves.items()}
    size = max(start + waves[arm].size for arm, start in starts.items())
    if size > 4 * sum(wave.size for wave in waves.values()):
        raise DataError(f"the arms lie too far apart to be joined: on {size:,} pixels")
    return np.asarray(first + step * np.arange(size), np.float64), starts


def _fits(wave: Doubles, first: float, step: float) -> bool:
    """Tell whether wavelengths are neighbours on the grid ``first + step·i``."""
    if wave.ndim != 1 or wave.size < 2 or not np.isfinite(wave).all():
        return False
    index = (wave - first) / step
    return bool(np.abs(index - np.rint(index[0]) - np.arange(wave.size)).max() < TOLERANCE)


def _position(wave: Doubles, first: float, step: float) -> int:
    return int(np.rint((wave[0] - first) / step))


def join(arms: Sequence[tuple[int, Arm]], size: int, groups: NDArray[np.intp]) -> Joined:
    """Add up arms, and exposures of one target, by inverse variance.

    The flux is Σ ivar·flux / Σ ivar and the inverse variance Σ ivar, in double precision, over the pixels of all arms
    and exposures that are finite, have ivar > 0 and no mask bit. Mask bits of the arms are or-ed; an arm's bits
    stand where none of its exposures is good.

    Parameters
    ----------
    arms : sequence of (int, Arm)
        Where on the grid an arm begins, and its rows, (r, q) each.
    size : int
        Pixels of the grid.
    groups : (r,) array of int
        Which spectrum each row belongs to, 0 … m − 1.
    """
    m = int(groups.max()) + 1 if groups.size else 0
    total, weight = np.zeros((m, size)), np.zeros((m, size))
    mask = np.zeros((m, size), np.uint32) if any(arm.mask is not None for _, arm in arms) else None
    for start, arm in arms:
        at = slice(start, start + arm.flux.shape[1])
        flux, ivar, bits = _good(arm)
        seen = _summed(ivar, groups, m)
        total[:, at] += _summed(flux * ivar, groups, m)
        weight[:, at] += seen
        if mask is not None and bits is not None:
            mask[:, at] |= np.where(seen > 0, np.uint32(0), _or_ed(bits, groups, m))
    seen_at_all = weight > 0
    flux = np.where(seen_at_all, total / np.where(seen_at_all, weight, 1.0), np.nan)
    return Joined(flux, weight, mask)


def _good(arm: Arm) -> tuple[Doubles, Doubles, NDArray[np.uint32] | None]:
    """Return flux and weight, both 0 where a pixel does not count, and the mask bits."""
    flux, ivar = np.asarray(arm.flux, np.float64), np.asarray(arm.ivar, np.float64)
    good = np.isfinite(flux) & (ivar > 0) & (ivar < np.inf)
    bits = None
    if arm.mask is not None:
        bits = np.asarray(arm.mask).astype(np.int64).astype(np.uint32)
        good &= bits == 0
    return np.where(good, flux, 0.0), np.where(good, ivar, 0.0), bits


def _summed(values: Doubles, groups: NDArray[np.intp], m: int) -> Doubles:
    if np.array_equal(groups, np.arange(m)):
        return values
    made = np.zeros((m, values.shape[1]))
    np.add.at(made, groups, values)
    return made


def _or_ed(bits: NDArray[np.uint32], groups: NDArray[np.intp], m: int) -> NDArray[np.uint32]:
    if np.array_equal(groups, np.arange(m)):
        return bits
    made = np.zeros((m, bits.shape[1]), np.uint32)
    np.bitwise_or.at(made, groups, bits)
    return made
