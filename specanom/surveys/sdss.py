"""SDSS, BOSS and eBOSS spec files, lite and full, and tables of one spectrum that look like them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .blocks import Pixels
from .columns import blank_meta, instrument_of, line_fluxes, lsf_of, meta_of_table, number, sdss_id, text, whole
from .fits_fast import BrokenFits
from .fits_full import Fits, Hdu
from .grids import from_loglam, from_wavelength
from .survey import Entry

WAVE_NAMES = ("loglam", "wavelength", "wave", "lambda", "lam")
IVAR_NAMES = ("ivar", "inverse_variance", "invvar")
ERROR_NAMES = ("err", "error", "sigma", "flux_err", "flux_error")
MASK_NAMES = ("and_mask", "mask")
SHORT = 1000         # fewer pixels than this are remarked upon
CLASS_OF_SPEC_CLN = {1: "STAR", 2: "GALAXY", 3: "QSO", 4: "QSO", 6: "STAR"}


def one_of(names: Mapping[str, Any], options: Sequence[str]) -> str:
    """Return the first of `options` that is among `names`, or ""."""
    return next((name for name in options if name in names), "")


def is_spec(table: Hdu) -> bool:
    """Tell whether a table holds one spectrum, a pixel a row."""
    if table.kind != "BINTABLE" or "flux" not in table.names or not one_of(table.names, WAVE_NAMES):
        return False
    return table.shape[0] > 1


class SpecSource:
    """One spectrum in HDU 1, what the pipeline says of it in HDU 2, and its line fluxes in HDU 3."""

    def __init__(self, file: Fits) -> None:
        self.file = file
        self.path = file.path
        coadd = file.hdu(1)
        assert coadd is not None
        self.coadd = coadd
        self.wave_name = one_of(coadd.names, WAVE_NAMES)

    def entries(self) -> list[Entry]:
        """Return the one object of the file."""
        table = self.file.hdu(2)
        notes = []
        if table is not None and table.kind == "BINTABLE" and "z" in table.names and table.shape[0] == 1:
            meta = meta_of_table(table, self.path)
        else:
            meta = meta_of_headers(self.file, self.path)
            notes.append("no table of the pipeline: redshift and class are those of the headers, if any")
        if not meta["id"]:
            self._identify(meta)
        if not (one_of(self.coadd.names, IVAR_NAMES) or one_of(self.coadd.names, ERROR_NAMES)):
            notes.append("no inverse variance: the noise is not known")
        if self.coadd.shape[0] < SHORT:
            notes.append(f"only {self.coadd.shape[0]} pixels")
        return [Entry(0, meta, tuple(notes))]

    def _identify(self, meta: dict[str, Any]) -> None:
        """Take the name from the headers; without one, from the content, as plain arrays get theirs."""
        header = meta_of_headers(self.file, self.path)
        for key in ("plate", "mjd", "fiber", "id"):
            meta[key] = header[key]

    def pixels(self, rows: Sequence[int]) -> Pixels:
        """Read the spectrum; wavelengths are those of ``loglam``, not of the primary header."""
        wave, start = self._grid()
        names, column = self.coadd.names, self.coadd.column
        flux = column("flux")
        mask = one_of(names, MASK_NAMES)
        extra = {"lsf": lsf_of(column("wdisp")[None])} if "wdisp" in names else {}
        ivar = self._ivar()
        return Pixels(wave, start, flux[None], None if ivar is None else ivar[None],
                      column(mask).astype(np.int64)[None] if mask else None, extra)

    def _grid(self) -> tuple[NDArray[np.float64], int | None]:
        values = self.coadd.column(self.wave_name)
        if self.wave_name == "loglam":
            return from_loglam(values)
        position = list(self.coadd.names).index(self.wave_name) + 1
        return from_wavelength(values, str(self.coadd.header.get(f"TUNIT{position}", "")))

    def _ivar(self) -> NDArray[Any] | None:
        name = one_of(self.coadd.names, IVAR_NAMES)
        if name:
            return self.coadd.column(name)
        name = one_of(self.coadd.names, ERROR_NAMES)
        return ivar_of(self.coadd.column(name)) if name else None

    def details(self, row: int) -> dict[str, Any]:
        """Return the pipeline's line fluxes as ``spzline``: name → (flux, error)."""
        lines = self.file.hdu(3)
        found = line_fluxes(lines) if lines is not None and lines.kind == "BINTABLE" else {}
        return {"spzline": found} if found else {}


def ivar_of(error: NDArray[Any]) -> NDArray[np.float64]:
    """Return 1/error², and 0 where the error is ≤ 0 or not finite (bad pixels)."""
    values = np.asarray(error, np.float64)
    good = np.isfinite(values) & (values > 0)
    return np.where(good, 1 / np.where(good, values, 1.0) ** 2, 0.0)


def meta_of_headers(file: Fits, path: str) -> dict[str, Any]:
    """Return the meta of a file that says what it knows in its headers: spSpec, IRAF copies, tables of users.

    Values may be text. The first HDU that has a keyword decides.
    """
    headers = [hdu.header for hdu in (file.hdu(0), file.hdu(1)) if hdu is not None]

    def get(*keys: str) -> Any:
        return next((header[key] for key in keys for header in headers if key in header), None)

    meta = blank_meta(path)
    for key, names in (("plate", ("PLATEID", "PLATE")), ("mjd", ("MJD",)), ("fiber", ("FIBERID", "FIBER"))):
        meta[key] = whole(get(*names))
    for key, names in (("ra", ("RAOBJ", "PLUG_RA")), ("dec", ("DECOBJ", "PLUG_DEC")), ("z", ("Z",)),
                       ("z_err", ("Z_ERR",)), ("ebv", ("SFD_EBV",))):
        meta[key] = number(get(*names))
    meta["objtype"] = text(get("OBJTYPE") or "").upper()
    spec_class = whole(get("SPEC_CLN"))
    meta["class"] = CLASS_OF_SPEC_CLN.get(spec_class, text(get("CLASS") or "").upper())
    if spec_class == 5:
        meta["objtype"] = "SKY"
    meta["instrument"] = instrument_of(text(get("RUN2D") or ""))
    if meta["plate"] >= 0 and meta["mjd"] >= 0 and meta["fiber"] >= 0:
        meta["id"] = sdss_id(meta["plate"], meta["mjd"], meta["fiber"])
    return meta


def header_notes(file: Fits) -> list[str]:
    """Return what a header of the time before DR8 warns of; its flags have other meanings than ZWARNING."""
    primary = file.hdu(0)
    warning = whole(primary.header.get("Z_WARNIN"), 0) if primary is not None else 0
    return [f"Z_WARNIN {warning} (flags of the pipeline before DR8: no reason to leave it out)"] if warning else []


def require_size(hdu: Hdu, size: int, at_least: int = 2) -> None:
    """Refuse an image of too few pixels."""
    if size < at_least:
        raise BrokenFits(f"only {size} pixels in an image of shape {hdu.shape}")
