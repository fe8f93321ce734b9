"""specanom finds unusual spectra and says why each one is unusual.

The words, in the order a run uses them:

========================  ============================================================================
:func:`read`              SDSS or DESI files, a folder or one plate → a lazy ``Survey``; ``surveys.mock`` makes one
:class:`Spectrum`         one spectrum; ``Spectrum.read(path)``
:class:`Preprocessor`     a Survey → a :class:`SpectrumSet` at rest on one grid, and a report of what was dropped
:class:`VAEModel`         learns what is ordinary; :class:`PCAModel` is the baseline, :func:`wrap` takes your own
:class:`Scorer`           how odd each spectrum is; ``.calibrate`` takes noise and redshift out of it
:class:`Explainer`        which segments make it odd: segments, perturbation (:class:`Scale`, …), :class:`Lime`
:class:`ExplanationClusterer`  turns many explanations into a few stories
:class:`KnowledgeBase`    known objects with labels; ``.query`` finds the kin of others among them
========================  ============================================================================

Importing specanom is light: torch, bokeh and the others are loaded by the first name that needs them.
"""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

try:
    __version__ = version("specanom")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0+unknown"

_HOMES = {
    "specanom.spectrum": ("Spectrum",),
    "specanom.spectrumset": ("SpectrumSet",),
    "specanom.surveys": ("read",),
    "specanom.preprocess": ("Preprocessor",),
    "specanom.models": ("VAEModel", "PCAModel", "TransformerEncoder", "encoder", "wrap"),
    "specanom.scores": ("Scorer",),
    "specanom.explain": (
        "Explainer", "Explanation", "ExplanationSet", "Lime", "Shap", "Occlusion", "IntegratedGradients",
        "ResidualSplit", "Uniform", "Slic", "Lines", "Boundaries", "Scale",
        "Contrast", "Flat", "Grey", "SegmentMean", "Blur", "Gaussians", "Typical", "Refined", "Grid", "Given",
        "ImageExplanation",
    ),
    "specanom.cluster": ("ExplanationClusterer",),
    "specanom.retrieve": ("KnowledgeBase",),
    "specanom.errors": ("SpecanomError", "ArgumentError", "DataError", "ShapeError", "GridError", "NotFittedError",
                        "MissingDependency"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_ROOMS = ("lines", "surveys", "preprocess", "models", "scores", "diagnostics", "explain", "cluster", "retrieve",
          "triage", "explorer", "plots", "testing", "parallel", "errors")

__all__ = sorted([*_HOME_OF, *_ROOMS, "__version__"])

if TYPE_CHECKING:
    from . import (
        cluster,
        diagnostics,
        errors,
        explain,
        lines,
        models,
        parallel,
        preprocess,
        retrieve,
        scores,
        surveys,
    )
    from . import (
        explorer as explorer,
    )
    from . import (
        plots as plots,
    )
    from . import (
        testing as testing,
    )
    from . import (
        triage as triage,
    )
    from .cluster import ExplanationClusterer
    from .errors import (
        ArgumentError,
        DataError,
        GridError,
        MissingDependency,
        NotFittedError,
        ShapeError,
        SpecanomError,
    )
    from .explain import (
        Blur,
        Boundaries,
        Contrast,
        Explainer,
        Explanation,
        ExplanationSet,
        Flat,
        Gaussians,
        Given,
        Grey,
        Grid,
        ImageExplanation,
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
    from .models import PCAModel, TransformerEncoder, VAEModel, encoder, wrap
    from .preprocess import Preprocessor
    from .retrieve import KnowledgeBase
    from .scores import Scorer
    from .spectrum import Spectrum
    from .spectrumset import SpectrumSet
    from .surveys import read


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
    elif name in _ROOMS:
        value = importlib.import_module(f"specanom.{name}")
    else:
        raise AttributeError(_unknown(name), name=name)
    globals()[name] = value
    return value


def _unknown(name: str) -> str:
    """Say that there is no such name, and which one may have been meant."""
    text = f"module 'specanom' has no attribute {name!r}"
    if name.startswith("_"):
        return text
    near = importlib.import_module("specanom.errors").nearest
    by_case = {one.lower(): one for one in __all__}
    found = by_case.get(near(name.lower(), by_case) or "")
    if name in ("mock", "mock_desi"):
        found = f"surveys.{name}"
    return f"{text}. Try: specanom.{found}" if found else f"{text}. Try: dir(specanom) lists all names"


def __dir__() -> list[str]:
    return __all__
