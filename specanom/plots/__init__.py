"""Figures: functions that turn a record into a bokeh figure or layout. They compute nothing scientific.

======================  ================================================================================
one spectrum            :func:`spectrum`, :func:`thumbnail` (inline SVG, without bokeh)
many spectra            :func:`sample`
explanations            :func:`explanation`, :func:`explanation_set`
scores                  :func:`histograms`, :func:`overlap`, :func:`dependence`
clusters                :func:`clusters`, :func:`elbow_silhouette`, :func:`bpt`
how it went             :func:`waterfall`, :func:`history`, :func:`roc`, :func:`learning_curve`
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
    from .palette import THEMES as THEMES
    from .svg import thumbnail as thumbnail

_WHERE = {
    "thumbnail": "svg",
    "THEMES": "palette",
}
__all__ = ["THEMES", "thumbnail"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
