"""Pairs of positions on the sphere, and how many would be there by chance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Doubles = NDArray[np.float64]
Places = NDArray[np.intp]

AT_ONCE = 50_000
DIRECTIONS = 8
"""Ways in which positions are shifted to count chance matches."""
ENOUGH = 100_000
"""Of more positions, an even choice is shifted."""
LEAST_SHIFT, SHIFT_RADII = 60.0, 10.0
"""Shifts are ten radii, and no less than a minute of arc: beyond the object itself, within the same sky."""


def coordinates(ra: ArrayLike, dec: ArrayLike) -> Any:
    """Return ICRS coordinates of degrees."""
    from astropy.coordinates import SkyCoord

    return SkyCoord(np.asarray(ra, dtype=np.float64), np.asarray(dec, dtype=np.float64), unit="deg", frame="icrs")


def pairs_within(here: Any, there: Any, radius: float) -> tuple[Places, Places, Doubles]:
    """Return every pair within `radius`, nearest first for each of `here`.

    Parameters
    ----------
    here, there : SkyCoord
        Shapes ``(n,)`` and ``(m,)``; either may be empty.
    radius : float
        Arcsec.

    Returns
    -------
    i, j : (k,) int arrays
        Rows of `here` (ascending) and of `there`.
    separation : (k,) float64
        Arcsec, by Vincenty's formula as astropy has it: exact from poles to antipodes.
    """
    from astropy import units as u
    from astropy.coordinates import search_around_sky

    parts: list[tuple[Places, Places, Doubles]] = []
    for start in range(0, len(here), AT_ONCE) if len(there) else ():
        i, j, distance, _ = search_around_sky(here[start : start + AT_ONCE], there, radius * u.arcsec)
        parts.append((i + start, j, distance.to_value(u.arcsec)))
    if not parts:
        return np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0)
    i, j, separation = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.lexsort((j, separation, i))
    return i[order].astype(np.intp), j[order].astype(np.intp), separation[order]


def shifted(here: Any, radius: float, direction: float) -> Any:
    """Return positions moved along a great circle, far enough for nothing there to belong to the object.

    Parameters
    ----------
    here : SkyCoord
    radius : float
        Of the match, arcsec.
    direction : float
        Position angle, degrees.
    """
    from astropy import units as u

    return here.directional_offset_by(direction * u.deg, max(LEAST_SHIFT, SHIFT_RADII * radius) * u.arcsec)


def shift_chance(here: Any, there: Any, radius: float) -> float:
    """Return the share of shifted positions with something within `radius`, over eight directions."""
    if not len(here):
        return float("nan")
    some = here[:: -(-len(here) // ENOUGH)]
    hits = 0
    for k in range(DIRECTIONS):
        moved = shifted(some, radius, 360.0 * k / DIRECTIONS)
        hits += np.unique(pairs_within(moved, there, radius)[0]).size
    return hits / (DIRECTIONS * len(some))


def density_chance(separation: ArrayLike, checked: int, radius: float) -> float:
    """Return the chance of an unrelated source within `radius` from the outer half of the search circles.

    Counterparts crowd in the middle and unrelated sources lie anywhere, so what lies between radius/√2 and the radius,
    half of the area, is taken for unrelated: an upper bound when counterparts reach that far.

    Parameters
    ----------
    separation : (k,) array
        Arcsec, of every pair.
    checked : int
        Positions that were looked up.
    radius : float
        Arcsec.
    """
    if not checked:
        return float("nan")
    outer = int((np.asarray(separation, dtype=np.float64) > radius / np.sqrt(2.0)).sum())
    return float(-np.expm1(-2.0 * outer / checked))


def coincidence(separation: ArrayLike, radius: float, chance: float) -> Doubles:
    """Return the chance of an unrelated source at least as near as `separation`, for a uniform sky (Poisson)."""
    near = (np.asarray(separation, dtype=np.float64) / radius) ** 2
    if not chance < 1.0:
        return np.full(near.shape, chance)
    return np.asarray(-np.expm1(near * np.log1p(-chance)))
