"""The class of each pixel: what is known to lie there, from lines of the galaxy to marks of the instrument.

Where classes overlap, the first of this list takes the pixel: imputed, masked or dead pixels and their edges; spikes
narrower than the line-spread function; the strong oxygen lines of the sky; rest-frame lines; other sky lines, airglow
of the OH forest and bright sky; telluric bands; the join of the arms; the whole OH forest when the noise is not known;
else continuum. Where the noise is known,
sky counts only where it is raised. Artefacts that a line cannot be told from go before lines, others after.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..lines import ARM_JOINS, C_KMS, LINES, OH_FOREST, SKY_LINES, TELLURIC_BANDS, Band, Line
from ..spectrum import Spectrum
from .narrow import dead_pixels, narrow_pixels

CLASSES = ("lines", "imputed", "sky", "telluric", "join", "continuum", "narrow")
PIXELS = "pixels"  # meta["wave"] of an array that came without wavelengths
LINE_WIDTH = 600.0  # km/s, half width of what counts as a rest-frame line
SKY_WIDTH = 5.0  # Å, half width of the residual of a sky line: two resolution elements
MASK_EDGE = 4.0  # Å beside a mask where interpolation and residual sky still show
SKY_NOISE = 0.6  # share of the local inverse variance below which a pixel shows airglow
SKY_BITS = np.uint32((1 << 23) | (1 << 27))  # SPPIXMASK BRIGHTSKY, BADSKYCHI


def rest_wave(spectrum: Spectrum) -> NDArray[np.float64] | None:
    """Return the wavelengths in the rest frame, Å, or None without a redshift."""
    if spectrum.meta.get("wave") == PIXELS:
        return None
    if spectrum.frame == "rest":
        return spectrum.wave
    return None if spectrum.z is None else spectrum.wave / (1.0 + spectrum.z)


def observed_wave(spectrum: Spectrum) -> NDArray[np.float64] | None:
    """Return the wavelengths in the observed frame, Å, or None without a redshift."""
    if spectrum.meta.get("wave") == PIXELS:
        return None
    if spectrum.frame == "observed":
        return spectrum.wave
    return None if spectrum.z is None else spectrum.wave * (1.0 + spectrum.z)


def masked_pixels(spectrum: Spectrum) -> NDArray[np.bool_]:
    """Return which pixels were imputed, have no inverse variance, or carry no noise, shape ``(p,)``."""
    masked = dead_pixels(spectrum)
    if spectrum.imputed is not None:
        masked |= spectrum.imputed
    return masked if spectrum.ivar is None else masked | (spectrum.ivar <= 0)


def pixel_classes(spectrum: Spectrum) -> NDArray[np.intp]:
    """Return the index into CLASSES of each pixel, shape ``(p,)``."""
    classes = np.full(len(spectrum), CLASSES.index("continuum"), dtype=np.intp)
    rest, observed = rest_wave(spectrum), observed_wave(spectrum)
    if observed is not None:  # from the lowest to the highest claim
        if spectrum.ivar is None:
            classes[_within(observed, (OH_FOREST,))] = CLASSES.index("sky")
        joins = ARM_JOINS.get(str(spectrum.meta.get("instrument")), ())
        classes[_within(observed, joins)] = CLASSES.index("join")
        classes[_within(observed, TELLURIC_BANDS)] = CLASSES.index("telluric")
        classes[_airglow(spectrum, observed)] = CLASSES.index("sky")
        classes[_sky_lines(spectrum, observed, SKY_LINES)] = CLASSES.index("sky")
    if rest is not None:
        centres = np.array([item.wave for item in LINES])
        classes[_near(rest, centres, centres * LINE_WIDTH / C_KMS)] = CLASSES.index("lines")
    if observed is not None:
        strong = tuple(item for item in SKY_LINES if item.label.startswith("[O I]"))
        classes[_sky_lines(spectrum, observed, strong)] = CLASSES.index("sky")
    narrow = narrow_pixels(spectrum)
    if narrow is not None:
        classes[narrow] = CLASSES.index("narrow")
    masked = masked_pixels(spectrum)
    if masked.any():
        where = spectrum.wave[masked]
        reach = _near(spectrum.wave, where, np.full(where.size, MASK_EDGE), nearest=True)
        classes[masked | reach] = CLASSES.index("imputed")
    return classes


def _airglow(spectrum: Spectrum, observed: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which pixels the survey marks as bright sky, or lie on an airglow line of the OH forest."""
    sky = np.zeros(observed.size, dtype=np.bool_)
    if spectrum.mask is not None and spectrum.meta.get("survey") == "sdss":
        sky = (spectrum.mask & SKY_BITS) != 0
    forest = _within(observed, (OH_FOREST,))
    return sky if spectrum.ivar is None or not forest.any() else sky | (forest & _noisy(spectrum.ivar))


def _sky_lines(spectrum: Spectrum, observed: NDArray[np.float64], lines: tuple[Line, ...]) -> NDArray[np.bool_]:
    """Say which pixels lie on a line of the sky; a line that does not raise the noise was not there."""
    inside = np.zeros(observed.size, dtype=np.bool_)
    noisy = None if spectrum.ivar is None else _noisy(spectrum.ivar)
    for item in lines:
        near = np.abs(observed - item.wave) <= SKY_WIDTH
        if noisy is None or noisy[near].any():
            inside |= near
    return inside


def _noisy(ivar: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Say which pixels are noisier than their surroundings."""
    return np.asarray(ivar < SKY_NOISE * _upper(ivar.astype(np.float64)))


def _upper(values: NDArray[np.float64], block: int = 128) -> NDArray[np.float64]:
    """Return the running upper quartile, from blocks: what the inverse variance is between sky lines."""
    blocks = np.pad(values, (0, -values.size % block), mode="edge").reshape(-1, block)
    middles = np.arange(len(blocks)) * block + block / 2
    return np.interp(np.arange(values.size), middles, np.percentile(blocks, 75, axis=1))


def _within(wave: NDArray[np.float64], bands: tuple[Band, ...]) -> NDArray[np.bool_]:
    inside = np.zeros(wave.size, dtype=np.bool_)
    for band in bands:
        inside |= (wave >= band.lo) & (wave <= band.hi)
    return inside


def _near(
    wave: NDArray[np.float64], centres: NDArray[np.float64], half: NDArray[np.float64], nearest: bool = False
) -> NDArray[np.bool_]:
    """Say which wavelengths lie within `half` of a centre; `nearest` looks at ascending centres' neighbours only."""
    if not nearest:
        return np.asarray((np.abs(wave[:, None] - centres) <= half).any(axis=1))
    after = np.clip(np.searchsorted(centres, wave), 0, centres.size - 1)
    before = np.maximum(after - 1, 0)
    gap = np.minimum(np.abs(centres[after] - wave), np.abs(wave - centres[before]))
    return np.asarray(gap <= half[0])
