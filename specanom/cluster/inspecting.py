"""What clusters can do in a notebook: open the dashboard that shows what they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import not_fitted
from ..face import dashboard

if TYPE_CHECKING:
    import pandas as pd


class Inspectable:
    """Clusters that can be looked at."""

    def inspect(self, sample: Any, *, explanations: Any = None, lines: pd.DataFrame | None = None,
                labels: str | Path | None = None) -> Any:
        """Look at the clusters in a dashboard: how many, a map of them, their means, members and line ratios.

        Parameters
        ----------
        sample : SpectrumSet
            The spectra that were explained.
        explanations : ExplanationSet, optional
            What the clusters were made of; then their segments are drawn.
        lines : DataFrame, optional
            What :func:`specanom.diagnostics.measure_lines` returned for them.
        labels : path-like, optional
            File that labels are appended to, see :class:`specanom.triage.LabelLog`.

        Returns
        -------
        ClusterInspector
            Shown by a notebook when it is the last line of a cell; its ``result`` are the labels given.

        Raises
        ------
        NotFittedError
            Before :meth:`fit`.
        MissingDependency
            When ipywidgets or anywidget is not installed.
        """
        if not hasattr(self, "labels_"):
            raise not_fitted(self)
        return dashboard("inspect")(self, sample, explanations=explanations, lines=lines, labels=labels)
