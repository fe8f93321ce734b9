"""The spectrograph and the night sky: throughput, sky light, noise, residuals of the sky and bad pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from specanom.lines import TELLURIC_BANDS, air_to_vacuum
from specanom.surveys.simulate.deck import Deck, generator
from specanom.surveys.simulate.emission import lsf_kms
from specanom.surveys.simulate.grid import NPIX, WAVE

Array = NDArray[np.float64]

#: Lines of the night sky: air wavelength in Å and brightness (10⁻¹⁷ erg/s/cm² in a fibre), an ordinary night.
AIRGLOW: dict[str, tuple[tuple[float, float], ...]] = {
    "oxygen": ((5577.34, 1150.0), (6300.30, 250.0), (6363.78, 85.0)),
    "sodium": ((5889.95, 130.0), (5895.92, 90.0), (5683.0, 25.0), (5688.2, 40.0)),
    "city": ((4046.56, 45.0), (4358.34, 100.0), (5460.75, 95.0), (5769.6, 25.0), (5790.7, 25.0)),
    "OH": (
        (6235.5, 45), (6257.96, 40), (6265.2, 18), (6287.43, 32), (6306.9, 38), (6329.8, 33), (6356.2, 22), (6465.0,
            26), (6471.0, 20),
        (6498.73, 40), (6522.4, 14), (6533.04, 32), (6553.62, 38), (6577.28, 30), (6604.1, 14), (6828.5, 62),
        (6832.7, 60),
        (6841.9, 14), (6863.96, 100), (6871.0, 16), (6880.9, 22), (6889.28, 26), (6900.83, 34), (6912.62, 24),
        (6923.22, 57),
        (6939.52, 26), (6948.94, 58), (6978.26, 42), (7003.86, 18), (7011.2, 26), (7048.0, 18), (7240.5, 195),
        (7244.9, 170),
        (7253.2, 40), (7276.41, 255), (7284.44, 90), (7303.7, 55), (7316.28, 190), (7329.15, 85), (7340.89, 215),
        (7358.67, 80),
        (7369.25, 165), (7392.21, 55), (7401.69, 115), (7429.0, 30), (7438.0, 60), (7473.0, 50), (7482.0, 55),
        (7523.9, 125),
        (7530.5, 35), (7557.0, 25), (7571.75, 90), (7586.0, 30), (7599.0, 95), (7618.5, 30), (7629.0, 70), (7654.0, 25),
        (7663.0, 38), (7712.2, 140), (7715.1, 210), (7718.6, 200), (7725.0, 65), (7750.64, 300), (7759.99, 110),
        (7773.2, 50),
        (7780.4, 75), (7794.11, 235), (7808.48, 110), (7821.50, 290), (7841.27, 100), (7853.24, 310), (7860.8, 120),
        (7870.8, 145),
        (7880.6, 95), (7890.6, 170), (7913.71, 375), (7921.0, 170), (7931.6, 115), (7949.20, 80), (7964.65, 270),
        (7980.0, 130),
        (7993.33, 310), (8014.06, 90), (8025.81, 240), (8052.02, 58), (8061.98, 120), (8094.0, 28), (8104.4, 52),
        (8280.9, 210),
        (8288.62, 275), (8298.6, 300), (8310.72, 95), (8344.60, 610), (8352.79, 215), (8364.8, 85), (8382.39, 165),
        (8399.17, 460),
        (8415.23, 205), (8430.17, 560), (8452.25, 185), (8465.36, 400), (8493.39, 125), (8504.63, 255), (8538.6, 55),
        (8548.7, 110),
        (8588.0, 26), (8597.5, 42), (8760.6, 420), (8767.91, 490), (8778.33, 530), (8791.19, 170), (8827.10, 1030),
        (8836.0, 410),
        (8849.9, 120), (8867.61, 275), (8885.85, 730), (8903.11, 340), (8919.64, 880), (8943.40, 280), (8958.08, 660),
        (8988.37, 230), (9001.3, 420), (9037.7, 110), (9049.3, 180), (9092.0, 55), (9102.0, 95), (9151.0, 28),
        (9160.0, 46),
    ),
}  # fmt: skip
# counts per pixel for a flux of 1e-17 erg/s/cm²/Å in a standard exposure, and read noise in counts
_THROUGHPUT = ((3750, 1.9), (3850, 3.7), (4000, 6.6), (4200, 10.7), (4500, 14.8), (5000, 19.0), (5500, 20.5), (5800,
    19.0),
               (5950, 21.5), (6150, 29.5), (6500, 38.0), (7000, 41.0), (7600, 39.5), (8200, 31.0), (8700, 24.0),
               (9000, 18.0),
               (9250, 13.0))  # fmt: skip
_READ_NOISE = 8.5
_SKY_LEVEL = ((3750, 5.2), (4100, 5.2), (4600, 4.9), (5200, 5.0), (5700, 5.2), (6200, 4.6), (6900, 4.0), (7600, 3.9),
              (8300, 4.2), (9250, 4.8))  # fmt: skip


@dataclass(eq=False)
class Exposure:
    """What the instrument adds to n fibres.

    Attributes
    ----------
    throughput : (n, p) counts per flux unit
    sky : (n, p) sky light subtracted, flux units
    draw : (n, p) standard normal numbers of the noise
    residual : (n, p) sky light left over or taken too much, flux units
    telluric : (n, p) factor by which the correction of the atmosphere is wrong
    bad : (n, p) bool, pixels without information
    covered : (n, p) bool, pixels the fibre reaches
    mask : (n, p) int32, bits of SPPIXMASK true in all exposures
    """

    throughput: Array
    sky: Array
    draw: Array
    residual: Array
    telluric: Array
    bad: NDArray[np.bool_]
    covered: NDArray[np.bool_]
    mask: NDArray[np.int32]


@cache
def airglow(which: str) -> Array:
    """Flux density (p,) of one family of sky lines."""
    total = np.zeros(NPIX)
    for air, area in AIRGLOW[which]:
        wave = float(air_to_vacuum(np.array([air]))[0])
        width = wave * float(lsf_kms(np.array(wave))) / 299792.458
        total += area / (width * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((WAVE - wave) / width) ** 2)
    if which == "OH":  # the O2 band at 8645 comes and goes with the OH lines
        total += 42.0 * np.exp(-0.5 * ((WAVE - 8630) / 8) ** 2) + 40.0 * np.exp(-0.5 * ((WAVE - 8662) / 12) ** 2)
        total += np.interp(WAVE, (6150, 6200, 8100, 8280, 9200), (0.0, 1.0, 1.5, 0.8, 0.8))
    return total


@cache
def _telluric() -> Array:
    """Optical depth (p,) of the atmosphere's bands, about 1 at their deepest."""
    rng = np.random.default_rng(7)
    total = np.zeros(NPIX)
    for band in TELLURIC_BANDS:
        depth = {"A": 1.0, "B": 0.35}.get(band.name.split()[-1][:1], 0.25)
        x = (WAVE - band.lo) / (band.hi - band.lo)
        inside = (x > 0) & (x < 1)
        ragged = np.abs(np.convolve(rng.normal(0, 1, NPIX), np.exp(-0.5 * (np.arange(-6, 7) / 2) ** 2) / 3, "same"))
        total += np.where(inside, depth * np.clip(x, 0, 1) ** 0.25 * (1 - np.clip(x, 0,
            1)) * 2 * (0.5 + 0.5 * ragged), 0)
    return total


def expose(deck: Deck, plate: Deck, seeds: tuple[int, list[str]]) -> Exposure:
    """Draw the exposure of one block: `plate` deals what all fibres of a plate share (rows repeat by plate)."""
    base = np.interp(WAVE, *np.array(_THROUGHPUT).T)
    tilt = np.exp(deck.normal(0, 0.10)[:, None] * np.log(WAVE / 6000) * 2)
    dichroic = 1 + 0.15 * deck.normal()[:, None] * np.exp(-0.5 * ((WAVE - 6000) / 130) ** 2)
    throughput = base * tilt * dichroic * (10 ** (plate.normal(0, 0.09) + deck.normal(0, 0.05)))[:, None]
    bright = 10 ** plate.normal(0.06, 0.10)
    moon = np.where(plate.uniform() < 0.15, plate.uniform(0.2, 1.2), 0.05)
    level = np.interp(WAVE, *np.array(_SKY_LEVEL).T)
    sky = bright[:, None] * level * (1 + moon[:, None] * (WAVE / 4500) ** -3)
    lines = {name: 10 ** plate.normal(0, 0.14)[:, None] * airglow(name) for name in AIRGLOW}
    glow = np.sum(list(lines.values()), axis=0)
    rngs = [generator(seeds[0], i, "pixels") for i in seeds[1]]
    draw = np.stack([rng.standard_normal(NPIX, dtype=np.float32) for rng in rngs]).astype(float)
    residual = _residual(deck, lines, glow)
    telluric = 1 + deck.normal(0, 0.022)[:, None] * _telluric()
    bad, covered, mask = _pixels(deck, rngs, glow / level)
    return Exposure(throughput, sky + glow, draw, residual, telluric, bad, covered, mask)


def _residual(deck: Deck, lines: dict[str, Array], glow: Array) -> Array:
    """Sky lines subtracted by a little too much or too little, and a little to one side."""
    slant = np.linspace(-1, 1, NPIX)
    total = np.zeros_like(glow)
    for name, spread in (("oxygen", 0.012), ("sodium", 0.02), ("city", 0.02), ("OH", 0.011)):
        amount = deck.normal(0, spread)[:, None] + deck.normal(0, spread)[:, None] * slant
        total += amount * lines[name]
    shift = deck.normal(0, 0.018)[:, None] + deck.normal(0, 0.014)[:, None] * slant
    total -= shift * np.gradient(glow, axis=1)
    return total


def _pixels(deck: Deck, rngs: list[np.random.Generator], contrast: Array) -> tuple[NDArray[np.bool_],
    NDArray[np.bool_], NDArray[np.int32]]:
    n = len(rngs)
    index = np.arange(NPIX)[None, :]
    first = (deck.exponential(9.0) + 2).astype(int)[:, None]
    last = (NPIX - 4 - deck.exponential(14.0)).astype(int)[:, None]
    covered = (index >= first) & (index <= last)
    bad, mask = np.zeros((n, NPIX), dtype=bool), np.zeros((n, NPIX), dtype=np.int32)
    for row, rng in enumerate(rngs):
        for _ in range(rng.poisson(1.3)):
            start = int(rng.integers(30, NPIX - 40))
            bad[row, start : start + int(rng.integers(1, 4))] = True
        if rng.random() < 0.025:
            start = int(rng.integers(100, NPIX - 160))
            bad[row, start : start + int(rng.integers(6, 60))] = True
    mask[bad] |= 1 << 25 | 1 << 16
    mask[~covered] |= 1 << 24 | 1 << 18
    mask[contrast > 3.0] |= 1 << 23
    return bad | ~covered, covered, mask


def scale_to_snr(flux: Array, exposure: Exposure, snr: Array) -> Array:
    """Factor (n,) by which noiseless `flux` must be multiplied to reach the median S/N per pixel wanted."""
    some = slice(40, NPIX - 40, 10)
    f, t, s = np.clip(flux[:, some], 0, None), exposure.throughput[:, some], exposure.sky[:, some]
    factor = np.ones(len(flux))
    for _ in range(11):
        x = f * factor[:, None]
        reached = np.median(x / np.sqrt(variance(x, t, s)), axis=1)
        # S/N goes as the flux or as its root: this power closes at least two thirds of the gap at each step
        factor *= (snr / np.maximum(reached, 1e-6)) ** 1.33
    return factor


def variance(flux: Array, throughput: Array, sky: Array) -> Array:
    """Variance per pixel of flux: photons of object and sky, the detector, and half a per cent of flat field."""
    photons = (np.clip(flux, 0, None) + sky) / throughput
    return np.asarray(photons + (_READ_NOISE / throughput) ** 2 + (0.005 * flux) ** 2)
