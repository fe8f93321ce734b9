"""KMeans over a range of k, and how far its answer holds when the sample is drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

N_INIT = 10
MEMBERS = 8
"""A number of clusters that is found leaves at least this many members to a cluster on average."""
SILHOUETTE_ROWS = 5000
"""The silhouette compares all pairs: beyond so many rows it is taken over a random part of them."""


@dataclass(frozen=True, eq=False)
class KMeansFit:
    """Labels ``(n,)``, centres ``(k, K)`` and the sum of squared distances to them."""

    labels: NDArray[np.intp]
    centers: Floats
    inertia: float


def partition(rows: Floats, k: int, *, seed: int, n_init: int = N_INIT) -> KMeansFit:
    """Cluster `rows` into `k` by KMeans; clusters are numbered by size, the largest 0."""
    from sklearn.cluster import KMeans

    fitted = KMeans(n_clusters=k, n_init=n_init, random_state=seed).fit(rows)
    sizes = np.bincount(fitted.labels_, minlength=k)
    order = np.lexsort((np.arange(k), -sizes))
    rank = np.empty(k, dtype=np.intp)
    rank[order] = np.arange(k)
    return KMeansFit(
        rank[fitted.labels_], np.asarray(fitted.cluster_centers_[order], dtype=np.float64), float(fitted.inertia_)
    )


def nearest(rows: Floats, centers: Floats) -> tuple[NDArray[np.intp], Floats]:
    """Return the nearest centre of each row and the distance to it."""
    squares = (rows**2).sum(axis=1)[:, None] - 2 * rows @ centers.T + (centers**2).sum(axis=1)
    labels = squares.argmin(axis=1)
    return labels.astype(np.intp), np.sqrt(np.clip(squares[np.arange(len(rows)), labels], 0, None))


def silhouette(rows: Floats, labels: NDArray[np.intp], *, seed: int) -> float:
    """Return the mean silhouette of a partition; NaN when it has one cluster, or one row each."""
    from sklearn.metrics import silhouette_score

    count = len(np.unique(labels))
    if not 2 <= count < len(rows):
        return float("nan")
    if len(rows) > SILHOUETTE_ROWS:
        chosen = np.random.default_rng(seed).choice(len(rows), SILHOUETTE_ROWS, replace=False)
        rows, labels = rows[chosen], labels[chosen]
    return float(silhouette_score(rows, labels))


def curves(rows: Floats, ks: Sequence[int], *, seed: int) -> tuple[pd.DataFrame, dict[int, KMeansFit]]:
    """Cluster for every k; return a table of k, inertia and silhouette, and the partitions."""
    found = {k: partition(rows, k, seed=seed) for k in ks}
    table = pd.DataFrame(
        {
            "k": list(found),
            "inertia": [p.inertia for p in found.values()],
            "silhouette": [silhouette(rows, p.labels, seed=seed) for p in found.values()],
        }
    )
    return table, found


def stability(rows: Floats, reference: KMeansFit, *, draws: int, seed: int) -> Floats:
    """Return the adjusted Rand index between `reference` and partitions of bootstrap samples, shape ``(draws,)``.

    Each bootstrap sample is clustered on its own; all rows are then given to its centres and compared with the
    reference. 1 means that the same clusters come back, 0 that they agree no better than chance.
    """
    from sklearn.metrics import adjusted_rand_score

    k, made = len(reference.centers), np.full(draws, np.nan)
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        chosen = rng.integers(len(rows), size=len(rows))
        if len(np.unique(rows[chosen], axis=0)) < k:
            continue  # too few different rows in this draw for k clusters
        again = partition(rows[chosen], k, seed=int(rng.integers(2**31)), n_init=3)
        made[draw] = adjusted_rand_score(reference.labels, nearest(rows, again.centers)[0])
    return made


def best_k(table: pd.DataFrame, n: int) -> int:
    """Return the k of the highest silhouette, the smallest of equals, that leaves enough members to a cluster.

    With few rows in many dimensions the silhouette rises until each odd spectrum is alone, which tells no story.
    """
    enough = table["k"].to_numpy() <= max(int(table["k"].min()), n // MEMBERS)
    values = np.where(enough, table["silhouette"].to_numpy(dtype=float), np.nan)
    if not np.isfinite(values).any():
        return int(table["k"].iloc[0])
    return int(table["k"].iloc[int(np.nanargmax(values))])
