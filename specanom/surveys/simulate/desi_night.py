"""What the night and the spectrographs of DESI add: sky, noise, residuals of the sky, masked pixels.

The noise of the faintest fibres in dark time, its rise at the ends of each arm and its steps where light is divided
between arms are those of the public coadds of DESI.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from specanom.lines import TELLURIC_BANDS, air_to_vacuum
from specanom.surveys.simulate.deck import Deck, generator
from specanom.surveys.simulate.desi_grid import ARMS, LSF, NPIX, WAVE
from specanom.surveys.simulate.spectrograph import AIRGLOW

Array = NDArray[np.float64]

#: Bits of the pixel mask of DESI: some or all of what went into a pixel was bad; a cosmic ray was among it.
SOMEBADPIX, ALLBADPIX, COSMIC = 1 << 0, 1 << 1, 1 << 2
# inverse variance between sky lines of 1000 s of dark time, (10⁻¹⁷ erg/s/cm²/Å)⁻², by arm
_DARK = {
    "B": ((3600, 0.10), (3700, 0.25), (3800, 0.45), (3950, 0.8), (4250, 1.4), (4500, 1.9), (4800, 2.9), (5150, 3.6),
          (5600, 3.8), (5740, 3.2), (5770, 2.0), (5800, 0.7)),
    "R": ((5760, 0.6), (5800, 1.6), (5850, 2.8), (6000, 4.8), (6360, 7.1), (6660, 9.4), (6960, 11.8), (7300, 11.5),
          (7480, 9.0), (7560, 5.5), (7620, 2.2)),
    "Z": ((7520, 3.5), (7580, 6.0), (7680, 10.5), (7820, 15.0), (8120, 22.0), (8450, 26.0), (8800, 26.0), (9100, 22.0),
          (9400, 12.0), (9650, 9.5), (9824, 6.0)),
}  # fmt: skip
# photons per pixel for a flux of 10⁻¹⁷ erg/s/cm²/Å in 1000 s
_PHOTONS = {
    "B": ((3600, 5.0), (3900, 13.0), (4300, 24.0), (5000, 36.0), (5600, 38.0), (5740, 33.0), (5800, 10.0)),
    "R": ((5760, 8.0), (5850, 25.0), (6200, 45.0), (7000, 58.0), (7450, 55.0), (7620, 14.0)),
    "Z": ((7520, 22.0), (7680, 55.0), (8300, 66.0), (9000, 62.0), (9500, 42.0), (9824, 22.0)),
}  # fmt: skip
# part of the lines' brightness per family, in the flux unit: fibres of DESI see 1.8 square seconds of arc
_GLOW = 0.25
#: Brightness of the sky of a programme relative to dark time.
SKY = {"dark": 1.0, "bright": 2.4}


@dataclass(eq=False)
class Night:
    """What the instrument adds to n fibres; arrays are (n, p) on the pixels of all arms.

    Attributes
    ----------
    background : variance of sky and detector, flux units squared
    photons : photons per flux unit
    draw : standard normal numbers of the noise
    residual : sky light left over or taken too much, flux units
    calibration : factor by which flux calibration and atmosphere are wrong
    mask : int32, bits of the pipeline's mask
    dead : bool, masked pixels that have no weight; other masked pixels keep theirs
    """

    background: Array
    photons: Array
    draw: Array
    residual: Array
    calibration: Array
    mask: NDArray[np.int32]
    dead: NDArray[np.bool_]


@cache
def airglow(which: str) -> Array:
    """Flux density (p,) of one family of sky lines in a fibre."""
    total = np.zeros(NPIX)
    for air, area in AIRGLOW[which]:
        wave = float(air_to_vacuum(np.array([air]))[0])
        total += _GLOW * area / (LSF * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((WAVE - wave) / LSF) ** 2)
    if which == "OH":
        for wave, area in _INFRARED:
            total += _GLOW * area / (LSF * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((WAVE - wave) / LSF) ** 2)
    return total


# bands 8-4, 3-0 and 9-5 of OH beyond the list of SDSS: vacuum Å and brightness
_INFRARED = tuple((wave, 640.0 * fade) for wave, fade in (
    (9315.8, 0.9), (9326.5, 0.6), (9340.0, 0.7), (9354.0, 0.3), (9378.0, 1.1), (9402.0, 0.5), (9422.0, 1.3),
    (9442.0, 0.6), (9461.0, 1.0), (9479.0, 0.4), (9505.0, 1.5), (9523.0, 0.5), (9555.2, 1.2), (9570.0, 0.7),
    (9607.0, 0.9), (9622.0, 0.5), (9655.0, 0.8), (9671.0, 0.4), (9702.5, 1.2), (9722.0, 0.6), (9746.0, 0.8),
    (9772.0, 0.5), (9793.8, 1.4), (9807.0, 0.6),
))  # fmt: skip


@cache
def by_arm(which: str) -> Array:
    """A quantity (p,) of the arms: ``"dark"`` inverse variance or ``"photons"``."""
    table = _DARK if which == "dark" else _PHOTONS
    return np.concatenate([np.interp(WAVE[ARMS[name].pixels], *np.array(table[name]).T) for name in ARMS])


@cache
def telluric() -> Array:
    """Transmission (p,) of the atmosphere's bands, lines and all."""
    rng = np.random.default_rng(11)
    fine = np.arange(3600.0, 9824.8, 0.8)
    ragged = rng.uniform(0.35, 1.0, fine.size)
    depth = np.zeros(fine.size)
    for band in TELLURIC_BANDS:
        strength = {"A": 1.1, "B": 0.35}.get(band.name.split()[-1][:1], 0.25 if band.lo > 8800 else 0.08)
        place = np.clip((fine - band.lo) / (band.hi - band.lo), 0, 1)
        depth += strength * 2.2 * place**0.25 * (1 - place) * ragged
    return np.asarray(np.interp(WAVE, fine, np.exp(-np.convolve(depth, [0.25, 0.5, 0.25], "same"))))


def expose(seed: int, ids: list[str], sky: float, seconds: Array) -> Night:
    """Draw the night of some fibres.

    Parameters
    ----------
    seed : int
        Seed of the survey.
    ids : list of n fibre names
    sky : float
        Brightness of the sky relative to dark time.
    seconds : (n,) effective exposure
    """
    deck = Deck(seed, ids, purpose="exposure")
    rngs = [generator(seed, one, "pixels") for one in ids]
    depth = (seconds / 1000.0)[:, None]
    fibre = np.exp(deck.normal(0, 0.10))[:, None]  # fibres differ in throughput
    photons = by_arm("photons") * fibre * depth * telluric()
    glow = np.sum([airglow(name) for name in AIRGLOW], axis=0)
    lines = glow / np.maximum(photons, 1e-3) * np.sqrt(sky)
    background = sky / (by_arm("dark") * fibre**2 * depth * telluric() ** 2) + lines
    draw = np.stack([rng.standard_normal(NPIX, dtype=np.float32) for rng in rngs]).astype(float)
    tilt = deck.normal(0, 0.025)[:, None] * (WAVE - 6600) / 3000
    joins = sum(deck.normal(0, 0.006)[:, None] * (np.arange(NPIX) >= ARMS[name].pixels.start) for name in ("R", "Z"))
    water = deck.normal(0, 0.02)[:, None] * np.log(telluric())
    mask, dead = _masks(rngs)
    return Night(background, photons, draw, _residual(deck), 1 + tilt + joins + water, mask, dead)


def _residual(deck: Deck) -> Array:
    """Sky lines subtracted a little too much or too little, and a little to one side: one per cent of them."""
    total: Array = np.zeros((1, NPIX))
    for name, spread in (("oxygen", 0.006), ("sodium", 0.01), ("city", 0.01), ("OH", 0.005)):
        glow = airglow(name)
        total = total + deck.normal(0, spread)[:, None] * glow
        total = total + deck.normal(0, 0.8 * spread)[:, None] * np.gradient(glow)
    return total


def _masks(rngs: list[np.random.Generator]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Masked pixels: some have no weight; others keep weight and a wrong flux, so that a reader must mind the mask."""
    mask, dead = np.zeros((len(rngs), NPIX), dtype=np.int32), np.zeros((len(rngs), NPIX), dtype=bool)
    for row, rng in enumerate(rngs):
        for _ in range(rng.poisson(5.0)):
            start, size = int(rng.integers(5, NPIX - 10)), int(rng.integers(1, 5))
            if rng.random() < 0.6:
                mask[row, start : start + size] |= COSMIC | SOMEBADPIX
            else:
                mask[row, start : start + size] |= ALLBADPIX | SOMEBADPIX
                dead[row, start : start + size] = True
    return mask, dead
