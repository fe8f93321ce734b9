"""What a report says of scores: how they depend on noise and redshift, and how many false alarms to expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..errors import DataError, ShapeError, message
from .calibrate import CalibratedScorer
from .tables import score_columns

if TYPE_CHECKING:
    import pandas as pd

THRESHOLDS = (2.0, 3.0, 4.0, 5.0, 7.0, 10.0)


def dependence(table: pd.DataFrame, about: pd.DataFrame, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Return Spearman's ρ of each score with S/N and redshift: how much of a noise meter it is.

    Parameters
    ----------
    table : DataFrame
        Scores with an ``id``, as made by :func:`table`.
    about : DataFrame
        ``id``, ``snr`` and ``z``, e.g. ``sample.table``; joined by id.
    columns : sequence of str, optional
        Which scores; all when not given.

    Returns
    -------
    DataFrame
        ``score``, ``n`` (spectra that have one), ``rho_snr``, ``rho_z``; NaN with fewer than three spectra.
    """
    import pandas as pd

    for name in ("id", "snr", "z"):
        if name not in about:
            raise DataError(message("about", expected="columns id, snr and z", got=f"{list(about.columns)}"))
    known = about.drop_duplicates("id").set_index("id")[["snr", "z"]].reindex(table["id"])
    rows = []
    for name in score_columns(table, columns):
        values = table[name].to_numpy(dtype=np.float64)
        rho = {f"rho_{of}": _spearman(values, known[of].to_numpy(dtype=np.float64)) for of in ("snr", "z")}
        rows.append({"score": name, "n": int(np.isfinite(values).sum()), **rho})
    return pd.DataFrame(rows)


def _spearman(a: ArrayLike, b: ArrayLike) -> float:
    from scipy.stats import rankdata

    both = np.column_stack([np.asarray(a), np.asarray(b)])
    both = both[np.isfinite(both).all(axis=1)]
    if len(both) < 3:
        return float("nan")
    ranked = rankdata(both, axis=0)
    if (ranked.std(axis=0) == 0).any():
        return float("nan")
    return float(np.corrcoef(ranked.T)[0, 1])


def false_alarm_table(
    scorers: Mapping[str, CalibratedScorer] | Sequence[CalibratedScorer], thresholds: ArrayLike = THRESHOLDS
) -> pd.DataFrame:
    """Return how many reference spectra lie above each threshold, and how many of them by chance.

    Parameters
    ----------
    scorers : mapping or sequence of CalibratedScorer
    thresholds : array
        In calibrated units.

    Returns
    -------
    DataFrame
        ``score``, ``threshold``, ``above`` (of the reference sample), ``expected`` false alarms among them (see
        :meth:`CalibratedScorer.false_alarms`: on the high side) and ``purity`` = 1 − expected/above, at least 0.
    """
    import pandas as pd

    levels = np.atleast_1d(np.asarray(thresholds, dtype=np.float64))
    if levels.ndim != 1:
        raise ShapeError(message("thresholds", expected="a number or a list of them", got=f"shape {levels.shape}"))
    every = list(scorers.values()) if isinstance(scorers, Mapping) else list(scorers)
    parts = []
    for scorer in every:
        above, expected = scorer.above(levels), scorer.false_alarms(levels)
        purity = np.where(above > 0, np.clip(1.0 - expected / np.maximum(above, 1), 0.0, 1.0), np.nan)
        parts.append(pd.DataFrame({"score": scorer.name, "threshold": levels, "above": above, "expected": expected,
                                   "purity": purity}))
    return pd.concat(parts, ignore_index=True)
