"""The spectrograph and the night sky: throughput, sky light, noise, residuals of the sky and bad pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from specanom.lines import TELLURIC_BANDS, air_to_vacuum
from specanom.surveys.simulate.deck import Deck, generator
from specanom.surveys.simulate.grid import NPIX, WAVE, pixel_of
from specanom.surveys.simulate.emission import lsf_kms

Array = NDArray[np.float64]

#: Lines of the night sky: air wavelength in Å and brightness (10⁻¹⁷ erg/s/cm² in a fibre, dark and quiet sky).
AIRGLOW: dict[str, tuple[tuple[float, float], ...]] = {
    "oxygen": ((5577.34, 210.0), (6300.30, 95.0), (6363.78, 33.0)),
    "sodium": ((5889.95, 26.0), (5895.92, 16.0)),
    "city": ((4046.56, 6.0), (4358.34, 17.0), (5460.75, 17.0)),
    "OH": (
        (6257.96, 4), (6287.43, 5), (6498.73, 8), (6533.04, 8), (6553.62, 7), (6577.28, 5), (6596.64, 3), (6863.96, 17),
        (6871.0, 6), (6889.28, 5), (6900.83, 12), (6912.62, 8), (6923.22, 15), (6939.52, 8), (6948.94, 5), (6978.26, 6),
        (7003.86, 5), (7276.41, 34), (7284.44, 12), (7316.28, 45), (7329.15, 18), (7340.89, 55), (7358.67, 12),
        (7369.25, 22), (7392.21, 10), (7401.69, 22), (7571.75, 6), (7712.2, 6), (7715.1, 6), (7750.64, 45),
        (7759.99, 18), (7780.4, 12), (7794.11, 75), (7808.48, 25), (7821.50, 62), (7841.27, 20), (7853.24, 38),
        (7870.8, 10), (7890.6, 10), (7913.71, 90), (7921.0, 18), (7949.20, 30), (7964.65, 82), (7993.33, 75),
        (8014.06, 28), (8025.81, 65), (8052.02, 14), (8061.98, 28), (8104.4, 8), (8280.9, 10), (8288.62, 45), (8298.6, 18),
        (8310.72, 26), (8344.60, 95), (8352.79, 32), (8382.39, 75), (8399.17, 130), (8415.23, 60), (8430.17, 110),
        (8452.25, 62), (8465.36, 88), (8493.39, 48), (8504.63, 44), (8538.6, 15), (8548.7, 14), (8760.6, 10), (8767.91, 78),
        (8778.33, 42), (8791.19, 52), (8827.10, 140), (8836.0, 28), (8849.9, 35), (8867.61, 95), (8885.85, 180), (8903.11, 80),
        (8919.64, 160), (8943.40, 90), (8958.08, 95), (8988.37, 75), (9001.3, 60), (9037.7, 24), (9049.3, 24), (9102.0, 12),
    ),
}  # fmt: skip
# counts per pixel for a flux of 1e-17 erg/s/cm²/Å in a standard exposure, and read noise in counts
_THROUGHPUT = ((3750, 2.2), (3850, 4.0), (4000, 8.5), (4200, 15.5), (4500, 21.0), (5000, 25.0), (5500, 25.5), (5800, 23.5),
               (5950, 25.0), (6150, 31.0), (6500, 36.0), (7000, 38.5), (7600, 37.0), (8200, 31.0), (8700, 24.5), (9000, 19.5),
               (9250, 15.0))  # fmt: skip
_READ_NOISE = 11.0
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
        total += 6.0 * np.exp(-0.5 * ((WAVE - 8652) / 12) ** 2)
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
        total += np.where(inside, depth * np.clip(x, 0, 1) ** 0.25 * (1 - np.clip(x, 0, 1)) * 2 * (0.5 + 0.5 * ragged), 0)
    return total


def expose(deck: Deck, plate: Deck, seeds: tuple[int, list[str]]) -> Exposure:
    """Draw the exposure of one block: `plate` deals what all fibres of a plate share (rows repeat by plate)."""
    n = len(seeds[1])
    base = np.interp(WAVE, *zip(*_THROUGHPUT, strict=True))
    tilt = np.exp(deck.normal(0, 0.10)[:, None] * np.log(WAVE / 6000) * 2)
    dichroic = 1 + 0.15 * deck.normal()[:, None] * np.exp(-0.5 * ((WAVE - 6000) / 130) ** 2)
    throughput = base * tilt * dichroic * (10 ** (plate.normal(0, 0.09) + deck.normal(0, 0.05)))[:, None]
    bright = 10 ** plate.normal(0.06, 0.10)
    moon = np.where(plate.uniform() < 0.15, plate.uniform(0.2, 1.2), 0.05)
    level = np.interp(WAVE, *zip(*_SKY_LEVEL, strict=True))
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


def _pixels(deck: Deck, rngs: list[np.random.Generator], contrast: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.int32]]:
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
    some = slice(40, NPIX - 40, 6)
    f, t, s = np.clip(flux[:, some], 0, None), exposure.throughput[:, some], exposure.sky[:, some]
    low, high = np.full(len(flux), -4.0), np.full(len(flux), 6.0)
    for _ in range(26):
        middle = 0.5 * (low + high)
        x = f * (10**middle)[:, None]
        reached = np.median(x / np.sqrt(variance(x, t, s)), axis=1)
        low, high = np.where(reached < snr, middle, low), np.where(reached < snr, high, middle)
    return np.asarray(10 ** (0.5 * (low + high)))


def variance(flux: Array, throughput: Array, sky: Array) -> Array:
    """Variance per pixel of flux: photons of object and sky, the detector, and half a per cent of flat field."""
    photons = (np.clip(flux, 0, None) + sky) / throughput
    return np.asarray(photons + (_READ_NOISE / throughput) ** 2 + (0.005 * flux) ** 2)
