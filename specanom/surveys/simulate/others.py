"""What else a plate holds: blank sky, standard stars, other stars and quasars."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from specanom.surveys.simulate.grid import REST, WAVE
from specanom.surveys.simulate.populations import dwarf

Array = NDArray[np.float64]

#: Names and shares of the roles of fibres; galaxies take the rest.
ROLES = ("sky", "standard", "star", "quasar", "galaxy")
ROLE_SHARES = (0.05, 0.025, 0.008, 0.022, 0.895)

# rest wavelength in vacuum Å, equivalent width in Å, dispersion in km/s of the broad lines of quasars
_QUASAR_LINES = (
    (1215.67, 75, 2600), (1240.81, 18, 2600), (1305.5, 4, 1800), (1399.8, 9, 2700), (1549.06, 28, 2300), (1640.42, 6,
        3000),
    (1663.5, 3, 2200), (1857.4, 3, 1800), (1908.73, 22, 3300), (2798.75, 32, 1900), (3426.84, 1.2, 500), (3728.5,
        2.0, 300),
    (3869.86, 1.5, 350), (4102.89, 5, 1900), (4341.69, 13, 1900), (4862.69, 46, 1900), (4960.295, 4.5, 280),
    (5008.24, 13.5, 280), (5877.25, 5, 2000), (6564.61, 190, 1800), (6585.27, 4, 300),
)  # fmt: skip
_IRON = ((1860, 100, 0.04), (2080, 70, 0.05), (2250, 60, 0.10), (2480, 90, 0.18), (2590, 60, 0.12), (2960, 90, 0.10),
         (3200, 90, 0.07),
         (4570, 70, 0.16), (5190, 60, 0.10), (5310, 55, 0.12))  # fmt: skip


def star(rng: np.random.Generator, standard: bool) -> tuple[Array, float, str]:
    """Spectrum (p,) of a star, its redshift and its class: an F subdwarf when it calibrates the plate."""
    if standard:
        kelvin, metals = rng.uniform(5900, 6800), -0.7
    else:
        kelvin, metals = float(rng.choice([3300.0, 3700.0, 4600.0, 5600.0, 8800.0, 11000.0])) * rng.uniform(0.96,
            1.04), 0.0
    z = rng.normal(0, 2.5e-4)
    flux = np.interp(WAVE / (1 + z), REST, dwarf(kelvin, metals))
    kernel = np.exp(-0.5 * (np.arange(-4, 5) / 0.95) ** 2)
    flux = np.convolve(np.pad(flux, 4, mode="edge"), kernel / kernel.sum(), "valid")
    letter = "MKGFABO"[int(np.searchsorted([3900, 5200, 6000, 7500, 10000, 28000], kelvin))]
    return flux / np.median(flux), float(z), letter


def quasar(rng: np.random.Generator) -> tuple[Array, float]:
    """Spectrum (p,) of a quasar and its redshift."""
    z = float(rng.uniform(0.35, 2.6))
    wave = WAVE / (1 + z)
    slope = rng.normal(-1.5, 0.25)
    flux = np.where(wave < 5000, (wave / 5000) ** slope, (wave / 5000) ** (0.45 * slope))
    flux = flux * (1 + 0.12 * np.exp(-0.5 * ((wave - 3000) / 600) ** 2))
    strength = np.exp(rng.normal(0, 0.3, len(_QUASAR_LINES)))
    width = np.exp(rng.normal(0, 0.25))
    for (line, equivalent, speed), factor in zip(_QUASAR_LINES, strength, strict=True):
        sigma = line * speed * (width if speed > 1000 else 1.0) / 299792.458
        level = (line / 5000) ** slope
        peak = level * equivalent * factor / (sigma * np.sqrt(2 * np.pi))
        flux = flux + peak * np.exp(-0.5 * ((wave - line) / sigma) ** 2)
    iron = np.exp(rng.normal(0, 0.5))
    for line, sigma, height in _IRON:
        flux = flux + iron * height * (line / 5000) ** slope * np.exp(-0.5 * ((wave - line) / sigma) ** 2)
    forest = wave < 1215.67
    if forest.any():
        ragged = np.exp(-np.abs(np.convolve(rng.normal(0, 1, len(wave)), np.ones(3) / 3, "same")) * 0.5 * (1 + z) / 3)
        flux = np.where(forest, flux * ragged, flux)
    return flux / np.median(flux), z
