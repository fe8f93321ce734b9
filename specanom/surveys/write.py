"""The one writer of SDSS files: whole plates (spPlate and spZbest) or one spec file a fibre.

Every simulated spectrum goes through here and comes back through the reader of SDSS files, so what the rest of the
package sees of a simulation is what it would see of a survey.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specanom.errors import choice
from specanom.surveys.simulate.fibres import SFD_TO_TRUE, Fibres
from specanom.surveys.simulate.grid import COEFF0, COEFF1, NPIX

#: Columns of the truth table.
TRUTH_COLUMNS = (
    "id", "plate", "mjd", "fiber", "objtype", "kind", "type", "z_true", "z_catalogue", "snr", "ebv", "intervals_rest",
)  # fmt: skip
_UNIT = "1E-17 erg/cm^2/s/Ang"


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


def _place(path: Path, write: Callable[[Path], None]) -> Path:
    part = path.with_name(path.name + ".part")
    write(part)
    part.replace(path)
    return path


def _big(array: NDArray[Any], kind: str) -> NDArray[Any]:
    return np.ascontiguousarray(array, dtype=kind)


def _column(name: str, form: str, values: Sequence[Any] | NDArray[Any]) -> Any:
    from astropy.io import fits

    return fits.Column(name, form, array=np.asarray(values))


def _header(fibres: Fibres) -> Any:
    from astropy.io import fits

    first = fibres.rows[0]
    header = fits.Header()
    for key, value, comment in (
        ("TELESCOP", "SIMULATED", "made by specanom.surveys.mock"), ("PLATEID", first["plate"], "plate"), ("MJD",
            first["mjd"], "night"),
        ("RUN2D", "26", ""), ("VERS2D", "mock", ""), ("VACUUM", True, "wavelengths are in vacuum"), ("RADEG", 150.0,
            "plate centre"),
        ("DECDEG", 2.0, "plate centre"), ("RA", 150.0, "plate centre"), ("DEC", 2.0, "plate centre"), ("BUNIT",
            _UNIT, ""),
        ("COEFF0", COEFF0, "log10 wavelength of the first pixel"), ("COEFF1", COEFF1, "log10 dispersion per pixel"),
        ("CRPIX1", 1, ""), ("CRVAL1", COEFF0, ""), ("CD1_1", COEFF1, ""), ("CTYPE1", "WAVE-WAVE", ""), ("DC-FLAG", 1,
            "log-linear"),
    ):  # fmt: skip
        header[key] = (value, comment)
    return header


def _write_plate(fibres: Fibres, folder: Path) -> list[Path]:
    from astropy.io import fits

    first = fibres.rows[0]
    name = f"{first['plate']:04d}-{first['mjd']}.fits"
    images = [("IVAR", fibres.ivar, ">f4"), ("ANDMASK", fibres.mask, ">i4"), ("ORMASK", fibres.mask, ">i4"),
              ("WAVEDISP", fibres.wdisp, ">f4")]
    hdus = [fits.PrimaryHDU(_big(fibres.flux, ">f4"), _header(fibres))]
    hdus += [fits.ImageHDU(_big(values, kind), name=key) for key, values, kind in images]
    hdus.append(fits.BinTableHDU.from_columns(_plugmap(fibres), name="PLUGMAP"))
    hdus.append(fits.ImageHDU(_big(fibres.sky, ">f4"), name="SKY"))
    best = fits.HDUList([fits.PrimaryHDU(header=_header(fibres)), fits.BinTableHDU.from_columns(_best(fibres))])
    # the redshifts first: a plate that is there has them
    return [
        _place(folder / f"spZbest-{name}", lambda path: best.writeto(path, overwrite=True)),
        _place(folder / f"spPlate-{name}", lambda path: fits.HDUList(hdus).writeto(path, overwrite=True)),
    ]


def _positions(fibres: Fibres) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sky positions on a spiral about the plate centre, by fibre number."""
    number = np.array([row["fiber"] for row in fibres.rows], dtype=float)
    shift = np.array([row["plate"] for row in fibres.rows], dtype=float) % 60
    radius, angle = 1.48 * np.sqrt(number / 641), 2.399963 * number
    dec = 2 + radius * np.sin(angle)
    return 120 + 2.5 * shift + radius * np.cos(angle) / np.cos(np.radians(dec)), dec


def _plugmap(fibres: Fibres) -> list[Any]:
    rows, (ra, dec) = fibres.rows, _positions(fibres)
    return [
        _column("OBJTYPE", "16A", [row["objtype"] for row in rows]), _column("RA", "D", ra), _column("DEC", "D", dec),
        _column("FIBERID", "J", [row["fiber"] for row in rows]),
        _column("SPECTROGRAPHID", "J", [1 if row["fiber"] <= 320 else 2 for row in rows]),
        _column("SFD_EBV", "E", [row["ebv"] / SFD_TO_TRUE for row in rows]),
    ]  # fmt: skip


def _best(fibres: Fibres) -> list[Any]:
    rows, (ra, dec) = fibres.rows, _positions(fibres)
    snr = np.array([row["snr"] for row in rows])

    def get(key: str) -> list[Any]:
        return [row[key] for row in rows]

    return [
        _column("PLATE", "J", get("plate")), _column("MJD", "J", get("mjd")), _column("FIBERID", "J", get("fiber")),
        _column("SPECOBJID", "22A", [str(_object_id(row)) for row in rows]), _column("OBJTYPE", "16A", get("objtype")),
        _column("PLUG_RA", "D", ra), _column("PLUG_DEC", "D", dec), _column("CLASS", "6A", get("class")),
        _column("SUBCLASS", "21A", get("subclass")), _column("Z", "E", get("z_catalogue")), _column("Z_ERR", "E",
            _z_errors(fibres)),
        _column("ZWARNING", "J", get("zwarning")), _column("VDISP", "E", get("vdisp")),
        _column("SN_MEDIAN", "5E", np.tile(snr[:, None], 5)), _column("SN_MEDIAN_ALL", "E", snr),
        _column("Z_NOQSO", "E", [row["z_catalogue"] if row["class"] == "QSO" else 0.0 for row in rows]),
    ]  # fmt: skip


def _z_errors(fibres: Fibres) -> list[float]:
    return [2e-4 / max(row["snr"], 1.0) + 5e-6 for row in fibres.rows]


def _object_id(row: dict[str, Any]) -> int:
    """specObjID as SDSS builds it from plate, fibre, MJD and run2d."""
    return int(row["plate"]) << 50 | int(row["fiber"]) << 38 | (int(row["mjd"]) - 50000) << 24 | 26 << 10


def _write_spec(fibres: Fibres, i: int, folder: Path) -> Path:
    from astropy.io import fits

    row = fibres.rows[i]
    part = Fibres(*([getattr(fibres, name)[i : i + 1] for name in ("ids", "flux", "ivar", "mask", "sky", "wdisp",
        "clean", "rows")]))
    covered = np.flatnonzero((fibres.mask[i] & (1 << 24)) == 0)
    cut = slice(int(covered[0]), int(covered[-1]) + 1)
    loglam = (COEFF0 + COEFF1 * np.arange(NPIX))[cut]
    mask = fibres.mask[i, cut]
    coadd = [
        _column("flux", "E", fibres.flux[i, cut]), _column("loglam", "E", loglam), _column("ivar", "E",
            fibres.ivar[i, cut]),
        _column("and_mask", "J", mask), _column("or_mask", "J", mask), _column("wdisp", "E", fibres.wdisp[i, cut]),
        _column("sky", "E", fibres.sky[i, cut]), _column("model", "E", fibres.clean[i, cut]),
    ]  # fmt: skip
    ra, dec = _positions(part)
    head = _header(part)
    head["PLUG_RA"], head["PLUG_DEC"], head["FIBERID"], head["COEFF0"] = ra[0], dec[0], row["fiber"], float(loglam[0])
    table = [*_best(part), _column("SOURCETYPE", "19A", [row["objtype"]]), _column("RUN2D", "3A", ["26"]),
             _column("SURVEY", "6A", ["sdss"]), _column("INSTRUMENT", "4A", ["SDSS"]), _column("EXTINCTION", "5E",
                 [_extinction(row)])]  # fmt: skip
    hdus = fits.HDUList([fits.PrimaryHDU(header=head), fits.BinTableHDU.from_columns(coadd, name="COADD"),
                         fits.BinTableHDU.from_columns(table, name="SPECOBJ")])  # fmt: skip
    return _place(folder / f"spec-{row['id']}.fits", lambda path: hdus.writeto(path, overwrite=True))


def _extinction(row: dict[str, Any]) -> list[float]:
    """Extinction in u, g, r, i, z with the coefficients of Schlegel et al. (1998), as BOSS files give it."""
    return [row["ebv"] / SFD_TO_TRUE * c for c in (5.155, 3.793, 2.751, 2.086, 1.479)]
