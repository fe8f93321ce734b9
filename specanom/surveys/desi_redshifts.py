"""A table of redshifts of DESI targets: what a redrock file or a catalogue knows of a TARGETID."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, message
from .columns import NAN, text
from .desi_releases import find_column, from_uniqpix, healpix_64, kept_columns, options_of, table
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


class KeptColumn:
    """A column that a user keeps: text, whole numbers (true is 1) or numbers.

    Parameters
    ----------
    name : str
        Of the column, for messages.
    values : (n,) array
        All of it: whether it is text is not decided by some rows.

    Attributes
    ----------
    blank : str, float or None
        What stands for "not known": "", NaN, or None among whole numbers, which have nothing that is no number.
    """

    def __init__(self, name: str, values: NDArray[Any]) -> None:
        if values.ndim != 1:
            raise DataError(message("columns", expected="one value a row", got=f"{name} of shape {values.shape}"))
        self._values = values
        kind = values.dtype.kind
        if kind == "O":
            given = [value for value in map(_plain, values.tolist()) if value is not None]
            kind = "U" if any(isinstance(one, str) for one in given) else "i"
            kind = "f" if kind == "i" and not all(isinstance(one, (int, np.integer)) for one in given) else kind
        self.blank, self._as = _KINDS.get(kind, ("", str))

    def of(self, rows: NDArray[np.intp]) -> list[Any]:
        """Return the values of some rows."""
        found = map(_plain, self._values[rows].tolist())
        return [self.blank if value is None else self._as(value) for value in found]


_KINDS: Mapping[str, tuple[str | float | None, Callable[[Any], Any]]] = {
    **dict.fromkeys("biu", (None, int)), "f": (NAN, float)}


def _plain(value: Any) -> Any:
    """Return a value as Python has it, None where it is missing; text without padding."""
    if isinstance(value, (bytes, str)):
        return text(value)
    return None if value is None or str(value) in ("<NA>", "NaT") or value != value else value


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
        self._columns: dict[str, KeptColumn] = {}

    @property
    def lacking(self) -> list[str]:
        """Columns of the user's map that the table does not have."""
        return [name for name in self.own.values() if not find_column(self.names, [name])]

    @property
    def has_redshifts(self) -> bool:
        """Whether it has redshifts, or only columns that a user keeps."""
        return bool(self.column("redshifts", "z"))

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
        picked = self._pick(ids, place)
        names = {key: name for key in KEYS if (name := self.column("redshifts", key))}
        return self._spread(picked, {key: partial(self._values, name) for key, name in names.items()}), [
            note for _, note in picked]

    def kept(self, ids: Ids, place: Place) -> list[dict[str, Any]]:
        """Return per target the columns that a user keeps, those that are here; nothing of unknown targets."""
        names = [name for name in kept_columns(self.own) if find_column(self.names, [name])]
        return self._spread(self._pick(ids, place), {name: self._kept(name).of for name in names})

    def blanks(self) -> dict[str, Any]:
        """Return what stands for "not known" in each column that a user keeps and that is here."""
        names = [name for name in kept_columns(self.own) if find_column(self.names, [name])]
        return {name: self._kept(name).blank for name in names}

    def _kept(self, name: str) -> KeptColumn:
        if name not in self._columns:
            self._columns[name] = KeptColumn(f"{name} of {self.name}", self.get(name.lower(), np.arange(self.ids.size)))
        return self._columns[name]

    @staticmethod
    def _spread(picked: Sequence[tuple[int, str]], columns: Mapping[str, Callable[..., Any]]) -> list[dict[str, Any]]:
        """Return the values of columns at some rows, one mapping a target; empty of a row −1."""
        rows = np.array([row for row, _ in picked if row >= 0], dtype=np.intp)
        values = {key: of(rows) for key, of in columns.items()}
        found = iter([{key: column[at] for key, column in values.items()} for at in range(rows.size)])
        return [next(found) if row >= 0 else {} for row, _ in picked]

    def _pick(self, ids: Ids, place: Place) -> list[tuple[int, str]]:
        """Return per target its row, −1 for none, and a remark or ""."""
        candidates = self.rows_of(ids)
        score, elsewhere = self._fit(np.concatenate(candidates) if candidates else np.empty(0, np.intp), place)
        note = f"redshift of another spectrum of this target (survey, pixel or tile differ in {self.name})"
        picked: list[tuple[int, str]] = []
        start = 0
        for some in candidates:
            best = start + int(np.argmax(score[start : start + some.size])) if some.size else -1
            picked.append((int(some[best - start]), note if elsewhere[best] else "") if some.size else (-1, ""))
            start += some.size
        return picked

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
            score += np.array([str(value) in ("True", "1", "T") for value in self.get(primary, rows).tolist()],
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


def from_hdu(hdu: Hdu, name: str, own: Mapping[str, str], *, redshift: bool = True) -> RedshiftTable:
    """Return the redshifts of a table in a FITS file, which must have some unless `redshift` is False.

    Raises
    ------
    DataError
        When it has no TARGETID, or no redshift.
    """
    _require(list(hdu.names), name, own, redshift)
    ids = np.array(hdu.column(find_column(hdu.names, options_of("redshifts", "targetid", own))), dtype=np.int64)
    if ids.ndim != 1:
        raise DataError(f"{name} has several TARGETIDs a row")
    found = RedshiftTable(name, ids, lambda column, rows: logical(hdu, column, rows), list(hdu.names), own)
    asked = [found.column("redshifts", key) for key in KEYS] + [
        found.column("places", key) for key in ("survey", "program", "healpix", "uniqpix", "tile")] + [
        find_column(found.names, [one]) for one in kept_columns(own)]
    for column in filter(None, asked if ids.size else ()):
        hdu.scalar(column)                          # now is the time to turn to the full reader, not in the middle
    return found


def logical(hdu: Hdu, name: str, rows: NDArray[np.intp] | None = None) -> NDArray[Any]:
    """Return a column, at some rows or all; the letters T and F of a logical one become yes and no."""
    values = hdu.column(name) if rows is None else hdu.take(name, rows)
    if values.dtype.kind != "S" or values.dtype.itemsize != 1:
        return values
    form = str(hdu.header.get(f"TFORM{list(hdu.names).index(name) + 1}", ""))
    return values == b"T" if form.strip().lstrip("1").startswith("L") else values


def from_frame(frame: pd.DataFrame, name: str, own: Mapping[str, str], *, redshift: bool = True) -> RedshiftTable:
    """Return the redshifts of a DataFrame, which must have some unless `redshift` is False.

    Raises
    ------
    DataError
        When it has no TARGETID or no redshift, or its TARGETIDs are floats that have lost digits.
    """
    frame = frame.rename(columns={column: str(column).strip().lower() for column in frame.columns})
    _require(list(frame.columns), name, own, redshift)
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


def _require(names: Sequence[str], name: str, own: Mapping[str, str], redshift: bool) -> None:
    for key in ("targetid", "z") if redshift else ("targetid",):
        options = options_of("redshifts", key, own)
        if not find_column(names, options):
            raise DataError(message("catalogue", expected=f"a column {' or '.join(options)}",
                                    got=f"none in {name}: {', '.join(names[:8])}",
                                    hint=f"columns={{{key!r}: its name}}"))
