"""Finds files and tells by their content what they are; names decide nothing."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import DataError, message
from .columns import whole
from .desi import DesiSource, is_desi
from .desi_tree import Redshifts, spectra_twin
from .fits_fast import BrokenFits, FastFits, UnusualFits
from .fits_full import Fits, FullFits, Hdu
from .kept import WithKept, kept_table
from .sdss import SpecSource, is_spec
from .sdss_image import ImageSource
from .sdss_plate import PlateSource
from .survey import Source
from .tables import TableSource, is_table_name

KINDS = ("spec", "plate", "spSpec", "linear", "desi")
SUFFIXES = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fts.gz")
MAGIC = b"SIMPLE  ="


class Sidecar(Exception):
    """The file is no spectrum and is not meant to be one: a catalogue, redshifts, a table of truth."""


def find_files(path: Any) -> list[str]:
    """Return the files of a folder (searched through), a glob, a file, or a list of any of these, in order.

    In folders and globs only files are taken that end as FITS files do, or begin as they do; hidden files and
    unfinished downloads (``.part``) are left out. Spectra in CSV, ECSV or Parquet have to be named, since most such
    tables beside spectra are catalogues.

    Raises
    ------
    DataError
        When there is nothing at `path`, or no FITS file in it.
    """
    if isinstance(path, (str, os.PathLike)):
        return _expand(os.fspath(path))
    if isinstance(path, Iterable) and not isinstance(path, bytes):
        found = [file for one in path for file in _expand(os.fspath(one))]
        if found:
            return found
    raise DataError(message("path", expected="a folder, a glob, a file, or a list of these", got=repr(path)))


def _expand(path: str) -> list[str]:
    path = os.path.expanduser(path)
    if os.path.isdir(path):
        found = [file for file in _walk(path) if is_fits_name(file) or _has_magic(file)]
    elif os.path.exists(path):
        return [path]
    elif glob.has_magic(path):
        matches = sorted(glob.glob(path, recursive=True))
        found = [file for one in matches for file in (_walk(one) if os.path.isdir(one) else [one])
                 if is_fits_name(file) or _has_magic(file)]
    else:
        raise DataError(message("path", expected="an existing folder, glob or file", got=repr(path),
                                hint="check the spelling; folders are searched through"))
    if not found:
        raise DataError(message("path", expected="FITS files", got=f"none in {path!r}",
                                hint="specanom.surveys.archive.download gets SDSS spectra, "
                                     "specanom.surveys.mock simulates a survey"))
    return found


def _walk(folder: str) -> Iterator[str]:
    seen: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders[:] = []
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(root, name) for name in sorted(files)
                    if not name.startswith(".") and not name.endswith(".part"))


def is_fits_name(path: str) -> bool:
    """Tell whether a file is called like a FITS file."""
    return path.lower().endswith(SUFFIXES)


def _has_magic(path: str) -> bool:
    try:
        with open(path, "rb") as handle:
            return handle.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def with_fits(path: str, use: Callable[[Fits], Any]) -> Any:
    """Return ``use(file)`` with the fast reader, or with astropy when the file asks for more than that can do.

    Raises
    ------
    BrokenFits
        When neither can read it.
    """
    size = 0
    try:
        fast = FastFits(path)
        size = fast.size
        return use(fast)
    except UnusualFits:
        return use(FullFits(path, size))


class Opener:
    """Opens files as sources of one survey, and finds the redshifts that lie beside a plate or a coadd.

    Parameters
    ----------
    files : list of str
        All files of the survey; spZbest files and catalogues are looked for among them when redshifts are not beside
        their plate or coadd.
    survey : {"auto", "sdss", "desi"}
        Which survey the files are of; those of another are refused.
    catalogue : path-like, DataFrame or None
        Redshifts of DESI targets, instead of those beside the spectra, or a table of SDSS spectra with columns to keep.
    columns : mapping, optional
        A user's names of columns of redshifts, ours → theirs.
    """

    def __init__(self, files: list[str], *, survey: str = "auto", catalogue: Any = None,
                 columns: Mapping[str, str] | None = None) -> None:
        self.files, self.survey = files, survey
        self._best: dict[tuple[int, int], str] | None = None
        named = catalogue is not None and survey != "desi"
        self._kept = kept_table(catalogue, with_fits, columns or {}) if named else None
        self._redshifts = Redshifts(files, with_fits, columns=columns,
                                    catalogue=None if self._kept or survey == "sdss" else catalogue)
        self._all = frozenset(files)

    def open(self, path: str) -> Source:
        """Return the source of a file.

        Raises
        ------
        Sidecar
            When it is a table that belongs to spectra, or holds the exposures of a coadd that is read.
        DataError, OSError
            When it cannot be read, or holds something else than spectra of the survey.
        """
        if spectra_twin(path) in self._all:
            raise Sidecar(path)
        if is_table_name(path) and not _has_magic(path):
            return self._with_kept(TableSource(path))
        source: Source = with_fits(path, self._source)
        return source

    def _source(self, file: Fits) -> Source:
        kind = kind_of(file)
        if kind in KINDS and self.survey != "auto" and (kind == "desi") != (self.survey == "desi"):
            other = "a DESI coadd, not an SDSS file" if kind == "desi" else "an SDSS file, not one of DESI"
            raise BrokenFits(other)
        if kind == "desi":
            source: Source = DesiSource(file, self._redshifts)
        elif kind == "spec":
            source = SpecSource(file)
        elif kind == "plate":
            source = PlateSource(file, partial(self.best, os.path.dirname(file.path)))
        elif kind in ("spSpec", "linear"):
            source = ImageSource(file)
        elif kind == "table":
            raise Sidecar(file.path)
        else:
            raise BrokenFits(kind)
        checked = Checked(source, file)
        return checked if kind == "desi" else self._with_kept(checked)

    @property
    def names_sdss(self) -> bool:
        """Whether the catalogue is a table of SDSS spectra."""
        return self._kept is not None

    def _with_kept(self, source: Source) -> Source:
        return source if self._kept is None else WithKept(source, self._kept)

    def best(self, folder: str, plate: int, mjd: int) -> Fits | None:
        """Return the open spZbest file of a plate in `folder`.

        It is found by name beside the plate or one folder below, as the archive has it, or else by content among all
        files of the survey and beside them.
        """
        name = f"spZbest-{plate:04d}-{mjd}.fits"
        beside = os.path.join(folder, name)
        below = () if os.path.exists(beside) else sorted(glob.glob(os.path.join(glob.escape(folder), "*", name)))
        path = next((one for one in (beside, *below) if os.path.exists(one)), None) or self._index().get((plate, mjd))
        return None if path is None else with_fits(path, lambda file: file)

    def _index(self) -> dict[tuple[int, int], str]:
        if self._best is None:
            self._best = {}
            folders = dict.fromkeys(os.path.dirname(file) for file in self.files)
            nearby = [os.path.join(folder, name) for folder in folders for name in sorted(os.listdir(folder or "."))]
            for path in dict.fromkeys([*self.files, *filter(is_fits_name, nearby)]):
                try:
                    key = with_fits(path, zbest_key)
                except (DataError, OSError):
                    continue
                if key is not None:
                    self._best.setdefault(key, path)
        return self._best


class Checked:
    """A source that turns to astropy when the fast reader gives up in the middle of a file."""

    def __init__(self, source: Any, file: Fits) -> None:
        self._source, self._file = source, file
        self.path: str = source.path

    def _call(self, name: str, *args: Any) -> Any:
        try:
            return getattr(self._source, name)(*args)
        except UnusualFits:
            self._source = self._again()
            return getattr(self._source, name)(*args)
        except (KeyError, ValueError, IndexError, TypeError, OverflowError) as exc:
            if isinstance(exc, DataError):
                raise
            raise BrokenFits(f"not readable: {type(exc).__name__}: {exc}") from exc

    def _again(self) -> Any:
        full = FullFits(self.path, self._file.size)
        best = getattr(self._source, "_best", None)
        return type(self._source)(full) if best is None else type(self._source)(full, best)

    def entries(self) -> Any:
        """See :class:`.survey.Source`."""
        return self._call("entries")

    def pixels(self, rows: Any) -> Any:
        """See :class:`.survey.Source`."""
        return self._call("pixels", rows)

    def details(self, row: int) -> Any:
        """See :class:`.survey.Source`."""
        return self._call("details", row)

    def remarks(self) -> Sequence[str]:
        """Return remarks on the file as a whole, once its entries were asked for."""
        return tuple(self._source.remarks()) if isinstance(self._source, DesiSource) else ()


def zbest_key(file: Fits) -> tuple[int, int] | None:
    """Return plate and MJD of a spZbest file, or None for any other."""
    primary, table = file.hdu(0), file.hdu(1)
    if primary is None or table is None or table.kind != "BINTABLE" or table.shape[0] < 1:
        return None
    if not {"fiberid", "z", "class", "zwarning"} <= set(table.names) or len(primary.shape):
        return None
    plate, mjd = whole(primary.header.get("PLATEID")), whole(primary.header.get("MJD"))
    if plate < 0 and {"plate", "mjd"} <= set(table.names):
        plate, mjd = whole(table.scalar("plate")), whole(table.scalar("mjd"))
    return (plate, mjd) if plate >= 0 else None


def kind_of(file: Fits) -> str:
    """Tell what a file holds.

    Returns
    -------
    str
        ``"spec"``, ``"plate"``, ``"spSpec"``, ``"linear"``, ``"desi"``, ``"table"`` (a sidecar), or a sentence that
        says what else it is.
    """
    first = file.hdu(1)
    if first is not None and is_spec(first):
        return "spec"
    primary = file.hdu(0)
    assert primary is not None
    if len(primary.shape) == 1 and primary.shape[0] > 1:
        return "linear" if "CRVAL1" in primary.header else "an image of one row without wavelengths, no spectrum"
    if len(primary.shape) == 2:
        return _kind_of_image(primary, first)
    if first is None:
        return "no data: the file ends after its first header"
    if is_desi(file):
        return "desi"
    return "table" if first.kind == "BINTABLE" else "an image, no spectrum"


def _kind_of_image(primary: Hdu, first: Hdu | None) -> str:
    header = primary.header
    if not {"COEFF0", "COEFF1"} <= set(header):
        return "an image without COEFF0 and COEFF1, no SDSS spectrum"
    if first is not None and first.kind == "IMAGE" and first.shape == primary.shape and "PLATEID" in header:
        return "plate"
    if first is None and "PLATEID" in header and primary.shape[0] > 5:
        return "cut short: a plate without inverse variance"
    if primary.shape[0] <= 5 and ("SPEC_CLN" in header or "FIBERID" in header):
        return "spSpec"
    return "an image on a logarithmic grid without plate or fibre, such as templates"


def shown(path: str) -> str:
    """Return a path as text for messages."""
    return Path(path).as_posix()
