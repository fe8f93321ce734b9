"""Ratios of lines, and where they lie among the galaxies of a group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, message

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

RATIOS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "decrement": (("Ha",), ("Hb",)),
    "N2": (("NII6585",), ("Ha",)),
    "O3": (("OIII5008",), ("Hb",)),
    "O32": (("OIII5008",), ("OII",)),
    "O3N2": (("OIII5008", "Ha"), ("Hb", "NII6585")),
}
"""Numerator and denominator of each ratio; O3N2 is given as its decimal logarithm, the others as they are."""


def _ratio(table: pd.DataFrame, name: str, min_snr: float) -> tuple[Floats, Floats]:
    above, below = RATIOS[name]
    value, relative, clear = np.ones(len(table)), np.zeros(len(table)), np.ones(len(table), dtype=bool)
    for group, power in ((above, 1), (below, -1)):
        for line in group:
            flux = table[f"{line}_flux"].to_numpy(dtype=float)
            error = table[f"{line}_err"].to_numpy(dtype=float)
            with np.errstate(divide="ignore", invalid="ignore"):
                clear &= (flux > 0) & (flux >= min_snr * error)
                value = value * flux**power
                relative += (error / flux) ** 2
    value, relative = np.where(clear, value, np.nan), np.where(clear, np.sqrt(relative), np.nan)
    if name == "O3N2":
        return np.log10(value), relative / np.log(10)
    return value, value * relative


def line_ratios(table: pd.DataFrame, *, min_snr: float = 3.0) -> pd.DataFrame:
    """Compute the Balmer decrement, N2, O3, O32 and O3N2 with errors.

    Parameters
    ----------
    table : DataFrame
        With columns ``Ha_flux``, ``Ha_err`` and so on, as from :func:`.measure_lines`.
    min_snr : float
        A ratio is NaN unless every line in it is seen at this S/N.

    Returns
    -------
    DataFrame
        ``decrement`` Hα/Hβ, ``N2`` [N II] 6585/Hα, ``O3`` [O III] 5008/Hβ, ``O32`` [O III] 5008/[O II] 3727+3730, and
        ``O3N2`` log10(([O III]/Hβ)/([N II]/Hα)); each with ``_err``. Not corrected for dust inside the galaxy.

    Raises
    ------
    DataError
        When columns are missing.
    """
    import pandas as pd

    needed = {
        f"{line}_{part}" for pair in RATIOS.values() for side in pair for line in side for part in ("flux", "err")
    }
    missing = sorted(needed - set(table.columns))
    if missing:
        raise DataError(
            message(
                "table",
                expected="columns of line fluxes and errors",
                got=f"none called {', '.join(missing[:4])}",
                hint="table = measure_lines(sample)",
            )
        )
    made = {}
    for name in RATIOS:
        made[name], made[f"{name}_err"] = _ratio(table, name, min_snr)
    return pd.DataFrame(made, index=table.index)


def ratio_ranges(
    table: pd.DataFrame,
    *,
    percentiles: tuple[float, float] = (45.0, 55.0),
    min_count: int = 5,
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the range of each ratio among the galaxies in `table`, as in Table 3 of the paper.

    Parameters
    ----------
    table : DataFrame
        Rows of one group with the ratio columns.
    percentiles : (float, float)
        Lower and upper end.
    min_count : int
        Ratios known for fewer galaxies get NaN.
    names : sequence of str, optional
        Which ratios; all by default.

    Returns
    -------
    DataFrame
        One row a ratio: ``low``, ``median``, ``high``, ``count``.
    """
    import pandas as pd

    low, high = percentiles
    if not 0 <= low <= high <= 100:
        raise ArgumentError(
            message("percentiles", expected="0 <= low <= high <= 100", got=percentiles, hint="(45, 55)")
        )
    rows = {}
    for name in names or RATIOS:
        values = table[name].to_numpy(dtype=float)
        values = values[np.isfinite(values)]
        known = values.size >= max(1, min_count)
        at = np.percentile(values, [low, 50, high]) if known else np.full(3, np.nan)
        rows[name] = {"low": at[0], "median": at[1], "high": at[2], "count": values.size}
    return pd.DataFrame.from_dict(rows, orient="index").astype({"count": int})
