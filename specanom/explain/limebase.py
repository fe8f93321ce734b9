"""The surrogate as fitted by the lime package itself: the slow reference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import require
from .masks import Masks


def lime_package(
    masks: Masks, scores: NDArray[np.float64], near: NDArray[np.float64], *, alpha: float
) -> tuple[NDArray[np.float64], float]:
    """Fit with ``lime.lime_base.LimeBase``, the reference implementation.

    Parameters
    ----------
    masks : (n, K) array
    scores, near : (n,) arrays
        Scores and proximities.
    alpha : float
        Ridge penalty.

    Returns
    -------
    weights : (K,) array
    intercept : float
    """
    base: Any = require("lime.lime_base", extra="explain")
    from sklearn.linear_model import Ridge as SklearnRidge

    made = base.LimeBase(kernel_fn=lambda distances: near)
    intercept, ranked, _, _ = made.explain_instance_with_data(
        masks.astype(np.float64), scores[:, None], np.zeros(len(masks)), 0, masks.shape[1], feature_selection="none",
        model_regressor=SklearnRidge(alpha=alpha, fit_intercept=True),
    )
    weights = np.empty(masks.shape[1])
    for segment, weight in ranked:
        weights[segment] = weight
    return weights, float(intercept)
