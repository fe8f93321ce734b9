"""Wavelengths of SDSS files, and their place on the common grid 10**(k·1e-4) Å."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, message
from ..quantities import doubt
from .blocks import STEP

TOLERANCE = 0.005        # pixels; loglam is float32, whose rounding moves it by up to 0.0024 pixel
ENDS = (33_010, 43_010)
FACTORS = {"angstrom": 1.0, "angstroms": 1.0, "a": 1.0, "å": 1.0, "0.1 nm": 1.0, "nm": 10.0, "nanometer": 10.0,
           "nanometers": 10.0, "um": 1e4, "µm": 1e4, "micron": 1e4, "microns": 1e4, "micrometer": 1e4, "m": 1e10}
"""Units of wavelengths as files write them, in small letters → Å."""
SAY_UNIT = "an ECSV or FITS file whose column of wavelengths has a unit, or numbers in Å"
_KEPT, _LONGEST = 256, 10_000
_Grid = tuple[NDArray[np.float64], int | None]
_known: dict[tuple[float, int], tuple[NDArray[Any], _Grid]] = {}


def start_of(loglam: NDArray[np.float64]) -> int | None:
    """Return k of the first pixel when all lie on the common grid, one after the other; otherwise None.

    The common grid ends at 2000 and 20,000 Å: spectra on it share blocks as wide as all of them together.
    """
    position = loglam * (1 / STEP)
    nearest = np.rint(position)
    if loglam.size and np.abs(position - nearest).max() < TOLERANCE and (np.diff(nearest) == 1).all():
        return int(nearest[0]) if nearest[0] >= ENDS[0] and nearest[-1] <= ENDS[1] else None
    return None


def from_loglam(loglam: NDArray[Any]) -> _Grid:
    """Return ``10**loglam`` exactly as the file has it, and k of its first pixel or None.

    Many files share a grid, so the last 256 are remembered.
    """
    values: NDArray[Any] = loglam.astype(np.float32 if loglam.dtype.itemsize == 4 else np.float64)
    key = (float(values[0]), values.size)
    found = _known.get(key)
    if found is not None and np.array_equal(found[0], values):
        return found[1]
    exact = values.astype(np.float64)
    wave = _power(exact)
    wave.flags.writeable = False
    if len(_known) >= _KEPT:
        _known.clear()
    grid = (wave, start_of(exact))
    if values.size <= _LONGEST:
        _known[key] = (values, grid)
    return grid


def from_wavelength(wave: NDArray[Any], unit: str = "") -> _Grid:
    """Return wavelengths as float64 in Å, and k of the first or None.

    Raises
    ------
    DataError
        When no unit that is known is given, and they look like other numbers than Å.
    """
    exact = np.array(wave, np.float64)
    factor = FACTORS.get(unit.strip().lower(), 0.0)
    if factor:
        exact = exact * factor if factor != 1 else exact
    elif exact.size and (looks := doubt(float(exact.min()), float(exact.max()))):
        raise DataError(message("wavelengths", expected="vacuum Å, or a unit in the file", got=f"{exact.min():g} to "
                                f"{exact.max():g}, which look like {looks}", hint=SAY_UNIT))
    return exact, start_of(np.log10(exact)) if (exact > 0).all() else None


def from_coefficients(first: float, step: float, size: int) -> _Grid:
    """Return ``10**(first + step·i)`` for i = 0 … size − 1, and k of the first or None."""
    with np.errstate(all="ignore"):             # infinite ones, of which a spectrum is refused
        loglam = first + step * np.arange(size, dtype=np.float64)
        return _power(loglam), start_of(loglam)


def _power(loglam: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):            # a header may say 10^9, and infinite wavelengths are refused
        wave: NDArray[np.float64] = np.power(10.0, loglam)
    return wave
