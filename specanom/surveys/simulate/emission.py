"""Ionised gas: line ratios on the diagnostic diagrams and the lines themselves.

Star-forming gas follows the abundance sequence of Kewley et al. (2013); gas lit by a nucleus is a Seyfert or a LINER
(Kewley et al. 2006); composites are mixtures by Hα light. Recombination lines keep the ratios of case B at 10⁴ K
(Osterbrock & Ferland 2006) and dust reddens all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specanom.surveys.simulate.deck import Deck
from specanom.surveys.simulate.galaxies import Galaxies
from specanom.surveys.simulate.grid import NPIX, PIXEL_KMS, WAVE, pixel_of

Array = NDArray[np.float64]

#: Rest wavelengths in vacuum, Å.
GAS_LINES: dict[str, float] = {
    "NeV3427": 3426.84, "OII3727": 3727.092, "OII3730": 3729.875, "H10": 3798.98, "H9": 3836.48, "NeIII3870": 3869.86,
    "Hz": 3890.16, "NeIII3969": 3968.59, "He": 3971.20, "SII4070": 4069.75, "Hd": 4102.892, "Hg": 4341.692,
    "OIII4364": 4364.436, "HeI4473": 4472.74, "HeII4687": 4687.02, "Hb": 4862.69, "OIII4960": 4960.295,
    "OIII5008": 5008.240, "NI5200": 5201.06, "HeI5877": 5877.25, "OI6302": 6302.046, "OI6366": 6365.536,
    "NII6550": 6549.86, "Ha": 6564.61, "NII6585": 6585.27, "HeI6680": 6679.99, "SII6718": 6718.294, "SII6733": 6732.674,
    "HeI7067": 7067.14, "ArIII7138": 7137.77, "OII7322": 7321.5, "OII7332": 7332.2, "ArIII7753": 7753.24,
    "SIII9071": 9071.1,
}  # fmt: skip
_WAVES = np.array(list(GAS_LINES.values()))
_ROW = {name: i for i, name in enumerate(GAS_LINES)}
_CASE_B = {"Ha": 2.86, "Hb": 1.0, "Hg": 0.468, "Hd": 0.259, "He": 0.159, "Hz": 0.105, "H9": 0.0731, "H10": 0.0530}


@dataclass(eq=False)
class Gas:
    """Emission of n galaxies.

    Attributes
    ----------
    flux : (n, k) flux of each line of `GAS_LINES` relative to the observed Hα, dust included
    equivalent : (n,) equivalent width of Hα, rest-frame Å
    sigma : (n,) velocity dispersion of the gas, km/s
    active : (n,) share of Hα that a nucleus lights
    dust : (n,) attenuation of the lines at 5500 Å, mag
    oxygen : (n,) 12 + log O/H
    """

    flux: Array
    equivalent: Array
    sigma: Array
    active: Array
    dust: Array
    oxygen: Array


def draw_gas(deck: Deck, galaxies: Galaxies) -> Gas:
    """Draw the gas of one block of galaxies."""
    kind, mass = galaxies.type, galaxies.mass
    oxygen = np.clip(8.78 + 0.42 * np.tanh((mass - 9.9) / 0.85) - 0.06 * (kind == 2) + deck.normal(0, 0.09), 7.9, 9.13)
    stars_ew = 780 * galaxies.young * 10 ** deck.normal(0, 0.13)
    liner = np.where(deck.uniform() < 0.55, deck.exponential(0.75), 0.03 * deck.uniform())
    seyfert = 10 ** deck.normal(1.05, 0.33)
    mixed = stars_ew * 10 ** deck.normal(-0.4, 0.35) * (deck.uniform() < 0.6)
    nuclear = np.select([kind == 0, kind == 1, kind == 3], [liner, 0.8 * liner + mixed, seyfert], 0.0)
    stars_ew = stars_ew * np.array([0.3, 0.8, 1.0, 0.3])[kind]
    equivalent = stars_ew + nuclear
    active = nuclear / np.clip(equivalent, 1e-9, None)
    dust = np.clip(galaxies.dust * np.where(kind == 2, 1.9, 1.6) + deck.normal(0.1, 0.2), 0.0, 4.5)
    is_seyfert = (kind == 3) | ((kind == 1) & (deck.uniform() < 0.3))
    ratios = mix_ratios(deck, oxygen, active, is_seyfert)
    reddened = ratios * 10 ** (-0.4 * dust[:, None] * ((_WAVES / 5500.0) ** -0.8 - (6564.61 / 5500.0) ** -0.8))
    width = np.where(active > 0.5, 0.85 * galaxies.sigma, 0.55 * galaxies.sigma + 25) * 10 ** deck.normal(0, 0.08)
    return Gas(reddened, equivalent, np.clip(width, 35, 320), active, dust, oxygen)


def mix_ratios(deck: Deck, oxygen: Array, active: Array, seyfert: NDArray[np.bool_]) -> Array:
    """Line fluxes (n, k) relative to Hα before dust: star formation and a nucleus added by Hα light."""
    return (1 - active[:, None]) * star_forming(deck, oxygen) + active[:, None] * nuclear(deck, seyfert)


def star_forming(deck: Deck, oxygen: Array) -> Array:
    """Line fluxes (n, k) relative to Hα of gas lit by young stars."""
    rise = (oxygen - 9.10) / 0.55
    n2 = -0.36 + 0.5 * (rise + 0.36 - np.sqrt((rise + 0.36) ** 2 + 0.012)) + deck.normal(0, 0.045)  # flattens at -0.36
    r3 = np.maximum(0.61 / (np.clip(n2, None, -0.33) + 0.08) + 1.1, -0.85) + deck.normal(0, 0.09)
    scatter = deck.normal(0, 0.07)
    hb = {
        "OIII5008": 10**r3, "NII6585": 2.86 * 10**n2,
        "SIItotal": 2.86 * 10 ** (-0.43 - 0.9 * (oxygen - 8.55) ** 2 + scatter),
        "OIItotal": 10 ** (0.52 - 1.6 * (oxygen - 8.4) ** 2 + deck.normal(0, 0.06)),
        "OI6302": 0.09 * 10 ** (scatter - 0.3 * (oxygen - 8.5)),
        "NeIII3870": 0.085 * 10**r3, "OIII4364": 10 ** (r3 - 1.85 - 1.3 * (oxygen - 8.0)), "HeII4687": 0 * n2,
        "NeV3427": 0 * n2,
        "ArIII7138": 0.10 + 0 * n2, "SIII9071": 0.25 + 0 * n2,
    }  # fmt: skip
    return _table(hb, deck)


def nuclear(deck: Deck, seyfert: NDArray[np.bool_]) -> Array:
    """Line fluxes (n, k) relative to Hα of gas lit by an active nucleus: Seyfert where true, LINER elsewhere."""
    def pick(a: float, b: float, spread: float) -> Array:
        return np.asarray(10 ** (np.where(seyfert, a, b) + deck.normal(0, spread)))

    o3 = pick(0.82, 0.28, 0.13)
    hb = {
        "OIII5008": o3, "NII6585": 3.0 * pick(-0.03, 0.10, 0.10), "SIItotal": 3.0 * pick(-0.28, -0.02, 0.09),
        "OIItotal": pick(0.45, 0.65, 0.12), "OI6302": 3.0 * pick(-0.95, -0.62, 0.12), "NeIII3870": 0.10 * o3,
        "OIII4364": 0.012 * o3, "HeII4687": pick(-0.65, -1.4, 0.15), "NeV3427": pick(-0.5, -2.0, 0.2),
        "ArIII7138": 0.25 + 0 * o3, "SIII9071": 0.35 + 0 * o3,
    }  # fmt: skip
    return _table(hb, deck)


def _table(hb: dict[str, Array], deck: Deck) -> Array:
    """All lines relative to Hα from the ratios to Hβ."""
    n = len(hb["OIII5008"])
    doublet = 1.30 + 0.08 * deck.normal()
    rows = {name: np.full(n, value) for name, value in _CASE_B.items()}
    rows.update({name: hb[name] for name in ("OIII5008", "NII6585", "OI6302", "NeIII3870", "OIII4364", "HeII4687",
                                             "NeV3427", "ArIII7138", "SIII9071")})
    rows.update(
        OIII4960=hb["OIII5008"] / 2.98, NII6550=hb["NII6585"] / 3.05, OI6366=hb["OI6302"] / 3.13,
        NeIII3969=hb["NeIII3870"] * 0.31, OII3730=hb["OIItotal"] * doublet / (1 + doublet),
        OII3727=hb["OIItotal"] / (1 + doublet),
        SII6718=hb["SIItotal"] * doublet / (1 + doublet), SII6733=hb["SIItotal"] / (1 + doublet),
        SII4070=0.05 * hb["SIItotal"],
        HeI5877=np.full(n, 0.115), HeI4473=np.full(n, 0.040), HeI6680=np.full(n, 0.032), HeI7067=np.full(n, 0.024),
        NI5200=0.12 * hb["OI6302"], OII7322=0.011 * hb["OIItotal"], OII7332=0.009 * hb["OIItotal"],
        ArIII7753=0.24 * hb["ArIII7138"],
    )  # fmt: skip
    return np.stack([rows[name] for name in GAS_LINES], axis=1) / 2.86


def add_gas(flux: Array, galaxies: Galaxies, gas: Gas) -> None:
    """Add the lines of each galaxy to its starlight, in place."""
    rows = np.arange(len(flux))
    centre = np.clip(pixel_of(6564.61 * (1 + galaxies.z)), 60, NPIX - 60).astype(int)
    level = flux[rows[:, None], centre[:, None] + np.arange(-50, 50, 4)].mean(axis=1)
    area = (gas.equivalent * (1 + galaxies.z) * level)[:, None] * gas.flux
    for k, wave in enumerate(_WAVES):
        add_lines(flux, wave * (1 + galaxies.z), area[:, k], np.hypot(gas.sigma, lsf_kms(wave * (1 + galaxies.z))))


def lsf_kms(wave: Array) -> Array:
    """Dispersion of the spectrographs, km/s: it improves to the red within each arm."""
    blue = 1.16 - 0.34 * (wave - 3900) / 2000
    red = 1.00 - 0.26 * (wave - 6100) / 3100
    return np.asarray(np.where(wave < 6000, np.clip(blue, 0.78, 1.25), red) * PIXEL_KMS)


def add_lines(flux: Array, centre: Array, area: Array, sigma: Array) -> None:
    """Add one Gaussian line to each row of `flux` (n, p), in place.

    Parameters
    ----------
    centre : (n,) observed vacuum Å
    area : (n,) integral over wavelength; sigma : (n,) km/s
    """
    half = int(np.ceil(4.5 * float(np.max(sigma, initial=1.0)) / PIXEL_KMS)) + 1
    position = pixel_of(centre)
    near = np.rint(position).astype(int)[:, None] + np.arange(-half, half + 1)
    keep = (near >= 0) & (near < NPIX)
    width = (centre * sigma / 299792.458)[:, None]
    inside = np.clip(near, 0, NPIX - 1)
    apart = (WAVE[inside] - centre[:, None]) / width
    keep &= np.abs(apart) < 4.5  # each line ends where it should, however wide the widest of the block is
    shape = np.exp(-0.5 * apart**2) / (width * np.sqrt(2 * np.pi))
    rows = np.broadcast_to(np.arange(len(flux))[:, None], near.shape)
    flux[rows[keep], near[keep]] += (area[:, None] * shape)[keep]
