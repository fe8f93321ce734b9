"""What is in focus in an inspector: a selection, a cluster, a member; and how one follows from the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets

from ..base.dashboard import guarded
from .showing import InspectorView, Rows


class InspectorFocus(InspectorView):
    """Selection, cluster and member in focus, wherever they are chosen: map, diagram, table or by their traits."""

    def _refresh(self) -> None:
        """Bring all up to date after the clusters changed."""
        self._show_clusters()
        self._called()
        self._show_beside()
        self._focus()

    def _focus(self) -> None:
        """Bring up to date what depends on what is in focus; the figures first."""
        self._tell()
        self._show_means()
        self._show_table()
        self._show_marks()
        self._show_member()

    def _called(self) -> None:
        with self.quietly():
            self.name = self.names.get(self.cluster, "")

    def _on_lasso(self, _attr: str, _old: Any, new: Sequence[int]) -> None:
        if self._heard:
            self._select(np.asarray(sorted(new), dtype=np.intp))

    @traitlets.observe("selection")
    def _on_selection(self, change: Any) -> None:
        if self._heard:
            rows = [self._row_of[id] for id in change["new"] if id in self._row_of]
            self._select(np.unique(np.array(rows, dtype=np.intp)))

    @guarded
    def _select(self, rows: Rows) -> None:
        if np.array_equal(rows, self._rows):
            return
        self._rows = rows
        with self.quietly():
            self.selection = tuple(str(id) for id in self.members.ids[rows])
            with self.map_pane.batch():
                if sorted(self.atlas.source.selected.indices) != rows.tolist():
                    self.atlas.source.selected.indices = rows.tolist()
        if rows.size == 1:
            self.selected = str(self.members.ids[rows[0]])
        self._focus()

    def clear(self) -> None:
        """Let go of the selection: the cluster in focus is shown again."""
        self._select(np.empty(0, dtype=np.intp))

    def step(self, by: int) -> None:
        """Bring the next or previous cluster into focus."""
        self.cluster = (self.cluster + by) % self.clusterer.n_clusters_

    def _on_picked(self, change: Any) -> None:
        if self._heard and change["new"] is not None:
            self.cluster = int(change["new"])

    @traitlets.observe("cluster")
    def _on_cluster(self, change: Any) -> None:
        if self._heard:
            self._to_cluster(int(change["new"]))

    @guarded
    def _to_cluster(self, cluster: int) -> None:
        with self.quietly():
            self.cluster = int(np.clip(cluster, 0, self.clusterer.n_clusters_ - 1))
            self._point_at_cluster()
            self._rows = np.empty(0, dtype=np.intp)
            self.selection = ()
            with self.map_pane.batch():
                self.atlas.source.selected.indices = []
        self._called()
        self._focus()

    def _on_overview(self, change: Any) -> None:
        if self._heard and change["new"]:
            self.cluster = int(change["new"])

    def _on_table(self, change: Any) -> None:
        if self._heard and change["new"]:
            self.selected = change["new"]

    def _on_chosen(self, change: Any) -> None:
        if self._heard and len(change["new"]) > 1:
            self.selection = tuple(change["new"])

    @traitlets.observe("selected")
    def _on_selected(self, change: Any) -> None:
        if self._ready:
            self._to_member(change["new"])

    @guarded
    def _to_member(self, id: str) -> None:
        row = self._row_of.get(id)
        if id and row is None:
            self.say(f"{id} was not explained, so it is in no cluster")
            return
        k = -1 if row is None else int(self.labels[row])
        if not self._rows.size and self.listed == "focus" and k >= 0 and k != self.cluster:
            with self.quietly():
                self.cluster = k
            self._to_cluster(k)
        with self.quietly():
            self.table.selected = id
        self._show_member()

    @traitlets.observe("listed")
    def _on_listed(self, _change: Any) -> None:
        if self._heard:
            self._list()

    @guarded
    def _list(self) -> None:
        self._show_table()

    @traitlets.observe("frame", "compare")
    def _on_frame(self, change: Any) -> None:
        if self._heard:
            self._reframe(change["name"])

    @guarded
    def _reframe(self, name: str) -> None:
        self._show_beside()
        if name == "frame":
            self._show_means()
            self._show_member()

    @traitlets.validate("frame")
    def _valid_frame(self, proposal: Any) -> str:
        known = getattr(self, "means", None)
        return str(proposal["value"]) if known is None or proposal["value"] in known.frames else known.own
