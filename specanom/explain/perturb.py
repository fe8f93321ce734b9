"""What replaces a segment that is switched off: frozen settings, called, give the fill spectrum g.

A copy of the spectrum keeps its own pixels in the segments that are on and takes those of g elsewhere. All fills
share ``keep_noise``: the small-scale structure of the spectrum (flux minus its Gaussian smooth of 3 pixels) is then
added to the fill, so that switching off does not also denoise. Lines narrower than the smoothing count as noise.

On images, ``(h, w)`` or ``(h, w, c)``, smoothing is two-dimensional, and each channel is filled by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from ..errors import ArgumentError, ShapeError, message
from ..protocols import Reconstruct

Floats = NDArray[np.floating[Any]]
NOISE_SIGMA = 3.0  # pixels: the smoothing that parts noise from shape, as published


def smooth(flux: Floats, sigma: float) -> NDArray[np.float64]:
    """Return the flux smoothed by a Gaussian of `sigma` pixels, channel by channel; the ends are extended."""
    values = np.asarray(flux, dtype=np.float64)
    if values.ndim == 1:
        return np.asarray(gaussian_filter1d(values, sigma, mode="nearest"))
    return np.asarray(gaussian_filter(values, (sigma, sigma, *(0.0,) * (values.ndim - 2)), mode="nearest"))


def middle_of(flux: Floats) -> NDArray[np.float64]:
    """Return the median of a spectrum, or of each channel of an image."""
    return np.asarray(np.median(np.asarray(flux, dtype=np.float64), axis=None if np.ndim(flux) < 3 else (0, 1)))


def noise_of(flux: Floats, sigma: float = NOISE_SIGMA) -> NDArray[np.float64]:
    """Return the flux minus its smooth."""
    return np.asarray(flux, dtype=np.float64) - smooth(flux, sigma)


def _finish(fill: NDArray[np.float64], flux: Floats, keep_noise: bool) -> NDArray[np.float64]:
    return fill + noise_of(flux) if keep_noise else fill


def _finite(name: str, value: float, *, positive: bool = False) -> None:
    if not isinstance(value, Real) or not np.isfinite(value) or (positive and value <= 0):
        wanted = "a finite number above 0" if positive else "a finite number"
        raise ArgumentError(message(name, expected=wanted, got=repr(value)))


@dataclass(frozen=True)
class Scale:
    """The spectrum times `factor`: ``g = f·x`` (with ``keep_noise``, ``f·smooth(x) + noise``)."""

    factor: float = 0.9
    keep_noise: bool = False

    def __post_init__(self) -> None:
        _finite("factor", self.factor)

    def __call__(
        self, flux: Floats, segments: NDArray[np.intp], *, seed: int, reconstruct: Reconstruct | None = None
    ) -> NDArray[np.float64]:
        """Return the fill, shape ``(p,)``."""
        if self.keep_noise:
            return self.factor * smooth(flux, NOISE_SIGMA) + noise_of(flux)
        return self.factor * np.asarray(flux, dtype=np.float64)


@dataclass(frozen=True)
class Contrast:
    """Shape drawn towards the median: ``g = med + f·(smooth − med) + (x − smooth)``.

    This, not ``f·x``, is what the published code calls scale; ``preset="paper"`` of the explainer uses it.

    Parameters
    ----------
    factor : float
        Below 1 flattens, above 1 exaggerates.
    sigma : float
        Width of the Gaussian smooth in pixels.
    keep_noise : bool
        Whether ``x − smooth`` is added back, as published.
    """

    factor: float = 0.9
    sigma: float = NOISE_SIGMA
    keep_noise: bool = True

    def __post_init__(self) -> None:
        _finite("factor", self.factor)
        _finite("sigma", self.sigma, positive=True)

    def __call__(
        self, flux: Floats, segments: NDArray[np.intp], *, seed: int, reconstruct: Reconstruct | None = None
    ) -> NDArray[np.float64]:
        """Return the fill, shape ``(p,)``."""
        low = smooth(flux, self.sigma)
        middle = middle_of(low)
        fill = middle + self.factor * (low - middle)
        return fill + (np.asarray(flux, dtype=np.float64) - low) if self.keep_noise else fill


@dataclass(frozen=True)
class Flat:
    """A constant `level`, with white noise of standard deviation `noise` when asked for (seeded per object)."""

    level: float = 1.0
    noise: float = 0.0
    keep_noise: bool = False

    def __post_init__(self) -> None:
        _finite("level", self.level)
        _finite("noise", self.noise)
        if self.noise < 0:
            raise ArgumentError(message("noise", expected="a standard deviation of 0 or more", got=self.noise))

    def __call__(
        self, flux: Floats, segments: NDArray[np.intp], *, seed: int, reconstruct: Reconstruct | None = None
    ) -> NDArray[np.float64]:
        """Return the fill, shape ``(p,)``."""
        fill = np.full(np.shape(flux), float(self.level))
        if self.noise > 0:
            fill += np.random.default_rng(seed).normal(0.0, self.noise, fill.shape)
        return _finish(fill, flux, self.keep_noise)


@dataclass(frozen=True)
class Grey:
    """One level everywhere: by default the median, which in a cut-out of a small galaxy is the sky.

    The name is that of photographs. Pictures of a cut-out show its sky dark, so that what is switched off looks black
    and not grey there; ``Grey(level)`` takes another level, in units of the flux.

    Parameters
    ----------
    level : float or sequence of float, optional
        In units of the flux; one number, or one a channel of an image. The median of the spectrum, or of each
        channel, by default.
    keep_noise : bool
        Whether the small-scale structure is added.
    """

    level: float | tuple[float, ...] | None = None
    keep_noise: bool = False

    def __post_init__(self) -> None:
        if self.level is not None:
            for value in np.ravel(self.level):
                _finite("level", float(value))
            if np.ndim(self.level):
                object.__setattr__(self, "level", tuple(float(value) for value in np.ravel(self.level)))

    def __call__(
        self, flux: Floats, segments: NDArray[np.intp], *, seed: int, reconstruct: Reconstruct | None = None
    ) -> NDArray[np.float64]:
        """Return the fill, of the shape of the flux."""
        level = middle_of(flux) if self.level is None else np.asarray(self.level, dtype=np.float64)
        shape = np.shape(flux)
        if level.ndim and level.shape != shape[2:]:
            raise ArgumentError(message("level", expected=f"one number, or one for each of {shape[2:]} channels",
                                        got=f"{level.size} numbers"))
        return _finish(np.broadcast_to(level, shape).copy(), flux, self.keep_noise)


@dataclass(frozen=True)
class SegmentMean:
    """Each segment at its own mean flux, in each channel of an image: features go, the level stays."""

    keep_noise: bool = False

    def __call__(
        self, flux: Floats, segments: NDArray[np.intp], *, seed: int, reconstruct: Reconstruct | None = None
    ) -> NDArray[np.float64]:
        """Return the fill, shape ``(p,)``."""
        size = np.bincount(segments.ravel())
        channels = np.asarray(flux, dtype=np.float64).reshape(segments.size, -1)
        total = np.stack([np.bincount(segments.ravel(), weights=one) for one in channels.T], axis=-1)
        fill = (total / size[:, None])[segments.ravel()].reshape(np.shape(flux))
        return _finish(fill, flux, self.keep_noise)


@dataclass(frozen=True)
class Blur:
    """The spectrum smoothed by a Gaussian of `sigma` pixels: narrow features go, broad ones stay."""

    sigma: float = 20.0
    keep_noise: bool = False

    def __post_init__(self) -> None:
        _finite("sigma", self.sigma, positive=True)

    def __call__(
        self, flux: Floats, segments: NDArray[np.intp], *, seed: int, reconstruct: Reconstruct | None = None
    ) -> NDArray[np.float64]:
        """Return the fill, shape ``(p,)``."""
        return _finish(smooth(flux, self.sigma), flux, self.keep_noise)


@dataclass(frozen=True)
class Gaussians:
    """The spectrum with a bump in the middle of each segment, up or down at random (seeded per object); no images.

    Parameters
    ----------
    amplitude : float
        Height of a bump, in units of the flux.
    sigma : float, optional
        Width in pixels; a sixth of the segment by default, so that a bump ends within it.
    keep_noise : bool
        Whether the noise of the spectrum stays under the bumps.
    """

    amplitude: float = 1.0
    sigma: float | None = None
    keep_noise: bool = True

    def __post_init__(self) -> None:
        _finite("amplitude", self.amplitude)
        if self.sigma is not None:
            _finite("sigma", self.sigma, positive=True)

    def __call__(
        self, flux: Floats, segments: NDArray[np.intp], *, seed: int, reconstruct: Reconstruct | None = None
    ) -> NDArray[np.float64]:
        """Return the fill, shape ``(p,)``."""
        if segments.ndim != 1:
            raise ArgumentError(message("perturbation", expected="a fill for images", got=repr(self),
                                        hint="Grey(), SegmentMean() or Blur(5)"))
        size = np.bincount(segments)
        pixel = np.arange(segments.size)
        centre = np.bincount(segments, weights=pixel) / size
        sigma = np.maximum(size / 6.0, 0.5) if self.sigma is None else np.full(size.size, self.sigma)
        sign = np.random.default_rng(seed).choice([-1.0, 1.0], size.size)
        offset = (pixel - centre[segments]) / sigma[segments]
        base = np.asarray(flux, dtype=np.float64) if self.keep_noise else smooth(flux, NOISE_SIGMA)
        return base + self.amplitude * sign[segments] * np.exp(-0.5 * offset**2)


@dataclass(frozen=True)
class Typical:
    """What the spectrum should have looked like: the model's reconstruction, or a given typical spectrum.

    Parameters
    ----------
    spectrum : (p,) array, optional
        E.g. the median spectrum of the sample; without it, the reconstruction by the score's model.
    keep_noise : bool
        Whether the noise of the spectrum is added.
    """

    spectrum: Any = field(default=None, compare=False)
    keep_noise: bool = False

    def __call__(
        self, flux: Floats, segments: NDArray[np.intp], *, seed: int, reconstruct: Reconstruct | None = None
    ) -> NDArray[np.float64]:
        """Return the fill, shape ``(p,)``.

        Raises
        ------
        ArgumentError
            When no spectrum was given and the score has no model.
        """
        if self.spectrum is not None:
            if not np.issubdtype(np.asarray(self.spectrum).dtype, np.number):
                raise ArgumentError(message("spectrum", expected="a (p,) array of flux", got=repr(self.spectrum),
                                            hint="Typical() takes the model's reconstruction"))
            fill = np.array(self.spectrum, dtype=np.float64)
        elif reconstruct is not None:
            fill = np.asarray(reconstruct(np.asarray(flux, dtype=np.float32)[None, :]), dtype=np.float64)[0]
        else:
            raise ArgumentError(message("perturbation", expected="a score with a model, or Typical(spectrum)",
                                        got="a plain function", hint="Typical(np.median(sample.flux, axis=0))"))
        if fill.shape != np.shape(flux):
            raise ShapeError(message("spectrum", expected=f"shape {np.shape(flux)}", got=f"shape {fill.shape}"))
        return _finish(fill, flux, self.keep_noise)


def fill_of(
    perturbation: Any,
    flux: NDArray[np.float32],
    segments: NDArray[np.intp],
    *,
    seed: int,
    frozen: NDArray[np.bool_] | None = None,
    reconstruct: Reconstruct | None = None,
) -> NDArray[np.float32]:
    """Return the fill of one spectrum as float32, without what was imputed.

    Parameters
    ----------
    perturbation : Perturbation
        Any callable that meets the protocol.
    flux : (p,), (h, w) or (h, w, c) array
        The spectrum or image.
    segments : (p,) or (h, w) int array
        Ids 0…K−1.
    seed : int
        Of this object.
    frozen : (p,) bool array, optional
        For spectra: imputed pixels the score leaves out. The perturbation sees a straight line there instead of
        invented flux, so no mean or smooth takes it up, and the fill equals the flux, so switching a segment never
        moves them.
    reconstruct : callable, optional
        The model bound to this spectrum.

    Raises
    ------
    ShapeError, DataError
        When the perturbation returns another shape or values that are not finite.
    """
    hidden = frozen is not None and bool(frozen.any()) and not bool(frozen.all())
    seen = _bridged(flux, frozen) if hidden and frozen is not None else flux
    fill = np.asarray(perturbation(seen, segments, seed=seed, reconstruct=reconstruct))
    if fill.shape != flux.shape:
        raise ShapeError(message("perturbation", expected=f"shape {flux.shape}", got=f"shape {fill.shape}"))
    if not np.isfinite(fill).all():
        raise ArgumentError(message("perturbation", expected="a finite fill", got="NaN or infinity"))
    made = fill.astype(np.float32)
    if frozen is not None:
        made[frozen] = flux[frozen]
    return made


def _bridged(flux: NDArray[np.float32], hidden: NDArray[np.bool_]) -> NDArray[np.float32]:
    pixel = np.arange(flux.size)
    seen = flux.copy()
    seen[hidden] = np.interp(pixel[hidden], pixel[~hidden], flux[~hidden])
    return seen
