"""How the parameters of a run name the parts of an explainer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ArgumentError, choice, message
from .explainer import Explainer
from .gradients import IntegratedGradients
from .lime import Lime
from .occlusion import Occlusion
from .perturb import Blur, Contrast, Flat, Scale, SegmentMean, Typical
from .segments import Uniform
from .shap import Shap

PERTURBATIONS: dict[str, Callable[[], Any]] = {
    "scale": lambda: Scale(0.9),
    "contrast": lambda: Contrast(0.9),
    "flat": lambda: Flat(1.0),
    "segment_mean": lambda: SegmentMean(),
    "blur": lambda: Blur(30.0),
    "typical": lambda: Typical(),
}


def perturbation_of(name: str, preset: str | None = None) -> Any:
    """Return the perturbation called `name`; the published code calls contrast "scale".

    An empty name is that of the preset, or ``"typical"``: on surveys with known anomalies, explanations that put the
    model's own reconstruction in place of a segment point at the anomaly best, for a VAE as for a PCA (ROC-AUC of
    segments 0.84–0.87, ``"scale"`` 0.67–0.69), tell instrument from galaxy best, and are nearly additive. Scaling
    cannot see a segment of zeros, and dimming an ordinary continuum makes a spectrum odd by itself.
    """
    name = name or ("scale" if preset == "paper" else "typical")
    choice("perturbation", name, PERTURBATIONS)
    return PERTURBATIONS["contrast" if (name, preset) == ("scale", "paper") else name]()


METHODS: dict[str, Callable[[], Any]] = {
    "shap": Shap,
    "occlusion": Occlusion,
    "gradients": IntegratedGradients,
}


def method_of(name: str, *, samples: int | None, tolerance: float = 0.0, preset: str | None = None) -> Any:
    """Return the method called `name`: lime (or empty), shap, occlusion or gradients.

    LIME takes paired complements, under ``preset="paper"`` 5000 independent masks.

    Parameters
    ----------
    name : str
    samples : int or None
        Perturbed spectra an explanation takes; 0 or None is the default of the method.
    tolerance : float
        Of LIME: draw until the intervals of the leading segments are this share of the largest weight; 0 draws a
        fixed number.
    preset : str or None

    Raises
    ------
    ArgumentError
        For another name, or a number of samples or a tolerance that the method has no use for.
    """
    choice("method", name or "lime", ("lime", *METHODS))
    if name in METHODS:
        if tolerance or (samples and name != "shap"):
            raise ArgumentError(message("tolerance" if tolerance else "samples", expected=f"0 with method {name!r}",
                                        got=tolerance or samples))
        return Shap(samples) if samples else METHODS[name]()
    if tolerance:
        if samples:
            raise ArgumentError(message("samples", expected="0 with a tolerance, which finds the number", got=samples))
        given: dict[str, Any] = {"design": "independent", "normalise": False} if preset == "paper" else {}
        return Lime("auto", tolerance=tolerance, **given)
    if preset == "paper":
        return Lime(samples or 5000, design="independent", normalise=False)
    return Lime(samples) if samples else Lime()


def segments_of(count: int, preset: str | None = None) -> Any:
    """Return the segments of a run: 77 of equal width; under ``preset="paper"`` 150, cut as published."""
    paper = preset == "paper"
    return Uniform(count or (150 if paper else 77), published=paper)


def explainer_of(score: Any, parameters: Mapping[str, Any]) -> Explainer:
    """Return the explainer of a run.

    Parameters
    ----------
    score : Scorer
        What is explained.
    parameters : mapping
        Of the run: segments, perturbation, method, samples, tolerance, seed and preset.
    """
    preset = parameters["preset"] or None
    return Explainer(score, segments_of(parameters["segments"], preset),
                     perturbation=perturbation_of(parameters["perturbation"], preset), seed=parameters["seed"],
                     method=method_of(parameters["method"], samples=parameters["samples"],
                                      tolerance=parameters["tolerance"], preset=preset))
