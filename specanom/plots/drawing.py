"""Geometry of drawing: what a figure needs to know about arrays before it draws them. Nothing scientific, no bokeh."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
PEAK_GAIN = 2.2
"""How far a pixel may stand above the median of the five pixels around it before it is taken for a spike.

An unresolved SDSS line (sigma 1.1 pixels) has a five-pixel median of 0.66 of its peak, hence a gain of 1.5; a cosmic
ray one or two pixels wide has a median of nothing."""


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return ``(start, stop)`` of each run of True."""
    padded = np.concatenate([[False], np.asarray(flags, dtype=bool), [False]])
    change = np.flatnonzero(padded[1:] != padded[:-1])
    return list(zip(change[::2].tolist(), change[1::2].tolist(), strict=True))


def pixel_edges(wave: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ``p + 1`` borders of pixels with centres `wave`; a lone pixel is taken to be 1 wide."""
    if wave.size == 1:
        return np.array([wave[0] - 0.5, wave[0] + 0.5])
    inner = (wave[1:] + wave[:-1]) / 2
    return np.concatenate([[2 * wave[0] - inner[0]], inner, [2 * wave[-1] - inner[-1]]])


def decimate(x: Floats, y: Floats, columns: int) -> tuple[Floats, Floats]:
    """Thin a curve to the lowest and highest point of each of `columns` stretches, so that no peak is lost.

    Points keep their order; a stretch without a finite value keeps one NaN, so that gaps stay gaps. Curves that are
    short enough already come back as they are.
    """
    if y.size <= 2 * columns:
        return x, y
    kept: list[int] = []
    bounds = np.linspace(0, y.size, columns + 1).astype(int)
    for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        part = y[start:stop]
        if not np.isfinite(part).any():
            kept.append(start)
            continue
        kept.extend(sorted({start + int(np.nanargmin(part)), start + int(np.nanargmax(part))}))
    return x[kept], y[kept]


def robust_range(flux: Floats, sigma: Floats | None = None) -> tuple[float, float]:
    """Return y limits that hold every real feature but are not set by spikes.

    Parameters
    ----------
    flux : (p,) array
        NaN where the pixel must not count.
    sigma : (p,) array, optional
        Noise of each pixel; a feature below 4 sigma cannot widen the range beyond the percentiles.

    Returns
    -------
    lo, hi : float
        With 6 % of room; 0 and 1 when nothing is finite. Zero is inside when it is near.
    """
    values = np.asarray(flux, dtype=np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        return 0.0, 1.0
    good = values[finite]
    base = float(np.median(good))
    local = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(good, 2, mode="edge"), 5), axis=1)
    held = np.clip(good, base - PEAK_GAIN * np.maximum(base - local, 0), base + PEAK_GAIN * np.maximum(local - base, 0))
    if sigma is not None:
        noise = np.asarray(sigma, dtype=np.float64)[finite]
        held = np.where(np.abs(local - base) > 4 * np.where(np.isfinite(noise), noise, 0), held, base)
    lo, hi = np.percentile(good, [0.5, 99.5])
    lo, hi = min(lo, float(held.min())), max(hi, float(held.max()))
    if good.size < 50:  # too few to tell a spike from a feature
        lo, hi = float(good.min()), float(good.max())
    if 0 < lo < 0.6 * hi:
        lo = 0.0
    room = 0.06 * (hi - lo) or 0.5 * abs(hi) or 0.5
    return lo - room, hi + room


def clipped(x: Floats, y: Floats, limits: tuple[float, float]) -> tuple[list[float], list[float], list[float]]:
    """Return x, the edge and the true value of what `limits` cut off, one entry a run of pixels."""
    xs: list[float] = []
    edges: list[float] = []
    values: list[float] = []
    for edge, sign in ((limits[0], -1.0), (limits[1], 1.0)):
        with np.errstate(invalid="ignore"):
            beyond = sign * np.asarray(y) > sign * edge
        for start, stop in runs(beyond):
            peak = start + int(np.argmax(sign * np.asarray(y[start:stop])))
            xs.append(float(x[peak]))
            edges.append(edge)
            values.append(float(y[peak]))
    return xs, edges, values


def nice_ticks(lo: float, hi: float, count: int = 6) -> list[float]:
    """Return about `count` round numbers between `lo` and `hi`."""
    if not (math.isfinite(lo) and math.isfinite(hi)) or hi <= lo:
        return [lo] if math.isfinite(lo) else []
    raw = (hi - lo) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first = math.ceil(lo / step - 1e-9)
    return [round(i * step, 12) for i in range(first, math.floor(hi / step + 1e-9) + 1)]


def place_labels(
    centres: Sequence[float], texts: Sequence[str], rows: int, *, width: float, letter: float = 5.8
) -> list[tuple[int, float]]:
    """Give each label a row so that none overlaps; earlier labels go first.

    Parameters
    ----------
    centres : sequence of float
        Where each label belongs, screen pixels from the left, most important first.
    texts : sequence of str
        What is written; the same text within 44 pixels is written once.
    rows : int
        How many rows there are.
    width : float
        Width of the panel, screen pixels; labels are shifted to stay inside.
    letter : float
        Width of a letter, screen pixels.

    Returns
    -------
    list of (row, shift)
        Row -1 means there is no room; `shift` is how far the label is moved to the right.
    """
    taken: list[list[tuple[float, float]]] = [[] for _ in range(rows)]
    written: list[tuple[str, float]] = []
    result = []
    for at, text in zip(centres, texts, strict=True):
        half = (len(text) * letter + 8) / 2
        centre = min(max(at, half), width - half)
        double = any(text == other and abs(centre - x) < 44 for other, x in written)
        free = (r for r in range(rows) if all(centre + half <= a or centre - half >= b for a, b in taken[r]))
        row = next(free, -1) if not double and 0 <= at <= width else -1
        if row >= 0:
            taken[row].append((centre - half, centre + half))
            written.append((text, centre))
        result.append((row, centre - at))
    return result


def on_regular(x: Floats, rows: Floats, columns: int) -> NDArray[np.float64]:
    """Average rows of pixels at `x` into equal columns between the ends of `x`, for a picture.

    Parameters
    ----------
    x : (p,) array
        Ascending, at any spacing, with gaps.
    rows : (n, p) array
        NaN is left out of the averages.
    columns : int
        At most so many; no more than p.

    Returns
    -------
    (n, columns) array
        NaN where a gap of `x` lies.
    """
    count = max(1, min(columns, x.size))
    edges = np.linspace(x[0], x[-1], count + 1)
    starts = np.searchsorted(x, edges)
    starts[-1] = x.size
    good = np.isfinite(rows)
    totals = np.zeros((rows.shape[0], x.size + 1))
    seen = np.zeros_like(totals)
    np.cumsum(np.where(good, rows, 0.0), axis=1, out=totals[:, 1:])
    np.cumsum(good, axis=1, out=seen[:, 1:])
    number = seen[:, starts[1:]] - seen[:, starts[:-1]]
    with np.errstate(invalid="ignore", divide="ignore"):
        made = (totals[:, starts[1:]] - totals[:, starts[:-1]]) / number
    # Where pixels are wider than columns, an empty column shows the pixel it lies in; a real gap stays empty.
    centres = (edges[1:] + edges[:-1]) / 2
    after = np.clip(np.searchsorted(x, centres), 1, max(x.size - 1, 1)) if x.size > 1 else np.zeros(count, dtype=int)
    nearest = np.where(centres - x[after - 1] < x[after] - centres, after - 1, after)
    width = 1.5 * np.median(np.diff(x)) if x.size > 1 else np.inf
    empty = (starts[1:] == starts[:-1]) & (np.abs(x[nearest] - centres) <= width)
    made[:, empty] = rows[:, nearest[empty]]
    return np.asarray(made)
