"""What the pipeline of DESI says of targets: redrock files beside spectra, and catalogues of many of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import DataError, message
from .columns import NAN
from .desi_redshifts import Ids, Place, RedshiftTable, from_frame, from_hdu
from .desi_releases import kept_columns, table
from .fits_full import Fits, Hdu
from .tables import is_table_name, read_table

UNKNOWN = "redshift and class are not known"
Open = Callable[[str, Callable[[Fits], Any]], Any]


class Answer(NamedTuple):
    """What is known of some targets.

    Attributes
    ----------
    known : list of mapping
        Per target the values of :data:`~.desi_redshifts.KEYS` that there are, none when nothing is known of it, and
        the columns that a user keeps.
    notes : list of str
        Per target a remark, or "".
    remarks : list of str
        Remarks on the file.
    """

    known: list[dict[str, Any]]
    notes: list[str]
    remarks: list[str]


def table_named(file: Fits, names: Sequence[str]) -> Hdu | None:
    """Return the first table of a file that has one of these names, or None."""
    index = 1
    while (hdu := file.hdu(index)) is not None:
        if hdu.kind == "BINTABLE" and str(hdu.header.get("EXTNAME", "")).strip().upper() in names:
            return hdu
        index += 1
    return None


def prefix_of(path: str) -> str:
    """Return how the name of a file begins: ``"coadd"`` of ``coadd-main-dark-27247.fits``."""
    return os.path.basename(path).partition("-")[0].lower()


def spectra_twin(path: str) -> str:
    """Return what the coadd is called whose exposures a file holds by its name, or ""."""
    folder, base = os.path.split(path)
    if prefix_of(path) != "spectra":
        return ""
    return os.path.join(folder, "coadd" + base[len("spectra"):].removesuffix(".gz"))


class Redshifts:
    """Finds what is known of targets: in the file itself, beside it, in a catalogue.

    A redrock file is found by its name (``redrock-X`` beside ``coadd-X``), else by its content in the same folder. What
    is not in there is looked for in the catalogues among the files of the survey. A catalogue that was named is asked
    first, and alone; one without redshifts gives the columns that a user keeps and leaves redshifts to the others.

    Parameters
    ----------
    files : sequence of str
        All files of the survey.
    open : callable
        Opens a file and returns what a function makes of it.
    catalogue : path-like, DataFrame or None
        Redshifts to take instead of those beside the spectra.
    columns : mapping
        A user's map of columns, our names → theirs.
    """

    def __init__(self, files: Sequence[str], open: Open, *, catalogue: Any = None,
                 columns: Mapping[str, str] | None = None) -> None:
        self.files, self._open, self._own = files, open, dict(columns or {})
        self._kept = kept_columns(self._own)
        self._named = None if catalogue is None else self._load(catalogue)
        self._found: list[RedshiftTable] | None = None
        self._damaged: dict[str, str] = {}
        self._folder: tuple[str | None, list[RedshiftTable]] = (None, [])

    def of(self, file: Fits, ids: Ids, place: Place) -> Answer:
        """Return what is known of the targets of a file."""
        if self._named is not None and self._named.has_redshifts:
            known, notes = self._named.look_up(ids, place)
            told = self._told(Answer(known, notes, []), f"not in {self._named.name}")
            return self._with_kept(told, ids, place, None)
        beside = self._beside(file, ids)
        answer = Answer([{} for _ in ids], [""] * len(ids), [])
        if beside is not None:
            known, notes = beside.look_up(ids, Place())
            foreign = int((~np.isin(beside.ids, ids)).sum())
            remarks = [f"{beside.name}: {foreign} redshifts of targets that have no spectrum here"] if foreign else []
            remarks += [f"{beside.name}: no column {name}, so the usual one is taken" for name in beside.lacking
                        if name not in self._kept]
            answer = Answer(known, notes, remarks)
        self._complete(answer, ids, place)
        missing = "no redrock file beside the spectra" if beside is None else f"TARGETID not in {beside.name}"
        if beside is None and (broken := self._damaged.get(os.path.dirname(file.path))):
            missing = broken
        missing += "".join(f", nor in {one.name}" for one in self._found or ())
        return self._with_kept(self._told(answer, missing), ids, place, beside)

    def _with_kept(self, answer: Answer, ids: Ids, place: Place, beside: RedshiftTable | None) -> Answer:
        """Add the columns that a user keeps: of the catalogue that was named, or of the first table that has them."""
        if not self._kept:
            return answer
        tables = [(self._named, place)] if self._named is not None else [
            *([(beside, Place())] if beside is not None else []), *((one, place) for one in self._catalogues())]
        blanks: dict[str, Any] = {}
        added: list[dict[str, Any]] = [{} for _ in ids]
        for one, where in tables:
            blanks = {**one.blanks(), **blanks}
            added = [{**new, **old} for new, old in zip(one.kept(ids, where), added, strict=True)]
        nowhere = [f"no table of redshifts has a column {name}" for name in self._kept if name not in blanks]
        blanks = {**dict.fromkeys(self._kept, NAN), **blanks}
        known = [{**one, **blanks, **more} for one, more in zip(answer.known, added, strict=True)]
        return answer._replace(known=known, remarks=[*answer.remarks, *nowhere])

    def prefers(self, key: str) -> bool:
        """Tell whether the user said which column is ours of this name."""
        return key in self._own

    def _complete(self, answer: Answer, ids: Ids, place: Place) -> None:
        """Fill in from catalogues what is not known yet."""
        for table_ in [] if all(answer.known) else self._catalogues():
            lacking = [i for i, one in enumerate(answer.known) if not one]
            known, notes = table_.look_up(ids[lacking], place)
            for i, one, note in zip(lacking, known, notes, strict=True):
                answer.known[i], answer.notes[i] = one, note

    @staticmethod
    def _told(answer: Answer, missing: str) -> Answer:
        notes = [note if one else f"{UNKNOWN}: {missing}"
                 for one, note in zip(answer.known, answer.notes, strict=True)]
        return answer._replace(notes=notes)

    # -- beside the spectra ----------------------------------------------------------------------------------------

    def _beside(self, file: Fits, ids: Ids) -> RedshiftTable | None:
        names = table()["tables"]["redshifts"]
        inside = table_named(file, names)
        if inside is not None:
            return from_hdu(inside, os.path.basename(file.path), self._own)
        folder, base = os.path.split(file.path)
        prefix = prefix_of(file.path)
        called = [os.path.join(folder, other + base[len(prefix):].removesuffix(".gz") + end)
                  for other in table()["names"]["redshifts"] for end in ("", ".gz")
                  if prefix in table()["names"]["spectra"]]
        for path in called:
            found = self._redrock(path)
            if found is not None:
                return found
        return next((one for one in self._in_folder(folder) if np.isin(ids, one.ids).any()), None)

    def _in_folder(self, folder: str) -> list[RedshiftTable]:
        """Return the redshifts of every file of a folder, whatever they are called; the last folder is remembered."""
        if self._folder[0] != folder:
            skip = (*table()["names"]["spectra"], *table()["names"]["other"])
            names = [name for name in sorted(os.listdir(folder or ".")) if ".fit" in name.lower()]
            found = [self._redrock(os.path.join(folder, name)) for name in names if prefix_of(name) not in skip]
            self._folder = folder, [one for one in found if one is not None]
        return self._folder[1]

    def _redrock(self, path: str) -> RedshiftTable | None:
        return self._read(path, table()["tables"]["redshifts"]) if os.path.isfile(path) else None

    def _read(self, path: str, names: Sequence[str]) -> RedshiftTable | None:
        """Return the redshifts of a file, or None when it is damaged or holds none."""
        name = os.path.basename(path)

        def read(file: Fits) -> RedshiftTable | None:
            hdu = table_named(file, names)
            return None if hdu is None else from_hdu(hdu, name, self._own)

        try:
            found: RedshiftTable | None = self._open(path, read)
        except (DataError, OSError) as exc:
            self._damaged[os.path.dirname(path)] = f"{name} is not readable, {exc}"
            return None
        return found

    # -- catalogues ------------------------------------------------------------------------------------------------

    def _catalogues(self) -> list[RedshiftTable]:
        """Return the catalogues among the files of the survey, opened once."""
        if self._found is None:
            names = table()["names"]
            skip = {*names["spectra"], *names["redshifts"], *names["other"]}
            self._found = []
            for path in self.files:
                if prefix_of(path) not in skip:
                    found = self._read(path, table()["tables"]["catalogue"])
                    if found is not None:
                        self._found.append(found)
        return self._found

    def _load(self, catalogue: Any) -> RedshiftTable:
        found = self._opened(catalogue)
        if found.lacking:
            raise DataError(message("columns", expected=f"columns of {found.name}", got=", ".join(found.lacking),
                                    hint=f"it has {', '.join(found.names[:12])}"))
        found.blanks()                              # raises now for a column that has several values a row
        return found

    def _opened(self, catalogue: Any) -> RedshiftTable:
        if not isinstance(catalogue, (str, os.PathLike)):
            if not hasattr(catalogue, "columns"):
                raise DataError(message("catalogue", expected="a file or a DataFrame", got=repr(catalogue)[:60]))
            return from_frame(catalogue, "the catalogue", self._own, redshift=not self._kept)
        path = os.path.expanduser(os.fspath(catalogue))
        name = os.path.basename(path)
        if not os.path.isfile(path):
            raise DataError(message("catalogue", expected="an existing file", got=repr(path)))
        if is_table_name(path):
            return from_frame(read_table(path), name, self._own, redshift=not self._kept)
        found: RedshiftTable = self._open(
            path, lambda file: from_hdu(_first_table(file, path), name, self._own, redshift=not self._kept))
        return found


def _first_table(file: Fits, path: str) -> Hdu:
    """Return the table of a catalogue: the first of the file, whatever it is called."""
    index = 1
    while (hdu := file.hdu(index)) is not None:
        if hdu.kind == "BINTABLE":
            return hdu
        index += 1
    raise DataError(message("catalogue", expected="a table in the file", got=f"none in {path}"))
