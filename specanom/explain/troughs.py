"""Broad absorption of quasars: troughs blueward of the strong resonance lines of the ultraviolet, where a wind absorbs.

A trough lies at least a tenth below what is expected over at least 2,000 km/s, as absorption counts as broad (Weymann
et al. 1991, ApJ 373, 23). What is expected is the reconstruction, brought to the level of the spectrum around, so that
a slope that the model does not follow is no trough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..lines import C_KMS, LINES, Line, line
from .narrow import middle, runs_of

RESONANCE = tuple(line(name) for name in ("NV1241", "SiIV1400", "CIV1549", "AlIII1857", "MgII2799"))
LABELS = tuple("Si IV" if item.name == "SiIV1400" else item.label for item in RESONANCE)  # its neighbour absorbs not
FASTEST = 25000.0  # km/s, of winds; C IV reaches Si IV beyond
WIDTH = 2000.0  # km/s, shortest trough
DEEP = 0.1  # of what is expected
SURE = 3.0  # times the noise of the mean over half of WIDTH
LEVELS = 4  # parts of the spectrum whose levels are compared: each wider than two troughs
STEP = 500.0  # km/s to which speeds are told
_STRONG = tuple(item for item in LINES if item.kind == "uv" and item.half_width > 2000.0)
_FOREST = line("Lya").wave  # bluer, clouds on the way absorb


@dataclass(frozen=True, eq=False)
class Troughs:
    """Which pixels lie in a trough.

    Attributes
    ----------
    which : (p,) int array
        Index into RESONANCE of the line that absorbs, −1 for none.
    speed : (p,) array
        Velocity against that line, km/s, negative towards the observer; 0 elsewhere.
    """

    which: NDArray[np.intp]
    speed: NDArray[np.float64]

    def named(self, pixels: NDArray[np.intp], mass: NDArray[np.float64]) -> str:
        """Return the name of these pixels of troughs, weighted by `mass`: ``"C IV trough, −8,000 km/s"``."""
        held = np.bincount(self.which[pixels], weights=mass[pixels], minlength=len(RESONANCE))
        most = int(held.argmax())
        pixels = pixels[self.which[pixels] == most]
        speed = float(np.average(self.speed[pixels], weights=mass[pixels] + 1e-30))
        told = f"{abs(round(speed / STEP)) * STEP:,.0f}"
        return f"{LABELS[most]} trough, {'' if told == '0' else '−'}{told} km/s"


def absorber(name: str) -> str:
    """Return the line that absorbs in a segment called `name`; empty for other names.

    Examples
    --------
    >>> absorber("Mg II trough, −3,500 km/s (telluric H₂O)")
    'Mg II'
    """
    label, found, _ = name.partition(" trough, ")
    return label if found and label in LABELS else ""


def troughs_of(
    rest: NDArray[np.float64], flux: NDArray[np.float32], model: NDArray[np.float64], *,
    ivar: NDArray[np.float32] | None, masked: NDArray[np.bool_],
) -> Troughs | None:
    """Return the troughs of a quasar; None without any.

    The cores of strong lines, ± 2,500 km/s, are left out: less light there may be less emission.

    Parameters
    ----------
    rest : (p,) array
        Rest-frame wavelengths, Å.
    flux : (p,) array
    model : (p,) array
        The reconstruction; NaN where it is not known.
    ivar : (p,) array or None
    masked : (p,) bool array
        Pixels that say nothing.
    """
    which, speed = _windows(rest)
    good = ~masked & np.isfinite(model) & (model > 0)
    if not (good & (which >= 0)).any():
        return None
    expected = np.where(good, model, 0.0) * _level(flux, model, good)
    half = max(1, round(0.25 * WIDTH / C_KMS / float(np.median(np.diff(np.log(rest))))))
    missing = np.where(good, expected - flux, 0.0)
    number, deep, light = (_sums(values, half) for values in (good.astype(np.float64), missing, expected))
    if ivar is None:
        variance = number * (1.4826 * middle(np.abs(np.diff(missing[good]))) / np.sqrt(2.0)) ** 2
    else:
        known = good & (ivar > 0)
        variance = _sums(np.divide(1.0, ivar, out=np.zeros(rest.size), where=known), half)
    low = (which >= 0) & (deep > DEEP * light) & (deep > SURE * np.sqrt(variance)) & (number > half)
    found = np.full(rest.size, -1, dtype=np.intp)
    for start, stop in zip(*runs_of(low), strict=True):
        if (rest[stop - 1] / rest[start] - 1.0) * C_KMS >= WIDTH:
            found[start:stop] = which[start:stop]
    return Troughs(found, np.where(found >= 0, speed, 0.0)) if (found >= 0).any() else None


def _windows(rest: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the resonance line that would absorb at each pixel, −1 for none, and the velocity against it."""
    which, speed = np.full(rest.size, -1, dtype=np.intp), np.zeros(rest.size)
    for i, item in enumerate(RESONANCE):
        away = (rest / item.wave - 1.0) * C_KMS
        inside = (away <= 0.0) & (away >= -FASTEST) & (rest > _FOREST)
        which[inside], speed[inside] = i, away[inside]
    for item in _STRONG:
        which[_near(rest, item)] = -1
    return which, speed


def _near(rest: NDArray[np.float64], item: Line) -> NDArray[np.bool_]:
    return np.asarray(np.abs(rest / item.wave - 1.0) * C_KMS <= item.half_width)


def _level(flux: NDArray[np.float32], model: NDArray[np.float64], good: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how high the spectrum stands over the model, from the medians of a few wide parts, shape ``(p,)``."""
    at = np.flatnonzero(good)
    parts = np.array_split(at, LEVELS) if at.size >= 50 * LEVELS else [at]
    ratio = flux.astype(np.float64)[at] / model[at]
    levels = [float(np.median(part)) for part in np.split(ratio, np.cumsum([part.size for part in parts])[:-1])]
    if len(parts) == 1:
        return np.full(flux.size, max(levels[0], 0.0))
    middles = [float(part.mean()) for part in parts]
    for end, near, beyond in ((0, 1, 0.0), (-1, -2, flux.size - 1.0)):  # on along the slope to both ends
        slope = (levels[end] - levels[near]) / (middles[end] - middles[near])
        place = 0 if end == 0 else len(middles)
        levels.insert(place, levels[end] + slope * (beyond - middles[end]))
        middles.insert(place, beyond)
    return np.maximum(np.interp(np.arange(flux.size), middles, levels), 0.0)


def _sums(values: NDArray[np.float64], half: int) -> NDArray[np.float64]:
    """Return sums over `half` pixels to both sides, fewer at the ends."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(values.size)
    return np.asarray(total[np.minimum(at + half + 1, values.size)] - total[np.maximum(at - half, 0)])
