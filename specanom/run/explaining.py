"""How a run's parameters name the parts of an explainer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import explain
from ..errors import ArgumentError, choice, message

PERTURBATIONS: dict[str, Callable[[], Any]] = {
    "scale": lambda: explain.Scale(0.9),
    "contrast": lambda: explain.Contrast(0.9),
    "flat": lambda: explain.Flat(1.0),
    "segment_mean": lambda: explain.SegmentMean(),
    "blur": lambda: explain.Blur(30.0),
    "typical": lambda: explain.Typical(),
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
    "shap": explain.Shap,
    "occlusion": explain.Occlusion,
    "gradients": explain.IntegratedGradients,
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
        return explain.Shap(samples) if samples else METHODS[name]()
    if tolerance:
        if samples:
            raise ArgumentError(message("samples", expected="0 with a tolerance, which finds the number", got=samples))
        given: dict[str, Any] = {"design": "independent", "normalise": False} if preset == "paper" else {}
        return explain.Lime("auto", tolerance=tolerance, **given)
    if preset == "paper":
        return explain.Lime(samples or 5000, design="independent", normalise=False)
    return explain.Lime(samples) if samples else explain.Lime()


def segments_of(count: int, preset: str | None = None) -> Any:
    """Return the segments of a run: 77 of equal width; under ``preset="paper"`` 150, cut as published."""
    paper = preset == "paper"
    return explain.Uniform(count or (150 if paper else 77), published=paper)
