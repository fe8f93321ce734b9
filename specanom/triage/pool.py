"""What can be asked about: spectra with a vector each, by which they are alike, and a score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, DataError, ShapeError, message
from .columns import ids_of, numbers_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Pool:
    """Spectra among which an inspector is led.

    Parameters
    ----------
    ids : (n,) sequence of str
        Each once.
    vectors : (n, d) array
        By which spectra are alike: weights of explanations ("odd for the same reason"), latents, any features.
    score : (n,) array
        How odd, higher is odder.
    table : DataFrame, optional
        More columns, one row a spectrum, in the same order.

    Attributes
    ----------
    left_out : tuple of str
        Ids whose score or vector is not finite; they are in none of the arrays.

    Raises
    ------
    ArgumentError, DataError, ShapeError
        When lengths differ, ids are no texts or there twice, or nothing is left.
    """

    ids: tuple[str, ...]
    vectors: NDArray[np.float64]
    score: NDArray[np.float64]
    table: pd.DataFrame | None = None
    left_out: tuple[str, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        ids = tuple(self.ids)
        vectors, score = np.asarray(self.vectors, dtype=np.float64), np.asarray(self.score, dtype=np.float64)
        n = len(ids)
        if vectors.ndim != 2 or score.shape != (n,) or len(vectors) != n:
            raise ShapeError(message("ids, vectors, score", expected="(n,), (n, d) and (n,)",
                                     got=f"{n}, {vectors.shape} and {score.shape}"))
        if self.table is not None and len(self.table) != n:
            raise ShapeError(message("table", expected=f"{n} rows", got=len(self.table)))
        if not all(isinstance(one, str) and one for one in ids) or len(set(ids)) < n:
            raise DataError(message("ids", expected="texts, each once", got="others, or one twice"))
        good = np.isfinite(score) & np.isfinite(vectors).all(axis=1)
        if not good.any():
            raise DataError(message("vectors, score", expected="at least one spectrum with finite values", got="none"))
        set_ = object.__setattr__
        set_(self, "left_out", tuple(one for one, fine in zip(ids, good, strict=True) if not fine))
        set_(self, "ids", tuple(one for one, fine in zip(ids, good, strict=True) if fine))
        for name, array in (("vectors", vectors[good]), ("score", score[good])):
            array.setflags(write=False)
            set_(self, name, array)
        if self.table is not None:
            set_(self, "table", self.table.loc[good].reset_index(drop=True))

    @classmethod
    def of(cls, table: pd.DataFrame, vectors: ArrayLike, *, score: str) -> Pool:
        """Make it from a table with ``id`` and a column of scores, and vectors in the order of its rows."""
        return cls(tuple(ids_of(table)), np.asarray(vectors, dtype=np.float64), numbers_of(table, score, "score"),
                   table)

    def row(self, id: str) -> int:
        """Return the row of an id.

        Raises
        ------
        ArgumentError
            When it is foreign to the pool.
        """
        try:
            return self._rows[id]
        except KeyError:
            why = "its score or vector is not finite" if id in self.left_out else "not in the pool"
            raise ArgumentError(message("id", expected="an id of the pool", got=f"{id!r} ({why})")) from None

    def about(self, id: str) -> dict[str, Any]:
        """Return what is known of an id: ``id``, ``score`` and the columns of the table."""
        row = self.row(id)
        more = {} if self.table is None else {str(k): v for k, v in self.table.iloc[row].to_dict().items()}
        return {**more, "id": id, "score": float(self.score[row])}

    @property
    def _rows(self) -> dict[str, int]:
        found = self.__dict__.get("_index")
        if found is None:
            found = {one: row for row, one in enumerate(self.ids)}
            object.__setattr__(self, "_index", found)
        return found

    def __contains__(self, id: object) -> bool:
        return id in self._rows

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        left = f"; {len(self.left_out)} left out (score or vector not finite)" if self.left_out else ""
        return f"Pool: {len(self)} spectra, vectors of {self.vectors.shape[1]}{left}"
