"""Which spectra are of like signal-to-noise ratio and redshift."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, DataError, message
from .chunks import Doubles

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
    _trees: dict[tuple[int, ...], Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.ids) < FEWEST:
            raise DataError(message("sample", expected=f"at least {FEWEST} spectra to calibrate against",
                                    got=len(self.ids), hint="use the raw score of so few"))
        if not FEWEST // 2 <= self.neighbours <= len(self.ids):
            raise ArgumentError(message("neighbours", expected=f"{FEWEST // 2} to {len(self.ids)}, the sample's size",
                                        got=self.neighbours, hint="leave it to the size of the sample"))

    def __len__(self) -> int:
        return len(self.ids)

    def near(
        self, places: Doubles, axes: tuple[int, ...], ids: Sequence[str] | None = None
    ) -> NDArray[np.intp]:
        """Return the rows of the reference near each place, ``(m, k)``.

        Parameters
        ----------
        places : (m, d) array
            Coordinates, as :meth:`coordinates` gives them, along `axes`.
        axes : tuple of int
            Which coordinates are known of the places: 0 for S/N, 1 for redshift.
        ids : sequence of str, optional
            Names of what is looked up: a reference spectrum is left out of its own neighbourhood.
        """
        k = min(self.neighbours + 1, len(self))
        rows, tree = self._tree(axes)
        if rows.size < k:
            # Nothing is known of the place, or of too few others: an even draw from the whole sample.
            drawn = np.linspace(0, len(self) - 1, k).astype(np.intp)
            return self._without_self(np.tile(drawn, (len(places), 1)), ids)
        found = np.asarray(tree.query(places, k=k)[1])
        return self._without_self(rows[found.reshape(len(places), k)], ids)

    def _tree(self, axes: tuple[int, ...]) -> tuple[NDArray[np.intp], Any]:
        """Rows whose place is known along `axes`, and a tree of them; made once."""
        from scipy.spatial import cKDTree

        if not axes:
            return np.empty(0, dtype=np.intp), None
        if axes not in self._trees:
            known = self.reference[:, axes]
            rows = np.flatnonzero(np.isfinite(known).all(axis=1))
            self._trees[axes] = (rows, cKDTree(known[rows]) if rows.size else None)
        made: tuple[NDArray[np.intp], Any] = self._trees[axes]
        return made

    def coordinates(self, snr: ArrayLike, z: ArrayLike) -> Doubles:
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

    @cached_property
    def reference(self) -> Doubles:
        """Coordinates of the reference spectra, ``(n, 2)``."""
        return self.coordinates(self.snr, self.z)

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


@dataclass(frozen=True, eq=False)
class Usual:
    """What is usual of a score at each S/N and redshift, and how widely it scatters there.

    The neighbours' values are first moved to the place along the trend of the whole sample, a robust plane in log S/N
    and log z: scores fall so steeply with S/N that a plain median of the neighbours would leave a third of the
    dependence standing. Then median and 1.4826·MAD are taken.

    Attributes
    ----------
    neighbourhood : Neighbourhood
    values : (n,) array
        Of the reference spectra; NaN ones do not count.
    """

    neighbourhood: Neighbourhood
    values: Doubles
    _flat: dict[tuple[int, ...], tuple[Doubles, Doubles]] = field(default_factory=dict, init=False, repr=False)

    def __call__(
        self, snr: ArrayLike, z: ArrayLike, ids: Sequence[str] | None = None
    ) -> tuple[Doubles, Doubles]:
        """Return centre and width ``(m,)`` at each place.

        Parameters
        ----------
        snr, z : (m,) arrays
            Where to look; where one is NaN, neighbours are those in the other.
        ids : sequence of str, optional
            A reference spectrum is left out of its own neighbourhood.
        """
        return usual_of([self], snr, z, ids)[0]

    def _without_trend(self, axes: tuple[int, ...]) -> tuple[Doubles, Doubles]:
        """Slopes along `axes`, and the values less the plane; made once."""
        if axes not in self._flat:
            reference = self.neighbourhood.reference[:, axes]
            slope = robust_plane(reference, self.values)
            self._flat[axes] = (slope, self.values - reference @ slope)
        return self._flat[axes]

    @cached_property
    def _floor(self) -> float:
        """The smallest width, so that equal scores among the neighbours do not divide by zero."""
        known = self.values[np.isfinite(self.values)]
        spread = float(np.subtract(*np.percentile(known, [84, 16]))) if known.size else 0.0
        return max(1e-3 * spread, float(np.finfo(np.float64).eps))


def usual_of(
    several: Sequence[Usual], snr: ArrayLike, z: ArrayLike, ids: Sequence[str] | None = None
) -> list[tuple[Doubles, Doubles]]:
    """Return centre and width ``(m,)`` of several scores at each place; neighbours are sought once for all.

    Parameters
    ----------
    several : sequence of Usual
        Of one neighbourhood.
    snr, z, ids
        As :class:`Usual` takes them.
    """
    near = several[0].neighbourhood
    places = near.coordinates(snr, z)
    made = [(np.empty(len(places)), np.empty(len(places))) for _ in several]
    known = np.isfinite(places)
    for pattern in np.unique(known, axis=0):
        axes = tuple(int(axis) for axis in np.flatnonzero(pattern))
        flat = [one._without_trend(axes) for one in several]
        rows = np.flatnonzero((known == pattern).all(axis=1))
        for part in np.array_split(rows, max(1, rows.size // _AT_ONCE)):
            here = places[part][:, axes]
            around = near.near(here, axes, None if ids is None else [ids[row] for row in part])
            for (slope, rest), (centre, width) in zip(flat, made, strict=True):
                middle, width[part] = _middle_and_spread(rest[around])
                centre[part] = middle + here @ slope
    return [(centre, np.maximum(width, one._floor)) for one, (centre, width) in zip(several, made, strict=True)]


def _middle_and_spread(near: Doubles) -> tuple[Doubles, Doubles]:
    """Median and 1.4826·MAD of each row, NaN left out."""
    median = np.nanmedian if np.isnan(near).any() else np.median
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a row of NaN gives NaN, as it should
        middle = median(near, axis=1)
        spread = median(np.abs(near - middle[:, None]), axis=1)
    return np.asarray(middle), np.asarray(MAD_TO_SIGMA * spread)


def robust_plane(places: Doubles, values: Doubles, *, steps: int = 30) -> Doubles:
    """Return the slopes ``(d,)`` of `values` along `places` ``(n, d)`` that a few odd ones cannot bend.

    Huber's estimate by iterated weights, with the corner at one robust standard deviation. Zero slopes when there
    are too few places to tell.
    """
    good = np.isfinite(places).all(axis=1) & np.isfinite(values)
    if not places.shape[1] or good.sum() < FEWEST:
        return np.zeros(places.shape[1])
    design, target = np.column_stack([np.ones(int(good.sum())), places[good]]), values[good]
    weight = np.ones(target.size)
    for _ in range(steps):
        root = np.sqrt(weight)
        found = np.linalg.lstsq(design * root[:, None], target * root, rcond=None)[0]
        miss = target - design @ found
        miss -= np.median(miss)
        scale = MAD_TO_SIGMA * np.median(np.abs(miss))
        if scale == 0.0:
            break
        weight = 1.0 / np.maximum(1.0, np.abs(miss) / scale)
    return np.asarray(found[1:])
