"""Axes of a live figure that are logarithmic for one score and linear for the next.

An axis cannot change its kind while it is shown, so values are drawn as their decadic logarithm where that is wanted,
with ticks that are written as the values themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from bokeh.models import Axis, BasicTicker, FixedTicker, Range1d
from bokeh.plotting import figure
from numpy.typing import ArrayLike

from specanom.plots.counting import Doubles, positive

ROOM = 0.05
"""Share of the span that is left free at each end."""


@dataclass(frozen=True)
class Scale:
    """Where values are drawn: at their logarithm, or as they are."""

    log: bool

    @classmethod
    def of(cls, values: Doubles) -> Scale:
        """Return the scale that suits: logarithmic for values that are positive throughout."""
        return cls(positive(values))

    def place(self, values: Doubles) -> Doubles:
        """Return where values are drawn; NaN where they have no place."""
        if not self.log:
            return np.asarray(values, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(values > 0, np.log10(np.where(values > 0, values, 1.0)), np.nan)

    def value(self, place: float) -> float:
        """Return what is drawn at a place."""
        return float(10.0**place) if self.log else float(place)


def log_ticks(lo: float, hi: float) -> dict[float, str]:
    """Return places (decadic logarithms) of ticks between `lo` and `hi` and what is written at each.

    Examples
    --------
    >>> log_ticks(-1.05, 1.0)
    {-1.0: '0.1', 0.0: '1', 1.0: '10'}
    """
    span = hi - lo
    steps = (1,) if span > 2.0 else (1, 3) if span > 1.2 else (1, 2, 5) if span > 0.6 else (1, 1.5, 2, 3, 4, 5, 6, 8)
    decades = range(int(np.floor(lo)), int(np.ceil(hi)) + 1)
    every = max(1, round(span / 6))
    found = {e + float(np.log10(step)): f"{step * 10.0**e:.4g}" for e in decades if e % every == 0 for step in steps}
    return {at: text for at, text in found.items() if lo <= at <= hi}


def show_scale(axis: Axis, scale: Scale, lo: float, hi: float) -> None:
    """Write an axis that runs from place `lo` to `hi`."""
    if scale.log:
        ticks = log_ticks(lo, hi)
        axis.ticker = FixedTicker(ticks=list(ticks))
        axis.major_label_overrides = dict(ticks)
    else:
        axis.major_label_overrides = {}
        axis.ticker = BasicTicker(desired_num_ticks=5)


def show_counts(axis: Axis, highest: float) -> None:
    """Write an axis of counts that are drawn by :func:`count_place`."""
    ticks = [0] + [10**e for e in range(int(np.log10(max(highest, 1.0))) + 1)]
    axis.ticker = FixedTicker(ticks=[float(count_place(np.array(tick))) for tick in ticks])
    axis.major_label_overrides = {float(count_place(np.array(tick))): f"{tick:,}" for tick in ticks}


def count_place(counts: ArrayLike) -> Doubles:
    """Return where counts are drawn: logarithmic, but for 0, so that one spectrum far out is seen beside thousands."""
    return np.asarray(np.log10(1.0 + np.asarray(counts, dtype=np.float64)))


def fit(span: Range1d, places: Doubles) -> tuple[float, float]:
    """Let a range hold finite places with some room; returns its ends. Its reset goes there too."""
    good = places[np.isfinite(places)]
    lo, hi = (float(good.min()), float(good.max())) if good.size else (0.0, 1.0)
    room = ROOM * (hi - lo) or 0.5
    ends = lo - room, hi + room
    span.update(start=ends[0], end=ends[1], reset_start=ends[0], reset_end=ends[1])
    return ends


def spans() -> dict[str, Range1d]:
    """Return options of a figure whose ranges are set from Python."""
    return {"x_range": Range1d(0.0, 1.0), "y_range": Range1d(0.0, 1.0)}


def nearest(made: figure, x: Doubles, y: Doubles, at: tuple[float, float]) -> int | None:
    """Return which point is nearest to a place of the figure as it is seen, None when there is none."""
    width, height = (span.end - span.start for span in (made.x_range, made.y_range))
    distance = ((x - at[0]) / width) ** 2 + ((y - at[1]) / height) ** 2
    return None if not np.isfinite(distance).any() else int(np.nanargmin(distance))
