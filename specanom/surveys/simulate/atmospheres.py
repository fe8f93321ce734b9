"""Spectra of single stars from small model atmospheres in local thermodynamic equilibrium.

A grey temperature law, hydrostatic pressure, the opacities of `opacity.py` and the lines of `stellar_lines.py` give the
flux that leaves the star. It is no match for a real library of stars, and need not be: it puts the Balmer jump, the
4000 Å break, Ca H and K, the G band, Mg b, the iron lines, Na D and the TiO bands where they belong and lets each grow
and fade with temperature, gravity and metals as nature does. No file is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from specanom.surveys.simulate.grid import REST
from specanom.surveys.simulate.line_opacity import BANDED, FINE, hydrogen_lines, metal_profiles, populations
from specanom.surveys.simulate.opacity import HYDROGEN_MASS, MEAN_MASS, continuum, electron_pressure

Array = NDArray[np.float64]

#: Effective temperature (K) and log surface gravity of the dwarfs and of the giants of the library.
DWARFS = (
    (3200, 5.0), (3600, 4.8), (4000, 4.7), (4500, 4.6), (5000, 4.55), (5500, 4.5), (6000, 4.4), (6500, 4.3),
    (7100, 4.2), (7800, 4.2), (8700, 4.15), (9800, 4.1), (11500, 4.1), (14000, 4.1), (18000, 4.1), (24000, 4.1),
    (32000, 4.1), (42000, 4.0),
)  # fmt: skip
GIANTS = ((3200, 0.2), (3500, 0.6), (3800, 1.2), (4150, 1.7), (4500, 2.2), (4900, 2.7), (5400, 3.2), (7200, 2.9),
          (9500, 2.9))
#: Metals relative to the Sun, dex.
METALS = (-0.7, 0.0, 0.3)
_DEPTHS = np.logspace(-5.2, 1.7, 30)


@dataclass(frozen=True, eq=False)
class Library:
    """Surface flux of the stars on `REST`.

    Attributes
    ----------
    temperature, gravity, metals : (k,) effective temperature in K, log g, dex
    giant : (k,) bool
    flux : (k, p) float64, erg/s/cm²/Å divided by the bolometric surface flux σT⁴
    """

    temperature: Array
    gravity: Array
    metals: Array
    giant: NDArray[np.bool_]
    flux: Array


def grey_temperature(effective: Array, depth: Array) -> Array:
    """Temperature (…, depths) of an atmosphere: grey, with its surface cooled by line blanketing."""
    hopf = 0.7104 - 0.1331 * np.exp(-3.4488 * depth) - 0.24 * np.exp(-depth / 0.02)
    return np.asarray(effective[..., None] * (0.75 * (depth + hopf)) ** 0.25)


def structure(effective: Array, gravity: Array, metals: Array) -> tuple[Array, Array, Array, Array]:
    """Temperature, gas pressure, electron pressure and opacity at 5000 Å, each (stars, depths)."""
    temperature = grey_temperature(effective, _DEPTHS)
    pressure = np.empty_like(temperature)
    acceleration, abundance = 10.0**gravity, 10.0**metals
    step = np.log(_DEPTHS[1] / _DEPTHS[0])
    previous = np.full(len(effective), 1.0) * acceleration**0.5 * 0.05
    weight = MEAN_MASS * HYDROGEN_MASS

    def slope(p: Array, k: int) -> Array:
        pe = electron_pressure(p, temperature[:, k], abundance)
        kappa = continuum(np.array(5000.0), temperature[:, k], pe) / weight
        return np.asarray(acceleration * _DEPTHS[k] / kappa)

    for k in range(len(_DEPTHS)):
        if k == 0:
            for _ in range(6):
                previous = 0.5 * previous + 0.5 * 1.3 * slope(previous, 0)
            pressure[:, 0] = previous
            continue
        first = slope(previous, k - 1)
        guess = previous + step * first
        previous = previous + 0.5 * step * (first + slope(guess, k))
        pressure[:, k] = previous
    pe = electron_pressure(pressure, temperature, abundance[:, None])
    return temperature, pressure, pe, continuum(np.array(5000.0), temperature, pe)


def planck(wave: Array, temperature: Array) -> Array:
    """Planck function per Å, erg/s/cm²/Å/sr."""
    return np.asarray(1.1910e27 / wave**5 / np.expm1(np.clip(1.43878e8 / (wave * temperature), None, 600.0)))


def emergent(temperature: Array, smooth: Array, sharp: Array, kappa_5000: Array) -> Array:
    """Flux (p,) of one star on `REST`, along the one ray of the Eddington approximation.

    Parameters
    ----------
    temperature, kappa_5000 : (depths,)
    smooth : (depths, p) opacity that varies little within a pixel
    sharp : (depths, p·FINE) opacity of the lines within pixels
    """
    step = np.log(_DEPTHS[1] / _DEPTHS[0])
    scale = (1.5 * step * _DEPTHS / kappa_5000)[:, None]
    each = np.repeat((smooth * scale).astype(np.float32), FINE, axis=1)
    each += sharp * scale.astype(np.float32)
    tau = np.cumsum(each, axis=0) - 0.5 * each
    passed = np.exp(-tau).reshape(len(_DEPTHS), -1, FINE).mean(axis=2)
    passed = np.vstack([np.ones((1, passed.shape[1])), passed])
    source = planck(REST, temperature[:, None])
    return np.asarray(np.pi * (np.sum((passed[:-1] - passed[1:]) * source, axis=0) + passed[-1] * source[-1]))


@cache
def library() -> Library:
    """The stars of the simulation; computed on first use (about two seconds)."""
    rows = [(t, g, m, giant) for m in METALS for giant, stars in ((False, DWARFS), (True, GIANTS)) for t, g in stars]
    effective, gravity, metals = (np.array([row[i] for row in rows], dtype=float) for i in range(3))
    temperature, pressure, pe, kappa = structure(effective, gravity, metals)
    core, wing = metal_profiles()
    flux = np.empty((len(rows), len(REST)))
    for k in range(len(rows)):
        coarse = continuum(REST[::5], temperature[k][:, None], pe[k][:, None])
        smooth = np.array([np.interp(REST, REST[::5], row) for row in coarse]) + hydrogen_lines(temperature[k], pe[k])
        amount, damped = populations(temperature[k], pressure[k], pe[k], 10 ** metals[k])
        smooth = smooth + damped[:, ~BANDED].astype(np.float32) @ wing[~BANDED]
        # the lines of a band leave gaps, through which the star shines however strong the band
        bands = damped[:, BANDED].astype(np.float32) @ wing[BANDED]
        smooth = smooth + bands / (1 + bands / (9.0 * smooth))
        flux[k] = emergent(temperature[k], smooth, amount.astype(np.float32) @ core,
                           kappa[k]) / (5.6704e-5 * effective[k] ** 4)
    return Library(effective, gravity, metals, np.array([bool(row[3]) for row in rows]), flux)
