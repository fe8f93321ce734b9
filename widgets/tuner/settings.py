"""All that can be tuned of an explainer, as plain values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from typing import Any

import numpy as np

from specanom.errors import ArgumentError, choice, message
from specanom.explain import Explainer
from specanom.presets import PRESETS
from specanom.spectrum import Spectrum

from .kinds import GIVEN, METHODS, PERTURBATIONS, SEGMENTATIONS, Kind, kind_of
from .refusals import refused

ALWAYS = ("segmentation", "perturbation", "method", "seed", "score", "preset", "device")


@dataclass(frozen=True, eq=False)
class AsGiven:
    """An object of one's own, carried along; equal to itself alone."""

    thing: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsGiven) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


@dataclass(frozen=True)
class TunerSettings:
    """All that can be tuned of an explainer.

    Settings of kinds that are not chosen are remembered, so that a kind one comes back to is as it was left.
    The names of the classes are those of :mod:`specanom.explain`, where their parameters are explained.

    Parameters
    ----------
    segmentation : {"uniform", "lines", "slic", "boundaries", "refined", "as given"}
        How the spectrum is cut.
    count : int
        Segments of ``"uniform"``; about so many of ``"slic"``.
    published : bool
        Cut as the published code does, see :class:`Uniform` and :class:`Slic`.
    line_width, continuum : float
        Of ``"lines"``: half width in km/s, and greatest length of a piece of continuum in Å.
    lines : tuple of str, optional
        Of ``"lines"``: names of lines; all by default.
    compactness, slic_sigma : float
        Of ``"slic"``; the smoothing in pixels.
    edges : tuple of float
        Of ``"boundaries"``: ascending Å, in the frame of the spectrum.
    start : str
        Of ``"refined"``: the segmentation that is cut further.
    depth, parts, leading, finest : int
        Of ``"refined"``, see :class:`Refined`.
    perturbation : {"scale", "contrast", "flat", "grey", "segment mean", "blur", "gaussians", "typical", "as given"}
        What replaces a segment that is off.
    factor : float
        Of ``"scale"`` and ``"contrast"``.
    contrast_sigma, blur_sigma : float
        Smoothing in pixels.
    level, flat_noise : float
        Of ``"flat"``, in units of the flux.
    grey_level : float, optional
        Of ``"grey"``; the median of the spectrum by default.
    amplitude : float
        Of ``"gaussians"``, in units of the flux.
    bump_sigma : float, optional
        Of ``"gaussians"``, in pixels; a sixth of the segment by default.
    typical : AsGiven, optional
        Of ``"typical"``: a spectrum of one's own in place of the model's reconstruction.
    keep_noise : bool, optional
        Whether the small-scale structure is added to the fill; None for the default of the kind.
    method : {"lime", "shap", "occlusion", "gradients", "split", "as given"}
        How scores of masks become weights.
    n_samples : int
        Masks of ``"lime"`` and ``"shap"``.
    adaptive : bool
        Of ``"lime"``: draw masks until `tolerance` is met, at most `max_samples`.
    tolerance, max_samples, design, distance, kernel_width, alpha, normalise, anchor, engine
        Of ``"lime"``, see :class:`Lime`.
    exact : "auto", True or False
        Of ``"shap"``.
    mode : {"off", "on"}
        Of ``"occlusion"``.
    steps, baseline, rule
        Of ``"gradients"``, see :class:`IntegratedGradients`.
    seed : int
        Of the masks.
    score : str
        Name of the score; empty for the one that is given.
    preset : None or "paper"
        What the explainer calls itself; all that it sets is among the settings.
    device : {"cpu", "auto", "cuda", "mps"}
        For many spectra at once.
    given_segments, given_perturbation, given_method : AsGiven, optional
        Objects of one's own, used by the kinds ``"as given"``.

    Raises
    ------
    ArgumentError
        For a kind that is not offered, or ``"as given"`` without an object.
    """

    segmentation: str = "uniform"
    count: int = 77
    published: bool = False
    line_width: float = 500.0
    continuum: float = 150.0
    lines: tuple[str, ...] | None = None
    compactness: float = 0.1
    slic_sigma: float = 0.0
    edges: tuple[float, ...] = ()
    start: str = "uniform"
    depth: int = 2
    parts: int = 4
    leading: int = 5
    finest: int = 4
    perturbation: str = "scale"
    factor: float = 0.9
    contrast_sigma: float = 3.0
    level: float = 1.0
    flat_noise: float = 0.0
    grey_level: float | None = None
    blur_sigma: float = 20.0
    amplitude: float = 1.0
    bump_sigma: float | None = None
    typical: AsGiven | None = None
    keep_noise: bool | None = None
    method: str = "lime"
    n_samples: int = 2000
    adaptive: bool = False
    tolerance: float = 0.1
    max_samples: int = 16_000
    design: str = "paired"
    distance: str = "cosine"
    kernel_width: float = 0.25
    alpha: float = 1.0
    normalise: bool = True
    anchor: bool = True
    engine: str = "specanom"
    exact: bool | str = "auto"
    mode: str = "off"
    steps: int = 64
    baseline: str = "reconstruction"
    rule: str = "gauss"
    seed: int = 0
    score: str = ""
    preset: str | None = None
    device: str = "cpu"
    given_segments: AsGiven | None = None
    given_perturbation: AsGiven | None = None
    given_method: AsGiven | None = None

    def __post_init__(self) -> None:
        for name, kinds, given in (("segmentation", SEGMENTATIONS, self.given_segments),
                                   ("start", SEGMENTATIONS, self.given_segments),
                                   ("perturbation", PERTURBATIONS, self.given_perturbation),
                                   ("method", METHODS, self.given_method)):
            offered = [each for each in (*kinds, GIVEN) if (name, each) != ("start", "refined")]
            choice(name, getattr(self, name), offered)
            if getattr(self, name) == GIVEN and given is None:
                raise ArgumentError(message(name, expected="an object to carry along", got="none",
                                            hint="TunerSettings.of(explainer)"))
        choice("preset", self.preset, PRESETS)
        for item in fields(self):
            object.__setattr__(self, item.name, _plain(getattr(self, item.name)))
        if self.keep_noise is not None and self.keep_noise == self._noise_default:
            object.__setattr__(self, "keep_noise", None)

    # -- to an explainer and back ----------------------------------------------------------------------------------

    @classmethod
    def of(cls, explainer: Explainer) -> TunerSettings:
        """Return the settings of an explainer."""
        values: dict[str, Any] = {"seed": int(explainer.seed), "preset": explainer.preset, "device": explainer.device,
                                  "score": str(explainer.settings["score"])}
        values |= _read(explainer.segments, SEGMENTATIONS, "segmentation", "given_segments")
        if "start_segments" in values:
            values |= _read(values.pop("start_segments"), SEGMENTATIONS, "start", "given_segments")
        values |= _read(explainer.perturbation, PERTURBATIONS, "perturbation", "given_perturbation")
        values |= _read(explainer.method, METHODS, "method", "given_method")
        if values.get("typical") is not None:
            values["typical"] = AsGiven(values["typical"])
        if values.get("n_samples") == "auto":
            values["adaptive"] = bool(values.pop("n_samples"))
        return cls(**values)

    def explainer(self, score: Any) -> Explainer:
        """Return the explainer.

        Parameters
        ----------
        score : Scorer, callable or mapping
            What is explained; of a mapping name → Scorer the one that is chosen.

        Raises
        ------
        ArgumentError
            For a value that cannot be used; :meth:`refused` says so beforehand.
        """
        if isinstance(score, Mapping):
            score = score[choice("score", self.score, score)]
        return Explainer(score, self.segmenter(), perturbation=self.fill(), method=self.attribution(), seed=self.seed,
                         preset=self.preset, device=self.device)

    def segmenter(self) -> Any:
        """Return what cuts the spectrum."""
        return self._part(self.segmentation, SEGMENTATIONS, self.given_segments)

    def fill(self) -> Any:
        """Return what fills segments that are off."""
        return self._part(self.perturbation, PERTURBATIONS, self.given_perturbation)

    def attribution(self) -> Any:
        """Return the method."""
        return self._part(self.method, METHODS, self.given_method)

    def _part(self, name: str, kinds: Mapping[str, Kind], given: AsGiven | None) -> Any:
        if name == GIVEN:
            assert given is not None
            return given.thing
        values: dict[str, Any] = {item.name: getattr(self, item.name) for item in fields(self)}
        if name == "refined":
            values["start_segments"] = self._part(self.start, kinds, given)
        if name == "typical" and self.typical is not None:
            values["typical"] = self.typical.thing
        if name == "lime" and self.adaptive:
            values["n_samples"] = "auto"
        return kinds[name].build(values)

    def refused(self, score: Any = None, spectrum: Spectrum | None = None) -> str | None:
        """Say why a spectrum cannot be explained with these settings, and what to try; None when it can.

        Parameters
        ----------
        score : Scorer or callable, optional
            As it is, or bound to the spectrum; without it nothing is said of what only some scores allow.
        spectrum : Spectrum, optional
            Without it nothing is said of what depends on the spectrum.
        """
        return refused(self, score, spectrum)

    # -- changing it -----------------------------------------------------------------------------------------------

    def replace(self, **changes: Any) -> TunerSettings:
        """Return these settings with some changed."""
        return replace(self, **changes)

    @property
    def used(self) -> frozenset[str]:
        """Names of the settings that matter with the kinds chosen."""
        chosen = {*ALWAYS, *_parameters(self.segmentation, SEGMENTATIONS), *_parameters(self.method, METHODS),
                  *_parameters(self.perturbation, PERTURBATIONS)}
        if self.segmentation == "refined":
            chosen = (chosen - {"start_segments"}) | {"start", *_parameters(self.start, SEGMENTATIONS)}
        if self.method == "lime":
            chosen |= {"adaptive"}
            chosen -= {"n_samples"} if self.adaptive else set()
        given = {"given_segments": GIVEN in (self.segmentation, self.start if self.segmentation == "refined" else ""),
                 "given_perturbation": self.perturbation == GIVEN, "given_method": self.method == GIVEN}
        return frozenset(chosen | {name for name, there in given.items() if there})

    @property
    def keeps_noise(self) -> bool:
        """Whether the small-scale structure stays in the fill."""
        return self._noise_default if self.keep_noise is None else self.keep_noise

    @property
    def _noise_default(self) -> bool:
        kind = PERTURBATIONS.get(self.perturbation)
        return bool(kind and kind.defaults["keep_noise"])


def _parameters(name: str, kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    return tuple(kinds[name].parameters) if name in kinds else ()


def _read(part: Any, kinds: Mapping[str, Kind], setting: str, given: str) -> dict[str, Any]:
    name = kind_of(part, kinds)
    return {setting: name, given: AsGiven(part)} if name == GIVEN else {setting: name, **kinds[name].read(part)}


def _plain(value: Any) -> Any:
    """Return numbers of numpy as numbers, and sequences as tuples."""
    if isinstance(value, (bool, str, AsGiven, type(None))):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    return tuple(_plain(each) for each in value)
