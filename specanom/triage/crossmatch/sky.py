"""Which part of the sky a table covers, by HEALPix cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def cells_of(ra: ArrayLike, dec: ArrayLike, nside: int) -> NDArray[np.int64]:
    """Return the nested HEALPix cell of each position (degrees)."""
    from astropy import units as u
    from astropy_healpix import HEALPix

    grid = HEALPix(nside=nside, order="nested")
    return np.asarray(grid.lonlat_to_healpix(np.asarray(ra) * u.deg, np.asarray(dec) * u.deg), dtype=np.int64)


def covered(ra: ArrayLike, dec: ArrayLike, table_ra: ArrayLike, table_dec: ArrayLike, *,
            nside: int) -> NDArray[np.bool_]:
    """Tell of each position whether a table has a row in its cell or in one of the eight around it."""
    from astropy_healpix import HEALPix

    filled = np.unique(cells_of(table_ra, table_dec, nside))
    around = HEALPix(nside=nside, order="nested").neighbours(filled) if filled.size else np.empty((8, 0), np.int64)
    return np.isin(cells_of(ra, dec, nside), np.union1d(filled, np.asarray(around).ravel()))
