"""Stellar populations of several ages, for the continuum under emission lines.

Built on first use from the stars of :mod:`.stars` (two seconds, then kept): a Salpeter mass function, a main
sequence up to the turn-off, and giants whose share of the light grows with age.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ..lines import C_KMS
from .stars import star

Floats = NDArray[np.float64]

AGES = (0.003, 0.02, 0.06, 0.2, 0.5, 1.0, 2.2, 5.0, 11.0)
"""Ages of the populations, 10⁹ years."""
REDDENINGS = (0.0, 0.35)
"""E(B−V) of a foreground screen, magnitudes."""
SIGMAS = (75.0, 130.0, 190.0, 260.0, 340.0)
"""Widths the templates are broadened to, km/s: stars and instrument together."""
STEP = 4.8e-5
"""log10 step of the template grid, 33.1 km/s."""

_FINE = 6e-6
_DWARFS = (
    (3300.0, 4.9),
    (3700.0, 4.7),
    (4200.0, 4.6),
    (4800.0, 4.55),
    (5400.0, 4.5),
    (5900.0, 4.4),
    (6500.0, 4.3),
    (7300.0, 4.25),
    (8200.0, 4.2),
    (9200.0, 4.15),
    (10500.0, 4.1),
    (13000.0, 4.1),
    (18000.0, 4.1),
    (26000.0, 4.1),
    (38000.0, 4.1),
)
_GIANTS = ((3500.0, 0.8), (3900.0, 1.5), (4400.0, 2.1), (4900.0, 2.7))
_MASS = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 40.0)
_TEMPERATURE = (
    3000.0,
    3250.0,
    3550.0,
    4100.0,
    5000.0,
    5770.0,
    6250.0,
    7050.0,
    8700.0,
    11500.0,
    16500.0,
    25000.0,
    34000.0,
    40000.0,
)


@dataclass(frozen=True, eq=False)
class TemplateBank:
    """Stellar populations on one logarithmic rest-frame grid.

    Attributes
    ----------
    wave : (q,) array
        Vacuum Å.
    flux : (s, t, q) array
        Templates broadened to each of `sigmas`, mean 1 in 5400–5600 Å before reddening.
    sigmas : (s,) array
        Total width, km/s.
    names : tuple of str
        Age and reddening of each of the t templates.
    """

    wave: Floats
    flux: Floats
    sigmas: Floats
    names: tuple[str, ...]

    def on(self, wave: Floats) -> Floats:
        """Return the templates at rest wavelengths `wave`, shape ``(s, t, p)``; zero outside their range."""
        position = (np.log10(wave) - np.log10(self.wave[0])) / STEP
        left = np.clip(position.astype(int), 0, self.wave.size - 2)
        share = (position - left)[:, None]
        # Pixel by pixel the templates lie side by side in memory, so that taking pixels is quick.
        table = self.flux.reshape(-1, self.wave.size).T
        made = table[left] * (1 - share) + table[left + 1] * share
        made[(position < 0) | (position > self.wave.size - 1)] = 0.0
        return np.ascontiguousarray(made.T).reshape(*self.flux.shape[:2], wave.size)


def _stars(fine: Floats, kinds: tuple[tuple[float, float], ...]) -> Floats:
    pixels = round(STEP / _FINE)
    rows = [star(fine, t, g).reshape(-1, pixels).mean(axis=1) for t, g in kinds]
    # Each star in units of its bolometric flux, σT⁴ of the grey atmosphere.
    return np.array([row / (t / 5000.0) ** 4 for row, (t, _) in zip(rows, kinds, strict=True)])


def _at_temperature(bank: Floats, temperatures: Floats, wanted: float) -> Floats:
    place = float(np.interp(np.log(wanted), np.log(temperatures), np.arange(temperatures.size)))
    low = min(int(place), temperatures.size - 2)
    share = place - low
    return np.asarray(bank[low] ** (1 - share) * bank[low + 1] ** share)


def giant_share(age: float) -> float:
    """Return the share of the bolometric light that giants give at `age` (10⁹ years)."""
    return float(np.interp(np.log10(age), [-2.5, -1.7, -0.7, 0.0, 0.7, 1.1], [0.0, 0.12, 0.22, 0.38, 0.55, 0.60]))


def population(age: float, dwarfs: Floats, giants: Floats) -> Floats:
    """Return the spectrum of stars born together `age`·10⁹ years ago, on the grid of `dwarfs` and `giants`."""
    turnoff = float(np.clip((age / 10.0) ** -0.4, 0.8, 60.0))
    mass = np.logspace(np.log10(0.15), np.log10(turnoff), 60)
    temperatures = np.array([t for t, _ in _DWARFS])
    evolved = (mass / turnoff) ** 4  # stars near the turn-off are brighter and cooler than when they were born
    light = mass**-1.35 * np.where(mass < 0.5, 0.7 * mass**2.6, mass**3.6) * (1 + 0.8 * evolved)
    warm = np.interp(np.log(mass), np.log(_MASS), _TEMPERATURE) * (1 - 0.10 * evolved)
    main = sum(
        w * _at_temperature(dwarfs, temperatures, float(np.clip(t, 3300, 38000)))
        for w, t in zip(light / light.sum(), warm, strict=True)
    )
    mixture = np.array([0.10, 0.22, 0.33, 0.35])
    share = giant_share(age)
    return np.asarray((1 - share) * main + share * (mixture @ giants))


@lru_cache(maxsize=1)
def template_bank() -> TemplateBank:
    """Return the populations of every age and reddening, computed once per process."""
    pixels = round(STEP / _FINE)
    count = int((np.log10(9600.0) - np.log10(3200.0)) / STEP)
    fine = 10 ** (np.log10(3200.0) + _FINE * (np.arange(count * pixels) + 0.5))
    wave = 10 ** (np.log10(3200.0) + STEP * (np.arange(count) + 0.5))
    dwarfs, giants = _stars(fine, _DWARFS), _stars(fine, _GIANTS)
    band = (wave > 5400) & (wave < 5600)
    rows, names = [], []
    for age in AGES:
        base = population(age, dwarfs, giants)
        base = base / base[band].mean()
        for reddening in REDDENINGS:
            # A power-law screen: A_V = 3.1 E(B−V), A_λ ∝ λ^-1.2.
            rows.append(base * 10 ** (-0.4 * 3.1 * reddening * ((wave / 5500.0) ** -1.2 - 1)))
            names.append(f"{age:g} Gyr, E(B-V) {reddening:g}")
    flux = np.array(rows)
    velocity = STEP * np.log(10) * C_KMS
    made = np.array([gaussian_filter1d(flux, sigma / velocity, axis=1, mode="nearest") for sigma in SIGMAS])
    broad = np.ascontiguousarray(made.reshape(-1, wave.size).T).T.reshape(made.shape)
    broad.flags.writeable = False
    return TemplateBank(wave, broad, np.array(SIGMAS), tuple(names))
