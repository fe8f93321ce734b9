"""What stands between the readers and files that lie: one place for every limit, and for what may leave a reader.

The rule is that nothing is allocated, and no loop is begun, for what a header says before it was held against the
bytes that are there (:mod:`specanom.foreign.fits_bytes`, :mod:`specanom.foreign.fits_hdus`): each HDU has to lie whole
within its file when it is come to, so that no shape is larger than the file. What a reader hands out
(:func:`sound_entry`, :func:`sound_pixels`) has the types and shapes that everything behind it relies on. Whatever else
goes wrong in a reader is the file's fault and becomes :class:`~specanom.foreign.fits_header.BrokenFits`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..foreign.fits_header import BrokenFits
from ..ids import plain, quoted
from .blocks import Pixels
from .columns import blank_meta
from .survey import Entry

MAX_PIXELS = 1_000_000
"""Of one spectrum; those of SDSS have 4600, of DESI 7781, of echelle spectrographs half a million."""
MAX_OBJECTS = 50_000
"""Of one FITS file; a plate has 1000, a pixel of DESI at most some thousands."""
MAX_TEXT = 256
"""Characters of an id, a class, or any other text that is known of an object."""
LARGEST = 1e18
"""Flux whose square leaves single precision is no measurement, in whatever unit it is."""

_TYPES = {key: type(value) for key, value in blank_meta("").items() if key != "path"}
_FLOATS, _INTS, _TEXTS = ([(key, kind) for key, kind in _TYPES.items() if kind is one] for one in (float, int, str))
_LEAST = -(1 << 63)
_UNPRINTED = ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")


def broken(exc: Exception) -> BrokenFits:
    """Return what is raised in place of an error that a file has led a reader into."""
    return BrokenFits(f"not readable: {type(exc).__name__}: {exc}")


# -- what is known of objects --------------------------------------------------------------------------------------

def sound_entry(entry: Entry) -> Entry:
    """Return an object whose meta has the types of a block's table; one whose id is no name is rejected.

    Texts lose what cannot be printed and what is beyond 256 characters; numbers that are given as text, or as
    numbers of another type, are converted. An id is never changed: two objects could become one.

    Raises
    ------
    DataError
        When a number is none, or a whole number has more than 63 bits.
    """
    meta = entry.meta
    wrong: dict[str, Any] = {}
    for key, kind in _FLOATS:
        if type(meta[key]) is not kind:
            wrong[key] = meta[key]
    for key, kind in _INTS:
        if type(meta[key]) is not kind or not _LEAST <= meta[key] <= -_LEAST - 1:
            wrong[key] = meta[key]
    for key, kind in _TEXTS:
        if type(meta[key]) is not kind or not _is_plain(meta[key]):
            wrong[key] = meta[key]
    id, reject = str(meta["id"]), entry.reject
    if "id" in wrong and not _is_plain(id):
        reject = f"no usable id: {len(id)} characters, {quoted(id, 40)}"
        wrong["id"] = quoted(id, 80)
    if not wrong:
        return entry
    fixed = {key: id if key == "id" and not reject else _as(key, value) for key, value in wrong.items()}
    return entry._replace(meta={**meta, **fixed}, reject=reject)


def _as(key: str, value: Any) -> Any:
    kind = _TYPES[key]
    if kind is str:
        return plain(value.decode("latin-1") if isinstance(value, bytes) else str(value), MAX_TEXT)
    try:
        if isinstance(value, (list, tuple, np.ndarray)):
            raise TypeError
        found = kind(value)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{key} is no {'whole ' * (kind is int)}number: {quoted(str(value), 40)}") from None
    if kind is int and not _LEAST <= found <= -_LEAST - 1:
        raise DataError(f"{key} is no whole number of 63 bits: {quoted(str(value), 40)}")
    return found


def _is_plain(text: str) -> bool:
    return len(text) <= MAX_TEXT and (text.isprintable() or not any(
        unicodedata.category(one) in _UNPRINTED for one in text))


# -- pixels --------------------------------------------------------------------------------------------------------

def sound_pixels(pixels: Pixels, rows: Sequence[int]) -> Pixels:
    """Return pixels of the right shapes, finite or masked.

    Noise that is no number, negative or infinite is ivar 0: nothing is known there. Flux that is infinite, or
    beyond :data:`LARGEST`, is NaN.

    Raises
    ------
    DataError
        When an array has another shape than it should, holds no numbers, or is mostly of a size that single precision
        does not hold: in another unit it would be.
    """
    shape = (len(rows), pixels.wave.size)
    if pixels.wave.ndim != 1 or not 1 < shape[1] <= MAX_PIXELS:
        raise DataError(f"a spectrum of {pixels.wave.size:,} pixels: 2 to {MAX_PIXELS:,} are read")
    for values in (pixels.flux, pixels.ivar, pixels.mask):
        if values is not None and (values.shape != shape or values.dtype.kind not in "fiu"):
            raise DataError(f"values of shape {values.shape} and type {values.dtype} for {shape[1]:,} pixels")
    flux, ivar, mask = _native(pixels.flux), pixels.ivar, pixels.mask
    if not _is_small(flux):
        wide = np.asarray(flux, np.float64)
        _require_unit("flux", wide, LARGEST)
        flux = np.where(np.abs(wide) <= LARGEST, wide, np.nan)
    if ivar is not None and not _is_weight(ivar := _native(ivar)):
        wide = np.asarray(ivar, np.float64)
        _require_unit("inverse variance", wide, _MOST)
        ivar = np.where((wide >= 0) & (wide <= _MOST), wide, 0.0)
    if mask is not None and mask.dtype.kind == "f":
        mask = np.nan_to_num(mask, nan=0.0, posinf=0.0, neginf=0.0).astype(np.int64)
    return Pixels(pixels.wave, pixels.start, flux, ivar, mask, pixels.extra, pixels.shift)


def _require_unit(what: str, values: NDArray[np.float64], most: float) -> None:
    """Refuse numbers most of which are too large, though they are numbers: their unit is another than the survey's.

    Errors of flux in erg/s/cm²/Å are about 1e-18, and their inverse variance is beyond single precision.
    """
    known = np.abs(values[np.isfinite(values) & (values != 0)])
    if known.size and 2 * np.count_nonzero(known > most) > known.size:
        raise DataError(f"{what} of {np.median(known):.0e}: more than single precision holds. Give the unit of flux "
                        "(ECSV, or BUNIT in FITS), or scale it: surveys are in 1e-17 erg/s/cm2/Angstrom")


def _native(values: NDArray[Any]) -> NDArray[Any]:
    """Return values in the order of bytes of this machine, which most files have not; single precision stays single."""
    return np.ascontiguousarray(values, values.dtype.newbyteorder("="))


_MOST = float(np.finfo(np.float32).max)
_BITS = int(np.float32(_MOST).view(np.uint32))      # what is beyond it is infinite, no number, or negative


def _is_small(flux: NDArray[np.generic]) -> bool:
    """Tell whether all flux is NaN or small; where all of it is finite, the sum of its squares has told."""
    values = flux.ravel()
    if values.dtype.kind == "f" and np.dot(values, values) <= LARGEST**2:
        return True
    least, most = np.fmin.reduce(values, initial=0), np.fmax.reduce(values, initial=0)
    return bool(least >= -LARGEST and most <= LARGEST)


def _is_weight(ivar: NDArray[np.generic]) -> bool:
    """Tell whether all weights are finite and none is negative, by their bits where they are of single precision."""
    values = ivar.ravel()
    if values.dtype == np.float32:
        return bool(np.maximum.reduce(values.view(np.uint32), initial=0) <= _BITS)
    return bool(np.minimum.reduce(values, initial=0) >= 0 and np.maximum.reduce(values, initial=0) <= _MOST)


def check_count(objects: int, pixels: int) -> None:
    """Refuse a file of more objects, or longer spectra, than there are.

    Raises
    ------
    BrokenFits
    """
    if objects > MAX_OBJECTS or pixels > MAX_PIXELS:
        raise BrokenFits(f"{objects:,} spectra of {pixels:,} pixels: at most {MAX_OBJECTS:,} of {MAX_PIXELS:,} "
                         "are read of a file")


def rows_at_once(pixels: int) -> int:
    """Return how many spectra of so many pixels are held at a time."""
    return max(1, (1 << 22) // max(pixels, 1))
