"""What lies where an explanation points: lines, or the marks of sky, atmosphere, masks and instrument.

Each pixel gets one class, and each segment hands its weight to its pixels. The weight goes where the score finds
its reason, among the pixels the score counts: a positive weight is spread like the squared residual of the spectrum
as observed, a negative one like the squared difference between spectrum and fill. So the weight of a segment
50 Å wide that touches a sky line goes to the sky line when the residual sits there, and to the continuum when it
does not; sharing by width alone would always give the continuum most of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..diagnostics import second_redshift
from ..lines import ARM_JOINS
from ..spectrum import Spectrum
from .artefact import UNTOLD, Calibration, at_prior, shipped
from .classes import CLASSES, Ground, ground_of
from .marks import Residual, knowledge_of, residual_marks, weight_marks
from .naming import names_of

ARTEFACTS = ("imputed", "sky", "telluric", "join", "narrow")
"""Classes that come from the instrument or the sky. Spikes are among them: nothing that came through the optics is
narrower than their line-spread function."""

FIELDS = {"narrow": "narrow_share"}  # fields of a Context that are not called like their class


@dataclass(frozen=True, eq=False)
class Context:
    """Shares of Σ|weight| by what lies there, and a name for each segment.

    Attributes
    ----------
    lines, imputed, sky, telluric, join, continuum, narrow_share : float
        Shares in 0–1 that sum to 1; `imputed` holds imputed, masked and dead pixels, `narrow_share` spikes narrower
        than the line-spread function. NaN where the redshift, the observed frame, the instrument or the line-spread
        function needed to tell is not known: an unknown `join` or spike counts as what else lies there, an unknown sky
        or line makes the continuum NaN too.
    names : tuple of str
        One a segment, e.g. ``"Hα+[N II]"``, ``"5577 mask edge"``, ``"continuum 5100–5250 Å"`` (rest frame).
    narrow : (K,) bool array or None
        Segments with most of their weight on such spikes; None when that is not known.
    artefact : float
        Probability, 0–1, that instrument or sky made the score what it is, *given that the spectrum is odd for a
        reason*: of an ordinary spectrum that noise alone brought to the top it says nothing. Calibrated on simulated
        surveys, on kinds of anomaly left out of the fit, for even odds: as many artefacts as objects among those
        looked at. Light of a neighbouring fibre counts as an object, which it is. NaN where it cannot be told: without
        an observed frame, without any weight, and of quasars, whose troughs and broad lines the calibration does not
        know. :meth:`artefact_at` gives it for other odds.
    z_second : float
        Redshift of emission lines of another galaxy, behind or in front, among what the model leaves over; NaN where
        there are none, or nothing to look for them with (model, noise, redshift). Their pixels count as `lines`, and
        names tell them. :func:`specanom.diagnostics.second_redshift` tells more of them.
    untold : str
        Why the probability of an artefact is not told of objects of this sort, e.g. ``"not calibrated for quasars"``;
        empty otherwise.
    """

    lines: float
    imputed: float
    sky: float
    telluric: float
    join: float
    continuum: float
    names: tuple[str, ...]
    narrow: NDArray[np.bool_] | None = None
    narrow_share: float = float("nan")
    artefact: float = float("nan")
    z_second: float = float("nan")
    untold: str = ""

    @property
    def shares(self) -> dict[str, float]:
        """The shares by class, in the order of the classes; that of spikes is called ``"narrow"``."""
        return {name: float(getattr(self, FIELDS.get(name, name))) for name in CLASSES}

    @property
    def artefact_share(self) -> float:
        """Share on what instrument and sky left: the classes of ARTEFACTS together; NaN without an observed frame."""
        parts = np.array([self.shares[name] for name in ARTEFACTS])
        return float("nan") if np.isnan(self.sky) else float(np.nansum(parts))

    def artefact_at(self, prior: float) -> float:
        """Return the probability of an artefact when artefacts have the share `prior` of the spectra looked at."""
        return at_prior(self.artefact, prior)

    def __repr__(self) -> str:
        shown = [f"{name} {value:.0%}" for name, value in self.shares.items() if value >= 0.005] or ["nothing known"]
        told = [] if np.isnan(self.artefact) else [f"probability of an artefact {self.artefact:.2f}"]
        told += [f"probability of an artefact {self.untold}"] if self.untold else []
        told += [] if np.isnan(self.z_second) else [f"lines at z = {self.z_second:.4f}"]
        return f"Context({'; '.join([', '.join(shown), *told])})"


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the score saw, pixel by pixel; 0 where it does not look.

    Attributes
    ----------
    observed : (p,) array
        ``x − x′``; without a model ``x − g``.
    changed : (p,) array
        ``x − g``.
    seen : (p,) array or None
        √weight of each pixel in the score, by which both are multiplied; None for 1 everywhere.
    modelled : bool
        Whether `observed` is against a reconstruction.
    quasar : bool
        Whether the score is made for quasars: it knows their lines.
    """

    observed: NDArray[np.float64]
    changed: NDArray[np.float64]
    seen: NDArray[np.float64] | None = None
    modelled: bool = False
    quasar: bool = False

    @classmethod
    def of(
        cls,
        flux: NDArray[np.float32],
        fill: NDArray[np.float32],
        *,
        reconstruction: NDArray[Any] | None = None,
        keep: NDArray[np.bool_] | None = None,
        weight: NDArray[Any] | None = None,
        quasar: bool = False,
    ) -> Evidence:
        """Build it from a spectrum, its fill, and what the score offers: x′, the pixels that count, their weights."""
        x = flux.astype(np.float64)
        changed = x - fill
        observed = changed if reconstruction is None else x - np.asarray(reconstruction, dtype=np.float64)
        seen = np.ones(x.size) if weight is None else np.sqrt(np.maximum(weight, 0.0))
        if keep is not None:
            seen = np.where(keep, seen, 0.0)
        return cls(observed * seen, changed * seen, seen, reconstruction is not None, quasar)

    def model_of(self, flux: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """Return the reconstruction x′ of `flux`, shape ``(p,)``, as observed where the score does not look; or None.
        """
        if not self.modelled:
            return None
        seen = np.ones(flux.size) if self.seen is None else self.seen
        return flux.astype(np.float64) - np.divide(self.observed, seen, out=np.zeros(flux.size), where=seen > 0)


def context_of(
    spectrum: Spectrum, segments: NDArray[np.intp], weights: NDArray[np.float64], *, evidence: Evidence
) -> Context:
    """Say what lies where the weights are.

    Parameters
    ----------
    spectrum : Spectrum
        With `z`, frame, `imputed`, `ivar`, and ``meta["instrument"]`` and ``meta["lsf"]`` (km/s) as far as known.
    segments : (p,) int array
        Ids 0…K−1.
    weights : (K,) array
        Signed weights.
    evidence : Evidence
        Where the score found its reasons.
    """
    ground = second_ground(spectrum, evidence)
    classes = ground.classes
    mass = pixel_shares(segments, weights, evidence=evidence)
    share = np.bincount(classes, weights=mass * np.abs(weights)[segments], minlength=len(CLASSES))
    total = float(np.abs(weights).sum())
    parts = dict(zip(CLASSES, share / total if total > 0 else np.full(len(CLASSES), np.nan), strict=True))
    narrow = None
    if ground.spikes is None:
        parts["narrow"] = float("nan")
    else:
        narrow = np.bincount(segments, weights=mass * (classes == CLASSES.index("narrow"))) > 0.5
        narrow.flags.writeable = False
    names = names_of(ground, segments, mass=mass, model=evidence.model_of(spectrum.flux))
    known = {FIELDS.get(name, name): value for name, value in _known(parts, ground).items()}
    made = Context(**known, names=names, narrow=narrow, z_second=ground.second.z,
                   untold=UNTOLD if ground.quasar else "")
    return replace(made, artefact=artefact_probability(ground, made.shares, evidence))


def second_ground(spectrum: Spectrum, evidence: Evidence) -> Ground:
    """Return what is known of each pixel, with what a model leaves: lines at a second redshift, troughs of quasars.

    Parameters
    ----------
    spectrum : Spectrum
    evidence : Evidence
        What the score saw; where it does not look, nothing is looked for.
    """
    ground = ground_of(spectrum)
    if not spectrum.meta.get("class"):  # nobody has said what it is: the score was made for such
        ground = replace(ground, quasar=evidence.quasar)
    model = evidence.model_of(spectrum.flux)
    if model is None:
        return ground
    if evidence.seen is not None:
        model = np.where(evidence.seen > 0, model, np.nan)
    ground = ground.with_troughs(model)
    return ground if ground.observed is None else ground.with_second(second_redshift(ground.spectrum, model))


def artefact_probability(
    ground: Ground, shares: dict[str, float], evidence: Evidence, *, calibration: Calibration | None = None
) -> float:
    """Return the calibrated probability of an artefact at even odds; NaN where it cannot be told.

    Parameters
    ----------
    ground : Ground
    shares : mapping
        Shares of Σ|weight| by class.
    evidence : Evidence
    calibration : Calibration, optional
        That of the package by default, which is not for quasars: of them it is NaN.
    """
    if ground.observed is None or not np.isfinite(shares["imputed"]):
        return float("nan")  # no frame in which sky and instrument stay where they are, or no weight at all
    if calibration is None and ground.quasar:
        return float("nan")  # see UNTOLD
    marks = marks_of(ground, shares, evidence)
    chosen = shipped() if calibration is None else calibration
    return chosen.probability(marks, knowledge_of(ground, model=evidence.modelled))


def marks_of(ground: Ground, shares: dict[str, float], evidence: Evidence) -> dict[str, float]:
    """Return the marks of one explanation, see :mod:`.marks`.

    Parameters
    ----------
    ground : Ground
    shares : mapping
        Shares of Σ|weight| by class.
    evidence : Evidence
    """
    if not evidence.modelled:
        return weight_marks(shares)
    seen = np.ones(evidence.observed.size) if evidence.seen is None else evidence.seen
    return residual_marks(Residual.of(ground, evidence.observed, seen))


def _known(parts: dict[str, float], ground: Ground) -> dict[str, float]:
    """Replace what cannot be known by NaN."""
    unknown: set[str] = set()
    if ground.rest is None:
        unknown |= {"lines", "continuum"}
    if ground.observed is None:
        unknown |= {"sky", "telluric", "join", "continuum"}
    if ground.spectrum.meta.get("instrument") not in ARM_JOINS:
        unknown |= {"join"}
    return {name: float("nan") if name in unknown else float(value) for name, value in parts.items()}


def pixel_shares(
    segments: NDArray[np.intp], weights: NDArray[np.float64], *, evidence: Evidence
) -> NDArray[np.float64]:
    """Return how each segment shares its weight among its pixels, shape ``(p,)``; sums to 1 within a segment."""
    size = weights.size
    power = np.where((weights >= 0)[segments], evidence.observed, evidence.changed) ** 2
    total = np.bincount(segments, weights=power, minlength=size)
    even = 1.0 / np.bincount(segments, minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total[segments] > 0, power / total[segments], even[segments])
