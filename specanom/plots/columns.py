"""What the layers of a figure of a spectrum hold: one function for the columns of each, empty when there is nothing.

Figures that are drawn once and figures whose data change draw the same columns. No bokeh.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .axis import REST_KINDS, WaveAxis, short_label
from .drawing import clipped, place_labels
from .palette import Palette
from .view import Spans, SpectrumView

ROWS = 3
ROW = 14
"""Rows of line labels, and their height in screen pixels."""
NOMINAL = 900
"""Width the first layout of labels supposes, screen pixels; the browser lays them out again for its own."""

Columns = dict[str, Any]


def flux_columns(view: SpectrumView, model: NDArray[np.float64] | None = None) -> Columns:
    """Return places, flux, noise and codes of lines and sky; with a `model`, that and the residual.

    The band of noise lies around the flux (``low``, ``high``), or around no residual when there is a model (``below``).
    """
    y, sigma = view.y.astype(np.float32), view.sigma.astype(np.float32)
    data: Columns = {"x": view.x, "y": y, "sigma": sigma, "line": view.axis.line_names(view.x)[0],
                     "sky": view.axis.sky_names(view.x)[0]}
    if model is not None:
        fitted = model.astype(np.float32)
        data |= {"reconstruction": fitted, "residual": y - fitted, "below": -sigma}
    elif np.isfinite(sigma).any():
        data |= {"low": y - sigma, "high": y + sigma}
    return data


def aside_columns(view: SpectrumView, flags: NDArray[np.bool_]) -> Columns:
    """Return the borders and values of pixels that have a flux but are no part of the curve, a NaN between runs.

    A step with ``mode="after"`` draws each from its left to its right border.
    """
    where = np.flatnonzero(flags & np.isfinite(view.spectrum.flux))
    if not where.size:
        return {"x": np.empty(0, np.float32), "y": np.empty(0, np.float32)}
    last = np.concatenate([np.diff(where) > 1, [True]])
    flux = view.spectrum.flux[where]
    steps = np.where(last, 3, 1)  # the last pixel of a run is followed by its right border and a gap
    starts = np.cumsum(steps) - steps
    x, y = np.full(int(steps.sum()), np.nan), np.full(int(steps.sum()), np.nan, dtype=np.float32)
    x[starts], y[starts] = view.edges[where], flux
    x[starts[last] + 1], y[starts[last] + 1] = view.edges[where[last] + 1], flux[last]
    x[starts[last] + 2] = view.edges[where[last] + 1]
    return {"x": x[:-1], "y": y[:-1]}


def span_columns(spans: Spans) -> Columns:
    """Return where spans begin and end."""
    return {"x0": [lo for lo, _ in spans], "x1": [hi for _, hi in spans]}


def sky_columns(axis: WaveAxis, window: tuple[float, float]) -> Columns:
    """Return telluric bands and the 5577 Å mask that reach into `window`."""
    bands = [(band.name, lo, hi) for band, lo, hi in axis.sky_bands() if hi > window[0] and lo < window[1]]
    return {"x0": [lo for _, lo, _ in bands], "x1": [hi for _, _, hi in bands], "name": [name for name, _, _ in bands]}


def clipped_columns(x: Any, y: Any, limits: tuple[float, float]) -> Columns:
    """Return where the arrows at pixels beyond `limits` go, which way they point and the value they stand for."""
    xs, edges, values = clipped(x, y, limits)
    up = [edge == limits[1] for edge in edges]
    inset = 0.02 * (limits[1] - limits[0])
    return {"x": xs, "y": [edge - inset if high else edge + inset for edge, high in zip(edges, up, strict=True)],
            "value": values, "angle": [0.0 if high else np.pi for high in up]}


def line_colours(colours: Palette) -> dict[str, str]:
    """Return the colour of each kind of line."""
    return {"emission": colours.blue, "uv": colours.ultraviolet, "absorption": colours.absorption,
            "sky": colours.airglow}


def line_columns(axis: WaveAxis, window: tuple[float, float], colours: Palette,
                 kinds: Sequence[str] = REST_KINDS) -> Columns:
    """Return the lines of some `kinds` within `window`: places, names, colours, and where labels go.

    The most telling lines come first; ``alpha`` is 0 for a label there is no room for.
    """
    lo, hi = window
    found = axis.lines_within(lo, hi, kinds)
    labels = [short_label(item) for item, _ in found]
    placed = place_labels([(at - lo) / (hi - lo) * NOMINAL for _, at in found], labels, ROWS, width=NOMINAL)
    return {
        "x": [at for _, at in found], "label": labels, "name": [item.label for item, _ in found],
        "row": [(ROWS - 1 - max(row, 0)) * ROW + 2 for row, _ in placed], "shift": [shift for _, shift in placed],
        "alpha": [float(row >= 0) for row, _ in placed],
        "color": [line_colours(colours)[item.kind] for item, _ in found],
    }
