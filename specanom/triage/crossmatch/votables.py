"""Reading answers: VOTables whose status is looked at, and columns by what they mean."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ArgumentError, message
from ...foreign import check_votable
from ...ids import EXACT

Doubles = NDArray[np.float64]

ROLES: dict[str, tuple[str, ...]] = {
    "ra": ("ra", "RA", "RA_ICRS", "RAJ2000", "_RAJ2000", "RA(deg)", "ra_deg", "radeg", "target_ra",
           "plug_ra"),
    "dec": ("dec", "DEC", "Dec", "DE_ICRS", "DEJ2000", "_DEJ2000", "DEC(deg)", "dec_deg", "dedeg", "decdeg",
            "target_dec", "plug_dec"),
    "name": ("main_id", "name", "Name", "Object Name", "prefname", "AllWISE", "2MASS", "DR3Name", "IAUName", "SDSS",
             "source_id", "Source", "designation", "objID", "ID", "id"),
    "type": ("otype", "main_type", "pretype", "type", "Type", "class", "Class", "Cl"),
    "z": ("rvz_redshift", "redshift", "Redshift", "z", "zsp", "zspec", "z_spec"),
    "pmra": ("pmra", "pmRA", "pm_ra", "PMRA"),
    "pmdec": ("pmdec", "pmDE", "pm_dec", "PMDEC"),
    "epoch": ("ref_epoch", "epoch", "Epoch"),
}
"""Usual names of columns, first found first taken; as written, or else in any case."""
BANDS = ("g", "r", "i", "z")
NOTHING = ("no object", "no source", "no rows")
"""What services say when they looked and there is nothing; "not found" is said of servers and tables too."""


class BadAnswer(Exception):
    """A service answered with an error, with a part of the truth, or with something that cannot be read."""


def read_votable(raw: bytes) -> Any:
    """Return the first table of an answer.

    Raises
    ------
    BadAnswer
        When it is no VOTable, claims more than it can hold, holds no table without saying that nothing was found,
        tells of an error, or was cut short: rows that are missing from a part of an answer are not missing from the
        catalogue.
    """
    from astropy.io import votable
    from astropy.table import Table

    try:
        check_votable(raw)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            document = votable.parse(io.BytesIO(raw), verify="ignore")
    except Exception as exc:
        head = " ".join(raw[:160].decode("utf-8", "replace").split())
        raise BadAnswer(f"no VOTable came but {head!r} ({exc})") from exc
    said = _trouble(document)
    if said is not None:
        if any(word in said.lower() for word in NOTHING):
            return Table()
        raise BadAnswer(said)
    tables = list(document.iter_tables())
    if not tables:
        raise BadAnswer("the answer holds no table")
    return tables[0].to_table(use_names_over_ids=True)


def _trouble(document: Any) -> str | None:
    """Return what a VOTable says went wrong: of the whole, of a resource or of a table."""
    tables = [table for resource in document.resources for table in resource.tables]
    for place in (document, *document.resources, *tables):
        for info in place.infos:
            if info.name == "QUERY_STATUS" and str(info.value).upper() == "OVERFLOW":
                return "the answer was cut short (OVERFLOW): a smaller chunk or radius"
            if str(info.value).upper() == "ERROR" or str(info.name).lower() == "error":
                return f"the service says: {(info.content or info.value or 'ERROR').strip()}"
        for param in place.params:
            if str(param.name).lower() == "error" and str(param.value).strip():
                return f"the service says: {str(param.value).strip()}"
    return None


def write_votable(table: Any) -> bytes:
    """Return an astropy table as the bytes of a VOTable."""
    from astropy.io.votable import from_table

    buffer = io.BytesIO()
    from_table(table).to_xml(buffer, tabledata_format="binary2")
    return buffer.getvalue()


def role(columns: Sequence[str], what: str, given: Mapping[str, str]) -> str | None:
    """Return the column that holds `what`; None when there is none.

    Parameters
    ----------
    columns : sequence of str
        There are.
    what : str
        A key of :data:`ROLES`.
    given : mapping
        Columns by role, as the user names them.

    Raises
    ------
    ArgumentError
        When the one the user names is not there.
    """
    if what in given:
        if given[what] not in columns:
            raise ArgumentError(message(f"names[{what!r}]", expected=f"one of {_listed(columns)}",
                                        got=repr(given[what])))
        return given[what]
    if what == "z" and set(BANDS) <= set(columns):  # beside g, r and i, z is a magnitude
        columns = [name for name in columns if name != "z"]
    exact = next((name for name in ROLES[what] if name in columns), None)
    if exact is not None:
        return exact
    folded = {str(name).casefold(): name for name in reversed(columns)}
    return next((folded[name.casefold()] for name in ROLES[what] if name.casefold() in folded), None)


def check_roles(given: Mapping[str, str]) -> None:
    """Raise unless the keys are roles."""
    unknown = [key for key in given if key not in ROLES]
    if unknown:
        raise ArgumentError(message("names", expected=f"some of {', '.join(ROLES)}", got=", ".join(map(repr, unknown))))


def check_columns(columns: Sequence[str], wanted: Sequence[str]) -> None:
    """Raise when a column that is wanted is not there."""
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise ArgumentError(message("columns", expected=f"some of {_listed(columns)}",
                                    got=", ".join(map(repr, missing))))


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(map(str, columns[:30])) + (", …" if len(columns) > 30 else "")


def numbers(values: Any) -> Doubles:
    """Return a column as float64; what is masked or no number is NaN."""
    plain: Any = np.ma.asarray(values)
    try:
        return np.asarray(plain.astype(np.float64).filled(np.nan), dtype=np.float64)
    except (TypeError, ValueError):
        import pandas as pd

        return np.asarray(pd.to_numeric(pd.Series(texts(values)), errors="coerce"), dtype=np.float64)


def texts(values: Any) -> list[str]:
    """Return a column as text; what is masked is empty, and whole numbers keep all their digits."""
    column = np.ma.asarray(values)
    hidden = np.ma.getmaskarray(column)
    made = []
    for value, gone in zip(np.ma.getdata(column).tolist(), hidden.tolist(), strict=True):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        made.append("" if gone or text is None or text != text else str(text).strip())
    return made


def kept(values: Any) -> Any:
    """Return a column that may be joined to objects without a match: numbers where float64 holds them, else text."""
    column = np.ma.asarray(values)
    whole = column.dtype.kind in "iu"
    fits = whole and (not column.count() or max(abs(int(column.min())), abs(int(column.max()))) < EXACT)
    return numbers(values) if column.dtype.kind in "fb" or fits else np.array(texts(values), dtype=object)
