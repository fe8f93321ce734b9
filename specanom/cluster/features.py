"""Explanations as rows to cluster: the size of their weights, without sign and without how odd the spectrum is."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, DataError, ShapeError, message
from ..seeds import content_hash
from .places import joins_in, observed_name, segment_name

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LeftOut:
    """An explanation that cannot be clustered, and why."""

    id: str
    reason: str


@dataclass(frozen=True, eq=False)
class Features:
    """What is clustered.

    Attributes
    ----------
    rows : (n, K) array
        |weights| with unit L2 norm; zero where the row is left out.
    kept : (n,) bool array
        Rows that can be clustered.
    ids : tuple of str
        One a row.
    left_out : tuple of LeftOut
        The others.
    segments : (p,) int array or None
        Segment (or common bin) of each pixel.
    wave : (p,) array or None
        Vacuum Å.
    scores : (n,) array or None
        Score of each spectrum.
    context : DataFrame or None
        Share of the weight on lines, masks, sky, … of each explanation.
    names : tuple or None
        Names of the segments of each explanation, n tuples of K, or one tuple for all.
    frame : {"rest", "observed"} or None
        Frame of the segments or bins; None where it is not known.
    edges : (K + 1,) array or None
        Borders of the bins, Å, where the weights were carried into the other frame.
    z : (n,) array or None
        Redshifts they were carried with.
    own : Features or None
        The same explanations in the frame they were made in, where that is another one.
    """

    rows: Floats
    kept: NDArray[np.bool_]
    ids: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    segments: NDArray[np.intp] | None = None
    wave: Floats | None = None
    scores: Floats | None = None
    context: pd.DataFrame | None = field(default=None, repr=False)
    names: tuple[tuple[str, ...], ...] | None = field(default=None, repr=False)
    frame: str | None = None
    edges: Floats | None = field(default=None, repr=False)
    z: Floats | None = field(default=None, repr=False)
    own: Features | None = field(default=None, repr=False)

    @cached_property
    def places(self) -> tuple[str, ...] | None:
        """What lies in each bin, where the weights were carried into the other frame."""
        if self.edges is None:
            return None
        known = {name for row in (self.own.names if self.own is not None else None) or () for name in row}
        spans = zip(self.edges[:-1].tolist(), self.edges[1:].tolist(), strict=True)
        if self.frame == "rest":
            return tuple(segment_name(lo, hi) for lo, hi in spans)
        return tuple(observed_name(lo, hi, joins=joins_in(known)) for lo, hi in spans)

    @property
    def n_segments(self) -> int:
        """Number of segments K."""
        return int(self.rows.shape[1])


def unit_rows(weights: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    """Return |weights| with unit L2 norm, and which rows have one; rows of zeros or NaN become zeros.

    Parameters
    ----------
    weights : (n, K) array
        Signed weights of segments.
    """
    size = np.abs(np.asarray(weights, dtype=np.float64))
    largest = np.max(size, axis=1, initial=0.0)
    kept = np.isfinite(size).all(axis=1) & (largest > 0)
    made = np.zeros_like(size)
    # Dividing by the largest first keeps tiny weights from underflowing in the square.
    scaled = size[kept] / largest[kept, None]
    made[kept] = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    return made, kept


def _checked(weights: Any) -> Floats:
    array = np.asarray(weights, dtype=np.float64)
    if array.ndim != 2:
        raise ShapeError(
            message(
                "explanations",
                expected="weights of shape (n, K)",
                got=f"shape {array.shape}",
                hint="explainer.explain_many(sample)",
            )
        )
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise DataError(
            message(
                "explanations",
                expected="at least one explanation",
                got=f"weights of shape {array.shape}",
                hint="explain the top spectra of a score first: explainer.explain_many(sample)",
            )
        )
    return array


def _reason(row: Floats) -> str:
    return "weights are not finite" if not np.isfinite(row).all() else "all weights are zero"


def _array(source: Any, name: str, dtype: Any) -> NDArray[Any] | None:
    value = getattr(source, name, None)
    return None if value is None else np.asarray(value, dtype=dtype)


def _binned(weights: Floats, segments: NDArray[np.intp], bins: NDArray[np.intp]) -> Floats:
    """Spread each |weight| evenly over its segment's pixels and sum it in common bins, ``(n, n_bins)``."""
    count = int(bins.max()) + 1
    made = np.zeros((len(weights), count))
    for i, (row, ids) in enumerate(zip(np.abs(weights), segments, strict=True)):
        sizes = np.bincount(ids, minlength=row.size)
        made[i] = np.bincount(bins, weights=(row / np.maximum(sizes, 1))[ids], minlength=count)
    return made


def common_bins(pixels: int, count: int) -> NDArray[np.intp]:
    """Return `count` bins of equal width over `pixels` pixels, as segment ids."""
    return (np.arange(pixels) * min(count, pixels)) // pixels


def features_of(explanations: Any, bins: NDArray[np.intp] | None = None) -> Features:
    """Turn an ExplanationSet, or plain weights of shape ``(n, K)``, into rows to cluster.

    Where every spectrum has segments of its own, segment 5 of one is not segment 5 of another: the weights are then
    spread over the pixels and summed in K common bins.

    Parameters
    ----------
    explanations : ExplanationSet or (n, K) array
        Signed weights.
    bins : (p,) int array, optional
        Common bins to use for segments that differ, as from an earlier call.

    Raises
    ------
    ShapeError, DataError
        When the weights are not ``(n, K)``, or there are none.
    """
    if hasattr(explanations, "flux") and not hasattr(explanations, "weights"):
        raise ArgumentError(message("explanations", expected="an ExplanationSet or (n, K) weights",
                                    got=type(explanations).__name__,
                                    hint="Explainer(score).explain_many(sample) makes them of spectra"))
    weights = _checked(getattr(explanations, "weights", explanations))
    ids = getattr(explanations, "ids", None)
    names = [content_hash(row) for row in weights] if ids is None else [str(id) for id in ids]
    if len(names) != len(weights):
        raise ShapeError(message("explanations.ids", expected=f"{len(weights)} ids", got=len(names)))
    segments, labels = _array(explanations, "segments", np.intp), _names(explanations)
    if segments is not None and segments.ndim == 2:
        bins = common_bins(segments.shape[1], weights.shape[1]) if bins is None else bins
        weights, segments, labels = _binned(weights, segments, bins), bins, None
    rows, kept = unit_rows(weights)
    left = tuple(LeftOut(names[i], _reason(weights[i])) for i in np.flatnonzero(~kept))
    scores = _array(explanations, "scores", np.float64)
    return Features(
        rows, kept, tuple(names), left,
        segments=segments, wave=_array(explanations, "wave", np.float64),
        scores=scores if scores is not None else _array(explanations, "score", np.float64),
        context=_context_of(explanations), names=labels, frame=getattr(explanations, "frame", None),
    )  # fmt: skip


def _context_of(explanations: Any) -> pd.DataFrame | None:
    """Return the context shares, with the probability of an artefact, or why it is not told, where there is one."""
    context: pd.DataFrame | None = getattr(explanations, "context", None)
    artefact = getattr(explanations, "artefact", None)
    if context is None or artefact is None:
        return context
    untold = list(getattr(explanations, "untold", ()))
    told = {"untold": untold} if any(untold) else {}
    return context.assign(artefact=np.asarray(artefact), **told)


def _names(explanations: Any) -> tuple[tuple[str, ...], ...] | None:
    names = getattr(explanations, "names", None)
    if names is None:
        return None
    listed = list(names)
    if listed and isinstance(listed[0], str):
        return (tuple(listed),)
    return tuple(tuple(row) for row in listed)
