"""From quantities with units to the plain numbers of the records: vacuum Å, and flux per Å in the survey's unit.

astropy is imported only when something with a unit comes.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DataError, ShapeError, message

SURVEY_FLUX_UNIT = "1e-17 erg / (s cm2 Angstrom)"
"""What SDSS and DESI files mean by their flux densities."""
LONGEST_MICRON, LEAST_LOG, LARGEST_LOG = 30.0, 3.2, 4.4
"""Plain wavelengths up to the first are no Å; between the other two are the logarithms of optical ones."""
SHORTEST_NM, LATEST_NM, LONGEST_NM = 150.0, 900.0, 1150.0
"""Plain wavelengths that begin between the first two and end below the third are those of optical spectra in nm."""
TRIES = {"nm": "wave * astropy.units.nm", "µm, or logarithms": "wave * astropy.units.um, or numpy.exp(wave)",
         "log10 of Å, or µm": "10**wave, or wave * astropy.units.um"}
"""What to try for each thing that :func:`doubt` may say."""
MOST_TOLD = 1000
_TOLD: set[tuple[float, float]] = set()


def as_quantity(value: Any) -> Any | None:
    """Return a Quantity as it is, a table column with a unit as a Quantity, and None for anything without a unit.

    Blanks of a column are NaN.
    """
    if getattr(value, "unit", None) is None:
        return None
    if hasattr(value, "to_value"):
        return value
    if hasattr(value, "filled"):  # a column with blanks, whose quantity would show what lies beneath them
        value = value.astype(np.float64).filled(np.nan)
    return getattr(value, "quantity", None)


def angstrom(wave: Any) -> tuple[Any, bool]:
    """Return wavelengths in Å, and whether they come from a Quantity that runs from red to blue.

    Parameters
    ----------
    wave : array or Quantity
        A Quantity may be of wavelength, frequency, energy or wavenumber. Plain numbers are Å and stay.

    Raises
    ------
    DataError
        When the unit says something else.
    """
    quantity = as_quantity(wave)
    if quantity is None:
        return wave, False
    from astropy import units

    try:
        values = np.asarray(quantity.to_value(units.AA, equivalencies=units.spectral()), dtype=np.float64)
    except units.UnitsError as exc:
        raise DataError(message("wave", expected="wavelengths, frequencies, energies or wavenumbers",
                                got=f"the unit {quantity.unit}", hint="vacuum Å as plain numbers")) from exc
    return values, bool(values.ndim == 1 and values.size > 1 and values[0] > values[-1])


def doubt(first: float, last: float) -> str:
    """Return what wavelengths from `first` to `last` look like that are said to be Å; "" when they may be.

    Examples
    --------
    >>> doubt(3600.0, 9800.0), doubt(360.0, 980.0)
    ('', 'nm')
    """
    if last <= LONGEST_MICRON and not (first.is_integer() and last.is_integer()):  # those count pixels
        return "log10 of Å, or µm" if first > LEAST_LOG and last < LARGEST_LOG else "µm, or logarithms"
    return "nm" if SHORTEST_NM <= first < LATEST_NM and last <= LONGEST_NM else ""


def check_angstrom(wave: NDArray[np.float64], *, given: bool, level: int) -> None:
    """Warn of wavelengths that are hardly Å, once a range.

    Parameters
    ----------
    wave : (p,) array
        Å, increasing.
    given : bool
        Whether a unit came with them: then nothing is said, of parts of the same spectrum neither.
    level : int
        Of the warning, as for :func:`warnings.warn`.

    Warns
    -----
    UserWarning
    """
    ends = float(wave[0]), float(wave[-1])
    looks = doubt(*ends)
    if not looks or ends in _TOLD:
        return
    if len(_TOLD) > MOST_TOLD:
        _TOLD.clear()
    _TOLD.add(ends)
    if not given:
        warnings.warn(message("wave", expected="vacuum Å", got=f"{ends[0]:g} to {ends[1]:g}, which look like {looks}",
                              hint=f"{TRIES[looks]}; wave * astropy.units.AA if they are Å"), stacklevel=level)


def backwards(values: Any) -> Any:
    """Return an array, Quantity or None with its last axis reversed."""
    if values is None:
        return None
    quantity = as_quantity(values)
    return (np.asarray(values) if quantity is None else quantity)[..., ::-1]


def per_angstrom(flux: Any, ivar: Any, wave: NDArray[np.float64]) -> tuple[Any, Any, str | None]:
    """Return flux and inverse variance as plain numbers per Å, and the unit they are in now.

    Parameters
    ----------
    flux : (..., p) array or Quantity
        Any flux density: per wavelength, per frequency, of photons. Dimensionless quantities and plain numbers stay.
    ivar : (..., p) array, Quantity or None
        A Quantity may be in another unit than the flux; plain numbers are in the unit of the flux.
    wave : (p,) array
        Å.

    Returns
    -------
    flux, ivar : arrays
        In units of 1e-17 erg/s/cm²/Å and its inverse square where the flux had such a unit.
    unit : str or None
        Of the flux; "" when dimensionless, None for plain numbers.

    Raises
    ------
    DataError
        When a unit is of no flux density, or only one of the two is dimensionless.
    """
    flux_quantity, ivar_quantity = as_quantity(flux), as_quantity(ivar)
    if flux_quantity is None and ivar_quantity is None:
        return flux, ivar, None
    unit: str | None = None
    scale: NDArray[np.float64] | float = 1.0
    if flux_quantity is not None:
        flux, scale, unit = _scaled("flux", flux_quantity, wave, power=1)
    if ivar_quantity is not None:
        ivar, _, ivar_unit = _scaled("ivar", ivar_quantity, wave, power=-2)
        if unit is not None and ivar_unit != unit:
            raise DataError(message("ivar", expected="the inverse square of a flux density, as flux has one" if unit
                                    else "no unit, as flux has none", got=f"the unit {ivar_quantity.unit or 'none'}",
                                    hint="give both with units, or both without"))
    elif ivar is not None:
        _check_shape("ivar", np.shape(ivar), wave)
        ivar = np.asarray(ivar, dtype=np.float64) / np.square(scale)
    return flux, ivar, unit


def _scaled(
    name: str, quantity: Any, wave: NDArray[np.float64], *, power: int
) -> tuple[NDArray[np.float64], NDArray[np.float64] | float, str]:
    """Return values in the survey's unit to a power, the factor of the flux, and the unit: "" when there is none."""
    from astropy import units

    _check_shape(name, quantity.shape, wave)
    values = np.asarray(quantity.value, dtype=np.float64)
    try:
        if not isinstance(quantity.unit, units.UnitBase):
            raise units.UnitTypeError("magnitudes are no unit that can be multiplied")
        own = quantity.unit ** (1 / power)
        if own.is_equivalent(units.dimensionless_unscaled):
            factor, unit = float(own.to(units.dimensionless_unscaled)), ""
        else:
            density = units.spectral_density(wave * units.AA)
            factor = (np.ones(wave.shape) * own).to_value(units.Unit(SURVEY_FLUX_UNIT), equivalencies=density)
            unit = SURVEY_FLUX_UNIT
    except units.UnitsError as exc:
        expected = "a flux density" if power == 1 else "the inverse square of a flux density"
        raise DataError(message(name, expected=f"{expected} (per Å, nm, Hz, …) or plain numbers",
                                got=f"the unit {quantity.unit}",
                                hint=f"{name}.physical for magnitudes, {name}.value for other numbers")) from exc
    return values * factor**power, factor, unit


def _check_shape(name: str, shape: tuple[int, ...], wave: NDArray[np.float64]) -> None:
    if shape[-1:] != wave.shape:
        raise ShapeError(message(name, expected=f"{wave.size} pixels as wave", got=f"shape {shape}"))
