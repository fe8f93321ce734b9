"""Where redshifted wavelengths fall among the pixels of an observed grid.

Searching 4000 wavelengths per spectrum is what makes resampling slow. On a grid that is uniform in log λ (SDSS) or in
λ (DESI) the position follows by arithmetic: a redshift only shifts or stretches it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SNAP = 1e-6
"""Positions this close to a pixel (in pixels) are on it, so that rounding makes no output touch a neighbour."""

_UNIFORM = 1e-4  # pixels by which a grid may differ from a uniform one and count as uniform


@dataclass(frozen=True, eq=False)
class Placement:
    """Where the target wavelengths of one spectrum fall: those with numbers ``first`` to ``last`` (exclusive) do.

    Attributes
    ----------
    first, last : int
        Targets outside this range are outside the coverage.
    pixel, above : (last − first,) int arrays
        The pixels that each target lies between; the same pixel twice for a target on a pixel.
    weight : (last − first,) float32 array
        How far each target is towards `above`, from 0 to 1, linear in wavelength.
    """

    first: int
    last: int
    pixel: NDArray[np.intp]
    above: NDArray[np.intp]
    weight: NDArray[np.float32]


class PixelPositions:
    """Finds target wavelengths at any redshift among the pixels of one observed grid.

    Parameters
    ----------
    wave : (p,) array
        Observed wavelengths of the pixels.
    target : (m,) array
        Rest-frame wavelengths, increasing.
    """

    def __init__(self, wave: NDArray[np.float64], target: NDArray[np.float64]) -> None:
        self._wave = wave
        self._target = target
        self._kind, self._start, self._step = grid_kind(wave)
        if self._kind == "log":
            self._log_target = (np.log(target) - self._start) / self._step

    def __call__(self, z: NDArray[np.float64]) -> Iterator[Placement]:
        """Yield the placement for each redshift."""
        for redshift in z:
            yield self._place(self._fractional(float(redshift)))

    def _fractional(self, z: float) -> NDArray[np.float64]:
        if self._kind == "log":
            return np.asarray(self._log_target + np.log1p(z) / self._step)
        if self._kind == "linear":
            return np.asarray(self._target * ((1.0 + z) / self._step) - self._start / self._step)
        inner = np.interp(self._target * (1.0 + z), self._wave, np.arange(self._wave.size), left=-1, right=np.inf)
        return np.asarray(inner)

    def _place(self, position: NDArray[np.float64]) -> Placement:
        first = int(np.searchsorted(position, -SNAP))
        last = int(np.searchsorted(position, self._wave.size - 1 + SNAP, side="right"))
        part = position[first:last]
        whole = np.floor(part + SNAP)
        pixel = whole.astype(np.intp)
        part -= whole
        above = pixel + 1
        on_pixel = part <= SNAP
        if on_pixel.any():
            above[on_pixel] = pixel[on_pixel]
        if self._kind == "log":  # from a fraction of log λ to a fraction of λ; the next term is below 1e-8 of a pixel
            half = 0.5 * self._step
            bent = half * part
            bent += 1.0 - half
            part *= bent
        return Placement(first, last, pixel, above, part.astype(np.float32))


def grid_kind(wave: NDArray[np.float64]) -> tuple[str, float, float]:
    """Say whether a grid is uniform in ln λ (``"log"``), in λ (``"linear"``) or neither (``"any"``).

    Returns
    -------
    kind : str
    start, step : float
        Of ln λ or λ; ``(nan, nan)`` for ``"any"``.
    """
    if wave.size > 1:
        for kind, axis in (("log", np.log(wave)), ("linear", wave)):
            step = float(axis[-1] - axis[0]) / (wave.size - 1)
            # The arithmetic for "log" drops terms of order step², so a coarse grid is looked up instead.
            fine = kind == "linear" or step < 5e-4
            if fine and np.abs(axis - axis[0] - step * np.arange(wave.size)).max() < _UNIFORM * step:
                return kind, float(axis[0]), step
    return "any", float("nan"), float("nan")


def edges(wave: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ``p + 1`` edges of pixels with centres `wave`: midpoints, and as wide at the ends as next to them."""
    middle = 0.5 * (wave[1:] + wave[:-1])
    return np.concatenate([[2 * wave[0] - middle[0]], middle, [2 * wave[-1] - middle[-1]]])
