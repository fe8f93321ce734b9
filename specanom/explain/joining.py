"""Sets of explanations joined end to end, column by column: what explain_many gathers, block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, GridError, message
from .explanation import Explanation
from .names import NONE, Names

if TYPE_CHECKING:
    from .explanationset import ExplanationSet

TEXT = ("ids", "grades", "reasons", "paths", "kernels", "untold")
NUMBERS = ("scores", "intercepts", "r2", "ess", "stability", "completeness", "n_samples", "artefact", "z_second")
BY_SEGMENT = ("weights", "interval", "error", "narrow")
ARRAYS = ("weights", "interval", "error", "shares", *NUMBERS)


class Joining:
    """Collects sets on one grid, made with the same settings, and drops what they share.

    Memory is that of the columns: wavelengths, settings, common segments and equal texts are kept once.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.rows = 0
        self._first: dict[str, Any] = {}
        self._columns: dict[str, list[Any]] = {name: [] for name in (*ARRAYS, "narrow", "flux")}
        self._text: dict[str, list[str]] = {name: [] for name in TEXT}
        self._codes: list[NDArray[np.int32]] = []
        self._cuts: list[tuple[int, NDArray[np.intp] | None]] = []
        self._vocabulary: dict[str, int] = {}
        self._equal: dict[str, str] = {}

    def append(self, block: ExplanationSet) -> None:
        """Add the explanations of a block.

        Raises
        ------
        GridError, DataError
            When its wavelengths or its settings are others than those of the first.
        """
        if not self._first:
            self._first = {"wave": block.wave, "frame": block.frame, "settings": dict(block.settings),
                           "segments": block.segments if block.segments.ndim == 1 else block.segments[0]}
        check_same(self._first, block)
        shared = block.segments.ndim == 1 and same_array(block.segments, self._first["segments"])
        self._cuts.append((len(block), None if shared else block.segments))
        for name, parts in self._columns.items():
            parts.append(getattr(block, name))
        for name, values in self._text.items():
            values += [self._equal.setdefault(text, text) for text in getattr(block, name)]
        self._codes.append(block.names.coded(self._vocabulary))
        self.rows += len(block)

    def finish(self) -> dict[str, Any]:
        """Return the constructor arguments of the joined set and forget the parts.

        Raises
        ------
        DataError
            When nothing was added.
        """
        if not self.rows:
            raise DataError(message("explanations", expected="at least one", got="none"))
        k = max(codes.shape[1] for codes in self._codes)
        made: dict[str, Any] = {**self._first, **self._text, "segments": self._segments()}
        for name in list(self._columns):
            parts = self._columns.pop(name)
            if any(part is None for part in parts):
                made[name] = None
                continue
            made[name] = np.concatenate(
                [widened(part, k, empty_of(part)) for part in parts] if name in BY_SEGMENT else parts)
        made["names"] = Names(np.concatenate([widened(codes, k, NONE) for codes in self._codes]),
                              list(self._vocabulary))
        self._begin()
        return made

    def _segments(self) -> NDArray[np.intp]:
        first: NDArray[np.intp] = self._first["segments"]
        if all(cut is None for _, cut in self._cuts):
            return first
        return np.concatenate([np.broadcast_to(first if cut is None else cut, (rows, first.size))
                               for rows, cut in self._cuts])


def check_same(first: Mapping[str, Any], other: Any) -> None:
    """Raise when `other` was made on another grid or with other settings."""
    if not same_array(other.wave, first["wave"]):
        raise GridError(message("explanations", expected="one wavelength grid", got="several", hint="one set a grid"))
    if dict(other.settings) != dict(first["settings"]):
        raise DataError(message("explanations", expected="equal settings", got="several kinds",
                                hint="explain the sample again with one Explainer"))


def same_array(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Return whether two arrays hold the same, quickly when they are one."""
    return one is other or np.array_equal(one, other)


def empty_of(array: NDArray[Any]) -> float:
    """Return what stands beyond a row's own number of segments: NaN, or 0 for what is not a number."""
    return float("nan") if array.dtype.kind == "f" else 0


def widened(rows: NDArray[Any], k: int, empty: float) -> NDArray[Any]:
    """Return rows ``(n, K, …)`` brought to `k` columns, the new ones holding `empty`."""
    if rows.shape[1] == k:
        return rows
    made = np.full((len(rows), k, *rows.shape[2:]), empty, dtype=rows.dtype)
    made[:, : rows.shape[1]] = rows
    return made


def columns_of(explanations: Sequence[Explanation]) -> dict[str, Any]:
    """Return the columns of explanations on one grid, made with the same settings.

    Raises
    ------
    DataError, GridError
        When their settings or their wavelengths differ.
    """
    first = explanations[0]
    for other in explanations[1:]:
        check_same({"wave": first.wave, "settings": first.settings}, other)
    k = max(one.n_segments for one in explanations)
    shared = all(one.segments is first.segments or np.array_equal(one.segments, first.segments)
                 for one in explanations)
    narrow = [one.context.narrow for one in explanations]
    flux = [one.flux for one in explanations if one.flux is not None]
    return {
        "weights": _padded([one.weights for one in explanations], k),
        "interval": _padded([one.interval for one in explanations], k),
        "error": _padded([np.full(one.n_segments, np.nan) if one.error is None else one.error
                           for one in explanations], k),
        "segments": first.segments if shared else np.stack([one.segments for one in explanations]),
        "wave": first.wave,
        "ids": [one.id for one in explanations],
        "grades": [one.grade for one in explanations],
        "reasons": [one.reason for one in explanations],
        "paths": [one.path for one in explanations],
        "kernels": [one.kernel for one in explanations],
        "untold": [one.context.untold for one in explanations],
        "scores": np.array([one.score for one in explanations]),
        "intercepts": np.array([one.intercept for one in explanations]),
        "r2": np.array([one.r2 for one in explanations]),
        "ess": np.array([one.ess for one in explanations]),
        "stability": np.array([one.stability for one in explanations]),
        "completeness": np.array([one.completeness for one in explanations]),
        "n_samples": np.array([one.n_samples for one in explanations]),
        "artefact": np.array([one.context.artefact for one in explanations]),
        "z_second": np.array([one.context.z_second for one in explanations]),
        "shares": np.array([list(one.context.shares.values()) for one in explanations]),
        "names": Names.of([one.names for one in explanations]),
        "narrow": None if any(row is None for row in narrow) else _padded(narrow, k) == 1,
        "frame": first.frame,
        "settings": first.settings,
        "flux": np.stack(flux) if len(flux) == len(explanations) else None,
    }


def _padded(rows: Sequence[Any], k: int) -> NDArray[np.float64]:
    first = np.asarray(rows[0])
    made = np.full((len(rows), k, *first.shape[1:]), np.nan)
    for target, row in zip(made, rows, strict=True):
        target[: len(row)] = row
    return made
