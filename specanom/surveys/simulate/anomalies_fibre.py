"""Anomalies that happen in the telescope, the spectrograph or the pipeline: each changes one fibre and marks where."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from specanom.surveys.simulate.grid import NPIX, WAVE
from specanom.surveys.simulate.spectrograph import airglow
from specanom.surveys.simulate.target import Target


def cosmic_rays(t: Target) -> None:
    """Hits of cosmic rays that the pipeline did not reject: lines far narrower than the spectrograph can make."""
    for _ in range(int(t.rng.integers(1, 4))):
        i = int(t.rng.integers(200, NPIX - 700))
        t.flux[i - 1 : i + 2] += t.rng.uniform(20, 70) * np.median(t.noise) * np.array([0.35, 1.0, 0.25])
        t.span(WAVE[i - 3], WAVE[i + 4])


def arm_step(t: Target) -> None:
    """Blue and red arm joined with the wrong ratio."""
    at = t.rng.uniform(5850, 6150)
    factor = t.rng.choice([t.rng.uniform(0.62, 0.82), t.rng.uniform(1.22, 1.5)])
    t.flux *= 1 + (factor - 1) / (1 + np.exp(-np.clip((WAVE - at) / 6, -60, 60)))
    t.span(at - 60, at + 60)


def red_sky(t: Target) -> None:
    """The OH lines of the night sky left in the spectrum, up and down."""
    comb = airglow("OH")
    shape = comb * np.sin(WAVE / t.rng.uniform(40, 90) + t.rng.uniform(0, 6)) + 0.7 * np.gradient(comb)
    t.flux += t.rng.uniform(9, 25) * np.median(t.noise) * shape / np.percentile(np.abs(shape[WAVE > 7700]), 98)
    t.span(7240, WAVE[-1])


def dead_block(t: Target) -> None:
    """A block of pixels that carries no light although the pipeline calls it good."""
    i, n = int(t.rng.integers(300, 2400)), int(t.rng.integers(25, 90))
    t.flux[i : i + n] = 0.0 if t.rng.random() < 0.5 else t.flux[i]
    t.span(WAVE[i], WAVE[i + n])


def wrong_redshift(t: Target) -> None:
    """The pipeline's redshift is wrong: every line sits where no line should."""
    step = t.rng.choice([-1, 1]) * t.rng.uniform(0.02, 0.06)
    wrong = t.z + step if 0.012 < t.z + step < 0.29 else t.z - step
    t.z_catalogue = float(np.clip(wrong, 0.012, 0.29))
    t.span(3700 * (1 + t.z_catalogue), 7500 * (1 + t.z_catalogue))


def calibration_wiggle(t: Target) -> None:
    """A flux calibration that oscillates, as from a standard star fitted with too many knots."""
    period, depth = t.rng.uniform(250, 700), t.rng.uniform(0.08, 0.2)
    low = t.rng.uniform(3900, 5200)
    high = low + t.rng.uniform(1500, 3500)
    begin, end = (1 + np.exp(np.clip(sign * (t.wave - at) / 60, -60, 60)) for sign, at in ((-1, low), (1, high)))
    window = 1 / begin / end
    t.flux *= 1 + depth * window * np.sin(2 * np.pi * t.wave / period + t.rng.uniform(0, 6))
    t.span(low - 100, high + 100)


def fringing(t: Target) -> None:
    """Interference in the thinned red detector: ripples that grow to the red."""
    spacing, depth = t.rng.uniform(28, 55), t.rng.uniform(0.10, 0.25)
    grow = np.clip((WAVE - 6900) / 1200, 0, 1)
    t.flux *= 1 + depth * grow * np.sin(2 * np.pi * 7600 * 7600 / spacing / WAVE + t.rng.uniform(0, 6))
    t.span(7000, WAVE[-1])


def second_order(t: Target) -> None:
    """Scattered blue light of a second order: the red end turns up."""
    rise = np.clip((WAVE - t.rng.uniform(7600, 8200)) / 1000, 0, None) ** 1.6
    t.flux += t.rng.uniform(0.5, 1.3) * np.median(t.flux) * rise
    t.span(8000, WAVE[-1])


def crosstalk(t: Target) -> None:
    """Light of a bright star in the neighbouring fibre: its hydrogen lines appear at rest."""
    from_star = (t.wave / 5500) ** -1.6
    for wave, width, depth in ((4341.69, 13, 0.55), (4862.69, 13, 0.5), (6564.61, 12, 0.4), (4102.89, 13, 0.55),
                               (3971.2, 12, 0.55)):
        from_star = from_star * (1 - depth * np.exp(-0.5 * ((t.wave - wave) / width) ** 2))
    t.flux += t.rng.uniform(0.7, 1.8) * np.median(t.flux) * from_star
    for wave in (3971.2, 4102.89, 4341.69, 4862.69, 6564.61):
        t.span(wave - 30, wave + 30)


def sky_oversubtraction(t: Target) -> None:
    """Too much sky taken away: the lines of the night appear in absorption and the ends sag."""
    amount = t.rng.uniform(0.12, 0.35)
    t.flux -= amount * (airglow("oxygen") + airglow("sodium") + airglow("OH"))
    for wave in (5578.89, 5894.6, 6302.05, 6365.54):
        t.span(wave - 8, wave + 8)
    t.span(7240, WAVE[-1])


#: Instrumental anomalies by name.
FIBRE_KINDS: dict[str, Callable[[Target], None]] = {
    "cosmic_rays": cosmic_rays, "arm_step": arm_step, "red_sky": red_sky, "dead_block": dead_block,
    "wrong_redshift": wrong_redshift, "calibration_wiggle": calibration_wiggle, "fringing": fringing,
    "second_order": second_order, "crosstalk": crosstalk, "sky_oversubtraction": sky_oversubtraction,
}  # fmt: skip
