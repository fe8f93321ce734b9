"""The same face as :mod:`.fits_fast`, by astropy.io.fits: slower, and at home with everything the standard allows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from threading import RLock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..foreign.fits_tables import opened
from .fits_fast import BrokenFits, FastFits, FastHdu

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
    def take(self, name: str, rows: NDArray[np.intp]) -> NDArray[Any]: ...
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
    """One HDU, read by astropy; what its header says is read by the fast reader, which held it against the file."""

    def __init__(self, hdu: Any, twin: FastHdu) -> None:
        self._hdu = hdu
        self.kind, self.header, self.shape = twin.kind, twin.header, twin.shape

    @cached_property
    def names(self) -> dict[str, str]:
        """Column names in lower case → as written."""
        columns = getattr(self._hdu, "columns", None)
        return {} if columns is None else {str(name).strip().lower(): str(name) for name in columns.names}

    def _field(self, name: str) -> Any:
        called = self.names[name]
        if str(self._hdu.columns[called].format).lstrip("0123456789")[:1] in ("P", "Q"):
            raise BrokenFits(f"column {name} has another length in each row, no table of spectra")
        return self._hdu.data[called]

    def column(self, name: str) -> NDArray[Any]:
        """Return a column."""
        with _quiet():
            data = np.asarray(self._field(name))
        if data.dtype.kind == "c":
            raise BrokenFits(f"column {name} is of complex numbers")
        return np.char.encode(data, "latin-1", "replace") if data.dtype.kind == "U" else data

    def take(self, name: str, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Return a column at some rows."""
        return self.column(name)[rows]

    def scalar(self, name: str, row: int = 0) -> Any:
        """Return one value as a Python number or text."""
        with _quiet():
            value = self._field(name)[row]
        return str(value).strip() if isinstance(value, (str, bytes)) else np.asarray(value).tolist()

    def image(self) -> NDArray[Any]:
        """Return the image."""
        data: NDArray[Any] = np.asarray(self._hdu.data)
        return data

    def rows(self, rows: Sequence[int]) -> NDArray[Any]:
        """Return some rows of the image."""
        return self.image()[list(rows)]


_ONE_AT_A_TIME = RLock()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the warnings of astropy and numpy about a damaged file to themselves; filters are of the whole process."""
    with _ONE_AT_A_TIME, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


class FullFits:
    """A FITS file read whole by astropy and closed again, once the fast reader found that its sizes are true.

    Raises
    ------
    BrokenFits
        When an HDU is not whole, or astropy cannot read it either.
    """

    def __init__(self, path: str) -> None:
        fast = FastFits(path)
        self.path, self.size = path, fast.size
        self._hdus: list[FullHdu] = []
        try:
            with _quiet(), opened(fast) as hdus:
                for hdu, twin in zip(hdus, fast.hdus, strict=False):
                    if not hdu.name.endswith(UNREAD):
                        _ = hdu.data
                    self._hdus.append(FullHdu(hdu, twin))
        except (MemoryError, BrokenFits):
            raise
        except Exception as exc:                    # a damaged file makes astropy raise almost anything
            raise BrokenFits(f"not readable: {type(exc).__name__}: {exc}") from exc

    def hdu(self, index: int) -> FullHdu | None:
        """Return an HDU, or None when the file has fewer."""
        return self._hdus[index] if index < len(self._hdus) else None
