"""Random numbers of many fibres at once, each fibre with a stream of its own.

A fibre's numbers come from its own seed and are dealt by column, so the same fibre draws the same numbers whatever
block it is computed in and however many fibres there are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from specanom.seeds import object_seed

Array = NDArray[np.float64]


class Deck:
    """Columns of random numbers, one row a fibre.

    Parameters
    ----------
    seed : int
        Seed of the survey.
    ids : sequence of n identifiers
    purpose : str
        Name of the stream: fibres have one for the object, one for its noise, one for its anomaly.
    width : int
        Columns that may be drawn.
    """

    def __init__(self, seed: int, ids: Sequence[str], *, purpose: str, width: int = 96) -> None:
        self._cards = np.stack([generator(seed, i, purpose).random(width) for i in ids]) if ids else np.zeros((0,
            width))
        self._next = 0

    def uniform(self, low: ArrayLike = 0.0, high: ArrayLike = 1.0) -> Array:
        """(n,) uniform between `low` and `high`."""
        column = self._cards[:, self._next]
        self._next += 1
        return np.asarray(np.asarray(low) + (np.asarray(high) - np.asarray(low)) * column)

    def normal(self, mean: ArrayLike = 0.0, spread: ArrayLike = 1.0) -> Array:
        """(n,) normal."""
        return np.asarray(np.asarray(mean) + np.asarray(spread) * ndtri(np.clip(self.uniform(), 1e-9, 1 - 1e-9)))

    def exponential(self, mean: ArrayLike = 1.0) -> Array:
        """(n,) exponential."""
        return np.asarray(-np.asarray(mean) * np.log(np.clip(1 - self.uniform(), 1e-12, 1)))

    def choice(self, shares: ArrayLike) -> NDArray[np.int64]:
        """(n,) index drawn with `shares` (k,) or (n, k), which sum to 1."""
        edges = np.cumsum(np.asarray(shares, dtype=float), axis=-1)
        count = (self.uniform()[:, None] > edges[..., :-1]).sum(axis=1)
        return np.asarray(count, dtype=np.int64)


def generator(seed: int, identifier: str, purpose: str) -> np.random.Generator:
    """The random generator of one fibre for one purpose."""
    return np.random.default_rng(object_seed(seed, f"{identifier} {purpose}"))
