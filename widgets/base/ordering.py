"""The order of the rows of a table: missing values last either way, ties by key."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from numpy.typing import NDArray

from specanom.plots.cells import encoded_texts


def sorted_texts(texts: NDArray[Any]) -> NDArray[np.int32]:
    """Return the rows in the order of their texts, by code point as Python has it."""
    return np.asarray(pc.sort_indices(encoded_texts(texts.tolist()))).astype(np.int32)


def sorted_rows(values: NDArray[Any], ties: NDArray[np.int32], *, descending: bool) -> NDArray[np.int32]:
    """Return the rows in the order of `values`.

    Parameters
    ----------
    values : (n,) array
        Numbers, booleans or texts. NaN and empty texts come last either way.
    ties : (n,) int array
        The rows in the order that decides between equal values.
    descending : bool
        Whether the largest comes first.

    Examples
    --------
    >>> sorted_rows(np.array([1.0, np.nan, 2.0]), np.array([0, 1, 2]), descending=True)
    array([2, 0, 1], dtype=int32)
    """
    if values.dtype == object:
        codes, _labels = pd.factorize(values, sort=True)
        numbers = codes.astype(np.float64)
        numbers[values == ""] = np.nan
    else:
        numbers = values.astype(np.int64 if values.dtype.kind in "biu" else np.float64)
    tied = numbers[ties]
    # NaN sorts last in numpy, also when negated.
    return ties[np.argsort(-tied if descending else tied, kind="stable")].astype(np.int32)
