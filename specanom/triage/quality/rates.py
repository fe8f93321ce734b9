"""How often spectra are odd, by plate, fibre, depth or place: rates with intervals, and what stands out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import ArgumentError, message
from ...face import opener
from ..parquet import read_record, write_record
from .bins import NOWHERE, Binned, binned
from .statistics import against_the_rest, benjamini_hochberg, jeffreys

if TYPE_CHECKING:
    import pandas as pd

FORM, VERSION = "specanom-rates", 1
COLUMNS = ("bin", "value", "low", "high", "n", "odd", "rate", "rate_lo", "rate_hi", "elsewhere", "p", "q",
           "stands_out")


@dataclass(frozen=True, eq=False)
class Rates:
    """How often spectra are odd, bin by bin.

    Attributes
    ----------
    table : DataFrame
        One row a bin: ``bin`` (its name), ``value``, ``low`` and ``high`` (of numbers), ``n``, ``odd``, ``rate`` with
        its 95 % interval ``rate_lo`` and ``rate_hi`` (Jeffreys), ``elsewhere`` (the rate to compare with: that of the
        bins that do not stand out, or what is expected), ``p`` of that comparison, ``q`` (p after Benjamini & Hochberg)
        and ``stands_out``: "high", "low" or "". On the sky also ``cell`` (nested), ``ra`` and ``dec`` of its middle.
    by : str
        What divides the bins.
    facts : mapping
        ``n``, ``odd``, ``unknown`` (objects in no bin), ``level`` (of false discoveries), ``kind`` ("names",
        "numbers", "sky" or "wave"), ``nside``.
    """

    table: pd.DataFrame
    by: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "facts", MappingProxyType(dict(self.facts)))

    @property
    def rate(self) -> float:
        """Of all objects that are in a bin; NaN when none is."""
        n = int(self.facts["n"])
        return int(self.facts["odd"]) / n if n else float("nan")

    @property
    def standing_out(self) -> pd.DataFrame:
        """The bins with a rate that chance does not explain, the least likely first."""
        return self.table[self.table["stands_out"] != ""].sort_values("p", kind="stable")

    def plot(self, **options: Any) -> Any:
        """Return a bokeh figure; see :func:`specanom.plots.rates` for the options."""
        return opener("plot rates")(self, **options)

    def save(self, path: str | Path) -> Path:
        """Write Parquet."""
        return write_record(self.table, path, FORM, {"by": self.by, **self.facts}, version=VERSION)

    @classmethod
    def load(cls, path: str | Path) -> Rates:
        """Read what :meth:`save` wrote.

        Raises
        ------
        DataError
            When the file holds something else.
        """
        table, facts = read_record(path, FORM, version=VERSION)
        return cls(table, facts.pop("by"), facts)

    def __repr__(self) -> str:
        out, facts = self.standing_out, self.facts
        share = f" ({self.rate:.1%})" if facts["n"] else ""
        waves = facts["kind"] == "wave"
        what = f"{facts['n']:,} anomalies" if waves else f"{facts['odd']:,} of {facts['n']:,} odd{share}"
        unknown = f", {facts['unknown']:,} in no bin" if facts["unknown"] and not waves else ""
        lines = [f"Rates by {self.by}: {what} in {len(self.table):,} bins{unknown}; "
                 f"{len(out)} stand{'s' if len(out) == 1 else ''} out"]
        lines += [f"  {row['bin']}: {row['odd']} of {row['n']} ({row['rate']:.1%}, {row['rate_lo']:.1%} to "
                  f"{row['rate_hi']:.1%}), elsewhere {row['elsewhere']:.1%}, q = {row['q']:.2g}"
                  for row in out.head(5).to_dict("records")]
        return "\n".join(lines + ([f"  and {len(out) - 5} more"] if len(out) > 5 else []))


def flag(score: ArrayLike, *, top: float | int | None = None, threshold: float | None = None) -> NDArray[np.bool_]:
    """Tell which objects are odd.

    Parameters
    ----------
    score : (n,) array
        Higher is odder; NaN is not odd.
    top : float or int, optional
        Share of the objects with a score (below 1), or how many (a whole number). Give this or `threshold`.
    threshold : float, optional
        Objects at or above it are odd.

    Returns
    -------
    (n,) bool array
        With `top`, objects that tie with the last one are odd too.
    """
    values = np.asarray(score, dtype=np.float64)
    if (top is None) == (threshold is None):
        raise ArgumentError(message("top", expected="top or threshold, one of them", got=(top, threshold)))
    limit = threshold
    if top is not None:
        known = values[np.isfinite(values)]
        count = top if isinstance(top, (int, np.integer)) else int(np.ceil(top * known.size)) if 0 < top < 1 else 0
        if count < 1 and known.size:
            raise ArgumentError(message("top", expected="a share between 0 and 1, or a whole number", got=top))
        limit = float(np.sort(known)[-min(count, known.size)]) if known.size else np.inf
    with np.errstate(invalid="ignore"):
        return np.asarray(values >= np.float64(limit))


def rates(table: Any, odd: ArrayLike, *, by: str, bins: int = 10, nside: int = 8, level: float = 0.05) -> Rates:
    """Return how often objects are odd in each bin of a column, and which bins stand out.

    Each bin is compared with the others by Fisher's exact test, those left out that stand out themselves; the p values
    are adjusted for their number.

    Parameters
    ----------
    table : DataFrame or SpectrumSet
        One row an object.
    odd : (n,) bool array
        Which are odd: :func:`flag`, or a condition of your own (odd and probably an artefact).
    by : str
        A column: plate, fiber, petal, tile, mjd and texts by their values, other numbers (exptime, snr, z) by
        quantiles; or ``"sky"``: HEALPix cells of ra and dec.
    bins : int
        Bins of like size for numbers.
    nside : int
        Of the cells of the sky, a power of two: 8 is 7.3°, 64 is 0.9°.
    level : float
        Share of false discoveries among the bins that stand out.

    Raises
    ------
    ArgumentError
        When the column is missing, `odd` has another length or is not true or false.
    """
    frame = table.table if hasattr(table, "table") else table
    flags = checked(odd, len(frame))
    made = binned(frame, by, bins=bins, nside=nside)
    return _rates(made, flags, by, level=level, nside=nside)


def several(table: Any, odd: ArrayLike, *, by: Sequence[str], level: float = 0.05) -> dict[str, Rates]:
    """Return :func:`rates` by each of several columns; those the table lacks or knows nothing of are left out."""
    frame = table.table if hasattr(table, "table") else table
    made = {}
    for name in by:
        if name in frame.columns or (name == "sky" and {"ra", "dec"} <= set(frame.columns)):
            found = rates(frame, odd, by=name, level=level)
            if len(found.table) > 1:
                made[name] = found
    return made


def checked(odd: ArrayLike, n: int) -> NDArray[np.bool_]:
    """Return flags as booleans of the right length, or say what is wrong."""
    flags = np.asarray(odd)
    if flags.shape != (n,) or flags.dtype != bool:
        raise ArgumentError(message("odd", expected=f"{n} times True or False", got=f"{flags.dtype} {flags.shape}",
                                    hint="flag(score, top=0.05)"))
    return flags


def _rates(made: Binned, flags: NDArray[np.bool_], by: str, *, level: float, nside: int) -> Rates:
    inside = made.places != NOWHERE
    n = np.bincount(made.places[inside], minlength=len(made))
    hits = np.bincount(made.places[inside & flags], minlength=len(made))
    elsewhere, p, sign = against_the_rest(hits, n, level=level)
    facts = {"n": int(n.sum()), "odd": int(hits.sum()), "unknown": int((~inside).sum()), "level": level,
             "kind": made.kind, "nside": nside if made.kind == "sky" else 0}
    return Rates(rate_table(made.columns, hits, n, (elsewhere, p, sign), level=level), by, facts)


def rate_table(columns: Mapping[str, Any], hits: NDArray[np.int64], n: NDArray[np.int64],
               test: tuple[Any, Any, Any], *, level: float) -> pd.DataFrame:
    """Return the table of :class:`Rates` for counts and (rate elsewhere, p, sign) of each bin."""
    import pandas as pd

    elsewhere, p, sign = test
    low, high = jeffreys(hits, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = hits / n
    q = benjamini_hochberg(p)
    with np.errstate(invalid="ignore"):
        out = np.where(~(q <= level), "", np.where(sign > 0, "high", np.where(sign < 0, "low", "")))
    made = pd.DataFrame({**columns, "n": n, "odd": hits, "rate": rate, "rate_lo": low, "rate_hi": high,
                         "elsewhere": elsewhere, "p": p, "q": q, "stands_out": out})
    return made[[*COLUMNS, *(name for name in made if name not in COLUMNS)]]
