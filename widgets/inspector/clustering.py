"""How many clusters there are, and in which frame the places of weights are compared."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import traitlets

from specanom.cluster import ExplanationClusterer, PlaneMap, pca_map

from ..base.dashboard import guarded
from ..base.locking import LOCK
from .choosing import InspectorFocus
from .working import Cancelled, Progress, Work, frame_work, refit_work

AT_ONCE = 300_000
"""Up to so many numbers are clustered while one waits; more of them in the background."""
ANEW, OTHER_FRAME = "clusters", "clusters in the other frame"
"""Titles of work in the background."""


@dataclass(frozen=True, eq=False)
class Found:
    """What is known in one frame: the first clusters, those at any other k, and the maps."""

    first: ExplanationClusterer
    known: dict[int, ExplanationClusterer] = field(default_factory=dict)
    maps: dict[str, PlaneMap] = field(default_factory=dict)

    @classmethod
    def of(cls, first: ExplanationClusterer) -> Found:
        """Begin with the first clusters."""
        return cls(first, {first.n_clusters_: first})


class InspectorClusters(InspectorFocus):
    """Clusters anew: another k, another frame."""

    _found: Found
    _of_frame: dict[str, Found]

    @property
    def _first(self) -> ExplanationClusterer:
        return self._found.first

    @property
    def _maps(self) -> dict[str, PlaneMap]:
        return self._found.maps

    def _begin_with(self, first: ExplanationClusterer) -> None:
        """Show curves and map of the frame in force."""
        self._maps.setdefault("PCA", pca_map(self.means.features.rows[self.members.kept]))
        with self.curves_pane.batch():
            self.counting.show(first.curves_, first.stability_)
        self._show_map(self._maps.get(self.projection, self._maps["PCA"]))

    # -- another k ---------------------------------------------------------------------------------------------------

    @traitlets.observe("k")
    def _on_k(self, change: Any) -> None:
        if self._heard and change["new"] != self.clusterer.n_clusters_:
            self._recluster(int(change["new"]))
            if not any(job.title == ANEW for job in self.jobs):
                self._show_k()  # what is shown, also when it could not be done

    def _on_slider(self, change: Any) -> None:
        if self._heard:
            self.k = int(change["new"])

    def _show_k(self) -> None:
        with self.quietly():
            self.k = self.clusterer.n_clusters_
            self.panel.slider.max = max(self.panel.slider.max, self.k)
            self.panel.slider.min = min(self.panel.slider.min, self.k)
            self.panel.slider.value = self.k

    @guarded
    def _recluster(self, k: int) -> None:
        if k in self._found.known:
            self._take(self._found.known[k])
        elif self.means.features.rows.size <= AT_ONCE:
            self._take(self._first.refit(k, bootstrap=0))
        else:
            self.background(refit_work(self._first, k), done=partial(self._take_late, self._found), title=ANEW)

    def _take_late(self, of: Found, found: ExplanationClusterer) -> None:
        """Show clusters from the background, unless another k or frame has been asked for by now."""
        of.known[found.n_clusters_] = found
        if of is self._found and self.k == found.n_clusters_:
            self._take(found)

    def _take(self, found: ExplanationClusterer) -> None:
        """Show other clusters; the one that holds the member in focus comes into focus."""
        self._found.known[found.n_clusters_] = self.clusterer = found
        row = self._row_of.get(self.selected)
        self._show_k()
        with self.quietly():
            self.cluster = max(0, int(found.labels_[row])) if row is not None else 0
        self._refresh()
        # What was said last told of a cluster by its old number.
        self.say(f"{found.n_clusters_} clusters in the {self.means.home} frame; in focus: {self.focus_title}")

    # -- another frame -----------------------------------------------------------------------------------------------

    @property
    def cluster_frames(self) -> tuple[str, ...]:
        """Frames that can be clustered in: both where wavelengths of the segments and redshifts are known."""
        own = self.means.features.own or self.means.features
        return self.means.frames if own.segments is not None and own.wave is not None else (self.means.home,)

    @traitlets.validate("cluster_frame")
    def _valid_cluster_frame(self, proposal: Any) -> str:
        known = getattr(self, "means", None)
        asked = str(proposal["value"])
        return asked if known is None or asked in self.cluster_frames else known.home

    @traitlets.observe("cluster_frame")
    def _on_cluster_frame(self, change: Any) -> None:
        if self._heard:
            self._to_frame(str(change["new"]))

    @guarded
    def _to_frame(self, frame: str) -> None:
        for job in self.jobs:
            if job.title == OTHER_FRAME:
                job.cancel()
        if frame == self.means.home:
            return
        if frame in self._of_frame:
            self._take_frame(self._of_frame[frame])
            return
        work = frame_work(self._first, frame, sample=self.sample, k=self.k, explanations=self._explained)
        self.background(partial(self._frame_or_not, work), title=OTHER_FRAME,
                        done=lambda found: self._take_frame(Found.of(found)))

    def _frame_or_not(self, work: Work, progress: Progress, cancelled: Cancelled) -> ExplanationClusterer | None:
        """Do the work; without clusters (cancelled, or failed) the control goes back to the frame that is shown."""
        found: ExplanationClusterer | None = None
        try:
            found = work(progress, cancelled)
        finally:
            if found is None or cancelled():
                with LOCK, self.quietly():
                    if not any(job.title == OTHER_FRAME and not job.cancelled for job in self.jobs) or found is None:
                        self.cluster_frame = self.means.home
        return found

    def _take_frame(self, found: Found) -> None:
        """Show what was found in another frame, at the k in force, and draw in that frame."""
        asked = self.k
        for job in self.jobs:
            if job.title != "line measurements":
                job.cancel()  # it was asked of the other frame
        self._of_frame[self.means.home] = self._found
        self._found, features = found, found.first.features_
        self.means = self.means.of(features)
        self._of_frame[self.means.home] = found
        self.members = replace(self.members, kept=np.asarray(features.kept))
        with self.quietly():
            self.cluster_frame = self.frame = self.means.home
        self.clusterer = found.first
        self._begin_with(found.first)
        self._take(found.known.get(asked, found.first))
        if self.k != asked:
            self.k = asked
        left = len(self.clusterer.left_out_)
        self.say(f"{self.clusterer.n_clusters_} clusters in the {self.means.home} frame"
                 + (f"; {left:,} explanations left out" if left else ""))
