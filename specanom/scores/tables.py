"""Scores as tables: several scores of one sample, and which objects they agree on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, choice, message
from ..ordering import order, ranks
from .calibrate import CalibratedScorer
from .evaluate import Evaluated, evaluate
from .rows import BLOCK, places

if TYPE_CHECKING:
    import pandas as pd


def table(
    scorers: Mapping[str, Evaluated] | Sequence[Evaluated],
    sample: Any,
    *,
    percentiles: bool = False,
    block_size: int = BLOCK,
    executor: Any = None,
) -> pd.DataFrame:
    """Return the scores of a sample by several scorers, each block reconstructed once per model.

    Parameters
    ----------
    scorers : mapping or sequence
        Raw, calibrated, combined or latent scorers; a mapping names the columns, otherwise the scorers do. A
        calibrated scorer beside its raw one costs nothing more.
    sample : SpectrumSet or sequence of Spectrum
        What to score.
    percentiles : bool
        Whether calibrated scorers get a second column, ``NAME_pct``: the percentage of their reference sample that is
        less odd.
    block_size : int
        Rows at once.
    executor : optional
        See :func:`specanom.parallel.map_blocks`.

    Returns
    -------
    DataFrame
        ``id`` and one float64 column a scorer, one row a spectrum, in the order of the sample. ``attrs`` names the
        score columns (``"scores"``), those in which NaN ranks first (``"nan_first"``, published behaviour), and the
        ids without a score by column (``"unscored"``), for columns that have any.
    """
    import pandas as pd

    named = _named(scorers)
    ids = places(sample)[0]
    columns = evaluate(list(named.values()), sample, block_size=block_size, executor=executor)
    made = pd.DataFrame({"id": ids, **dict(zip(named, columns, strict=True))})
    for name, one in named.items():
        if percentiles and isinstance(one, CalibratedScorer):
            made[f"{name}_pct"] = one.percentile_of(made[name])
    missing = {name: [ids[row] for row in np.flatnonzero(np.isnan(made[name]))] for name in named}
    made.attrs["scores"] = list(named)
    made.attrs["unscored"] = {name: rows for name, rows in missing.items() if rows}
    made.attrs["nan_first"] = [name for name, one in named.items() if getattr(one, "nan", "last") == "first"]
    return made


def _named(scorers: Mapping[str, Evaluated] | Sequence[Evaluated]) -> dict[str, Evaluated]:
    pairs = list(scorers.items()) if isinstance(scorers, Mapping) else [(one.name, one) for one in scorers]
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1 or name == "id"})
    if twice or not names:
        raise ArgumentError(message("scorers", expected="scorers of different names, none called 'id'",
                                    got=f"{twice or 'none'}", hint="give a dictionary name → scorer"))
    return dict(pairs)


def score_columns(table: pd.DataFrame, columns: Sequence[str] | None = None) -> list[str]:
    """Return which columns of a table are scores: those given, those :func:`table` noted, or all the float ones."""
    if columns is None:
        columns = [name for name in table.attrs.get("scores", ()) if name in table] or [
            name for name in table.columns if name != "id" and table[name].dtype.kind == "f"
        ]
    for name in columns:
        choice("columns", name, list(table.columns))
    if not columns:
        raise ArgumentError(message("table", expected="at least one column of scores", got="none"))
    return list(columns)


def rank_table(table: pd.DataFrame, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return ``id`` and one column ``NAME_rank`` a score: 1 the oddest, NaN last, ties by id."""
    import pandas as pd

    first = table.attrs.get("nan_first", ())
    ids = list(table["id"])
    made = {f"{name}_rank": ranks(table[name], ids, nan="first" if name in first else "last")
            for name in score_columns(table, columns)}
    return pd.DataFrame({"id": ids, **made})


def top(table: pd.DataFrame, k: int, columns: Sequence[str] | None = None) -> dict[str, list[str]]:
    """Return the ids of the `k` oddest objects by each score, the oddest first.

    A spectrum without a score is in no top list, unless the table says that NaN ranks first, as published.
    """
    if k < 1:
        raise ArgumentError(message("k", expected="at least 1", got=k, hint="100"))
    first, ids = table.attrs.get("nan_first", ()), table["id"].to_numpy(dtype=object)
    made = {}
    for name in score_columns(table, columns):
        values = table[name].to_numpy(dtype=np.float64)
        rows = _candidates(values, k, nan_first=name in first)
        found = order(values[rows], ids[rows], nan="first" if name in first else "last")[:k]
        made[name] = list(ids[rows[found]])
    return made


def _candidates(values: NDArray[np.float64], k: int, *, nan_first: bool) -> NDArray[np.intp]:
    """Return the rows among which the `k` oddest are, equal ones included, so that few ids need to be sorted."""
    missing = np.isnan(values)
    known = values[~missing]
    edge = -np.inf if known.size <= k else np.partition(known, known.size - k)[known.size - k]
    return np.flatnonzero((values >= edge) | (missing & nan_first))


def overlap(table: pd.DataFrame, k: int, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return which objects the top-`k` lists of several scores share.

    Parameters
    ----------
    table : DataFrame
        As made by :func:`table`.
    k : int
        Length of each list; the paper compares 100 and 1000.
    columns : sequence of str, optional
        Which scores; all when not given.

    Returns
    -------
    DataFrame
        One row a combination of scores, the largest first: ``scores`` (their names joined by " & "), one bool
        column a score, ``degree`` (how many scores), ``exclusive`` (objects in exactly these lists, which an
        UpSet figure draws), ``shared`` (objects in at least these lists) and ``share`` = shared/k. There are rows
        for every combination with exclusive objects, for each score, each pair and for all of them together;
        ``attrs["common"]`` is the share common to all.
    """
    import pandas as pd

    lists = top(table, k, columns)
    names = list(lists)
    inside = _membership(lists)
    patterns = {tuple(row) for row in inside.tolist()}
    patterns |= {_pattern(names, chosen) for size in {1, 2, len(names)} for chosen in combinations(names, size)}
    rows = [_combination(names, np.array(pattern), inside, k) for pattern in patterns]
    made = pd.DataFrame(rows).sort_values(["exclusive", "degree", "scores"], ascending=[False, True, True])
    made = made.reset_index(drop=True)
    made.attrs.update(k=k, common=float(made.loc[made["degree"] == len(names), "share"].iloc[0]))
    return made


def _membership(lists: Mapping[str, list[str]]) -> NDArray[np.bool_]:
    """One row an object that is in any list, one column a list."""
    sets = [set(ids) for ids in lists.values()]
    everyone = sorted(set().union(*sets))
    return np.array([[id in one for one in sets] for id in everyone], dtype=bool).reshape(len(everyone), len(sets))


def _pattern(names: Sequence[str], chosen: Sequence[str]) -> tuple[bool, ...]:
    return tuple(name in chosen for name in names)


def _combination(names: list[str], pattern: NDArray[np.bool_], inside: NDArray[np.bool_], k: int) -> dict[str, Any]:
    exclusive = int((inside == pattern).all(axis=1).sum())
    shared = int(inside[:, pattern].all(axis=1).sum())
    flags = {name: bool(flag) for name, flag in zip(names, pattern, strict=True)}
    text = " & ".join(name for name, flag in flags.items() if flag)
    return {"scores": text, **flags, "degree": int(pattern.sum()), "exclusive": exclusive, "shared": shared,
            "share": shared / k}


def pairwise(table: pd.DataFrame, k: int, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return the share of the top `k` that each pair of scores has in common, a symmetric table."""
    import pandas as pd

    lists = {name: set(ids) for name, ids in top(table, k, columns).items()}
    shares = [[len(a & b) / k for b in lists.values()] for a in lists.values()]
    return pd.DataFrame(shares, index=pd.Index(list(lists)), columns=pd.Index(list(lists)))
