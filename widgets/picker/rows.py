"""The rows of the ranked table: keys, scores, ranks and marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from specanom.plots.counting import Doubles
from specanom.scores import ranks

if TYPE_CHECKING:
    import pandas as pd

FORMATS = {"z": ".4f", "snr": ".1f", "rank": ",d"}
RANK = "_rank"


def keys_of(ids: Sequence[str]) -> list[str]:
    """Return a key for each row: the id, with a number from its second occurrence on; none is empty.

    Examples
    --------
    >>> keys_of(["a", "b", "a", ""])
    ['a', 'b', 'a #2', '#4']
    """
    if len(set(ids)) == len(ids) and "" not in ids:
        return list(ids)
    taken, seen = set(ids) - {""}, Counter[str]()
    made = []
    for row, id in enumerate(ids):
        seen[id] += 1
        key = id
        if seen[id] > 1 or not id:
            number = seen[id] if id else row + 1
            while (key := f"{id} #{number}".strip()) in taken:
                number += 1
            taken.add(key)
        made.append(key)
    return made


class RankedRows:
    """What the ranked table holds, in the order of the sample.

    Parameters
    ----------
    places : DataFrame
        ``id`` and, as far as known, ``z``, ``snr``, ``bin``.
    """

    def __init__(self, places: pd.DataFrame) -> None:
        self.ids = list(places["id"])
        self.keys = keys_of(self.ids)
        self._names = np.asarray(self.ids, dtype=str)  # sorted again and again
        self._places = places[[name for name in ("z", "snr", "bin") if name in places]]
        self._ranks: dict[str, tuple[Doubles, Any]] = {}
        self._rows = {key: row for row, key in enumerate(self.keys)}

    def row(self, key: str) -> int:
        """Return the row of a key, −1 when there is none. The first of equal ids has the id itself as its key."""
        return self._rows.get(key, -1)

    def ranks_of(self, name: str, values: Doubles, *, nan: str = "last") -> Any:
        """Return the ranks of a score, computed once as long as its values are the same."""
        kept = self._ranks.get(name)
        if kept is None or kept[0] is not values:
            kept = self._ranks[name] = values, ranks(values, self._names, nan=nan)
        return kept[1]

    def frame(self, score: Doubles, rank: Any, others: Mapping[str, Any], marks: Mapping[str, Any]) -> pd.DataFrame:
        """Return the table.

        Parameters
        ----------
        score, rank : (n,) arrays
            The score in force.
        others : mapping
            Name → ranks by other scores.
        marks : mapping
            Id → Label.
        """
        import pandas as pd

        made: dict[str, Any] = {"id": pd.Series(self.keys, dtype=object), "rank": rank, "score": score}
        made |= {str(name): self._places[name].to_numpy() for name in self._places if name != "bin"}
        label, note = (pd.Series(self.words(marks, of), dtype=object) for of in ("label", "note"))
        made |= {"mark": label}
        made |= {name + RANK: values for name, values in others.items()}
        made |= {"bin": self._places["bin"].to_numpy()} if "bin" in self._places else {}
        return pd.DataFrame(made | {"note": note})

    def words(self, marks: Mapping[str, Any], of: str = "label") -> Any:
        """Return what is said of each row, empty where nothing is."""
        made = np.full(len(self.ids), "", dtype=object)
        if marks:
            for row, id in enumerate(self.ids):
                if id in marks:
                    made[row] = getattr(marks[id], of)
        return made

    def marked(self, marks: Mapping[str, Any]) -> dict[int, str]:
        """Return the word of each marked row."""
        words = self.words(marks)
        return {int(row): str(words[row]) for row in np.flatnonzero(words != "")}


def headings(frame: pd.DataFrame) -> dict[str, str]:
    """Return the columns shown at first and their headings, which are their names: that is what a filter asks for."""
    return {str(name): str(name) for name in frame.columns if name != "bin"}


def formats(frame: pd.DataFrame) -> dict[str, str]:
    """Return how numbers are written."""
    names = [str(name) for name in frame.columns]
    return {name: FORMATS.get(name, ",d") for name in names if name in FORMATS or name.endswith(RANK)}
