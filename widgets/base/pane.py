"""FigurePane: one bokeh figure or layout, live in JupyterLab, Notebook 7 and Voilà, without a network.

The page draws from a snapshot of the document, which travels with the widget's state, and then follows numbered
patches. Nothing depends on ``output_notebook`` or on an address outside the machine: BokehJS comes from the installed
bokeh, over the kernel's own connection.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anywidget
import bokeh
import traitlets
from bokeh.core.serialization import Buffer, Serialized
from bokeh.document import Document
from bokeh.models import UIElement

from specanom.errors import ArgumentError, message
from specanom.plots import restyle, save_html

from .bundles import bundle_ids, compressed
from .locking import LOCK
from .outbox import Origin, Outbox, packed

# Text, not a path: anywidget would start a file watcher for a path.
SCRIPT = Path(__file__).with_name("pane.js").read_text(encoding="utf-8")

_PANES: weakref.WeakSet[FigurePane] = weakref.WeakSet()
_SEEN = {"theme": "light"}
"""The theme of the page, as the last view told it: where the next pane begins."""


class FigurePane(anywidget.AnyWidget):
    """One bokeh root, live in the page.

    Change the models and the page follows; what the user does with the figure (a tap, a lasso, a dragged point)
    changes the models here, and bokeh's callbacks run once. Data may be replaced at any time; layouts and glyphs stay
    as they were built (hide them with ``visible``).

    Parameters
    ----------
    root : UIElement
        Figure or layout. A model belongs to one pane: linked ranges need one pane with one layout.
    bundles : sequence of str
        Parts of BokehJS; only what the figure needs.
    label : str
        What a screen reader calls the figure.
    follow : {"auto", "light", "dark"}
        ``"auto"`` takes the colours of the page.
    theme : {"light", "dark"}
        The colours in which `root` was drawn.

    Attributes
    ----------
    theme : str
        The colours it is drawn in now. Observe it to recolour what is computed later.
    follow : str
        As given; set it to change.
    doc : bokeh.document.Document
        The document of `root`.
    """

    _esm = SCRIPT
    _bokeh = traitlets.Unicode(bokeh.__version__).tag(sync=True)
    _runtime: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    # Made whenever state is sent (opened, reloaded, displayed late), never stored.
    _snap = traitlets.Dict().tag(sync=True, to_json=lambda _value, pane: pane._snapshot())
    label = traitlets.Unicode("figure").tag(sync=True)
    theme = traitlets.Unicode("light").tag(sync=True)
    follow = traitlets.Enum(("auto", "light", "dark"), "auto")
    _following = False

    def __init__(self, root: UIElement, *, bundles: Sequence[str] = ("bokeh",), label: str = "figure",
                 follow: str = "auto", theme: str = "light") -> None:
        if root.document is not None:
            raise ArgumentError(message("root", expected="a figure that belongs to no other pane",
                                        got="one that is in a document", hint="make a figure for each pane"))
        self.root, self.doc = root, Document()
        self.doc.add_root(root)
        self._bundles = tuple(bundles)
        self._views: set[str] = set()
        self._outbox = Outbox(lambda head, buffers: self.send(head, buffers))
        self._snapshots = 0
        self._missed = False  # whether there are changes that neither a patch nor a snapshot has taken to the page
        self._quiet = False  # whether changes are not sent, as the whole document follows them
        self._told = False  # nothing is sent before the cell that made the pane has ended: the snapshot has it all
        wanted = _SEEN["theme"] if follow == "auto" else follow
        if wanted != theme:
            restyle(root, wanted)
        super().__init__(_runtime=bundle_ids(self._bundles), label=label, follow=follow, theme=wanted)
        _PANES.add(self)
        _watch_cells()
        self.doc.on_change_dispatch_to(self)
        self._following = True
        self.on_msg(self._received)

    # -- using it --------------------------------------------------------------------------------------------------

    @contextmanager
    def batch(self) -> Iterator[FigurePane]:
        """Gather all changes of the document inside into one message; holds the kernel's lock."""
        with LOCK:
            self._outbox.open()
            try:
                yield self
            finally:
                self._outbox.close()

    def find(self, name: str) -> Any:
        """Return the model of the layout that is called `name`.

        Raises
        ------
        ArgumentError
            When there is none.
        """
        found = self.doc.get_model_by_name(name)
        if found is None:
            names = sorted({str(model.name) for model in self.root.references() if model.name})
            raise ArgumentError(message("name", expected=f"one of {', '.join(names)}", got=repr(name)))
        return found

    def save_html(self, path: str | Path, title: str | None = None) -> Path:
        """Write the figure as it is now into one file that opens without a network; returns the path."""
        with LOCK:
            return save_html(self.root, path, title)

    def close(self) -> None:
        """Let go of the figure: nothing of it follows any more."""
        with LOCK:
            if self._following:
                self._following = False
                self.doc.remove_on_change(self)
                self._views.clear()
            super().close()

    # -- to the page -----------------------------------------------------------------------------------------------

    def _repr_mimebundle_(self, **options: Any) -> Any:
        send_figures()
        return super()._repr_mimebundle_(**options)

    def _snapshot(self) -> dict[str, Any]:
        with LOCK:
            if self.comm is None:  # it is being made, and most figures are filled only then
                self._missed = True
                return {}
            self._snapshots, self._missed = self._snapshots + 1, False
            head, buffers = packed({"rev": self._snapshots, "n": self._outbox.number}, self.doc.to_json())
            return {**head, "buffers": buffers}

    def _document_patched(self, event: Any) -> None:
        """Called by the document for each change."""
        with LOCK:
            if self._quiet:
                return
            if self._told or self._views:
                self._outbox.put(event)
            else:
                self._missed = True

    def _after_cell(self) -> None:
        """Give a pane that nobody has drawn yet the state the cell left; from now on changes are sent as they come."""
        self._bring()
        self._told = True

    def _bring(self) -> None:
        if self.comm is not None and not self._views and self._missed:
            self.send_state("_snap")

    # -- from the page ---------------------------------------------------------------------------------------------

    def _received(self, _widget: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        handlers: dict[str, Callable[[dict[str, Any], list[Any]], None]] = {
            "init": self._on_init, "patch": self._on_patch, "theme": self._on_theme, "bye": self._on_bye,
            "js": self._on_js,
        }
        with LOCK:
            handlers[content["k"]](content, buffers)

    def _on_init(self, content: dict[str, Any], buffers: list[Any]) -> None:
        view = str(content["view"])
        self._on_theme(content, buffers)
        self._views.add(view)
        shown = (content.get("rev"), content.get("n"))
        if not self._missed and shown == (self._snapshots, self._outbox.number):
            self.send({"k": "live", "view": view})
        else:
            self._missed = False
            self.send(*packed({"k": "doc", "n": self._outbox.number, "view": view}, self.doc.to_json()))

    def _on_patch(self, content: dict[str, Any], buffers: list[Any]) -> None:
        parts = [Buffer(id, bytes(buffer)) for id, buffer in zip(content["ids"], buffers, strict=True)]
        payload = Serialized(content=json.loads(content["content"]), buffers=parts)
        with self.batch():
            self.doc.apply_json_patch(payload, setter=Origin(str(content["view"])))

    def _on_theme(self, content: dict[str, Any], buffers: list[Any]) -> None:
        _SEEN["theme"] = "dark" if content.get("dark") else "light"
        self._recolour()

    def _on_bye(self, content: dict[str, Any], buffers: list[Any]) -> None:
        self._views.discard(str(content["view"]))

    def _on_js(self, content: dict[str, Any], buffers: list[Any]) -> None:
        self.send({"k": "js", "names": list(self._bundles)}, [compressed(name) for name in self._bundles])

    # -- colours ---------------------------------------------------------------------------------------------------

    @traitlets.observe("follow")
    def _on_follow(self, _change: Any) -> None:
        self._recolour()

    def _recolour(self) -> None:
        wanted = _SEEN["theme"] if self.follow == "auto" else self.follow
        if wanted == self.theme:
            return
        with LOCK:
            self._quiet = True
            try:
                restyle(self.root, wanted)
                self.theme = wanted  # whoever observes it may draw anew, and that goes along
            finally:
                self._quiet = False
            self._anew()

    def _anew(self) -> None:
        """Send every view the whole document: a canvas that is painted over keeps a seam of its old colour."""
        if not self._views:
            self._missed = True
            return
        self._missed = False
        head, buffers = packed({"k": "doc", "n": self._outbox.skip()}, self.doc.to_json())
        for view in sorted(self._views):
            self.send({**head, "view": view}, buffers)


def page_theme() -> str:
    """Return ``"light"`` or ``"dark"``: what the page was when a figure last asked."""
    return _SEEN["theme"]


def send_figures() -> None:
    """Give the page all figures as they are now, for a widget that is about to be shown in the middle of a cell."""
    with LOCK:
        for pane in list(_PANES):
            pane._bring()


def _after_cell(*_: Any) -> None:
    with LOCK:
        for pane in list(_PANES):
            pane._after_cell()


def _watch_cells() -> None:
    """Look after panes at the end of each cell; outside IPython there are no cells."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is not None and _after_cell not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _after_cell)
