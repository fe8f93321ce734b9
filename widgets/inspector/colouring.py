"""Columns as colours of points: numbers on one scale, groups by one colour each, the unknown in grey and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from specanom.diagnostics import CLASSES
from specanom.errors import choice
from specanom.plots.diagrams import ROLES
from specanom.plots.drawing import nice_ticks
from specanom.plots.palette import Palette
from specanom.plots.theme import plain

from .members import Members

CHOICES = {
    "cluster": "cluster", "score": "score", "z": "redshift z", "snr": "S/N per pixel", "bpt": "BPT class",
    "artefact": "probability of an artefact",
}
"""What points can be coloured by, and what the legend calls it."""
LETTERS = 16
"""Longest name in the legend."""
CLIPPED = (2.0, 98.0)
"""Percentiles at the ends of the scale: a few extreme values do not flatten the others."""


@dataclass(frozen=True, eq=False)
class Colouring:
    """How points are coloured.

    Attributes
    ----------
    values : (n,) float32 array
        Place on the scale; NaN where unknown.
    colours : tuple of str
        The scale, from `low` to `high`.
    low, high : float
        Ends of the scale.
    ticks : mapping
        Place on the scale → what is written there.
    title : str
        Name and unit.
    unknown : int
        Points without a value, drawn in grey.
    """

    values: NDArray[np.float32]
    colours: tuple[str, ...]
    low: float
    high: float
    ticks: Mapping[float, str]
    title: str
    unknown: int


def colouring(by: str, members: Members, labels: NDArray[np.intp], *, names: Mapping[int, str],
              palette: Palette) -> Colouring:
    """Colour the members by one of :data:`CHOICES`.

    Parameters
    ----------
    by : str
        What.
    members : Members
        The columns.
    labels : (n,) int array
        Cluster of each, −1 for those left out.
    names : mapping
        What the clusters are called.
    palette : Palette
        Colours of the theme.
    """
    choice("colour", by, CHOICES)
    if by == "cluster":
        count = int(labels.max(initial=-1)) + 1
        texts = [f"{k} {names[k]}" if k in names else str(k) for k in range(count)]
        return _groups(labels, texts, [palette.categories[k % 12] for k in range(count)], CHOICES[by])
    if by == "bpt":
        known = [name for name in CLASSES if name != "none"]
        codes = np.array([known.index(one) if one in known else -1 for one in members.bpt], dtype=np.intp)
        return _groups(codes, known, [getattr(palette, ROLES[name]) for name in known], CHOICES[by])
    return _numbers(np.asarray(getattr(members, by), dtype=np.float64), by, palette)


def _groups(codes: NDArray[np.intp], texts: list[str], colours: list[str], title: str) -> Colouring:
    values = np.where(codes >= 0, codes, np.nan).astype(np.float32)
    ticks = {float(k): plain(text if len(text) <= LETTERS else text[: LETTERS - 1] + "…")
             for k, text in enumerate(texts)}
    return Colouring(values, tuple(colours) or ("#808080",), -0.5, max(0.5, len(texts) - 0.5), ticks, title,
                     int((codes < 0).sum()))


def _numbers(values: NDArray[np.float64], by: str, palette: Palette) -> Colouring:
    finite = values[np.isfinite(values)]
    low, high = (0.0, 1.0)
    if by != "artefact" and finite.size:
        low, high = map(float, np.percentile(finite, CLIPPED))
        if not high > low:
            low, high = low - 0.5, high + 0.5
    # Numbers as they are written best: no "0.30000000000000004".
    ticks = {tick: f"{tick:.6g}" for tick in nice_ticks(low, high, 5)}
    return Colouring(values.astype(np.float32), palette.scale(), low, high, ticks, CHOICES[by],
                     int(values.size - finite.size))
