"""The kinds of segments, fills and methods a tuner offers: which class each is, and what its parameters are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from typing import Any

from specanom.explain import (
    Blur,
    Boundaries,
    Contrast,
    Flat,
    Gaussians,
    Grey,
    IntegratedGradients,
    Lime,
    Lines,
    Occlusion,
    Refined,
    ResidualSplit,
    Scale,
    SegmentMean,
    Shap,
    Slic,
    Typical,
    Uniform,
)
from specanom.presets import resolve

GIVEN = "as given"
"""The kind of an object that has no place among these: it is carried along unchanged."""


@dataclass(frozen=True)
class Kind:
    """One kind of segmentation, fill or method.

    Parameters
    ----------
    make : type
        Its class.
    word : str
        What menus call it.
    told : str
        What it does, in a sentence.
    parameters : mapping
        Setting of the tuner → parameter of the class.
    """

    make: type[Any]
    word: str
    told: str
    parameters: Mapping[str, str]

    def build(self, values: Mapping[str, Any]) -> Any:
        """Make the object of these settings; ``keep_noise=None`` leaves the noise to the class."""
        chosen = {self.parameters[name]: values[name] for name in self.parameters}
        if chosen.get("keep_noise", True) is None:
            del chosen["keep_noise"]
        return self.make(**chosen)

    def read(self, part: Any) -> dict[str, Any]:
        """Return the settings of an object of this kind."""
        return {name: getattr(part, parameter) for name, parameter in self.parameters.items()}

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """The parameters that have a default, by the names of the class."""
        return {item.name: resolve(item.default, None) for item in fields(self.make) if item.default is not MISSING}


SEGMENTATIONS = {
    "uniform": Kind(Uniform, "equal widths", "Segments of equal numbers of pixels.",
                    {"count": "k", "published": "published"}),
    "lines": Kind(Lines, "lines", "One segment a spectral line or blend, and the continuum between them in pieces.",
                  {"line_width": "width", "continuum": "continuum", "lines": "lines"}),
    "slic": Kind(Slic, "SLIC", "Superpixels that follow the shape of the spectrum; about as many as asked for.",
                 {"count": "k", "compactness": "compactness", "slic_sigma": "sigma", "published": "published"}),
    "boundaries": Kind(Boundaries, "edges by hand", "Segments between wavelengths of your choice.", {"edges": "edges"}),
    "refined": Kind(Refined, "coarse to fine", "Starts coarse and cuts again where the weight is.",
                    {"start_segments": "start", "depth": "depth", "parts": "parts", "leading": "leading",
                     "finest": "finest"}),
}
PERTURBATIONS = {
    "scale": Kind(Scale, "scale", "The spectrum times a factor.", {"factor": "factor", "keep_noise": "keep_noise"}),
    "contrast": Kind(Contrast, "contrast", "Its shape drawn towards the median: what the published code calls scale.",
                     {"factor": "factor", "contrast_sigma": "sigma", "keep_noise": "keep_noise"}),
    "flat": Kind(Flat, "flat", "One constant level.",
                 {"level": "level", "flat_noise": "noise", "keep_noise": "keep_noise"}),
    "grey": Kind(Grey, "grey", "One level everywhere, the median of the spectrum unless another is given.",
                 {"grey_level": "level", "keep_noise": "keep_noise"}),
    "segment mean": Kind(SegmentMean, "segment mean", "Each segment at its own mean: features go, the level stays.",
                         {"keep_noise": "keep_noise"}),
    "blur": Kind(Blur, "blur", "The spectrum smoothed: narrow features go, broad ones stay.",
                 {"blur_sigma": "sigma", "keep_noise": "keep_noise"}),
    "gaussians": Kind(Gaussians, "Gaussian bumps", "The spectrum with a bump up or down in each segment.",
                      {"amplitude": "amplitude", "bump_sigma": "sigma", "keep_noise": "keep_noise"}),
    "typical": Kind(Typical, "typical", "What the spectrum should have looked like: the model's reconstruction.",
                    {"typical": "spectrum", "keep_noise": "keep_noise"}),
}
METHODS = {
    "lime": Kind(Lime, "LIME", "A local linear surrogate of the score over masks.",
                 {name: name for name in ("n_samples", "design", "kernel_width", "distance", "alpha", "normalise",
                                          "anchor", "engine", "tolerance", "max_samples")}),
    "shap": Kind(Shap, "SHAP", "Shapley values: shares that add up to the difference of spectrum and fill.",
                 {"n_samples": "n_samples", "exact": "exact"}),
    "occlusion": Kind(Occlusion, "occlusion", "One segment at a time, off or on.", {"mode": "mode"}),
    "gradients": Kind(IntegratedGradients, "integrated gradients",
                      "The slope of the score along the way from a baseline to the spectrum.",
                      {"steps": "steps", "baseline": "baseline", "rule": "rule"}),
    "split": Kind(ResidualSplit, "residual split", "The parts of a score that is a sum over pixels.", {}),
}


def kind_of(part: Any, kinds: Mapping[str, Kind]) -> str:
    """Return the name of the kind of an object, :data:`GIVEN` for one that is none of `kinds`."""
    for name, kind in kinds.items():
        if type(part) is kind.make:  # a class derived from one of these may do anything
            return GIVEN if isinstance(getattr(part, "level", None), tuple) else name
    return GIVEN
