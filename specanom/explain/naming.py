"""Names for segments: the lines, sky features or continuum that a person would say lie there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..lines import AIRGLOW_5577, ARM_JOINS, LINES, OH_FOREST, SKY_LINES, TELLURIC_BANDS, Band, Line
from ..spectrum import Spectrum
from .narrow import dead_pixels

NAMED_SHARE = 0.15  # a line is named when it has this share of the strongest one's mass
FEATURE_REACH = 8.0  # Å to both sides of the peak of an unlisted feature
NEAR_SKY = 10.0  # Å within which residual sky is named after a line


@dataclass(frozen=True, eq=False)
class Place:
    """The pixels a name is made of.

    Attributes
    ----------
    spectrum : Spectrum
    rest, observed : (p,) arrays or None
        Wavelengths in both frames, as far as known.
    pixels, inside : int arrays
        Pixels of the segment; those of its leading class.
    mass : (p,) array
        How each segment shares its weight among its pixels.
    masked : (p,) bool array
    """

    spectrum: Spectrum
    rest: NDArray[np.float64] | None
    observed: NDArray[np.float64] | None
    pixels: NDArray[np.intp]
    inside: NDArray[np.intp]
    mass: NDArray[np.float64]
    masked: NDArray[np.bool_]

    @property
    def unit(self) -> str:
        """Of the wavelengths."""
        return "pixels" if self.rest is None and self.observed is None else "Å"

    @property
    def peak(self) -> int:
        """The pixel of the leading class with most mass."""
        return int(self.inside[int(np.argmax(self.mass[self.inside]))])


def leading_classes(
    segments: NDArray[np.intp], classes: NDArray[np.intp], mass: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Return the class that holds most of each segment's mass, shape ``(K,)``."""
    size = len(_NAMERS)
    k = int(segments.max()) + 1
    table = np.bincount(segments * size + classes, weights=mass, minlength=size * k)
    return np.asarray(table.reshape(k, size).argmax(axis=1))


def name_of(place: Place, leading: int) -> str:
    """Return the name of a segment whose leading class has this index."""
    return _NAMERS[leading](place)


def _lines(place: Place) -> str:
    assert place.rest is not None  # nothing is called a line without a rest frame
    held = _held(place.rest[place.inside], place.mass[place.inside], LINES)
    chosen = [item for item, part in held if part >= NAMED_SHARE * held[0][1]]
    if len(chosen) == 1:
        return chosen[0].label
    chosen.sort(key=lambda item: item.name != "Ha")  # "Hα+[N II]", whichever is stronger; others strongest first
    return "+".join(dict.fromkeys(_species(item) for item in chosen))


def _held(
    wave: NDArray[np.float64], mass: NDArray[np.float64], lines: tuple[Line, ...]
) -> list[tuple[Line, float]]:
    """Give each pixel to the nearest line; return lines with their mass, strongest first."""
    centres = np.array([item.wave for item in lines])
    nearest = np.abs(wave[:, None] - centres).argmin(axis=1)
    parts = np.bincount(nearest, weights=mass, minlength=len(lines))
    order = np.argsort(-parts, kind="stable")
    present = set(nearest.tolist())
    return [(lines[i], float(parts[i])) for i in order if i in present]


def _species(item: Line) -> str:
    head, _, tail = item.label.rpartition(" ")
    return head if tail.isdigit() else item.label


def _imputed(place: Place) -> str:
    on_mask = float(place.mass[place.inside][place.masked[place.inside]].sum())
    edge = "" if on_mask > 0.5 * float(place.mass[place.inside].sum()) else " edge"
    hidden = np.flatnonzero(place.masked)
    start = stop = int(hidden[np.abs(hidden - place.peak).argmin()])
    while start > 0 and place.masked[start - 1]:
        start -= 1
    while stop + 1 < place.masked.size and place.masked[stop + 1]:
        stop += 1
    if dead_pixels(place.spectrum)[start : stop + 1].mean() > 0.5:
        kind = "dead pixels"
    elif _overlaps(place.observed, (start, stop), AIRGLOW_5577):
        return f"{AIRGLOW_5577.name}{edge}"
    else:
        kind = "mask"
    wave = place.spectrum.wave
    return f"{kind}{edge} {wave[start]:.0f}–{wave[stop]:.0f} {place.unit}"


def _overlaps(observed: NDArray[np.float64] | None, ends: tuple[int, int], band: Band) -> bool:
    return observed is not None and bool(observed[ends[0]] <= band.hi and observed[ends[1]] >= band.lo)


def _sky(place: Place) -> str:
    assert place.observed is not None  # nothing is called sky without an observed frame
    peak = float(place.observed[place.peak])
    best = min(SKY_LINES, key=lambda item: abs(item.wave - peak))
    if abs(peak - best.wave) <= NEAR_SKY:
        return best.label
    return OH_FOREST.name if peak >= OH_FOREST.lo else "bright sky"


def _band(place: Place) -> str:
    assert place.observed is not None  # bands lie in the observed frame
    peak = float(place.observed[place.peak])
    bands: tuple[Band, ...] = TELLURIC_BANDS + ARM_JOINS.get(str(place.spectrum.meta.get("instrument")), ())
    name = next(band.name for band in bands if band.lo <= peak <= band.hi)
    feature = _feature(place)  # a spike is not what an atmospheric band or a join of arms looks like
    return f"{feature} ({name})" if feature else name


def _continuum(place: Place) -> str:
    wave = (place.spectrum.wave if place.rest is None else place.rest)[place.pixels]
    return _feature(place) or f"continuum {wave[0]:.0f}–{wave[-1]:.0f} {place.unit}"


def _spike(place: Place) -> str:
    wave = place.spectrum.wave if place.rest is None else place.rest
    return f"spike at {wave[place.peak]:.0f} {place.unit}"


def _feature(place: Place) -> str:
    """Name what no list knows, where most of the weight comes from a small part of the segment; else return ""."""
    wave = place.spectrum.wave if place.rest is None else place.rest
    near = place.inside[np.abs(wave[place.inside] - wave[place.peak]) <= FEATURE_REACH]
    small = place.mass[near].sum() > 0.5 and near.size < 0.4 * place.pixels.size
    return f"feature at {wave[place.peak]:.0f} {place.unit}" if small else ""


_NAMERS = (_lines, _imputed, _sky, _band, _band, _continuum, _spike)  # in the order of classes.CLASSES
