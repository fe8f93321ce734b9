"""Where methods that open something find it.

``Spectrum.read()``, ``.plot()`` and ``.to_specutils()`` live on records of low layers, while readers, plots and
converters live higher up. They look their function up here by name, and only the call imports it: the one named
exception to "imports go down". Dashboards, which need packages that not everybody has, are opened by :func:`dashboard`.
"""

from __future__ import annotations

import importlib
from typing import Any

from .errors import require

OPENERS = {
    "read spectrum": "specanom.surveys:read_one",
    "to specutils": "specanom.convert:to_specutils",
    "from specutils": "specanom.convert:from_specutils",
    "explanation to shap": "specanom.explain.exports:to_shap",
    "explanation to xarray": "specanom.explain.exports:to_xarray",
    "plot spectrum": "specanom.plots:spectrum",
    "plot sample": "specanom.plots:sample",
    "plot comparison": "specanom.plots:comparison",
    "plot recovery": "specanom.plots:recovery",
    "plot explanation": "specanom.plots:explanation",
    "plot image explanation": "specanom.plots:image_explanation",
    "plot neighbours": "specanom.plots:neighbours",
    "plot sampling": "specanom.plots:sampling_errors",
    "plot explanations": "specanom.plots:explanation_set",
    "plot clusters": "specanom.plots:clusters",
    "plot latent correlations": "specanom.plots:latent_correlations",
    "plot latent redshifts": "specanom.plots:latent_redshifts",
    "plot report": "specanom.plots:waterfall",
    "plot retrieval": "specanom.plots:retrieval_rates",
    "plot rates": "specanom.plots:rates",
    "plot yields": "specanom.plots:yields",
    "thumbnail": "specanom.plots:thumbnail",
}
DASHBOARDS = {
    "interact": "specanom.widgets:SpectrumViewer",
    "pick": "specanom.widgets:ScorePicker",
    "tune": "specanom.widgets:LimeTuner",
    "inspect": "specanom.widgets:ClusterInspector",
}
NEEDED = ("ipywidgets", "anywidget")
"""What dashboards are made of; the extra ``widgets`` installs it."""


def opener(name: str) -> Any:
    """Import and return the function registered under `name`."""
    return _import(OPENERS[name])


def dashboard(name: str) -> Any:
    """Import and return the dashboard registered under `name`.

    Raises
    ------
    MissingDependency
        When a package that dashboards need is not installed, with the command that installs it.
    """
    for package in NEEDED:
        require(package, extra="widgets")
    return _import(DASHBOARDS[name])


def _import(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)
