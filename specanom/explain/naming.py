"""Names for segments: the lines, sky features or continuum that a person would say lie there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..diagnostics import SOUGHT
from ..lines import (
    AIRGLOW_5577,
    ARM_JOINS,
    IRON_BANDS,
    LINES,
    OH_FOREST,
    SKY_LINES,
    TELLURIC_BANDS,
    Band,
    blend_label,
)
from .classes import CLASSES, Ground
from .narrow import runs_of
from .wings import wings_of

NAMED_SHARE = 0.15  # a line is named when it has this share of the strongest one's mass
FEATURE_REACH = 8.0  # Å to both sides of the peak of an unlisted feature
IN_WINGS = 0.5  # share of a segment's mass that lies in a broad line
MISSING = 0.5  # share of the height in the model below which the spectrum lacks a feature
NEAR_SKY = 10.0  # Å within which residual sky is named after a line

_CENTRES = np.array([item.wave for item in LINES])
_SOUGHT = {item.name: item for item in SOUGHT}
_MIDWAY = (_CENTRES[1:] + _CENTRES[:-1]) / 2.0


@dataclass(frozen=True, eq=False)
class Places:
    """What the names of all segments are made of.

    Attributes
    ----------
    ground : Ground
    segments : (p,) int array
    mass : (p,) array
        How each segment shares its weight among its pixels.
    wave : (p,) array
        Wavelengths that names give: rest frame where known.
    unit : str
        Of `wave`.
    first, last : (K,) int arrays
        First and last pixel of each segment.
    leading : (K,) int array
        The class with most mass.
    inside : (p,) bool array
        Pixels of the leading class of their segment.
    peak : (K,) int array
        The pixel among these with most mass.
    model : (p,) array or None
        The reconstruction x′, where the score has one.
    """

    ground: Ground
    segments: NDArray[np.intp]
    mass: NDArray[np.float64]
    wave: NDArray[np.float64]
    unit: str
    first: NDArray[np.intp]
    last: NDArray[np.intp]
    leading: NDArray[np.intp]
    inside: NDArray[np.bool_]
    peak: NDArray[np.intp]
    model: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls, ground: Ground, segments: NDArray[np.intp], *, mass: NDArray[np.float64],
        model: NDArray[np.float64] | None = None,
    ) -> Places:
        """Find what leads each segment, and where."""
        k = int(segments.max()) + 1
        leading = leading_classes(segments, ground.classes, mass)
        inside = ground.classes == leading[segments]
        order = np.argsort(segments, kind="stable")
        counts = np.bincount(segments, minlength=k)
        starts = np.cumsum(counts) - counts
        height = np.where(inside, mass, -1.0)[order]
        highest = np.flatnonzero(height == np.repeat(np.maximum.reduceat(height, starts), counts))
        peak = order[highest[np.searchsorted(highest, starts)]]
        known = ground.rest is not None or ground.observed is not None
        wave = ground.spectrum.wave if ground.rest is None else ground.rest
        return cls(ground, segments, mass, wave, "Å" if known else "pixels", order[starts],
                   order[starts + counts - 1], leading, inside, peak, model)

    @cached_property
    def features(self) -> NDArray[np.bool_]:
        """Where most of the mass comes from a small part of the segment, of what no list knows, shape ``(K,)``."""
        return _features(self)

    @cached_property
    def broad(self) -> dict[int, str]:
        """Names of the segments whose mass lies in a broad line, beyond what counts as a line."""
        ground = self.ground
        if ground.rest is None:
            return {}
        found = wings_of(ground.rest, ground.spectrum.flux, ground.masked)
        total = self.total(np.ones(self.mass.size, dtype=bool))
        return {k: f"broad {item.label}" for item, pixels in reversed(found)
                for k in np.flatnonzero(self._held(pixels) > IN_WINGS * total).tolist()}

    def _held(self, at: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the mass of each segment among these pixels, shape ``(K,)``."""
        return np.asarray(np.bincount(self.segments[at], weights=self.mass[at], minlength=self.peak.size),
                          dtype=np.float64)

    def feature(self, k: int) -> str:
        """Return the name of a feature: a missing one is where the model shows it and the spectrum does not."""
        told = f"feature at {self.wave[self.peak[k]]:.0f} {self.unit}"
        if self.model is None:
            return told
        around = slice(self.first[k], self.last[k] + 1)
        seen, expected = (abs(float(values[self.peak[k]] - np.median(values[around])))
                          for values in (self.ground.spectrum.flux, self.model))
        return f"missing {told}" if seen < MISSING * expected else told

    def total(self, flags: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the mass of the flagged pixels of each segment, shape ``(K,)``."""
        return self._held(np.flatnonzero(flags))


def _features(places: Places) -> NDArray[np.bool_]:
    """Say where most of the mass comes from a small part of the segment, of what no list knows, shape ``(K,)``."""
    near = np.flatnonzero(places.inside & (np.abs(places.wave - places.wave[places.peak][places.segments])
                                           <= FEATURE_REACH))
    k = places.peak.size
    small = np.bincount(places.segments[near], minlength=k) < 0.4 * np.bincount(places.segments, minlength=k)
    mass = np.bincount(places.segments[near], weights=places.mass[near], minlength=k)
    return np.asarray((mass > 0.5) & small)


def names_of(
    ground: Ground, segments: NDArray[np.intp], *, mass: NDArray[np.float64],
    model: NDArray[np.float64] | None = None,
) -> tuple[str, ...]:
    """Return the names of all segments.

    Parameters
    ----------
    ground : Ground
    segments : (p,) int array
        Ids 0…K−1.
    mass : (p,) array
        How each segment shares its weight among its pixels; sums to 1 within a segment.
    model : (p,) array, optional
        The reconstruction, to tell features of the spectrum from those that only the model has.
    """
    places = Places.of(ground, segments, mass=mass, model=model)
    names = [""] * places.peak.size
    for index, namer in enumerate(_NAMERS):
        which = np.flatnonzero(places.leading == index)
        if which.size:
            for k, name in zip(which.tolist(), namer(places, which), strict=True):
                names[k] = name
    return tuple(names)


def leading_classes(
    segments: NDArray[np.intp], classes: NDArray[np.intp], mass: NDArray[np.float64]
) -> NDArray[np.intp]:
    """Return the class that holds most of each segment's mass, shape ``(K,)``."""
    size = len(CLASSES)
    k = int(segments.max()) + 1
    table = np.bincount(segments * size + classes, weights=mass, minlength=size * k)
    return np.asarray(table.reshape(k, size).argmax(axis=1))


def _lines(places: Places, which: NDArray[np.intp]) -> list[str]:
    rest, second = places.ground.rest, {**_troughs(places, which), **_second(places, which)}
    if len(second) == which.size:
        return list(second.values())
    assert rest is not None  # nothing else is called a line without a rest frame
    at = np.flatnonzero(places.inside & (places.ground.classes == CLASSES.index("lines")))
    cell = places.segments[at] * len(LINES) + np.searchsorted(_MIDWAY, rest[at])
    shape = (places.peak.size, len(LINES))
    held = np.bincount(cell, weights=places.mass[at], minlength=shape[0] * shape[1]).reshape(shape)
    touched = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape) > 0
    return [second.get(k) or _blend(held[k], np.flatnonzero(touched[k])) for k in which.tolist()]


def _second(places: Places, which: NDArray[np.intp]) -> dict[int, str]:
    """Name the segments with most of their mass on lines of a second redshift: ``"[O III] 5008 at z = 0.5320"``."""
    foreign, found = places.ground.foreign, places.ground.second
    if foreign is None:
        return {}
    shape = (places.peak.size, len(found.lines))
    at = np.flatnonzero(foreign >= 0)
    held = np.bincount(places.segments[at] * shape[1] + foreign[at], weights=places.mass[at],
                       minlength=shape[0] * shape[1]).reshape(shape)
    most = held.sum(axis=1) > 0.5 * places.total(places.inside)
    return {k: f"{blend_label([_SOUGHT[found.lines[i].name] for i in _leading(held[k])])} at z = {found.z:.4f}"
            for k in which[most[which]].tolist()}


def _troughs(places: Places, which: NDArray[np.intp]) -> dict[int, str]:
    """Name the segments with most of their mass in broad absorption: ``"C IV trough, −8,000 km/s"``.

    Where the atmosphere absorbs or arms join too, the name says so.
    """
    ground = places.ground
    if ground.troughs is None:
        return {}
    inside = ground.troughs.which >= 0
    most = places.total(inside) > 0.5 * places.total(places.inside)
    made = {}
    for k in which[most[which]].tolist():
        pixels = np.flatnonzero(inside & (places.segments == k))
        seen = 0.0 if ground.observed is None else ground.observed[int(np.median(pixels))]
        also = "".join(f" ({band.name})" for band in _bands(ground) if band.lo <= seen <= band.hi)
        made[k] = f"{ground.troughs.named(pixels, places.mass)}{also}"
    return made


def _bands(ground: Ground) -> tuple[Band, ...]:
    """Return what lies at fixed observed wavelengths: bands of the atmosphere, joins of the arms."""
    return TELLURIC_BANDS + ARM_JOINS.get(str(ground.spectrum.meta.get("instrument")), ())


def _leading(held: NDArray[np.float64]) -> list[int]:
    """Return the lines with most of the mass, the first first."""
    ranked = np.argsort(-held, kind="stable")
    return [int(i) for i in ranked if held[i] >= NAMED_SHARE * held[ranked[0]] and held[i] > 0]


def _blend(held: NDArray[np.float64], touched: NDArray[np.intp]) -> str:
    """Name the lines that hold the mass of one segment: the species, strongest first, or the one line."""
    ranked: list[int] = sorted(touched.tolist(), key=lambda i: -float(held[i]))
    return blend_label([LINES[i] for i in ranked if held[i] >= NAMED_SHARE * held[ranked[0]]])


def _imputed(places: Places, which: NDArray[np.intp]) -> list[str]:
    ground, wave = places.ground, places.ground.spectrum.wave
    starts, stops = runs_of(ground.masked)
    on_mask, whole = places.total(places.inside & ground.masked), places.total(places.inside)
    dead = np.concatenate([[0], np.cumsum(ground.dead)])
    after = np.searchsorted(starts, places.peak[which], side="right")  # the run that begins next; before it, its own
    names = []
    for k, peak, right in zip(which.tolist(), places.peak[which].tolist(), after.tolist(), strict=True):
        left = max(right - 1, 0)
        right = min(right, starts.size - 1)
        run = left if peak - (stops[left] - 1) <= starts[right] - peak or right == left else right
        start, stop = int(starts[run]), int(stops[run]) - 1
        edge = "" if on_mask[k] > 0.5 * whole[k] else " edge"
        kind = "dead pixels" if dead[stop + 1] - dead[start] > 0.5 * (stop + 1 - start) else "mask"
        if kind == "mask" and _overlaps(ground.observed, (start, stop), AIRGLOW_5577):
            names.append(f"{AIRGLOW_5577.name}{edge}")
        else:
            names.append(f"{kind}{edge} {_span(wave[start], wave[stop], places.unit)}")
    return names


def _overlaps(observed: NDArray[np.float64] | None, ends: tuple[int, int], band: Band) -> bool:
    return observed is not None and bool(observed[ends[0]] <= band.hi and observed[ends[1]] >= band.lo)


def _span(low: float, high: float, unit: str) -> str:
    ends = f"{low:.0f}–{high:.0f}"
    return f"{low:.0f} {unit}" if ends == f"{low:.0f}–{low:.0f}" else f"{ends} {unit}"


def _sky(places: Places, which: NDArray[np.intp]) -> list[str]:
    assert places.ground.observed is not None  # nothing is called sky without an observed frame
    names = []
    for peak in places.ground.observed[places.peak[which]].tolist():
        best = min(SKY_LINES, key=lambda item: abs(item.wave - peak))
        if abs(peak - best.wave) <= NEAR_SKY:
            names.append(best.label)
        else:
            names.append(OH_FOREST.name if peak >= OH_FOREST.lo else "bright sky")
    return names


def _band(places: Places, which: NDArray[np.intp]) -> list[str]:
    ground = places.ground
    assert ground.observed is not None  # bands lie in the observed frame
    bands = _bands(ground)
    features = places.features
    names = []
    for k, peak in zip(which.tolist(), places.peak[which].tolist(), strict=True):
        name = next(band.name for band in bands if band.lo <= ground.observed[peak] <= band.hi)
        # A spike is not what an atmospheric band or a join of arms looks like, nor the wing of a line.
        names.append(f"{places.feature(k)} ({name})" if features[k] else places.broad.get(k, name))
    return names


def _continuum(places: Places, which: NDArray[np.intp]) -> list[str]:
    low, high = places.wave[places.first[which]].tolist(), places.wave[places.last[which]].tolist()
    # what lies between the lines of a quasar may be a blend of iron
    rest = places.ground.rest if places.ground.quasar else None
    iron = ["" if rest is None else next((f" ({band.name})" for band in IRON_BANDS if band.lo <= rest[peak] <= band.hi),
                                         "") for peak in places.peak[which].tolist()]
    return [places.feature(k) if places.features[k]
            else places.broad.get(k, f"continuum {_span(lo, hi, places.unit)}{blend}")
            for k, lo, hi, blend in zip(which.tolist(), low, high, iron, strict=True)]


def _spike(places: Places, which: NDArray[np.intp]) -> list[str]:
    return [f"spike at {wave:.0f} {places.unit}" for wave in places.wave[places.peak[which]].tolist()]


_NAMERS: tuple[Callable[[Places, NDArray[np.intp]], list[str]], ...] = (
    _lines, _imputed, _sky, _band, _band, _continuum, _spike)  # in the order of classes.CLASSES
