"""Marks by which an artefact is told from an object: a few numbers of one explanation, each with a meaning.

Most are read off the residual x − x′ as the score sees it, which is the same whatever fill or method the weights come
from; only where there is no model does one have to look at the weights themselves. A mark that needs what is not
known (redshift, noise, line-spread function, instrument) is NaN, never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..lines import ARM_JOINS, line
from .classes import CLASSES, Ground
from .narrow import middle

Doubles = NDArray[np.float64]
KNOWLEDGE = ("model", "ivar", "lsf", "z", "join")
"""What can be known: a reconstruction, the noise, the line-spread function, the redshift, where the arms join."""
LOUD = 30.0  # residuals are clipped at so many times the noise: one cosmic ray must not hide the rest
STEP = 70  # pixels to both sides of a step
BESIDE = 100.0  # Å beside a join where steps are no longer its own
BALMER = tuple(line(name).wave for name in ("Hepsilon", "Hd", "Hg", "Hb", "Ha"))
TROUGH, SHOULDER = 15.0, (25.0, 60.0)  # Å from a Balmer line: of the trough of a star, of its surroundings
RIPPLES = (3, 150)  # shortest and longest lag of a ripple, in bins of 4 pixels


@dataclass(frozen=True)
class Mark:
    """One number that speaks for an artefact or against it.

    Attributes
    ----------
    name : str
    sign : int
        +1 speaks for an artefact, −1 against, 0 may do either: a fit must keep to that.
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
    Mark("foreign", 1, ("model",), "squared share on masks and their edges, sky lines and spikes together"),
    Mark("narrow", 1, ("model", "lsf"), "√share on spikes narrower than the line-spread function"),
    Mark("lines", -1, ("model", "z"), "√share on lines at the redshift of the galaxy"),
    Mark("step", 1, ("model", "join"), "log(1 + step at the join of the arms, in units of steps elsewhere)"),
    Mark("sky_deficit", 1, ("model",), "√share of the squared residual that is missing flux on sky lines"),
    Mark("neighbour", 1, ("model",), "troughs at the Balmer lines at rest in the observed frame, asinh of their S/N"),
    Mark("ripple", 1, ("model",), "deepest dip of the autocorrelation: how periodic the residual is"),
    Mark("deficit", 0, ("model",), "√share of the smoothed residual that is missing flux"),
    Mark("smooth7", 0, ("model",), "log share of the residual left after smoothing over 7 pixels"),
    Mark("smooth31", 0, ("model",), "log share left after 31 pixels"),
    Mark("smooth151", 0, ("model",), "log share left after 151 pixels"),
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
    power : (p,) array
        Squared residual as the score weights it.
    excess : (p,) array
        That minus what the noise alone would give; `power` itself when the noise is not known.
    whitened : (p,) array
        Residual in units of the noise, clipped; 0 where the score does not look.
    seen : (p,) array
        √weight of each pixel in the score.
    """

    ground: Ground
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
            return cls(ground, power, power, np.clip(observed / (scale or 1.0), -LOUD, LOUD), seen)
        good = looked & (ivar > 0)
        noise = np.sqrt(ivar, where=good, out=np.zeros(power.size), dtype=np.float64)
        whitened = np.divide(observed * noise, seen, where=good, out=np.zeros(power.size))
        expected = np.divide(seen, noise, where=good, out=np.zeros(power.size)) ** 2
        return cls(ground, power, power - expected, np.clip(whitened, -LOUD, LOUD, out=whitened), seen)

    @cached_property
    def sums(self) -> Doubles:
        """Running sums of the whitened residual, shape ``(p + 1,)``."""
        return np.concatenate([[0.0], np.cumsum(self.whitened)])

    def smoothed(self, width: int) -> Doubles:
        """Return the whitened residual averaged over an odd number of pixels; fewer at the ends."""
        return box(self.sums, width)

    @cached_property
    def shares(self) -> dict[str, float]:
        """Share of the excess on each class, 0–1, and on dead pixels."""
        total = max(float(self.excess.sum()), 0.02 * float(self.power.sum()), 1e-30)
        parts = np.bincount(self.ground.classes, weights=self.excess, minlength=len(CLASSES)) / total
        dead = float(self.excess[self.ground.dead].sum()) / total
        return {name: float(np.clip(part, 0.0, 1.0)) for name, part in
                [*zip(CLASSES, parts.tolist(), strict=True), ("dead", dead)]}


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
    shares, size = residual.shares, max(float((residual.whitened**2).sum()), 1e-9)
    power = max(float(residual.power.sum()), 1e-30)
    # Squared, because every red spectrum has a little: what dominates speaks, what is there does not.
    found = {"foreign": min(1.0, sum(shares[name] for name in ("imputed", "sky", "narrow"))) ** 2}
    found |= {name: float(np.sqrt(shares[name])) for name in ("dead", "narrow", "lines")}
    sky = residual.ground.classes == CLASSES.index("sky")
    found["sky_deficit"] = float(np.sqrt(residual.power[sky & (residual.whitened < 0)].sum() / power))
    smooth = residual.smoothed(7)
    squared = smooth * smooth
    found["deficit"] = float(np.sqrt(squared[smooth < 0].sum() / max(float(squared.sum()), 1e-9)))
    found["smooth7"] = float(np.log(squared.sum() / size + 1e-4))
    for width in (31, 151):
        found[f"smooth{width}"] = float(np.log((residual.smoothed(width) ** 2).sum() / size + 1e-4))
    return found | {"step": _step(residual), "neighbour": _neighbour(residual), "ripple": _ripple(residual)}


def _step(residual: Residual) -> float:
    """Return the greatest change of level at the join of the arms against those elsewhere."""
    observed = residual.ground.observed
    joins = ARM_JOINS.get(str(residual.ground.spectrum.meta.get("instrument")), ())
    if observed is None or observed.size < 4 * STEP:
        return 0.0
    counts = np.concatenate([[0.0], np.cumsum(residual.seen > 0)])
    mean = (residual.sums[STEP:] - residual.sums[:-STEP]) / np.maximum(counts[STEP:] - counts[:-STEP], 1.0)
    jump = np.abs(mean[STEP:] - mean[:-STEP])
    where = observed[STEP : STEP + jump.size]
    inside, near = np.zeros(jump.size, dtype=np.bool_), np.zeros(jump.size, dtype=np.bool_)
    for band in joins:
        inside |= (where > band.lo) & (where < band.hi)
        near |= (where > band.lo - BESIDE) & (where < band.hi + BESIDE)
    if not inside.any() or near.all():
        return 0.0
    usual = jump[~near]
    high = int(0.99 * (usual.size - 1))
    return float(np.log1p(jump[inside].max() / max(float(np.partition(usual, high)[high]), 1e-9)))


def _neighbour(residual: Residual) -> float:
    """Return how strongly Balmer troughs of a star at rest show, mean S/N a line."""
    observed, sums = residual.ground.observed, residual.sums
    if observed is None:
        return 0.0
    found = []
    for centre in BALMER:
        offsets = np.array([-SHOULDER[1], -SHOULDER[0], -TROUGH, TROUGH, SHOULDER[0], SHOULDER[1]])
        a, b, c, d, e, f = np.searchsorted(observed, centre + offsets).tolist()
        n, m = d - c, (b - a) + (f - e)
        if n > 8 and m > 20:
            around = (sums[b] - sums[a] + sums[f] - sums[e]) / m
            found.append((around - (sums[d] - sums[c]) / n) / np.sqrt(1 / n + 1 / m))
    strength = float(np.sum(found)) / np.sqrt(len(found)) if found else 0.0
    return float(np.clip(np.arcsinh(strength), 0.0, 3.0))


def _ripple(residual: Residual) -> float:
    """Return minus the deepest dip of the autocorrelation of the smoothed residual, 0–1."""
    fine = residual.smoothed(5)[::4]
    if fine.size < 2 * RIPPLES[1]:
        return 0.0
    fine = fine - box(np.concatenate([[0.0], np.cumsum(fine)]), 101)
    size = 1 << int(np.ceil(np.log2(2 * fine.size)))
    lags = np.fft.irfft(np.abs(np.fft.rfft(fine, size)) ** 2)[: RIPPLES[1]]
    return float(-min(0.0, float(lags[RIPPLES[0] :].min()) / max(float(lags[0]), 1e-9)))


def weight_marks(shares: dict[str, float]) -> dict[str, float]:
    """Return the marks of weights without a model, from their shares by class."""
    places = sum(shares[name] for name in ("imputed", "sky", "telluric", "join") if np.isfinite(shares[name]))
    return {"weight_artefact": float(np.sqrt(min(1.0, places))), "weight_narrow": float(np.sqrt(shares["narrow"])),
            "weight_lines": float(np.sqrt(shares["lines"]))}
