"""Quasars: power laws, the small blue bump, iron and broad lines that obey the Baldwin effect.

Slopes, wavelengths and equivalent widths follow the composite spectrum of SDSS (Vanden Berk et al. 2001, Tables 2 and
5); scatter, blueshift of C IV and its dependence on luminosity follow Richards et al. (2011).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from specanom.lines import C_KMS

Array = NDArray[np.float64]


class Broad(NamedTuple):
    """A line of quasars: vacuum wavelength Å, rest equivalent width Å, dispersion km/s, blueshift km/s, Baldwin β."""

    name: str
    wave: float
    equivalent: float
    sigma: float
    blueshift: float
    baldwin: float


_HIGH, _LOW = 0.17, 0.06
LINES: tuple[Broad, ...] = tuple(Broad(*row) for row in (
    ("CIII977", 977.02, 5, 2300, 400, _HIGH), ("OVI1034", 1033.82, 9, 2600, 400, _HIGH),
    ("Lya", 1215.67, 64, 2500, 150, 0.12), ("NV1241", 1240.81, 19, 2900, 300, 0.03),
    ("SiII1263", 1262.59, 0.8, 1500, 0, _LOW), ("OI1305", 1304.35, 2.2, 1700, 0, _LOW),
    ("CII1335", 1335.30, 0.9, 1500, 0, _LOW), ("SiIV1400", 1398.6, 8.6, 2500, 350, 0.08),
    ("CIV1549", 1549.06, 30, 2200, 750, _HIGH), ("HeII1640", 1640.42, 8.0, 4300, 700, _HIGH),
    ("OIII1664", 1663.48, 1.3, 1700, 400, _HIGH), ("NIII1750", 1750.26, 0.7, 1600, 150, _LOW),
    ("AlIII1857", 1857.40, 1.9, 1800, 200, _LOW), ("SiIII1892", 1892.03, 3.2, 1600, 100, _LOW),
    ("CIII1909", 1908.73, 18, 2600, 300, 0.08), ("CII2326", 2326.44, 1.6, 1700, 0, _LOW),
    ("NeIV2424", 2423.83, 0.9, 1100, 50, _LOW), ("MgII2799", 2798.75, 31, 1650, 0, 0.09),
    ("NeV3427", 3426.84, 1.2, 420, 120, 0.15), ("OII3728", 3728.48, 1.6, 260, 0, 0.15),
    ("NeIII3870", 3869.86, 1.5, 380, 60, 0.15), ("Hd", 4102.89, 5.5, 1700, 0, 0.0), ("Hg", 4341.69, 14, 1700, 0, 0.0),
    ("Hb", 4862.69, 46, 1750, 0, 0.0), ("OIII4960", 4960.295, 4.6, 300, 80, 0.15),
    ("OIII5008", 5008.24, 13.7, 300, 80, 0.15),
))
# multiplets of Fe II (and UV 48 of Fe III at 2077 Å) as they blend: centre Å, dispersion Å, height over the continuum
_IRON = ((1786, 16, 0.02), (2077, 32, 0.04), (2250, 45, 0.05), (2330, 40, 0.06), (2400, 34, 0.09), (2490, 45, 0.115),
         (2575, 36, 0.11), (2640, 30, 0.06), (2750, 34, 0.04), (2880, 48, 0.06), (2960, 45, 0.06), (3190, 60, 0.03),
         (3290, 60, 0.02), (4540, 45, 0.09), (4600, 40, 0.06), (5180, 40, 0.05), (5290, 55, 0.08))
_NARROW = 1000.0


@dataclass(frozen=True, eq=False)
class Quasar:
    """What a quasar's light is made of.

    Attributes
    ----------
    z : redshift
    slope : exponent of the continuum f_λ ∝ λ^slope blueward of 4863 Å
    luminosity : log10 of the luminosity relative to a usual quasar at its redshift
    strength : (k,) factor on the equivalent width of each line of `LINES`
    width : (k,) dispersion of each line, km/s
    blueshift : (k,) km/s
    iron, balmer : factor on the iron blends; height of the Balmer continuum at 3000 Å over the power law
    reddening : E(B-V) of dust like that of the Small Magellanic Cloud, mag
    """

    z: float
    slope: float
    luminosity: float
    strength: Array
    width: Array
    blueshift: Array
    iron: float
    balmer: float
    reddening: float

    def without_lines(self, share: float) -> Quasar:
        """Return the same quasar with its lines and iron reduced to `share`."""
        return replace(self, strength=self.strength * share, iron=self.iron * share)


def draw(rng: np.random.Generator, z: float, luminosity: float) -> Quasar:
    """Draw the properties of a quasar of redshift `z` and relative log luminosity."""
    kind = np.array([line.sigma < _NARROW for line in LINES])
    baldwin = np.array([line.baldwin for line in LINES])
    common = rng.normal(0, 0.07)  # all lines of the broad-line region are strong or weak together
    narrow = rng.normal(0, 0.30)
    scatter = rng.normal(0, np.where(kind, 0.08, 0.10)) + np.where(kind, narrow, common)
    strength = 10 ** (scatter - 1.2 * baldwin * luminosity)
    broadening = 10 ** rng.normal(0.04, 0.12)
    # weak C IV is shifted the more
    wind = np.clip(0.9 + 1.2 * rng.normal(0, 0.45) - 2.2 * (scatter[8] - 0.2 * luminosity), -0.2, 4.0)
    widths = np.array([line.sigma for line in LINES]) * np.where(kind, 10 ** rng.normal(0, 0.08), broadening)
    shifts = np.array([line.blueshift for line in LINES]) * np.where(kind, 1.0, wind)
    slope = rng.normal(-1.60, 0.20)
    return Quasar(z, slope, luminosity, strength, widths, shifts, float(10 ** rng.normal(0.0, 0.17)),
                  float(np.clip(rng.normal(0.09, 0.04), 0.0, None)), float(rng.exponential(0.02)))


def continuum(quasar: Quasar, rest: Array) -> Array:
    """Power laws and the Balmer continuum at rest-frame wavelengths, 1 at 2500 Å; dust included.

    Breaks lie at 4863 Å, where the host and hot dust begin, and at 1200 Å (Telfer et al. 2002).
    """
    power = (rest / 2500.0) ** quasar.slope
    power = np.where(rest > 4863, (4863 / 2500) ** quasar.slope * (rest / 4863) ** (0.35 * quasar.slope), power)
    power = np.where(rest < 1200, (1200 / 2500) ** quasar.slope * (rest / 1200) ** (quasar.slope + 1.15), power)
    kelvin = 15000.0
    planck = (3000.0 / rest) ** 5 * np.expm1(1.43878e8 / (3000 * kelvin)) / np.expm1(1.43878e8 / (rest * kelvin))
    bump = planck * (1 - np.exp(-1.0 * (rest / 3646) ** 3)) / (1 - np.exp(-((3000 / 3646) ** 3)))
    bump = bump * quasar.balmer * (3000 / 2500) ** quasar.slope / (1 + np.exp((rest - 3720) / 45))
    return np.asarray((power + bump) * reddened(rest, quasar.reddening))


def reddened(rest: Array, colour: float) -> Array:
    """Transmission of dust of E(B-V) `colour`: A(λ)/E(B-V) = 1.39 λ^-1.2, λ in µm (Prevot et al. 1984)."""
    return np.asarray(10 ** (-0.4 * colour * 1.39 * (rest / 1e4) ** -1.2))


def emission(quasar: Quasar, rest: Array) -> Array:
    """Broad and narrow lines and iron at rest-frame wavelengths, in the unit of :func:`continuum`."""
    total = np.zeros_like(rest)
    levels = continuum(quasar, np.array([line.wave for line in LINES]))
    for line, level, strength, sigma, shift in zip(LINES, levels, quasar.strength, quasar.width, quasar.blueshift,
                                                   strict=True):
        centre = line.wave * (1 - shift / C_KMS)
        area = line.equivalent * strength * level
        if line.sigma < _NARROW:
            total += _gauss(rest, centre, area, line.wave * sigma / C_KMS)
        else:  # a core on a base: neither a Gaussian nor a Lorentzian
            total += _gauss(rest, centre, 0.52 * area, 0.62 * line.wave * sigma / C_KMS)
            total += _gauss(rest, line.wave * (1 - 1.4 * shift / C_KMS), 0.48 * area, 1.7 * line.wave * sigma / C_KMS)
    smooth = continuum(quasar, rest)
    blends = sum(height * np.exp(-0.5 * ((rest - wave) / sigma) ** 2) for wave, sigma, height in _IRON)
    return np.asarray(total + quasar.iron * blends * smooth)


def _gauss(rest: Array, centre: float, area: float, sigma: float) -> Array:
    made = np.zeros_like(rest)
    near = np.abs(rest - centre) < 7 * sigma
    made[near] = area / (sigma * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((rest[near] - centre) / sigma) ** 2)
    return made
