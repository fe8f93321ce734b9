"""The answer of a knowledge base: the nearest objects of each query, and what they say together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, choice, message
from ..ids import EXACT
from .entries import Skipped
from .votes import mean_and_spread

if TYPE_CHECKING:
    import pandas as pd

Doubles = NDArray[np.float64]
Texts = NDArray[np.object_]
SHOWN = 8


@dataclass(frozen=True, eq=False)
class Kin:
    """Neighbours of m queries, nearest first.

    Attributes
    ----------
    queries : (m,) array of str
        Ids of the queries where they were given, otherwise their row numbers.
    ids, labels : (m, k) arrays of str
        Of the neighbours; a label is empty where none is known.
    distances : (m, k) float64 array
        Euclidean.
    weights : (m, k) float64 array
        ``exp(−d/τ)``, made to sum to one in each row.
    vote : (m,) array of str
        The label with most weight; empty where no neighbour has one.
    share : (m,) float64 array
        Its share of the weight of the neighbours that have a label; NaN where none has.
    quantile : (m,) float64 array
        Share of the base whose own k-th neighbour is nearer than that of the query.
    far : (m,) bool array
        The k-th neighbour lies beyond `threshold`: far from everything known.
    threshold : float
        The quantile `at` of the distances of the base to its own k-th neighbours.
    at : float
    tau : float
    rows : (m, k) int array
        Rows of `metadata`; −1 for a query without an answer.
    metadata : DataFrame
        Of the whole base.
    skipped : tuple of Skipped
        Queries without an answer: their vector is not finite. Their row holds empty text and NaN.
    """

    queries: Texts
    ids: Texts
    labels: Texts
    distances: Doubles
    weights: Doubles
    vote: Texts
    share: Doubles
    quantile: Doubles
    far: NDArray[np.bool_]
    threshold: float
    at: float
    tau: float
    rows: NDArray[np.int64]
    metadata: pd.DataFrame
    skipped: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self.queries)

    @property
    def k(self) -> int:
        """How many neighbours each query has."""
        return int(self.rows.shape[1])

    def column(self, name: str) -> NDArray[Any]:
        """Return a column of the metadata of the neighbours, ``(m, k)``; NaN or None where blank or without an answer.

        Raises
        ------
        ArgumentError
            When there is no such column.
        """
        taken = _plain(self.metadata[choice("column", name, self.metadata.columns)])[np.maximum(self.rows, 0)]
        there = self.rows >= 0
        if there.all():
            return taken
        whole = taken.dtype.kind in "iu"
        if taken.dtype.kind in "fc" or (whole and (np.abs(taken.astype(object)) < EXACT).all()):
            return np.where(there, taken, np.nan)
        made = taken.astype(object)
        made[~there] = None
        return made

    def mean(self, column: str) -> Doubles:
        """Return the weighted mean of a numeric column over the neighbours, ``(m,)``; NaN are left out."""
        return self._summary(column)[0]

    def spread(self, column: str) -> Doubles:
        """Return the weighted standard deviation of a numeric column, ``(m,)``; NaN where fewer than two are known."""
        return self._summary(column)[1]

    def _summary(self, column: str) -> tuple[Doubles, Doubles]:
        from pandas.api.types import is_numeric_dtype

        values = self.metadata[choice("column", column, self.metadata.columns)]
        if not is_numeric_dtype(values.dtype):
            raise ArgumentError(message("column", expected="a column of numbers", got=f"{column!r} of {values.dtype}",
                                        hint=f"one of {', '.join(map(str, self._numeric))}"))
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)[np.maximum(self.rows, 0)]
        return mean_and_spread(np.where(self.rows >= 0, numbers, np.nan), self.weights)

    @property
    def _numeric(self) -> list[Any]:
        return list(self.metadata.select_dtypes("number").columns)

    def support(self, label: str) -> Doubles:
        """Return the share of the labelled weight that is of `label`, ``(m,)``: what to rank a search by."""
        valid = (self.labels != "") & np.isfinite(self.weights)
        total = np.where(valid, self.weights, 0.0).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(valid & (self.labels == label), self.weights, 0.0).sum(axis=1) / total)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a query: ``query``, ``vote``, ``share``, ``quantile``, ``far``, ``nearest``, ``distance``."""
        import pandas as pd

        return pd.DataFrame({
            "query": self.queries, "vote": self.vote, "share": self.share, "quantile": self.quantile,
            "far": self.far, "nearest": self.ids[:, 0], "distance": self.distances[:, 0],
        })

    def to_frame(self) -> pd.DataFrame:
        """Return one row a neighbour: ``query``, ``rank`` (from 1), ``id``, ``label``, ``distance``, ``weight``.

        The columns of the metadata follow; one that has the name of a column before it is called ``kin_…``.
        """
        import pandas as pd

        m, k = self.rows.shape
        answered = np.repeat(self.rows[:, 0] >= 0, k) if k else np.empty(0, dtype=bool)
        made = pd.DataFrame({
            "query": np.repeat(self.queries, k), "rank": np.tile(np.arange(1, k + 1), m), "id": self.ids.ravel(),
            "label": self.labels.ravel(), "distance": self.distances.ravel(), "weight": self.weights.ravel(),
        })[answered].reset_index(drop=True)
        about = self.metadata.iloc[self.rows.ravel()[answered]].reset_index(drop=True)
        if "id" in about and about["id"].astype(str).tolist() == made["id"].tolist():
            about = about.drop(columns="id")
        about = about.rename(columns={name: f"kin_{name}" for name in about if name in made})
        joined: pd.DataFrame = pd.concat([made, about], axis=1)
        return joined

    def __repr__(self) -> str:
        left = f"; {len(self.skipped)} without an answer" if self.skipped else ""
        return (f"Kin: {self.k} of each of {len(self)} queries, {int(self.far.sum())} far from everything known "
                f"(d{self.k} > {self.threshold:.4g}, the {self.at:.0%} quantile of the base){left}")

    def _repr_html_(self) -> str:
        shown = self.table.head(SHOWN).to_html(index=False, float_format=lambda value: f"{value:.3g}")
        return f"<p>{escape(repr(self))}</p>{shown}"


def _plain(column: pd.Series[Any]) -> NDArray[Any]:
    """Return a column as an array; of integers with blanks numpy would make floats, which lose digits of long ids."""
    if isinstance(column.dtype, np.dtype):
        return column.to_numpy()
    made: NDArray[Any] = column.astype(object).to_numpy(copy=True)
    made[column.isna().to_numpy()] = None
    return made
