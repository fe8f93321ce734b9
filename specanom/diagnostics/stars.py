"""Spectra of stars from a small model atmosphere, computed here and nowhere copied.

A grey atmosphere in radiative and hydrostatic equilibrium gives the temperature at each depth; H⁻, hydrogen, electrons,
atomic lines and molecular bands give the opacity; the flux is the formal solution in plane-parallel layers. Ionisation
and excitation follow Saha and Boltzmann at the effective temperature. It is rough beside a real atmosphere, and good
enough for what it is needed for: how deep the Balmer lines and their neighbours are in a population of a given age.
Continuous opacities follow the fitting formulae in Gray, *The Observation and Analysis of Stellar Photospheres*, ch. 8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expn, voigt_profile

from ..lines import C_KMS, air_to_vacuum
from .atoms import ABUNDANCE, ATOMIC, BANDS, IONISATION, PARTITION, AtomicLine

Floats = NDArray[np.float64]

TURBULENCE = 6.0
"""Doppler width of all lines, km/s: wider than in a star, so that a coarse grid samples it."""
LINE_LAYER = (0.90, 0.15)
"""Where metal lines form: temperature in units of the effective one, and optical depth at 5000 Å."""
STARK = {3: 0.045, 4: 0.056, 5: 0.078, 6: 0.106}
"""Wing width of Hα to Hδ in Å per unit of normal field strength: Unsöld's asymptotic constants, enlarged (Hα doubled,
the others by a quarter) until A stars have the equivalent widths they are known for, 10 Å in Hα and 14 Å in Hβ."""
BALMER_LAYER = ((6000.0, 7300.0, 8500.0), (1.13, 1.03, 1.0))
"""Temperature (in units of the effective one) where Balmer wings form: deep, below the metal lines, in cool stars."""
CHROMOSPHERE = 5000.0
"""The second level of hydrogen is populated as at this temperature at least: cool giants keep 1 Å of Hα."""
THOMSON = 6.652e-25
GRAMS_PER_HYDROGEN = 2.3e-24
BALMER_F = {
    3: 0.6407,
    4: 0.1193,
    5: 0.04467,
    6: 0.02209,
    7: 0.0127,
    8: 0.008036,
    9: 0.005429,
    10: 0.003851,
    11: 0.002835,
    12: 0.002151,
    13: 0.001672,
    14: 0.001326,
    15: 0.00107,
    16: 0.000874,
    17: 0.000724,
    18: 0.000606,
}
"""Absorption oscillator strengths of the Balmer series by upper level."""


def h_minus(wave: Floats, theta: float) -> Floats:
    """Return the opacity of H⁻ per neutral hydrogen atom and unit electron pressure, cm²/(dyn cm⁻²)."""
    x = np.clip(wave, 2250.0, 15000.0)
    coefficients = (1.99654, -1.18267e-5, 2.64243e-6, -4.40524e-10, 3.23992e-14, -1.39568e-18, 2.78701e-23)
    alpha = np.clip(np.polynomial.polynomial.polyval(x, coefficients), 0, None)
    bound = 4.158e-28 * alpha * theta**2.5 * 10 ** (0.754 * theta) * (1 - 10 ** (-12398.0 / wave * theta))
    lw, lt = np.log10(x), np.log10(theta)
    f0 = -2.2763 - 1.6850 * lw + 0.76661 * lw**2 - 0.053346 * lw**3
    f1 = 15.2827 - 9.2846 * lw + 1.99381 * lw**2 - 0.142631 * lw**3
    f2 = -197.789 + 190.266 * lw - 67.9775 * lw**2 + 10.6913 * lw**3 - 0.625151 * lw**4
    return np.asarray(bound + 1e-26 * 10 ** (f0 + f1 * lt + f2 * lt**2))


def hydrogen(wave: Floats, theta: float) -> Floats:
    """Return bound-free and free-free opacity of hydrogen per neutral atom, cm²."""
    total = np.zeros_like(wave)
    for n in range(1, 9):
        # Above the last observed Balmer line the series blends into its continuum: start it a little early.
        edge = 911.75 * n**2 * (1.012 if n == 2 else 1.0)
        energy = 13.598 * (1 - 1 / n**2)
        total += np.where(wave < edge, wave**3 / n**3 * 10 ** (-theta * energy), 0.0)
    high = 0.4343 / (2 * theta * 13.598) * (10 ** (-theta * 13.598 * (1 - 1 / 81)) - 10 ** (-theta * 13.598))
    free = 0.4343 / (2 * theta * 13.598) * 10 ** (-theta * 13.598)
    stimulated = 1 - 10 ** (-12398.0 / wave * theta)
    return np.asarray(1.0449e-26 * (total + wave**3 * (high + free)) * stimulated)


def saha(temperature: float, electron_pressure: float, energy: float, ratio: float) -> float:
    """Return the number of ions per atom of the stage below; `ratio` is that of the partition functions."""
    log = -5040.0 / temperature * energy + 2.5 * np.log10(temperature) - 0.1762 + np.log10(ratio * 1.0)
    return float(10**log / electron_pressure)


def electrons_per_hydrogen(temperature: float, electron_pressure: float) -> float:
    """Return free electrons per hydrogen nucleus: hydrogen's own, helium's and those of the metals."""
    ionised = saha(temperature, electron_pressure, 13.598, 0.5)
    total = ionised / (1 + ionised)
    for element in ("Na", "Mg", "Si", "Ca", "Fe", "He"):
        first = IONISATION[element][0]
        ratio = saha(temperature, electron_pressure, first, PARTITION[element][1] / PARTITION[element][0])
        total += 10 ** (ABUNDANCE[element] - 12) * ratio / (1 + ratio)
    return total


def continuous_opacity(wave: Floats, temperature: float, electron_pressure: float) -> Floats:
    """Return continuous opacity per hydrogen nucleus, cm²."""
    theta = 5040.0 / temperature
    neutral = 1 / (1 + saha(temperature, electron_pressure, 13.598, 0.5))
    scatter = THOMSON * electrons_per_hydrogen(temperature, electron_pressure)
    return np.asarray(neutral * (hydrogen(wave, theta) + electron_pressure * h_minus(wave, theta)) + scatter)


def layer_pressure(temperature: float, gravity: float, *, depth: float = 2 / 3) -> float:
    """Return the electron pressure (dyn/cm²) at optical `depth` (5000 Å) and log g `gravity`."""
    reference = np.array([5000.0])
    low, high = -4.0, 6.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        pressure = 10**middle
        electrons = electrons_per_hydrogen(temperature, pressure)
        gas = pressure * (1 + 1.1 / electrons)
        opacity = float(continuous_opacity(reference, temperature, pressure)[0])
        if gas > depth * 10**gravity * GRAMS_PER_HYDROGEN / opacity:
            high = middle
        else:
            low = middle
    return float(10 ** (0.5 * (low + high)))


def population(line: AtomicLine, temperature: float, electron_pressure: float) -> float:
    """Return atoms in the lower level of `line` per hydrogen nucleus, times its statistical weight's share of gf."""
    u = PARTITION[line.element]
    first = saha(temperature, electron_pressure, IONISATION[line.element][0], u[1] / u[0])
    second = saha(temperature, electron_pressure, IONISATION[line.element][1], u[2] / u[1])
    share = (1.0, first, first * second)[line.stage] / (1 + first + first * second)
    level = 10 ** (-5040.0 / temperature * line.energy) / u[line.stage]
    return float(10 ** (ABUNDANCE[line.element] - 12) * share * level)


def line_opacity(wave: Floats, temperature: float, electron_pressure: float) -> Floats:
    """Return the opacity of the atomic lines per hydrogen nucleus, cm², on increasing vacuum wavelengths."""
    total = np.zeros_like(wave)
    centres = air_to_vacuum(np.array([item.wave for item in ATOMIC]))
    neutral = 1 / (1 + saha(temperature, electron_pressure, 13.598, 0.5))
    perturbers = neutral * electron_pressure / max(electrons_per_hydrogen(temperature, electron_pressure), 1e-9)
    for item, centre in zip(ATOMIC, centres, strict=True):
        strength = 8.853e-21 * centre**2 * 10**item.loggf * population(item, temperature, electron_pressure)
        if strength < 1e-27:
            continue
        # Van der Waals broadening by neutral hydrogen, with the natural width below it.
        damping = 2e-5 * (centre / 5000.0) ** 2 * (1.0 + 22.0 * perturbers / 1e5)
        doppler = centre * TURBULENCE / C_KMS / np.sqrt(2)
        reach = max(12 * doppler, min(150.0, np.sqrt(strength * damping / 1e-27)))
        lo, hi = np.searchsorted(wave, [centre - reach, centre + reach])
        total[lo:hi] += strength * voigt_profile(wave[lo:hi] - centre, doppler, damping)
    return total


def balmer_opacity(wave: Floats, temperature: float, electron_pressure: float) -> Floats:
    """Return the opacity of the Balmer lines per hydrogen nucleus, cm², with linear-Stark wings (Δλ^-5/2)."""
    neutral = 1 / (1 + saha(temperature, electron_pressure, 13.598, 0.5))
    level = neutral * 4 * 10 ** (-5040.0 / max(temperature, CHROMOSPHERE) * 10.199)
    density = electron_pressure / (1.38e-16 * temperature)
    field = 1.25e-9 * density ** (2 / 3)
    total = np.zeros_like(wave)
    for upper, f in BALMER_F.items():
        centre = 911.763 / (0.25 - 1 / upper**2) * 1.00002
        doppler = centre * np.hypot(TURBULENCE, np.sqrt(temperature / 60.0)) / C_KMS / np.sqrt(2)
        width = field * STARK.get(upper, 0.085 * (upper / 6) ** 1.7)
        offset = np.abs(wave - centre)
        wing = 1.0 / (1 + (offset / max(width, 1e-4)) ** 2.5) / (2.643 * max(width, 1e-4))
        core = voigt_profile(wave - centre, doppler, 1e-3)
        share = min(0.95, width / (width + doppler))
        total += 8.853e-21 * centre**2 * f * level * ((1 - share) * core + share * wing) * (offset < 300)
    return total


def band_opacity(wave: Floats, temperature: float) -> Floats:
    """Return molecular bands and the veil of unresolved metal lines in units of the continuous opacity."""
    theta, total = 5040.0 / temperature, np.zeros_like(wave)
    heads = air_to_vacuum(np.array([item.head for item in BANDS]))
    for item, head in zip(BANDS, heads, strict=True):
        rise = item.strength * 10 ** (item.energy * (theta - 5040.0 / item.warm))
        depth = 1 / (1 / rise + 1 / item.ceiling)
        away = (wave - head) * np.sign(item.reach)
        total += depth * np.exp(-np.clip(away, 0, None) / abs(item.reach)) / (1 + np.exp(np.clip(-away / 0.8, -50, 50)))
    metals = 1 / (1 + 10 ** (6.0 * (0.78 - theta)))
    total += metals * (0.14 * np.exp(-(wave - 4000) / 500.0) + 0.4 / (1 + np.exp((wave - 3950) / 60.0)))
    return total


def planck(wave: Floats, temperature: Floats) -> Floats:
    """Return B_λ in arbitrary units."""
    return np.asarray((wave / 5000.0) ** -5 / np.expm1(np.clip(1.43878e8 / (wave * temperature), None, 600)))


def star(wave: Floats, temperature: float, gravity: float) -> Floats:
    """Return the surface flux per Å of a star of solar composition.

    Parameters
    ----------
    wave : (p,) array
        Vacuum Å, increasing, steps of 0.1 Å or so: lines are as narrow as in a star.
    temperature : float
        Effective temperature in K, 3000–50 000.
    gravity : float
        log g in cgs.

    Returns
    -------
    (p,) float64 array
        In arbitrary units, the same for all stars.
    """
    pressure = layer_pressure(temperature, gravity)
    continuum = continuous_opacity(wave, temperature, pressure)
    reference = float(continuous_opacity(np.array([5000.0]), temperature, pressure)[0])
    upper = LINE_LAYER[0] * temperature
    thin = layer_pressure(upper, gravity, depth=LINE_LAYER[1])
    metals = line_opacity(wave, upper, thin) / continuous_opacity(wave, upper, thin)
    lower = temperature * float(np.interp(temperature, *BALMER_LAYER))
    dense = layer_pressure(lower, gravity, depth=1.0)
    balmer = balmer_opacity(wave, lower, dense) / continuous_opacity(wave, lower, dense)
    ratio = continuum * (1 + band_opacity(wave, temperature) + metals + balmer) / reference
    # Formal solution F = 2 ∫ B(T(τ)) E₂(t) dt with t = τ·ratio, on points evenly spaced in log t.
    depth = np.logspace(-2.2, 1.0, 14)
    weight = 2 * expn(2, depth) * np.gradient(depth)
    weight /= weight.sum()
    flux = np.zeros_like(wave)
    for t, w in zip(depth, weight, strict=True):
        local = temperature * (0.75 * (t / ratio + 0.6667)) ** 0.25
        flux += w * planck(wave, np.minimum(local, 2.5 * temperature))
    return flux
