"""The controls of an inspector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import ipywidgets

from specanom.triage import CLUSTER_WORDS

from ..base.controls import bound, button, group, labelled
from ..base.pane import FigurePane
from ..base.words import in_html
from .colouring import CHOICES
from .state import InspectorState


class Panel:
    """All controls, made once; the inspector changes their options.

    Parameters
    ----------
    owner : InspectorState
        Whose traits they are bound to.
    curves : FigurePane
        Elbow, silhouette and stability, shown under the slider.
    actions : mapping of str to callable
        ``"stability"``, ``"previous"``, ``"next"``, ``"clear"``, ``"lines"``, ``"export"``, and ``"mark"`` with a word.
    ks : (int, int)
        Smallest and largest number of clusters offered.
    frames : sequence of str
        Frames that can be shown.
    cluster_frames : sequence of str
        Frames that can be clustered in.

    Attributes
    ----------
    boxes : list of Widget
        For the column at the left.
    """

    def __init__(self, owner: InspectorState, curves: FigurePane, actions: dict[str, Callable[..., Any]], *,
                 ks: tuple[int, int], frames: Sequence[str], cluster_frames: Sequence[str]) -> None:
        self.slider = ipywidgets.IntSlider(min=ks[0], max=ks[1], value=owner.k, description="k",
                                           continuous_update=False, layout=wide())
        labelled(self.slider, "Number of clusters")
        self.picker = ipywidgets.Dropdown(options=[("0", 0)], description="Cluster", layout=wide())
        labelled(self.picker, "The cluster whose means, members and line ratios are shown ([ and ])")
        self.naming = bound(owner, "name", ipywidgets.Text(description="Name", placeholder="what they are",
                                                           continuous_update=False, layout=wide()))
        labelled(self.naming, "What this cluster is; its members keep the name when k changes (n)")
        self.focus = ipywidgets.HTML()
        self.lines = button("Measure lines", "Fit the emission lines of all explained spectra", actions["lines"])
        self.clear = button("Clear selection", "Show the cluster in focus again (Esc)", actions["clear"])
        steps = ipywidgets.HBox([button("◀ Previous", "Previous cluster ([)", actions["previous"]),
                                 button("Next ▶", "Next cluster (])", actions["next"])])
        self.boxes: list[ipywidgets.Widget] = [
            group("How many clusters", self.slider, self._frame(owner, cluster_frames), curves,
                  button("Stability of every k", "Cluster bootstrap samples at every k, in the background",
                         actions["stability"])),
            group("In focus", self.picker, steps, self.naming, self.focus, self.clear),
            self._map(owner), self._means(owner, frames), self._marks(owner, actions), self._export(owner, actions),
        ]

    def _map(self, owner: InspectorState) -> ipywidgets.VBox:
        projection = bound(owner, "projection", ipywidgets.Dropdown(
            options=[("PCA, at once", "PCA"), ("UMAP, in the background", "UMAP")], description="Map", layout=wide()))
        colour = bound(owner, "colour", ipywidgets.Dropdown(
            options=[(text, name) for name, text in CHOICES.items()], description="Colour", layout=wide()))
        return group("Map", labelled(projection, "How explanations are laid out in the plane (u)"),
                     labelled(colour, "What points are coloured by"), self.lines)

    def _frame(self, owner: InspectorState, frames: Sequence[str]) -> ipywidgets.Dropdown:
        made = bound(owner, "cluster_frame", ipywidgets.Dropdown(
            options=[(f"{one} frame", one) for one in frames], description="Cluster in", layout=wide()))
        made.layout.display = "none" if len(frames) < 2 else None
        return labelled(made, "In the rest frame what the galaxies do comes together, in the observed frame what sky "
                        "and instrument do (f)")

    def _means(self, owner: InspectorState, frames: Sequence[str]) -> ipywidgets.VBox:
        frame = bound(owner, "frame", ipywidgets.Dropdown(
            options=[(f"{one} frame", one) for one in frames], description="Frame", layout=wide()))
        compare = bound(owner, "compare", ipywidgets.Checkbox(description="all clusters behind it",
                                                              indent=False, layout=wide()))
        tip = ("Observed: members are shifted by their own redshifts, so that what comes from sky and instrument "
               "lines up, and their median is shown (o)")
        return group("Means", labelled(frame, tip), labelled(compare, "Thin curves: the means of all clusters"))

    def _marks(self, owner: InspectorState, actions: dict[str, Callable[..., Any]]) -> ipywidgets.VBox:
        self.scope = ipywidgets.Dropdown(options=[("all in focus", "focus"), ("the member shown", "member")],
                                         description="Mark", layout=wide())
        bound(owner, "scope", labelled(self.scope, "What the buttons and the keys 1, 2, 3 and 0 mark"))
        words = [button(f"{word} ({key})", f"Say “{word}” of what is chosen above (key {key})",
                        partial(actions["mark"], word)) for key, word in enumerate(CLUSTER_WORDS, start=1)]
        words.append(button("take back (0)", "Take the mark back (key 0)", partial(actions["mark"], "")))
        note = bound(owner, "note", ipywidgets.Text(description="Note", placeholder="goes with the next mark",
                                                    continuous_update=False, layout=wide()))
        self.marked = ipywidgets.HTML()
        self.noted = ipywidgets.HTML(layout=ipywidgets.Layout(display="none"))
        waits = "choose a word: the note goes with it"
        owner.observe(lambda change: self.say_note(waits if change["new"] else ""), "note")
        row = ipywidgets.HBox(words, layout=ipywidgets.Layout(flex_flow="row wrap"))
        return group("Marks", self.scope, note, self.noted, row, self.marked)

    def _export(self, owner: InspectorState, actions: dict[str, Callable[..., Any]]) -> ipywidgets.VBox:
        file = bound(owner, "file", ipywidgets.Text(description="File", continuous_update=False, layout=wide()))
        self.exported = ipywidgets.HTML()
        return group("Labels", labelled(file, "Ends in .csv or .parquet; lies in the folder of the marks"),
                     button("Export labels", "Write id, cluster, name, mark and note", actions["export"]),
                     self.exported)

    def say_note(self, text: str) -> None:
        """Say under the field what becomes of the note."""
        self.noted.value = f"<span role='status'>{in_html(text)}</span>" if text else ""
        self.noted.layout.display = None if text else "none"

    def tell(self, exported: str) -> None:
        """Say under the button what was exported: the status line is out of sight there."""
        self.exported.value = f"<span style='overflow-wrap: anywhere'>{in_html(exported)}</span>"


def wide() -> ipywidgets.Layout:
    """Return the layout of a control as wide as its box; each has its own, or hiding one would hide all."""
    return ipywidgets.Layout(width="auto")


def listing(owner: InspectorState, step: Callable[[int], Any]) -> ipywidgets.HBox:
    """Return the controls over the table: which rows, previous and next."""
    listed = bound(owner, "listed", ipywidgets.Dropdown(
        options=[("in focus", "focus"), ("all explained", "all")], description="Members", layout=wide()))
    listed.style.description_width = "auto"
    return ipywidgets.HBox([labelled(listed, "Rows of the table"),
                            button("▲ Previous", "Previous member (↑)", partial(step, -1)),
                            button("▼ Next", "Next member (↓)", partial(step, 1))],
                           layout=ipywidgets.Layout(flex_flow="row wrap"))
