"""What is explained: one spectrum, what replaces its segments, and the score that is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..protocols import Reconstruct, Score


@dataclass(frozen=True, eq=False)
class Problem:
    """One spectrum x, a fill g, and segments: copies keep x in segments that are on and take g elsewhere.

    Attributes
    ----------
    score : callable
        ``(n, p) float32 -> (n,)``, higher is odder; a :class:`~specanom.scores.BoundScore` tells evaluators more.
    flux, fill : (p,) float32 arrays
        x and g.
    segments : (p,) int array
        Ids 0…K−1.
    """

    score: Score
    flux: NDArray[np.float32]
    fill: NDArray[np.float32]
    segments: NDArray[np.intp]

    def __post_init__(self) -> None:
        for name in ("flux", "fill"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.float32))

    @property
    def n_segments(self) -> int:
        """K."""
        return int(self.segments.max()) + 1

    @property
    def reconstruct(self) -> Reconstruct | None:
        """The model of the score, ``(n, p) -> (n, p)``, when it has one."""
        return getattr(self.score, "reconstruct", None)

    @property
    def network(self) -> Any:
        """The layers of the model, as :class:`~specanom.models.affine.AffineLayers`; None when it offers none."""
        return getattr(self.reconstruct, "network", None)

    @property
    def keep(self) -> NDArray[np.bool_] | None:
        """The pixels the score counts, shape ``(p,)``, when it says so."""
        return getattr(self.score, "keep", None)

    def energy(self) -> NDArray[np.float64]:
        """Return Σ (x − g)² over each segment, shape ``(K,)``: squared distances between copies."""
        square = (self.flux.astype(np.float64) - self.fill) ** 2
        return np.asarray(np.bincount(self.segments, weights=square, minlength=self.n_segments), dtype=np.float64)
