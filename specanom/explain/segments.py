"""How a spectrum is cut into segments: frozen settings, called with ``(flux, wave)``, give ids 0…K−1.

:class:`Uniform` cuts by pixel count, :class:`Lines` by spectral line, :class:`Boundaries` by hand, and
:class:`Slic` by the shape of the spectrum itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ..errors import ArgumentError, DataError, ShapeError, message, require
from ..lines import C_KMS, LINES, Line, blend_label, line

Ids = NDArray[np.intp]


@dataclass(frozen=True)
class Uniform:
    """Exactly `k` segments whose sizes differ by at most one pixel.

    Parameters
    ----------
    k : int
        Number of segments, at most the number of pixels.
    published : bool
        Cut as the published code does, n // k pixels at a time, the rest being one segment more: of 3773 pixels 111
        become 112 segments, 110 pixels in the last one.

    Examples
    --------
    >>> Uniform(3)(np.ones(7), np.arange(7.0))
    array([0, 0, 0, 1, 1, 2, 2])
    """

    k: int = 77
    published: bool = field(default=False, kw_only=True)
    uses_flux: ClassVar[bool] = False
    images: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _positive_int("k", self.k)

    def __call__(self, flux: NDArray[Any], wave: NDArray[np.float64]) -> Ids:
        """Return ids, shape ``(p,)``."""
        p = np.shape(flux)[-1]
        if self.k > p:
            raise ArgumentError(message("k", expected=f"at most {p} segments, one a pixel", got=self.k,
                                        hint="fewer segments, e.g. Uniform(77)"))
        pixel = np.arange(p)
        ids = np.minimum(pixel // (p // self.k), self.k) if self.published else pixel * self.k // p
        return np.asarray(ids, dtype=np.intp)


@dataclass(frozen=True)
class Slic:
    """Superpixels of scikit-image, on a spectrum or on an image; about `k` of them.

    Parameters
    ----------
    k : int
        Number asked for, at most the number of pixels; the algorithm may return fewer or more.
    compactness : float
        High: equal widths; low: segments follow the flux.
    sigma : float
        Width of the Gaussian, in pixels, by which the flux or image is smoothed before.
    published : bool
        As in the published code, whose masks took ids to start at 0 when they start at 1: the last segment is never
        switched off, and its weight is that of no effect.

    Raises
    ------
    MissingDependency
        When scikit-image is not installed (``pip install 'specanom[explain]'``).

    Notes
    -----
    The channels of an image are taken as bands, not as red, green and blue. Values are scaled to 0–1 before they are
    compared with distances, so that one bright core hides what is faint: stretch such images, e.g. by ``arcsinh``.

    References
    ----------
    Achanta et al. 2012, IEEE Trans. Pattern Anal. Mach. Intell. 34, 2274.
    """

    k: int = 77
    compactness: float = 0.1
    sigma: float = 0.0
    published: bool = field(default=False, kw_only=True)
    uses_flux: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _positive_int("k", self.k)
        if not self.compactness > 0 or not self.sigma >= 0:
            raise ArgumentError(message("compactness, sigma", expected="compactness > 0 and sigma ≥ 0",
                                        got=f"{self.compactness}, {self.sigma}"))

    @property
    def last_stays(self) -> bool:
        """Whether the last segment is never switched off."""
        return self.published

    def __call__(self, flux: NDArray[Any], wave: NDArray[np.float64] | None = None) -> Ids:
        """Return ids: ``(p,)`` of a spectrum, from the blue end; ``(h, w)`` of an ``(h, w)`` or ``(h, w, c)`` image."""
        image = np.asarray(flux, dtype=np.float64)
        line = image.ndim == 1
        if line:
            image = image[None, :]
        pixels = image.shape[0] * image.shape[1]
        if self.k > pixels:
            raise ArgumentError(message("k", expected=f"at most {pixels} segments, one a pixel", got=self.k))
        slic = require("skimage.segmentation", extra="explain").slic
        # Ids from 0: with those from 1 a mask of K numbers leaves out the last superpixel.
        found = slic(image, n_segments=self.k, compactness=self.compactness, start_label=0, convert2lab=False,
                     sigma=(0.0, self.sigma) if line else self.sigma, channel_axis=2 if image.ndim == 3 else None)
        return numbered(found[0] if line else found)


@dataclass(frozen=True)
class Lines:
    """One segment a line, or a blend of lines, and the continuum between them in equal pieces.

    Parameters
    ----------
    width : float
        Half width of a line's segment in km/s; lines whose segments overlap share one. At 500 km/s Hα and [N II] do.
    continuum : float
        Greatest length of a piece of continuum, Å; a stretch between lines is cut into equal pieces.
    lines : sequence of str, optional
        Names from :mod:`specanom.lines`; all rest-frame lines by default.

    Notes
    -----
    Needs rest-frame wavelengths; an explainer hands them over when the redshift is known.
    """

    width: float = 500.0
    continuum: float = 150.0
    lines: tuple[str, ...] | None = None
    uses_flux: ClassVar[bool] = False
    images: ClassVar[bool] = False
    frame: ClassVar[str] = "rest"

    def __post_init__(self) -> None:
        if not all(isinstance(value, Real) and value > 0 for value in (self.width, self.continuum)):
            raise ArgumentError(message("width, continuum", expected="a half width in km/s and a length in Å, above 0",
                                        got=f"{self.width!r}, {self.continuum!r}", hint="Lines(500, continuum=150)"))
        if self.lines is not None:
            for name in self.lines:
                line(name)
            object.__setattr__(self, "lines", tuple(self.lines))

    def __call__(self, flux: NDArray[Any], wave: NDArray[np.float64]) -> Ids:
        """Return ids, shape ``(p,)``."""
        blocks = self.blends()
        cuts: list[float] = []
        here = float(wave[0])
        for lo, hi in [*blocks, (float(wave[-1]) + 1.0, np.inf)]:
            pieces = max(1, int(np.ceil((lo - here) / self.continuum)))
            cuts.extend(np.linspace(here, lo, pieces, endpoint=False) if lo > here else [])
            cuts.append(lo)
            here = max(here, hi)
        return numbered(np.searchsorted(np.unique(cuts), wave, side="right"))

    def names(self, flux: NDArray[Any], wave: NDArray[np.float64]) -> tuple[str, ...]:
        """Return a name for each segment: ``"Hα+[N II]"``, ``"continuum 5100–5250 Å"`` (rest frame)."""
        starts = runs(self(flux, wave))
        return tuple(self._name(wave[start:stop]) for start, stop in pairwise(starts))

    def _name(self, wave: NDArray[np.float64]) -> str:
        for lo, hi in self.blends():
            if lo <= wave[0] < hi:
                return blend_label([item for item in self._chosen() if lo < item.wave < hi])
        return f"continuum {wave[0]:.0f}–{wave[-1]:.0f} Å"

    def _chosen(self) -> list[Line]:
        return sorted(LINES if self.lines is None else map(line, self.lines), key=lambda item: item.wave)

    def blends(self) -> list[tuple[float, float]]:
        """Return the wavelength intervals of lines and blends, Å, ascending."""
        merged: list[tuple[float, float]] = []
        for item in self._chosen():
            half = item.wave * self.width / C_KMS
            lo, hi = item.wave - half, item.wave + half
            if merged and lo <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(hi, merged[-1][1]))
            else:
                merged.append((lo, hi))
        return merged


@dataclass(frozen=True)
class Boundaries:
    """Segments between wavelengths chosen by hand.

    Parameters
    ----------
    edges : sequence of float
        Ascending Å, in the frame of the spectrum. What lies outside the first and the last edge becomes a segment
        of its own, so that each pixel is covered.
    """

    edges: Sequence[float]
    uses_flux: ClassVar[bool] = False
    images: ClassVar[bool] = False

    def __post_init__(self) -> None:
        edges = tuple(float(edge) for edge in self.edges)
        if not edges or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
            raise ArgumentError(message("edges", expected="finite ascending wavelengths in Å", got=edges))
        object.__setattr__(self, "edges", edges)

    def __call__(self, flux: NDArray[Any], wave: NDArray[np.float64]) -> Ids:
        """Return ids, shape ``(p,)``."""
        place = np.searchsorted(np.asarray(self.edges), wave, side="right")
        count = np.bincount(place, minlength=len(self.edges) + 1)
        empty = np.flatnonzero(count[1:-1] == 0)
        if empty.size:
            lo, hi = self.edges[empty[0]], self.edges[empty[0] + 1]
            raise ArgumentError(message("edges", expected="at least one pixel between neighbouring edges",
                                        got=f"none in {lo}–{hi} Å", hint="fewer edges"))
        return numbered(place)


def numbered(ids: NDArray[Any]) -> Ids:
    """Number ids 0…K−1 in the order in which they first appear."""
    _, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
    rank = np.empty(first.size, dtype=np.intp)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[inverse].reshape(np.shape(ids))


def checked(ids: NDArray[Any], shape: int | tuple[int, ...]) -> Ids:
    """Return what a segmenter gave as intp when it covers each pixel of `shape` with ids 0…K−1.

    Raises
    ------
    ShapeError, DataError
        When it does not; a segmenter of your own may be at fault.
    """
    ids = np.asarray(ids)
    wanted = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if ids.shape != wanted or not np.issubdtype(ids.dtype, np.integer):
        raise ShapeError(message("segments", expected=f"integer ids of shape {wanted}",
                                 got=f"{ids.dtype} of shape {ids.shape}"))
    count = np.bincount(ids.ravel()) if ids.min() >= 0 else np.zeros(1, dtype=int)
    if (count == 0).any():
        raise DataError(message("segments", expected="ids 0…K−1 without holes", got=f"ids {np.unique(ids)[:6]}…",
                                hint="specanom.explain.segments.numbered(ids)"))
    return ids.astype(np.intp)


def runs(ids: Ids) -> NDArray[np.intp]:
    """Return where runs of one id begin, and the number of pixels at the end: shape ``(n_runs + 1,)``."""
    return np.concatenate([[0], np.flatnonzero(np.diff(ids)) + 1, [ids.size]]).astype(np.intp)


def intervals_of(ids: Ids, wave: NDArray[np.float64]) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Return, for each segment, the wavelength intervals it covers, Å.

    An interval reaches half a pixel beyond its outer pixels and ends where the grid has a gap.
    """
    left, right = pixel_edges(wave)
    cut = np.flatnonzero((np.diff(ids) != 0) | gaps(wave)) + 1
    starts, stops = np.concatenate([[0], cut]), np.concatenate([cut, [ids.size]])
    found: list[list[tuple[float, float]]] = [[] for _ in range(int(ids.max()) + 1)]
    for start, stop in zip(starts, stops, strict=True):
        found[ids[start]].append((float(left[start]), float(right[stop - 1])))
    return tuple(tuple(each) for each in found)


def edges_of(ids: Ids, wave: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the K + 1 wavelengths between segments in ascending order, or None when they are not one interval each."""
    if (np.diff(ids) < 0).any() or gaps(wave).any():
        return None
    left, right = pixel_edges(wave)
    starts = runs(ids)[:-1]
    return np.concatenate([left[starts], right[-1:]])


def pixel_edges(wave: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where each pixel begins and ends, Å: midway between neighbours, half a pixel at gaps and ends."""
    if wave.size == 1:
        return wave - 0.5, wave + 0.5
    step = np.diff(wave)
    gap = gaps(wave)
    # Beside a gap a pixel is as wide as on its other side.
    usual = np.interp(np.arange(step.size), np.flatnonzero(~gap), step[~gap])
    half = np.where(gap, usual, step) / 2.0
    left = wave - np.concatenate([half[:1], half])
    right = wave + np.concatenate([half, half[-1:]])
    return left, right


def gaps(wave: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say after which pixels the grid has a hole: steps above 1.5 times those around, shape ``(p − 1,)``."""
    step = np.diff(wave)
    if step.size < 3:
        return np.zeros(step.size, dtype=np.bool_)
    return np.asarray(step > 1.5 * median_filter(step, size=min(101, step.size), mode="nearest"))


def _positive_int(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(message(name, expected="a whole number of segments, at least 1", got=repr(value)))
