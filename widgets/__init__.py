"""Live dashboards for notebooks, installed as ``specanom.widgets``.

=========================  ==========================================================================================
:class:`SpectrumViewer`    one spectrum: ``spectrum.interact()``
:class:`ScorePicker`       which score finds what: ``scorer.pick(sample)``
:class:`LimeTuner`         why a spectrum is odd, live: ``explainer.tune(spectrum)``
:class:`ClusterInspector`  what the clusters of explanations are: ``clusters.inspect(sample)``
:class:`Workbench`         all of them, linked: ``Workbench.open("run")``
=========================  ==========================================================================================

They work in JupyterLab, Notebook 7 and as Voilà pages, without a network. All state is in traits: setting one does
what its control does; ``.to_code()`` says how to get there without the widget, ``.result`` is what was tuned and
``.save_html(path)`` keeps what is shown. Names are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from specanom.errors import require

if __name__ == "widgets":
    # From the repository root the folder is importable by its bare name too: that would make a second copy of
    # every class, so it is refused.
    raise ImportError("widgets: expected to be imported as specanom.widgets, got the bare name. "
                      "Try: import specanom.widgets")

if TYPE_CHECKING:
    from .base.dashboard import Dashboard as Dashboard
    from .base.pane import FigurePane as FigurePane
    from .inspector import ClusterInspector as ClusterInspector
    from .picker import ScorePicker as ScorePicker
    from .spectra import SpectrumViewer as SpectrumViewer
    from .tuner import LimeTuner as LimeTuner
    from .workbench import Workbench as Workbench

_WHERE = {
    "ClusterInspector": "inspector",
    "Dashboard": "base.dashboard",
    "FigurePane": "base.pane",
    "LimeTuner": "tuner",
    "ScorePicker": "picker",
    "SpectrumViewer": "spectra",
    "Workbench": "workbench",
}
__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for module in ("ipywidgets", "anywidget"):
        require(module, extra="widgets")
    return getattr(importlib.import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
