"""What goes wrong in the spectrographs or the pipeline of DESI: each changes one fibre and marks where.

Functions take a :class:`.target.Target` with noise, whose pixels are those of all arms; what is marked lies in the
rest frame of its redshift.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from specanom.surveys.simulate.anomalies_fibre import calibration_wiggle, crosstalk
from specanom.surveys.simulate.desi_grid import ARMS, WAVE
from specanom.surveys.simulate.desi_night import airglow
from specanom.surveys.simulate.target import Target

#: Where arms meet, observed Å.
JOINS = {"R": (5780.0,), "Z": (7570.0,), "B": (5780.0,)}


def spikes(t: Target) -> None:
    """Cosmic rays that nothing masked: far narrower than the spectrograph can make a line."""
    for _ in range(int(t.rng.integers(1, 5))):
        arm = ARMS["BRZ"[int(t.rng.integers(3))]].pixels
        i = int(t.rng.integers(arm.start + 80, arm.stop - 160))
        t.flux[i - 1 : i + 2] += t.rng.uniform(25, 90) * np.median(t.noise[arm]) * np.array([0.3, 1.0, 0.2])
        t.span(WAVE[i - 3], WAVE[i + 3])


def arm_step(t: Target) -> None:
    """One arm calibrated apart from the others: the spectrum steps where it meets its neighbours."""
    name = "BRZ"[int(t.rng.integers(3))]
    factor = t.rng.choice([t.rng.uniform(0.6, 0.82), t.rng.uniform(1.22, 1.55)])
    t.flux[ARMS[name].pixels] *= factor
    for at in (5780.0, 7570.0) if name == "R" else JOINS[name]:
        t.span(at - 80, at + 80)


def bad_amplifier(t: Target) -> None:
    """Half of a detector with a level and ripples of its own: an amplifier that was not set to zero."""
    name = "BRZ"[int(t.rng.integers(3))]
    arm = ARMS[name].pixels
    middle = (arm.start + arm.stop) // 2
    half = slice(arm.start, middle) if t.rng.random() < 0.5 else slice(middle, arm.stop)
    size = np.median(np.abs(t.stars)) + np.median(t.noise[arm])
    wave = WAVE[half]
    t.flux[half] += t.rng.choice([-1, 1]) * t.rng.uniform(0.25, 0.8) * size
    t.flux[half] += t.rng.uniform(0.03, 0.12) * size * np.sin(2 * np.pi * wave / t.rng.uniform(120, 300))
    t.span(wave[0], wave[-1])


def red_sky(t: Target) -> None:
    """The OH lines of the night left in the spectrum, up and down."""
    comb = airglow("OH")
    red = WAVE > 7240
    shape = (comb * np.sin(WAVE / t.rng.uniform(40, 90) + t.rng.uniform(0, 6)) + 0.5 * np.gradient(comb)) * red
    typical = np.percentile(np.abs(shape[WAVE > 7700]), 98)
    t.flux += t.rng.uniform(10, 30) * np.median(t.noise[WAVE > 7700]) * shape / typical
    t.span(7240, WAVE[-1])


def sky_oversubtraction(t: Target) -> None:
    """Too much sky taken away: the lines of the night stand in absorption."""
    red, glow = WAVE > 7700, airglow("oxygen") + airglow("sodium") + airglow("OH") * (WAVE > 7240)
    t.flux -= t.rng.uniform(7, 25) * np.median(t.noise[red]) * glow / np.percentile(glow[red], 98)
    for wave in (5578.89, 5684.6, 5689.8, 5894.6, 6302.05, 6365.54):
        t.span(wave - 6, wave + 6)
    t.span(7240, WAVE[-1])


def dead_block(t: Target) -> None:
    """A block of pixels that carries no light although the pipeline calls it good."""
    arm = ARMS["BRZ"[int(t.rng.integers(3))]].pixels
    size = int(t.rng.integers(40, 160))
    i = int(t.rng.integers(arm.start + 120, arm.stop - 120 - size))
    t.flux[i : i + size] = 0.0 if t.rng.random() < 0.6 else t.flux[i]
    t.span(WAVE[i], WAVE[i + size])


def wrong_redshift(t: Target) -> None:
    """The pipeline took one line for another."""
    pairs = ((2798.75, 1908.73), (1908.73, 1549.06), (1549.06, 1215.67), (1908.73, 2798.75), (1549.06, 1908.73),
             (1215.67, 1549.06)) if t.z > 0.75 and t.equivalent < 0 else ((5008.24, 6564.61), (6564.61, 5008.24),
             (3728.5, 5008.24), (3728.5, 6564.61), (4862.69, 5008.24), (6564.61, 4862.69))  # fmt: skip
    other = [(1 + t.z) * true / taken - 1 for true, taken in pairs]
    low, high = (0.82, 3.18) if t.equivalent < 0 else (0.02, 1.6)
    fits = [z for z in other if low < z < high]
    t.z_catalogue = fits[int(t.rng.integers(len(fits)))] if fits else t.z * 1.08
    t.span(WAVE[0], WAVE[-1])


#: Instrumental anomalies of DESI by name.
FAULTS: dict[str, Callable[[Target], None]] = {
    "spikes": spikes, "arm_step": arm_step, "bad_amplifier": bad_amplifier, "red_sky": red_sky,
    "sky_oversubtraction": sky_oversubtraction, "dead_block": dead_block, "wrong_redshift": wrong_redshift,
    "calibration_wiggle": calibration_wiggle, "crosstalk": crosstalk,
}  # fmt: skip
