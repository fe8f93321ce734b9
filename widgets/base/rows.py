"""The rows behind a table: its columns by name, and which rows are shown in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from specanom.errors import ArgumentError, DataError, choice, message
from specanom.plots.cells import values_of

from .expressions import contains, is_expression, matching
from .ordering import sorted_rows, sorted_texts


class Rows:
    """Rows that are told apart by a key, sorted and filtered.

    Parameters
    ----------
    table : DataFrame
    key : str
        The column that tells rows apart.
    first : sequence of str
        Columns that come first after the key.

    Attributes
    ----------
    frame : DataFrame
        The table, with the columns set since.
    data : dict of Series
        Its columns as numbers, booleans and texts, the key first.
    keys : (n,) object array
        The key of each row.
    order : (m,) int32 array
        The rows shown, in their order.

    Raises
    ------
    DataError
        When two rows have one key.
    """

    def __init__(self, table: pd.DataFrame, key: str, first: Sequence[str]) -> None:
        choice("key", key, list(table.columns))
        for name in first:
            choice("columns", name, list(table.columns))
        self.keys: NDArray[Any] = np.array([str(one) for one in table[key].tolist()], dtype=object)
        twice = pd.Series(self.keys, dtype=object).duplicated().to_numpy()
        if twice.any():
            same = self.keys[twice][0]
            raise DataError(message("table", expected=f"a different {key!r} in each row",
                                    got=f"{same!r} {np.count_nonzero(self.keys == same)} times",
                                    hint=f"table.drop_duplicates({key!r})"))
        self.key = key
        self.frame = table.reset_index(drop=True)
        names = dict.fromkeys([*first, *table.columns])
        self.data: dict[str, pd.Series[Any]] = {key: pd.Series(self.keys, dtype=object)}
        for name in names:
            if name != key:
                self.data[str(name)] = values_of(str(name), table[name], len(self.keys))
        self.order: NDArray[np.int32] = np.arange(len(self.keys), dtype=np.int32)
        self._places: dict[str, int] | None = None
        self._sorted: NDArray[np.int32] | None = None
        self._by_key: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def number(self, key: str) -> int:
        """Return which row has a key; −1 when none has."""
        if self._places is None:
            self._places = {one: row for row, one in enumerate(self.keys.tolist())}
        return self._places.get(key, -1)

    def position(self, key: str) -> int:
        """Return where a key stands among the rows shown; −1 when it does not."""
        row = self.number(key)
        found = np.flatnonzero(self.order == row)
        return int(found[0]) if row >= 0 and found.size else -1

    def as_shown(self, rows: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return some rows in the order shown, those that are not shown last."""
        place = np.full(len(self), len(self), dtype=np.int64)
        place[self.order] = np.arange(len(self.order))
        return rows[np.argsort(place[rows], kind="stable")]

    def set_column(self, name: str, values: Any) -> None:
        """Replace or add a column; the order stays until :meth:`arrange`."""
        if name == self.key:
            raise ArgumentError(message("name", expected="a column other than the key", got=repr(name),
                                        hint="set_table(...)"))
        self.data[name] = values_of(name, values, len(self))
        self.frame = self.frame.assign(**{name: self.data[name].to_numpy()})

    def arrange(self, sort: Sequence[str], text: str, *, resort: bool) -> str:
        """Sort and filter anew; returns what is wrong with the filter.

        A filter that cannot be read leaves the rows as they were, in the order asked for.

        Parameters
        ----------
        sort : sequence of str
            Column and direction; empty for the order of the table.
        text : str
            The filter; empty for all rows.
        resort : bool
            Whether the column or the direction has changed since the last time.
        """
        if resort or self._sorted is None:
            self._sorted = self._sort(sort)
        error = ""
        try:
            keep = self._kept(text.strip())
        except ArgumentError as exc:
            error = str(exc).removeprefix("filter: ")
            keep = np.zeros(len(self), dtype=bool)
            keep[self.order] = True
        self.order = self._sorted[keep[self._sorted]]
        return error

    def _sort(self, sort: Sequence[str]) -> NDArray[np.int32]:
        if not sort:
            return np.arange(len(self), dtype=np.int32)
        if self._by_key is None:
            self._by_key = sorted_texts(self.keys)
        name, direction = sort
        if name == self.key:
            return self._by_key if direction == "ascending" else self._by_key[::-1]
        return sorted_rows(self.data[name].to_numpy(), self._by_key, descending=direction == "descending")

    def _kept(self, text: str) -> NDArray[np.bool_]:
        if not text:
            return np.ones(len(self), dtype=bool)
        if not is_expression(text):
            return contains(self.keys, text)
        try:
            return matching(text, {name: column.to_numpy() for name, column in self.data.items()})
        except ArgumentError:
            found = contains(self.keys, text)  # ids may look like anything
            if found.any():
                return found
            raise
