"""ClusterInspector: how many clusters there are, what they are, and what to call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets
import numpy as np
import traitlets

from specanom.cluster import ExplanationClusterer, Means, PlaneMap
from specanom.errors import not_fitted
from specanom.explain import ExplanationSet
from specanom.spectrumset import SpectrumSet
from specanom.triage import CLUSTER_WORDS
from specanom.triage.table import write_table

from ..base.dashboard import guarded
from ..base.locking import LOCK
from .book import Book
from .clustering import Found, InspectorClusters
from .code import code_of
from .members import Members
from .panel import Panel, listing
from .state import FRAMES
from .telling import ratio_table
from .working import Cancelled, Progress, Work, lines_work, stability_work, umap_work

if TYPE_CHECKING:
    import pandas as pd

LABELS = "labels.jsonl"
MEASURED = 2000
"""Up to so many spectra, lines are measured without being asked."""


class ClusterInspector(InspectorClusters):
    """Look at clusters of explanations: how many, a map, their means, members and line ratios; name and mark them.

    Parameters
    ----------
    clusterer : ExplanationClusterer
        Fitted.
    sample : SpectrumSet
        The spectra that were explained, found by their ids.
    explanations : ExplanationSet, optional
        What was clustered: then members are shown with their explanations.
    lines : DataFrame, optional
        What :func:`specanom.diagnostics.measure_lines` returned; measured in the background when not given.
    labels : path-like, optional
        File of the marks; ``labels.jsonl`` in the working folder when not given. Names of clusters go into another one
        beside it.

    Attributes
    ----------
    result : DataFrame
        id, cluster, cluster_name, mark and note of each explanation.
    clusterer : ExplanationClusterer
        The clusters shown, at the k in force.
    members : Members
        What is known of each explanation.
    book : Book
        Names and marks.
    """

    title: ClassVar[str] = "Clusters of explanations"

    def __init__(self, clusterer: ExplanationClusterer, sample: SpectrumSet, *,
                 explanations: ExplanationSet | None = None, lines: pd.DataFrame | None = None,
                 labels: str | Path | None = None) -> None:
        super().__init__()
        if getattr(clusterer, "labels_", None) is None:
            raise not_fitted(clusterer)
        self._found, self._of_frame = Found.of(clusterer), {}
        self._told = None
        self.sample, self.book = sample, Book(LABELS if labels is None else labels)
        self.means = Means(clusterer.features_, sample)
        members = Members.of(clusterer.features_, sample, self.means.place, explanations=explanations, lines=lines)
        self.k, self.frame, self.cluster_frame = clusterer.n_clusters_, self.means.home, self.means.home
        self._make_figures(clusterer, members, explanations)
        self._lay_out()
        self._ready = True
        self._begin()

    # -- building ----------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        actions: dict[str, Callable[..., Any]] = {
            "stability": self.find_stability, "previous": partial(self.step, -1), "next": partial(self.step, 1),
            "clear": self.clear, "lines": self.measure, "export": self._export, "mark": self.mark}
        ks = self._first.curves_["k"]
        span = min(int(ks.min()), self.k), max(int(ks.max()), self.k)
        self.panel = Panel(self, self.curves_pane, actions, ks=span, frames=self.means.frames,
                           cluster_frames=self.cluster_frames)
        self.panel.picker.observe(self._on_picked, "value")
        self.panel.slider.observe(self._on_slider, "value")
        self.overview.observe(self._on_overview, "selected")
        self.table.observe(self._on_table, "selected")
        self.table.observe(self._on_chosen, "chosen")
        self.atlas.source.selected.on_change("indices", self._on_lasso)
        rows = ipywidgets.VBox([listing(self, self.table.next), self.table],
                               layout=ipywidgets.Layout(flex="3 1 540px", min_width="0"))
        beside = ipywidgets.VBox([self.ratios],
                                 layout=ipywidgets.Layout(flex="2 1 430px", min_width="0"))
        below = ipywidgets.HBox([rows, beside], layout=ipywidgets.Layout(width="100%", flex_flow="row wrap",
                                                                          grid_gap="10px 20px"))
        self.build(controls=self.panel.boxes,
                   main=[self.overview, self.map_pane, self.story, self.means_pane, below, self.member_pane],
                   panes=[self.map_pane, self.curves_pane, self.means_pane, self.member_pane])

    @guarded
    def _begin(self) -> None:
        self._begin_with(self._first)
        self.atlas.measured(self.members)
        self._refresh()
        self.panel.lines.layout.display = "none" if self.members.lines is not None else None
        if self.members.lines is None and len(self.means.held) <= MEASURED:
            self.measure()
        unseen = self.means.n_known - len(self.means.held)
        if unseen:
            self.say(f"Means are those of {len(self.means.held):,} spectra drawn at random: more do not fit the memory")

    def find_stability(self) -> None:
        """Find in the background how stable the clusters are at every k."""
        ks = [int(k) for k in self._first.curves_["k"]]
        self.background(stability_work(self._first, ks), done=self._take_stability, title="stability of every k")

    def _take_stability(self, table: pd.DataFrame) -> None:
        if len(table):
            self.stability = table
            with self.curves_pane.batch():
                self.counting.show(self._first.curves_, table)

    # -- map and colours -----------------------------------------------------------------------------------------------

    @traitlets.observe("projection")
    def _on_projection(self, _change: Any) -> None:
        if self._heard:
            self._project()

    @guarded
    def _project(self) -> None:
        if self.projection in self._maps:
            self._show_map(self._maps[self.projection])
        elif not self._mapping:
            work = umap_work(self.means.features, self._first.seed)
            self.background(partial(self._map_or_not, work), done=self._take_map, title="UMAP")

    @property
    def _mapping(self) -> bool:
        return any(job.title == "UMAP" and not job.cancelled for job in self.jobs)

    def _map_or_not(self, work: Work, progress: Progress, cancelled: Cancelled) -> PlaneMap | None:
        """Do the work; without a map (cancelled, or not installed) the control goes back to the map that is shown."""
        found: PlaneMap | None = None
        try:
            found = work(progress, cancelled)
        finally:
            if found is None:
                self._stay_with_pca(cancelled())
        return found

    def _stay_with_pca(self, cancelled: bool) -> None:
        with LOCK, self.quietly():
            if not (cancelled and (self._mapping or "UMAP" in self._maps)):  # it may have been asked for again
                self.projection = "PCA"

    def _take_map(self, found: PlaneMap | None) -> None:
        if found is not None:
            self._maps[found.method] = found
            if self.projection == found.method:
                self._show_map(found)

    @traitlets.observe("colour")
    def _on_colour(self, _change: Any) -> None:
        if self._heard:
            self._colour()

    @guarded
    def _colour(self) -> None:
        self._paint()

    def measure(self) -> None:
        """Measure the lines of the explained spectra in the background."""
        rows = np.unique(self.means.place[self.means.place >= 0])
        self.panel.lines.layout.display = "none"
        self.background(lines_work(self.sample, rows), done=self._take_lines, title="line measurements")

    def _take_lines(self, table: pd.DataFrame | None) -> None:
        if table is None:
            return
        self.members = self.members.with_lines(table)
        with self.map_pane.batch():
            self.atlas.measured(self.members)
            self._paint()
        self._list_clusters()
        self._tell()
        self._show_table()

    # -- names, marks and labels ---------------------------------------------------------------------------------------

    @traitlets.observe("name")
    def _on_name(self, change: Any) -> None:
        if self._heard:
            self._rename(change["new"])

    @guarded
    def _rename(self, name: str) -> None:
        ids = self.members.ids[self.rows_of(self.cluster)]
        self.book.name([str(id) for id in ids], name)
        self._show_clusters()
        self._called()
        self._show_beside()
        self._tell()
        self._show_means()
        self._show_member()
        self.say(f"cluster {self.cluster} is called {name!r}" if name else f"cluster {self.cluster} has no name")

    def mark(self, word: str) -> None:
        """Say "physical", "artefact" or "hybrid" of what is in focus or the member; "" takes it back."""
        self._say_word(word)

    @guarded
    def _say_word(self, word: str) -> None:
        alone = self.scope == "member" or self._rows.size == 1
        ids = [self.selected] if self.scope == "member" else [str(id) for id in self.members.ids[self.focus_rows]]
        ids = [id for id in ids if id]
        kept = self.book.mark(ids, word, self.note, alone=alone)
        what = self.selected if self.scope == "member" else f"{self.focus_title} ({len(ids):,} spectra)"
        stands = f"; {kept:,} keep what you said of them by themselves" if kept else ""
        self.say((f"{what}: {word}" if word else f"{what}: mark taken back") + stands)
        noted = bool(self.note)
        with self.quietly():
            self.note = ""
        if noted:
            self.panel.say_note("✓ note saved" if word else "")
        self._show_marks()
        self._list_clusters()

    def export(self, path: str | Path) -> Path:
        """Write the labels as ``.parquet`` or ``.csv``: id, cluster, cluster_name, mark, note; returns the path."""
        return write_table(self.result, Path(path))

    @guarded
    def _export(self) -> None:
        # Beside the labels: a page runs where the package is installed.
        told = f"labels written to {self.export(self.book.marks.path.resolve().parent / self.file)}"
        self.say(told)
        self.panel.tell(told)

    # -- what it says -------------------------------------------------------------------------------------------------

    @property
    def result(self) -> pd.DataFrame:
        """Labels: id, cluster, cluster_name, mark and note of each explanation."""
        return self.book.table(self.members.ids, self.labels)

    def to_code(self) -> str:
        """Return Python that makes these clusters and names anew."""
        return code_of(self.clusterer, self.names, self.book.marks.path, bootstrap=self._first.bootstrap)

    def facts(self) -> Sequence[tuple[str, str]]:
        """Return the state in words."""
        left = len(self.clusterer.left_out_)
        return [("clusters", f"{self.clusterer.n_clusters_}" + (f", {left} explanations left out" if left else "")),
                ("in focus", self.focus_title), ("what it is", self._told.story if self._told is not None else ""),
                ("map", f"{self.projection}, coloured by {self.colour}"), ("frame", self.frame),
                ("clustered in", f"the {self.means.home} frame"),
                ("member", self.selected), ("marks", repr(self.book.marks))]

    def tables(self) -> Sequence[tuple[str, pd.DataFrame]]:
        """Return members, line ratios and labels."""
        groups = [(self.title_of(k), self.rows_of(k)) for k in range(self.clusterer.n_clusters_)]
        return [("Clusters", self.overview.view()), ("Members", self.table.view()),
                ("Line ratios", ratio_table(self.members, groups)), ("Labels", self.result)]

    def shortcuts(self) -> Mapping[str, tuple[str, Callable[[], None]]]:
        """Return what keys do."""
        words = {str(key): (f"mark as {word}", partial(self.mark, word))
                 for key, word in enumerate(CLUSTER_WORDS, start=1)}
        return {
            **super().shortcuts(),
            "ArrowDown": ("next member", partial(self.table.next, 1)),
            "ArrowUp": ("previous member", partial(self.table.next, -1)),
            "]": ("next cluster", partial(self.step, 1)), "[": ("previous cluster", partial(self.step, -1)),
            **words, "0": ("take the mark back", partial(self.mark, "")),
            "n": ("name the cluster in focus", self._to_name), "o": ("rest or observed frame", self._other_frame),
            "f": ("cluster in the other frame", self._other_clusters),
            "u": ("PCA or UMAP", self._other_map), "Escape": ("clear the selection", self.clear),
        }

    def _to_name(self) -> None:
        self.panel.naming.focus()

    def _other_frame(self) -> None:
        self.frame = FRAMES[1 - FRAMES.index(self.frame)]

    def _other_clusters(self) -> None:
        self.cluster_frame = FRAMES[1 - FRAMES.index(self.cluster_frame)]

    def _other_map(self) -> None:
        self.projection = "UMAP" if self.projection == "PCA" else "PCA"
