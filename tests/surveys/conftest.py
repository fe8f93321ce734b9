"""Small files in the layouts of SDSS, written by astropy, with every value chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import responses
from astropy.io import fits

HERE = Path(__file__).resolve().parent.parent / "data"
FIRST, PIXELS = 35800, 600


@pytest.fixture(scope="session")
def data() -> Path:
    """The few real files that are kept with the tests."""
    return HERE


@pytest.fixture
def server() -> Iterator[responses.RequestsMock]:
    """A network that answers what a test has told it to."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def coadd(rng: np.random.Generator, pixels: int, first: int) -> fits.BinTableHDU:
    """A COADD table with random pixels."""
    loglam = (np.arange(first, first + pixels) * 1e-4).astype("f4")
    columns = {"flux": rng.normal(10, 1, pixels).astype("f4"), "loglam": loglam,
               "ivar": rng.uniform(0.5, 2, pixels).astype("f4"), "and_mask": rng.integers(0, 2**27, pixels, dtype="i4"),
               "or_mask": np.zeros(pixels, "i4"), "wdisp": np.full(pixels, 0.9, "f4"), "sky": np.ones(pixels, "f4"),
               "model": np.ones(pixels, "f4")}
    made = [fits.Column(name, "E" if values.dtype == "f4" else "J", array=values) for name, values in columns.items()]
    return fits.BinTableHDU.from_columns(made, name="COADD")


def specobj(values: dict[str, Any]) -> fits.BinTableHDU:
    """A SPECOBJ table of one row; a value of None leaves its column out."""
    row: dict[str, Any] = {"PLATE": 1234, "MJD": 53000, "FIBERID": 56, "PLUG_RA": 150.1, "PLUG_DEC": 2.2, "Z": 0.1,
                           "Z_ERR": 1e-5, "ZWARNING": 0, "CLASS": "GALAXY", "SUBCLASS": "", "SOURCETYPE": "GALAXY",
                           "SN_MEDIAN_ALL": 12.5, "Z_NOQSO": 0.0, "INSTRUMENT": "SDSS", **values}
    columns = []
    for name, value in row.items():
        if value is None:
            continue
        if isinstance(value, str):
            columns.append(fits.Column(name, "22A", array=[value]))
        elif isinstance(value, np.uint64):
            columns.append(fits.Column(name, "K", bzero=2**63, array=np.array([value])))
        elif isinstance(value, int):
            columns.append(fits.Column(name, "J", array=[value]))
        elif np.ndim(value):
            columns.append(fits.Column(name, f"{len(value)}E", array=[value]))
        else:
            columns.append(fits.Column(name, "D" if "PLUG" in name else "E", array=[value]))
    return fits.BinTableHDU.from_columns(columns, name="SPECOBJ")


@pytest.fixture
def write_spec(tmp_path: Path) -> Callable[..., Path]:
    """Write a spec-lite file: ``write_spec(name, pixels=…, first=…, ivar=…, ZWARNING=…, …)``."""

    def write(name: str = "spec.fits", *, pixels: int = PIXELS, first: int = FIRST, seed: int = 0,
              ivar: float | None = None, **values: Any) -> Path:
        table = coadd(np.random.default_rng(seed), pixels, first)
        if ivar is not None:
            table.data["ivar"] = ivar
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        primary = fits.PrimaryHDU()
        primary.header["COEFF0"] = (first + 40) * 1e-4         # as in real files: not where loglam begins
        primary.header["RA"] = 0.0
        fits.HDUList([primary, table, specobj(values)]).writeto(path)
        return path

    return write


@pytest.fixture
def write_plate(tmp_path: Path) -> Callable[..., Path]:
    """Write an spPlate file of five fibres, and its spZbest in another order unless ``best=""``."""

    def write(folder: str = "", *, best: str = "spZbest-0777-53500.fits", name: str = "spPlate-0777-53500.fits",
              **plug: Any) -> Path:
        rng = np.random.default_rng(3)
        where = tmp_path / folder
        where.mkdir(parents=True, exist_ok=True)
        shape = (5, PIXELS)
        head = fits.Header({"PLATEID": 777, "MJD": 53500, "COEFF0": 3.58, "COEFF1": 1e-4, "RA": 1.0, "DEC": 2.0})
        kinds = plug.pop("objtype", ["GALAXY", "SKY", "GALAXY", "QSO", "SPECTROPHOTO_STD"])
        columns = [fits.Column("OBJTYPE", "16A", array=kinds), fits.Column("RA", "D", array=np.arange(5.0)),
                   fits.Column("DEC", "D", array=np.arange(5.0) - 2),
                   fits.Column("FIBERID", "J", array=plug.pop("fiberid", np.arange(1, 6))),
                   fits.Column("SFD_EBV", "E", array=[0.01, 0.02, 0.03, 0.04, 0.05])]
        ivar = rng.uniform(1, 2, shape).astype("f4")
        images = [fits.ImageHDU(ivar), fits.ImageHDU(np.full(shape, 4, "i4")), fits.ImageHDU(np.zeros(shape, "i4")),
                  fits.ImageHDU(np.full(shape, 1.1, "f4"))]
        fits.HDUList([fits.PrimaryHDU(rng.normal(5, 1, shape).astype("f4"), head), *images,
                      fits.BinTableHDU.from_columns(columns)]).writeto(where / name)
        if best:
            _write_best(where / best, kinds)
        return where / name

    return write


def _write_best(path: Path, kinds: list[str]) -> None:
    order = [3, 0, 4, 2, 1]                                     # rows are found by FIBERID, not by place
    pick = lambda values: [values[i] for i in order]            # noqa: E731
    columns = [fits.Column("PLATE", "J", array=[777] * 5), fits.Column("MJD", "J", array=[53500] * 5),
               fits.Column("FIBERID", "J", array=pick([1, 2, 3, 4, 5])),
               fits.Column("OBJTYPE", "16A", array=pick(kinds)), fits.Column("PLUG_RA", "D", array=pick([*range(5)])),
               fits.Column("PLUG_DEC", "D", array=pick([*range(-2, 3)])),
               fits.Column("CLASS", "6A", array=pick(["GALAXY", "GALAXY", "GALAXY", "QSO", "STAR"])),
               fits.Column("SUBCLASS", "21A", array=[""] * 5),
               fits.Column("Z", "E", array=pick([0.11, 0.22, 0.33, 1.44, 0.0])),
               fits.Column("Z_ERR", "E", array=[1e-5] * 5), fits.Column("ZWARNING", "J", array=pick([0, 5, 4, 0, 0])),
               fits.Column("SN_MEDIAN_ALL", "E", array=pick([11.0, 0.5, 13.0, 14.0, 15.0]))]
    head = fits.Header({"PLATEID": 777, "MJD": 53500})
    fits.HDUList([fits.PrimaryHDU(header=head), fits.BinTableHDU.from_columns(columns)]).writeto(path)


# -- DESI --------------------------------------------------------------------------------------------------------

ARMS = {"B": (3600.0, 2751), "R": (5760.0, 2326), "Z": (7520.0, 2881)}
IDS = (39633345008634465, 39633345008634466, 39633345008634467, 39633345008634468)


def desi_hdus(n: int, seed: int, *, arms: str, mask: bool, resolution: bool, shift: float) -> list[Any]:
    """The arms of n random spectra; some flux is not finite, some ivar 0, NaN or negative, some pixels flagged."""
    rng = np.random.default_rng(seed)
    made: list[Any] = []
    for arm in arms:
        first, size = ARMS[arm]
        wave = first + 0.8 * np.arange(size) + (shift if arm == "R" else 0.0)
        flux, ivar = rng.normal(10, 3, (n, size)).astype("f4"), rng.uniform(0.1, 2, (n, size)).astype("f4")
        for bad in (np.nan, np.inf):
            flux[rng.random(flux.shape) < 0.01] = bad
        for bad in (0.0, np.nan, -1.0):
            ivar[rng.random(ivar.shape) < 0.01] = bad
        made += [fits.ImageHDU(wave, name=f"{arm}_WAVELENGTH"), fits.ImageHDU(flux, name=f"{arm}_FLUX"),
                 fits.ImageHDU(ivar, name=f"{arm}_IVAR")]
        if mask:
            bits = (rng.random(flux.shape) < 0.02) * rng.integers(1, 1024, flux.shape)
            made.append(fits.ImageHDU(bits.astype("u4" if arm == "R" else "i4"), name=f"{arm}_MASK"))
        if resolution:
            made.append(fits.ImageHDU(np.ones((n, 11, size), "f4"), name=f"{arm}_RESOLUTION"))
    return made


def desi_table(name: str, values: dict[str, Any]) -> fits.BinTableHDU:
    """A table; ids are 64-bit integers, other whole numbers 32-bit."""
    columns = []
    for key, given in values.items():
        array = np.asarray(given)
        if array.dtype.kind == "U":
            columns.append(fits.Column(key, "10A", array=array))
        elif array.dtype.kind == "b":
            columns.append(fits.Column(key, "L", array=array))
        else:
            form = "D" if array.dtype.kind == "f" else "K" if key == "TARGETID" else "J"
            columns.append(fits.Column(key, form, array=array))
    return fits.BinTableHDU.from_columns(columns, name=name)


@pytest.fixture
def write_coadd(tmp_path: Path) -> Callable[..., Path]:
    """Write a DESI coadd: ``write_coadd(name, ids=…, arms=…, COADD_FIBERSTATUS=…)``; None leaves a column out."""

    def write(name: str = "coadd-main-dark-27247.fits", *, ids: Any = IDS, seed: int = 0, arms: str = "BRZ",
              mask: bool = True, resolution: bool = False, shift: float = 0.0, header: dict[str, Any] | None = None,
              **columns: Any) -> Path:
        n = len(ids)
        table = {"TARGETID": ids, "OBJTYPE": ["TGT"] * n, "COADD_FIBERSTATUS": [0] * n,
                 "TARGET_RA": np.linspace(150, 151, n), "TARGET_DEC": np.linspace(2, 3, n), "PETAL_LOC": np.arange(n),
                 "FIBER": 500 + np.arange(n), "COADD_EXPTIME": np.full(n, 1000.0), "MEAN_MJD": np.full(n, 59300.7),
                 "EBV": np.full(n, 0.02), **columns}
        primary = fits.PrimaryHDU()
        primary.header.update({"SURVEY": "main", "PROGRAM": "dark", "HPXPIXEL": 27247, "HPXNSIDE": 64}
                              if header is None else header)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = {key: value for key, value in table.items() if value is not None}
        hdus = [desi_table("FIBERMAP", kept)] if kept else []
        hdus += desi_hdus(n, seed, arms=arms, mask=mask, resolution=resolution, shift=shift)
        fits.HDUList([primary, *hdus]).writeto(path)
        return path

    return write


@pytest.fixture
def write_redrock(tmp_path: Path) -> Callable[..., Path]:
    """Write a redrock file, its rows in another order than the coadd's."""

    def write(name: str = "redrock-main-dark-27247.fits", *, ids: Any = IDS[::-1], hdu: str = "REDSHIFTS",
              **columns: Any) -> Path:
        n = len(ids)
        known = {id: 0.1 * (i + 1) for i, id in enumerate(IDS)}
        kinds = dict(zip(IDS, ("GALAXY", "QSO", "STAR", "GALAXY"), strict=True))
        table = {"TARGETID": ids, "Z": [known.get(id, 9.0) for id in ids], "ZERR": np.full(n, 1e-5), "ZWARN": [0] * n,
                 "SPECTYPE": [kinds.get(id, "GALAXY") for id in ids], "SUBTYPE": [""] * n,
                 "DELTACHI2": np.full(n, 900.0), **columns}
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = {key: value for key, value in table.items() if value is not None}
        fits.HDUList([fits.PrimaryHDU(), desi_table(hdu, kept)]).writeto(path)
        return path

    return write
