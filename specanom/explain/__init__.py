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
:class:`Shap`                       Shapley values, which add up to the difference of spectrum and fill
:class:`Occlusion`                  one segment at a time, off or on
:class:`IntegratedGradients`        the slope of the score between the model's reconstruction and the spectrum
:class:`ResidualSplit`              the parts of a score that is a sum over pixels
:func:`compare`                     methods on the same spectra: faithfulness, pointing, noise floor
:func:`inject`, :func:`recover`     features in one's own spectra: what is found, what is rightly explained
==================================  ===========================================================================

Names are loaded when first used; scikit-learn, lime and scikit-image only by the settings that need them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .comparing import compare
    from .comparison import Comparison
    from .context import Context
    from .explainer import Explainer, ExplanationWarning
    from .explanation import Explanation
    from .explanationset import ExplanationSet, Skipped
    from .faithfulness import curves, deletion, infidelity, insertion, max_sensitivity
    from .gradients import IntegratedGradients
    from .imageexplanation import ImageExplanation, neighbours
    from .injection import Injected, Injection, inject
    from .lime import Lime
    from .localisation import average_precision, pointing, roc_auc
    from .masks import make_masks
    from .occlusion import Occlusion
    from .perturb import Blur, Contrast, Flat, Gaussians, Grey, Scale, SegmentMean, Typical
    from .recovery import Recovery, recover
    from .refine import Refined
    from .residuals import ResidualSplit
    from .sampling import SamplingErrors, sampling_errors
    from .segments import Boundaries, Lines, Slic, Uniform
    from .shap import Shap
    from .superpixels import Given, Grid
    from .templates import ArrayTemplate, LineTemplate, Spike, Step, Trough
    from .truth import Truth, parse_intervals, truth_pixels

_HOMES = {
    "comparing": ("compare",),
    "comparison": ("Comparison",),
    "context": ("Context",),
    "explainer": ("Explainer", "ExplanationWarning"),
    "explanation": ("Explanation",),
    "explanationset": ("ExplanationSet", "Skipped"),
    "faithfulness": ("curves", "deletion", "infidelity", "insertion", "max_sensitivity"),
    "gradients": ("IntegratedGradients",),
    "imageexplanation": ("ImageExplanation", "neighbours"),
    "injection": ("Injected", "Injection", "inject"),
    "lime": ("Lime",),
    "localisation": ("average_precision", "pointing", "roc_auc"),
    "masks": ("make_masks",),
    "occlusion": ("Occlusion",),
    "perturb": ("Blur", "Contrast", "Flat", "Gaussians", "Grey", "Scale", "SegmentMean", "Typical"),
    "recovery": ("Recovery", "recover"),
    "refine": ("Refined",),
    "residuals": ("ResidualSplit",),
    "sampling": ("SamplingErrors", "sampling_errors"),
    "segments": ("Boundaries", "Lines", "Slic", "Uniform"),
    "shap": ("Shap",),
    "superpixels": ("Given", "Grid"),
    "templates": ("ArrayTemplate", "LineTemplate", "Spike", "Step", "Trough"),
    "truth": ("Truth", "parse_intervals", "truth_pixels"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ArrayTemplate", "Blur", "Boundaries", "Comparison", "Context", "Contrast", "Explainer", "Explanation",
    "ExplanationSet", "ExplanationWarning", "Flat", "Gaussians", "Given", "Grey", "Grid", "ImageExplanation",
    "Injected", "Injection", "IntegratedGradients", "Lime", "LineTemplate", "Lines", "Occlusion", "Recovery",
    "Refined", "ResidualSplit", "SamplingErrors", "Scale", "SegmentMean", "Shap", "Skipped", "Slic", "Spike", "Step",
    "Trough", "Truth", "Typical", "Uniform", "average_precision", "compare", "curves", "deletion", "infidelity",
    "inject", "insertion", "make_masks", "max_sensitivity", "neighbours", "parse_intervals", "pointing", "recover",
    "roc_auc", "sampling_errors", "truth_pixels",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
