"""Occlusion: one segment at a time, taken away from the spectrum or laid on the fill."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import choice
from .attribution import Attribution, Evaluator, check_scores
from .certain import certain, unchanged
from .masks import Masks

MODES = ("off", "on")


@dataclass(frozen=True)
class Occlusion:
    """The change of the score when one segment is switched off, or on.

    Parameters
    ----------
    mode : {"off", "on"}
        ``"off"``: score of the spectrum less that with the segment filled, all others as observed. ``"on"``: score
        of the fill with this segment as observed, less that of the fill.

    Notes
    -----
    K + 2 scores and nothing drawn, so errors are zero (Zeiler & Fergus 2014). It asks no segment what it does
    together with others: two segments that make the score high each on its own both get nothing in the mode
    ``"off"``, two that do so only together get nothing in the mode ``"on"``. The completeness error measures that.
    R² is NaN: of the copies scored, all but one are what the weights are made of, and say nothing of the rest. The
    intercept is the score of the fill that the weights lead to: that of the fill itself in the mode ``"on"``.
    """

    mode: str = "off"

    def __post_init__(self) -> None:
        choice("mode", self.mode, MODES)

    def masks(self, seed: int, k: int) -> Masks:
        """Return the masks that a spectrum of `k` segments is asked for, ``(k + 2, k)``: all on, all off, then each."""
        each = np.eye(k, dtype=np.uint8)
        if self.mode == "off":
            each = 1 - each
        made = np.concatenate([np.ones((1, k), np.uint8), np.zeros((1, k), np.uint8), each])
        made.flags.writeable = False
        return made

    def __call__(self, evaluator: Evaluator, *, seed: int) -> Attribution:
        """Return the weights of one spectrum.

        Raises
        ------
        DataError
            When a score is not finite.
        """
        k = evaluator.n_segments
        scores = check_scores(evaluator.scores(self.masks(seed, k)))
        whole, empty, each = float(scores[0]), float(scores[1]), scores[2:]
        if not evaluator.energy().any():
            return unchanged(k, whole, n_samples=k + 2)
        found = certain(whole - each if self.mode == "off" else each - empty, whole, empty=empty, n_samples=k + 2)
        return found if self.mode == "on" else replace(found, intercept=whole - float(found.weights.sum()))
