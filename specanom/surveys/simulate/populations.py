"""Stellar populations: the light of all stars born at one time, by age and metals.

Main-sequence stars follow mass-luminosity and mass-radius laws and a Kroupa initial mass function; evolved stars get
the share of the light that the fuel they burn allows (Renzini & Buzzoni 1986), spread over the temperatures of the
giant branch, the clump and the supergiants.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from specanom.surveys.simulate.atmospheres import METALS, library
from specanom.surveys.simulate.grid import REST

Array = NDArray[np.float64]

#: Ages of the populations, Gyr.
AGES = (0.003, 0.008, 0.02, 0.05, 0.12, 0.3, 0.6, 1.0, 2.0, 4.0, 8.0, 12.5)
# (temperature K, giant, share of the evolved light) of evolved stars below an age in Gyr
_EVOLVED = (
    (0.01, 0.15, ((24000, False, 0.5), (14000, False, 0.3), (9500, True, 0.12), (3800, True, 0.08))),
    (0.06, 0.25, ((14000, False, 0.35), (9500, True, 0.2), (7200, True, 0.1), (3800, True, 0.35))),
    (0.2, 0.30, ((9500, True, 0.25), (7200, True, 0.2), (4900, True, 0.3), (3800, True, 0.25))),
    (0.8, 0.35, ((7200, True, 0.15), (5400, True, 0.15), (4900, True, 0.4), (4150, True, 0.15), (3500, True, 0.15))),
    (1.7, 0.45, ((5000, True, 0.15), (4500, True, 0.45), (4000, True, 0.18), (3600, True, 0.14), (3250, True, 0.08))),
    (99., 0.70, ((4900, True, 0.16), (4400, True, 0.29), (4070, True, 0.29), (3700, True, 0.18), (3350, True, 0.08))),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Populations:
    """Spectra of simple stellar populations on `REST`.

    Attributes
    ----------
    ages : (k,) Gyr
    metals : (k,) dex relative to the Sun
    flux : (k, p) float64, normalised to a mean of 1 between 5400 and 5600 Å
    """

    ages: Array
    metals: Array
    flux: Array


def _star(temperature: Array, giant: bool, metals: float) -> Array:
    """Spectra (n, p) of stars of given temperatures, interpolated in log T within the library."""
    stars = library()
    rows = np.flatnonzero((stars.giant == giant) & (stars.metals == metals))
    rows = rows[np.argsort(stars.temperature[rows])]
    axis = np.log(stars.temperature[rows])
    place = np.clip(np.interp(np.log(temperature), axis, np.arange(len(rows))), 0, len(rows) - 1)
    low = np.clip(place.astype(int), 0, len(rows) - 2)
    share = (place - low)[:, None]
    return np.asarray((1 - share) * stars.flux[rows[low]] + share * stars.flux[rows[low + 1]])


def dwarf(temperature: float, metals: float = 0.0) -> Array:
    """Spectrum (p,) on `REST` of one dwarf star, divided by its bolometric flux."""
    return np.asarray(_star(np.array([float(temperature)]), False, metals)[0])


def _main_sequence(age: float, metals: float) -> tuple[Array, Array]:
    """Temperature and bolometric light (weighted by number) of the stars that still burn hydrogen."""
    edges = np.logspace(np.log10(0.12), np.log10(_turn_off(age)), 60)
    mass = np.sqrt(edges[1:] * edges[:-1])
    number = np.where(mass < 0.5, mass**-1.3, 0.5 * mass**-2.3) * np.diff(edges)
    light = np.where(mass < 0.43, 0.23 * mass**2.3, np.where(mass < 2, mass**4, 1.4 * mass**3.5))
    light = np.where(mass > 20, 1.4 * 20**1.9 * mass**1.6, light)
    radius = np.where(mass < 1, mass**0.8, mass**0.68)
    temperature = 5772 * (light / radius**2) ** 0.25
    phase = np.clip(age / _lifetime(mass), 0, 1)
    light = light * (1 + 0.9 * phase**1.5)
    temperature = temperature * (1 - np.where(mass > 1.1, 0.19, 0.12) * phase**2.5) * 10 ** (-0.028 * metals)
    return temperature, light * number


def _lifetime(mass: Array) -> Array:
    return np.asarray(10.0 * mass**-2.85 + 0.0028)


def _turn_off(age: float) -> float:
    return float(min(((age - 0.0027) / 10.0) ** (-1 / 2.85), 70.0))


def _evolved(age: float) -> tuple[float, tuple[tuple[int, bool, float], ...]]:
    return next((share, stars) for limit, share, stars in _EVOLVED if age < limit)


def _population(age: float, metals: float) -> Array:
    temperature, light = _main_sequence(age, metals)
    total = light @ _star(temperature, False, metals)
    share, stars = _evolved(age)
    budget = light.sum() * share / (1 - share)
    for kelvin, giant, part in stars:
        # metal-rich giants are cooler, and the branch of an old population lies a little to the red
        shifted = kelvin * 10 ** (-0.026 * metals) * (1 - 0.010 * np.log2(max(age, 4) / 4)) if giant else kelvin
        total = total + budget * part * _star(np.array([float(shifted)]), giant, metals)[0]
    window = (REST > 5400) & (REST < 5600)
    return np.asarray(total / total[window].mean())


@cache
def populations() -> Populations:
    """All populations of the simulation; computed on first use."""
    rows = [(age, metals) for metals in METALS for age in AGES]
    flux = np.array([_population(age, metals) for age, metals in rows])
    return Populations(np.array([r[0] for r in rows]), np.array([r[1] for r in rows]), flux)
