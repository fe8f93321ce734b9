"""Where on the detector anomalies are: leading segments in observed wavelength, against what redshifts would do."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import ArgumentError, message
from ...ids import id_texts
from .bins import NOWHERE, of_edges
from .rates import Rates, rate_table
from .statistics import benjamini_hochberg, jeffreys

if TYPE_CHECKING:
    import pandas as pd

Doubles = NDArray[np.float64]

WIDTHS = (60.0, 240.0, 960.0)
"""Å: a sky line or a bad column within one segment, a band, and an end of an arm."""
FRAMES = ("explanation_frame", "frame")
"""Columns that say whether wavelengths of segments are at rest: of catalogues and of tables of explanations."""
MOST_SHIFTS = 400
"""Pairings with other redshifts, at most."""


def wavelength_rates(observed: ArrayLike, z: ArrayLike | None = None, *, width: float = 60.0,
                     level: float = 0.05) -> Rates:
    """Return how many anomalies have their leading segment at each observed wavelength, and where they crowd.

    A line of galaxies lies at one rest wavelength and so at as many observed ones as there are redshifts; a sky line, a
    bad column or the join of the arms lies at one observed wavelength whatever the redshift. What is expected is
    therefore the same rest wavelengths at the redshifts of the other objects.

    Parameters
    ----------
    observed : (n,) array
        Middle of the leading segment of each odd object, observed Å; NaN where there is none.
    z : (n,) array, optional
        Redshifts. Without them every wavelength between the first and the last is taken for equally likely.
    width : float
        Of the bins, Å: about that of a segment.
    level : float
        Share of false discoveries among the bins that stand out.

    Returns
    -------
    Rates
        ``n`` is the same in every bin: the anomalies with a wavelength; ``elsewhere`` is the share that is expected.
        ``p`` is the binomial probability of as many or more; only excesses stand out.
    """
    wave = np.asarray(observed, dtype=np.float64)
    if wave.ndim != 1 or (np.isfinite(wave) & (wave <= 0)).any():
        raise ArgumentError(message("observed", expected="one wavelength above 0 an object", got=f"shape {wave.shape}"))
    if not width > 0:
        raise ArgumentError(message("width", expected="above 0 Å", got=width))
    shift = np.ones_like(wave) if z is None else 1.0 + np.asarray(z, dtype=np.float64)
    if shift.shape != wave.shape:
        raise ArgumentError(message("z", expected=f"{wave.size} redshifts", got=f"shape {shift.shape}"))
    good = np.isfinite(wave) & np.isfinite(shift) & (shift > 0)
    edges = _edges(wave[good], width)
    made = of_edges(np.where(good, wave, np.nan), edges)
    hits = np.bincount(made.places[made.places != NOWHERE], minlength=len(made))
    n = int(good.sum())
    expected = _expected(wave[good], shift[good], edges) if z is not None else np.full(len(made), 1 / max(len(made), 1))
    p = _excess(hits, n, expected)
    columns = {**made.columns, "bin": [f"{low:.0f}–{high:.0f} Å" for low, high in pairwise(edges)]}
    table = rate_table(columns, hits, np.full(len(made), n), (expected, p, np.ones(len(made))), level=level)
    return Rates(table, "observed wavelength", {"n": n, "odd": n, "unknown": int((~good).sum()), "level": level,
                                                "kind": "wave", "nside": 0})


def crowded(observed: ArrayLike, z: ArrayLike | None = None, *, level: float = 0.05) -> pd.DataFrame:
    """Return the stretches of observed wavelength where anomalies crowd, looked for at several widths.

    Parameters
    ----------
    observed, z
        As in :func:`wavelength_rates`.
    level : float
        Share of false discoveries among all bins of all widths.

    Returns
    -------
    DataFrame
        The columns of :class:`Rates` with ``low`` and ``high`` (Å), the least likely by chance first. None overlaps
        another; neighbours are joined, with the smaller q.
    """
    import pandas as pd

    tables = [wavelength_rates(observed, z, width=width, level=level).table for width in WIDTHS]
    whole = pd.concat(tables, ignore_index=True)
    whole["q"] = benjamini_hochberg(whole["p"])
    kept: list[int] = []
    for row in whole.index[whole["q"] <= level][np.argsort(whole.loc[whole["q"] <= level, "p"], kind="stable")]:
        one = whole.loc[row]
        if all(one["high"] <= whole.loc[other, "low"] or one["low"] >= whole.loc[other, "high"] for other in kept):
            kept.append(row)
    return _joined(whole.loc[kept].sort_values("low"))


def observed_waves(table: pd.DataFrame, explained: pd.DataFrame | None = None) -> Doubles:
    """Return the observed wavelength of the leading segment of each row of a table.

    Parameters
    ----------
    table : DataFrame
        With ``z``; and ``top_1_from`` and ``top_1_to`` (Å), as catalogues have them, at rest or where
        ``explanation_frame`` (or ``frame``) says ``"observed"`` as they are.
    explained : DataFrame, optional
        With ``id``, ``top_1_from`` and ``top_1_to`` (and ``frame``) when the table has them not.

    Returns
    -------
    (n,) float64 array
        NaN where there is no explanation or redshift.
    """
    rows = table if explained is None else _joined_by_id(table, explained)
    missing = [name for name in ("z", "top_1_from", "top_1_to") if name not in rows.columns]
    if missing:
        raise ArgumentError(message("table", expected="columns z, top_1_from and top_1_to",
                                    got=f"no {', '.join(missing)}"))
    first, last, z = (rows[name].to_numpy(np.float64) for name in ("top_1_from", "top_1_to", "z"))
    frame = next((rows[name] for name in FRAMES if name in rows), None)
    shift = 1 + z if frame is None else np.where((frame == "observed").to_numpy(bool), 1.0, 1 + z)
    return np.asarray((first + last) / 2 * shift)


def _joined_by_id(table: pd.DataFrame, explained: pd.DataFrame) -> pd.DataFrame:
    told = explained[["id", "top_1_from", "top_1_to", *(name for name in FRAMES if name in explained)]]
    told = told.assign(id=id_texts(told["id"])).drop_duplicates("id")
    return table[["id", "z"]].assign(id=id_texts(table["id"])).merge(told, on="id", how="left")


def _joined(stretches: pd.DataFrame) -> pd.DataFrame:
    """Join stretches that touch, sorted by wavelength: a sky line may lie on the border of two bins."""
    import pandas as pd

    run = (stretches["low"].to_numpy() > np.r_[-np.inf, stretches["high"].to_numpy()[:-1]]).cumsum()
    rows = []
    for _, part in stretches.groupby(run):
        first, low, high = part.iloc[0].to_dict(), part["low"].iloc[0], part["high"].iloc[-1]
        if len(part) > 1:
            hits, n, expected = int(part["odd"].sum()), int(first["n"]), float(part["elsewhere"].sum())
            bounds = jeffreys(hits, n)
            first |= {"bin": f"{low:.0f}–{high:.0f} Å", "value": (low + high) / 2, "high": high, "odd": hits,
                      "rate": hits / n, "rate_lo": float(bounds[0]), "rate_hi": float(bounds[1]), "elsewhere": expected,
                      "p": float(_excess(np.array([hits]), n, np.array([expected]))[0]), "q": part["q"].min()}
        rows.append(first)
    return pd.DataFrame(rows, columns=stretches.columns).sort_values("p", kind="stable", ignore_index=True)


def _edges(wave: Doubles, width: float) -> Doubles:
    if not wave.size:
        return np.empty(0)
    first = np.floor(wave.min() / width) * width
    return np.asarray(first + width * np.arange(int((wave.max() - first) // width) + 2))


def _expected(wave: Doubles, shift: Doubles, edges: Doubles) -> Doubles:
    """Return the share in each bin when every rest wavelength comes with the redshifts of other objects."""
    n = wave.size
    if n < 2:
        return np.full(max(edges.size - 1, 0), np.nan)
    steps = np.unique(np.linspace(1, n - 1, min(n - 1, MOST_SHIFTS)).astype(int))
    rest = wave / shift
    count: Any = sum(np.histogram(rest * np.roll(shift, step), bins=edges)[0] for step in steps)
    return np.asarray((count + 0.5) / (n * steps.size + 0.5 * count.size))


def _excess(hits: NDArray[np.int64], n: int, expected: Doubles) -> Doubles:
    from scipy.stats import binom

    return np.asarray(np.where(np.isfinite(expected), binom.sf(hits - 1, n, np.nan_to_num(expected)), np.nan))
