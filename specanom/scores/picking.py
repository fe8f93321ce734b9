"""What scorers of residuals, calibrated or not, can do in a notebook: open the dashboard that ranks by them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..face import dashboard

if TYPE_CHECKING:
    import pandas as pd


class Pickable:
    """A scorer that can be tuned by eye."""

    def pick(self, sample: Any, *, scores: pd.DataFrame | None = None, labels: str | Path | None = None) -> Any:
        """Rank a sample by this score in a dashboard, change the score, look at spectra, label them.

        Parameters
        ----------
        sample : SpectrumSet
            At rest and normalised.
        scores : DataFrame, optional
            Scores that are known already, e.g. ``scores.parquet`` of a run; they are not computed again.
        labels : path-like, optional
            File that labels are appended to, see :class:`specanom.triage.LabelLog`.

        Returns
        -------
        ScorePicker
            Shown by a notebook when it is the last line of a cell; its ``result`` is the scorer that was chosen.

        Raises
        ------
        MissingDependency
            When ipywidgets or anywidget is not installed.
        """
        return dashboard("pick")(self, sample, scores=scores, labels=labels)
