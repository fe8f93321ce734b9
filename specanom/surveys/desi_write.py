"""The writer of DESI files: a tree of coadds by survey, programme and healpix pixel, with redshifts beside them.

Every simulated spectrum of DESI goes through here and comes back through the reader of DESI files. Names, order,
types and units of HDUs and columns are those of the public coadds; resolution matrices have three diagonals in place
of eleven, since nothing reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from specanom.folders import write_whole
from specanom.surveys.fits_write import Column, image, table
from specanom.surveys.simulate.desi_fibres import DesiFibres
from specanom.surveys.simulate.desi_grid import ARMS, LSF, STEP, WAVE
from specanom.surveys.simulate.fibres import SFD_TO_TRUE

#: Healpix resolution of the tree, nested order.
NSIDE = 64
#: Columns of the truth table.
TRUTH_COLUMNS = (
    "id", "survey", "survey_program", "healpix", "tile", "petal", "fiber", "objtype", "target", "kind", "type",
    "z_true", "z_catalogue", "snr", "magnitude", "ebv", "fiberstatus", "intervals_rest",
)  # fmt: skip
_FLUX, _IVAR = "10**-17 erg/(s cm2 Angstrom)", "10**+34 (s2 cm4 Angstrom2) / erg2"
_BRICK, _RELEASE = 22, 42  # bits of TARGETID below the brick, and below the release
_CHILD = 1 << 10  # fibres of a pixel lie at the centres of its pixels of a tree so many times finer


class Place(NamedTuple):
    """Where a file lies in the tree: survey, programme, nested healpix pixel, and the tile of its exposures."""

    survey: str
    program: str
    pixel: int
    tile: int
    mjd: int

    def path(self, kind: str) -> Path:
        """Return the path of ``"coadd"`` or ``"redrock"`` below the folder of a production."""
        name = f"{kind}-{self.survey}-{self.program}-{self.pixel}.fits"
        return Path("healpix", self.survey, self.program, str(self.pixel // 100), str(self.pixel), name)


def write_coadd(fibres: DesiFibres, folder: Path, place: Place) -> list[Path]:
    """Write the coadd and the redrock file of one pixel.

    Parameters
    ----------
    fibres : DesiFibres
        Fibres of one survey, programme and pixel.
    folder : Path
        Folder of the production; the tree below it is made.
    place : Place
        Where in the tree.

    Returns
    -------
    list of Path
        redrock and coadd; each appears under its name only when it is whole.
    """
    fibermap, exposures = table(_fibermap(fibres, place), "FIBERMAP"), table(_exposures(fibres, place), "EXP_FIBERMAP")
    primary = image(None, extra=_keywords(place), primary=True)
    # the redshifts first: a coadd that is there has them
    best = _put(folder / place.path("redrock"), [primary, table(_redshifts(fibres), "REDSHIFTS"), fibermap, exposures,
                                                 table(_scores(fibres)[:1], "TSNR2")])
    arms = [hdu for name in ARMS for hdu in _arm(fibres, name)]
    coadd = _put(folder / place.path("coadd"), [primary, fibermap, exposures, *arms, table(_scores(fibres), "SCORES")])
    return [best, coadd]


def _put(path: Path, hdus: Sequence[bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, lambda part: part.write_bytes(b"".join(hdus)))
    return path


def _keywords(place: Place) -> dict[str, Any]:
    return {"INFILNUM": 1, "SPGRP": "healpix", "SPGRPVAL": place.pixel, "HPXPIXEL": place.pixel, "HPXNSIDE": NSIDE,
            "HPXNEST": True, "SURVEY": place.survey, "PROGRAM": place.program, "LONGSTRN": "OGIP 1.0",
            "TELESCOP": "SIMULATED"}


def _arm(fibres: DesiFibres, name: str) -> list[bytes]:
    """The five HDUs of one arm."""
    pixels = ARMS[name].pixels
    return [
        image(WAVE[pixels], ">f8", extra={"BUNIT": "Angstrom"}, name=f"{name}_WAVELENGTH"),
        image(fibres.flux[:, pixels], extra={"BUNIT": _FLUX}, name=f"{name}_FLUX"),
        image(fibres.ivar[:, pixels], extra={"BUNIT": _IVAR}, name=f"{name}_IVAR"),
        image(fibres.mask[:, pixels], ">i4", name=f"{name}_MASK"),
        image(_resolution(len(fibres), pixels), name=f"{name}_RESOLUTION"),
    ]  # fmt: skip


def _resolution(count: int, pixels: slice) -> NDArray[np.float32]:
    """Three diagonals (n, 3, p) of each fibre's resolution matrix."""
    wings = np.exp(-0.5 * (STEP / LSF[pixels]) ** 2)
    rows = np.stack([wings, np.ones_like(wings), wings]) / (1 + 2 * wings)
    return np.broadcast_to(rows.astype(np.float32), (count, *rows.shape))


def _ids(fibres: DesiFibres) -> NDArray[np.int64]:
    return np.array([int(row["id"]) for row in fibres.rows], dtype=np.int64)


def _get(fibres: DesiFibres, key: str) -> list[Any]:
    return [row[key] for row in fibres.rows]


def positions(ids: NDArray[np.int64], pixel: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right ascension and declination in degrees of some targets, by their ids, inside a healpix pixel."""
    from astropy_healpix import HEALPix

    child = (np.abs(ids) * 2654435761) % (_CHILD * _CHILD)
    lon, lat = HEALPix(NSIDE * _CHILD, order="nested").healpix_to_lonlat(pixel * _CHILD * _CHILD + child)
    return np.asarray(lon.to_value("deg")), np.asarray(lat.to_value("deg"))


def _fibermap(fibres: DesiFibres, place: Place) -> list[Column]:
    ids, count = _ids(fibres), len(fibres)
    ra, dec = positions(ids, place.pixel)
    nanomaggies = np.nan_to_num(10 ** (0.4 * (22.5 - np.array(_get(fibres, "magnitude"), dtype=float))))
    target = {"LRG": 1 << 0, "ELG": 1 << 1, "QSO": 1 << 2, "sky": 1 << 32, "BGS": 1 << 60, "STAR": 1 << 61}
    known = np.abs(ids)
    return [
        Column("TARGETID", "K", ids), Column("PETAL_LOC", "I", _get(fibres, "petal")),
        Column("FIBER", "J", _get(fibres, "fiber")), Column("TILEID", "J", [place.tile] * count),
        Column("COADD_FIBERSTATUS", "J", _get(fibres, "fiberstatus")), Column("TARGET_RA", "D", ra, "deg"),
        Column("TARGET_DEC", "D", dec, "deg"), Column("OBJTYPE", "3A", _get(fibres, "objtype")),
        Column("RELEASE", "I", (known >> _RELEASE).astype(np.int16)),
        Column("BRICKID", "J", known >> _BRICK & (1 << 20) - 1), Column("BRICK_OBJID", "J", known & (1 << _BRICK) - 1),
        Column("MORPHTYPE", "4A", ["PSF" if what in ("QSO", "STAR") else "SER" for what in _get(fibres, "target")]),
        # the map of dust is that of Schlegel, Finkbeiner & Davis, whose reddening is too large
        Column("EBV", "E", np.array(_get(fibres, "ebv")) / SFD_TO_TRUE, "mag"),
        Column("FIBERFLUX_R", "E", nanomaggies, "nanomaggy"),
        Column("DESI_TARGET", "K", [target[what] for what in _get(fibres, "target")]),
        Column("COADD_NUMEXP", "I", _exposure_counts(fibres)), Column("COADD_EXPTIME", "E", _get(fibres, "seconds"),
                                                                     "s"),
        Column("COADD_NUMTILE", "I", [1] * count), Column("MIN_MJD", "D", [float(place.mjd)] * count, "d"),
        Column("MAX_MJD", "D", [place.mjd + 1.0] * count, "d"), Column("MEAN_MJD", "D", [place.mjd + 0.5] * count, "d"),
    ]  # fmt: skip


def _exposure_counts(fibres: DesiFibres) -> list[int]:
    return [max(1, round(row["seconds"] / (1000.0 if row["target"] != "BGS" else 200.0))) for row in fibres.rows]


def _exposures(fibres: DesiFibres, place: Place) -> list[Column]:
    count = len(fibres)
    return [
        Column("TARGETID", "K", _ids(fibres)), Column("PETAL_LOC", "J", _get(fibres, "petal")),
        Column("FIBER", "J", _get(fibres, "fiber")), Column("TILEID", "J", [place.tile] * count),
        Column("FIBERSTATUS", "J", _get(fibres, "fiberstatus")), Column("EXPID", "J", [place.tile * 10 + 1] * count),
        Column("NIGHT", "J", [20210600 + place.tile % 28 + 1] * count),
        Column("MJD", "D", [place.mjd + 0.5] * count, "d"), Column("EXPTIME", "D", _get(fibres, "seconds"), "s"),
    ]  # fmt: skip


def _redshifts(fibres: DesiFibres) -> list[Column]:
    used = [int((fibres.ivar[i] > 0).sum()) for i in range(len(fibres))]
    error = [3e-5 + 4e-4 / max(row["snr"], 0.5) * (2.0 if row["class"] == "QSO" else 0.3) for row in fibres.rows]
    return [
        Column("TARGETID", "K", _ids(fibres)), Column("Z", "D", _get(fibres, "z_catalogue")),
        Column("ZERR", "D", error), Column("ZWARN", "K", _get(fibres, "zwarning")),
        Column("CHI2", "D", np.array(used) * 1.02), Column("COEFF", "10D", np.zeros((len(fibres), 10))),
        Column("NPIXELS", "K", used), Column("SPECTYPE", "6A", _get(fibres, "class")),
        Column("SUBTYPE", "20A", _get(fibres, "subclass")), Column("NCOEFF", "K", [10] * len(fibres)),
        Column("DELTACHI2", "D", _get(fibres, "deltachi2")),
    ]  # fmt: skip


def _scores(fibres: DesiFibres) -> list[Column]:
    columns = [Column("TARGETID", "K", _ids(fibres))]
    for name, arm in ARMS.items():
        flux, ivar = fibres.flux[:, arm.pixels], fibres.ivar[:, arm.pixels]
        columns.append(Column(f"MEDIAN_COADD_FLUX_{name}", "E", np.median(flux, axis=1)))
        columns.append(Column(f"MEDIAN_COADD_SNR_{name}", "E", np.median(flux * np.sqrt(ivar), axis=1)))
    return columns
