"""Edges between segments, dragged on the spectrum: where they may go, and the grip that moves them.

One grip serves all edges: it jumps to the edge under the mouse, so that a page never holds a handle for each of a
hundred segments. While it is dragged the page moves the edge at once and tells Python, one message at a time; the
next goes out when the last is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from bokeh.events import DoubleTap
from bokeh.models import ColumnDataSource, CustomJS, Span
from bokeh.plotting import figure
from numpy.typing import NDArray

from specanom.errors import ArgumentError, message
from specanom.plots.drawing import pixel_edges
from specanom.plots.palette import Palette

Edges = tuple[float, ...]
NEAR = 8
"""Screen pixels within which an edge is under the mouse."""

HOVER = """
if (grip._held || !lines.visible) return
if (!grip._wired) {
  grip._wired = true
  const send = (done) => {
    const now = {index: [grip._edge], x: [grip.location], count: [grip._count += 1], done: [done]}
    grip._waiting = now.count[0]
    drag.data = now
  }
  grip._count = 0
  grip.pan.connect(([phase]) => {
    if (phase == "pan:start") { grip._held = true; return }
    const x = edges.data.x, i = grip._edge
    const least = i > 0 ? x[i - 1] : -Infinity, most = i + 1 < x.length ? x[i + 1] : Infinity
    const room = (range.end - range.start) / plot.inner_width
    const at = Math.min(Math.max(grip.location, least + room), most - room)
    if (at != grip.location) grip.setv({location: at}, {sync: false})
    x[i] = at
    edges.change.emit()
    if (phase == "pan:end") { grip._held = false; grip._next = false; send(1) }
    else if (grip._waiting == null) send(0)
    else grip._next = true
  })
  drag.connect(drag.properties.tags.change, () => {
    if (drag.tags[0] != grip._waiting) return
    grip._waiting = null
    if (grip._next) { grip._next = false; send(0) }
  })
}
const scale = plot.inner_width / (range.end - range.start), x = edges.data.x
let best = -1, least = near
for (let i = 0; i < x.length; i++) {
  const far = Math.abs(x[i] - cb_obj.x) * scale
  if (far < least) { best = i; least = far }
}
if (best < 0) { if (grip.line_alpha) grip.setv({line_alpha: 0}, {sync: false}); return }
grip._edge = best
if (grip.location != x[best] || !grip.line_alpha)
  grip.setv({location: x[best], line_alpha: 0.45}, {sync: false})
"""


class EdgeHandles:
    """Edges drawn over a panel, and the grip that drags them.

    Parameters
    ----------
    panel : figure
        The spectrum.
    colours : Palette
    """

    def __init__(self, panel: figure, colours: Palette) -> None:
        self.panel = panel
        self.source = ColumnDataSource({"x": []}, name="edges")
        self.drag = ColumnDataSource({"index": [], "x": [], "count": [], "done": []}, name="drag")
        self.lines = panel.vspan(x="x", source=self.source, line_color=colours.ink, line_alpha=0.55, line_width=1,
                                 line_dash=[5, 3], visible=False, name="edge lines")
        self.grip = Span(location=float(panel.x_range.start), dimension="height", editable=True, visible=False,
                         line_color=colours.amber, line_width=9, line_alpha=0, level="overlay", name="grip")
        panel.add_layout(self.grip)
        panel.js_on_event("mousemove", CustomJS(args={
            "grip": self.grip, "edges": self.source, "drag": self.drag, "lines": self.lines, "plot": panel,
            "range": panel.x_range, "near": NEAR}, code=HOVER))
        self.held = False

    @property
    def editing(self) -> bool:
        """Whether edges are shown and can be dragged."""
        return bool(self.lines.visible)

    def show(self, places: Sequence[float] | NDArray[np.float64], *, editing: bool) -> None:
        """Put the edges at some places of the axis; while one is dragged, those of the page stand."""
        if self.lines.visible != editing:
            self.lines.visible = self.grip.visible = editing
        if editing and not self.held:
            self.source.data = {"x": np.asarray(places, dtype=np.float64)}

    def on_drag(self, moved: Callable[[int, float, bool], None]) -> None:
        """Call ``moved(index, place, done)`` while an edge is dragged."""

        def told(_attr: str, _old: object, data: dict[str, Sequence[float]]) -> None:
            if not len(data["index"]):
                return
            done = bool(data["done"][0])
            self.held = not done
            try:
                moved(int(data["index"][0]), float(data["x"][0]), done)
            finally:
                self.drag.tags = [int(data["count"][0])]  # the page may send the next

        self.drag.on_change("data", told)

    def on_double_tap(self, tapped: Callable[[float, float], None]) -> None:
        """Call ``tapped(place, reach)`` where the panel is double-clicked; `reach` is how far an edge counts as hit."""

        def told(event: DoubleTap) -> None:
            if self.editing:
                span = float(self.panel.x_range.end) - float(self.panel.x_range.start)
                tapped(float(event.x), NEAR * span / max(1.0, float(self.panel.inner_width or 900)))

        self.panel.on_event(DoubleTap, told)


def borders_of(wave: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where an edge may lie: midway between neighbouring pixels, shape ``(p − 1,)``."""
    return pixel_edges(np.asarray(wave, dtype=np.float64))[1:-1]


def edges_between(segments: NDArray[np.intp], wave: NDArray[np.float64]) -> Edges:
    """Return the edges of a segmentation."""
    return tuple(borders_of(wave)[np.flatnonzero(np.diff(segments))].tolist())


def move_edge(edges: Edges, index: int, to: float, *, borders: NDArray[np.float64]) -> Edges:
    """Move one edge to the nearest border of pixels; it stops a pixel before its neighbours.

    Examples
    --------
    >>> move_edge((2.5, 5.5), 0, 9.0, borders=np.arange(0.5, 10.0))
    (4.5, 5.5)
    """
    places = [int(np.abs(borders - edge).argmin()) for edge in edges]
    least = places[index - 1] + 1 if index else 0
    most = places[index + 1] - 1 if index + 1 < len(places) else borders.size - 1
    if least > most:
        return edges
    at = min(max(int(np.abs(borders - to).argmin()), least), most)
    return (*edges[:index], float(borders[at]), *edges[index + 1 :])


def add_edge(edges: Edges, at: float, *, borders: NDArray[np.float64]) -> Edges:
    """Add an edge at the nearest border of pixels; one that is there already stays alone."""
    place = float(borders[np.abs(borders - at).argmin()])
    half = 0.5 * float(np.diff(borders).min()) if borders.size > 1 else np.inf
    return edges if any(abs(edge - place) < half for edge in edges) else tuple(sorted((*edges, place)))


def remove_edge(edges: Edges, index: int) -> Edges:
    """Remove one edge, which joins two segments.

    Raises
    ------
    ArgumentError
        For the last one.
    """
    if len(edges) < 2:
        raise ArgumentError(message("edges", expected="at least one edge to stay", got="the last one removed",
                                    hint="Uniform(2) for two segments, or another edge before this one goes"))
    return edges[:index] + edges[index + 1 :]
