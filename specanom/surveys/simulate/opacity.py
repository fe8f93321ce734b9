"""State and continuous opacity of stellar gas: Saha, Boltzmann, H⁻, hydrogen and electrons.

Formulas of Gray, *The Observation and Analysis of Stellar Photospheres* (3rd ed., chapters 1 and 8) and of John (1988)
for the bound-free absorption of H⁻. Opacities are cm² per hydrogen nucleus; pressures dyn/cm²; wavelengths Å.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from specanom.surveys.simulate.stellar_lines import ELEMENTS

Array = NDArray[np.float64]

BOLTZMANN = 1.380649e-16
HYDROGEN_MASS = 1.6735e-24
#: Atomic masses of gas per hydrogen nucleus, helium included.
MEAN_MASS = 1.4
_JOHN = (152.519, 49.534, -118.858, 92.536, -34.194, 4.982)
_DONORS = ("Na", "Mg", "Al", "Si", "K", "Ca", "Fe")


def saha(temperature: Array, energy: float, ratio: float) -> Array:
    """Saha factor Φ: (ions per neutral) × electron pressure, dyn/cm² (Gray, eq. 1.20)."""
    return np.asarray(0.6665 * ratio * temperature**2.5 * 10 ** (-5040.0 * energy / temperature))


def electron_pressure(pressure: Array, temperature: Array, metals: Array) -> Array:
    """Electron pressure of gas of total `pressure`, by bisection in its logarithm.

    Parameters
    ----------
    pressure, temperature : arrays of one shape
    metals : array that broadcasts with them, abundance of metals relative to the Sun
    """
    phi_h = saha(temperature, 13.598, 0.5)
    donors = [(ELEMENTS[name][0] * metals, saha(temperature, ELEMENTS[name][1], ELEMENTS[name][3])) for name in _DONORS]
    low, high = np.full_like(pressure, -12.0), np.log10(pressure * 0.52)
    for _ in range(40):
        middle = 0.5 * (low + high)
        pe = 10**middle
        per_hydrogen = phi_h / (pe + phi_h) + sum(a * phi / (pe + phi) for a, phi in donors)
        supply = (pressure - pe) / 1.085 * per_hydrogen
        low, high = np.where(supply > pe, middle, low), np.where(supply > pe, high, middle)
    return np.asarray(10 ** (0.5 * (low + high)))


def _h_minus(wave: Array, theta: Array, temperature: Array, pe: Array) -> Array:
    """Bound-free and free-free absorption of H⁻ per neutral hydrogen atom."""
    micron = wave / 1e4
    gap = np.clip(1 / micron - 1 / 1.6419, 0, None)
    cross = 1e-18 * micron**3 * gap**1.5 * sum(c * gap ** (i / 2) for i, c in enumerate(_JOHN))
    bound = 0.750 * temperature**-2.5 * np.exp(1.439e4 / (1.6419 * temperature)) * cross
    bound = bound * (1 - np.exp(-1.439e4 / (micron * temperature)))
    x, t = np.log10(wave), np.log10(theta)
    f0 = -2.2763 - 1.6850 * x + 0.76661 * x**2 - 0.053346 * x**3
    f1 = 15.2827 - 9.2846 * x + 1.99381 * x**2 - 0.142631 * x**3
    f2 = -197.789 + 190.266 * x - 67.9775 * x**2 + 10.6913 * x**3 - 0.625151 * x**4
    free = 1e-26 * 10 ** (f0 + f1 * t + f2 * t**2)
    return np.asarray(pe * (bound + free))


def _hydrogen(wave: Array, theta: Array, levels: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)) -> Array:
    """Bound-free and free-free absorption of neutral hydrogen per atom, with the lines near each edge run together."""
    total = np.zeros(np.broadcast_shapes(wave.shape, theta.shape))
    for n in levels:
        edge = 911.75 * n**2
        chi = 13.598 * (1 - 1 / n**2)
        # The highest lines of a series merge before its edge, where the plasma dissolves their levels.
        share = 1 / (1 + np.exp(np.clip((wave / edge - 1.013) / 0.0028, -60, 60)))
        total = total + share * wave**3 / n**3 * 10 ** (-theta * chi)
    free = 0.4343 / (2 * theta * 13.598) * 10 ** (-theta * 13.598)
    rest = 0.4343 / (2 * theta * 13.598) * (10 ** (-theta * 13.598 * (1 - 1 / 64)) - 10 ** (-theta * 13.598))
    stimulated = 1 - 10 ** (-theta * 12398.0 / wave)
    return np.asarray(1.0449e-26 * (total + wave**3 * (free + rest)) * stimulated)


def continuum(wave: Array, temperature: Array, pe: Array) -> Array:
    """Continuous opacity per hydrogen nucleus, cm²; the arguments broadcast."""
    theta = 5040.0 / temperature
    neutral = pe / (pe + saha(temperature, 13.598, 0.5))
    electrons = 0.6652e-24 * np.clip(1 - neutral, pe * 1e-12, None)
    return np.asarray(neutral * (_h_minus(wave, theta, temperature, pe) + _hydrogen(wave, theta)) + electrons)
