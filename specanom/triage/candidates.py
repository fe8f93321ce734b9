"""Candidates from elsewhere: scores and vectors of a PostgreSQL table, a Parquet file or a DataFrame.

===========================  ======================================================================================
:func:`from_frame`           a DataFrame
:func:`from_parquet`         a Parquet file
:func:`from_postgres`        a table or query of a PostgreSQL database (extra ``postgres``)
:class:`Candidates`          what they return: a table with text ids, and vectors
===========================  ======================================================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, choice, message
from ..foreign import believed
from ..ids import id_texts
from .postgres import query_of, rows_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Candidates", "from_frame", "from_parquet", "from_postgres"]

SHOWN = 8
CAST = "SELECT …, embedding::real[] AS embedding, in the query"


@dataclass(frozen=True, eq=False)
class Candidates:
    """Objects that somebody else scored.

    Attributes
    ----------
    table : DataFrame
        ``id`` (text) and the other columns that are no vector: scores, positions, …
    vectors : (n, d) float64 array or None
        Of the same rows; what a KnowledgeBase takes.
    skipped : tuple of (id, reason)
        Rows that were left out.
    """

    table: pd.DataFrame
    vectors: NDArray[np.float64] | None = None
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def ids(self) -> list[str]:
        """Their names."""
        return [str(id) for id in self.table["id"]]

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        vectors = "no vectors" if self.vectors is None else f"vectors of {self.vectors.shape[1]}"
        left = f"; {len(self.skipped)} skipped" if self.skipped else ""
        return f"Candidates: {len(self)} objects, {len(self.table.columns) - 1} columns, {vectors}{left}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>{self.table.head(SHOWN).to_html(index=False, escape=True)}"


def from_frame(frame: pd.DataFrame, *, id: str = "id", vector: str | Sequence[str] | None = None) -> Candidates:
    """Take candidates of a DataFrame.

    Parameters
    ----------
    frame : DataFrame
        One row an object.
    id : str
        Column of the names: text or integers.
    vector : str or sequence of str, optional
        Column of which each cell is a vector, or columns that make one together.

    Returns
    -------
    Candidates
        Rows without an id, second rows of an id, and rows whose vector is missing, not finite or not as long as most
        are in ``.skipped``.

    Raises
    ------
    DataError
        When a column is not there, ids are floats of more digits than those keep, or no row is left.
    """
    import pandas as pd

    parts = [vector] if isinstance(vector, str) else list(vector or ())
    for name in (id, *parts):
        if name not in frame:
            choice("column", name, [str(one) for one in frame.columns])
    ids = id_texts(frame[id])
    reasons = _doubtful(ids)
    vectors = None
    if parts:
        rows = _stacked(frame, parts)
        usual = Counter(len(row) for row in rows if row is not None).most_common(1)
        length = usual[0][0] if usual else 0
        reasons = [reason or _wrong(row, length) for reason, row in zip(reasons, rows, strict=True)]
        good = [row for row, reason in zip(rows, reasons, strict=True) if not reason and row is not None]
        vectors = np.stack(good) if good else np.empty((0, 0))
    keep = np.array([not reason for reason in reasons], dtype=bool)
    skipped = tuple((one, reason) for one, reason in zip(ids, reasons, strict=True) if reason)
    if not keep.any():
        told = "; ".join(f"{one or 'a row'}: {reason}" for one, reason in skipped[:3])
        raise DataError(message("candidates", expected="at least one row that can be used", got=f"none ({told})"))
    table = frame.loc[keep, [name for name in frame.columns if name not in (id, *parts)]].reset_index(drop=True)
    table.insert(0, "id", pd.Series([one for one, kept in zip(ids, keep, strict=True) if kept]).astype("str"))
    return Candidates(table, vectors, skipped)


def from_parquet(path: str | Path, *, id: str = "id", vector: str | Sequence[str] | None = None) -> Candidates:
    """Take candidates of a Parquet file; parameters as of :func:`from_frame`.

    Raises
    ------
    DataError
        When it cannot be read, or as :func:`from_frame` does.
    """
    from pyarrow import ArrowException, parquet

    try:
        believed(path)
        table = parquet.read_table(Path(path))
    except (OSError, ValueError, ArrowException) as exc:
        raise DataError(message("path", expected="a readable Parquet file", got=f"{path} ({exc})")) from exc
    return from_frame(_frame(table), id=id, vector=vector)


def from_postgres(uri: str, query: str, *, id: str = "id", vector: str | Sequence[str] | None = None,
                  parameters: Sequence[Any] = ()) -> Candidates:
    """Take candidates of a PostgreSQL database, in one transaction that cannot write.

    Parameters
    ----------
    uri : str
        ``"postgresql://user@host:5432/base"``. The password is best left to ``~/.pgpass`` or ``PGPASSWORD``; one in
        the address never appears in an error.
    query : str
        Name of a table, ``"scores"`` or ``"survey.scores"``, or a query, ``"SELECT …"``.
    id, vector
        As of :func:`from_frame`; a vector is an array column, ``real[]`` or ``double precision[]``.
    parameters : sequence
        Values of ``$1``, ``$2``, … in the query.

    Raises
    ------
    MissingDependency
        When adbc-driver-postgresql is not installed.
    DataError
        When the server cannot be reached or refuses, or as :func:`from_frame` does.

    Examples
    --------
    >>> found = from_postgres("postgresql://me@archive/desi",                       # doctest: +SKIP
    ...                       "SELECT targetid, score, embedding FROM vae WHERE score > $1",
    ...                       id="targetid", vector="embedding", parameters=[5.0])
    """
    return from_frame(_frame(rows_of(uri, query_of(query), list(parameters))), id=id, vector=vector)


def _frame(table: Any) -> pd.DataFrame:
    """Return an Arrow table as a DataFrame in which whole numbers with blanks stay whole."""
    import pandas as pd
    import pyarrow as pa

    nullable = {pa.int16(): pd.Int16Dtype(), pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype()}
    columns = {}
    for name, field in zip(table.column_names, table.schema, strict=True):
        column = table[name]
        if getattr(field.type, "type_name", "") == "numeric":  # text of any number of digits
            columns[name] = pd.to_numeric(pd.Series(column.cast(pa.string()).to_pylist()), errors="coerce")
        elif isinstance(field.type, pa.BaseExtensionType) or pa.types.is_binary(field.type):
            columns[name] = pd.Series(column.to_pylist(), dtype=object)
        else:
            kind = nullable.get(field.type) if column.null_count else None
            columns[name] = column.to_pandas() if kind is None else pd.Series(column.to_pylist(), dtype=kind)
    return pd.DataFrame(columns)


def _doubtful(ids: Sequence[str]) -> list[str]:
    seen: set[str] = set()
    reasons = []
    for id in ids:
        reasons.append("no id" if not id else "second row of this id" if id in seen else "")
        seen.add(id)
    return reasons


def _stacked(frame: pd.DataFrame, parts: Sequence[str]) -> list[NDArray[np.float64] | None]:
    """Return the vector of each row; None where there is none."""
    if len(parts) > 1:
        return list(frame[list(parts)].to_numpy(np.float64, na_value=np.nan))
    made: list[NDArray[np.float64] | None] = []
    for cell in frame[parts[0]]:
        if isinstance(cell, (str, bytes)):
            raise DataError(message(f"column {parts[0]!r}", expected="arrays of numbers", got=f"{type(cell).__name__}",
                                    hint=CAST))
        try:
            made.append(None if cell is None or np.ndim(cell) != 1 else np.array(cell, dtype=np.float64))
        except (TypeError, ValueError):
            made.append(None)
    return made


def _wrong(row: NDArray[np.float64] | None, usual: int) -> str:
    if row is None:
        return "no vector"
    if len(row) != usual:
        return f"a vector of {len(row)} numbers, others have {usual}"
    return "" if np.isfinite(row).all() else "its vector is not finite"


def __dir__() -> list[str]:
    return sorted(__all__)
