"""Features put into one's own spectra, so that it is known what a search would have found.

The strength of a feature is given in units of the noise (its S/N under a matched filter) or of the continuum. Pixels
that were imputed, or have no inverse variance, hold no observation and take no feature.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ..errors import ArgumentError, choice, message
from ..seeds import object_seed
from ..spectrum import Spectrum
from ..spectrumset import SpectrumSet
from .classes import observed_wave, rest_wave
from .segments import pixel_edges
from .templates import Doubles, Template
from .truth import Truth

UNITS = ("snr", "continuum")
INJECTED, OUTSIDE, IMPUTED, NO_REDSHIFT, NO_LEVEL = (
    "injected", "outside the grid", "imputed pixels", "no redshift", "no level")
APART = (OUTSIDE, IMPUTED, NO_REDSHIFT, NO_LEVEL)
HALF = 0.5  # of a feature that must lie on the grid and on valid pixels
SHOWN = 0.1  # of its height above which a pixel belongs to a feature
CONTINUUM = 151  # pixels of the running median


@dataclass(frozen=True)
class Injection:
    """Which features are injected, and how strong.

    Parameters
    ----------
    template : Template
        :class:`LineTemplate`, :class:`Trough`, :class:`Spike`, :class:`Step`, :class:`ArrayTemplate` or your own.
    strengths : tuple of float
        0 measures the false alarms.
    unit : {"snr", "continuum"}
        Strengths as S/N of the feature (matched filter, √Σ f²·ivar), or as its height in units of the local
        continuum (a running median of 151 pixels).
    noise : float or "photon"
        Gaussian noise added to the pixels of the spectrum, in units of its own, or the photon noise of the feature
        as if that of the object were all there is: an upper limit. The ivar is made to agree.
    seed : int
        Of places and noise; each spectrum has its own random numbers, whatever else is in the sample.

    Examples
    --------
    >>> from specanom.explain import LineTemplate
    >>> Injection(LineTemplate(5008.24, 150.0), (0, 5, 10))
    Injection of LineTemplate(wave=5008.24, frame='rest', sigma_kms=150.0): S/N 0, 5, 10
    """

    template: Template
    strengths: tuple[float, ...] = (0.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0)
    unit: str = "snr"
    noise: float | str = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        choice("unit", self.unit, UNITS)
        _noise(self.noise)
        if isinstance(self.template, type) or not hasattr(self.template, "support"):
            raise ArgumentError(message("template", expected="an object such as LineTemplate(6564.6)",
                                        got=repr(self.template)))
        strengths = tuple(sorted({float(value) for value in np.atleast_1d(np.asarray(self.strengths, dtype=float))}))
        if not strengths or not np.isfinite(strengths).all():
            raise ArgumentError(message("strengths", expected="finite numbers", got=self.strengths))
        object.__setattr__(self, "strengths", strengths)

    def __call__(self, sample: SpectrumSet, strength: float) -> Injected:
        """Return `sample` with features of one strength."""
        return inject(sample, self.template, strength, unit=self.unit, noise=self.noise, seed=self.seed)

    def __repr__(self) -> str:
        what = "S/N" if self.unit == "snr" else "× continuum"
        values = ", ".join(f"{value:g}" for value in self.strengths)
        return f"Injection of {self.template!r}: {what} {values}"


@dataclass(frozen=True, eq=False)
class Injected:
    """A sample with features in it.

    Attributes
    ----------
    sample : SpectrumSet
        All spectra in their order; those whose status is not ``"injected"`` are as they were.
    status : (n,) array of str
        ``"injected"``; or why not: ``"outside the grid"`` (less than half of it is on the grid), ``"imputed pixels"``
        (less than half of its power falls on valid pixels), ``"no redshift"`` (needed for its frame), ``"no level"``
        (the median flux with it is not positive).
    pixels : (n, p) bool array
        Valid pixels with a tenth of the feature's height or more.
    snr : (n,) array
        S/N of each feature by a matched filter; NaN when not injected or without ivar.
    peak : (n,) array
        Largest absolute flux that was added, in the scale of the result.
    place : (n,) array
        Where the feature is: the middle of its support, Å of its own frame.
    strength : float
    """

    sample: SpectrumSet
    status: NDArray[np.str_]
    pixels: NDArray[np.bool_]
    snr: Doubles
    peak: Doubles
    place: Doubles
    strength: float

    def __post_init__(self) -> None:
        for name in ("status", "pixels", "snr", "peak", "place"):
            getattr(self, name).flags.writeable = False

    @property
    def injected(self) -> NDArray[np.bool_]:
        """Which spectra hold the feature, ``(n,)``."""
        return np.asarray(self.status == INJECTED)

    @property
    def truth(self) -> Truth:
        """Where the features are, to judge explanations by.

        It is told in the rest frame: spectra in the observed frame whose redshift is not known are left out.
        """
        left, right = pixel_edges(self.sample.wave)
        z = _redshifts(self.sample) if self.sample.frame == "observed" else None
        found: dict[str, Any] = {}
        for i in np.flatnonzero(self.injected if z is None else self.injected & np.isfinite(z)):
            at = np.flatnonzero(self.pixels[i])
            runs = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1) if at.size else []
            scale = 1.0 if z is None else 1.0 + z[i]
            found[self.sample.ids[i]] = [(left[run[0]] / scale, right[run[-1]] / scale) for run in runs]
        return Truth(found)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in Counter(self.status.tolist()).most_common())
        return f"Injected with strength {self.strength:g} into {len(self.sample)} spectra: {counts}"


def inject(
    sample: SpectrumSet,
    template: Template,
    strength: float,
    *,
    unit: str = "snr",
    noise: float | str = 0.0,
    seed: int = 0,
) -> Injected:
    """Put a feature into each spectrum of a sample.

    Parameters
    ----------
    sample : SpectrumSet
        With `ivar` when strengths are S/N. Of a normalised set the result is normalised anew, as preprocessing
        would have done with the feature in place: flux over the median of the valid pixels, ivar to match.
    template, strength, unit, noise, seed
        See :class:`Injection`.

    Raises
    ------
    ArgumentError
        When strength or noise cannot be used, or the inverse variance that they need is not there.
    """
    choice("unit", unit, UNITS)
    _noise(noise)
    if not np.isfinite(strength):
        raise ArgumentError(message("strength", expected="a finite number", got=strength))
    if sample.ivar is None and (unit == "snr" or noise != 0.0):
        raise ArgumentError(message("sample", expected="an inverse variance", got="none",
                                    hint='unit="continuum", noise=0.0'))
    n, p = sample.shape
    made = _Rows(np.full(n, NO_REDSHIFT, dtype="<U20"), np.zeros((n, p), np.bool_), *np.full((3, n), np.nan))
    flux, ivar = sample.flux.copy(), None if sample.ivar is None else sample.ivar.copy()
    for i, spectrum in enumerate(sample):
        feature = _feature(spectrum, template, strength, unit=unit, seed=seed)
        made.status[i] = feature.status
        if feature.status != INJECTED:
            continue
        changed = _with(spectrum, feature, noise=noise, seed=seed, normalised=sample.scale == "normalised")
        if changed is None:
            made.status[i] = NO_LEVEL
            continue
        flux[i], own_ivar, level = changed
        if ivar is not None:
            ivar[i] = own_ivar
        made.pixels[i], made.snr[i], made.place[i] = feature.pixels, feature.snr, feature.place
        made.peak[i] = np.abs(feature.added).max() / level
    return Injected(sample.replace(flux=flux, ivar=ivar), made.status, made.pixels, made.snr, made.peak, made.place,
                    float(strength))


def _redshifts(sample: SpectrumSet) -> Doubles:
    """Return the redshifts, ``(n,)``, NaN where not known."""
    if "z" not in sample.table:
        return np.full(len(sample), np.nan)
    return sample.table["z"].to_numpy(dtype=np.float64, na_value=np.nan)


@dataclass
class _Rows:
    status: NDArray[np.str_]
    pixels: NDArray[np.bool_]
    snr: Doubles
    peak: Doubles
    place: Doubles


@dataclass(frozen=True)
class _Feature:
    status: str
    added: Doubles
    pixels: NDArray[np.bool_]
    snr: float = float("nan")
    place: float = float("nan")


def _feature(spectrum: Spectrum, template: Template, strength: float, *, unit: str, seed: int) -> _Feature:
    """Return what is added to a spectrum, or why nothing can be."""
    good = spectrum.valid
    none = np.zeros(good.size), np.zeros(good.size, np.bool_)
    wave = rest_wave(spectrum) if template.frame == "rest" else observed_wave(spectrum)
    if wave is None:
        return _Feature(NO_REDSHIFT, *none)
    placed = template.placed(np.random.default_rng([object_seed(seed, spectrum.id), 0]))
    shape = np.asarray(placed(wave), dtype=np.float64)
    power = float(shape @ shape)
    if power == 0.0 or not _on_grid(placed.support, wave):
        return _Feature(OUTSIDE, *none)
    seen = np.where(good, shape, 0.0)
    if float(seen @ seen) < HALF * power:
        return _Feature(IMPUTED, *none)
    own = np.nan if spectrum.ivar is None else spectrum.ivar
    ivar = np.where(good, own, 0.0).astype(np.float64)  # what is not valid may be NaN, and takes no feature
    if unit == "snr":
        added = seen * (strength / np.sqrt(float(seen**2 @ ivar)))
    else:
        added = seen * strength * continuum(spectrum)
    lo, hi = placed.support
    return _Feature(INJECTED, added, np.abs(seen) >= SHOWN * np.abs(shape).max(), float(np.sqrt(added**2 @ ivar)),
                    0.5 * (max(lo, float(wave[0])) + min(hi, float(wave[-1]))))


def _on_grid(support: tuple[float, float], wave: Doubles) -> bool:
    left, right = pixel_edges(wave)
    lo, hi = support
    covered = min(hi, float(right[-1])) - max(lo, float(left[0]))
    return covered >= 0 and (np.isinf(hi - lo) or covered >= HALF * (hi - lo))


def continuum(spectrum: Spectrum) -> Doubles:
    """Return a running median of 151 pixels over the valid pixels, at least 0, shape ``(p,)``."""
    good = spectrum.valid
    flux = spectrum.flux.astype(np.float64)
    if good.any() and not good.all():
        pixel = np.arange(good.size)
        flux[~good] = np.interp(pixel[~good], pixel[good], flux[good])
    return np.asarray(np.maximum(median_filter(flux, size=min(CONTINUUM, flux.size), mode="nearest"), 0.0))


def _with(
    spectrum: Spectrum, feature: _Feature, *, noise: float | str, seed: int, normalised: bool
) -> tuple[Doubles, Doubles | None, float] | None:
    """Return flux, ivar and the level they were divided by; None when there is no positive level."""
    good = spectrum.valid
    flux = spectrum.flux.astype(np.float64)
    ivar = None if spectrum.ivar is None else spectrum.ivar.astype(np.float64)
    if ivar is not None and noise != 0.0:
        variance = np.where(good, 1.0 / np.where(good, ivar, 1.0), 0.0)
        extra = variance * (_photons(spectrum, feature.added) if noise == "photon" else float(noise) ** 2)
        rng = np.random.default_rng([object_seed(seed, spectrum.id), 1])
        flux = flux + np.sqrt(extra) * rng.standard_normal(flux.size)
        ivar = np.where(good, 1.0 / np.where(good, variance + extra, 1.0), ivar)
    flux = flux + feature.added
    if not normalised:
        return flux, ivar, 1.0
    before, after = float(np.median(spectrum.flux[good])), float(np.median(flux[good]))
    if not (after > 0 and before > 0):
        return None
    level = after / before
    # Imputed pixels hold the usual spectrum at the usual level, whatever the median of this one.
    own = np.ones(good.size, np.bool_) if spectrum.imputed is None else ~spectrum.imputed
    return np.where(own, flux / level, flux), None if ivar is None else np.where(own, ivar * level**2, ivar), level


def _photons(spectrum: Spectrum, added: Doubles) -> Doubles:
    """Return by what share the variance grows: that of the flux, for photons of the object alone."""
    usual = continuum(spectrum)
    level = np.maximum(usual, 0.1 * max(float(np.median(usual)), 1e-12))
    return np.asarray(np.maximum(added, 0.0) / level)


def _noise(noise: float | str) -> None:
    if noise == "photon":
        return
    if isinstance(noise, str) or not (np.isfinite(noise) and noise >= 0):
        raise ArgumentError(message("noise", expected='0 or more times the noise of the spectrum, or "photon"',
                                    got=repr(noise)))
