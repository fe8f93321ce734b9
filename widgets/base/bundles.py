"""BokehJS of the installed bokeh, on its way to the page: compressed, once a kernel, never from the network."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import anywidget
import bokeh
import traitlets

from specanom.errors import choice

SCRIPTS = Path(bokeh.__file__).parent / "server" / "static" / "js"
NAMES = ("bokeh", "bokeh-gl", "bokeh-widgets", "bokeh-tables", "bokeh-mathjax")


@cache
def compressed(name: str) -> bytes:
    """Return one minified script of BokehJS, gzipped (the core: 1.3 MB, 350 kB compressed).

    Raises
    ------
    ArgumentError
        For a name that is no bundle of BokehJS.
    """
    text = (SCRIPTS / f"{choice('bundles', name, NAMES)}.min.js").read_bytes()
    return gzip.compress(text, 6, mtime=0)


class Bundle(anywidget.AnyWidget):
    """One bundle: a widget that is never shown and that all panes of a kernel share."""

    _esm = "export default {}"
    name = traitlets.Unicode().tag(sync=True)
    gz = traitlets.Bytes().tag(sync=True)


_SENT: dict[str, Bundle] = {}


def bundle_ids(names: Sequence[str]) -> list[list[str]]:
    """Return ``[name, model id]`` of the bundles called `names`, sending those that this kernel has not sent yet."""
    for name in names:
        if name not in _SENT or _SENT[name].comm is None:
            _SENT[name] = Bundle(name=name, gz=compressed(name))
    return [[name, _SENT[name].model_id] for name in names]
