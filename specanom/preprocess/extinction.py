"""Correction for the dust of the Milky Way."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, message, require
from ..spectrumset import SpectrumSet
from .columns import add_notes, numbers, with_columns

R_V = 3.1
SFD_SCALE = 0.86
"""Schlafly & Finkbeiner (2011): the map of Schlegel, Finkbeiner & Davis (1998) is 14 % too high."""

_F99_RANGE = (1000.0, 33000.0)  # Å, where the curve is defined


def attenuation(wave: NDArray[np.float64], r_v: float = R_V) -> NDArray[np.float64]:
    """Return A(λ)/E(B−V) of the curve of Fitzpatrick (1999), shape ``(p,)``.

    Parameters
    ----------
    wave : (p,) array
        Observed vacuum Å; beyond 1000–33000 Å the value at the end is used.
    r_v : float
        Ratio of total to selective extinction.
    """
    return _curve(np.ascontiguousarray(wave, dtype=np.float64).tobytes(), float(r_v))


@lru_cache(maxsize=32)
def _curve(wave: bytes, r_v: float) -> NDArray[np.float64]:
    from astropy import units
    from dust_extinction.parameter_averages import F99

    values = np.clip(np.frombuffer(wave), *_F99_RANGE)
    curve = np.asarray(F99(Rv=r_v)(values * units.AA), dtype=np.float64) * r_v
    curve.flags.writeable = False
    return curve


@dataclass(frozen=True)
class Extinction:
    """Undo the foreground extinction, flux and ivar, where the table's column ``ebv`` is known.

    Parameters
    ----------
    scale : float
        What E(B−V) on the scale of the SFD map is multiplied by.
    r_v : float
        Of the extinction curve (Fitzpatrick 1999).
    dust_map : None or "sfd"
        Where `ebv` is missing, look it up at ra, dec in the map that the package ``dustmaps`` has on this computer.

    Notes
    -----
    A row without `ebv` is not corrected; its note says so.
    """

    scale: float = SFD_SCALE
    r_v: float = R_V
    dust_map: str | None = None

    def __call__(self, block: SpectrumSet) -> SpectrumSet:
        ebv = numbers(block.table, "ebv")
        ebv[~(ebv >= 0)] = np.nan  # negative values stand for "unknown" in some tables
        if self.dust_map is not None:
            ebv = look_up(ebv, numbers(block.table, "ra"), numbers(block.table, "dec"))
        known = np.isfinite(ebv)
        note = add_notes(block.table, ~known, "Milky Way extinction not corrected: E(B-V) unknown")
        columns = {"ebv": ebv, "note": note}
        if not known.any():
            return with_columns(block, columns)
        exponent = 0.4 * np.log(10.0) * self.scale * attenuation(block.wave, self.r_v)
        factor = np.where(known, ebv, 0.0)[:, None].astype(np.float32) * exponent.astype(np.float32)
        np.exp(factor, out=factor)
        flux = block.flux * factor
        ivar = None
        if block.ivar is not None:
            ivar = block.ivar / factor
            ivar /= factor
        return with_columns(block, columns, flux=flux, ivar=ivar)


def look_up(ebv: NDArray[np.float64], ra: NDArray[np.float64], dec: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return E(B−V) with the missing values taken from the SFD map at `ra`, `dec` (degrees).

    Raises
    ------
    MissingDependency
        When ``dustmaps`` is not installed.
    DataError
        When its map has not been downloaded.
    """
    wanted = ~np.isfinite(ebv) & np.isfinite(ra) & np.isfinite(dec)
    sfd = require("dustmaps.sfd", extra="dust")
    if not wanted.any():
        return ebv
    from astropy import units
    from astropy.coordinates import SkyCoord

    try:
        query = sfd.SFDQuery()
    except OSError as exc:
        raise DataError(message("dust_map", expected="the SFD map on this computer", got=f"none ({exc})",
                                hint="import dustmaps.sfd; dustmaps.sfd.fetch()")) from exc
    found = ebv.copy()
    found[wanted] = np.asarray(query(SkyCoord(ra[wanted] * units.deg, dec[wanted] * units.deg)), dtype=np.float64)
    return found
