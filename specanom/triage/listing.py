"""Which spectra somebody should look at, in which order and why: settings that turn a table of scores into a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, choice, message
from ..ordering import ranks
from .columns import ids_of, numbers_of
from .conditions import Condition, read_conditions
from .label import Label
from .labels import LabelLog
from .verdicts import Verdict, verdicts
from .worklist import WorkList

if TYPE_CHECKING:
    import pandas as pd

COMBINE = ("best", "mean", "any", "forest")
FOREST = "isolation_forest"
"""Column of the isolation forest over the scores."""


@dataclass(frozen=True)
class Listing:
    """Makes a work list from columns of scores; higher is odder in each.

    Parameters
    ----------
    by : str or sequence of str
        Columns of scores.
    top : int, optional
        How many to list; None for all that pass. With ``combine="any"``: how far down each column.
    combine : {"best", "mean", "any", "forest"}
        Order by the best rank in any of the columns, by the mean of the ranks, the union of the `top` of every column
        (in order of the best rank), or by an isolation forest over the columns. Ranks are those of the whole table, so
        that "rank 3" is the same here and there.
    above : mapping, optional
        Thresholds, column → value: only what reaches at least one of them is listed.
    keep, exclude : mapping, optional
        Conditions on columns, see :mod:`specanom.triage.conditions`: a spectrum must fulfil all of `keep`, and one of
        `exclude` is enough to leave it out, e.g. ``{"BAL_PROB": "> 0.5", "class": {"STAR"}}``.
    artefact : float, optional
        Spectra whose probability of an artefact (column ``"artefact"``) is above it are left out; where it is not
        known they stay, and are counted.
    relist : bool
        Whether spectra with a word in the labels are listed again.
    seed : int
        Of the isolation forest.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"id": list("abcd"), "score": [1.0, 4.0, 3.0, 2.0], "class": ["GALAXY"] * 3 + ["STAR"]})
    >>> Listing("score", top=2, exclude={"class": {"STAR"}})(table)
    WorkList: 2 of 4 by score (best); left out: 1 beyond the first 2, 1 class in {STAR}
    """

    by: str | tuple[str, ...]
    top: int | None = 100
    combine: str = "best"
    above: Mapping[str, float] = field(default_factory=dict)
    keep: Mapping[str, Any] = field(default_factory=dict)
    exclude: Mapping[str, Any] = field(default_factory=dict)
    artefact: float | None = None
    relist: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        names = (self.by,) if isinstance(self.by, str) else tuple(self.by)
        object.__setattr__(self, "by", names)
        if not names or len(set(names)) < len(names):
            raise ArgumentError(message("by", expected="one or more different columns", got=f"{self.by!r}"))
        choice("combine", self.combine, COMBINE)
        if self.top is not None and (not isinstance(self.top, int) or self.top < 1):
            raise ArgumentError(message("top", expected="at least 1, or None for all", got=self.top))
        if self.combine == "any" and self.top is None:
            raise ArgumentError(message("top", expected="how far down each column with combine='any'", got=None))
        if self.artefact is not None and not 0 <= self.artefact <= 1:
            raise ArgumentError(message("artefact", expected="a probability 0–1", got=self.artefact, hint="0.9"))
        _ = self._above, read_conditions(self.keep), read_conditions(self.exclude)  # raise now, not when it is used

    @property
    def _above(self) -> tuple[Condition, ...]:
        return tuple(Condition(column, ">=", value) for column, value in self.above.items())

    def __call__(self, table: pd.DataFrame, labels: LabelLog | Iterable[Label] = (), /) -> WorkList:
        """Return the work list.

        Parameters
        ----------
        table : DataFrame
            One row a spectrum: ``id`` (text, each once), the columns of scores, and those that conditions ask for.
        labels : LabelLog or iterable of Label, optional
            What was said before; objects with a verdict, also a disputed one, are left out
            (:mod:`specanom.triage.verdicts`). Verdicts on ids that the table lacks are counted as foreign.

        Raises
        ------
        ArgumentError
            When a column is missing or no number, or a condition does not fit its column.
        DataError
            When ids are no texts, or one is there twice.
        """
        said = verdicts(labels)
        score, values = self._order(table)
        return self._listed(table, values, self._reasons(table, score, said), order=score,
                            foreign=len(set(said) - set(table["id"])))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of scores."""
        return (self.by,) if isinstance(self.by, str) else self.by

    def _order(self, table: pd.DataFrame) -> tuple[NDArray[np.float64], pd.DataFrame]:
        """Return what the list is ordered by, small first, and the scores with their ranks."""
        ids, columns = ids_of(table), {name: numbers_of(table, name, "by") for name in self.names}
        values = table[["id", *self.names]].copy()
        if self.combine == "forest":
            columns[FOREST] = values[FOREST] = forest(np.column_stack([*columns.values()]), seed=self.seed)
        for name, found in columns.items():
            values[f"{name}_rank"] = np.where(np.isnan(found), np.nan, ranks(found, ids))
        if self.combine == "forest":
            return values[f"{FOREST}_rank"].to_numpy(), values
        each = values[[f"{name}_rank" for name in self.names]]
        combined = each.mean(axis=1) if self.combine == "mean" else each.min(axis=1)
        return combined.to_numpy(dtype=np.float64), values

    def _reasons(self, table: pd.DataFrame, score: NDArray[np.float64], said: Mapping[str, Verdict]) -> NDArray[Any]:
        """Return why each row is left out, the first reason that holds; empty where none does."""
        reason = np.full(len(table), "", dtype=object)

        def leave(rows: Any, why: Any) -> None:
            reason[(reason == "") & rows] = why

        leave(np.isnan(score), "no score")
        for one in read_conditions(self.exclude):
            leave(one.holds(table), repr(one))
        for one in read_conditions(self.keep):
            leave(~one.holds(table), f"not {one}")
        if self.above:
            leave(~np.any([one.holds(table) for one in self._above], axis=0), "below the thresholds")
        if self.artefact is not None:
            leave(Condition("artefact", ">", self.artefact).holds(table), f"artefact > {self.artefact:g}")
        if not self.relist:
            for word in sorted({one.told for one in said.values()}):
                leave(table["id"].isin([id for id, one in said.items() if one.told == word]).to_numpy(),
                      f"labelled {word}")
        if self.combine == "any":
            leave(score > (self.top or 0), f"beyond the first {self.top} of every score")
        return reason

    def _listed(self, table: pd.DataFrame, values: pd.DataFrame, reason: NDArray[Any], *,
                order: NDArray[np.float64], foreign: int) -> WorkList:
        """List what there is no reason to leave out, in order, cut to the first `top`."""
        rows = np.flatnonzero(reason == "")
        rows = rows[np.lexsort((table["id"].to_numpy(dtype=str)[rows], order[rows]))]
        if self.top is not None and self.combine != "any":
            reason[rows[self.top:]] = f"beyond the first {self.top}"
            rows = rows[: self.top]
        listed = values.iloc[rows].reset_index(drop=True)
        listed.insert(1, "position", np.arange(1, len(rows) + 1))
        listed.insert(2, "why", [self._why(row) for row in listed.to_dict("records")])
        if self.artefact is not None:
            listed["artefact"] = table["artefact"].to_numpy(dtype=np.float64)[rows]
        out = np.flatnonzero(reason != "")
        left = table[["id"]].iloc[out].reset_index(drop=True).assign(reason=reason[out])
        return WorkList(listed, left, self.describe(), foreign)

    def _why(self, row: Mapping[Any, Any]) -> str:
        """Return the ranks that brought a spectrum here, the best first, and the thresholds it reaches."""
        names = (FOREST,) if self.combine == "forest" else self.names
        places = sorted((row[f"{name}_rank"], name) for name in names if row[f"{name}_rank"] == row[f"{name}_rank"])
        shown = places if self.combine == "mean" else [
            (place, name) for place, name in places if place == places[0][0] or (
                self.combine == "any" and place <= (self.top or 0))]
        told = [f"rank {place:.0f} in {name}" for place, name in shown]
        told += [f"{one.column} ≥ {one.value:g}" for one in self._above
                 if one.column in row and row[one.column] >= one.value]
        return ", ".join(told)

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain values for JSON."""
        return {"by": list(self.names), "top": self.top, "combine": self.combine,
                "above": {name: float(value) for name, value in self.above.items()},
                "keep": [repr(one) for one in read_conditions(self.keep)],
                "exclude": [repr(one) for one in read_conditions(self.exclude)], "artefact": self.artefact,
                "relist": self.relist, "seed": self.seed}


def forest(values: NDArray[np.float64], *, seed: int = 0, trees: int = 300) -> NDArray[np.float64]:
    """Return how isolated each row of scores is among the others, (n,), higher is odder; NaN for a row without scores.

    An isolation forest (Liu, Ting & Zhou 2008) over the columns, each in units of its scatter above the median. Low
    scores are nothing odd, so that what is below the median counts as the median; so does a score that is missing.

    Parameters
    ----------
    values : (n, k) array
        Scores.
    seed : int
        Of the trees.
    trees : int
        How many.
    """
    from sklearn.ensemble import IsolationForest

    known = np.isfinite(values)
    some = known.any(axis=1)
    result = np.full(len(values), np.nan)
    if some.sum() < 2:
        return result
    part = np.where(known, values, np.nan)[some]
    part = part[:, np.isfinite(part).any(axis=0)]
    middle = np.nanmedian(part, axis=0)
    scatter = np.nanmedian(np.abs(part - middle), axis=0)
    high = np.maximum(np.nan_to_num(part - middle, nan=0.0), 0.0) / np.where(scatter > 0, scatter, 1.0)
    model = IsolationForest(n_estimators=trees, random_state=seed).fit(high)
    result[some] = -model.score_samples(high)
    return result

