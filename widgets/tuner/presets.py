"""The layouts of the paper's Figs. 7–11: each a sentence and up to four settings to hold side by side.

They stand on ``preset="paper"``: the published cut, 5000 independent masks, proximities that are not normalised. What
the paper calls scaling is :class:`~specanom.explain.Contrast` in the published code, and here. The paper does not say
how many segments Figs. 7 and 8 have; the 77 of its other figures are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from specanom.explain import Explainer

from .settings import TunerSettings

PAPER = TunerSettings.of(Explainer(len, preset="paper")).replace(score="")
"""The paper's default: contrast 0.9, 77 segments, 5000 masks."""


@dataclass(frozen=True)
class Layout:
    """Some settings to hold side by side.

    Attributes
    ----------
    name : str
        What its button says.
    told : str
        What it shows, in a sentence.
    settings : tuple of TunerSettings
        Up to four, without a score of their own.
    labels : tuple of str
        A few words on each.
    """

    name: str
    told: str
    settings: tuple[TunerSettings, ...]
    labels: tuple[str, ...]

    def pins(self, now: TunerSettings) -> tuple[TunerSettings, ...]:
        """Return the settings for the score, seed and device that are chosen now."""
        return tuple(one.replace(score=now.score, seed=now.seed, device=now.device) for one in self.settings)


def _varied(name: str, told: str, setting: str, values: Sequence[Any], *, base: TunerSettings = PAPER) -> Layout:
    """Return a layout in which one setting is varied."""
    return Layout(name, told, tuple(base.replace(**{setting: value}) for value in values),
                  tuple(f"{WORDS[setting]}{value:,}" for value in values))


WORDS = {"factor": "contrast × ", "level": "flat ", "count": "K = ", "n_samples": "N = "}
SLIC_LIKE_PAPER = 0.02
"""The paper names no compactness. With this one, 11, 111 and 943 segments asked for come as about 4, 60 and 970 (median
of 8 galaxies; 1 to 10, 3 to 105, 960 to 1010); the paper got 4, 54 and 1058 for its object."""

LAYOUTS = (
    _varied("Fig. 7", "Scaling by 0.6, 0.9 and 1.2: the pattern should hold whatever the factor.", "factor",
            (0.6, 0.9, 1.2)),
    _varied("Fig. 8", "Flat fills of 0.8, 1.0 and 1.2: off the median level 1.0, the continuum gets weight of its own.",
            "level", (0.8, 1.0, 1.2), base=PAPER.replace(perturbation="flat")),
    _varied("Fig. 9", "Each segment at its mean, on 77 and 150 segments: narrow features stand out. The figure has "
            "three objects, the first two with 77 segments; here one object has both.", "count", (77, 150),
            base=PAPER.replace(perturbation="segment mean")),
    _varied("Fig. 10 left", "11, 111 and 943 equal segments: few dilute a feature, many add noise. As published, 111 "
            "and 943 leave a last segment more.", "count", (11, 111, 943)),
    _varied("Fig. 10 right", "SLIC asked for 11, 111 and 943 segments. How many come depends on the spectrum; the "
            "paper got 4, 54 and 1058.", "count", (11, 111, 943),
            base=PAPER.replace(segmentation="slic", compactness=SLIC_LIKE_PAPER)),
    _varied("Fig. 11", "100, 1000 and 5000 masks for 77 segments: too few give noisy weights.", "n_samples",
            (100, 1000, 5000)),
)
"""The paper's layouts, one click each."""
