"""The numbers behind the figures of an explanation, one function a layer: figures that stay and figures that live."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..explain.explanation import Explanation
from .axis import WaveAxis
from .drawing import pixel_edges
from .palette import Palette
from .theme import plain

WHISKERS = 250
"""With more segments than this, intervals are drawn as a band: whiskers would be wider than their bars."""
NARROW = "narrower than the instrument"
ARTEFACTS = ("imputed", "sky", "telluric", "join", NARROW)
OPAQUE = 0.5
"""Opacity of the tint of the segment with the largest weight."""
Columns = dict[str, Any]


def accent(weight: float, colours: Palette) -> str:
    """Return the colour of a weight: vermilion raises the score, blue lowers it."""
    return colours.vermilion if weight >= 0 else colours.blue


def by_width(e: Explanation) -> Explanation:
    """Return the explanation with weights and intervals per Å."""
    return replace(e, weights=e.per_angstrom(), interval=e.interval / e.widths[:, None])


def strength(e: Explanation) -> NDArray[np.float64]:
    """Return weights in units of the largest \\|weight\\|, 0 where there is none, shape ``(K,)``."""
    weights = np.nan_to_num(e.weights)
    most = float(np.abs(weights).max()) if weights.size else 0.0
    return weights / most if most > 0 else np.zeros_like(weights)


def boxes(e: Explanation, axis: WaveAxis) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Return segment, left and right border on the axis of every run of pixels of one segment."""
    change = np.flatnonzero(np.diff(e.segments)) + 1
    starts, stops = np.concatenate([[0], change]), np.concatenate([change, [e.segments.size]])
    edges = axis.place(pixel_edges(np.asarray(e.wave)), e.frame)
    return np.asarray(e.segments[starts]), edges[starts], edges[stops]


def tint_data(e: Explanation, axis: WaveAxis, colours: Palette) -> Columns:
    """Return strips behind the spectrum: borders, colour of the sign, opacity of the size of each weight."""
    segment, left, right = boxes(e, axis)
    share = strength(e)[segment]
    return {"x0": left, "x1": right, "color": [accent(w, colours) for w in share], "alpha": OPAQUE * np.abs(share)}


def weight_data(e: Explanation, axis: WaveAxis, colours: Palette) -> Columns:
    """Return the bars of the weights with their intervals and names."""
    segment, left, right = boxes(e, axis)
    weights = e.weights[segment]
    names = [plain(name) for name in e.names]
    return {
        "left": left, "right": right, "middle": (left + right) / 2, "weight": weights, "low": e.interval[segment, 0],
        "high": e.interval[segment, 1], "name": [names[k] for k in segment], "segment": segment,
        "color": [accent(w, colours) for w in weights],
    }


def reach(e: Explanation) -> tuple[float, float]:
    """Return how far the vertical range of the weights reaches below and above zero."""
    values = np.concatenate([e.weights, e.interval.ravel()])
    values = values[np.isfinite(values)]
    low, high = (float(max(0.0, -values.min())), float(max(0.0, values.max()))) if values.size else (0.0, 0.0)
    room = 0.08 * (low + high) or 1.0
    return low + room, high + room


def leading_data(e: Explanation, colours: Palette, top: int) -> Columns:
    """Return the `top` segments of largest \\|weight\\| by name, with their intervals; equal names are numbered."""
    chosen = [int(k) for k in e.order[: max(1, top)]]
    return {
        "name": unique([plain(e.names[k]) for k in chosen]), "weight": e.weights[chosen],
        "low": e.interval[chosen, 0], "high": e.interval[chosen, 1],
        "color": [accent(float(e.weights[k]), colours) for k in chosen],
    }


def context_data(e: Explanation, colours: Palette) -> Columns:
    """Return the shares of Σ\\|weight\\| by what lies there."""
    shares = {NARROW if name == "narrow" else name: float(value) for name, value in e.context.shares.items()}
    values = np.array(list(shares.values()))
    colour = {"lines": colours.green, "continuum": colours.slate, **dict.fromkeys(ARTEFACTS, colours.amber)}
    return {
        "name": list(shares), "share": np.nan_to_num(values), "color": [colour.get(n, colours.purple) for n in shares],
        "text": ["unknown" if np.isnan(v) else f"{v:.0%}" for v in values],
    }


def context_title(e: Explanation) -> str:
    """Return the title over the shares, with the probability of an artefact and a second redshift where known."""
    artefact, second = e.context.artefact, e.context.z_second
    told = "" if np.isnan(artefact) else f" · artefact: {artefact:.0%}"
    if e.context.untold:
        return f"Weight · artefact: {e.context.untold}"  # the frame has room for no more
    return f"Where the weight lies{told}" + ("" if np.isnan(second) else f" · lines at z = {second:.4f}")


def explanation_title(e: Explanation) -> str:
    """Return id, score and grade."""
    name = str(e.settings.get("score", "")) if isinstance(e.settings.get("score"), str) else "score"
    return f"{e.id} · {name or 'score'} {e.score:.4g} · {e.grade} ({e.reason})"


def unique(names: list[str]) -> list[str]:
    """Number repeated names, as a factor range needs."""
    return [name if name not in names[:i] else f"{name} ({names[:i].count(name) + 1})" for i, name in enumerate(names)]
