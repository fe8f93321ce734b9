"""A spectrum as a small inline SVG: what a notebook shows for a Spectrum. Needs neither bokeh nor a network.

Text and curve take the colour of the page around them, so the picture fits light and dark notebooks.
"""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from ..seeds import content_hash
from ..spectrum import Spectrum
from .axis import short_label
from .drawing import Floats, clipped, decimate, nice_ticks, place_labels, runs
from .view import SpectrumView, describe, flux_label

LEFT, RIGHT, TOP, BOTTOM = 58, 12, 44, 40
ACCENT = {"emission": "#2f8fd0", "absorption": "#1c9a76", "uv": "#2f8fd0", "sky": "#c98a00"}


def thumbnail(spectrum: Spectrum, *, width: int = 760, height: int = 230, unit: str = "Å", lines: bool = True) -> str:
    """Draw a spectrum as HTML holding one inline SVG.

    Parameters
    ----------
    spectrum : Spectrum
        What to draw, in its own frame.
    width, height : int
        Size in CSS pixels; the picture shrinks with the page.
    unit : {"Å", "nm"}
        Unit of the wavelength axis.
    lines : bool
        Whether to mark spectral lines (needs a redshift in the observed frame).

    Returns
    -------
    str
        Escaped and self-contained; a few kB, whatever the number of pixels.
    """
    view = _View(SpectrumView.of(spectrum, None, unit), width, height)
    marks = view.line_marks() if lines else ""
    body = "".join([view.hatching(), view.axes(), marks, view.curve(), view.arrows()])
    name = escape(describe(spectrum))
    return (
        f'<div class="specanom-thumbnail" style="max-width:{width}px;margin:4px 0">'
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="100%" role="img" '
        f'aria-label="{name}" fill="currentColor" font-family="Helvetica,Arial,sans-serif" font-size="11" '
        f'style="font-variant-numeric:tabular-nums">'
        f'<text x="{LEFT}" y="15" font-size="13" font-weight="600">{name}</text>{body}</svg></div>'
    )


class _View:
    """Scales of one thumbnail and the parts drawn with them."""

    def __init__(self, view: SpectrumView, width: int, height: int) -> None:
        self.spectrum, self.axis, self.width, self.height = view.spectrum, view.axis, width, height
        self.view, self.x, self.edges, self.y, self.limits = view, view.x, view.edges, view.y, view.limits

    def sx(self, x: Any) -> Any:
        lo, hi = self.edges[0], self.edges[-1]
        return LEFT + (np.asarray(x) - lo) / (hi - lo) * (self.width - LEFT - RIGHT)

    def sy(self, y: Any) -> Any:
        lo, hi = self.limits
        share = (np.clip(np.asarray(y, dtype=np.float64), lo, hi) - lo) / (hi - lo)
        return self.height - BOTTOM - share * (self.height - TOP - BOTTOM)

    def curve(self) -> str:
        x, y = decimate(self.x, self.y, max(1, (self.width - LEFT - RIGHT) // 2))
        pieces = []
        for start, stop in runs(np.isfinite(y)):
            pieces.append(_path(self.sx(x[start:stop]), self.sy(y[start:stop])))
        return (f'<path d="{"".join(pieces)}" fill="none" stroke="currentColor" stroke-width="1" '
                f'stroke-linejoin="round" stroke-linecap="square"/>')

    def hatching(self) -> str:
        hatched = self.view.masked + self.view.imputed
        if not hatched:
            return ""
        key = "h" + content_hash(self.spectrum.id, self.spectrum.wave)
        top, tall = TOP, self.height - TOP - BOTTOM
        boxes = []
        for lo, hi in hatched:
            left, right = self.sx(lo), self.sx(hi)
            boxes.append(f"M{left:.1f} {top}h{max(right - left, 0.6):.1f}v{tall}h-{max(right - left, 0.6):.1f}z")
        return (f'<defs><pattern id="{key}" width="5" height="5" patternUnits="userSpaceOnUse" '
                f'patternTransform="rotate(45)"><path d="M0 0V5" stroke="currentColor" stroke-opacity=".45"/></pattern>'
                f'</defs><path d="{"".join(boxes)}" fill="url(#{key})"><title>masked or imputed</title></path>')

    def axes(self) -> str:
        low, right = self.height - BOTTOM, self.width - RIGHT
        parts = [f'<path d="M{LEFT} {TOP}V{low}H{right}" fill="none" stroke="currentColor" stroke-opacity=".4"/>']
        for tick in nice_ticks(float(self.edges[0]), float(self.edges[-1]), 7):
            at = self.sx(tick)
            parts.append(f'<path d="M{at:.1f} {low}v4" stroke="currentColor" stroke-opacity=".4"/>'
                         f'<text x="{at:.1f}" y="{low + 15}" text-anchor="middle">{tick:g}</text>')
        for tick in nice_ticks(*self.limits, 4):
            at = self.sy(tick)
            parts.append(f'<path d="M{LEFT} {at:.1f}H{right}" stroke="currentColor" stroke-opacity=".12"/>'
                         f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>')
        middle = (TOP + low) / 2
        parts.append(f'<text x="{(LEFT + right) / 2:.0f}" y="{self.height - 6}" text-anchor="middle" opacity=".75">'
                     f"{escape(self.axis.label)}</text>")
        called = escape(flux_label(self.spectrum.scale, self.spectrum.meta))
        parts.append(f'<text transform="translate(12 {middle:.0f}) rotate(-90)" text-anchor="middle" opacity=".75">'
                     f"{called}</text>")
        return "".join(parts)

    def line_marks(self) -> str:
        found = self.axis.lines_within(float(self.edges[0]), float(self.edges[-1]))
        centres = [float(self.sx(at)) for _, at in found]
        labels = [short_label(item) for item, _ in found]
        inside = self.width - LEFT - RIGHT
        placed = place_labels([centre - LEFT for centre in centres], labels, 2, width=inside)
        parts = []
        for (item, _), centre, label, (row, shift) in zip(found, centres, labels, placed, strict=True):
            colour, low = ACCENT[item.kind], self.height - BOTTOM
            parts.append(f'<path d="M{centre:.1f} {TOP}V{low}" stroke="{colour}" stroke-opacity=".5" '
                         f'stroke-dasharray="2 3"><title>{escape(item.label)}</title></path>')
            if row >= 0:
                parts.append(f'<text x="{centre + shift:.1f}" y="{TOP - 3 - 11 * row}" text-anchor="middle" '
                             f'fill="{colour}" font-size="10">{escape(label)}</text>')
        return "".join(parts)

    def arrows(self) -> str:
        xs, edges, values = clipped(self.x, self.y, self.limits)
        parts = []
        for x, edge, value in zip(xs, edges, values, strict=True):
            up = edge == self.limits[1]
            at, tip = self.sx(x), (TOP if up else self.height - BOTTOM)
            back = 7 if up else -7
            parts.append(f'<path d="M{at:.1f} {tip}l4 {back}h-8z" fill="#d55e00"><title>{value:.3g}</title></path>')
        return "".join(parts)


def _path(x: Floats, y: Floats) -> str:
    points = [f"{a:.1f} {b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    return f"M{points[0]}h.1" if len(points) == 1 else "M" + "L".join(points)
