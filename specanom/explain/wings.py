"""Broad Balmer lines: where their wings are, beyond what counts as a line of ordinary width.

A broad line stands above the continuum on both sides, falls outwards, and is smooth. Residual sky is not smooth, the
bands of the atmosphere and of cool stars do not fall from the line to both sides: they keep their names.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ..lines import C_KMS, Line, line

BROAD = (line("Ha"), line("Hb"))  # a later one counts only beside all before it
SHOULDER = (1600.0, 2400.0)  # km/s from the line: beyond [N II] beside Hα, within a broad line
OUTER = (2800.0, 4000.0)  # where it must have fallen
SIDE = (8500.0, 12000.0)  # where the continuum is measured; [S II] and [O III] lie within
REACH = 8000.0  # km/s, longest wing
SMOOTH = 15  # pixels of the running median that takes out spikes and residual sky
ABOVE = 5.0  # times the scatter of the smoothed continuum that a shoulder must be high
RISE = 0.05  # share of the continuum that it must be high at least
UNEVEN = 3.0  # times one shoulder may be higher than the other
FADES = 0.1  # share of the shoulder's height at which a wing ends


def wings_of(
    rest: NDArray[np.float64], flux: NDArray[np.float32], masked: NDArray[np.bool_]
) -> list[tuple[Line, NDArray[np.intp]]]:
    """Return the broad lines of a spectrum, each with the pixels that it covers.

    Hβ counts only where Hα is broad too: beside it, iron and the breaks of old stars look like wings.

    Parameters
    ----------
    rest : (p,) array
        Rest-frame wavelengths, Å.
    flux : (p,) array
    masked : (p,) bool array
        Pixels that say nothing.
    """
    found: list[tuple[Line, NDArray[np.intp]]] = []
    for item in BROAD:
        pixels = _wing(item, rest, flux, masked)
        if not pixels.size:
            break
        found.append((item, pixels))
    return found


def _wing(
    item: Line, rest: NDArray[np.float64], flux: NDArray[np.float32], masked: NDArray[np.bool_]
) -> NDArray[np.intp]:
    none = np.zeros(0, dtype=np.intp)
    span = item.wave * SIDE[1] / C_KMS
    start, stop = rest.searchsorted([item.wave - span, item.wave + span])
    at = np.arange(start, stop)[~masked[start:stop]]
    if at.size < 2 * SMOOTH:
        return none
    speed = (rest[at] / item.wave - 1.0) * C_KMS
    level = median_filter(flux[at].astype(np.float64), SMOOTH, mode="nearest")
    sides = [_between(speed, sign, SIDE) for sign in (-1, 1)]
    if min(side.sum() for side in sides) < SMOOTH:
        return none
    places, heights = zip(*((speed[side].mean(), np.median(level[side])) for side in sides), strict=True)
    excess = level - np.interp(speed, places, heights)
    outside = sides[0] | sides[1]
    floor = max(ABOVE * 1.4826 * float(np.median(np.abs(excess[outside] - np.median(excess[outside])))),
                RISE * abs(float(np.mean(heights))))
    shoulders = [_height(excess, speed, sign, SHOULDER) for sign in (-1, 1)]
    outer = [_height(excess, speed, sign, OUTER) for sign in (-1, 1)]
    falls = all(far < near for near, far in zip(shoulders, outer, strict=True))
    if not (min(shoulders) > floor and max(shoulders) < UNEVEN * min(shoulders) and falls):
        return none
    low = (excess < max(FADES * min(shoulders), 0.3 * floor)) & (np.abs(speed) > SHOULDER[0])
    left = max(float(speed[low & (speed < 0)].max(initial=-REACH)), -REACH)
    right = min(float(speed[low & (speed > 0)].min(initial=REACH)), REACH)
    ends = rest.searchsorted(item.wave * (1.0 + np.array([left, right]) / C_KMS))
    return np.arange(int(ends[0]), int(ends[1]))


def _between(speed: NDArray[np.float64], sign: int, ends: tuple[float, float]) -> NDArray[np.bool_]:
    return (sign * speed >= ends[0]) & (sign * speed <= ends[1])


def _height(excess: NDArray[np.float64], speed: NDArray[np.float64], sign: int, ends: tuple[float, float]) -> float:
    inside = excess[_between(speed, sign, ends)]
    return float(np.median(inside)) if inside.size else -np.inf
