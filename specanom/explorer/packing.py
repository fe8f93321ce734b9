"""Spectra on their way to the page: every pixel, to a sixteenth of its noise, in a tenth of the room.

Numbers are rounded to a step far below the noise, which is what a survey's own compression does to images
(Pence, Seaman & White 2009, PASP 121, 414); differences of neighbours are then small, and deflate does the rest. No
pixel is left out, so that no peak is lost. The page undoes it with what every browser has had since 2023.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..plots.drawing import clipped, robust_range
from ..plots.single import residual_limits
from ..plots.view import noise
from ..spectrum import Spectrum

FINE = 16
"""Steps in the noise of a typical pixel: rounding adds 1/(12 · 16²) = 0.03 % to its variance."""
LARGEST = 32_000
MISSING = -32_768
RELATIVE = 0.01
"""Step of the noise itself: it is kept to half a per cent."""
IMPUTED, MASKED = 2, 1
DIGITS = 5


def packed(spectrum: Spectrum, model: NDArray[np.float64] | None) -> dict[str, Any]:
    """Return one spectrum as the page takes it.

    Parameters
    ----------
    spectrum : Spectrum
    model : (p,) array, optional
        Its reconstruction.

    Returns
    -------
    dict
        ``step`` (flux per unit), ``parts`` (letters, in the order of the planes), ``bytes`` (base64 of a deflated
        pair of planes each), vertical ``limits`` of flux and ``reach`` of the residual, ``clipped`` pixels.
    """
    flux, sigma = np.asarray(spectrum.flux, dtype=np.float64), noise(spectrum.ivar, spectrum.wave.shape)
    step = step_of(flux, sigma)
    imputed = np.zeros(flux.shape, dtype=bool) if spectrum.imputed is None else spectrum.imputed
    flags = np.where(imputed, IMPUTED, np.where(spectrum.valid, 0, MASKED))
    planes = {"f": rounded(flux, step), "g": flags.astype(np.int16)}
    shown = np.where(spectrum.valid, flux, np.nan)
    limits = robust_range(shown, sigma)
    made: dict[str, Any] = {"step": step, "limits": [plain(one) for one in limits]}
    if np.isfinite(sigma).any():
        with np.errstate(invalid="ignore", divide="ignore"):
            planes["s"] = rounded(np.log(sigma), RELATIVE)
    if model is not None:
        planes["m"] = rounded(np.asarray(model, dtype=np.float64), step)
        residual = shown - model
        if np.isfinite(residual).any():
            made["reach"] = plain(residual_limits(residual, sigma)[1])
    x, edge, value = clipped(np.asarray(spectrum.wave), shown, limits)
    made["clipped"] = [[plain(one) for one in column] for column in (x, edge, value)]
    made["parts"] = "".join(planes)
    made["bytes"] = base64.b64encode(zlib.compress(b"".join(map(_planes, planes.values())), 6)).decode()
    return made


def step_of(flux: NDArray[np.float64], sigma: NDArray[np.float64]) -> float:
    """Return what fluxes are rounded to: a sixteenth of the typical noise, more only where the range asks for it."""
    finite = np.abs(flux[np.isfinite(flux)])
    largest = float(finite.max()) if finite.size else 1.0
    known = sigma[np.isfinite(sigma) & (sigma > 0)]
    fine = float(np.median(known)) / FINE if known.size else largest / LARGEST
    return max(fine, largest / LARGEST) or 1.0


def rounded(values: NDArray[np.float64], step: float) -> NDArray[np.int16]:
    """Return values in whole steps; what is not finite is marked."""
    whole = np.clip(np.rint(np.nan_to_num(values / step, nan=0.0, posinf=0.0, neginf=0.0)), -LARGEST - 700, 32_767)
    return np.where(np.isfinite(values), whole, MISSING).astype(np.int16)


def _planes(values: NDArray[np.int16]) -> bytes:
    """Differences of neighbours, small ones of either sign as small numbers; all low bytes, then all high bytes."""
    steps = np.diff(values, prepend=np.int16(0))  # modulo 2¹⁶, as the page adds them up
    folded = ((steps << 1) ^ (steps >> 15)).astype("<u2", casting="unsafe")
    return folded.view(np.uint8).reshape(-1, 2).T.tobytes()


def plain(value: float) -> float | None:
    """Return a number with a few digits for JSON, which knows no NaN."""
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None


def numbers(values: Any) -> str:
    """Return float64 numbers as base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f8").tobytes()).decode()
