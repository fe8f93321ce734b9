"""Which cluster of ours is like which of the paper: told by where its weight lies, not by its number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..lines import C_KMS, FILTER_LINES, LINES
from .sides import Side

Floats = NDArray[np.float64]
LEADERS: dict[int, tuple[str, ...]] = {1: ("Ha", "NII6550", "NII6585"), 2: ("OII3727", "OII3730"),
                                       3: ("OIII4960", "OIII5008")}
"""The lines that lead clusters 1, 2 and 3 of the paper."""
CLIPPED, DIFFUSE = "clipped", "diffuse"
WINDOWS = (5540.0, 5615.0)
"""The mask at 5577 Å and the windows that it is overwritten from, observed Å."""
WIDTH = 600.0
"""Half width within which a pixel counts as a line's, km/s."""
LEAST = 1.5
"""How many times its share of the pixels the weight on lines must be, for a cluster not to be called diffuse."""


def on_lines(wave: Floats, names: Sequence[str] | None = None, width: float = WIDTH) -> NDArray[np.bool_]:
    """Return which pixels lie on emission lines, ``(p,)``: of these names, or of all that are strong in galaxies."""
    chosen = set(names or FILTER_LINES)
    made = np.zeros(wave.shape, dtype=bool)
    for line in LINES:
        if line.name in chosen:
            made |= np.abs(wave / line.wave - 1) * C_KMS <= width
    return made


def share_of(weights: Floats, segments: NDArray[Any], where: NDArray[np.bool_]) -> float:
    """Return the share of Σ|weight| of the segments that reach into `where`.

    A segment is wider than a line: it counts when the line is in it.
    """
    size = np.abs(np.nan_to_num(np.asarray(weights, dtype=np.float64)))
    inside = np.zeros(size.size, dtype=bool)
    inside[np.unique(np.asarray(segments)[where])] = True
    return float(size[inside].sum() / size.sum()) if size.sum() > 0 else float("nan")


def even(segments: NDArray[Any], where: NDArray[np.bool_]) -> float:
    """Return the share of the segments that reach into `where`: what :func:`share_of` gives equal weights."""
    return float(np.unique(np.asarray(segments)[where]).size / np.unique(segments).size)


def kind_of(cluster: Any, summary: Any) -> int | str:
    """Return which clusters of the paper one of ours is like: 1, 2, 3, clipped or diffuse."""
    segments, wave = np.asarray(summary.segments), np.asarray(summary.wave, dtype=np.float64)
    lines = on_lines(wave)
    if share_of(cluster.weights, segments, lines) < min(0.9, LEAST * even(segments, lines)):
        return DIFFUSE
    shares = {group: share_of(cluster.weights, segments, on_lines(wave, names)) for group, names in LEADERS.items()}
    leading = max(shares, key=lambda group: shares[group])
    low, _, high = (5008.24 * (1 + z) for z in cluster.z)
    if leading == 3 and WINDOWS[0] <= low and high <= WINDOWS[1]:
        return CLIPPED
    return leading


def grouped(side: Side) -> dict[int | str, list[Any]]:
    """Return the clusters of a run by which of the paper's they are like, the largest first."""
    made: dict[int | str, list[Any]] = {DIFFUSE: [], CLIPPED: [], 1: [], 2: [], 3: []}
    for cluster in side.content.summary:
        made[kind_of(cluster, side.content.summary)].append(cluster)
    return made
