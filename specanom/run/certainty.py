"""How far a rank in a run can be trusted: fits with other seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .. import scores
from ..scores.named import scorers_of
from .scoring import NAN_FIRST, score_table
from .training import refit


@dataclass(frozen=True)
class ScoreOfModel:
    """A column of a run's scores as a function of the model alone, calibrated anew for each.

    Parameters
    ----------
    model : Model
        Fitted.
    column : str
        As in ``scores.parquet``, e.g. ``"chi2_ivar_cal"``.
    lines, velocity, trim, preset
        See :func:`.scorers_of`.
    """

    model: Any
    column: str
    lines: str | None = ""
    velocity: float = 0.0
    trim: float = 0.03
    preset: str | None = None

    def __call__(self, sample: Any) -> Any:
        """Return the ``(n,)`` values of a sample; infinite where NaN is the oddest, as published."""
        scorers = scorers_of(self.model, sample, lines=self.lines, velocity=self.velocity, trim=self.trim,
                             preset=self.preset)
        table, _ = score_table(scorers, sample)
        values = table[self.column].to_numpy(dtype=np.float64)
        return np.where(np.isnan(values), np.inf, values) if self.column in table.attrs[NAN_FIRST] else values


def rank_intervals(ranking: Any, sample: Any, repeats: int) -> pd.DataFrame | None:
    """Return how much each rank changes when the model is fitted again with other seeds.

    Parameters
    ----------
    ranking : ScoreOfModel
        Its own model counts as one of the fits.
    sample : SpectrumSet
        What the model was fitted to.
    repeats : int
        How many more fits.

    Returns
    -------
    DataFrame or None
        See :func:`specanom.scores.rank_intervals`; None without repeats.
    """
    if not repeats:
        return None
    return scores.rank_intervals(ranking, sample, lambda i: refit(ranking.model, sample, i), repeats=repeats)
