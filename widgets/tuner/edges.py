"""Edges between segments, dragged on the spectrum: where they may go, and the hand that moves them.

The page moves an edge at once and tells Python, one message at a time; the next goes out when the last is answered.
The pointer is read directly: BokehJS takes a press that rests for a quarter of a second for no drag.
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
REMOVED = 2
NEAR = 8
"""Screen pixels within which an edge is under the mouse."""

HOVER = """
if (!lines.visible) return
const hand = window.specanomHand ??= (() => { // one for the page: what the mouse is on, and what it holds
  const hand = {over: null, held: null, from: 0}
  const on = (name, act) => window.addEventListener(name, act, true)
  const mine = (event) => { event.stopImmediatePropagation(); event.preventDefault() } // BokehJS would pan
  on("pointerdown", (event) => {
    if (!hand.over || event.button != 0) return
    hand.held = hand.over
    hand.from = event.clientX
    mine(event)
  })
  on("pointermove", (event) => {
    if (!hand.held) return
    hand.held.move(event.clientX - hand.from)
    mine(event)
  })
  for (const name of ["pointerup", "pointercancel"]) on(name, (event) => {
    if (!hand.held) return
    hand.held.drop(event.clientX - hand.from)
    hand.held = null
    mine(event)
  })
  return hand
})()
if (hand.held) return
const grip = glow.grip ??= {count: 0, waiting: null, next: false, clicked: -1e9,
  send(done) {
    grip.waiting = grip.count += 1
    drag.data = {index: [grip.edge], x: [edges.data.x[grip.edge]], count: [grip.count], done: [done]}
  },
  move(pixels) {
    const x = edges.data.x, i = grip.edge, room = (range.end - range.start) / plot.inner_width
    const least = i > 0 ? x[i - 1] + room : range.start, most = i + 1 < x.length ? x[i + 1] - room : range.end
    x[i] = Math.min(Math.max(grip.start + pixels * room, least), most)
    glow.setv({location: x[i]}, {sync: false})
    edges.change.emit()
    if (grip.waiting == null) grip.send(0)
    else grip.next = true
  },
  drop(pixels) {
    grip.next = false
    const now = performance.now(), still = Math.abs(pixels) < 3
    if (!still) grip.send(1)
    else if (now - grip.clicked < 500) { grip.send(2); grip.clicked = -1e9 }
    else grip.clicked = now
  },
  answered() {
    if (drag.tags[0] != grip.waiting) return
    grip.waiting = null
    if (grip.next) { grip.next = false; grip.send(0) }
  },
}
if (!grip.wired) { grip.wired = true; drag.connect(drag.properties.tags.change, grip.answered) }
const scale = plot.inner_width / (range.end - range.start), x = edges.data.x
let best = -1, least = near
for (let i = 0; i < x.length; i++) {
  const far = Math.abs(x[i] - cb_obj.x) * scale
  if (far < least) { best = i; least = far }
}
const found = best >= 0
if (glow.visible != found || (found && glow.location != x[best]))
  glow.setv(found ? {location: x[best], visible: true} : {visible: false}, {sync: false})
if (found) { grip.edge = best; grip.start = x[best]; hand.over = grip }
else if (hand.over === grip) hand.over = null
"""
"""The edge under the mouse glows, and the mouse holds it when pressed; of all this only `drag` is sent."""

LEAVE = """
glow.setv({visible: false}, {sync: false})
const hand = window.specanomHand
if (hand && hand.over === glow.grip && !hand.held) hand.over = null
"""


class EdgeHandles:
    """Edges drawn over a panel, which the mouse drags; a double click on one takes it away.

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
        start = float(panel.x_range.start)
        self.glow = Span(location=start, dimension="height", visible=False, line_color=colours.amber, line_width=7,
                         line_alpha=0.5, level="overlay", name="glow")
        panel.add_layout(self.glow)
        panel.js_on_event("mousemove", CustomJS(args={
            "glow": self.glow, "edges": self.source, "drag": self.drag, "lines": self.lines, "plot": panel,
            "range": panel.x_range, "near": NEAR}, code=HOVER))
        leave = CustomJS(args={"glow": self.glow}, code=LEAVE)
        panel.js_on_event("mouseleave", leave)
        self.lines.js_on_change("visible", leave)
        self.held = False

    @property
    def editing(self) -> bool:
        """Whether edges are shown and can be dragged."""
        return bool(self.lines.visible)

    def show(self, places: Sequence[float] | NDArray[np.float64], *, editing: bool) -> None:
        """Put the edges at some places of the axis; while one is dragged, those of the page stand."""
        if self.lines.visible != editing:
            self.lines.visible = editing
        if editing and not self.held:
            self.source.data = {"x": np.asarray(places, dtype=np.float64)}

    def on_drag(self, moved: Callable[[int, float, bool], None], removed: Callable[[int], None]) -> None:
        """Call ``moved(index, place, done)`` while an edge is dragged, ``removed(index)`` after a double click."""

        def told(_attr: str, _old: object, data: dict[str, Sequence[float]]) -> None:
            if not len(data["index"]):
                return
            index, done = int(data["index"][0]), int(data["done"][0])
            self.held = not done
            try:
                if done == REMOVED:
                    removed(index)
                else:
                    moved(index, float(data["x"][0]), bool(done))
            finally:
                self.drag.tags = [int(data["count"][0])]  # the page may send the next

        self.drag.on_change("data", told)

    def on_double_tap(self, tapped: Callable[[float], None]) -> None:
        """Call ``tapped(place)`` where the panel is double-clicked beside the edges."""

        def told(event: DoubleTap) -> None:
            if self.editing:
                tapped(float(event.x))

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
