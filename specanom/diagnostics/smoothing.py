"""Smoothing a spectrum for the eye: each pixel becomes the inverse-variance weighted mean of its neighbours."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, choice, message
from ..spectrum import Spectrum

KERNELS = ("boxcar", "gaussian")
WEIGHTS = ("ivar", "equal")
REACH = 3.0
"""How far a Gaussian reaches, standard deviations."""
FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
"""Full width at half maximum of a Gaussian, standard deviations."""

Floats = NDArray[np.float64]


def smoothed(spectrum: Spectrum, width: float, *, kernel: str = "boxcar", weights: str = "ivar") -> Spectrum:
    """Smooth a spectrum, with inverse-variance weights.

    Parameters
    ----------
    spectrum : Spectrum
        Any spectrum; without noise all its valid pixels weigh the same.
    width : float
        Full width in pixels: of the box, or at half maximum of the Gaussian. A width of 1 or less changes nothing.
    kernel : {"boxcar", "gaussian"}
        Weights by distance.
    weights : {"ivar", "equal"}
        Weights by noise, which keep residuals of the sky out of their neighbours but lower bright emission lines, whose
        peaks have more photon noise than their wings; or the same for all valid pixels, which keeps the flux of lines.

    Returns
    -------
    Spectrum
        On the same pixels. Masked, imputed and missing pixels lend nothing to their neighbours and stay as they are.
        ``ivar`` is that of the weighted means; neighbouring pixels are now correlated, which it does not say.

    Raises
    ------
    ArgumentError
        For a width that is no number of pixels, or an unknown kernel.

    Examples
    --------
    >>> s = Spectrum([1.0, 2.0, 3.0], [0.0, 3.0, 0.0], [1.0, 1.0, 1.0], id="a")
    >>> smoothed(s, 3).flux
    array([1.5, 1. , 1.5], dtype=float32)
    """
    choice("kernel", kernel, KERNELS)
    choice("weights", weights, WEIGHTS)
    if not (np.isfinite(width) and width > 0):
        raise ArgumentError(message("width", expected="a number of pixels above 0", got=width, hint="5"))
    good = spectrum.valid
    precision = np.ones(good.shape) if spectrum.ivar is None else spectrum.ivar.astype(np.float64)
    precision = np.where(good, precision, 1.0)
    given = np.where(good, precision if weights == "ivar" else 1.0, 0.0)
    values = np.where(good, spectrum.flux, 0.0).astype(np.float64)
    profile = _profile(width, kernel)
    total = _spread(given, profile)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = _spread(given * values, profile) / total
        certain = total**2 / _spread(given**2 / precision, profile**2)
    ivar = None if spectrum.ivar is None else np.where(good, certain, spectrum.ivar)
    return spectrum.replace(flux=np.where(good, mean, spectrum.flux), ivar=ivar)


def _profile(width: float, kernel: str) -> Floats:
    """Return weights by distance; a box of a width that is no odd number covers its outermost pixels in part."""
    if kernel == "boxcar":
        reach = max(0, math.ceil((width - 1) / 2))
        distance = np.abs(np.arange(-reach, reach + 1))
        return np.clip(width / 2 - (distance - 0.5), 0.0, 1.0) if width > 1 else np.ones(1)
    if width <= 1:
        return np.ones(1)
    sigma = width / FWHM
    reach = max(1, math.ceil(REACH * sigma))
    return np.asarray(np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2))


def _spread(values: Floats, profile: Floats) -> Floats:
    """Return the convolution on the pixels of `values`; beyond the ends there is nothing."""
    reach = profile.size // 2
    return np.convolve(values, profile)[reach : reach + values.size]
