"""Rows on one grid with their gaps, kept so that the mean and the band of any choice of them come at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]

BAND = (16.0, 50.0, 84.0)
"""Percentiles of a band and its middle."""
BANDED = 512
"""Medians and bands are percentiles of at most so many members, drawn at random but always the same."""
FEW = 128
"""Medians of many groups at once are those of at most so many members of each."""
FEWEST = 3.0
"""Fewer members than these say nothing of a group where others of it were not observed."""
COVERED = 0.1
"""In the other frame, members cover different wavelengths: a mean is that of at least this share of them."""
BLOCK = 512


@dataclass(frozen=True, eq=False)
class Band:
    """Mean and median with the band of the middle 68 %.

    Attributes
    ----------
    mean, median, low, high : (p,) float64 arrays
        NaN where no member has a pixel of its own.
    count : int
        Members.
    banded : int
        Members that median and band were taken from.
    """

    mean: Floats
    median: Floats
    low: Floats
    high: Floats
    count: int
    banded: int


@dataclass(frozen=True, eq=False)
class Stack:
    """Rows on one grid, kept ready for means of any choice of them.

    Attributes
    ----------
    wave : (p,) array
        Å.
    values : (m, p) float32 array
        0 where missing.
    missing : (m, p) sparse array
        1 where missing.
    least : float
        Share of a group that must have a pixel for it to have a mean there; when there is such a share, at least three
        members must, where there are as many.
    """

    wave: Floats
    values: NDArray[np.float32]
    missing: Any
    least: float = 0.0

    @classmethod
    def of(cls, wave: Floats, rows: NDArray[np.float32], least: float = 0.0) -> Stack:
        """Make a stack of rows with NaN where a pixel is missing; `rows` are changed in place."""
        gaps = ~np.isfinite(rows)
        rows[gaps] = 0
        return cls(np.asarray(wave, dtype=np.float64), rows, sparse.csr_array(gaps, dtype=np.float32), least)

    def means(self, groups: NDArray[np.float64]) -> Floats:
        """Return the mean of each group, ``(g, p)``.

        Parameters
        ----------
        groups : (g, m) array
            Weight of each row in each group.
        """
        total = np.zeros((len(groups), self.values.shape[1]))
        for start in range(0, len(self.values), BLOCK):  # float32 within a block, float64 between blocks
            part = slice(start, start + BLOCK)
            if groups[:, part].any():
                total += groups[:, part].astype(np.float32) @ self.values[part]
        sizes = groups.sum(axis=1)[:, None]
        seen = sizes - np.asarray(self.missing.T @ groups.T).T
        needed = np.maximum(0.5, self.least * sizes - 0.5)
        if self.least and seen.size:
            needed = np.maximum(needed, np.minimum(FEWEST, seen.max(axis=1, keepdims=True)) - 0.5)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(seen > needed, total / seen, np.nan)

    def band(self, rows: NDArray[np.intp]) -> Band:
        """Return mean, median and 16–84 % band of some rows."""
        group = np.zeros((1, len(self.values)))
        group[0, rows] = 1.0
        mean = self.means(group)[0]
        part = some(rows, BANDED)
        low, median, high = (np.where(np.isfinite(mean), one, np.nan) for one in self._percentiles(part, BAND))
        return Band(mean, median, low, high, len(rows), len(part))

    def medians(self, groups: Sequence[NDArray[np.intp]]) -> Floats:
        """Return the median of each group of rows, ``(g, p)``; of a part of a large group."""
        weights = np.zeros((len(groups), len(self.values)))
        for group, rows in zip(weights, groups, strict=True):
            group[rows] = 1.0
        made = np.array([self._percentiles(some(rows, FEW), (50.0,))[0] for rows in groups])
        made = made.reshape(weights.shape[0], self.values.shape[1])
        return np.where(np.isfinite(self.means(weights)), made, np.nan)

    def _percentiles(self, rows: NDArray[np.intp], wanted: Sequence[float]) -> list[Floats]:
        held = self.values[rows].T.copy()
        held[self.missing[rows].toarray().T > 0] = np.nan
        return _percentiles(held, wanted)


def some(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """Return at most so many of the rows: the same ones each time."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(len(rows)).choice(rows, most, replace=False))


def _percentiles(held: NDArray[np.float32], wanted: Sequence[float]) -> list[Floats]:
    """Return some percentiles of each row, NaN left out, as numpy interpolates them; `held` is sorted in place."""
    if not held.shape[1]:
        return [np.full(len(held), np.nan) for _ in wanted]
    held.sort(axis=1)  # NaN go to the end
    count = np.isfinite(held).sum(axis=1)
    lines = np.arange(len(held))
    made = []
    for percentile in wanted:
        place = np.maximum(count - 1, 0) * (percentile / 100)
        under = place.astype(np.intp)
        over = np.minimum(under + 1, np.maximum(count - 1, 0))
        low, high = held[lines, under].astype(np.float64), held[lines, over].astype(np.float64)
        made.append(np.where(count > 0, low + (high - low) * (place - under), np.nan))
    return made
