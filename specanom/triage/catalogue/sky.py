"""Where objects are on the sky, as HATS and LSDB want it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

ORDER = 29
NOWHERE = -1
"""The pixel of an object without a position."""


def healpix_29(ra: ArrayLike, dec: ArrayLike) -> NDArray[np.int64]:
    """Return the HEALPix pixel of order 29, nested, of each position.

    Parameters
    ----------
    ra, dec : (n,) arrays
        ICRS, degrees; any right ascension is taken modulo 360.

    Returns
    -------
    (n,) int64 array
        −1 where a position is not finite or the declination beyond the poles.

    References
    ----------
    Górski et al. 2005, ApJ 622, 759.
    """
    from astropy import units
    from astropy_healpix import lonlat_to_healpix

    lon, lat = np.asarray(ra, np.float64), np.asarray(dec, np.float64)
    good = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) <= 90.0)
    pixels = np.full(lon.shape, NOWHERE, np.int64)
    pixels[good] = lonlat_to_healpix(np.mod(lon[good], 360.0) * units.deg, lat[good] * units.deg, 2**ORDER,
                                     order="nested")
    return pixels


def lost(ra: ArrayLike, dec: ArrayLike) -> list[str]:
    """Return for each position why it is none; empty for a good one."""
    lon, lat = np.asarray(ra, np.float64), np.asarray(dec, np.float64)
    finite = np.isfinite(lon) & np.isfinite(lat)
    beyond = finite & (np.abs(np.where(finite, lat, 0.0)) > 90.0)
    reasons: list[str] = np.select([~finite, beyond], ["position is not finite", "declination beyond the poles"],
                                   "").tolist()
    return reasons
