"""How far a rank can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError, message
from ..ordering import ranks
from ..protocols import Model
from .rows import places

if TYPE_CHECKING:
    import pandas as pd

    from .calibrate import CalibratedScorer
    from .scorer import Scorer


def rank_intervals(
    scorer: Scorer | CalibratedScorer,
    sample: Any,
    models: Sequence[Model] | Callable[[int], Model],
    *,
    repeats: int = 5,
    level: float = 0.68,
) -> pd.DataFrame:
    """Return how much each rank changes when the model is cross-fitted again with another seed.

    Parameters
    ----------
    scorer : Scorer or CalibratedScorer
        Its own model counts as one of the fits.
    sample : SpectrumSet or sequence of Spectrum
        What is ranked.
    models : sequence of fitted models, or callable
        The repeated fits, or a function that makes the fit number i (use it as the seed), called for
        1 … `repeats`, one at a time: none is kept.
    repeats : int
        How many to make.
    level : float
        Share of the fits inside the interval.

    Returns
    -------
    DataFrame
        ``id``, ``rank`` by the scorer itself, ``median``, ``low`` and ``high`` over all the fits.
    """
    import pandas as pd

    if not 0.0 < level < 1.0:
        raise ArgumentError(message("level", expected="a share between 0 and 1", got=level, hint="0.68"))
    ids = places(sample)[0]
    fits = (models(i) for i in range(1, repeats + 1)) if callable(models) else iter(models)
    every = [ranks(scorer(sample), ids)]
    every += [ranks(_with_model(scorer, model, sample)(sample), ids) for model in fits]
    if len(every) < 2:
        raise ArgumentError(message("models", expected="at least one more fit", got="none",
                                    hint="lambda seed: VAEModel(seed=seed).fit(sample)"))
    low, middle, high = np.quantile(np.stack(every), [0.5 - level / 2, 0.5, 0.5 + level / 2], axis=0)
    return pd.DataFrame({"id": ids, "rank": every[0], "median": middle, "low": low, "high": high})


def _with_model(scorer: Any, model: Model, sample: Any) -> Any:
    """The same scorer on another fit; a calibrated one is calibrated again, on the same reference size."""
    inner = getattr(scorer, "scorer", None)
    if inner is None:
        return replace(scorer, model=model)
    fresh = replace(inner, model=model)
    return fresh.calibrate(sample, neighbours=scorer.neighbourhood.neighbours)
