"""Marks by which an artefact is told from an object: a few numbers of one explanation, each with a meaning.

Most are read off the residual x − x′ as the score sees it, which is the same whatever fill or method the weights come
from; only where there is no model does one have to look at the weights themselves. A mark that needs what is not
known (redshift, noise, line-spread function, instrument) is NaN, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..lines import ARM_JOINS, C_KMS, line
from .classes import CLASSES, Ground
from .narrow import middle

Doubles = NDArray[np.float64]
KNOWLEDGE = ("model", "ivar", "lsf", "z", "join")
"""What can be known: a reconstruction, the noise, the line-spread function, the redshift, where the arms join."""
LOUD = 30.0  # residuals are clipped at so many times the noise: one cosmic ray must not hide the rest
PLAIN = 10.0  # of the noise: a spike below may be the tail of what pipelines call noise
STEP = 70  # pixels to both sides of a step
BESIDE = 100.0  # Å beside a join where steps are no longer its own
FINE, COARSE = 7, 75  # pixels, odd: what noise is averaged over, and what is left of the continuum after
BALMER = np.array([line(name).wave for name in ("Hd", "Hg", "Hb", "Ha")])
BROAD = 5000.0  # km/s from a Balmer line where gas around a nucleus shines
FAR_RED = 8000.0  # Å, observed: airglow, fringes and second orders have the last word beyond
RIPPLES = (3, 150)  # shortest and longest lag of a ripple, in bins of 4 pixels


@dataclass(frozen=True)
class Mark:
    """One number that speaks for an artefact or against it.

    Attributes
    ----------
    name : str
    sign : int
        +1 speaks for an artefact, −1 against: a fit must keep to that.
    needs : tuple of str
        What must be known, of KNOWLEDGE; ``"no model"`` is for explanations without a reconstruction.
    text : str
        What it measures.
    """

    name: str
    sign: int
    needs: tuple[str, ...]
    text: str


MARKS = (
    Mark("dead", 1, ("model", "ivar"), "√share of the excess residual on pixels without noise"),
    Mark("foreign", 1, ("model",), "share on masks and their edges, sky lines and spikes together"),
    Mark("narrow", 1, ("model", "lsf"), "√share on spikes narrower than the line-spread function, ten times the noise"),
    Mark("step", 1, ("model", "join"), "log(1 + step at the join of the arms, in units of steps elsewhere)"),
    Mark("sky_deficit", 1, ("model",), "√share of the squared residual that is missing flux on sky lines"),
    Mark("ripple", 1, ("model",), "deepest dip of the autocorrelation: how periodic the residual is"),
    Mark("far_red", 1, ("model",), "share of the coarse residual beyond 8000 Å observed, above that of its pixels"),
    Mark("lines", -1, ("model", "z"), "share of the fine residual on lines of the galaxy, or of a second redshift"),
    Mark("broad", -1, ("model", "z"), "share of the fine residual that is light around Balmer lines of the galaxy"),
    Mark("kin", -1, ("model",), "|correlation| of the residual with the features of the reconstruction"),
    Mark("weight_artefact", 1, ("no model",), "√share of Σ|weight| on sky, masks, bands and joins"),
    Mark("weight_narrow", 1, ("no model", "lsf"), "√share of Σ|weight| on spikes"),
    Mark("weight_lines", -1, ("no model", "z"), "√share of Σ|weight| on lines of the galaxy"),
)


def knowledge_of(ground: Ground, *, model: bool) -> tuple[str, ...]:
    """Return what of KNOWLEDGE there is."""
    spectrum = ground.spectrum
    has = {"model": model, "ivar": spectrum.ivar is not None, "lsf": ground.spikes is not None,
           "z": ground.rest is not None, "join": spectrum.meta.get("instrument") in ARM_JOINS}
    return tuple(name for name in KNOWLEDGE if has[name])


def usable(mark: Mark, knowledge: tuple[str, ...]) -> bool:
    """Say whether a mark can be read with this knowledge."""
    return all(("model" not in knowledge) if need == "no model" else need in knowledge for need in mark.needs)


@dataclass(frozen=True, eq=False)
class Residual:
    """The residual of a spectrum as a score sees it.

    Attributes
    ----------
    ground : Ground
    observed : (p,) array
        Residual x − x′ as the score weights it.
    power : (p,) array
        Its square.
    excess : (p,) array
        That minus what the noise alone would give; `power` itself when the noise is not known.
    whitened : (p,) array
        Residual in units of the noise, clipped; 0 where the score does not look.
    seen : (p,) array
        √weight of each pixel in the score.
    """

    ground: Ground
    observed: Doubles
    power: Doubles
    excess: Doubles
    whitened: Doubles
    seen: Doubles

    @classmethod
    def of(cls, ground: Ground, observed: Doubles, seen: Doubles) -> Residual:
        """Build it from √weight × (x − x′) and √weight."""
        power, ivar = observed**2, ground.spectrum.ivar
        looked = seen > 0
        if ivar is None:
            scale = 1.4826 * middle(np.abs(observed[looked])) if looked.any() else 1.0
            whitened = np.clip(observed / (scale or 1.0), -LOUD, LOUD)
            return cls(ground, observed, power, power, whitened, seen)
        good = looked & (ivar > 0)
        ratio = np.divide(seen, np.sqrt(ivar, where=good, out=np.ones(power.size)), where=good,
                          out=np.zeros(power.size))
        whitened = np.divide(observed, ratio, where=good, out=np.zeros(power.size))
        return cls(ground, observed, power, power - ratio * ratio, np.clip(whitened, -LOUD, LOUD, out=whitened), seen)

    @cached_property
    def sums(self) -> Doubles:
        """Running sums of the whitened residual, shape ``(p + 1,)``."""
        return _running(self.whitened)

    @cached_property
    def bare(self) -> Residual:
        """It without the lines of a second redshift: what is neither of one galaxy nor of the other."""
        foreign = self.ground.foreign
        if foreign is None:
            return self
        rest = foreign < 0
        return replace(self, observed=self.observed * rest, power=self.power * rest, excess=self.excess * rest,
                       whitened=self.whitened * rest)

    @cached_property
    def fine(self) -> Doubles:
        """The whitened residual averaged over a few pixels."""
        return box(self.sums, FINE)

    @cached_property
    def coarse(self) -> Doubles:
        """The whitened residual averaged over many pixels."""
        return box(self.sums, COARSE)

    @cached_property
    def shares(self) -> dict[str, float]:
        """Share of the excess on each class, 0–1, on dead pixels, and on plain spikes."""
        total = max(float(self.excess.sum()), 0.02 * float(self.power.sum()), 1e-30)
        parts = np.bincount(self.ground.classes, weights=self.excess, minlength=len(CLASSES)).tolist()
        spikes = np.flatnonzero(self.ground.classes == CLASSES.index("narrow"))
        plain = spikes[np.abs(self.whitened[spikes]) > PLAIN]
        parts += [float(self.excess[self.ground.dead].sum()), float(self.excess[plain].sum())]
        return {name: min(max(part / total, 0.0), 1.0)
                for name, part in zip((*CLASSES, "dead", "plain"), parts, strict=True)}


def box(sums: Doubles, width: int) -> Doubles:
    """Return running means over `width` pixels from running sums ``(p + 1,)``."""
    p, half = sums.size - 1, width // 2
    if p <= width:
        return np.full(p, sums[-1] / max(p, 1))
    made = np.empty(p)
    made[half : p - half] = (sums[width:] - sums[:-width]) / width
    near = np.arange(1, half + 1)
    made[:half] = sums[half + near] / (half + near)
    made[p - half :] = ((sums[-1] - sums[p - 2 * half : p - half]) / (half + near[::-1]))
    return made


def residual_marks(residual: Residual) -> dict[str, float]:
    """Return every mark of a residual by its name; those that cannot be known must be dropped by the caller."""
    shares, ground = residual.shares, residual.ground
    found = {"foreign": min(1.0, sum(shares[name] for name in ("imputed", "sky", "narrow"))),
             "dead": float(np.sqrt(shares["dead"])), "narrow": float(np.sqrt(shares["plain"]))}
    sky = np.flatnonzero(ground.classes == CLASSES.index("sky"))
    missing = sky[residual.whitened[sky] < 0]
    found["sky_deficit"] = float(np.sqrt(residual.power[missing].sum() / max(float(residual.power.sum()), 1e-30)))
    squared = residual.fine * residual.fine
    total = max(float(squared.sum()), 1e-9)
    found["lines"] = float(squared[ground.classes == CLASSES.index("lines")].sum()) / total
    found |= {"broad": _broad(residual, squared) / total, **_shapes(residual)}
    if residual.ground.foreign is not None:
        # A bright line is no step and no ripple; and what it outshone says no more against the object than it did.
        bare = _shapes(residual.bare)
        found |= {name: max(found[name], bare[name]) if name == "kin" else min(found[name], bare[name])
                  for name in bare}
    return found


def _shapes(residual: Residual) -> dict[str, float]:
    """Return the marks that are ratios of one part of a residual to another."""
    return {"far_red": _far_red(residual), "step": _step(residual), "ripple": _ripple(residual), "kin": _kin(residual)}


def _broad(residual: Residual, squared: Doubles) -> float:
    """Return the power of light, not of missing light, around the Balmer lines."""
    rest = residual.ground.rest
    if rest is None:
        return 0.0
    starts = np.searchsorted(rest, BALMER * (1 - BROAD / C_KMS)).tolist()
    stops = np.searchsorted(rest, BALMER * (1 + BROAD / C_KMS)).tolist()
    total = 0.0
    for start, stop in zip(starts, stops, strict=True):
        light = residual.fine[start:stop] > 0
        total += float(squared[start:stop][light].sum())
    return total


def _far_red(residual: Residual) -> float:
    """Return the share of the coarse residual at the far red end, less that of the pixels there."""
    observed = residual.ground.observed
    if observed is None:
        return 0.0
    first = int(np.searchsorted(observed, FAR_RED))
    there, before = (float(part @ part) for part in (residual.coarse[first:], residual.coarse[:first]))
    return there / max(there + before, 1e-9) - (observed.size - first) / observed.size


def _step(residual: Residual) -> float:
    """Return the greatest change of level at the join of the arms against those elsewhere."""
    observed = residual.ground.observed
    joins = ARM_JOINS.get(str(residual.ground.spectrum.meta.get("instrument")), ())
    if observed is None or observed.size < 4 * STEP:
        return 0.0
    counts = _running((residual.seen > 0).astype(np.float64))
    mean = (residual.sums[STEP:] - residual.sums[:-STEP]) / np.maximum(counts[STEP:] - counts[:-STEP], 1.0)
    jump = np.abs(mean[STEP:] - mean[:-STEP])
    where = observed[STEP : STEP + jump.size]
    usual, greatest = np.ones(jump.size, dtype=np.bool_), -1.0
    for band in joins:
        edges = (band.lo - BESIDE, band.lo, band.hi, band.hi + BESIDE)
        a, b, c, d = np.searchsorted(where, edges).tolist()
        usual[a:d] = False
        greatest = max(greatest, float(jump[b:c].max()) if c > b else -1.0)
    elsewhere = jump[usual]
    if greatest < 0 or not elsewhere.size:
        return 0.0
    high = int(0.99 * (elsewhere.size - 1))
    return float(np.log1p(greatest / max(float(np.partition(elsewhere, high)[high]), 1e-9)))


def _ripple(residual: Residual) -> float:
    """Return minus the deepest dip of the autocorrelation of the fine residual, 0–1."""
    fine = residual.fine[::4]
    if fine.size < 2 * RIPPLES[1]:
        return 0.0
    fine = fine - box(_running(fine), 101)
    size = 1 << int(np.ceil(np.log2(2 * fine.size)))
    wave = np.fft.rfft(fine, size)
    lags = np.fft.irfft(wave.real**2 + wave.imag**2)[: RIPPLES[1]]
    return float(-min(0.0, float(lags[RIPPLES[0] :].min()) / max(float(lags[0]), 1e-9)))


def _kin(residual: Residual) -> float:
    """Return how much the residual looks like the features of the galaxy, too strong or too weak: |correlation|, 0–1.

    Light of the galaxy's own kind repeats its lines and breaks; what the instrument adds does not know them.
    """
    seen = residual.seen
    away = np.divide(residual.observed, seen, where=seen > 0, out=np.zeros(seen.size))
    sums = _running(np.asarray(residual.ground.spectrum.flux, dtype=np.float64) - away)
    features = (box(sums, FINE) - box(sums, COARSE)) * seen
    here = residual.fine - residual.coarse
    return float(abs(here @ features) / np.sqrt(max(float(here @ here) * float(features @ features), 1e-30)))


def _running(values: Doubles) -> Doubles:
    """Return running sums that begin with 0, shape ``(p + 1,)``."""
    sums = np.empty(values.size + 1)
    sums[0] = 0.0
    np.cumsum(values, out=sums[1:])
    return sums


def weight_marks(shares: dict[str, float]) -> dict[str, float]:
    """Return the marks of weights without a model, from their shares by class."""
    places = sum(shares[name] for name in ("imputed", "sky", "telluric", "join") if np.isfinite(shares[name]))
    return {"weight_artefact": float(np.sqrt(min(1.0, places))), "weight_narrow": float(np.sqrt(shares["narrow"])),
            "weight_lines": float(np.sqrt(shares["lines"]))}
