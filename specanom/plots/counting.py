"""What figures of scores count, static and live: groups, bins, densities and running medians. No bokeh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]

BINS = 60
"""Bars of a histogram of scores."""
CELLS = 70
"""Cells of a density along each axis."""
CROWD = 4
"""From how many points on a cell is drawn as a density."""
MANY = 3000
"""Up to how many points all are drawn."""


def groups_of(table: pd.DataFrame, column: str = "bin") -> dict[str, Flags]:
    """Return the rows of each value of `column`, or one group of all rows when it tells nothing apart.

    Bins of S/N are called by the range they hold when the table has a column ``snr``.
    """
    if column not in table or table[column].nunique(dropna=True) < 2:
        return {"all spectra": np.ones(len(table), dtype=bool)}
    found: dict[str, Flags] = {}
    for key in sorted(table[column].dropna().unique()):
        rows = (table[column] == key).to_numpy(dtype=bool)
        text = f"{column} {key}"
        if column == "bin" and "snr" in table:
            snr = table["snr"].to_numpy(dtype=np.float64)[rows]
            text = f"S/N {np.nanmin(snr):.1f}–{np.nanmax(snr):.1f}" if np.isfinite(snr).any() else text
        found[f"{text} ({column} {key})" if text in found else text] = rows
    return found


def positive(values: Doubles) -> bool:
    """Whether there are finite values and all of them are above zero, so that a logarithmic axis holds them."""
    finite = np.isfinite(values)
    return bool(finite.any() and (values[finite] > 0).all())


def edges_of(values: Doubles, log: bool) -> Doubles:
    """Return bin borders for finite values; the outermost per mille of a linear axis is counted in the last bins."""
    lo, hi = (values.min(), values.max()) if log else np.percentile(values, [0.1, 99.9])
    if hi <= lo:
        room = abs(lo) * 0.1 or 0.5
        lo, hi = lo - room, hi + room
    return np.asarray(np.geomspace(lo, hi, BINS + 1) if log else np.linspace(lo, hi, BINS + 1))


def counts_of(values: Doubles, edges: Doubles, rows: Flags) -> NDArray[np.int64]:
    """Return how many finite values of `rows` lie between the borders; those outside count in the last bins."""
    chosen = values[rows]
    chosen = np.clip(chosen[np.isfinite(chosen)], edges[0], edges[-1])
    return np.asarray(np.histogram(chosen, bins=edges)[0])


def cloud_of(x: Doubles, y: Doubles, log: tuple[bool, bool] = (False, False)) -> tuple[dict[str, Any], Flags]:
    """Divide points into a density and those that are drawn one by one.

    Parameters
    ----------
    x, y : (n,) arrays
        Finite.
    log : (bool, bool)
        Whether cells are equal in the logarithm.

    Returns
    -------
    cells : dict
        ``left``, ``right``, ``bottom``, ``top`` and ``density`` (the decadic logarithm of the count) of crowded cells;
        empty arrays when there are few points.
    alone : (n,) bool array
        Which points lie in no crowded cell.
    """
    if x.size <= MANY:
        nothing = {name: np.empty(0) for name in ("left", "right", "bottom", "top", "density")}
        return nothing, np.ones(x.size, dtype=bool)
    u, v = (np.log10(a) if flag else a for a, flag in zip((x, y), log, strict=True))
    counts, xe, ye = np.histogram2d(u, v, bins=CELLS)
    cell = tuple(np.clip(np.digitize(a, e[1:-1]), 0, CELLS - 1) for a, e in ((u, xe), (v, ye)))
    i, j = np.nonzero(counts >= CROWD)
    across, up = (10.0**e if flag else e for e, flag in zip((xe, ye), log, strict=True))
    cells = {"left": across[i], "right": across[i + 1], "bottom": up[j], "top": up[j + 1],
             "density": np.log10(counts[i, j])}
    return cells, np.asarray(counts[cell] < CROWD)


def running_of(x: Doubles, y: Doubles) -> dict[str, Any]:
    """Return ``x``, ``low``, ``median``, ``high``: the middle 68 % of `y` along `x`, in up to 25 parts of like size."""
    order = np.argsort(x, kind="stable")
    parts = [p for p in np.array_split(order, int(np.clip(x.size // 25, 1, 25))) if p.size]
    low, mid, high = (np.array([np.percentile(y[p], q) for p in parts]) for q in (16, 50, 84))
    return {"x": np.array([np.median(x[p]) for p in parts]), "low": low, "median": mid, "high": high}
