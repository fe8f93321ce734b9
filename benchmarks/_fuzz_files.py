"""Whole files that the fuzzer begins with: small surveys of SDSS and DESI, and tables."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Files = dict[str, bytes]
REAL = Path(__file__).resolve().parent.parent / "tests" / "data"
CARD, BLOCK = 80, 2880
MOST, LARGEST = 40, 4 << 20         # HDUs that are changed, and bytes of a file


def _wave(n: int) -> Any:
    return 3.6 + 1e-4 * np.arange(n)


def spec_file(n: int = 40) -> bytes:
    """A spec file: pixels, what the pipeline says, and line fluxes."""
    from specanom.surveys.fits_write import Column, image, table

    rng = np.random.default_rng(0)
    pixels = table([Column("flux", "E", rng.normal(9, 1, n)), Column("loglam", "E", _wave(n)),
                    Column("ivar", "E", np.ones(n)), Column("and_mask", "J", np.zeros(n, int)),
                    Column("wdisp", "E", np.full(n, 1.1))], "COADD")
    row = table([Column("PLATE", "J", [1]), Column("MJD", "J", [53000]), Column("FIBERID", "J", [7]),
                 Column("Z", "E", [0.1]), Column("Z_ERR", "E", [1e-4]), Column("ZWARNING", "J", [0]),
                 Column("CLASS", "8A", ["GALAXY"]), Column("OBJTYPE", "8A", ["GALAXY"]), Column("PLUG_RA", "D", [1.0]),
                 Column("SPECOBJID", "22A", ["123"]), Column("EXTINCTION", "5E", [[.5, .4, .3, .2, .1]])], "SPECOBJ")
    lines = table([Column("LINENAME", "13A", ["Ha", "Hb"]), Column("LINEAREA", "E", [1.0, 2.0]),
                   Column("LINEAREA_ERR", "E", [0.1, 0.1])], "SPZLINE")
    return image(None, primary=True, extra={"COEFF0": 3.6, "COEFF1": 1e-4}) + pixels + row + lines


def plate_files(n: int = 40, fibres: int = 3) -> Files:
    """A plate and its redshifts."""
    from specanom.surveys.fits_write import Column, image, table

    rng = np.random.default_rng(1)
    flux, ones = rng.normal(9, 1, (fibres, n)), np.ones((fibres, n))
    head = {"PLATEID": 777, "MJD": 53500, "COEFF0": 3.6, "COEFF1": 1e-4}
    plug = table([Column("OBJTYPE", "8A", ["GALAXY"] * fibres), Column("RA", "D", np.arange(fibres)),
                  Column("FIBERID", "J", 1 + np.arange(fibres)), Column("SFD_EBV", "E", ones[:, 0])])
    best = table([Column("FIBERID", "J", 1 + np.arange(fibres)), Column("Z", "E", ones[:, 0] / 9),
                  Column("CLASS", "8A", ["GALAXY"] * fibres), Column("ZWARNING", "J", [0] * fibres)])
    plate = image(flux, primary=True, extra=head) + image(ones) + image(0 * ones, ">i4") + image(
        0 * ones, ">i4") + image(ones) + plug
    return {"spPlate-0777-53500.fits": plate,
            "spZbest-0777-53500.fits": image(None, primary=True, extra={"PLATEID": 777, "MJD": 53500}) + best}


def coadd_files(n: int = 40, rows: int = 2) -> Files:
    """A coadd of DESI and its redshifts."""
    from specanom.surveys.fits_write import Column, image, table

    rng = np.random.default_rng(2)
    ids = 39633345008634465 + np.arange(rows)
    parts = [image(None, primary=True, extra={"SURVEY": "main", "PROGRAM": "dark", "HPXPIXEL": 27247, "HPXNSIDE": 64}),
             table([Column("TARGETID", "K", ids), Column("OBJTYPE", "3A", ["TGT"] * rows),
                    Column("COADD_FIBERSTATUS", "J", [0] * rows), Column("TARGET_RA", "D", [1.0] * rows),
                    Column("FIBER", "J", [1] * rows)], "FIBERMAP")]
    for arm, first in (("B", 3600.0), ("R", 5760.0), ("Z", 7520.0)):
        parts += [image(first + 0.8 * np.arange(n), ">f8", name=f"{arm}_WAVELENGTH"),
                  image(rng.normal(9, 1, (rows, n)), name=f"{arm}_FLUX"),
                  image(np.ones((rows, n)), name=f"{arm}_IVAR"), image(np.zeros((rows, n)), ">i4", name=f"{arm}_MASK")]
    redrock = table([Column("TARGETID", "K", ids), Column("Z", "D", [0.1] * rows), Column("ZWARN", "K", [0] * rows),
                     Column("SPECTYPE", "6A", ["GALAXY"] * rows), Column("DELTACHI2", "D", [99.0] * rows)], "REDSHIFTS")
    return {"coadd-main-dark-27247.fits": b"".join(parts),
            "redrock-main-dark-27247.fits": image(None, primary=True) + redrock}


def image_files(n: int = 40) -> dict[str, Files]:
    """Spectra that are images: spSpec, and a copy on a linear grid."""
    from specanom.surveys.fits_write import image

    rows = np.ones((5, n))
    rows[3] = 0
    head = {"COEFF0": 3.6, "COEFF1": 1e-4, "PLATEID": 1, "MJD": 53000, "FIBERID": 8, "SPEC_CLN": 2, "Z": 0.1}
    linear = {"CRVAL1": 3800.0, "CD1_1": 1.0, "CRPIX1": 1, "COEFF0": 3.58, "Z": 0.05, "BUNIT": "1E-17 erg"}
    return {"spSpec": {"spSpec-53000-0001-008.fit": image(rows, primary=True, extra=head)},
            "linear": {"linear.fits": image(rows[0], primary=True, extra=linear)}}


def table_files() -> dict[str, Files]:
    """Spectra in tables: long and wide CSV, ECSV, Parquet."""
    import io

    import pandas as pd

    long = "id,wave,flux,ivar,z,class\n" + "".join(f"a{i // 9},{4000 + i},1.5,2,0.1,GALAXY\n" for i in range(18))
    wide = "id,z," + ",".join(str(4000 + i) for i in range(24)) + "\n" + "".join(
        f"w{i},0.1," + ",".join("1.5" for _ in range(24)) + "\n" for i in range(2))
    ecsv = ("# %ECSV 1.0\n# ---\n# datatype:\n# - {name: wave, unit: nm, datatype: float64}\n"
            "# - {name: flux, unit: Jy, datatype: float64}\n# schema: astropy-2.0\nwave flux\n"
            + "".join(f"{400 + i} 1.5\n" for i in range(9)))
    packed = io.BytesIO()
    pd.DataFrame({"id": [1] * 9 + [2] * 9, "wave": 2 * [*range(4000, 4009)], "flux": 1.5, "z": 0.1}).to_parquet(packed)
    return {"long table": {"long.csv": long.encode()}, "wide table": {"wide.csv": wide.encode()},
            "ecsv table": {"t.ecsv": ecsv.encode()}, "parquet table": {"t.parquet": packed.getvalue()}}


@cache
def seeds() -> dict[str, Files]:
    """Return the surveys that are changed, by name: small ones, and the real files that are kept with the tests."""
    small = {"spec": {"spec.fits": spec_file()}, "plate": plate_files(), "desi": coadd_files(), **image_files(),
             **table_files()}
    real = {f"real {path.name}": {path.name: path.read_bytes()} for path in sorted(REAL.glob("sp*.fit*"))}
    desi = {path.name: path.read_bytes() for path in sorted(REAL.glob("*thru*.fits"))}
    return {**small, **real, "real desi": desi}
