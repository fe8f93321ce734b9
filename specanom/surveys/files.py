"""Tells by the content of files what they are and opens them; names decide nothing."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, SpecanomError
from ..ids import encodable
from .columns import whole
from .desi import DesiSource, is_desi
from .desi_tree import Redshifts, spectra_twin
from .finding import find_files as find_files
from .finding import has_magic, is_fits_name
from .fits_fast import BrokenFits, FastFits, UnusualFits
from .fits_full import Fits, FullFits, Hdu
from .guard import broken, check_count, rows_at_once, sound_entry, sound_pixels
from .kept import WithKept, kept_table
from .sdss import SpecSource, is_spec
from .sdss_image import ImageSource
from .sdss_plate import SCALARS, PlateSource
from .survey import GROUP, Entry, Source
from .tables import TableSource, is_table_name

KINDS = ("spec", "plate", "spSpec", "linear", "desi")


class Sidecar(Exception):
    """The file is no spectrum and is not meant to be one: a catalogue, redshifts, a table of truth."""


def with_fits(path: str, use: Callable[[Fits], Any]) -> Any:
    """Return ``use(file)`` with the fast reader, or with astropy when the file asks for more than that can do.

    Raises
    ------
    BrokenFits
        When neither can read it, or `use` stumbles over what is in it.
    """
    try:
        return use(FastFits(path))
    except UnusualFits:
        return _mapped(lambda: use(FullFits(path)))
    except TOLD_AS_IS:
        raise
    except Exception as exc:
        raise broken(exc) from exc


TOLD_AS_IS = (SpecanomError, OSError, MemoryError, Sidecar)
"""Errors that are what they say; any other is the fault of a file, see :mod:`.guard`."""


def _mapped(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except TOLD_AS_IS:
        raise
    except Exception as exc:
        raise broken(exc) from exc


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
        if encodable(path) != path:
            raise BrokenFits("its name is no text in UTF-8: rename it")
        if spectra_twin(path) in self._all:
            raise Sidecar(path)
        if is_table_name(path) and not has_magic(path):
            return self._with_kept(Checked(_mapped(lambda: TableSource(path)), None))
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
        checked = Checked(source, file, *_extent(source))
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
        return None if path is None else with_fits(path, _ready)

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
    """A source that hands out what is sound, or :class:`BrokenFits`.

    It turns to astropy when the fast reader gives up in the middle of a file.

    Parameters
    ----------
    source : Source
    file : Fits or None
        None of a table.
    objects, pixels : int
        How many objects it has, and pixels of each.

    Raises
    ------
    BrokenFits
        When these are more than any file has.
    """

    def __init__(self, source: Any, file: Fits | None, objects: int = 0, pixels: int = 0) -> None:
        check_count(objects, pixels)
        self._source, self._file = source, file
        self.path: str = source.path
        self.together = min(getattr(source, "together", GROUP), rows_at_once(pixels))

    def _call(self, name: str, *args: Any) -> Any:
        try:
            return getattr(self._source, name)(*args)
        except UnusualFits:
            return _mapped(lambda: getattr(self._again(), name)(*args))
        except TOLD_AS_IS:
            raise
        except Exception as exc:
            raise broken(exc) from exc

    def _again(self) -> Any:
        best = getattr(self._source, "_best", None)
        full = FullFits(self.path)
        self._source = type(self._source)(full) if best is None else type(self._source)(full, best)
        return self._source

    def entries(self) -> Sequence[Entry]:
        """See :class:`.survey.Source`."""
        return [sound_entry(one) for one in self._call("entries")]

    def pixels(self, rows: Any) -> Any:
        """See :class:`.survey.Source`."""
        with np.errstate(all="ignore"):
            return sound_pixels(self._call("pixels", rows), rows)

    def details(self, row: int) -> Any:
        """See :class:`.survey.Source`; what cannot be read of these is left out, and the spectrum stands."""
        try:
            return self._call("details", row)
        except (DataError, OSError):
            return {}

    def remarks(self) -> Sequence[str]:
        """Return remarks on the file as a whole, once its entries were asked for."""
        return tuple(self._source.remarks()) if isinstance(self._source, DesiSource) else ()


def _extent(source: Any) -> tuple[int, int]:
    """Return how many objects a source has, and pixels of each, as far as headers tell."""
    if isinstance(source, DesiSource):
        return source.size, sum(source.widths)
    if isinstance(source, PlateSource):
        return source.primary.shape[0], source.primary.shape[1]
    return 1, source.coadd.shape[0] if isinstance(source, SpecSource) else source.primary.shape[-1]


def _ready(best: Fits) -> Fits:
    """Return redshifts of a plate that can be read; an unusual column turns to the full reader now."""
    table = best.hdu(1)
    if table is not None and table.kind == "BINTABLE" and table.shape[0]:
        for name in ("fiberid", "z_noqso", "objtype", "sourcetype", "specobjid", *SCALARS.values()):
            if name in table.names:
                table.scalar(name)
    return best


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
        if primary.shape:
            return f"an array of {len(primary.shape)} dimensions, no spectrum"
        return "no data: the file ends after its first header"
    if is_desi(file):
        return "desi"
    if first.header.get("ZIMAGE") is True:
        return "images compressed in tiles: unpack the file first, with funpack"
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
