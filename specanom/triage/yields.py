"""How much of what a ranking shows first is worth it: the yield curve."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, message
from ..face import opener
from ..rates import wilson

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class YieldCurve:
    """Interesting spectra among the first n of a ranking, for every n.

    Attributes
    ----------
    hits : (N,) bool array
        For each place of the ranking, whether an interesting spectrum stands there.
    ids : tuple of str
        The ranking.
    interesting : int
        How many interesting spectra there are, those that the ranking lacks included.
    missing : int
        Those that the ranking lacks: left out of it, or foreign.
    total : int
        Spectra that could have been ranked; what `chance` refers to.
    """

    hits: NDArray[np.bool_]
    ids: tuple[str, ...]
    interesting: int
    missing: int
    total: int

    @property
    def found(self) -> NDArray[np.int64]:
        """Interesting ones among the first n, shape ``(N,)``, for n = 1 … N."""
        return np.cumsum(self.hits, dtype=np.int64)

    @property
    def table(self) -> pd.DataFrame:
        """One row for each n: ``n``, ``found``, ``share`` of n with ``low`` and ``high`` (95 %, Wilson), ``recall``."""
        import pandas as pd

        n = np.arange(1, len(self.hits) + 1)
        low, high = wilson(self.found, n)
        recall = self.found / self.interesting if self.interesting else np.full(len(n), np.nan)
        return pd.DataFrame({"n": n, "found": self.found, "share": self.found / n, "low": low, "high": high,
                             "recall": recall})

    def at(self, n: int) -> pd.Series:
        """Return the row of the table for the first n; a ranking that is shorter counts whole."""
        if n < 1:
            raise ArgumentError(message("n", expected="at least 1", got=n))
        if not len(self.hits):
            raise DataError(message("ranking", expected="at least one spectrum", got="none"))
        return self.table.iloc[min(n, len(self.hits)) - 1]

    def area(self, n: int | None = None) -> float:
        """Return the area under the curve up to n (the length of the ranking when not given), as a share of the best.

        1 when all interesting spectra come first, about the share of interesting ones by chance, NaN when there are
        none. A ranking shorter than n finds nothing more.
        """
        last = len(self.hits) if n is None else n
        best = np.minimum(np.arange(1, last + 1), self.interesting).sum()
        found = self.found[:last]
        rest = (last - len(found)) * (int(found[-1]) if len(found) else 0)
        return float((found.sum() + rest) / best) if best else float("nan")

    @property
    def chance(self) -> float:
        """Share of interesting spectra among all."""
        return self.interesting / self.total if self.total else float("nan")

    def plot(self, *, theme: str = "light") -> Any:
        """Draw it; several are drawn together by :func:`specanom.plots.yields`."""
        return opener("plot yields")({"ranking": self}, theme=theme)

    def __repr__(self) -> str:
        lacks = f" ({self.missing} not in the ranking)" if self.missing else ""
        n = min(100, len(self.hits))
        told = f"; {int(self.found[n - 1])} among the first {n}" if n else ""
        return f"YieldCurve: {self.interesting} interesting of {self.total}{lacks}{told}; area {self.area():.2f}"


def yield_curve(ranking: Iterable[str], interesting: Collection[str], *, total: int | None = None) -> YieldCurve:
    """Return the yield curve of a ranking.

    Parameters
    ----------
    ranking : iterable of str
        Ids, the best first: ``work_list.ids``, ``ranking.top()``.
    interesting : collection of str
        Ids that are worth it: known by truth, or labelled so.
    total : int, optional
        How many spectra there are, where the ranking is a part of them.

    Raises
    ------
    DataError
        When an id is there twice.
    """
    ids, wanted = tuple(ranking), set(interesting)
    if len(set(ids)) < len(ids):
        raise DataError(message("ranking", expected="each id once", got="an id twice"))
    hits = np.array([one in wanted for one in ids], dtype=bool)
    hits.setflags(write=False)
    missing = len(wanted) - int(hits.sum())
    if total is not None and total < len(ids) + missing:
        raise ArgumentError(message("total", expected=f"at least {len(ids) + missing}", got=total))
    return YieldCurve(hits, ids, len(wanted), missing, len(ids) + missing if total is None else total)


def gain(
    before: YieldCurve, after: YieldCurve, *, n: int = 100, repeats: int = 2000, seed: int = 0
) -> dict[str, float]:
    """Return how many more interesting spectra the first n hold after than before.

    Parameters
    ----------
    before, after : YieldCurve
        Of rankings of the same spectra by the same truth.
    n : int
        How many are looked at.
    repeats, seed : int
        Bootstrap samples of the spectra, and their seed: every spectrum that either ranking may bring among the first
        n is drawn with a Poisson number of copies, the same in both, and the first n copies are counted.

    Returns
    -------
    dict
        ``before``, ``after``, ``gain``, and ``low`` and ``high`` of the gain (95 %).

    Raises
    ------
    DataError
        When a spectrum is interesting in one and not in the other.
    """
    if n < 1:
        raise ArgumentError(message("n", expected="at least 1", got=n))
    truth: dict[str, bool] = {}
    reach = n + 10 * int(np.ceil(np.sqrt(n))) + 50
    heads = [curve.ids[:reach] for curve in (before, after)]
    for curve, head in zip((before, after), heads, strict=True):
        for id, hit in zip(head, curve.hits[:reach].tolist(), strict=True):
            if truth.setdefault(id, hit) != hit:
                raise DataError(message("before, after", expected="one truth", got=f"{id!r} interesting in one only"))
    place = {id: row for row, id in enumerate(truth)}
    copies = np.random.default_rng(seed).poisson(1.0, (repeats, len(truth)))
    drawn = [_drawn(copies[:, [place[id] for id in head]], curve.hits[:reach], n)
             for curve, head in zip((before, after), heads, strict=True)]
    first, then = (int(curve.hits[:n].sum()) for curve in (before, after))
    low, high = np.quantile(drawn[1] - drawn[0], [0.025, 0.975])
    return {"before": first, "after": then, "gain": then - first, "low": float(low), "high": float(high)}


def _drawn(copies: NDArray[np.int64], hits: NDArray[np.bool_], n: int) -> NDArray[np.int64]:
    """Return how many hits are among the first n copies, (repeats,)."""
    room = np.clip(n - (np.cumsum(copies, axis=1) - copies), 0, copies)
    return np.asarray(room[:, hits].sum(axis=1))


def compare(curves: Mapping[str, YieldCurve], *, n: int = 100, seed: int = 0) -> pd.DataFrame:
    """Return a table of several curves: found, share with its interval, area up to n, and the gain over the first.

    Parameters
    ----------
    curves : mapping
        Name → YieldCurve of the same spectra; the first is what the others are compared with.
    n : int
        How many are looked at.
    seed : int
        Of the bootstrap behind the intervals of the gain.
    """
    import pandas as pd

    if not curves:
        raise ArgumentError(message("curves", expected="at least one", got="none"))
    first = next(iter(curves.values()))
    rows = []
    for name, curve in curves.items():
        here, more = curve.at(n), gain(first, curve, n=n, seed=seed)
        rows.append({"ranking": name, "found": int(here["found"]), "share": here["share"], "low": here["low"],
                     "high": here["high"], "area": curve.area(n), "gain": more["gain"], "gain_low": more["low"],
                     "gain_high": more["high"]})
    return pd.DataFrame(rows)
