"""Models of a run: one, or one a bin of S/N."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import models


def fit_by_bin(make: Callable[[], Any], sample: Any, *, progress: bool = False) -> Any:
    """Fit one model, or one a bin where the sample has several.

    Parameters
    ----------
    make : callable
        Returns a new, unfitted model.
    sample : SpectrumSet
        At rest and normalised, with a column ``bin``.
    progress : bool
        Whether bars are shown.
    """
    if sample.table["bin"].nunique() == 1:
        return make().fit(sample, progress=progress)
    return models.BinnedModel.fit(make, sample, progress=progress)
