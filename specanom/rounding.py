"""Rounding of single-precision numbers to a few bits, so that what is stored of them compresses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import choice

PRECISIONS = ("full", "rounded")
"""How exactly spectra are stored."""
BITS = {"flux": 12, "ivar": 7}
"""Bits of the mantissa, of 23, that rounded arrays keep: an error of at most 1.2e-4 of a flux and 0.4 % of an inverse
variance, which noise drowns. Other arrays are stored as they are."""
PRECISION = "precision"
"""How the manifest, the attributes of the Zarr group and the provenance of a set call it."""
_MANTISSA = 23
_EXPONENT = np.uint32(0x7F800000)


def round_bits(values: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Return numbers rounded to so many bits of their mantissa, ties to even.

    Parameters
    ----------
    values : array of float32
        Of any shape. NaN, infinities, zeros and subnormal numbers stay as they are, and so do the few that would
        become infinite.
    bits : int
        0 to 23 bits that are kept; the others become 0. The error is at most ``2**-(bits + 1)`` of the value.

    Returns
    -------
    array of float32
    """
    raw = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    drop = _MANTISSA - bits
    if drop <= 0:
        return raw.view(np.float32).copy()
    half = np.uint32((1 << (drop - 1)) - 1)
    made = (raw + half + ((raw >> np.uint32(drop)) & np.uint32(1))) & np.uint32(0xFFFFFFFF << drop & 0xFFFFFFFF)
    exponent = raw & _EXPONENT
    same = (exponent == 0) | (exponent == _EXPONENT) | ((made & _EXPONENT) == _EXPONENT)
    return np.where(same, raw, made).view(np.float32)


def as_stored(name: str, values: NDArray[Any], precision: str) -> NDArray[Any]:
    """Return an array of a set as a store of that precision holds it.

    Parameters
    ----------
    name : str
        flux, ivar, mask or imputed.
    values : array
        Its values.
    precision : {"full", "rounded"}
        Whether it is rounded, see :data:`BITS`.
    """
    if choice(PRECISION, precision, PRECISIONS) == "rounded" and name in BITS:
        return round_bits(values, BITS[name])
    return values
