"""SDSS spectra that come as images: spSpec files of before DR8, and copies on a linear grid."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .blocks import Pixels
from .columns import number
from .fits_fast import BrokenFits
from .fits_full import Fits
from .grids import from_coefficients, from_wavelength
from .sdss import header_notes, ivar_of, meta_of_headers, require_size
from .survey import Entry


class ImageSource:
    """One spectrum in the primary image.

    An spSpec image has five rows: flux, flux without continuum, error (≤ 0 where bad), mask bits as floats, and
    more. An image of one row is flux alone, on the grid that CRVAL1 and CD1_1 say: when IRAF rewrites a spectrum on a
    linear grid, COEFF0 and COEFF1 stay in the header and are stale. They still tell where the spectrum began when it
    was observed: a copy that begins 1 + z bluer than that has been taken to the rest frame.
    """

    def __init__(self, file: Fits) -> None:
        self.file = file
        self.path = file.path
        primary = file.hdu(0)
        assert primary is not None
        self.primary = primary
        self.legacy = len(primary.shape) == 2
        require_size(primary, primary.shape[-1])

    def entries(self) -> list[Entry]:
        """Return the one object of the file."""
        meta = meta_of_headers(self.file, self.path)
        notes = header_notes(self.file)
        if not self.legacy:
            notes.append("no inverse variance: the noise is not known")
            notes.append("wavelengths from CRVAL1 and CD1_1")
            if self.shift != 1:
                notes.append(f"stored at rest: taken back to the observed frame with 1 + z = {self.shift:.6f}")
            if self._faint():
                notes.append("flux is in other units than BUNIT says")
        return [Entry(0, meta, tuple(notes))]

    def pixels(self, rows: Sequence[int]) -> Pixels:
        """Read the spectrum."""
        image = self.primary.image()
        wave, start = self._grid(image.shape[-1])
        if not self.legacy:
            return Pixels(wave, start, image[None], None, None, {}, self.shift)
        mask = image[3].astype(np.int64)[None] if len(image) > 3 else None
        ivar = ivar_of(image[2])[None] if len(image) > 2 else None
        return Pixels(wave, start, image[:1], ivar, mask, {})

    @cached_property
    def shift(self) -> float:
        """1 + z of a copy that is stored at rest, 1 of any other."""
        header = self.primary.header
        z, first, stale = (number(header.get(key)) for key in ("Z", "CRVAL1", "COEFF0"))
        if self.legacy or not (z > 0 and first > 100 and 3 < stale < 5):
            return 1.0
        observed = 10.0**stale
        at_rest = abs(first * (1 + z) / observed - 1)
        return 1 + z if at_rest < 5e-4 and at_rest < abs(first / observed - 1) else 1.0

    def _faint(self) -> bool:
        image = np.abs(self.primary.image())
        return "1E-17" in str(self.primary.header.get("BUNIT", "")).replace(".0", "") and 0 < np.median(image) < 1e-9

    def _grid(self, size: int) -> tuple[NDArray[np.float64], int | None]:
        header = self.primary.header
        if self.legacy:
            return from_coefficients(float(header["COEFF0"]), float(header["COEFF1"]), size)
        first = number(header.get("CRVAL1"))
        step = number(header.get("CD1_1", header.get("CDELT1")))
        pixel = np.arange(size) + 1 - number(header.get("CRPIX1", 1))
        if not (np.isfinite([first, step]).all() and step > 0):
            raise BrokenFits("no wavelengths: CRVAL1 and CD1_1 or CDELT1 are missing")
        values = first + step * pixel
        logarithmic = whole_flag(header.get("DC-FLAG")) or str(header.get("CTYPE1", "")).upper().startswith("LOG")
        return from_coefficients(first + step * pixel[0], step, size) if logarithmic else \
            from_wavelength(values, str(header.get("CUNIT1", "")))

    def details(self, row: int) -> dict[str, Any]:
        """Nothing more is known."""
        return {}


def whole_flag(value: Any) -> bool:
    """Tell whether IRAF's DC-FLAG says that the grid is logarithmic."""
    return number(value, 0.0) == 1
