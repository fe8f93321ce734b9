"""The class of each pixel: what is known to lie there, from lines of the galaxy to marks of the instrument.

Where classes overlap, the first of this list takes the pixel: imputed, masked or dead pixels and their edges; spikes
narrower than the line-spread function; the strong oxygen lines of the sky; rest-frame lines; other sky lines, airglow
of the OH forest and bright sky; telluric bands; the join of the arms; the whole OH forest when the noise is not known;
else continuum. Lines that were found at a second redshift go before all but imputed, masked and dead pixels. The broad
absorption of a quasar counts as lines; masks, sky and spikes go before it, bands and joins after. Where the noise is
known, sky counts only where it is raised. Artefacts that a line cannot be told from go before lines, others
after.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..diagnostics import SecondRedshift
from ..lines import ARM_JOINS, C_KMS, LINES, OH_FOREST, SKY_LINES, TELLURIC_BANDS, Band, Line
from ..spectrum import Spectrum, is_quasar
from .narrow import covered, dead_pixels, narrow_pixels, runs_of
from .troughs import Troughs, troughs_of

CLASSES = ("lines", "imputed", "sky", "telluric", "join", "continuum", "narrow")
PIXELS = "pixels"  # meta["wave"] of an array that came without wavelengths
SKY_WIDTH = 5.0  # Å, half width of the residual of a sky line: two resolution elements
MASK_EDGE = 4.0  # Å beside a mask where interpolation and residual sky still show
SECOND_WIDTH = 400.0  # km/s, half width of a line at a second redshift, which is known to lie there
SKY_NOISE = 0.6  # share of the local inverse variance below which a pixel shows airglow
_CENTRES = np.array([item.wave for item in LINES])
_HALF_WIDTHS = np.array([item.wave * item.half_width / C_KMS for item in LINES])
_STRONG = tuple(item for item in SKY_LINES if item.label.startswith("[O I]"))
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


@dataclass(frozen=True, eq=False)
class Ground:
    """What is known of each pixel of a spectrum before anything is explained.

    Attributes
    ----------
    spectrum : Spectrum
    rest, observed : (p,) arrays or None
        Wavelengths in both frames, Å, as far as known.
    dead, masked : (p,) bool arrays
        Pixels that carry no noise; these and imputed ones and those without inverse variance.
    spikes : (p,) bool array or None
        Pixels of spikes narrower than the line-spread function; None when that is not known.
    classes : (p,) int array
        Index into CLASSES.
    second : SecondRedshift
        Lines at another redshift than that of the galaxy, where some were looked for and found.
    foreign : (p,) int array or None
        Which of these lines a pixel belongs to, −1 for none; None without any.
    quasar : bool
        Whether it is one, by its class or since its score is made for quasars.
    troughs : Troughs or None
        Broad absorption of a quasar, where some was looked for and found.
    """

    spectrum: Spectrum
    rest: NDArray[np.float64] | None
    observed: NDArray[np.float64] | None
    dead: NDArray[np.bool_]
    masked: NDArray[np.bool_]
    spikes: NDArray[np.bool_] | None
    classes: NDArray[np.intp]
    second: SecondRedshift = field(default_factory=SecondRedshift)
    foreign: NDArray[np.intp] | None = None
    quasar: bool = False
    troughs: Troughs | None = None

    def with_second(self, second: SecondRedshift) -> Ground:
        """Return it with the lines found at a second redshift; their pixels are of the class of lines."""
        if not second.found or self.observed is None:
            return self
        foreign = np.full(self.classes.size, -1, dtype=np.intp)
        for i, item in enumerate(second.lines):
            low, high = (item.wave * (1 + sign * SECOND_WIDTH / C_KMS) for sign in (-1, 1))
            foreign[self.observed.searchsorted(low) : self.observed.searchsorted(high, side="right")] = i
        foreign[self.classes == CLASSES.index("imputed")] = -1
        classes = np.where(foreign >= 0, CLASSES.index("lines"), self.classes)
        return replace(self, second=second, foreign=foreign, classes=classes)

    def with_troughs(self, model: NDArray[np.float64]) -> Ground:
        """Return it with the broad absorption of a quasar below `model`, ``(p,)``, NaN where that is not known."""
        if not self.quasar or self.rest is None:
            return self
        spectrum = self.spectrum
        found = troughs_of(self.rest, spectrum.flux, model, ivar=spectrum.ivar, masked=self.masked)
        if found is None:
            return self
        kept = np.isin(self.classes, [CLASSES.index(name) for name in ("imputed", "sky", "narrow")])
        found = replace(found, which=np.where(kept, -1, found.which))
        return replace(self, troughs=found, classes=np.where(found.which >= 0, CLASSES.index("lines"), self.classes))


def ground_of(spectrum: Spectrum) -> Ground:
    """Look at a spectrum: its frames, its bad pixels, and the class of each pixel.

    An inverse variance without a single number above zero, some of it NaN, is that of a spectrum joined to others
    whose noise is known: it is taken for not known.
    """
    if spectrum.ivar is not None and np.isnan(spectrum.ivar).any() and not (spectrum.ivar > 0).any():
        spectrum = spectrum.replace(ivar=None)
    rest, observed = rest_wave(spectrum), observed_wave(spectrum)
    dead = dead_pixels(spectrum)
    masked = dead.copy()
    if spectrum.imputed is not None:
        masked |= spectrum.imputed
    if spectrum.ivar is not None:
        masked |= spectrum.ivar <= 0
    spikes = narrow_pixels(spectrum)
    classes = np.full(len(spectrum), CLASSES.index("continuum"), dtype=np.intp)
    # From the lowest to the highest claim.
    noisy = None if observed is None or spectrum.ivar is None else _noisy(spectrum.ivar)
    raised = None if noisy is None else np.concatenate([[0], np.cumsum(noisy)])
    if observed is not None:
        _observed_classes(spectrum, observed, classes, noisy=noisy)
        classes[_sky_lines(observed, SKY_LINES, raised=raised)] = CLASSES.index("sky")
    if rest is not None:
        classes[_between(rest, _CENTRES - _HALF_WIDTHS, _CENTRES + _HALF_WIDTHS)] = CLASSES.index("lines")
    if observed is not None:
        classes[_sky_lines(observed, _STRONG, raised=raised)] = CLASSES.index("sky")
    if spikes is not None:
        classes[spikes] = CLASSES.index("narrow")
    if masked.any():
        starts, stops = runs_of(masked)
        wave = spectrum.wave
        classes[_between(wave, wave[starts] - MASK_EDGE, wave[stops - 1] + MASK_EDGE)] = CLASSES.index("imputed")
    return Ground(spectrum, rest, observed, dead, masked, spikes, classes, quasar=is_quasar(spectrum))


def pixel_classes(spectrum: Spectrum) -> NDArray[np.intp]:
    """Return the index into CLASSES of each pixel, shape ``(p,)``."""
    return ground_of(spectrum).classes


def _observed_classes(
    spectrum: Spectrum, observed: NDArray[np.float64], classes: NDArray[np.intp], *, noisy: NDArray[np.bool_] | None
) -> None:
    """Mark in `classes` what a line of the galaxy goes before."""
    if noisy is None:
        classes[_within(observed, (OH_FOREST,))] = CLASSES.index("sky")
    joins = ARM_JOINS.get(str(spectrum.meta.get("instrument")), ())
    classes[_within(observed, joins)] = CLASSES.index("join")
    classes[_within(observed, TELLURIC_BANDS)] = CLASSES.index("telluric")
    if spectrum.mask is not None and spectrum.meta.get("survey") == "sdss":
        classes[(spectrum.mask & SKY_BITS) != 0] = CLASSES.index("sky")
    if noisy is not None:
        classes[noisy & _within(observed, (OH_FOREST,))] = CLASSES.index("sky")


def _sky_lines(
    observed: NDArray[np.float64], lines: tuple[Line, ...], *, raised: NDArray[np.intp] | None
) -> NDArray[np.bool_]:
    """Say which pixels lie on a line of the sky; a line that does not raise the noise was not there.

    `raised` ``(p + 1,)`` counts the noisy pixels before each; None when the noise is not known.
    """
    centres = np.array([item.wave for item in lines])
    starts = observed.searchsorted(centres - SKY_WIDTH, side="left")
    stops = observed.searchsorted(centres + SKY_WIDTH, side="right")
    if raised is not None:
        seen = raised[stops] > raised[starts]
        starts, stops = starts[seen], stops[seen]
    return covered(starts, stops, observed.size)


def _noisy(ivar: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Say which pixels are noisier than their surroundings."""
    return np.asarray(ivar < SKY_NOISE * _upper(ivar.astype(np.float64)))


def _upper(values: NDArray[np.float64], block: int = 128) -> NDArray[np.float64]:
    """Return the running upper quartile, from blocks: what the inverse variance is between sky lines."""
    padded = np.full(values.size + -values.size % block, values[-1])  # np.pad costs more than the quartiles
    padded[: values.size] = values
    blocks = padded.reshape(-1, block)
    middles = np.arange(len(blocks)) * block + block / 2
    place = 0.75 * (block - 1)
    low, high = np.partition(blocks, (int(place), int(place) + 1), axis=1)[:, int(place) : int(place) + 2].T
    return np.asarray(np.interp(np.arange(values.size), middles, low + (high - low) * (place % 1)))


def _within(wave: NDArray[np.float64], bands: tuple[Band, ...]) -> NDArray[np.bool_]:
    return _between(wave, np.array([band.lo for band in bands]), np.array([band.hi for band in bands]))


def _between(wave: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which wavelengths lie in any of the closed intervals."""
    starts, stops = wave.searchsorted(low, side="left"), wave.searchsorted(high, side="right")
    return covered(starts, stops, wave.size)
