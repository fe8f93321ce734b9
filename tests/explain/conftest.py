"""What tests of explanations share."""

from __future__ import annotations

from typing import Any

import numpy as np


class Game:
    """Scores of masks by a function of the mask alone; remembers what it was asked."""

    path = "generic"

    def __init__(self, k: int, value: Any, energy: Any = None) -> None:
        self.n_segments, self._value, self._energy = k, value, energy
        self.asked: list[np.ndarray] = []

    def scores(self, masks: np.ndarray) -> np.ndarray:
        self.asked.append(masks)
        return np.asarray(self._value(masks.astype(float)), dtype=float)

    def energy(self) -> np.ndarray:
        return np.ones(self.n_segments) if self._energy is None else np.asarray(self._energy)
