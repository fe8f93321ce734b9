"""The public state of an inspector: one trait for each control."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import traitlets

from ..base.dashboard import Dashboard
from .colouring import CHOICES

PROJECTIONS = ("PCA", "UMAP")
FRAMES = ("rest", "observed")
SCOPES = ("focus", "member")
LISTED = ("focus", "all")


class InspectorState(Dashboard):
    """State of an inspector.

    Attributes
    ----------
    k : int
        Number of clusters.
    cluster : int
        The cluster in focus.
    name : str
        What the cluster in focus is called; setting it names the cluster.
    selection : tuple of str
        Ids picked by lasso, box, tap or in the table. What is in focus is the selection, or the cluster when nothing
        is selected.
    projection : {"PCA", "UMAP"}
        How the map is made.
    cluster_frame : {"rest", "observed"}
        Frame in which the places of weights are compared: another one clusters anew, in the background.
    colour : str
        What points are coloured by.
    frame : {"rest", "observed"}
        Frame of the means and of the member's spectrum.
    compare : bool
        Whether the means of all clusters are drawn behind the one in focus.
    listed : {"focus", "all"}
        Rows of the table: what is in focus, or all that were explained.
    scope : {"focus", "member"}
        What a mark is said of.
    note : str
        Goes with the next mark.
    file : str
        Where labels are exported to, ``.csv`` or ``.parquet``.
    """

    k = traitlets.Int(2, min=1)
    cluster = traitlets.Int(0)
    name = traitlets.Unicode("")
    selection = traitlets.Tuple()
    projection = traitlets.Enum(PROJECTIONS, "PCA")
    cluster_frame = traitlets.Enum(FRAMES, "rest")
    colour = traitlets.Enum(tuple(CHOICES), "cluster")
    frame = traitlets.Enum(FRAMES, "rest")
    compare = traitlets.Bool(False)
    listed = traitlets.Enum(LISTED, "focus")
    scope = traitlets.Enum(SCOPES, "focus")
    note = traitlets.Unicode("")
    file = traitlets.Unicode("cluster-labels.csv")

    @traitlets.validate("name")
    def _valid_name(self, proposal: Any) -> str:
        return str(proposal["value"]).strip()

    _quiet = 0
    _ready = False

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Set traits without doing what users ask for by them."""
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1

    @property
    def _heard(self) -> bool:
        return self._ready and not self._quiet
