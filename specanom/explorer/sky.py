"""The sky on a plane: Mollweide's projection, which keeps areas, with its graticule."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

CENTRE = 180.0
"""Right ascension in the middle, degrees; it grows to the left, as on the sky."""
STEPS = 12


def mollweide(ra: ArrayLike, dec: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return places on the map, in units in which the ellipse is 2 wide and 1 high on either side.

    Snyder (1987), *Map Projections: a Working Manual*, eqs. 31-1 to 31-4; θ by Newton's method.

    Parameters
    ----------
    ra, dec : array
        Degrees; NaN, infinite or beyond the poles gives NaN.

    Examples
    --------
    >>> [round(float(one), 6) + 0.0 for one in mollweide(180.0, 0.0)]
    [0.0, 0.0]
    """
    right, up = np.broadcast_arrays(np.asarray(ra, dtype=np.float64), np.asarray(dec, dtype=np.float64))
    known = np.isfinite(right) & (np.abs(up) <= 90.0)
    phi = np.radians(np.where(known, up, 0.0))
    theta = np.array(phi)
    for _ in range(STEPS):
        slope = 2 + 2 * np.cos(2 * theta)
        step = (2 * theta + np.sin(2 * theta) - np.pi * np.sin(phi)) / np.where(slope > 1e-9, slope, np.inf)
        theta = theta - step
    theta = np.where(np.abs(np.abs(phi) - np.pi / 2) < 1e-9, phi, theta)
    away = (np.where(known, right, 0.0) - CENTRE + 180.0) % 360.0 - 180.0
    x = -away / 90.0 * np.cos(theta)
    return np.where(known, x, np.nan), np.where(known, np.sin(theta), np.nan)


def graticule() -> dict[str, list[Any]]:
    """Return meridians each 30° and parallels each 30° as curves, for a ``multi_line``."""
    along = np.linspace(-90.0, 90.0, 61)
    edges = [mollweide(np.full(61, CENTRE + away), along) for away in (-180.0, *range(-150, 180, 30), 179.999999)]
    around = np.linspace(CENTRE - 180.0, CENTRE + 179.999999, 121)
    edges += [mollweide(around, np.full(121, float(at))) for at in range(-60, 61, 30)]
    return {"xs": [x.tolist() for x, _ in edges], "ys": [y.tolist() for _, y in edges]}


def ticks() -> dict[str, list[Any]]:
    """Return where right ascensions and declinations are written, and what."""
    hours = [(ra, 0.0, f"{ra // 15}h") for ra in range(0, 360, 60) if ra != 0]
    angles = [(CENTRE, dec, f"{dec:+d}°".replace("-", "−")) for dec in (-60, -30, 30, 60)]
    x, y = mollweide([one[0] for one in (*hours, *angles)], [one[1] for one in (*hours, *angles)])
    return {"x": x.tolist(), "y": y.tolist(), "text": [one[2] for one in (*hours, *angles)]}


def outline() -> tuple[list[float], list[float]]:
    """Return the edge of the map."""
    turn = np.linspace(0, 2 * np.pi, 181)
    return (2 * np.cos(turn)).tolist(), np.sin(turn).tolist()
