"""What an inspector shows, from its state: map, curves, means, table, member and words."""

from __future__ import annotations

from collections import Counter
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from specanom.cluster import ExplanationClusterer, Means, PlaneMap
from specanom.explain import Explanation, ExplanationSet
from specanom.plots.palette import palette
from specanom.plots.theme import plain
from specanom.plots.view import describe
from specanom.spectrumset import SpectrumSet

from ..base.pane import FigurePane
from ..base.table import RowTable
from ..base.words import in_html
from .atlas import Atlas
from .averages import SHOWN, Averages, AveragesFigure
from .book import Book
from .colouring import colouring
from .counting import Counting
from .member import MemberFigure
from .members import NUMBERS, Members
from .panel import Panel
from .state import InspectorState
from .telling import as_html, ratio_table, told_of

Rows = NDArray[np.intp]
COLUMNS = {"distance": "distance", "score": "score", "z": "z", "snr": "S/N", "bpt": "BPT", "artefact": "artefact",
           "mark": "mark", "cluster": "cluster", "note": "note"}
OVERVIEW = {"name": "name", "size": "spectra", "z": "z", "artefact": "artefact", "story": "where the weight is",
            "marks": "marks"}
HEAD, ROW, SEEN = 34, 28, 14
"""Screen pixels of the heading and a row of the table of clusters, and the most clusters that are seen at once."""


def _median(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def _where(story: str) -> str:
    """Return what the sentence on a cluster says beside what has columns: its size, redshift and share of artefacts."""
    said = story.rstrip(".").partition("whose weight ")[2]
    said = said.removeprefix("in the observed frame ").removeprefix("in the rest frame ").removeprefix("sits on ")
    return "; ".join(part for part in said.split("; ") if not part.startswith(("median z", "suspicious")))


class InspectorView(InspectorState):
    """Figures, table and words of an inspector, and how each is brought up to date."""

    sample: SpectrumSet
    means: Means
    book: Book
    panel: Panel
    clusterer: ExplanationClusterer

    def _make_figures(self, clusterer: ExplanationClusterer, members: Members,
                      explanations: ExplanationSet | None) -> None:
        self.clusterer, self.members = clusterer, members
        self._explained = explanations
        self._row_of: dict[str, int] = {}
        for row, id in enumerate(members.ids):
            self._row_of.setdefault(id, row)
        self._explanation_of = {} if explanations is None else {id: i for i, id in enumerate(explanations.ids)}
        self.names: dict[int, str] = {}
        self._blank: set[str] = set()
        self._rows: Rows = np.empty(0, dtype=np.intp)
        self.atlas, self.counting = Atlas(members), Counting()
        self.averages, self.member = AveragesFigure(), MemberFigure()
        self.map_pane = FigurePane(self.atlas.root, label="map of explanations and BPT diagram")
        self.curves_pane = FigurePane(self.counting.root, label="elbow, silhouette and stability")
        self.means_pane = FigurePane(self.averages.root, label="mean spectrum and mean explanation")
        self.member_pane = FigurePane(self.member.root, label="spectrum of the member with its explanation")
        self.story, self.ratios = ipywidgets.HTML(), ipywidgets.HTML()
        self.overview = RowTable(self._clusters_frame(), key="cluster", columns=OVERVIEW,
                                 formats={"size": ",d", "artefact": ".0%", "z": ".3f", "snr": ".1f"}, sort=())
        self.overview.label = "Clusters"
        self.table = RowTable(self._frame(np.arange(len(members))), columns=COLUMNS, formats=NUMBERS, height=340,
                              sort=("distance", "ascending"))
        self.table.label = "Members"

    # -- what is in focus --------------------------------------------------------------------------------------------

    @property
    def labels(self) -> Rows:
        """Cluster of each explanation, −1 for those left out."""
        return self.clusterer.labels_

    def rows_of(self, cluster: int) -> Rows:
        """Return the explanations of a cluster."""
        return np.flatnonzero(self.labels == cluster)

    @property
    def focus_rows(self) -> Rows:
        """Explanations in focus: the selection, or the members of the cluster in focus."""
        return self._rows if self._rows.size else self.rows_of(self.cluster)

    def title_of(self, cluster: int) -> str:
        """Return number and name of a cluster."""
        return f"cluster {cluster}" + (f" “{self.names[cluster]}”" if cluster in self.names else "")

    @property
    def focus_title(self) -> str:
        """What is in focus, in words."""
        if self._rows.size:
            return f"{self._rows.size:,} selected"
        return f"{self.title_of(self.cluster).capitalize()}, {self.rows_of(self.cluster).size:,} members"

    # -- bringing up to date -----------------------------------------------------------------------------------------

    def _show_clusters(self) -> None:
        """Show which explanation belongs where, and what the clusters are called."""
        self.names = self.book.called(self.members.ids, self.labels)
        with self.map_pane.batch():
            self.atlas.group(self.labels, self.names)
        self._paint()
        with self.curves_pane.batch():
            self.counting.mark(self.clusterer.n_clusters_)
        self._list_clusters()

    def _list_clusters(self) -> None:
        options = []
        frame = self._clusters_frame()
        with self.quietly():
            self.overview.set_table(frame)
        self._make_room(frame)
        self.overview.height = HEAD + ROW * min(SEEN, max(3, self.clusterer.n_clusters_))
        for k in range(self.clusterer.n_clusters_):
            name = f" · {self.names[k]}" if k in self.names else ""
            options.append((f"{k}{name} · {self.rows_of(k).size:,} spectra", k))
        with self.quietly():
            self.panel.picker.options = options
            self._point_at_cluster()

    def _make_room(self, frame: pd.DataFrame) -> None:
        """Hide names and marks of clusters until there are some: the story needs the room."""
        blank = {name for name in ("name", "marks") if not frame[name].any()}
        hidden = (set(self.overview.hidden) - (self._blank - blank)) | (blank - self._blank)
        self._blank, self.overview.hidden = blank, tuple(name for name in frame if name in hidden)

    def _clusters_frame(self) -> pd.DataFrame:
        """Return one row a cluster: name, size, artefact, medians, marks and the sentence."""
        marks = np.array(self.book.marked(self.members.ids)[0], dtype=object)
        made = []
        for k in range(self.clusterer.n_clusters_):
            rows = self.rows_of(k)
            told = told_of(self.means.features, self.members, rows)
            said = Counter(mark for mark in marks[rows] if mark)
            made.append({
                "cluster": str(k), "name": self.names.get(k, ""), "size": rows.size,
                "artefact": told.artefact if told is not None else np.nan, "z": _median(self.members.z[rows]),
                "snr": _median(self.members.snr[rows]),
                "marks": ", ".join(f"{count} {word}" for word, count in said.most_common()),
                "story": "" if told is None else _where(told.story)})
        return pd.DataFrame(made)

    def _point_at_cluster(self) -> None:
        """Show in menu, list and map which cluster is in focus."""
        self.panel.picker.value = self.cluster
        self.overview.selected = str(self.cluster)
        with self.map_pane.batch():
            self.atlas.emphasise(self.rows_of(self.cluster))

    def _paint(self) -> None:
        made = colouring(self.colour, self.members, self.labels, names=self.names,
                         palette=palette(self.shown_theme))
        with self.map_pane.batch():
            self.atlas.paint(made)

    def _show_map(self, found: PlaneMap) -> None:
        with self.map_pane.batch():
            self.atlas.place(found, np.flatnonzero(self.members.kept))
            self.atlas.write(self.labels, self.names)
            self.atlas.point_at(self._row_of.get(self.selected))

    def _show_means(self) -> None:
        rows, theme = self.focus_rows, self.shown_theme
        colours = palette(theme)
        flux, found = self.means.spectrum(rows, self.frame), self.means.weights(rows, self.frame)
        edges, weights = found if found is not None else (None, None)
        names = ()
        if self.frame == self.means.home and self._told is not None:
            names = tuple(self._told.names[k] for k in self.means.bins)
        colour = colours.flux if self._rows.size else colours.categories[self.cluster % 12]
        made = Averages(self.frame, self.means.in_frame(self.frame).wave, flux, edges, weights, names)
        with self.means_pane.batch():
            self.averages.show(made, title=self._means_title(flux.count, flux.banded), colour=colour, theme=theme)

    def _means_title(self, count: int, banded: int) -> str:
        lacking = self.focus_rows.size - count
        parts = [f"{self.focus_title} · {SHOWN[self.frame]} of {count:,} in the {self.frame} frame"]
        if lacking:
            parts.append(f"{lacking:,} without a spectrum in memory")
        if banded < count:
            parts.append(f"{'median and ' * (SHOWN[self.frame] == 'median')}band from {banded:,} of them")
        return " · ".join(parts)

    def _show_beside(self) -> None:
        """Show the means of all clusters behind the one in focus, or none."""
        colours = palette(self.shown_theme)
        count = self.clusterer.n_clusters_ if self.compare else 0
        wave = self.means.in_frame(self.frame).wave
        found = self.means.weights(np.empty(0, dtype=np.intp), self.frame)
        named = [(self.title_of(k), colours.categories[k % 12]) for k in range(count)]
        of_all = self.means.medians if SHOWN[self.frame] == "median" else self.means.spectra
        with self.means_pane.batch():
            self.averages.beside(wave, of_all(self.labels, count, self.frame),
                                 edges=None if found is None else found[0],
                                 weights=self.means.cluster_weights(self.labels, count, self.frame), named=named)

    def _tell(self) -> None:
        """Say what is in focus: one sentence, and the ranges of line ratios."""
        rows = self.focus_rows
        self._told = told_of(self.means.features, self.members, rows)
        text = self._told.story if self._told is not None else "nothing to say"
        self.story.value = (f"<p class='specanom-story'><b>{in_html(self.focus_title)}:</b> {in_html(text)}</p>")
        groups = [(self.focus_title, rows), ("all explained", np.flatnonzero(self.members.kept))]
        caption = ("Line ratios: median, 16–84 percentile range in brackets (members with all lines); and members by "
                   "BPT class")
        measured = self.members.lines is not None
        self.ratios.value = as_html(ratio_table(self.members, groups), caption) if measured else (
            "<p>The lines are not measured yet.</p>")
        self.panel.focus.value = f"<span>{in_html(self._artefact_text())}</span>"
        self.panel.clear.disabled = not self._rows.size

    def _artefact_text(self) -> str:
        told = self._told
        if told is None or not (np.isfinite(told.artefact) or told.untold):
            return ""
        return f"{self.focus_title} · artefact: {told.untold or f'{told.artefact:.0%}'}"

    # -- table and member --------------------------------------------------------------------------------------------

    def _frame(self, rows: Rows) -> Any:
        made = self.members.frame(self.labels, self.clusterer.distances_).iloc[rows]
        marks, notes = self.book.marked(self.members.ids[rows])
        # The cluster is last but for the note: most often it is the same for all rows.
        return made.assign(mark=marks, note=notes)[["id", *COLUMNS]].drop_duplicates("id")

    def _show_table(self) -> None:
        rows = self.focus_rows if self.listed == "focus" else np.arange(len(self.members))
        with self.quietly():
            self.table.set_table(self._frame(rows))
        if self.selected not in set(self.members.ids[rows]) or not self.selected:
            self.selected = str(self.table.view()["id"].iloc[0]) if self.table.shown else ""
        with self.quietly():
            self.table.selected = self.selected

    def refresh_marks(self) -> None:
        """Read the marks anew: they may have been given elsewhere."""
        self._show_marks()
        self._list_clusters()

    def _show_marks(self) -> None:
        """Bring marks in the table and their count up to date."""
        marks, notes = self.book.marked(self._table_ids())
        self.table.set_column("mark", marks)
        self.table.set_column("note", notes)
        all_marks = [mark for mark in self.book.marked(self.members.ids)[0] if mark]
        counts = {word: all_marks.count(word) for word in dict.fromkeys(all_marks)}
        told = ", ".join(f"{count:,} {word}" for word, count in counts.items()) or "nothing marked yet"
        path = self.book.marks.path.resolve()
        self.panel.marked.value = (f"<span title='{in_html(str(path), quote=True)}'>{in_html(told)} · kept in "
                                   f"{in_html(path.name)}</span>")

    def _table_ids(self) -> NDArray[np.object_]:
        rows = self.focus_rows if self.listed == "focus" else np.arange(len(self.members))
        return np.array(list(dict.fromkeys(self.members.ids[rows])), dtype=object)

    def _show_member(self) -> None:
        row = self._row_of.get(self.selected)
        with self.map_pane.batch():
            self.atlas.point_at(row)
        if row is None or self.means.place[row] < 0:
            return
        spectrum = self.sample[int(self.means.place[row])]
        k = int(self.labels[row])
        parts = [describe(spectrum), self.title_of(k) if k >= 0 else "left out of the clusters"]
        for name, value, form in (("score", self.members.score[row], ".4g"),
                                  ("artefact", self.members.artefact[row], ".0%")):
            if np.isfinite(value):
                parts.append(f"{name} {value:{form}}")
        with self.member_pane.batch():
            self.member.show(spectrum, self._explanation(self.selected), frame=self.frame,
                             title=plain(" · ".join(parts)), theme=self.shown_theme)

    def _explanation(self, id: str) -> Explanation | None:
        if self._explained is None or id not in self._explanation_of:
            return None
        return self._explained[self._explanation_of[id]]

    def recolour(self, theme: str) -> None:
        """Paint what is computed here in the colours of a theme."""
        self._paint()
        self._show_beside()
        self._show_means()
        self._show_member()
