"""SDSS plates: spPlate files of up to 1000 fibres, joined with the spZbest file that lies beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .blocks import Pixels
from .columns import NAN, blank_meta, instrument_of, lsf_of, sdss_id, text, whole
from .fits_fast import BrokenFits
from .fits_full import Fits, Hdu
from .grids import from_coefficients
from .survey import Entry

SCALARS = {"z": "z", "z_err": "z_err", "zwarning": "zwarning", "snr": "sn_median_all", "class": "class",
           "subclass": "subclass", "ra": "plug_ra", "dec": "plug_dec"}


class PlateSource:
    """The spectra of a plate, one fibre a row.

    Parameters
    ----------
    file : Fits
        The spPlate file: flux, ivar, and-mask, or-mask and dispersion as images, then the plug map.
    best : callable
        Returns the spZbest file of a plate and MJD, or None.
    """

    def __init__(self, file: Fits, best: Callable[[int, int], Fits | None]) -> None:
        self.file, self.path = file, file.path
        primary = file.hdu(0)
        assert primary is not None
        self.primary = primary
        self.plate, self.mjd = whole(primary.header.get("PLATEID")), whole(primary.header.get("MJD"))
        self._best = best

    @cached_property
    def fibres(self) -> int:
        """How many spectra the file holds."""
        return int(self.primary.shape[0])

    @cached_property
    def grid(self) -> tuple[NDArray[np.float64], int | None]:
        """Wavelengths: 10**(COEFF0 + COEFF1·i)."""
        header = self.primary.header
        return from_coefficients(float(header["COEFF0"]), float(header["COEFF1"]), self.primary.shape[1])

    def entries(self) -> list[Entry]:
        """Return every fibre, with what the plug map and the pipeline say of it."""
        table = self._table()
        notes = () if "z" in table else ("no spZbest file beside the plate: redshift and class are not known",)
        base = blank_meta(self.path)
        base["instrument"] = instrument_of(text(self.primary.header.get("RUN2D", "")), "", float(self.grid[0][0]))
        base["plate"], base["mjd"] = self.plate, self.mjd
        keys, columns = list(table), [table[key] for key in table]
        made = []
        for row, values in enumerate(zip(*columns, strict=True)):
            meta = {**base, **dict(zip(keys, values, strict=True)), "row": row}
            fiber = meta["fiber"]
            meta["id"] = sdss_id(self.plate, self.mjd, abs(fiber))
            made.append(Entry(row, meta, notes, "unplugged fibre (negative number in the plug map)" * (fiber < 0)))
        return made

    def _table(self) -> dict[str, list[Any]]:
        table: dict[str, list[Any]] = {"fiber": list(range(1, self.fibres + 1))}
        plug = self._plugmap()
        if plug is not None:
            names = {"fiber": "fiberid", "ra": "ra", "dec": "dec", "objtype": "objtype", "ebv": "sfd_ebv"}
            table.update({key: _values(plug, name) for key, name in names.items() if name in plug.names})
            if "sourcetype" in plug.names and "objtype" not in plug.names:
                table["objtype"] = _values(plug, "sourcetype")
            table["ebv"] = [v if v >= 0 else NAN for v in table.get("ebv", [NAN] * self.fibres)]
        best = self._best(self.plate, self.mjd)
        if best is not None:
            table.update(_joined(best, table["fiber"]))
        if "objtype" in table:
            table["objtype"] = [value.upper() for value in table["objtype"]]
        return table

    def _plugmap(self) -> Hdu | None:
        for index in range(1, 9):
            hdu = self.file.hdu(index)
            if hdu is None:
                return None
            if hdu.kind == "BINTABLE" and "fiberid" in hdu.names:
                if hdu.shape[0] != self.fibres:
                    raise BrokenFits(f"the plug map has {hdu.shape[0]} rows for {self.fibres} spectra")
                return hdu
        return None

    def _image(self, index: int, rows: Sequence[int]) -> NDArray[Any] | None:
        hdu = self.file.hdu(index)
        fits = hdu is not None and hdu.kind == "IMAGE" and hdu.shape == self.primary.shape
        return hdu.rows(rows) if hdu is not None and fits else None

    def pixels(self, rows: Sequence[int]) -> Pixels:
        """Read some fibres."""
        wave, start = self.grid
        flux, ivar, mask, wdisp = (self._image(i, rows) for i in (0, 1, 2, 4))
        if flux is None or ivar is None:
            raise BrokenFits("no flux or inverse variance of the shape of the plate")
        extra: Mapping[str, Sequence[float]] = {} if wdisp is None else {"lsf": lsf_of(wdisp)}
        return Pixels(wave, start, flux, ivar, mask, extra)

    def details(self, row: int) -> dict[str, Any]:
        """Nothing more is known."""
        return {}


def _values(table: Hdu, name: str) -> list[Any]:
    values = table.column(name).tolist()
    return [text(value) for value in values] if values and isinstance(values[0], (bytes, str)) else values


def _joined(best: Fits, fibers: Sequence[int]) -> dict[str, list[Any]]:
    """Return columns of spZbest in the order of `fibers`, found by FIBERID."""
    table = best.hdu(1)
    if table is None or "fiberid" not in table.names:
        return {}
    row_of = {int(fiber): row for row, fiber in enumerate(table.column("fiberid").tolist())}
    rows = [row_of.get(abs(fiber), -1) for fiber in fibers]
    blank = blank_meta("")
    joined: dict[str, list[Any]] = {}
    for key, name in SCALARS.items():
        if name in table.names:
            values = _values(table, name)
            joined[key] = [values[row] if row >= 0 else blank[key] for row in rows]
    if "z_noqso" in table.names:
        values = _values(table, "z_noqso")
        joined["z_noqso"] = [values[row] if row >= 0 and values[row] != 0 else NAN for row in rows]
    for name in ("objtype", "sourcetype"):
        if name in table.names:
            kinds = _values(table, name)
            joined["objtype"] = [kinds[row] if row >= 0 else "" for row in rows]
    if "specobjid" in table.names:
        names = _values(table, "specobjid")
        joined["specobjid"] = [str(names[row]) if row >= 0 else "" for row in rows]
    return joined
