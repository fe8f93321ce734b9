"""A table of scores that was given: its rows in the order of the sample, and what its columns are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from specanom.errors import ArgumentError, DataError, message

if TYPE_CHECKING:
    import pandas as pd

PLACES = ("z", "snr", "bin", "plate", "mjd", "fiber", "ra", "dec")
"""Columns of a given table that say where a spectrum is and not how odd."""
FRACTIONS = ("z", "snr", "ra", "dec")
"""Those of them that are no whole numbers."""


def align(table: pd.DataFrame, ids: Sequence[str]) -> pd.DataFrame:
    """Return the rows of `table` in the order of `ids`; an id that occurs twice is matched in order of occurrence.

    Raises
    ------
    ArgumentError
        When it has no column ``id``.
    DataError
        When it has none of the ids.
    """
    import pandas as pd

    if "id" not in table:
        raise ArgumentError(message("scores", expected="a column 'id'", got=f"columns {list(table.columns)[:6]}",
                                    hint="sa.scores.table(scorers, sample)"))
    theirs = table["id"].astype(str)
    if len(table) == len(ids) and (theirs.to_numpy(dtype=object) == np.asarray(ids, dtype=object)).all():
        return table.reset_index(drop=True)
    mine = pd.Series(list(ids), dtype=object)
    there = pd.MultiIndex.from_arrays([theirs, theirs.groupby(theirs, sort=False).cumcount()])
    here = pd.MultiIndex.from_arrays([mine, mine.groupby(mine, sort=False).cumcount()])
    rows = there.get_indexer(here)
    if len(rows) and (rows < 0).all():
        raise DataError(message("scores", expected="ids of the sample", got=f"others, first {theirs.iloc[0]!r}"
                                if len(theirs) else "no rows", hint="the scores of this very sample"))
    found = table.iloc[np.maximum(rows, 0)].reset_index(drop=True)
    return found.where(pd.Series(rows >= 0), other=np.nan).assign(id=list(ids))


def score_names(table: pd.DataFrame) -> list[str]:
    """Return which columns of a table hold scores."""
    skipped = ("id", "median", "missing", "percentile", "ebv", *PLACES)
    return [str(name) for name in table.columns if name not in skipped and table[name].dtype.kind == "f"
            and not str(name).endswith(("_rank", "_pct", "_percentile")) and not str(name).startswith("latent_")]


def places_of(table: pd.DataFrame, given: pd.DataFrame | None) -> pd.DataFrame:
    """Return where each spectrum is, from the sample or else from the table of scores."""
    import pandas as pd

    # As objects: what is asked for again and again is Python's own text.
    made: dict[str, Any] = {"id": pd.Series(table["id"].astype(str).to_numpy(dtype=object), dtype=object)}
    for name in PLACES:
        source = table if name in table else given if given is not None and name in given else None
        if source is not None:
            column = pd.to_numeric(source[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
            whole = name not in FRACTIONS and bool(np.isfinite(column).all())
            made[name] = column.astype(np.int64) if whole else column
    return pd.DataFrame(made)
