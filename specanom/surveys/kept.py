"""Columns that a user keeps of a table of SDSS spectra, joined by what names the spectra."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, message
from ..ids import id_texts
from .columns import sdss_id, whole
from .desi_redshifts import KeptColumn, logical
from .desi_releases import find_column, kept_columns, options_of
from .desi_tree import first_table
from .fits_full import Fits
from .survey import GROUP, Entry
from .tables import is_table_name, read_table

Open = Callable[[str, Callable[[Fits], Any]], Any]
FIBERS = ("fiberid", "fiber")
NAMED = "id, or plate, mjd and fiberid, or specobjid"


class KeptTable:
    """The columns that are kept of a table, found by the id of a spectrum.

    Parameters
    ----------
    name : str
        What the table is called in messages.
    names : sequence of str
        Its columns, in lower case.
    column : callable
        Takes the lower-case name of a column and returns it.
    own : mapping
        A user's map of columns.

    Raises
    ------
    DataError
        When it does not name spectra, or lacks a column.
    ArgumentError
        When columns of redshifts are asked for: those of SDSS are in the files of spectra.
    """

    def __init__(self, name: str, names: Sequence[str], column: Callable[[str], NDArray[Any]],
                 own: Mapping[str, str]) -> None:
        self.name, kept = name, kept_columns(own)
        others = ", ".join(f"{ours}={theirs}" for ours, theirs in own.items() if ours not in kept)
        if not kept or others:
            raise ArgumentError(message("columns", expected="columns to keep of a table of SDSS spectra",
                                        got=others or "none",
                                        hint="redshifts of SDSS are in the files of spectra; columns=['logmass']"))
        lacking = [one for one in kept if not find_column(names, [one])]
        if lacking:
            raise DataError(message("columns", expected=f"columns of {name}", got=", ".join(lacking),
                                    hint=f"it has {', '.join(names[:12])}"))
        keys = _keys(names, column, name)
        self._rows = {key: row for row, key in reversed(list(enumerate(keys))) if key}  # of several the first
        every = np.arange(len(keys))
        columns = {one: KeptColumn(f"{one} of {name}", column(one.lower())) for one in kept}
        self._blank = {one: values.blank for one, values in columns.items()}
        self._values = {one: values.of(every) for one, values in columns.items()}

    def of(self, entry: Entry) -> Entry:
        """Return an object with what is kept of it."""
        row = next((self._rows[key] for key in (str(entry.meta["id"]), str(entry.meta["specobjid"]))
                    if key and key in self._rows), None)
        more = self._blank if row is None else {one: values[row] for one, values in self._values.items()}
        return entry._replace(meta={**entry.meta, **more})


class WithKept:
    """A source whose objects have the columns of a table besides."""

    def __init__(self, source: Any, table: KeptTable) -> None:
        self._source, self._table = source, table
        self.path: str = source.path
        self.together: int = getattr(source, "together", GROUP)

    def entries(self) -> list[Entry]:
        """See :class:`.survey.Source`."""
        return [self._table.of(entry) for entry in self._source.entries()]

    def pixels(self, rows: Any) -> Any:
        """See :class:`.survey.Source`."""
        return self._source.pixels(rows)

    def details(self, row: int) -> Any:
        """See :class:`.survey.Source`."""
        return self._source.details(row)


def kept_table(catalogue: Any, open: Open, own: Mapping[str, str]) -> KeptTable | None:
    """Return the table of SDSS spectra that a catalogue is; None when it is one of DESI targets.

    Parameters
    ----------
    catalogue : path-like, DataFrame or None
    open : callable
        Opens a FITS file and returns what a function makes of it.
    own : mapping
        A user's map of columns.
    """
    if hasattr(catalogue, "columns"):
        return _of_frame(catalogue, "the catalogue", own)
    path = os.path.expanduser(os.fspath(catalogue)) if isinstance(catalogue, (str, os.PathLike)) else ""
    if not os.path.isfile(path):
        return None  # the reader of DESI's redshifts says so
    if is_table_name(path):
        return _of_frame(read_table(path), os.path.basename(path), own)

    def read(file: Fits) -> KeptTable | None:
        hdu = first_table(file, path)
        return _of_columns(os.path.basename(path), list(hdu.names), lambda one: logical(hdu, one), own)

    found: KeptTable | None = open(path, read)
    return found


def _of_frame(frame: Any, name: str, own: Mapping[str, str]) -> KeptTable | None:
    frame = frame.rename(columns={column: str(column).strip().lower() for column in frame.columns})
    return _of_columns(name, list(frame.columns), lambda one: frame[one].to_numpy(), own)


def _of_columns(name: str, names: Sequence[str], column: Callable[[str], NDArray[Any]],
                own: Mapping[str, str]) -> KeptTable | None:
    if find_column(names, options_of("redshifts", "targetid", own)):
        return None
    return KeptTable(name, names, column, own) if _naming(names) else None


def _naming(names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that name spectra, none when there are none."""
    fiber = find_column(names, FIBERS)
    if "id" in names:
        return ("id",)
    if {"plate", "mjd"} <= set(names) and fiber:
        return ("plate", "mjd", fiber)
    return ("specobjid",) if "specobjid" in names else ()


def _keys(names: Sequence[str], column: Callable[[str], NDArray[Any]], table: str) -> list[str]:
    parts = [column(one) for one in _naming(names)]
    if len(parts) == 3:
        numbers = zip(*(map(whole, part.tolist()) for part in parts), strict=True)
        return [sdss_id(*one) if min(one) >= 0 else "" for one in numbers]
    return id_texts(parts[0], f"{_naming(names)[0]} of {table}")
