"""Anomalies that happen in the sky: each changes one galaxy and marks where.

Every function takes a `Target` whose flux is noiseless and free of foreground dust.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from specanom.surveys.simulate.grid import REST
from specanom.surveys.simulate.populations import dwarf
from specanom.surveys.simulate.target import GAS_LINES, Target


def _spectrum_of_gas(hardness: float) -> dict[str, float]:
    """Lines of metal-poor gas relative to Hα; `hardness` 0…1 raises the oxygen lines."""
    r3 = 4.5 + 2.5 * hardness
    hb = {"Ha": 2.80, "Hb": 1.0, "Hg": 0.468, "Hd": 0.259, "He": 0.159, "Hz": 0.105, "H9": 0.073, "H10": 0.053,
          "OIII5008": r3,
          "OIII4960": r3 / 2.98, "OII3727": 0.45 * (1.5 - hardness), "OII3730": 0.55 * (1.5 - hardness),
          "NeIII3870": 0.09 * r3,
          "NeIII3969": 0.028 * r3, "OIII4364": 0.016 * r3, "HeI5877": 0.115, "HeI4473": 0.04, "HeI6680": 0.032,
          "HeI7067": 0.028,
          "NII6585": 0.08, "NII6550": 0.026, "SII6718": 0.12, "SII6733": 0.09, "OI6302": 0.02, "HeII4687": 0.012,
          "ArIII7138": 0.07, "SIII9071": 0.15}  # fmt: skip
    return {name: value / 2.80 for name, value in hb.items()}


def extreme_emission(t: Target) -> None:
    """A metal-poor galaxy of extreme star formation: lines far above a blue continuum."""
    t.replace_stars(0.25 * t.stars + 0.75 * t.population({0.003: 0.75, 0.02: 0.25}, metals=-0.7, dust=0.1))
    ha, width = t.rng.uniform(250, 900), t.rng.uniform(40, 80)
    level = t.level(6564.61) if t.z < 0.39 else t.level(5008)
    for name, ratio in _spectrum_of_gas(t.rng.random()).items():
        wave = GAS_LINES[name]
        if t.line(wave, ha * ratio * level / max(t.level(wave), 1e-9), width) > 0.08:
            t.mark(wave, width)
    t.span(t.wave[0], 4000 * (1 + t.z))


def broad_line_agn(t: Target) -> None:
    """Broad Balmer lines on a weak blue continuum."""
    width, ha = t.rng.uniform(1100, 2600), t.rng.uniform(90, 320)
    nuclear = (t.rest / 5500) ** -1.4 * np.median(t.stars) * t.rng.uniform(0.05, 0.3)
    t.flux += nuclear
    level = t.level(6564.61)
    for name, ratio in (("Ha", 1.0), ("Hb", 0.32), ("Hg", 0.14), ("Hd", 0.07)):
        t.line(GAS_LINES[name], ha * ratio * level / max(t.level(GAS_LINES[name]), 1e-9), width,
               shift=t.rng.normal(0, 150))
        t.mark(GAS_LINES[name], width, reach=2.2)
    for name, equivalent in (("OIII5008", 18.0), ("OIII4960", 6.0)):
        t.line(GAS_LINES[name], equivalent, 160)
        t.mark(GAS_LINES[name], 160)


def double_peaked(t: Target) -> None:
    """Narrow lines split in two: a pair of nuclei or a rotating disc."""
    ha, split, width = t.rng.uniform(30, 90), t.rng.uniform(210, 380), t.rng.uniform(50, 90)
    level, lean = t.level(6564.61), t.rng.uniform(0.35, 0.65)
    ratios = {"Ha": 1, "Hb": 0.30, "Hg": 0.13, "OIII5008": 1.3, "OIII4960": 0.44, "NII6585": 0.8, "NII6550": 0.26,
              "SII6718": 0.3,
              "SII6733": 0.25, "OII3727": 0.4, "OII3730": 0.45, "OI6302": 0.12}  # fmt: skip
    for name, ratio in ratios.items():
        equivalent = ha * ratio * level / max(t.level(GAS_LINES[name]), 1e-9)
        t.line(GAS_LINES[name], equivalent * lean, width, shift=-split)
        t.line(GAS_LINES[name], equivalent * (1 - lean), width, shift=split)
        t.mark(GAS_LINES[name], np.hypot(width, split / 2), reach=3.0)


def disc_emitter(t: Target) -> None:
    """A broad Hα with two horns: gas that orbits a black hole."""
    half, width, ha = t.rng.uniform(2500, 4500), t.rng.uniform(700, 1100), t.rng.uniform(90, 220)
    for name, ratio in (("Ha", 1.0), ("Hb", 0.25)):
        for sign, share in ((-1, 0.56), (1, 0.44)):
            t.line(GAS_LINES[name], ha * ratio * share, width, shift=sign * half)
        t.mark(GAS_LINES[name], np.hypot(width, half), reach=1.7)


def post_starburst(t: Target) -> None:
    """Star formation stopped half a billion years ago: deep Balmer lines, a Balmer break and no emission."""
    lines = t.flux - t.stars
    share = t.rng.uniform(0.65, 0.95)
    t.replace_stars((1 - share) * t.stars + share * t.population({0.3: 0.35, 0.6: 0.65}, dust=0.2))
    t.flux -= 0.9 * lines
    t.odd += [(3650, 4000)] + [(GAS_LINES[name] - 30, GAS_LINES[name] + 30) for name in ("Hd", "Hg", "Hb", "Ha")]


def background_emitter(t: Target) -> None:
    """The lines of a second galaxy behind the first: perhaps a gravitational lens."""
    behind, width, ha = t.z + t.rng.uniform(0.08, 0.45), t.rng.uniform(60, 110), t.rng.uniform(12, 45)
    for name, ratio in _spectrum_of_gas(t.rng.random()).items():
        at = GAS_LINES[name] * (1 + behind)
        if t.line(GAS_LINES[name], ha * max(ratio, 0.0), width, z=behind) > 0.06 and at < t.wave[-1]:
            t.mark(GAS_LINES[name], width, z=behind)


def superposition(t: Target) -> None:
    """Two galaxies in one fibre, at two redshifts."""
    other = t.z + t.rng.choice([-1, 1]) * t.rng.uniform(0.03, 0.09)
    other = other if 0.005 < other < 0.33 else t.z + 0.06
    second = t.population({8.0: 0.6, 12.5: 0.4} if t.rng.random() < 0.5 else {0.02: 0.2, 0.6: 0.3, 4.0: 0.5}, z=other)
    t.flux += t.rng.uniform(0.7, 1.2) * second
    lines = {"Ha": 25.0, "NII6585": 9.0, "OIII5008": 6.0, "Hb": 5.0, "SII6718": 4.5, "SII6733": 3.5, "OII3727": 7.0,
             "OII3730": 9.0}
    for name, equivalent in lines.items():
        t.line(GAS_LINES[name], equivalent, 90, z=other)
        t.mark(GAS_LINES[name], 90, z=other)
    for wave in (3934.78, 3969.59, 4305.61, 5176.63, 5894.57):
        t.mark(wave, t.sigma, z=other)
    t.span(3850 * (1 + other), 4100 * (1 + other))


def star_blend(t: Target) -> None:
    """A cool star in front of the galaxy: molecular bands at rest in the observer's frame."""
    star = np.interp(t.wave, REST, dwarf(t.rng.uniform(3200, 3450)))
    red = (t.wave > 6900) & (t.wave < 7050)
    t.flux += star / np.median(star[red]) * np.median(t.flux[red]) * t.rng.uniform(0.6, 1.6)
    t.span(5800, t.wave[-1])


def strong_dust(t: Target) -> None:
    """A galaxy behind several magnitudes of its own dust."""
    # dimmer in the blue, and brought back to the old median as a survey limited in magnitude would
    before = np.median(t.flux)
    t.flux *= np.exp(-0.921034 * t.rng.uniform(2.2, 4.0) * (t.rest / 5500) ** -1.0)
    t.flux *= before / np.median(t.flux)
    t.span(t.wave[0], t.wave[-1])


def wolf_rayet(t: Target) -> None:
    """The blue and the red bump of Wolf-Rayet stars, with nebular lines."""
    for name, ratio in _spectrum_of_gas(0.3).items():
        t.line(GAS_LINES[name], 60 * ratio, 60)
        if 60 * ratio > 4:
            t.mark(GAS_LINES[name], 60)
    strength = t.rng.uniform(14, 32)
    for wave, share, width in ((4640, 0.35, 900), (4652, 0.25, 900), (4687, 0.4, 1100), (5808, 0.35, 1300)):
        t.line(wave, strength * share, width)
    t.odd += [(4600, 4735), (5760, 5856)]


def supernova(t: Target) -> None:
    """A supernova Ia near its maximum on the host galaxy: broad waves of silicon, sulphur, iron and calcium."""
    phase = t.rng.uniform(0, 1)
    wave = t.rest
    kelvin = 13000 - 5000 * phase
    light = 1 / (wave**5 * np.expm1(1.43878e8 / (wave * kelvin)))
    light = light / np.median(light) * (1 - 0.5 * (wave < 4000) * (1 - (wave - 2700) / 1300))
    waves = ((3945, 12500, 0.55, 90), (4130, 10800, 0.16, 45), (4481, 12000, 0.30, 85), (4950, 11000, 0.33, 95),
             (5169, 11500, 0.25, 80), (5454, 10000, 0.24, 50), (5640, 10500, 0.26, 55), (6355, 11000, 0.52, 75),
             (8579, 12500, 0.40, 150))  # fmt: skip
    for rest, speed, depth, width in waves:
        trough = rest * (1 - speed / 299792.458)
        light = light * (1 - depth * np.exp(-0.5 * ((wave - trough) / width) ** 2))
        light = light * (1 + 0.35 * depth * np.exp(-0.5 * ((wave - rest * 1.012) / (1.4 * width)) ** 2))
    t.flux += t.rng.uniform(0.8, 2.0) * np.median(t.stars) * light
    t.odd += [(3650, 4200), (4300, 5750), (5980, 6500), (8100, 8800)]


def sodium_outflow(t: Target) -> None:
    """Cold gas that leaves the galaxy: deep blueshifted Na D."""
    speed, width, equivalent = t.rng.uniform(150, 450), t.rng.uniform(110, 190), t.rng.uniform(5, 9)
    for wave, share in ((5891.58, 0.54), (5897.56, 0.46)):
        t.line(wave, -equivalent * share, width, shift=-speed)
    t.flux = np.maximum(t.flux, 0.08 * np.median(t.stars), out=t.flux)
    t.span(5891.58 * (1 + t.z) * (1 - (speed + 3 * width) / 299792.458),
           5897.56 * (1 + t.z) * (1 - (speed - 3 * width) / 299792.458))


def featureless(t: Target) -> None:
    """A blazar outshines its galaxy: a power law in which lines and breaks drown."""
    power = (t.rest / 5500) ** t.rng.uniform(-1.9, -0.9)
    share = t.rng.uniform(0.82, 0.95)
    t.flux *= 1 - share
    t.flux += share * power / np.median(power) * np.median(t.stars)
    t.span(t.wave[0], t.wave[-1])


def coronal_lines(t: Target) -> None:
    """Highly ionised gas beside a Seyfert nucleus: strong [Ne V], He II and iron lines of high ionisation."""
    width, strength = t.rng.uniform(120, 220), t.rng.uniform(6, 16)
    for wave, share in ((3426.84, 0.9), (4687.02, 0.5), (5160.3, 0.18), (5722.3, 0.25), (6088.7, 0.38), (6376.3,
        0.25), (5277.9, 0.10),
                        (3760.3, 0.15), (4364.436, 0.45), (4072.0, 0.12)):  # fmt: skip
        t.line(wave, strength * share, width)
        if strength * share > 1.0:
            t.mark(wave, width)


#: Astrophysical anomalies by name.
SKY_KINDS: dict[str, Callable[[Target], None]] = {
    "extreme_emission": extreme_emission, "broad_line_agn": broad_line_agn, "double_peaked": double_peaked,
    "disc_emitter": disc_emitter, "post_starburst": post_starburst, "background_emitter": background_emitter,
    "superposition": superposition, "star_blend": star_blend, "strong_dust": strong_dust, "wolf_rayet": wolf_rayet,
    "supernova": supernova, "sodium_outflow": sodium_outflow, "featureless": featureless,
    "coronal_lines": coronal_lines,
}  # fmt: skip
