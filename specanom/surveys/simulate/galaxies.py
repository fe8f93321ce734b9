"""Galaxies: redshift, mass, history, dust and gas of each fibre, and the spectrum of its stars."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtr

from specanom.surveys.simulate.atmospheres import METALS
from specanom.surveys.simulate.deck import Deck
from specanom.surveys.simulate.grid import COEFF1, NPIX, PIXEL_KMS, REST, REST_LEAD, REST_PIXELS
from specanom.surveys.simulate.populations import AGES, populations

Array = NDArray[np.float64]

TYPES = ("passive", "green", "star-forming", "Seyfert")
# quantiles of redshift and S/N of the published sample (Ortiz & Boquien 2025, Table 1); the tails between the last
# quartile and the extremes are set so that mean and spread come out as published
_Z_QUANTILES = ((0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.995, 1.0), (0.010, 0.030, 0.070, 0.100, 0.150, 0.225, 0.285,
    0.300))
_SNR_QUANTILES = ((0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.995, 1.0), (4.05, 6.6, 9.94, 13.15, 17.55, 27.8, 46.0, 98.0))


@dataclass(eq=False)
class Galaxies:
    """Properties of n galaxies, each an (n,) array unless said.

    Attributes
    ----------
    z, snr, ebv : redshift, median S/N per pixel aimed at, true foreground E(B-V) in mag
    type : index into `TYPES`
    mass : log10 of the stellar mass in solar masses
    weights : (n, k) share of the light at 5500 Å of each population of `populations()`
    sigma : velocity dispersion of the stars, km/s
    dust : attenuation of the stars at 5500 Å, mag
    slope : exponent of the attenuation law
    young : (n,) share of the light from stars younger than 10 Myr
    """

    z: Array
    snr: Array
    ebv: Array
    type: NDArray[np.int64]
    mass: Array
    weights: Array
    sigma: Array
    dust: Array
    slope: Array
    young: Array

    def __len__(self) -> int:
        return len(self.z)


@cache
def _quantile(which: str) -> PchipInterpolator:
    return PchipInterpolator(*(_Z_QUANTILES if which == "z" else _SNR_QUANTILES))


def draw(deck: Deck) -> Galaxies:
    """Draw the galaxies of one block."""
    first, second = deck.normal(), deck.normal()
    z = _quantile("z")(ndtr(first))
    # a survey limited in magnitude: far galaxies are fainter, but not by much, since they are the luminous ones
    snr = _quantile("snr")(ndtr(-0.38 * first + np.sqrt(1 - 0.38**2) * second))
    mass = np.clip(10.35 + 1.15 * np.log10(z / 0.1) + deck.normal(0, 0.33), 8.3, 11.7)
    passive = 0.06 + 0.56 / (1 + np.exp(-(mass - 10.45) / 0.25))
    shares = np.stack([passive, 0.20 + 0 * mass, 0.74 - passive, 0.06 + 0 * mass], axis=1)
    kind = deck.choice(shares)
    return of_mass(deck, z=z, snr=snr, mass=mass, kind=kind)


def of_mass(deck: Deck, *, z: Array, snr: Array, mass: Array, kind: NDArray[np.int64]) -> Galaxies:
    """Draw what follows from the mass and the type (an index into `TYPES`) of galaxies: history, motion, dust."""
    weights, young = _histories(deck, kind, mass)
    old = kind == 0
    sigma = 10 ** (2.20 + 0.28 * (mass - 10.7) + deck.normal(0, 0.09))
    dust = np.where(old, deck.exponential(0.14), np.clip(deck.normal(0.62 + 0.30 * (mass - 10.2), 0.30), 0.02, 2.4))
    return Galaxies(
        z=z, snr=snr, ebv=np.clip(-0.018 * np.log(deck.uniform() * deck.uniform()), 0.004, 0.25), type=kind, mass=mass,
        weights=weights, sigma=np.clip(sigma, 55, 340), dust=dust, slope=deck.normal(-0.85, 0.15), young=young,
    )  # fmt: skip


def _histories(deck: Deck, kind: NDArray[np.int64], mass: Array) -> tuple[Array, Array]:
    """Light of each population (n, k): delayed exponential histories, a burst now and then, metals by mass."""
    age = np.logspace(np.log10(0.002), np.log10(13.3), 56)[None, :]
    span = deck.uniform(9.0, 13.3)[:, None]
    scale = 10 ** (np.array([-0.15, 0.30, 0.52, 0.32])[kind] + deck.normal() * np.array([0.14, 0.12, 0.25, 0.2])[kind])
    since = np.clip(span - age, 0, None)
    rate = since * np.exp(-since / scale[:, None]) / scale[:, None] ** 2
    recent = 10 ** (deck.normal(0, 0.22) + np.array([-0.3, -0.15, 0.05, -0.1])[kind])[:, None]
    rate = rate * np.where(age < 0.4, recent * np.where(age < 0.03, 10 ** deck.normal(0, 0.15)[:, None], 1.0), 1.0)
    # light per mass at 5500 Å falls with age
    light = rate * age * (np.clip(age, 0.006, None) / 0.006) ** -0.72
    weights = np.einsum("na,ak->nk", light, _age_matrix(age[0]))
    weights /= weights.sum(axis=1, keepdims=True)
    metals = np.clip(0.02 + 0.22 * (mass - 10.5) + deck.normal(0, 0.10) - 0.05 * (kind == 2), METALS[0], METALS[-1])
    place = np.interp(metals, METALS, np.arange(len(METALS)))
    mix = np.clip(1 - np.abs(place[:, None] - np.arange(len(METALS))), 0, None)
    full = (mix[:, :, None] * weights[:, None, :]).reshape(len(mass), -1)
    return full, weights[:, : np.searchsorted(AGES, 0.01)].sum(axis=1)


def _age_matrix(age: Array) -> Array:
    place = np.interp(np.log(age), np.log(AGES), np.arange(len(AGES)))
    return np.asarray(np.clip(1 - np.abs(place[:, None] - np.arange(len(AGES))), 0, None))


def attenuation(wave: Array, dust: ArrayLike, slope: ArrayLike) -> Array:
    """Transmission (n, p) of the dust inside galaxies: a power law with `dust` magnitudes at 5500 Å."""
    power = np.asarray(slope)[..., None] * np.log(wave / 5500.0)
    return np.asarray(np.exp(-0.921034 * np.asarray(dust)[..., None] * np.exp(power)))


def stars(galaxies: Galaxies, lsf: Array) -> Array:
    """Light of the stars (n, p) on the observed grid, before foreground dust; about 1 at 5500 Å in the rest frame."""
    # einsum adds one row after another: a matrix product would round by the number of rows
    light = np.einsum("nk,kp->np", galaxies.weights, populations().flux)
    rest = light * attenuation(REST, galaxies.dust, galaxies.slope)
    return observe(rest, galaxies.z, np.hypot(galaxies.sigma, lsf))


def observe(rest: Array, z: Array, sigma: Array) -> Array:
    """Broaden rest-frame spectra (n, `REST`) by `sigma` km/s and shift them to redshift `z` on the observed grid.

    Both happen at once in Fourier space: on a logarithmic grid a redshift is a shift by a number of pixels.
    """
    omega = 2 * np.pi * np.fft.rfftfreq(REST_PIXELS)[None, :]
    shift = np.log10(1 + np.asarray(z))[:, None] / COEFF1
    width = np.asarray(sigma)[:, None] / PIXEL_KMS
    whole = np.floor(shift).astype(int)
    transfer = np.exp(-0.5 * (width * omega) ** 2 - 1j * omega * (shift - whole))
    moved = np.fft.irfft(np.fft.rfft(rest, axis=1) * transfer, REST_PIXELS, axis=1)
    columns = REST_LEAD - whole + np.arange(NPIX)[None, :]
    return np.asarray(np.take_along_axis(moved, columns, axis=1))
