"""Panels of one wavelength axis as inline SVG: spectra, reconstructions and weights. No script, no network.

The axis is in nm, as in the figures of the paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..explain.explanation import Explanation
from ..lines import FILTER_LINES
from ..plots.axis import WaveAxis, short_label
from ..plots.drawing import decimate, nice_ticks, pixel_edges, place_labels, robust_range, runs
from ..plots.palette import palette
from ..run.tabulate import number
from .sides import Picture

Floats = NDArray[np.float64]
WIDTH, LEFT, RIGHT, BOTTOM, LABELS, ROW = 620, 52, 14, 34, 36, 12
NM = 0.1


@dataclass(frozen=True)
class Panel:
    """One panel: a curve, or weights as bars.

    Parameters
    ----------
    y : (p,) array
        Of each pixel.
    title, label : str
        Above the panel and beside its axis.
    model : (p,) array, optional
        A second curve, over the first.
    band : pair of (p,) arrays, optional
        Low and high end of a band behind the curve.
    bars : bool
        Whether `y` is drawn from zero in steps.
    height : int
        Of its frame.
    """

    y: Floats
    title: str = ""
    label: str = ""
    model: Floats | None = None
    band: tuple[Floats, Floats] | None = None
    bars: bool = False
    height: int = 110


def weights_panel(explanation: Explanation, *, title: str = "", height: int = 70) -> Panel:
    """Return the panel of an explanation: each pixel has the weight of its segment.

    Parameters
    ----------
    explanation : Explanation
    title : str
        The largest |weight|, in units of the score, is added to it.
    height : int
    """
    weights = np.asarray(explanation.weights, dtype=np.float64)
    largest = float(np.nanmax(np.abs(weights), initial=0.0))
    said = f"{title}{', ' if title else ''}largest |w| {number(largest)}"
    return Panel(weights[np.asarray(explanation.segments)] / (largest or 1.0), title=said, bars=True, height=height,
                 label="w / max |w|")


def picture(wave: Floats, panels: Sequence[Panel], *, name: str, caption: str) -> Picture:
    """Return panels over each other with one axis, what is written under them, and a legend of what is drawn.

    Parameters
    ----------
    wave : (p,) array
        Vacuum Å at rest.
    panels : sequence of Panel
    name : str
        What a reader without eyes is told.
    caption : str
        What is written under them.
    """
    return Picture(draw(wave, panels, name=name), caption, _legend(panels))


def _legend(panels: Sequence[Panel]) -> tuple[tuple[str, str], ...]:
    """Return colour and name of everything that some panels show."""
    colours = palette("light")
    mean = any(panel.band is not None for panel in panels)
    found = (("currentColor", "mean spectrum" if mean else "spectrum", any(not panel.bars for panel in panels)),
             (colours.band, "16th to 84th percentile", mean),
             (colours.vermilion, "reconstruction", any(panel.model is not None for panel in panels)),
             (colours.blue, f"{'mean |weight|' if mean else 'weight'} of a segment",
              any(panel.bars for panel in panels)))
    return tuple((colour, said) for colour, said, there in found if there)


def draw(wave: Floats, panels: Sequence[Panel], *, name: str) -> str:
    """Return panels over each other with one axis, and the strong lines of galaxies marked, as an inline SVG."""
    frame = _Frame(np.asarray(wave, dtype=np.float64) * NM)
    top, parts = LABELS, list[str]()
    for panel in panels:
        top += 18 if panel.title else 8
        parts.append(frame.panel(panel, top))
        top += panel.height
    parts = [frame.lines(LABELS, top), *parts, frame.axis(top)]
    tall = top + BOTTOM
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {tall}" width="100%" role="img" '
            f'aria-label="{escape(name)}" fill="currentColor" font-family="Helvetica,Arial,sans-serif" font-size="11" '
            f'style="font-variant-numeric:tabular-nums">{"".join(parts)}</svg>')


class _Frame:
    """The wavelength axis that the panels of a picture share."""

    def __init__(self, x: Floats) -> None:
        self.x, self.edges, self.colours = x, pixel_edges(x), palette("light")
        step = np.diff(x)
        self.gaps = np.concatenate([step > 3 * np.median(step), [False]]) if x.size > 1 else np.zeros(1, dtype=bool)

    def across(self, x: Any) -> Floats:
        low, high = self.edges[0], self.edges[-1]
        return np.asarray(LEFT + (np.asarray(x, dtype=np.float64) - low) / (high - low) * (WIDTH - LEFT - RIGHT))

    def axis(self, low: int) -> str:
        parts = []
        for tick in nice_ticks(float(self.edges[0]), float(self.edges[-1]), 8):
            at = float(self.across(tick))
            parts.append(f'<path d="M{at:.1f} {low}v4" stroke="currentColor" stroke-opacity=".4"/>'
                         f'<text x="{at:.1f}" y="{low + 15}" text-anchor="middle">{tick:g}</text>')
        middle = (LEFT + WIDTH - RIGHT) / 2
        return "".join(parts) + (f'<text x="{middle:.0f}" y="{low + 29}" text-anchor="middle" opacity=".75">'
                                 "vacuum wavelength at rest (nm)</text>")

    def lines(self, top: int, low: int) -> str:
        inside = WaveAxis("rest", "nm", None).lines_within(float(self.edges[0]), float(self.edges[-1]), ("emission",))
        found = [(line, at) for line, at in inside if line.name in FILTER_LINES]
        centres = [float(self.across(at)) for _, at in found]
        placed = place_labels([at - LEFT for at in centres], [short_label(line) for line, _ in found], 2,
                              width=WIDTH - LEFT - RIGHT)
        parts = []
        for (line, _), at, (row, shift) in zip(found, centres, placed, strict=True):
            if row < 0:
                continue
            high = top - 8 - ROW * row
            parts.append(f'<path d="M{at:.1f} {high}V{low}" stroke="{self.colours.blue}" stroke-opacity=".35" '
                         f'stroke-dasharray="2 3"/><text x="{at + shift:.1f}" y="{high - 4}" text-anchor="middle" '
                         f'fill="{self.colours.blue}" font-size="10">{escape(short_label(line))}</text>')
        return "".join(parts)

    def panel(self, panel: Panel, top: int) -> str:
        low, high = _limits(panel)
        base = top + panel.height

        def down(y: Any) -> Floats:
            return np.asarray(base - (np.clip(y, low, high) - low) / (high - low) * panel.height)

        parts = [f'<path d="M{LEFT} {top}V{base}H{WIDTH - RIGHT}" fill="none" stroke="currentColor" '
                 'stroke-opacity=".4"/>']
        for tick in nice_ticks(low, high, 3 if panel.height < 100 else 4):
            at = float(down(tick))
            parts.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="currentColor" stroke-opacity=".12"/>'
                         f'<text x="{LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>')
        if panel.title:
            parts.append(f'<text x="{LEFT}" y="{top - 5}" font-weight="600">{escape(panel.title)}</text>')
        if panel.label:
            parts.append(f'<text transform="translate(11 {(top + base) / 2:.0f}) rotate(-90)" text-anchor="middle" '
                         f'opacity=".75">{escape(panel.label)}</text>')
        if panel.bars:
            return "".join([*parts, self._bars(down(panel.y), float(down(0.0)))])
        if panel.band is not None:
            parts.append(self._band(down(panel.band[0]), down(panel.band[1])))
        parts.append(self._curve(down(panel.y), "currentColor", 0.9))
        if panel.model is not None:
            parts.append(self._curve(down(panel.model), self.colours.vermilion, 1.1))
        return "".join(parts)

    def _curve(self, y: Floats, colour: str, width: float) -> str:
        x, thin = decimate(self.x, np.where(self.gaps, np.nan, y), (WIDTH - LEFT - RIGHT) // 2)
        points = [f"{a:.1f} {b:.1f}" for a, b in zip(self.across(x).tolist(), thin.tolist(), strict=True)]
        pieces = ["M" + "L".join(points[i:j]) for i, j in runs(np.isfinite(thin))]
        return (f'<path d="{"".join(pieces)}" fill="none" stroke="{colour}" stroke-width="{width}" '
                'stroke-linejoin="round"/>')

    def _band(self, low: Floats, high: Floats) -> str:
        known = np.isfinite(low) & np.isfinite(high)
        pieces = []
        for i, j in runs(known):
            step = max(1, (j - i) // 400)
            at = self.across(self.x[i:j:step]).tolist()
            there = "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(at, low[i:j:step].tolist(), strict=True))
            back = "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(at[::-1], high[i:j:step].tolist()[::-1], strict=True))
            pieces.append(f"M{there}L{back}Z")
        return f'<path d="{"".join(pieces)}" fill="{self.colours.band}" fill-opacity=".6"/>'

    def _bars(self, y: Floats, zero: float) -> str:
        change = np.flatnonzero(np.diff(y) != 0) + 1
        starts, stops = np.concatenate([[0], change]), np.concatenate([change, [y.size]])
        pieces = []
        for i, j in zip(starts.tolist(), stops.tolist(), strict=True):
            if np.isfinite(y[i]):
                a, b = float(self.across(self.edges[i])), float(self.across(self.edges[j]))
                pieces.append(f"M{a:.1f} {zero:.1f}V{y[i]:.1f}H{b:.1f}V{zero:.1f}Z")
        return f'<path d="{"".join(pieces)}" fill="{self.colours.blue}" fill-opacity=".8"/>'


def _limits(panel: Panel) -> tuple[float, float]:
    if panel.bars:
        known = panel.y[np.isfinite(panel.y)]
        low, high = min(0.0, float(known.min(initial=0.0))), max(0.0, float(known.max(initial=0.0)))
        room = 0.05 * (high - low) or 1.0
        return low - (room if low < 0 else 0.0), high + room
    held = [panel.y, *([] if panel.band is None else panel.band)]
    return robust_range(np.concatenate(held))
