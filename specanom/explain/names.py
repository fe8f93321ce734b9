"""Names of segments for many spectra: a number for each, and each distinct name once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ..store import StoredRows

NONE = -1  # beyond a row's own number of segments


class Names(Sequence[tuple[str, ...]]):
    """A tuple of names for each row, kept as ``(n, K)`` numbers into a list of distinct names.

    A hundred thousand spectra of 77 segments share some thousand names, of which 31 MB of numbers remain.

    Parameters
    ----------
    codes : (n, K) int32 array or StoredRows
        −1 beyond a row's own number of segments.
    vocabulary : sequence of str
    """

    def __init__(self, codes: NDArray[np.int32] | StoredRows, vocabulary: Sequence[str]) -> None:
        self.codes, self.vocabulary = codes, vocabulary

    @classmethod
    def of(cls, rows: Sequence[Sequence[str]]) -> Names:
        """Number the names of some rows, in the order in which they appear."""
        if isinstance(rows, Names):
            return rows
        known: dict[str, int] = {}
        numbered = [[known.setdefault(str(name), len(known)) for name in row] for row in rows]
        codes = np.full((len(rows), max(map(len, numbered), default=0)), NONE, dtype=np.int32)
        for target, row in zip(codes, numbered, strict=True):
            target[: len(row)] = row
        return cls(codes, list(known))

    def coded(self, known: dict[str, int]) -> NDArray[np.int32]:
        """Return the codes by another vocabulary, to which names new to it are added."""
        table = [known.setdefault(name, len(known)) for name in self.vocabulary]
        codes: NDArray[np.int32] = np.asarray([*table, NONE], dtype=np.int32)[np.asarray(self.codes)]
        return codes

    def at(self, columns: NDArray[np.intp]) -> list[str]:
        """Return one name a row, that of the segment given for it."""
        return [self.vocabulary[code] for code in np.asarray(self.codes)[np.arange(len(self)), columns]]

    def __len__(self) -> int:
        return int(self.codes.shape[0])

    @overload
    def __getitem__(self, key: int) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, key: Any) -> Any: ...
    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, (int, np.integer)):
            i = range(len(self))[int(key)]
            return self._decoded(np.asarray(self.codes[i : i + 1])[0])
        return Names(self.codes[key], self.vocabulary)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return (self._decoded(row) for row in np.asarray(self.codes))

    def _decoded(self, row: NDArray[np.int32]) -> tuple[str, ...]:
        return tuple(self.vocabulary[code] for code in row if code != NONE)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(other) != len(self):
            return NotImplemented if not isinstance(other, Sequence) else False
        return all(mine == tuple(theirs) for mine, theirs in zip(self, other, strict=True))

    def __repr__(self) -> str:
        return f"Names of {len(self)} rows, {len(self.vocabulary)} distinct"
