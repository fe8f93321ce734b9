"""Whether a probability keeps its word: predicted against observed shares, and the error between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ShapeError, message
from ..rates import wilson

if TYPE_CHECKING:
    import pandas as pd


def reliability_table(probability: NDArray[Any], truth: NDArray[Any], *, bins: int = 10) -> pd.DataFrame:
    """Return how often what was called so probable was true, by bins of equal width in probability.

    Parameters
    ----------
    probability : (n,) array
        Predicted, 0–1; NaN are left out.
    truth : (n,) bool array
        What was the case.
    bins : int
        Number of bins; empty ones have no row.

    Returns
    -------
    DataFrame
        ``predicted`` (mean of the bin), ``observed`` (share), ``low`` and ``high`` (95 % binomial interval of it;
        Wilson 1927, J. Am. Stat. Assoc. 22, 209), ``count``.
    """
    import pandas as pd

    p, y = np.asarray(probability, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if p.shape != y.shape or p.ndim != 1:
        raise ShapeError(message("truth", expected=f"shape {p.shape} as probability", got=f"shape {y.shape}"))
    p, y = p[np.isfinite(p)], y[np.isfinite(p)]
    place = np.minimum((p * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    full = count > 0
    n = count[full]
    hits = np.bincount(place, weights=y, minlength=bins)[full]
    low, high = wilson(hits, n)
    return pd.DataFrame({"predicted": np.bincount(place, weights=p, minlength=bins)[full] / n, "observed": hits / n,
                         "low": low, "high": high, "count": n})


def calibration_error(table: pd.DataFrame) -> float:
    """Return the expected calibration error: the mean of |predicted − observed|, bins weighted by their counts.

    Naeini, Cooper & Hauskrecht 2015 (AAAI 29), eq. 3.
    """
    gap = (table["predicted"] - table["observed"]).abs()
    return float(np.average(gap, weights=table["count"])) if len(table) else float("nan")
