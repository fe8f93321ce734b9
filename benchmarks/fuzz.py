"""Files that lie, given to the readers: what is not specanom's own error is a fault.

    python benchmarks/fuzz.py [--engine random|hypothesis|atheris] [--minutes 20] [--runs 1000000] [--json PATH]

An input is a small survey of SDSS or DESI, or a table, some of whose headers, bytes and HDUs were changed: sizes that
are not there, columns that are none, values that are no numbers, files cut, packed and put together anew. It is read
through ``specanom.read`` as spectra and as blocks, and each file through ``Spectrum.read``. It must hold of each input:

* nothing but :class:`specanom.errors.SpecanomError` is raised, and only by the call that opens; in a survey a file that
  cannot be read is skipped and listed;
* it takes no more than 2 s of CPU time, and the process does not grow by more than 200 MB;
* at most three warnings are issued;
* what is read is finite or masked, wavelengths rise, names are text that can be printed, numbers are numbers.

``random`` draws changes from a generator, ``hypothesis`` from strategies (and makes a failing input small), ``atheris``
lets libFuzzer look for new branches of the readers and of astropy.io.fits (``pip install atheris`` into an environment
of its own). A failing input is written to ``--failures`` as a folder of files.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypeVar

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

T = TypeVar("T")
Files = dict[str, bytes]
REAL = Path(__file__).resolve().parent.parent / "tests" / "data"
CARD, BLOCK = 80, 2880
SECONDS, MEGABYTES, WARNINGS = 2.0, 200, 3
MOST, LARGEST = 40, 4 << 20         # HDUs that are changed, and bytes of a file

NUMBERS = ("0", "1", "-1", "2", "3", "7", "8", "16", "-32", "-64", "64", "17", "999", "1000", "65536", "2147483647",
           "2147483648", "-2147483648", "4294967296", "1099511627776", "9223372036854775807", "-9223372036854775808",
           "18446744073709551616", "1" + "0" * 60, "1.5", "1E300", "-1E300", "1E999", "NaN", "Inf", "1_0", "T", "F", "")
TEXTS = ("'E       '", "'D       '", "'J       '", "'K       '", "'A       '", "'16A     '", "'0E      '", "'0A      '",
         "'3E      '", "'L       '", "'8X      '", "'C       '", "'1PE(999)'", "'1QJ(99999999999)'", "'999999999E'",
         "'99999999999999999999E'", "'Z       '", "'1PB(-1) '", "'(1,1)   '", "'(999999999,999999999)'", "'        '",
         "'IMAGE   '", "'BINTABLE'", "'TABLE   '", "'FOREIGN '", "'SKY     '", "'QSO     '", "'GALAXY  '", "'nm      '",
         "'../../../etc/passwd'", "'<script>alert(1)</script>'", "'a''b'", "'open", "'\x00\xff\n'", "'1E-17 erg'")
NAMES = ("flux", "loglam", "wavelength", "ivar", "err", "and_mask", "wdisp", "z", "z_err", "zwarning", "class", "plate",
         "mjd", "fiberid", "specobjid", "extinction", "sn_median_all", "linename", "linearea", "linearea_err", "ra",
         "targetid", "TARGETID", "OBJTYPE", "COADD_FIBERSTATUS", "ZWARN", "SPECTYPE", "DELTACHI2", "survey", "healpix")
KEYS = ("SIMPLE", "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXIS3", "PCOUNT", "GCOUNT", "TFIELDS", "THEAP",
        "EXTNAME", "EXTEND", "GROUPS", "BSCALE", "BZERO", "BLANK", "BUNIT", "ZIMAGE", "ZBITPIX", "ZNAXIS", "ZNAXIS1",
        "ZNAXIS2", "ZTILE1", "ZCMPTYPE", "COEFF0", "COEFF1", "CRVAL1", "CD1_1", "CDELT1", "CRPIX1", "CTYPE1", "DC-FLAG",
        "PLATEID", "PLATE", "MJD", "FIBERID", "FIBER", "SPEC_CLN", "Z", "Z_WARNIN", "RAOBJ", "OBJTYPE", "RUN2D",
        "SURVEY", "PROGRAM", "HPXPIXEL", "HPXNSIDE", "UNIQPIX", "TILEID", "CONTINUE", "HIERARCH", "END", "COMMENT")
INDEXED = ("TFORM", "TTYPE", "TDIM", "TSCAL", "TZERO", "TNULL", "TUNIT", "TDISP")
WORDS = tuple(np.array(value, kind).tobytes() for kind in (">f4", ">f8", ">i4", ">i8")
              for value in (0, 1, -1, 2**31 - 1)) + tuple(
    np.array(value, kind).tobytes() for kind in (">f4", ">f8") for value in (np.nan, np.inf, -np.inf, 3e38))
CELLS = ("", "nan", "inf", "-inf", "1e999", "-1", "0", "x", "=1+1", "../../etc/passwd", "<b>id</b>", "\u202egpj.exe",
         "é" * 20, "1" * 40, "a\tb", '"', "\0", "9" * 19, "1.0", "#", "None", "True", "39633345008634465")


class Fault(AssertionError):
    """An input broke one of the promises."""


class Picks(Protocol):
    """Where choices come from."""

    def number(self, low: int, high: int) -> int: ...
    def choice(self, options: Sequence[T]) -> T: ...


class FromRandom:
    """Choices of a random generator."""

    def __init__(self, seed: int) -> None:
        import random

        self._random = random.Random(seed)

    def number(self, low: int, high: int) -> int:
        """Return a whole number, both ends among them."""
        return self._random.randint(low, high)

    def choice(self, options: Sequence[T]) -> T:
        """Return one of some."""
        return options[self._random.randrange(len(options))]


class FromBytes:
    """Choices read off bytes, as libFuzzer makes them: one that is alike gives choices that are alike."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self, low: int, high: int) -> int:
        """Return a whole number, both ends among them; the low one when the bytes are at their end."""
        size = max(1, ((high - low).bit_length() + 7) // 8)
        piece = self._data[self._at : self._at + size]
        self._at += size
        return low + int.from_bytes(piece, "little") % (high - low + 1)

    def choice(self, options: Sequence[T]) -> T:
        """Return one of some."""
        return options[self.number(0, len(options) - 1)]


class FromDraw:
    """Choices that Hypothesis draws."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw

    def number(self, low: int, high: int) -> int:
        """Return a whole number, both ends among them."""
        from hypothesis import strategies as st

        return int(self._draw(st.integers(low, high)))

    def choice(self, options: Sequence[T]) -> T:
        """Return one of some."""
        return options[self.number(0, len(options) - 1)]


# -- whole files to begin with -------------------------------------------------------------------------------------

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


# -- changes -------------------------------------------------------------------------------------------------------

def headers(content: bytes) -> list[tuple[int, int]]:
    """Return where the headers of a FITS file begin and end (behind END), as far as cards on blocks tell."""
    found: list[tuple[int, int]] = []
    start = 0 if content.startswith(b"SIMPLE  =") else content.find(b"XTENSION=")
    while start >= 0 and len(found) < MOST:
        end = content.find(b"END" + b" " * 77, start)
        if end < 0:
            break
        found.append((start, end + CARD))
        start = content.find(b"XTENSION=", end)
    return found


def _card(key: str, value: str) -> bytes:
    return f"{key:<8.8}= {value}".encode("latin-1", "replace")[:CARD].ljust(CARD)


def _with_header(content: bytes, span: tuple[int, int], cards: list[bytes]) -> bytes:
    """Put other cards into a header; blocks stay whole."""
    start, end = span
    head = b"".join(cards) + b"END".ljust(CARD)
    old = -(-(end - start) // BLOCK) * BLOCK
    return content[:start] + head.ljust(-(-len(head) // BLOCK) * BLOCK) + content[start + old:]


def _cards(content: bytes, span: tuple[int, int]) -> list[bytes]:
    return [content[at : at + CARD] for at in range(span[0], span[1] - CARD, CARD)]


def change_value(content: bytes, picks: Picks) -> bytes:
    """Give a keyword that is there another value."""
    spans = headers(content)
    if not spans:
        return content
    span = picks.choice(spans)
    cards = _cards(content, span)
    at = picks.number(0, max(len(cards) - 1, 0))
    if cards:
        cards[at] = _card(cards[at][:8].decode("latin-1"), _value(picks))
    return _with_header(content, span, cards)


def change_card(content: bytes, picks: Picks) -> bytes:
    """Set, add, drop, double or move a card."""
    spans = headers(content)
    if not spans:
        return content
    span = picks.choice(spans)
    cards = _cards(content, span)
    key = picks.choice(KEYS) if picks.number(0, 1) else f"{picks.choice(INDEXED)}{picks.number(1, 12)}"
    new = _card(key, _value(picks))
    at = picks.number(0, max(len(cards) - 1, 0))
    kind = picks.number(0, 5)
    if kind <= 1:
        cards = [new if card[:8] == new[:8] else card for card in cards]
        cards += [] if new in cards else [new]
    elif kind == 2:
        cards.insert(at, new)
    elif cards and kind == 3:
        del cards[at]
    elif cards and kind == 4:
        cards.insert(picks.number(0, len(cards)), cards[at])
    elif cards:
        cards[at] = new
    return _with_header(content, span, cards)


def rename_column(content: bytes, picks: Picks) -> bytes:
    """Call a column something else."""
    spans = headers(content)
    if not spans:
        return content
    span = picks.choice(spans)
    cards = _cards(content, span)
    named = [i for i, card in enumerate(cards) if card.startswith(b"TTYPE")]
    if named:
        at = picks.choice(named)
        cards[at] = _card(cards[at][:8].decode("latin-1"), f"'{picks.choice(NAMES)}'")
    return _with_header(content, span, cards)


def _value(picks: Picks) -> str:
    kind = picks.number(0, 4)
    if kind <= 1:
        return picks.choice(NUMBERS)
    if kind == 2:
        return str(picks.number(-3, 300))
    return picks.choice(TEXTS) if kind == 3 else f"'{picks.choice(NAMES)}'"


def change_bytes(content: bytes, picks: Picks) -> bytes:
    """Overwrite some bytes, anywhere."""
    if not content:
        return content
    at = picks.number(0, len(content) - 1)
    word = picks.choice(WORDS) if picks.number(0, 1) else bytes([picks.number(0, 255)])
    if picks.number(0, 3) == 0:
        word = word * picks.number(1, 400)
    return content[:at] + word + content[at + len(word):]


def cut(content: bytes, picks: Picks) -> bytes:
    """Cut the end off, or put something behind it."""
    if picks.number(0, 2):
        return content[: picks.number(0, len(content))]
    return content + picks.choice((b"\0", b" ", b"\xff", b"END")) * picks.number(1, 3 * BLOCK)


def move_hdus(content: bytes, picks: Picks) -> bytes:
    """Drop, double or move an HDU, with its data."""
    spans = headers(content)
    if len(spans) < 2:
        return content
    edges = [start for start, _ in spans] + [len(content)]
    parts = [content[a:b] for a, b in pairwise(edges)]
    at = picks.number(0, len(parts) - 1)
    kind = picks.number(0, 2)
    if kind == 0:
        del parts[at]
    elif kind == 1:
        parts.insert(picks.number(0, len(parts)), parts[at])
    else:
        parts += [parts[at]] * min(picks.choice((1, 20, 400)), LARGEST // max(len(parts[at]), 1))
    return b"".join(parts)


def change_cell(content: bytes, picks: Picks) -> bytes:
    """Change a table in text: a cell, a row, a line."""
    lines = content.decode("utf-8", "replace").split("\n")
    at = picks.number(0, len(lines) - 1)
    cells = lines[at].split(",")
    column = picks.number(0, len(cells) - 1)
    kind = picks.number(0, 4)
    if kind <= 1:
        cells[column] = picks.choice(CELLS)
    elif kind == 2:
        cells[column] = picks.choice(NAMES)
    elif kind == 3:
        cells = cells * picks.choice((0, 2, 50))
    else:
        cells.insert(column, picks.choice(CELLS))
    lines[at] = ",".join(cells)
    return "\n".join(lines).encode()


FITS_CHANGES = (change_value, change_value, change_card, change_card, change_card, rename_column, change_bytes,
                change_bytes, cut, move_hdus)
TEXT_CHANGES = (change_cell, change_cell, change_cell, change_bytes, cut)


def mutant(picks: Picks) -> Files:
    """Return a survey with some changes in one of its files."""
    kinds = {kind: [name for name in seeds() if kind in name] for kind in ("real", "table")}
    few = [name for name in seeds() if name not in kinds["real"] + kinds["table"]]
    which = picks.number(0, 31)                     # tables in text take ten times as long
    files = dict(seeds()[picks.choice(kinds["real"] if which == 31 else kinds["table"] if which > 28 else few)])
    name = picks.choice(sorted(files))
    content = files.pop(name)
    kind = name.rpartition(".")[2]
    changes: Any = {"csv": TEXT_CHANGES, "ecsv": TEXT_CHANGES, "parquet": (change_bytes, cut)}.get(kind, FITS_CHANGES)
    for _ in range(picks.number(1, 5)):
        content = picks.choice(changes)(content, picks)[:LARGEST]
    if picks.number(0, 31) == 31 and ".fit" in name:
        content, name = gzip.compress(content, 1), name + ".gz"
        content = change_bytes(content, picks) if picks.number(0, 1) else content
    files[name] = content
    return files


# -- promises ------------------------------------------------------------------------------------------------------

class Judge:
    """Gives files to the readers and tells whether the promises hold; counts what happened.

    Parameters
    ----------
    folder : path-like
        Where files are written and read; in memory, if there is such a place.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.counts: Counter[str] = Counter()
        self.slowest, self.seconds = 0.0, 0.0
        self.grown = 0.0
        self.warm_up()
        self.first = _resident()[0]

    def warm_up(self) -> None:
        """Read every whole survey, so that what is loaded once is loaded."""
        from specanom.surveys import fits_full  # noqa: F401

        for files in seeds().values():
            self._read(self._written(files))
        self.counts.clear()

    def __call__(self, files: Files) -> None:
        """Read files.

        Raises
        ------
        Fault
            When a promise is broken.
        """
        written = self._written(files)
        _forget_peak()
        before, start = _resident()[0], time.process_time()
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                self._read(written)
            except Fault:
                raise
            except Exception as exc:
                raise Fault(f"{type(exc).__name__}: {exc}") from exc
        took = time.process_time() - start
        self.seconds += took
        self.slowest = max(self.slowest, took)
        self.counts["inputs"] += 1
        if took > SECONDS:
            raise Fault(f"{took:.1f} s")
        if len(said) > WARNINGS:
            raise Fault(f"{len(said)} warnings: {said[0].message}")
        grown = _resident()[1] - before
        self.grown = max(self.grown, grown)
        if grown > MEGABYTES:
            raise Fault(f"{grown:.0f} MB more than before")

    def _written(self, files: Files) -> list[str]:
        for old in os.scandir(self.folder):
            os.unlink(old.path)
        paths = [str(self.folder / name) for name in files]
        for path, content in zip(paths, files.values(), strict=True):
            with open(path, "wb", buffering=0) as handle:
                handle.write(content)
        return paths

    def _read(self, paths: list[str]) -> None:
        import specanom as sa
        from specanom.errors import SpecanomError

        named = [path for path in paths if path.endswith(("csv", "parquet"))]
        try:
            survey = sa.read(named or str(self.folder))
        except SpecanomError as exc:
            self.counts["refused"] += 1
            check_text(str(exc), 5000)
        else:
            self._check(survey)
        for path in paths:
            try:
                check_spectrum(sa.Spectrum.read(path, row=0), valid=False)
            except SpecanomError as exc:
                check_text(str(exc), 5000)

    def _check(self, survey: Any) -> None:
        count = 0
        for spectrum in survey:
            count += 1
            check_spectrum(spectrum)
        rows = 0
        for block in survey.blocks(16):
            rows += len(block)
            check_block(block)
        if rows != count or len(survey) != count:
            raise Fault(f"{count} spectra one by one, {rows} in blocks")
        for one in survey.skipped:
            check_text("".join(one), 2000)
        for note in survey.notes:
            check_text("".join(note), 2000)
        survey.waterfall()
        self.counts["spectra"] += count
        self.counts["skipped"] += len(survey.skipped)
        if not count and not survey.skipped:
            raise Fault("a survey of nothing, of which nothing was skipped")


def _resident() -> tuple[float, float]:
    """Return the memory of this process and its peak since it was forgotten, MB."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:                                 # another system than Linux: the peak of the whole run
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)
        return peak, peak
    found = dict(re.findall(r"(VmHWM|VmRSS):\s+(\d+) kB", status))
    return int(found["VmRSS"]) / 1024, int(found["VmHWM"]) / 1024


def _forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def check_text(text: str, most: int) -> None:
    """Raise when a text cannot be written, is longer than it should be, or has characters that do not print."""
    text.encode()
    if len(text) > most or not text.isprintable():
        raise Fault(f"a text of {len(text)} characters: {text[:200]!r}")


def check_spectrum(spectrum: Any, *, valid: bool = True) -> None:
    """Raise when a spectrum is not what it should be; `valid`: it must have a pixel that can be used."""
    wave, flux, ivar = spectrum.wave, spectrum.flux, spectrum.ivar
    if not (np.isfinite(wave).all() and wave[0] > 0 and (np.diff(wave) > 0).all()):
        raise Fault("wavelengths")
    if ivar is not None and not (np.isfinite(ivar).all() and (ivar >= 0).all()):
        raise Fault(f"ivar {ivar[~(np.isfinite(ivar) & (ivar >= 0))][:3]}")
    seen = flux[spectrum.valid]
    if not np.isfinite(seen).all() or (valid and not seen.size):
        raise Fault("flux")
    if np.isinf(flux).any():
        raise Fault("infinite flux")
    check_text(spectrum.id, 256)
    check_meta(spectrum.meta)
    repr(spectrum)


KIND_OF = {"id": str, "survey": str, "survey_program": str, "instrument": str, "plate": int, "mjd": int, "fiber": int,
           "ra": float, "dec": float, "z": float, "z_err": float, "z_noqso": float, "zwarning": int, "class": str,
           "subclass": str, "objtype": str, "snr": float, "ebv": float, "lsf": float, "row": int, "specobjid": str,
           "petal": int, "tile": int, "healpix": int, "deltachi2": float, "exptime": float}


def check_meta(meta: Any) -> None:
    """Raise when what is known of an object has another type than tables have columns for."""
    for key, kind in KIND_OF.items():
        value = meta[key]
        if type(value) is not kind:
            raise Fault(f"{key} is {value!r} of {type(value).__name__}")
        if kind is str:
            check_text(value, 256)
        if kind is int and not -(2**63) <= value < 2**63:
            raise Fault(f"{key} is {value!r}")


def check_block(block: Any) -> None:
    """Raise when a block is not what it should be."""
    import pyarrow as pa

    if block.ivar is not None and not (np.isfinite(block.ivar).all() and (block.ivar >= 0).all()):
        raise Fault("ivar of a block")
    if np.isinf(block.flux).any():
        raise Fault("infinite flux of a block")
    pa.Table.from_pandas(block.table)


# -- engines -------------------------------------------------------------------------------------------------------

class Run:
    """One run: until the time is over, or the number of inputs is reached."""

    def __init__(self, judge: Judge, minutes: float, runs: int, failures: Path) -> None:
        self.judge, self.runs, self.failures = judge, runs, failures
        self.until = time.monotonic() + 60 * minutes
        self.faults: Counter[str] = Counter()

    @property
    def over(self) -> bool:
        """Whether it is time to stop."""
        return time.monotonic() > self.until or self.judge.counts["inputs"] >= self.runs

    def one(self, picks: Picks) -> None:
        """Make and read one input; a fault is counted, and kept the first time that it is seen."""
        files = mutant(picks)
        try:
            self.judge(files)
        except Fault as exc:
            self.judge.counts["inputs"] += 1
            place = _place(exc)
            self.faults[place] += 1
            if self.faults[place] == 1:
                self._keep(files, place, exc)

    def _keep(self, files: Files, place: str, exc: Fault) -> None:
        folder = self.failures / f"fault-{len(self.faults):03d}"
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        (folder / "trace.txt").write_text("".join(traceback.format_exception(exc)))
        print(f"FAULT {place}\n  {folder}", flush=True)


def _place(exc: Fault) -> str:
    """Return what broke, and in which line of the package it came up: faults of one line are one fault."""
    cause = exc.__cause__ or exc
    frames = [one for one in traceback.extract_tb(cause.__traceback__) if f"{os.sep}specanom{os.sep}" in one.filename]
    line = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    what = re.sub(r"[-\d.e+]*\d", "#", str(exc)[:60])
    return f"{what.partition(':')[0] if frames else what}{line}"


def by_random(run: Run, seed: int) -> None:
    """Change files at random."""
    while not run.over:
        run.one(FromRandom(seed))
        seed += 1


def by_hypothesis(run: Run, seed: int) -> None:
    """Change files as Hypothesis draws, a hundred thousand a round."""
    import hypothesis as hy
    from hypothesis import strategies as st

    rounds = 0
    while not run.over:
        @hy.seed(seed + rounds)
        @hy.settings(max_examples=20_000, deadline=None, database=None, suppress_health_check=list(hy.HealthCheck),
                     phases=[hy.Phase.generate])
        @hy.given(st.data())
        def example(data: Any) -> None:
            if not run.over:
                run.one(FromDraw(data.draw))

        example()
        rounds += 1


def by_atheris(run: Run, seed: int, argv: Sequence[str]) -> None:
    """Let libFuzzer choose, by the branches that an input takes."""
    import atheris

    def example(data: bytes) -> None:
        run.one(FromBytes(data))
        if run.over:
            report(run, "atheris", argv)
            shutil.rmtree(run.judge.folder, ignore_errors=True)
            os._exit(1 if run.faults else 0)

    atheris.Setup([sys.argv[0], f"-seed={seed + 1}", "-max_len=256", "-len_control=0", "-timeout=60", "-rss_limit_mb=0",
                   "-print_final_stats=1", "-verbosity=0"], example)
    atheris.Fuzz()


def report(run: Run, engine: str, argv: Sequence[str]) -> None:
    """Print the figures, and write them where `argv` says."""
    judge = run.judge
    told = {"engine": engine, **judge.counts, "cpu_s": round(judge.seconds, 1),
            "slowest_ms": round(1e3 * judge.slowest, 1), "most_mb_of_an_input": round(judge.grown, 1),
            "process_mb_before_and_after": [round(judge.first), round(_resident()[0])],
            "faults": dict(run.faults)}
    print(json.dumps(told, indent=1), flush=True)
    if "--json" in argv:
        Path(argv[list(argv).index("--json") + 1]).write_text(json.dumps(told, indent=1))


def main(argv: Sequence[str]) -> int:
    """Run and print; 1 when there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("random", "hypothesis", "atheris"), default="random")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures"))
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    if args.engine == "atheris":
        import atheris

        with atheris.instrument_imports(include=["specanom.surveys", "astropy.io.fits"]):

            import specanom.surveys.files  # noqa: F401
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="fuzz-", dir=memory if memory.is_dir() else None)
    try:
        run = Run(Judge(folder), args.minutes, args.runs, args.failures)
        if args.engine == "atheris":
            by_atheris(run, args.seed, argv)
        else:
            {"random": by_random, "hypothesis": by_hypothesis}[args.engine](run, args.seed)
            report(run, args.engine, argv)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if run.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
