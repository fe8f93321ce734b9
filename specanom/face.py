"""Where methods that open something find it.

``Spectrum.read()``, ``.plot()`` and ``.summary()`` live on records of low layers, while readers and plots live
higher up. They look their function up here by name, and only the call imports it: the one named exception to
"imports go down".
"""

from __future__ import annotations

import importlib
from typing import Any

OPENERS = {
    "read spectrum": "specanom.surveys:read_one",
    "plot spectrum": "specanom.plots:spectrum",
    "plot sample": "specanom.plots:sample",
    "plot explanation": "specanom.plots:explanation",
    "plot explanations": "specanom.plots:explanation_set",
    "plot clusters": "specanom.plots:clusters",
    "plot report": "specanom.plots:waterfall",
    "thumbnail": "specanom.plots:thumbnail",
}


def opener(name: str) -> Any:
    """Import and return the function registered under `name`."""
    module, _, attribute = OPENERS[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
