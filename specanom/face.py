"""Where methods that open something find it.

``Spectrum.read()``, ``.plot()`` and ``.to_specutils()`` live on records of low layers, while readers, plots and
converters live higher up. They look their function up here by name, and only the call imports it: the one named
exception to "imports go down".
"""

from __future__ import annotations

import importlib
from typing import Any

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
    "plot report": "specanom.plots:waterfall",
    "thumbnail": "specanom.plots:thumbnail",
}


def opener(name: str) -> Any:
    """Import and return the function registered under `name`."""
    module, _, attribute = OPENERS[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
