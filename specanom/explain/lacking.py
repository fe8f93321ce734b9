"""Lines that a model expects and a spectrum does not have: they lead an explanation although nothing is to be seen.

Flux and reconstruction are measured alike, against their own continuum beside the line. A line is lacking when the
model has it so clearly that it would stand out of the noise of the spectrum, and nothing stands out there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..lines import C_KMS, LINES, NARROW_KMS
from .classes import Ground

WINDOW = 300.0  # km/s, over which the height of a line is averaged
SIDE = (1200.0, 2500.0)  # km/s from a line where the continuum is measured: between [N II] and [S II] beside Hα
FEWEST = 8  # pixels of continuum below which nothing is said
SEEN = 4.0  # times the noise above which a spectrum has a line, wherever within 600 km/s
EXPECTED = 6.0  # times the noise above which the line of a model would be seen
SHARE = 0.5  # of the height in the model, from which it is the same line, lower
DIFFERS = 3.0  # times the noise by which flux and model differ at a line that is looked at
Doubles = NDArray[np.float64]


def lacking_lines(ground: Ground, model: Doubles) -> frozenset[int]:
    """Return which of the lines the model has and the spectrum has not, as indices into ``LINES``.

    Lines that quasars show broad are left out: what is beside them is no continuum.

    Parameters
    ----------
    ground : Ground
    model : (p,) array
        The reconstruction; the flux itself where the score does not look, where nothing can be lacking.
    """
    if ground.rest is None:
        return frozenset()
    rest, flux = ground.rest, ground.spectrum.flux.astype(np.float64)
    sigma = _noise(ground, flux)
    good = ~ground.masked & np.isfinite(flux) & np.isfinite(model) & np.isfinite(sigma)
    rest, flux, model, sigma = rest[good], flux[good], np.asarray(model, dtype=np.float64)[good], sigma[good]
    looked = [i for i, item in enumerate(LINES) if item.half_width <= NARROW_KMS
              and (not ground.quasar or item.label.startswith("["))]
    centres = np.array([LINES[i].wave for i in looked])
    starts, stops = (rest.searchsorted(centres * (1.0 + sign * WINDOW / C_KMS)) for sign in (-1, 1))
    gap, power = (np.concatenate([[0.0], np.cumsum(values)]) for values in (model - flux, sigma**2))
    differ = np.abs(gap[stops] - gap[starts]) > DIFFERS * np.sqrt(np.maximum(power[stops] - power[starts], 0.0))
    return frozenset(looked[i] for i in np.flatnonzero(differ) if _lacks(centres[i], rest, flux, model, sigma))


def _noise(ground: Ground, flux: Doubles) -> Doubles:
    """Return σ of each pixel, NaN where it is not known; the scatter of the flux when none is."""
    ivar = ground.spectrum.ivar
    if ivar is not None:
        return np.where(ivar > 0, 1.0 / np.sqrt(np.where(ivar > 0, ivar, 1.0)), np.nan)
    steps = np.diff(flux[~ground.masked & np.isfinite(flux)])
    scatter = 1.4826 * float(np.median(np.abs(steps))) / np.sqrt(2.0) if steps.size else np.nan
    return np.full(flux.size, scatter)


def _lacks(centre: float, rest: Doubles, flux: Doubles, model: Doubles, sigma: Doubles) -> bool:
    ends = rest.searchsorted(centre * (1.0 + np.array([-SIDE[1], SIDE[1]]) / C_KMS))
    at = slice(int(ends[0]), int(ends[1]))
    speed = (rest[at] / centre - 1.0) * C_KMS
    near, sides = np.abs(speed) <= NARROW_KMS, [speed <= -SIDE[0], speed >= SIDE[0]]
    width = int((np.abs(speed) <= 0.5 * WINDOW).sum())
    if width < 2 or min(int(side.sum()) for side in sides) < max(FEWEST, width):
        return False
    above = [values[at] - np.interp(speed, [float(speed[side].mean()) for side in sides],
                                    [float(np.median(values[at][side])) for side in sides])
             for values in (flux, model)]
    seen, expected = (_running(values[near], width) for values in above)
    spread = 1.4826 * np.median(np.abs(np.concatenate([_running(above[0][side], width) for side in sides])))
    noise = max(float(np.sqrt(np.mean(sigma[at][near] ** 2) / width)), float(spread))
    light, hole = float(seen.max()), float(-seen.min())
    most = max(float(expected.max()), float(-expected.min()))
    if most <= EXPECTED * noise or max(light, hole) >= SHARE * most:
        return False
    # Absorption by old stars lies under every emission line, so that a little of it is not the line that is expected.
    return light < SEEN * noise and (hole < SEEN * noise or float(expected.max()) == most)


def _running(values: Doubles, width: int) -> Doubles:
    return np.convolve(values, np.full(width, 1.0 / width), "valid")
