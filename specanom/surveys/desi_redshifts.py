"""A table of redshifts of DESI targets: what a redrock file or a catalogue knows of a TARGETID."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, message
from .columns import text
from .desi_releases import find_column, from_uniqpix, healpix_64, options_of, table
from .fits_full import Hdu
from .tables import with_text_ids

if TYPE_CHECKING:
    import pandas as pd

Ids = NDArray[np.int64]
KEYS = ("z", "z_err", "zwarning", "class", "subclass", "deltachi2", "ebv")


class Place(NamedTuple):
    """Where spectra were taken: "" and −1 where it is not known."""

    survey: str = ""
    program: str = ""
    healpix: int = -1
    tile: int = -1


@dataclass
class RedshiftTable:
    """Redshifts of targets, found by TARGETID.

    Parameters
    ----------
    name : str
        What the table is called in notes.
    ids : (n,) array of int
        TARGETIDs.
    get : callable
        Takes the lower-case name of a column and an array of rows, and returns the values.
    names : sequence of str
        Columns, in lower case.
    own : mapping
        A user's map of columns.
    """

    name: str
    ids: Ids
    get: Callable[[str, NDArray[np.intp]], NDArray[Any]]
    names: Sequence[str]
    own: Mapping[str, str]

    def __post_init__(self) -> None:
        self._order = np.argsort(self.ids, kind="stable")
        self._sorted = self.ids[self._order]

    @property
    def lacking(self) -> list[str]:
        """Columns of the user's map that the table does not have."""
        return [name for name in self.own.values() if not find_column(self.names, [name])]

    def rows_of(self, ids: Ids) -> list[NDArray[np.intp]]:
        """Return for each id the rows that hold it, in the order of the table."""
        left = np.searchsorted(self._sorted, ids, "left")
        right = np.searchsorted(self._sorted, ids, "right")
        return [self._order[a:b] for a, b in zip(left, right, strict=True)]

    def column(self, kind: str, key: str) -> str:
        """Return what the column `key` is called here, or ""."""
        return find_column(self.names, options_of(kind, key, self.own))

    def look_up(self, ids: Ids, place: Place) -> tuple[list[dict[str, Any]], list[str]]:
        """Return per target what is known of it, and a remark or "".

        Of several rows of one target, the one of the same survey, programme, pixel and tile is taken, then the one that
        the catalogue calls primary, then the first.
        """
        candidates = self.rows_of(ids)
        score, elsewhere = self._fit(np.concatenate(candidates) if candidates else np.empty(0, np.intp), place)
        note = f"redshift of another spectrum of this target (survey, pixel or tile differ in {self.name})"
        picked: list[tuple[int, str]] = []
        start = 0
        for some in candidates:
            best = start + int(np.argmax(score[start : start + some.size])) if some.size else -1
            picked.append((int(some[best - start]), note if elsewhere[best] else "") if some.size else (-1, ""))
            start += some.size
        rows = np.array([row for row, _ in picked if row >= 0], dtype=np.intp)
        columns = {key: self._values(name, rows) for key in KEYS if (name := self.column("redshifts", key))}
        known: list[dict[str, Any]] = []
        number = 0
        for row, _ in picked:
            known.append({key: values[number] for key, values in columns.items()} if row >= 0 else {})
            number += row >= 0
        return known, [note for _, note in picked]

    def _values(self, name: str, rows: NDArray[np.intp]) -> list[Any]:
        values = self.get(name, rows).tolist()
        return [text(value) if isinstance(value, (bytes, str)) else value for value in values]

    def _fit(self, rows: NDArray[np.intp], place: Place) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return how well each row fits a place, and whether it says that it is of another."""
        score, elsewhere = np.zeros(rows.size, dtype=np.intp), np.zeros(rows.size, dtype=bool)
        for key in ("survey", "program", "healpix", "tile"):
            wanted, got = getattr(place, key), self._place(key, rows)
            if got is not None and wanted not in ("", -1):
                same = np.array([value == wanted for value in got], dtype=bool)
                score += 2 * same
                elsewhere |= ~same
        primary = find_column(self.names, table()["columns"]["primary"])
        if primary:
            score += np.array([str(value) in ("True", "1", "b'T'", "T") for value in self.get(primary, rows).tolist()],
                              dtype=np.intp)
        return score, elsewhere

    def _place(self, key: str, rows: NDArray[np.intp]) -> list[Any] | None:
        if key == "healpix" and (name := self.column("places", "uniqpix")):
            return [healpix_64(*from_uniqpix(int(value))) for value in self.get(name, rows).tolist()]
        name = self.column("places", key)
        if not name:
            return None
        values = self.get(name, rows).tolist()
        return [text(value).lower() if isinstance(value, (bytes, str)) else value for value in values]


def from_hdu(hdu: Hdu, name: str, own: Mapping[str, str]) -> RedshiftTable:
    """Return the redshifts of a table in a FITS file.

    Raises
    ------
    DataError
        When it has no TARGETID, or no redshift.
    """
    _require(list(hdu.names), name, own)
    ids = np.array(hdu.column(find_column(hdu.names, options_of("redshifts", "targetid", own))), dtype=np.int64)
    return RedshiftTable(name, ids, lambda column, rows: hdu.column(column)[rows], list(hdu.names), own)


def from_frame(frame: pd.DataFrame, name: str, own: Mapping[str, str]) -> RedshiftTable:
    """Return the redshifts of a DataFrame.

    Raises
    ------
    DataError
        When it has no TARGETID or no redshift, or its TARGETIDs are floats that have lost digits.
    """
    frame = frame.rename(columns={column: str(column).strip().lower() for column in frame.columns})
    _require(list(frame.columns), name, own)
    column = find_column(frame.columns, options_of("redshifts", "targetid", own))
    ids = _whole_ids(frame[column], name)
    return RedshiftTable(name, ids, lambda key, rows: frame[key].iloc[rows].to_numpy(), list(frame.columns), own)


def _whole_ids(column: pd.Series[Any], name: str) -> Ids:
    """Return TARGETIDs digit by digit, 0 where blank."""
    if column.dtype.kind in "iu":
        return column.to_numpy(dtype=np.int64)
    texts = with_text_ids(column.rename("targetid").to_frame())["id"]
    try:
        return np.array([int(value) if value else 0 for value in texts], dtype=np.int64)
    except ValueError:
        raise DataError(f"column {column.name} of {name} holds something else than whole numbers") from None


def _require(names: Sequence[str], name: str, own: Mapping[str, str]) -> None:
    for key in ("targetid", "z"):
        options = options_of("redshifts", key, own)
        if not find_column(names, options):
            raise DataError(message("catalogue", expected=f"a column {' or '.join(options)}",
                                    got=f"none in {name}: {', '.join(names[:8])}",
                                    hint=f"columns={{{key!r}: its name}}"))
