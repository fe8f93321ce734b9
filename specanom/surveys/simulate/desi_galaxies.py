"""The galaxies DESI looks at: bright ones nearby, luminous red ones, and faint ones with emission lines."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtr

from specanom.surveys.simulate.deck import Deck
from specanom.surveys.simulate.desi_grid import REST_WIDE, add_lines, lsf_kms, observe, starlight
from specanom.surveys.simulate.emission import GAS_LINES, Gas, draw_gas
from specanom.surveys.simulate.galaxies import Galaxies, of_mass
from specanom.surveys.simulate.populations import populations

Array = NDArray[np.float64]

#: Classes of galaxies in the order of their indices.
GALAXIES = ("BGS", "LRG", "ELG")
# redshift and magnitude in the fibre at the quantiles 0, 5, 25, 50, 75, 95 and 100 %
_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_REDSHIFT = {"BGS": (0.012, 0.06, 0.13, 0.20, 0.28, 0.40, 0.55), "LRG": (0.32, 0.45, 0.60, 0.72, 0.84, 0.98, 1.10),
             "ELG": (0.60, 0.78, 0.92, 1.08, 1.27, 1.50, 1.62)}
_MAGNITUDE = {"BGS": (15.8, 17.1, 18.1, 18.75, 19.3, 19.9, 20.4), "LRG": (18.6, 19.4, 20.1, 20.5, 20.9, 21.3, 21.6),
              "ELG": (21.0, 21.7, 22.4, 22.8, 23.1, 23.5, 23.9)}
#: Band of a class's magnitude: middle and ends, observed Å.
BANDS = {"BGS": (6430.0, 5700.0, 7100.0), "LRG": (9160.0, 8500.0, 9800.0), "ELG": (4770.0, 4000.0, 5500.0),
         "QSO": (6430.0, 5700.0, 7100.0), "STAR": (6430.0, 5700.0, 7100.0)}


@dataclass(eq=False)
class DesiGalaxies:
    """n galaxies: what they are, their gas, and the magnitude in the band of their class."""

    galaxies: Galaxies
    gas: Gas
    magnitude: Array

    def take(self, rows: NDArray[np.intp]) -> DesiGalaxies:
        """Return some of them."""
        galaxies, gas = (type(one)(*(getattr(one, item.name)[rows] for item in fields(one)))
                         for one in (self.galaxies, self.gas))
        return DesiGalaxies(galaxies, gas, self.magnitude[rows])  # type: ignore[arg-type]


def draw(deck: Deck, which: NDArray[np.int64]) -> DesiGalaxies:
    """Draw galaxies of classes `which` (n,), indices into `GALAXIES`."""
    first, second = ndtr(deck.normal()), deck.normal()
    pick = [which == i for i in range(len(GALAXIES))]
    z = np.select(pick, [PchipInterpolator(_QUANTILES, _REDSHIFT[name])(first) for name in GALAXIES])
    fainter = ndtr(0.45 * (first - 0.5) * 3.4 + np.sqrt(1 - 0.45**2) * second)
    magnitude = np.select(pick, [PchipInterpolator(_QUANTILES, _MAGNITUDE[name])(fainter) for name in GALAXIES])
    near = 10.5 + 1.1 * np.log10(np.clip(z, 0.02, None) / 0.2) - 0.25 * (magnitude - 18.75)
    mass = np.select(pick, [near, 11.2 + 0 * z, 9.9 + 0 * z]) + deck.normal(0, 0.25)
    mass = np.clip(mass, 8.3, 11.8)
    passive = 0.06 + 0.56 / (1 + np.exp(-(mass - 10.45) / 0.25))
    shares = np.stack([passive, 0.20 + 0 * mass, 0.74 - passive, 0.06 + 0 * mass], axis=1)
    shares[pick[1]], shares[pick[2]] = (0.93, 0.05, 0.0, 0.02), (0.0, 0.0, 0.98, 0.02)
    made = of_mass(deck, z=z, snr=np.zeros_like(z), mass=mass, kind=deck.choice(shares))
    made = _younger(made, pick[2])
    return DesiGalaxies(made, draw_gas(deck, made), magnitude)


def _younger(made: Galaxies, which: NDArray[np.bool_]) -> Galaxies:
    """Give galaxies the light of young stars and little dust: DESI chooses by colours that mean strong [O II]."""
    ages = populations().ages
    youth = made.weights * ((ages < 0.2) * 1.0)
    share = youth.sum(axis=1, keepdims=True)
    weights = 0.35 * made.weights + 0.65 * youth / np.maximum(share, 1e-12)
    return replace(made, weights=np.where(which[:, None], weights, made.weights),
                   young=np.where(which, 0.35 * made.young + 0.65 * made.young / np.maximum(share[:, 0], 1e-12),
                                  made.young),
                   dust=np.where(which, 0.45 * made.dust, made.dust))


def light(drawn: DesiGalaxies) -> tuple[Array, Array]:
    """Starlight, and starlight with gas, (n, p) on the pixels of all arms; about 1 at 5500 Å in the rest frame."""
    made, gas = drawn.galaxies, drawn.gas
    cold = np.where(made.type == 0, 0.15, 0.8)
    rest = starlight(made.weights, made.dust, made.slope, cold)
    stars = observe(rest, made.z, np.hypot(made.sigma, 35.0))
    total = stars.copy()
    red = (REST_WIDE > 6514) & (REST_WIDE < 6614)
    level = np.median(rest[:, red], axis=1)
    area = (gas.equivalent * (1 + made.z) * level)[:, None] * gas.flux
    for k, wave in enumerate(GAS_LINES.values()):
        at = wave * (1 + made.z)
        add_lines(total, at, area[:, k], np.hypot(gas.sigma, lsf_kms(at)))
    return stars, total


def flux_of(magnitude: Array, middle: float) -> Array:
    """Flux density in 10⁻¹⁷ erg/s/cm²/Å of AB magnitudes at a wavelength in Å."""
    return np.asarray(1.0886e16 * 10 ** (-0.4 * magnitude) / middle**2)


__all__ = ["BANDS", "GALAXIES", "DesiGalaxies", "draw", "flux_of", "light"]
