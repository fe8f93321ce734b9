"""Which spectra are of like signal-to-noise ratio and redshift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, DataError, message
from .metrics import Doubles

MAD_TO_SIGMA = 1.4826
FEWEST = 20
_AT_ONCE = 4096


def default_neighbours(n: int) -> int:
    """Return how many neighbours `n` spectra allow: a tenth of them, at least 50 and at most 200."""
    return int(min(max(n // 10, 50), 200, n))


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Reference spectra by S/N and redshift.

    Distances are taken in log S/N and log z, each in units of its robust spread.

    Attributes
    ----------
    snr, z : (n,) arrays
        Of the reference spectra; NaN where unknown.
    ids : list of str
    neighbours : int
        How many make a neighbourhood.
    """

    snr: Doubles
    z: Doubles
    ids: list[str]
    neighbours: int

    def __post_init__(self) -> None:
        if len(self.ids) < FEWEST:
            raise DataError(message("sample", expected=f"at least {FEWEST} spectra to calibrate against",
                                    got=len(self.ids), hint="use the raw score of so few"))
        if not FEWEST // 2 <= self.neighbours <= len(self.ids):
            raise ArgumentError(message("neighbours", expected=f"{FEWEST // 2} to {len(self.ids)}, the sample's size",
                                        got=self.neighbours, hint="leave it to the size of the sample"))

    def __len__(self) -> int:
        return len(self.ids)

    def centre_and_width(
        self, values: Doubles, snr: ArrayLike, z: ArrayLike, ids: Sequence[str] | None = None
    ) -> tuple[Doubles, Doubles]:
        """Return median and 1.4826·MAD of the reference `values` near each ``(m,)`` place.

        Parameters
        ----------
        values : (n,) array
            Of the reference spectra; NaN ones do not count.
        snr, z : (m,) arrays
            Where to look; NaN where unknown.
        ids : sequence of str, optional
            Names of what is looked up: a reference spectrum is left out of its own neighbourhood.
        """
        places = self._coordinates(snr, z)
        centre, width = np.empty(len(places)), np.empty(len(places))
        for start in range(0, len(places), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            near = values[self._near(places[rows], None if ids is None else ids[rows])]
            with np.errstate(all="ignore"):
                centre[rows] = np.nanmedian(near, axis=1)
                width[rows] = MAD_TO_SIGMA * np.nanmedian(np.abs(near - centre[rows, None]), axis=1)
        return centre, np.maximum(width, self._floor(values))

    def _floor(self, values: Doubles) -> float:
        """The smallest width, so that equal scores among the neighbours do not divide by zero."""
        known = values[np.isfinite(values)]
        spread = float(np.subtract(*np.percentile(known, [84, 16]))) if known.size else 0.0
        return max(1e-3 * spread, np.finfo(np.float64).eps)

    def _coordinates(self, snr: ArrayLike, z: ArrayLike) -> Doubles:
        """Coordinates in units of the robust spread, NaN where unknown, ``(m, 2)``."""
        both = np.column_stack([np.atleast_1d(np.asarray(one, dtype=np.float64)) for one in (snr, z)])
        with np.errstate(invalid="ignore", divide="ignore"):
            logs = np.where(both > 0, np.log(both), np.nan)
        centre, spread = self._units
        return np.asarray((logs - centre) / spread)

    @cached_property
    def _units(self) -> tuple[Doubles, Doubles]:
        with np.errstate(invalid="ignore", divide="ignore"):
            logs = [np.log(one[one > 0]) for one in (self.snr, self.z)]
        bounds = [np.percentile(one, [16, 50, 84]) if one.size else np.zeros(3) for one in logs]
        spread = [0.5 * (high - low) if high > low else 1.0 for low, _, high in bounds]
        return np.array([middle for _, middle, _ in bounds]), np.array(spread)

    def _near(self, places: Doubles, ids: Sequence[str] | None) -> NDArray[np.intp]:
        """Rows of the reference near each place, ``(m, k)``; those without a place use what is known of them."""
        k = min(self.neighbours + 1, len(self))
        found = np.empty((len(places), k), dtype=np.intp)
        known = np.isfinite(places)
        for pattern in np.unique(known, axis=0):
            rows = np.flatnonzero((known == pattern).all(axis=1))
            found[rows] = self._nearest(places[rows][:, pattern], pattern, k)
        return self._without_self(found, ids)

    def _nearest(self, places: Doubles, axes: NDArray[np.bool_], k: int) -> NDArray[np.intp]:
        from scipy.spatial import cKDTree

        reference = self._coordinates(self.snr, self.z)[:, axes]
        rows = np.flatnonzero(np.isfinite(reference).all(axis=1))
        if not axes.any() or rows.size < k:
            # Nothing is known of the place, or of too few others: an even draw from the whole sample.
            return np.broadcast_to(np.linspace(0, len(self) - 1, k).astype(np.intp), (len(places), k))
        found: NDArray[Any] = cKDTree(reference[rows]).query(places, k=k)[1]
        return np.asarray(rows[found.reshape(len(places), k)])

    def _without_self(self, found: NDArray[np.intp], ids: Sequence[str] | None) -> NDArray[np.intp]:
        """Drop each spectrum from its own neighbourhood, or the farthest one where it is not in it."""
        if found.shape[1] <= self.neighbours:
            return found
        own = np.full(len(found), -1) if ids is None else np.array([self._row_of.get(id, -1) for id in ids])
        drop = found == own[:, None]
        drop[~drop.any(axis=1), -1] = True
        return np.asarray(found[~drop].reshape(len(found), -1))

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {id: row for row, id in enumerate(self.ids)}
