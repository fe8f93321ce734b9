"""Figures: functions that turn a record into a bokeh figure or layout. They compute nothing scientific.

======================  ================================================================================
one spectrum            :func:`spectrum`, :func:`thumbnail` (inline SVG, without bokeh)
many spectra            :func:`sample`
explanations            :func:`explanation`, :func:`explanation_set`, :func:`sampling_errors`
explained images        :func:`image_explanation`, :func:`image_segments`, :func:`image_heat`, :func:`image_top`,
                        :func:`neighbours`
scores                  :func:`histograms`, :func:`overlap`, :func:`dependence`
latent vectors          :func:`latent_correlations`, :func:`latent_redshifts`, :func:`latent_map`
clusters                :func:`clusters`, :func:`elbow_silhouette`, :func:`bpt`
how it went             :func:`waterfall`, :func:`history`, :func:`roc`, :func:`learning_curve`, :func:`reliability`
what is worth a look    :func:`yields`
how far to trust it     :func:`comparison`, :func:`faithfulness_curves`, :func:`recovery`, :func:`retrieval_rates`
quality of a survey     :func:`rates`
getting it out          :func:`save_html`, :func:`to_html`, :func:`embed`, :func:`resources`, :func:`show`
look                    :func:`restyle` (light to dark and back), :data:`THEMES`
======================  ================================================================================

Every function takes ``theme="light"`` or ``"dark"``. Nothing here ever asks the network for anything. Names are
imported when they are first used, so a thumbnail never loads bokeh.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .calibration import reliability as reliability
    from .clustering import clusters as clusters
    from .clustering import elbow_silhouette as elbow_silhouette
    from .diagrams import bpt as bpt
    from .explanation_sets import explanation_set as explanation_set
    from .explanations import explanation as explanation
    from .faithfulness import comparison as comparison
    from .faithfulness import faithfulness_curves as faithfulness_curves
    from .images import image_explanation as image_explanation
    from .images import image_heat as image_heat
    from .images import image_segments as image_segments
    from .images import image_top as image_top
    from .images import neighbours as neighbours
    from .injection import recovery as recovery
    from .latents import latent_correlations as latent_correlations
    from .latents import latent_map as latent_map
    from .latents import latent_redshifts as latent_redshifts
    from .output import embed as embed
    from .output import resources as resources
    from .output import save_html as save_html
    from .output import show as show
    from .output import to_html as to_html
    from .palette import THEMES as THEMES
    from .progress import history as history
    from .progress import learning_curve as learning_curve
    from .progress import roc as roc
    from .progress import waterfall as waterfall
    from .quality import rates as rates
    from .retrieval import retrieval_rates as retrieval_rates
    from .samples import sample as sample
    from .sampling import sampling_errors as sampling_errors
    from .scoring import dependence as dependence
    from .scoring import histograms as histograms
    from .scoring import overlap as overlap
    from .single import spectrum as spectrum
    from .svg import thumbnail as thumbnail
    from .theme import restyle as restyle
    from .triage import yields as yields

_WHERE = {
    "THEMES": "palette",
    "bpt": "diagrams",
    "clusters": "clustering",
    "comparison": "faithfulness",
    "dependence": "scoring",
    "elbow_silhouette": "clustering",
    "embed": "output",
    "explanation": "explanations",
    "explanation_set": "explanation_sets",
    "faithfulness_curves": "faithfulness",
    "histograms": "scoring",
    "history": "progress",
    "image_explanation": "images",
    "image_heat": "images",
    "image_segments": "images",
    "image_top": "images",
    "latent_correlations": "latents",
    "latent_map": "latents",
    "latent_redshifts": "latents",
    "learning_curve": "progress",
    "neighbours": "images",
    "overlap": "scoring",
    "recovery": "injection",
    "rates": "quality",
    "reliability": "calibration",
    "resources": "output",
    "restyle": "theme",
    "retrieval_rates": "retrieval",
    "roc": "progress",
    "sample": "samples",
    "sampling_errors": "sampling",
    "save_html": "output",
    "show": "output",
    "spectrum": "single",
    "thumbnail": "svg",
    "to_html": "output",
    "waterfall": "progress",
    "yields": "triage",
}
__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
