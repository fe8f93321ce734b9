"""The one writer of SDSS files: whole plates (spPlate and spZbest) or one spec file a fibre.

Every simulated spectrum goes through here and comes back through the reader of SDSS files, so what the rest of the
package sees of a simulation is what it would see of a survey.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specanom.errors import choice
from specanom.folders import write_whole
from specanom.surveys.fits_write import Column, Value, image, table
from specanom.surveys.simulate.fibres import SFD_TO_TRUE, Fibres
from specanom.surveys.simulate.grid import COEFF0, COEFF1, NPIX

#: Columns of the truth table.
TRUTH_COLUMNS = (
    "id", "plate", "mjd", "fiber", "objtype", "kind", "type", "z_true", "z_catalogue", "snr", "ebv", "intervals_rest",
)  # fmt: skip
_UNIT = "1E-17 erg/cm^2/s/Ang"
#: Bit of the mask (NODATA) of pixels outside a fibre's coverage.
OUTSIDE = 1 << 24


def write_fibres(fibres: Fibres, folder: Path, layout: str = "plate") -> list[Path]:
    """Write fibres of one plate.

    Parameters
    ----------
    fibres : Fibres
        Fibres of one plate.
    folder : Path
        An existing folder.
    layout : {"plate", "spec"}
        ``"plate"``: ``spPlate-PLATE-MJD.fits`` and ``spZbest-PLATE-MJD.fits``; ``"spec"``: one
        ``spec-PLATE-MJD-FIBER.fits`` a fibre, without the pixels outside its coverage.

    Returns
    -------
    list of Path
        Files written; each appears under its name only when it is whole.
    """
    choice("layout", layout, ("plate", "spec"))
    return _write_plate(fibres, folder) if layout == "plate" else [_write_spec(fibres, i,
        folder) for i in range(len(fibres))]


def _place(path: Path, *hdus: bytes) -> Path:
    write_whole(path, lambda part: part.write_bytes(b"".join(hdus)))
    return path


def _centre(plate: int) -> tuple[float, float]:
    """Right ascension and declination of a plate's centre, degrees."""
    return 120.0 + 2.5 * (plate % 60), 2.0


def _keywords(row: dict[str, Any]) -> dict[str, Value]:
    ra, dec = _centre(row["plate"])
    return {
        "TELESCOP": "SIMULATED", "PLATEID": row["plate"], "MJD": row["mjd"], "RUN2D": "26", "VERS2D": "mock",
        "VACUUM": True,
        "RADEG": ra, "DECDEG": dec, "RA": ra, "DEC": dec, "BUNIT": _UNIT, "COEFF0": COEFF0,
        "COEFF1": COEFF1, "CRPIX1": 1, "CRVAL1": COEFF0, "CD1_1": COEFF1, "CTYPE1": "WAVE-WAVE", "DC-FLAG": 1,
    }  # fmt: skip


def _write_plate(fibres: Fibres, folder: Path) -> list[Path]:
    first = fibres.rows[0]
    name, keywords = f"{first['plate']:04d}-{first['mjd']}.fits", _keywords(first)
    mask = fibres.mask.astype(">i4")
    # the redshifts first: a plate that is there has them
    best = _place(folder / f"spZbest-{name}", image(None, extra=keywords, primary=True), table(_best(fibres)))
    plate = _place(
        folder / f"spPlate-{name}", image(fibres.flux, extra=keywords, primary=True), image(fibres.ivar, name="IVAR"),
        image(mask, ">i4", name="ANDMASK"), image(mask, ">i4", name="ORMASK"), image(fibres.wdisp, name="WAVEDISP"),
        table(_plugmap(fibres), "PLUGMAP"), image(fibres.sky, name="SKY"),
    )  # fmt: skip
    return [best, plate]


def _positions(fibres: Fibres) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sky positions on a spiral about the plate's centre, by fibre number."""
    number = np.array([row["fiber"] for row in fibres.rows], dtype=float)
    centre = _centre(fibres.rows[0]["plate"])
    radius, angle = 1.48 * np.sqrt(number / 641), 2.399963 * number
    dec = centre[1] + radius * np.sin(angle)
    return centre[0] + radius * np.cos(angle) / np.cos(np.radians(dec)), dec


def _plugmap(fibres: Fibres) -> list[Any]:
    rows, (ra, dec) = fibres.rows, _positions(fibres)
    return [
        Column("OBJTYPE", "16A", [row["objtype"] for row in rows]), Column("RA", "D", ra), Column("DEC", "D", dec),
        Column("FIBERID", "J", [row["fiber"] for row in rows]),
        Column("SPECTROGRAPHID", "J", [1 if row["fiber"] <= 320 else 2 for row in rows]),
        Column("SFD_EBV", "E", [row["ebv"] / SFD_TO_TRUE for row in rows]),
    ]  # fmt: skip


def _best(fibres: Fibres) -> list[Any]:
    rows, (ra, dec) = fibres.rows, _positions(fibres)
    snr = np.array([row["snr"] for row in rows])

    def get(key: str) -> list[Any]:
        return [row[key] for row in rows]

    return [
        Column("PLATE", "J", get("plate")), Column("MJD", "J", get("mjd")), Column("FIBERID", "J", get("fiber")),
        Column("SPECOBJID", "22A", [str(_object_id(row)) for row in rows]), Column("OBJTYPE", "16A", get("objtype")),
        Column("PLUG_RA", "D", ra), Column("PLUG_DEC", "D", dec), Column("CLASS", "6A", get("class")),
        Column("SUBCLASS", "21A", get("subclass")), Column("Z", "E", get("z_catalogue")), Column("Z_ERR", "E",
            _z_errors(fibres)),
        Column("ZWARNING", "J", get("zwarning")), Column("VDISP", "E", get("vdisp")),
        Column("SN_MEDIAN", "5E", np.tile(snr[:, None], 5)), Column("SN_MEDIAN_ALL", "E", snr),
        Column("Z_NOQSO", "E", [row["z_catalogue"] if row["class"] == "QSO" else 0.0 for row in rows]),
    ]  # fmt: skip


def _z_errors(fibres: Fibres) -> list[float]:
    return [2e-4 / max(row["snr"], 1.0) + 5e-6 for row in fibres.rows]


def _object_id(row: dict[str, Any]) -> int:
    """specObjID as SDSS builds it from plate, fibre, MJD and run2d."""
    return int(row["plate"]) << 50 | int(row["fiber"]) << 38 | (int(row["mjd"]) - 50000) << 24 | 26 << 10


def _write_spec(fibres: Fibres, i: int, folder: Path) -> Path:
    row, one = fibres.rows[i], replace(fibres, rows=fibres.rows[i : i + 1])
    covered = np.flatnonzero((fibres.mask[i] & OUTSIDE) == 0)
    cut = slice(int(covered[0]), int(covered[-1]) + 1)
    loglam = COEFF0 + COEFF1 * np.arange(NPIX)[cut]
    mask = fibres.mask[i, cut]
    coadd = [
        Column("flux", "E", fibres.flux[i, cut]), Column("loglam", "E", loglam), Column("ivar", "E", fibres.ivar[i,
            cut]),
        Column("and_mask", "J", mask), Column("or_mask", "J", mask), Column("wdisp", "E", fibres.wdisp[i, cut]),
        Column("sky", "E", fibres.sky[i, cut]), Column("model", "E", fibres.clean[i, cut]),
    ]  # fmt: skip
    ra, dec = _positions(one)
    head = {**_keywords(row), "PLUG_RA": ra[0], "PLUG_DEC": dec[0], "FIBERID": row["fiber"], "COEFF0": loglam[0]}
    known = [
        *_best(one), Column("SOURCETYPE", "19A", [row["objtype"]]), Column("RUN2D", "3A", ["26"]),
        Column("SURVEY", "6A", ["sdss"]), Column("INSTRUMENT", "4A", ["SDSS"]), Column("EXTINCTION", "5E",
            [_extinction(row)]),
    ]  # fmt: skip
    hdus = image(None, extra=head, primary=True), table(coadd, "COADD"), table(known, "SPECOBJ")
    return _place(folder / f"spec-{row['id']}.fits", *hdus)


def _extinction(row: dict[str, Any]) -> list[float]:
    """Extinction in u, g, r, i, z with the coefficients of Schlegel et al. (1998), as BOSS files give it."""
    return [row["ebv"] / SFD_TO_TRUE * c for c in (5.155, 3.793, 2.751, 2.086, 1.479)]
