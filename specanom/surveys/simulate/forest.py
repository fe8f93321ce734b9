"""Gas between a quasar and us: the forest of Lyman α, damped systems and metal absorbers.

The optical depth of the forest is lognormal (Bi & Davidsen 1997) with the mean of Faucher-Giguère et al. (2008);
damped systems have their damping wings, metals and Lyman limit.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from specanom.lines import C_KMS
from specanom.surveys.simulate.desi_grid import WAVE, absorb, lsf_kms

Array = NDArray[np.float64]

LYMAN_ALPHA, LYMAN_BETA, LYMAN_LIMIT = 1215.67, 1025.722, 911.753
_PIXEL = 25.0  # km/s of the grid on which the forest is made
_BUMPINESS = 1.7  # of the logarithm of the optical depth
_BETA_TO_ALPHA = 0.0791 * LYMAN_BETA / (0.4164 * LYMAN_ALPHA)  # ratio of optical depths in the same gas
_MG, _C4 = ((2796.354, 1.0), (2803.531, 0.75)), ((1548.204, 1.0), (1550.781, 0.7))
_METALS = (*_MG, (2600.173, 0.7), (2586.650, 0.45), (2382.764, 0.65), (2374.461, 0.3), (2344.213, 0.5), *_C4,
           (1670.787, 0.5), (1526.707, 0.35))


def mean_depth(z: Array) -> Array:
    """Effective optical depth of the forest at absorption redshift `z`: 0.0018 (1+z)^3.92."""
    return np.asarray(0.0018 * (1 + z) ** 3.92)


@cache
def _amplitudes() -> tuple[Array, Array]:
    """Mean effective depth −ln⟨exp(−A e^{b g})⟩ of lognormal gas, and the amplitude A that has it."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    amplitude = np.logspace(-4, 2.5, 200)
    mean = (np.exp(-amplitude[:, None] * np.exp(_BUMPINESS * nodes)) * weights).sum(axis=1) / weights.sum()
    return -np.log(mean), amplitude


def forest(rng: np.random.Generator, z: float) -> Array:
    """Transmission (p,) of the intergalactic hydrogen in front of a quasar at redshift `z`, seen by DESI."""
    edge = LYMAN_ALPHA * (1 + z) * (1 - 500 / C_KMS)
    if edge <= WAVE[0]:
        return np.ones(WAVE.size)
    fine = np.exp(np.arange(np.log(WAVE[0] - 10), np.log(edge), _PIXEL / C_KMS))
    field = sum(share * _smooth(rng.standard_normal(fine.size), kms) for share, kms in ((0.85, 60), (0.53, 280)))
    where = fine / LYMAN_ALPHA - 1
    # what a quasar lights itself is more transparent
    quiet = np.clip((edge / fine - 1) * C_KMS / 3000, 0.0, 1.0)
    depth = np.interp(mean_depth(where), *_amplitudes()) * np.exp(_BUMPINESS * np.asarray(field)) * quiet
    through = np.exp(-depth)
    beta = fine * LYMAN_BETA / LYMAN_ALPHA
    through *= np.exp(-_BETA_TO_ALPHA * np.interp(fine, beta, depth, right=0.0))
    limit = LYMAN_LIMIT * (1 + z)
    through *= np.where(fine < limit, (fine / limit) ** 4.5, 1.0)
    seen = gaussian_filter1d(through, float(lsf_kms(np.array(3900.0))) / _PIXEL, mode="nearest")
    return np.asarray(np.interp(WAVE, fine, seen, right=1.0))


def _smooth(noise: Array, kms: float) -> Array:
    made = gaussian_filter1d(noise, kms / _PIXEL, mode="wrap")
    return np.asarray(made * np.sqrt(2 * np.sqrt(np.pi) * kms / _PIXEL))


def absorbers(rng: np.random.Generator, z: float) -> tuple[Array, list[tuple[float, float]]]:
    """Transmission (p,) of galaxies in front, and redshift and log column density of the damped ones among them."""
    through = np.ones(WAVE.size)
    dense: list[tuple[float, float]] = []
    first = max(WAVE[0] / LYMAN_ALPHA - 1, 0.0)
    if z > first:
        nearest = max(z - 0.02, first)
        dense = [(float(rng.uniform(first, nearest)), float(np.clip(20.3 + rng.exponential(0.3), 20.3, 22)))
                 for _ in range(rng.poisson(0.16 * (z - first)))]
    for at, column in dense:
        through *= damped(at, column)
        _metals(through, at, 0.9 * 10 ** rng.normal(0, 0.2), _METALS)
    for doublet, rate in ((_MG, 0.35), (_C4, 0.7)):
        low, high = max(WAVE[0] / doublet[0][0] - 1, 0.2), min(z - 0.01, WAVE[-1] / doublet[1][0] - 1)
        for _ in range(rng.poisson(rate * max(high - low, 0.0))):
            lines = _METALS[:7] if doublet is _MG else _C4
            _metals(through, float(rng.uniform(low, high)), float(0.2 + rng.exponential(0.5)), lines)
    return through, dense


def damped(z: float, column: float) -> Array:
    """Transmission (p,) of one damped system of log column density `column` (cm⁻²): core, wings and Lyman limit."""
    rest = WAVE / (1 + z)
    through = np.ones(WAVE.size)
    for wave, strength, width in ((LYMAN_ALPHA, 0.4164, 6.265e8), (LYMAN_BETA, 0.0791, 1.897e8)):
        offset = C_KMS * 1e13 * (1 / rest - 1 / wave)
        damping = width / (4 * np.pi**2)
        wings = 0.02654 * strength * damping / (offset**2 + damping * width / 4) * 10**column
        through *= np.exp(-np.clip(wings, 0, 60))
    return np.asarray(np.where(rest < LYMAN_LIMIT, 0.0, through))


def _metals(through: Array, z: float, width: float, lines: tuple[tuple[float, float], ...]) -> None:
    for wave, share in lines:
        at = wave * (1 + z)
        if WAVE[0] < at < WAVE[-1]:
            absorb(through, at, share * width * (1 + z), float(np.hypot(60.0, lsf_kms(np.array(at)))))
