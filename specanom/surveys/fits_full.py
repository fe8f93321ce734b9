"""The same face as :mod:`.fits_fast`, by astropy.io.fits: slower, and at home with everything the standard allows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .fits_fast import BrokenFits

UNREAD = "_RESOLUTION"
"""How the names of HDUs end that nobody asks for: four fifths of the bytes of a DESI file."""


class Hdu(Protocol):
    """What the readers ask of an HDU, whoever reads it."""

    @property
    def kind(self) -> str: ...
    @property
    def header(self) -> Mapping[str, Any]: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def names(self) -> Mapping[str, Any]: ...
    def column(self, name: str) -> NDArray[Any]: ...
    def scalar(self, name: str, row: int = 0) -> Any: ...
    def image(self) -> NDArray[Any]: ...
    def rows(self, rows: Sequence[int]) -> NDArray[Any]: ...


class Fits(Protocol):
    """What the readers ask of a file."""

    @property
    def path(self) -> str: ...
    @property
    def size(self) -> int: ...
    def hdu(self, index: int) -> Hdu | None: ...


class FullHdu:
    """One HDU, read by astropy."""

    def __init__(self, hdu: Any) -> None:
        self._hdu = hdu

    @cached_property
    def kind(self) -> str:
        """``"IMAGE"``, ``"BINTABLE"`` or what XTENSION says."""
        return str(self._hdu.header.get("XTENSION", "IMAGE")).strip()

    @cached_property
    def header(self) -> dict[str, Any]:
        """Keyword → value."""
        return {key: value for key, value in self._hdu.header.items() if key}

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Shape of the data; ``(rows, bytes per row)`` of a table."""
        header = self._hdu.header
        return tuple(int(header[f"NAXIS{i}"]) for i in range(int(header["NAXIS"]), 0, -1))

    @cached_property
    def names(self) -> dict[str, str]:
        """Column names in lower case → as written."""
        columns = getattr(self._hdu, "columns", None)
        return {} if columns is None else {str(name).strip().lower(): str(name) for name in columns.names}

    def column(self, name: str) -> NDArray[Any]:
        """Return a column."""
        data = np.asarray(self._hdu.data[self.names[name]])
        return np.char.encode(data, "latin-1", "replace") if data.dtype.kind == "U" else data

    def scalar(self, name: str, row: int = 0) -> Any:
        """Return one value as a Python number or text."""
        value = self._hdu.data[self.names[name]][row]
        return str(value).strip() if isinstance(value, (str, bytes)) else np.asarray(value).tolist()

    def image(self) -> NDArray[Any]:
        """Return the image."""
        data: NDArray[Any] = np.asarray(self._hdu.data)
        return data

    def rows(self, rows: Sequence[int]) -> NDArray[Any]:
        """Return some rows of the image."""
        return self.image()[list(rows)]


class FullFits:
    """A FITS file read whole by astropy and closed again.

    Raises
    ------
    BrokenFits
        When astropy cannot read it either.
    """

    def __init__(self, path: str, size: int) -> None:
        from astropy.io import fits

        self.path, self.size = path, size
        self._hdus: list[FullHdu] = []
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with fits.open(path, memmap=False, lazy_load_hdus=False) as opened:
                    for hdu in opened:
                        if not hdu.name.endswith(UNREAD):
                            _ = hdu.data
                        self._hdus.append(FullHdu(hdu))
        except Exception as exc:                    # a damaged file makes astropy raise almost anything
            raise BrokenFits(f"not readable: {type(exc).__name__}: {exc}") from exc

    def hdu(self, index: int) -> FullHdu | None:
        """Return an HDU, or None when the file has fewer."""
        return self._hdus[index] if index < len(self._hdus) else None
