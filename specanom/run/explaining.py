"""How a run's parameters name the parts of an explainer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import explain
from ..errors import choice

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


def sampling_of(samples: int | None, preset: str | None = None) -> Any:
    """Return the LIME of a run: paired complements, or under ``preset="paper"`` 5000 independent masks."""
    if preset == "paper":
        return explain.Lime(samples or 5000, design="independent", normalise=False)
    return explain.Lime(samples) if samples else explain.Lime()


def segments_of(count: int, preset: str | None = None) -> Any:
    """Return the segments of a run: 77 of equal width; under ``preset="paper"`` 150, cut as published."""
    paper = preset == "paper"
    return explain.Uniform(count or (150 if paper else 77), published=paper)
