"""The pixels of DESI: three arms, linear in vacuum wavelength, each with its own resolution.

A fibre is one row of 7,958 pixels, its arms one after another, so that where arms overlap each has pixels, resolution
and noise of its own. Wavelengths therefore step back where an arm ends.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from specanom.lines import C_KMS
from specanom.surveys.simulate.galaxies import attenuation
from specanom.surveys.simulate.grid import COEFF0, COEFF1, PIXEL_KMS, REST, REST_LEAD
from specanom.surveys.simulate.populations import populations
from specanom.surveys.simulate.target import Camera

Array = NDArray[np.float64]


class Arm(NamedTuple):
    """One arm of the spectrographs: first and last vacuum wavelength in Å, and its pixels in a row of `WAVE`."""

    first: float
    last: float
    pixels: slice


#: Å per pixel.
STEP = 0.8
ARMS: dict[str, Arm] = {
    "B": Arm(3600.0, 5800.0, slice(0, 2751)), "R": Arm(5760.0, 7620.0, slice(2751, 5077)),
    "Z": Arm(7520.0, 9824.0, slice(5077, 7958)),
}  # fmt: skip
#: Vacuum wavelengths of the pixels of all arms, Å.
WAVE: Array = np.concatenate([
    arm.first + STEP * np.arange(arm.pixels.stop - arm.pixels.start) for arm in ARMS.values()
])
NPIX = WAVE.size


def _line_spread() -> Array:
    """Dispersion (p,) of the line spread in Å: smooth within an arm, from 0.70 to 0.62 Å and 0.75 Å in the infrared."""
    made = np.empty(NPIX)
    for name, ends in (("B", (0.71, 0.66)), ("R", (0.64, 0.62)), ("Z", (0.76, 0.73))):
        made[ARMS[name].pixels] = np.linspace(*ends, ARMS[name].pixels.stop - ARMS[name].pixels.start)
    return made


#: Dispersion of the line spread at each pixel, Å.
LSF: Array = _line_spread()
#: The populations' grid continued into the ultraviolet: pixels added, and the wavelengths, Å.
ULTRAVIOLET = 3100
REST_WIDE: Array = np.asarray(
    10 ** (COEFF0 + COEFF1 * (np.arange(len(REST) + ULTRAVIOLET) - REST_LEAD - ULTRAVIOLET)), dtype=np.float64
)
# interstellar lines of the ultraviolet, vacuum Å, and their equivalent widths in Å where there is much gas
_INTERSTELLAR = ((1608.45, 0.6), (1670.79, 0.9), (1854.72, 0.6), (1862.79, 0.5), (2344.21, 1.4), (2374.46, 1.2),
                 (2382.76, 1.6), (2586.65, 1.5), (2600.17, 1.8), (2796.35, 2.2), (2803.53, 2.0), (2852.96, 0.7))


def lsf_kms(wave: Array) -> Array:
    """Dispersion of the line spread at observed wavelengths, km/s."""
    blue = np.interp(wave, WAVE[:5077], LSF[:5077])
    return np.asarray(np.where(wave < 7570, blue, np.interp(wave, WAVE[5077:], LSF[5077:])) / wave * C_KMS)


def add_lines(flux: Array, centre: Array, area: Array, sigma: Array) -> None:
    """Add one Gaussian line to each row of `flux` (n, p), in place.

    Parameters
    ----------
    centre : (n,) observed vacuum Å
    area : (n,) integral over wavelength; sigma : (n,) km/s, the resolution included
    """
    for row, (at, total, kms) in enumerate(zip(centre, area, sigma, strict=True)):
        width = at * kms / C_KMS
        for arm in ARMS.values():
            low = max(int(np.floor((at - 5 * width - arm.first) / STEP)), 0)
            high = min(int(np.ceil((at + 5 * width - arm.first) / STEP)) + 1, arm.pixels.stop - arm.pixels.start)
            if low < high:
                near = slice(arm.pixels.start + low, arm.pixels.start + high)
                shape = np.exp(-0.5 * ((WAVE[near] - at) / width) ** 2) / (width * np.sqrt(2 * np.pi))
                flux[row, near] += total * shape


def absorb(flux: Array, centre: float, width: float, sigma: float) -> None:
    """Take a narrow absorption line out of one row (p,), in place.

    Parameters
    ----------
    centre : observed vacuum Å
    width : observed equivalent width, Å; sigma : km/s, the resolution included
    """
    spread = centre * sigma / C_KMS
    depth = width / (spread * np.sqrt(2 * np.pi))
    flux *= np.exp(-depth * np.exp(-0.5 * ((WAVE - centre) / spread) ** 2))


def observe(rest: Array, z: Array, sigma: Array) -> Array:
    """Broaden rest-frame spectra by `sigma` km/s and show them at redshift `z` on the pixels of all arms.

    Parameters
    ----------
    rest : (n, q) on the populations' grid, or on `REST_WIDE`; beyond its ends a spectrum keeps its last value
    z, sigma : (n,)
    """
    grid = REST_WIDE if rest.shape[1] == REST_WIDE.size else REST
    made = np.empty((len(rest), NPIX))
    for row, (light, redshift, kms) in enumerate(zip(rest, z, sigma, strict=True)):
        smooth = gaussian_filter1d(light, kms / PIXEL_KMS, mode="nearest")
        made[row] = np.interp(WAVE / (1 + redshift), grid, smooth)
    return made


def starlight(weights: Array, dust: Array, slope: Array, gas: Array) -> Array:
    """Rest-frame light of the stars (n, q) on `REST_WIDE`, about 1 at 5500 Å.

    The populations begin at 2692 Å; below, each goes on as the power law of its own near ultraviolet, with the
    interstellar lines that gas of strength `gas` (n,), 0 to 1, makes.
    """
    light = np.einsum("nk,kp->np", weights, populations().flux)
    near, far = ((REST > 3000) & (REST < 3100)), ((REST > 2720) & (REST < 2790))
    power = np.log(np.median(light[:, far], axis=1) / np.median(light[:, near], axis=1)) / np.log(2755 / 3050)
    ends = np.median(light[:, far], axis=1)[:, None]
    blue = REST_WIDE[:ULTRAVIOLET]
    tail = ends * np.exp(np.clip(power, -2.2, 5.0)[:, None] * np.log(blue / 2755.0))
    wide = np.concatenate([tail, light], axis=1)
    for wave, width in _INTERSTELLAR:
        spread = 1.3
        shape = np.exp(-0.5 * ((REST_WIDE - wave) / spread) ** 2)
        wide *= np.exp(-(gas * width / (spread * np.sqrt(2 * np.pi)))[:, None] * shape)
    return np.asarray(wide * attenuation(REST_WIDE, dust, slope))


#: What an anomaly has to know of DESI.
DESI = Camera(WAVE, lsf_kms, add_lines, observe)
