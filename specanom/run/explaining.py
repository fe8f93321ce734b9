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
    """Return the perturbation called `name`; the published code calls contrast "scale"."""
    choice("perturbation", name, PERTURBATIONS)
    return PERTURBATIONS["contrast" if (name, preset) == ("scale", "paper") else name]()


def sampling_of(samples: int | None, preset: str | None = None) -> Any:
    """Return the LIME of a run: paired complements, or under ``preset="paper"`` 5000 independent masks."""
    if preset == "paper":
        return explain.Lime(samples or 5000, design="independent", normalise=False)
    return explain.Lime(samples) if samples else explain.Lime()
