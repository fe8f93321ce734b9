"""Densities of encodings: what is rare among vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .chunks import Doubles


class Density(Protocol):
    """A fitted density: ``(m, d)`` vectors → ``(m,)``, higher is rarer."""

    def __call__(self, latent: Doubles, /) -> Doubles: ...


def _standardised(latent: Doubles) -> tuple[Doubles, Doubles]:
    scale = latent.std(axis=0)
    return latent.mean(axis=0), np.where(scale > 0, scale, 1.0)


@dataclass(frozen=True, eq=False)
class Mixture:
    """−log density under a Gaussian mixture of full covariance.

    A component that holds only a few vectors is dropped: a mixture likes to spend one on the oddest object, which
    would then look ordinary.
    """

    mixture: Any
    centre: Doubles
    scale: Doubles

    @classmethod
    def fit(cls, latent: Doubles, size: int | None, seed: int) -> Mixture:
        """Fit `size` components (8), fewer when there are fewer than 10 vectors each."""
        from sklearn.mixture import GaussianMixture

        centre, scale = _standardised(latent)
        count = min(size or 8, max(len(latent) // 10, 1))
        made = GaussianMixture(count, reg_covar=1e-4, random_state=seed).fit((latent - centre) / scale)
        many = made.weights_ >= min(max(0.02, 10 / len(latent)), made.weights_.max())
        for name in ("means_", "covariances_", "precisions_", "precisions_cholesky_", "weights_"):
            setattr(made, name, getattr(made, name)[many])
        made.weights_ /= made.weights_.sum()
        return cls(made, centre, scale)

    def __call__(self, latent: Doubles, /) -> Doubles:
        log_density = self.mixture.score_samples((latent - self.centre) / self.scale) - np.log(self.scale).sum()
        return np.asarray(-log_density, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Distance to the k-th nearest of the vectors it was fitted on, in standard deviations; never to itself."""

    tree: Any
    size: int
    centre: Doubles
    scale: Doubles

    @classmethod
    def fit(cls, latent: Doubles, size: int | None, seed: int) -> Neighbours:
        """Keep the vectors in a tree; `seed` has no part in it."""
        from scipy.spatial import cKDTree

        centre, scale = _standardised(latent)
        return cls(cKDTree((latent - centre) / scale), min(size or 10, len(latent) - 1), centre, scale)

    def __call__(self, latent: Doubles, /) -> Doubles:
        distance = np.asarray(self.tree.query((latent - self.centre) / self.scale, k=self.size + 1)[0])
        distance = distance.reshape(len(latent), self.size + 1)
        # A vector at distance zero is the spectrum itself, which says nothing of how rare it is.
        itself = distance[:, 0] == 0.0
        return np.asarray(np.where(itself, distance[:, self.size], distance[:, self.size - 1]))


@dataclass(frozen=True, eq=False)
class Forest:
    """Isolation forest: few random cuts set a rare vector apart; between 0 and 1."""

    forest: Any

    @classmethod
    def fit(cls, latent: Doubles, size: int | None, seed: int) -> Forest:
        """Grow `size` trees (200)."""
        from sklearn.ensemble import IsolationForest

        return cls(IsolationForest(n_estimators=size or 200, random_state=seed).fit(latent))

    def __call__(self, latent: Doubles, /) -> Doubles:
        return np.asarray(-self.forest.score_samples(latent), dtype=np.float64)


DENSITIES: dict[str, Callable[[Doubles, int | None, int], Density]] = {
    "gmm": Mixture.fit, "knn": Neighbours.fit, "forest": Forest.fit,
}
"""What fits a density, by the name of the method: ``(vectors, size, seed) -> Density``."""
