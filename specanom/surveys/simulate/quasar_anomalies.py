"""What is odd about some quasars: broad absorption, dust, weak or shifted lines, and things in front of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from specanom.lines import C_KMS
from specanom.surveys.simulate.desi_grid import WAVE, add_lines, lsf_kms, observe
from specanom.surveys.simulate.forest import LYMAN_ALPHA, damped
from specanom.surveys.simulate.populations import populations
from specanom.surveys.simulate.quasars import LINES, Quasar

Array = NDArray[np.float64]

# ions of a wind: mean wavelength of the doublet (vacuum Å) and depth of its trough relative to that of C IV
_WIND = ((1549.06, 1.0), (1397.0, 0.75), (1240.81, 0.9), (LYMAN_ALPHA, 0.5), (1033.82, 0.9))
_COOL_WIND = ((1857.4, 0.75), (1671.5, 0.45), (2799.1, 0.65))
_ROW = {line.name: i for i, line in enumerate(LINES)}


@dataclass(eq=False)
class QuasarTarget:
    """A quasar in the making, as the functions that make it odd see it.

    Attributes
    ----------
    quasar : its properties; a function may put others in their place before the light is made
    rng : random numbers of this anomaly
    through : (p,) transmission of whatever lies in front
    added : (p,) light added, in units of the quasar's median flux
    odd : rest-frame intervals in Å where the spectrum is changed
    """

    quasar: Quasar
    rng: np.random.Generator
    through: Array = field(default_factory=lambda: np.ones(WAVE.size))
    added: Array = field(default_factory=lambda: np.zeros(WAVE.size))
    odd: list[tuple[float, float]] = field(default_factory=list)

    @property
    def rest(self) -> Array:
        """Rest-frame wavelengths of the pixels."""
        return WAVE / (1 + self.quasar.z)

    def span(self, low: float, high: float) -> None:
        """Remember an interval of rest-frame wavelengths, as far as it is observed."""
        ends = WAVE[0] / (1 + self.quasar.z), WAVE[-1] / (1 + self.quasar.z)
        if low < ends[1] and high > ends[0]:
            self.odd.append((max(low, float(ends[0])), min(high, float(ends[1]))))


def bal(t: QuasarTarget) -> None:
    """A wind of highly ionised gas: broad troughs blueward of C IV, Si IV, N V and Lyman α."""
    _wind(t, _WIND)


def lobal(t: QuasarTarget) -> None:
    """A wind that also holds cool gas: troughs of Al III, Al II and Mg II besides, and some dust."""
    t.quasar = replace(t.quasar, reddening=t.quasar.reddening + float(t.rng.uniform(0.03, 0.12)))
    _wind(t, _WIND + _COOL_WIND)


def _wind(t: QuasarTarget, ions: tuple[tuple[float, float], ...]) -> None:
    slow = t.rng.uniform(1500, 9500)
    fast = slow + np.clip(t.rng.lognormal(np.log(6500), 0.5), 2500, 17000)
    speed = np.arange(0.0, 30000.0, 50.0)
    edge = t.rng.uniform(200, 450)
    box = 1 / (1 + np.exp(-(speed - slow) / edge)) / (1 + np.exp((speed - fast) / (2 * edge)))
    ragged = gaussian_filter1d(t.rng.standard_normal(speed.size), t.rng.uniform(500, 1200) / 50)
    ragged *= 0.28 / ragged.std()
    profile = np.clip(box * (1 + ragged), 0, 1.25) * t.rng.uniform(0.55, 0.92)
    for wave, share in ions:
        # relativistic Doppler: gas that comes towards us at β absorbs at λ √((1−β)/(1+β))
        beta = speed / C_KMS
        at = wave * np.sqrt((1 - beta) / (1 + beta))
        deep = np.interp(t.rest, at[::-1], (share * profile)[::-1], left=0.0, right=0.0)
        t.through *= 1 - np.clip(deep, 0, 0.97)
        inside = share * profile > 0.1
        if inside.any():
            t.span(float(at[inside].min()), float(at[inside].max()))


def red_quasar(t: QuasarTarget) -> None:
    """A quasar behind its own dust."""
    t.quasar = replace(t.quasar, reddening=float(t.rng.uniform(0.15, 0.40)))
    t.span(0.0, 1e5)


def weak_lines(t: QuasarTarget) -> None:
    """A quasar almost without emission lines."""
    t.quasar = t.quasar.without_lines(float(t.rng.uniform(0.02, 0.15)))
    _mark_lines(t, ("Lya", "NV1241", "SiIV1400", "CIV1549", "CIII1909", "MgII2799", "Hb"))


def strong_iron(t: QuasarTarget) -> None:
    """Iron several times stronger than usual, as in narrow-line quasars near the Eddington limit."""
    t.quasar = replace(t.quasar, iron=float(t.rng.uniform(3.0, 5.0)), width=t.quasar.width * 0.6)
    for low, high in ((2020, 2120), (2200, 2680), (2830, 3020), (4440, 4680), (5100, 5400)):
        t.span(low, high)


def odd_ratios(t: QuasarTarget) -> None:
    """Line ratios of another gas: nitrogen and aluminium strong, carbon weak."""
    strength = t.quasar.strength.copy()
    for name, factor in (("NV1241", 2.8), ("NIII1750", 9.0), ("CIV1549", 0.35), ("CIII1909", 0.4),
                         ("AlIII1857", 4.0), ("OI1305", 2.0)):
        strength[_ROW[name]] *= factor * 10 ** t.rng.normal(0, 0.05)
    t.quasar = replace(t.quasar, strength=strength)
    _mark_lines(t, ("NV1241", "CIV1549", "NIII1750", "AlIII1857", "CIII1909"))


def shifted_lines(t: QuasarTarget) -> None:
    """Broad lines thousands of km/s off the narrow ones: a recoiling black hole, or two of them."""
    shift = float(t.rng.choice([-1, 1]) * t.rng.uniform(2500, 5000))
    broad = np.array([line.sigma > 1000 for line in LINES])
    t.quasar = replace(t.quasar, blueshift=np.where(broad, t.quasar.blueshift + shift, t.quasar.blueshift))
    _mark_lines(t, ("Lya", "CIV1549", "CIII1909", "MgII2799", "Hb"), reach=4.0)


def foreground_emitter(t: QuasarTarget) -> None:
    """The narrow lines of a galaxy in front: a quasar seen through a galaxy, or lensed by it."""
    before, width = float(t.rng.uniform(0.12, min(0.7, t.quasar.z - 0.1))), float(t.rng.uniform(50, 110))
    oxygen = t.rng.uniform(4, 12)
    for wave, share in ((3727.09, 0.43), (3729.88, 0.57), (4341.69, 0.12), (4862.69, 0.27), (4960.3, 0.22),
                        (5008.24, 0.66), (6549.86, 0.08), (6564.61, 0.8), (6585.27, 0.25), (6718.29, 0.14)):
        at = wave * (1 + before)
        if WAVE[0] < at < WAVE[-1]:
            sigma = float(np.hypot(width, lsf_kms(np.array(at))))
            add_lines(t.added[None], np.array([at]), np.array([oxygen * share * (1 + before)]), np.array([sigma]))
            if oxygen * share > 0.8:
                half = 3 * at * sigma / C_KMS
                t.span((at - half) / (1 + t.quasar.z), (at + half) / (1 + t.quasar.z))


def foreground_galaxy(t: QuasarTarget) -> None:
    """The starlight of an old galaxy in front, with its break and its calcium lines: a lens candidate."""
    before = float(t.rng.uniform(0.15, min(0.6, t.quasar.z - 0.1)))
    table = populations()
    old = table.flux[[i for i, (a, m) in enumerate(zip(table.ages, table.metals, strict=True)) if a == 8.0 and m == 0]]
    # the populations begin at 2692 Å: an old galaxy is dark below
    light = observe(old, np.array([before]), np.array([240.0]))[0]
    light *= np.clip((WAVE / (1 + before) - 2500) / 250, 0, 1)
    t.added += float(t.rng.uniform(0.5, 1.1)) * light / np.median(light)
    for wave in (3934.78, 3969.59, 4305.6, 5176.6):
        t.span(wave * 0.993 * (1 + before) / (1 + t.quasar.z), wave * 1.007 * (1 + before) / (1 + t.quasar.z))
    t.span(3900 * (1 + before) / (1 + t.quasar.z), 4100 * (1 + before) / (1 + t.quasar.z))


def proximate_dla(t: QuasarTarget) -> None:
    """A damped system at the quasar's own redshift, which takes away its Lyman α."""
    column = float(t.rng.uniform(20.9, 21.6))
    t.through *= damped(t.quasar.z - float(t.rng.uniform(0.0, 0.006)), column)
    half = 12.0 * 10 ** (0.5 * (column - 20.9))
    t.span(LYMAN_ALPHA - half, LYMAN_ALPHA + half)


def _mark_lines(t: QuasarTarget, names: tuple[str, ...], reach: float = 2.0) -> None:
    for name in names:
        wave, sigma = LINES[_ROW[name]].wave, t.quasar.width[_ROW[name]]
        t.span(wave * (1 - reach * sigma / C_KMS), wave * (1 + reach * sigma / C_KMS))


#: Kinds of odd quasars by name, and the redshifts between which what makes them odd is in view.
QUASAR_KINDS: dict[str, tuple[Callable[[QuasarTarget], None], float, float]] = {
    "red_quasar": (red_quasar, 0.0, 9.0), "weak_lines": (weak_lines, 0.0, 9.0), "strong_iron": (strong_iron, 0.3, 2.9),
    "odd_ratios": (odd_ratios, 1.9, 9.0), "shifted_lines": (shifted_lines, 0.0, 9.0),
    "foreground_emitter": (foreground_emitter, 0.5, 9.0), "foreground_galaxy": (foreground_galaxy, 0.5, 9.0),
    "proximate_dla": (proximate_dla, 2.05, 9.0),
}  # fmt: skip
#: Broad absorption: its own share of the quasars. C IV is in view above a redshift of 1.6.
WINDS: dict[str, tuple[Callable[[QuasarTarget], None], float, float]] = {
    "bal": (bal, 1.6, 9.0), "lobal": (lobal, 0.9, 9.0),
}  # fmt: skip
