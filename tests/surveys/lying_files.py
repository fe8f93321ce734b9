"""Files that lie, made of the small surveys that the fuzzer begins with, by one change each."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from astropy.io import fits

from benchmarks._fuzz_files import coadd_files, plate_files, spec_file
from specanom.surveys.fits_write import Column, card, image, table

BLOCK = 2880
ROW = Column("PLATE", "J", [1])


def with_cards(content: bytes, hdu: int, **values: object) -> bytes:
    """Give keywords of a header other values, or add them before END; a value of None drops the card."""
    start = 0
    for _ in range(hdu):
        start = content.index(b"XTENSION=", start + 1)
    end = content.index(b"END".ljust(80), start)
    cards = [content[at : at + 80] for at in range(start, end, 80)]
    for key, value in values.items():
        key = key.replace("_", "-") if key == "DC_FLAG" else key
        new = [] if value is None else [card(key, value).encode()]  # type: ignore[arg-type]
        at = [i for i, one in enumerate(cards) if one[:8].decode().rstrip() == key]
        if at:
            cards[at[0] : at[0] + 1] = new
        else:
            cards += new
    head = b"".join(cards) + b"END".ljust(80)
    return content[:start] + head.ljust(-(-len(head) // BLOCK) * BLOCK) + content[start + -(
        -(end + 80 - start) // BLOCK) * BLOCK:]


def rewritten(content: bytes, change: Callable[[Any], object]) -> bytes:
    """Let astropy change a file."""
    made = io.BytesIO()
    with fits.open(io.BytesIO(content)) as hdus:
        change(hdus)
        hdus.writeto(made)
    return made.getvalue()


def spec(**columns: Any) -> bytes:
    """A spec file whose table of pixels has these columns."""
    n = 40
    given = {"flux": np.ones(n), "loglam": 3.6 + 1e-4 * np.arange(n), "ivar": np.ones(n), **columns}
    kinds = {name: "D" if np.asarray(values).dtype == np.float64 and name in columns else "E"
             for name, values in given.items()}
    whole = spec_file(n)
    rest = whole[whole.index(b"XTENSION", whole.index(b"XTENSION") + 1):]
    return image(None, primary=True) + table([Column(k, kinds[k], v) for k, v in given.items()], "COADD") + rest


def bomb(megabytes: int, head: bytes = b"") -> bytes:
    """Zeros, packed a thousand times smaller."""
    packer, made = zlib.compressobj(9, zlib.DEFLATED, 31), []
    made.append(packer.compress(head))
    made += [packer.compress(bytes(1 << 20)) for _ in range(megabytes)]
    return b"".join([*made, packer.flush()])


def archive(kind: str) -> bytes:
    """A spec file in a zip or tar archive."""
    made = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(made, "w") as packed:
            packed.writestr("../../spec.fits", spec_file())
    else:
        with tarfile.open(fileobj=made, mode="w:gz") as packed_tar:
            info = tarfile.TarInfo("../../spec.fits")
            info.size = len(spec_file())
            packed_tar.addfile(info, io.BytesIO(spec_file()))
    return made.getvalue()


PLATE, BEST = plate_files().values()
COADD, REDROCK = coadd_files().values()
EMPTY_HDU = image(None)
HUGE = 2**40

REFUSED: dict[str, tuple[str, Callable[[], bytes], str]] = {
    # sizes
    "a row of 2^40 bytes": ("a.fits", lambda: with_cards(spec_file(), 1, NAXIS1=HUGE), "cut short"),
    "2^40 rows": ("a.fits", lambda: with_cards(spec_file(), 1, NAXIS2=HUGE), "cut short"),
    "2^40 rows of no bytes": ("a.fits", lambda: with_cards(spec_file(), 1, NAXIS1=0, NAXIS2=HUGE), ""),
    "2^40 fibres of no pixels": ("a.fits", lambda: with_cards(PLATE, 0, NAXIS1=0, NAXIS2=HUGE), ""),
    "a size that is said twice": ("a.fits", lambda: _two_sizes(), "cut short"),
    "billions of pixels": ("a.fits", lambda: with_cards(PLATE, 0, NAXIS1=100_000, NAXIS2=100_000), "cut short"),
    "a column of 999999999 values": ("a.fits", lambda: with_cards(spec_file(), 1, TFORM1="999999999E"), "corrupt"),
    "an image of unknown type": ("a.fits", lambda: with_cards(PLATE, 0, BITPIX=17), "BITPIX"),
    "a negative axis": ("a.fits", lambda: with_cards(PLATE, 0, NAXIS1=-4), "NAXIS1"),
    "999 axes": ("a.fits", lambda: with_cards(PLATE, 0, NAXIS=999), "NAXIS3"),
    "10^9 axes": ("a.fits", lambda: with_cards(PLATE, 0, NAXIS=10**9), "999 axes"),
    "a heap that is not there": ("a.fits", lambda: with_cards(spec_file(), 1, PCOUNT=HUGE), "cut short"),
    "no group of data": ("a.fits", lambda: with_cards(spec_file(), 1, GCOUNT=0, NAXIS2=HUGE), "groups"),
    "an axis that is text": ("a.fits", lambda: with_cards(spec_file(), 1, NAXIS2="many"), "NAXIS2"),
    "many columns": ("a.fits", lambda: with_cards(spec_file(), 1, TFIELDS=10**9), "999 axes or columns"),
    # headers
    "thousands of empty HDUs": ("a.fits", lambda: image(None, primary=True) + EMPTY_HDU * 5000, "HDUs"),
    "a header without an end": ("a.fits", lambda: b"SIMPLE  =".ljust(80) * 40_000, "no END"),
    "a header of 100 MB": ("a.fits", lambda: image(None, primary=True)[:-BLOCK] + b"COMMENT ".ljust(80) * 1_250_000,
                           ""),
    "a header in the middle of a file": ("a.fits", lambda: spec_file()[BLOCK:], "SIMPLE"),
    # columns
    "flux of another length in each row": ("a.fits", lambda: _variable_length(), "another length in each row"),
    "three fluxes a pixel": ("a.fits", lambda: _vectors(), "shape"),
    "wavelengths of complex numbers": ("a.fits", lambda: _complex(), "complex"),
    "flux that is text": ("a.fits", lambda: with_cards(spec_file(), 1, TFORM1="4A"), "type"),
    "no noise": ("a.fits", lambda: spec(ivar=np.full(40, -1.0)), "no valid pixel"),
    "infinite noise": ("a.fits", lambda: spec(ivar=np.full(40, np.inf)), "no valid pixel"),
    "noise of 1e-60": ("a.fits", lambda: spec(ivar=np.full(40, 1e-60)), "no valid pixel"),
    "no number at all": ("a.fits", lambda: spec(flux=np.full(40, np.nan)), "no valid pixel"),
    "flux of 1e300": ("a.fits", lambda: spec(flux=np.full(40, 1e300)), "more than single precision"),
    "a scale that is no number": ("a.fits", lambda: with_cards(spec_file(), 1, TSCAL1="NaN"), ""),
    # wavelengths
    "wavelengths with a gap of no number": ("a.fits", lambda: spec(loglam=np.r_[3.6, np.nan, np.arange(38.0)]),
                                            "increasing"),
    "falling wavelengths": ("a.fits", lambda: spec(loglam=3.7 - 1e-4 * np.arange(40)), "increasing"),
    "one wavelength": ("a.fits", lambda: spec(loglam=np.full(40, 3.6)), "increasing"),
    "wavelengths of 10^300": ("a.fits", lambda: spec(loglam=300 + np.arange(40.0)), "increasing"),
    "COEFF0 of 10^9": ("a.fits", lambda: with_cards(PLATE, 0, COEFF0=1e9), "increasing"),
    "COEFF0 that is no number": ("a.fits", lambda: with_cards(PLATE, 0, COEFF0="NaN"), "increasing"),
    "an infinite COEFF1": ("a.fits", lambda: with_cards(PLATE, 0, COEFF1="1E999"), "increasing"),
    "COEFF1 of 0": ("a.fits", lambda: with_cards(PLATE, 0, COEFF1=0.0), "increasing"),
    "arms 10^9 pixels apart": ("a.fits", lambda: _far_arm(), "too far apart"),
    # what is known
    "a redshift that is text": ("a.fits", lambda: known_row(Z=Column("Z", "4A", ["high"])), "z is no number"),
    "flags that are several": ("a.fits", lambda: known_row(ZWARNING=Column("ZWARNING", "3J", [[0, 0, 0]])), "zwarning"),
    # packed
    "zeros in gzip": ("a.fits.gz", lambda: bomb(300), "does not begin with SIMPLE"),
    "10 GB after a true header": ("a.fits.gz", lambda: bomb(300, image(None, primary=True)), "unpacks to more than"),
    "gzip that is cut": ("a.fits.gz", lambda: gzip.compress(spec_file())[:-50], "cannot unpack"),
    "gzip of rubbish": ("a.fits.gz", lambda: gzip.compress(spec_file())[:20] + b"\xff" * 999, "cannot unpack"),
    "a zip archive": ("a.fits", lambda: archive("zip"), "not a FITS file"),
    "a tar archive": ("a.fits.gz", lambda: archive("tar"), "not a FITS file"),
    "images in tiles": ("a.fits", lambda: _tiles(), "compressed in tiles"),
    "JSON": ("a.fits", lambda: json.dumps([[[]]] * 9).encode(), "not a FITS file"),
}


def _two_sizes() -> bytes:
    """A header whose second NAXIS, where files without data have theirs, is not the one that counts."""
    head = [card("SIMPLE", True), card("NAXIS", 2), card("NAXIS", 0), card("BITPIX", -32), card("NAXIS1", 40),
            card("NAXIS2", HUGE), card("PLATEID", 1), card("MJD", 1), card("COEFF0", 3.6), card("COEFF1", 1e-4)]
    first = "".join([*head, "END".ljust(80)]).ljust(BLOCK).encode()
    return first + with_cards(PLATE[PLATE.index(b"XTENSION"):], 0, NAXIS2=HUGE)


def _variable_length() -> bytes:
    flux = fits.Column("flux", "PE()", array=np.array([np.ones(3), np.ones(2)] * 20, dtype=object))
    wave = fits.Column("loglam", "D", array=3.6 + 1e-4 * np.arange(40))
    made = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([flux, wave])]).writeto(made)
    return made.getvalue()


def _complex() -> bytes:
    pixels = [fits.Column("flux", "E", array=np.ones(40)), fits.Column("loglam", "C", array=3.6 + 1e-4 * np.arange(40))]
    made = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(pixels)]).writeto(made)
    return made.getvalue()


def _vectors() -> bytes:
    pixels = table([Column("flux", "3E", np.ones((40, 3))), Column("loglam", "E", 3.6 + 1e-4 * np.arange(40))])
    return image(None, primary=True) + pixels


def _far_arm() -> bytes:
    def change(hdus: Any) -> None:
        hdus["Z_WAVELENGTH"].data = hdus["Z_WAVELENGTH"].data + 0.8e9

    return rewritten(COADD, change)


def known_row(**changed: Column) -> bytes:
    columns = {"PLATE": ROW, "MJD": Column("MJD", "J", [2]), "FIBERID": Column("FIBERID", "J", [3]),
               "Z": Column("Z", "E", [0.1]), "ZWARNING": Column("ZWARNING", "J", [0]), **changed}
    pixels = table([Column("flux", "E", np.ones(40)), Column("loglam", "E", 3.6 + 1e-4 * np.arange(40))])
    return image(None, primary=True) + pixels + table(list(columns.values()))


def _tiles() -> bytes:
    made = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(np.ones((40, 40), "f4"))]).writeto(made)
    return with_cards(made.getvalue(), 1, ZNAXIS1=2**31 - 1, ZNAXIS2=2**31 - 1)
