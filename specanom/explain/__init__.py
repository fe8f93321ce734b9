"""Explanations: which segments of a spectrum make its score what it is.

==================================  ===========================================================================
:class:`Explainer`                  joins a score, segments, a perturbation and a method
:class:`Explanation`                weights with intervals, grade, context, names; one spectrum
:class:`ExplanationSet`             many of them as columns; save and open
:class:`Uniform`, :class:`Lines`,   cut a spectrum into segments
:class:`Slic`, :class:`Boundaries`
:class:`Grid`, :class:`Given`       cut an image into superpixels (as :class:`Slic` does), or bring your own
:class:`Refined`                    segments that start coarse and are cut where the weight is
:class:`Scale`, :class:`Contrast`,  what replaces a segment that is switched off
:class:`Flat`, :class:`Grey`,
:class:`SegmentMean`,
:class:`Blur`, :class:`Gaussians`,
:class:`Typical`
:class:`Lime`                       scores of masks → weights
==================================  ===========================================================================

Names are loaded when first used; scikit-learn, lime and scikit-image only by the settings that need them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .context import Context
    from .explainer import Explainer, ExplanationWarning
    from .explanation import Explanation
    from .explanationset import ExplanationSet, Skipped
    from .imageexplanation import ImageExplanation, neighbours
    from .lime import Lime
    from .masks import make_masks
    from .perturb import Blur, Contrast, Flat, Gaussians, Grey, Scale, SegmentMean, Typical
    from .refine import Refined
    from .segments import Boundaries, Lines, Slic, Uniform
    from .superpixels import Given, Grid

_HOMES = {
    "context": ("Context",),
    "explainer": ("Explainer", "ExplanationWarning"),
    "explanation": ("Explanation",),
    "explanationset": ("ExplanationSet", "Skipped"),
    "imageexplanation": ("ImageExplanation", "neighbours"),
    "lime": ("Lime",),
    "masks": ("make_masks",),
    "perturb": ("Blur", "Contrast", "Flat", "Gaussians", "Grey", "Scale", "SegmentMean", "Typical"),
    "refine": ("Refined",),
    "segments": ("Boundaries", "Lines", "Slic", "Uniform"),
    "superpixels": ("Given", "Grid"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Blur", "Boundaries", "Context", "Contrast", "Explainer", "Explanation", "ExplanationSet", "ExplanationWarning",
    "Flat", "Gaussians", "Given", "Grey", "Grid", "ImageExplanation", "Lime", "Lines", "Refined", "Scale",
    "SegmentMean", "Skipped", "Slic", "Typical", "Uniform", "make_masks", "neighbours",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value
