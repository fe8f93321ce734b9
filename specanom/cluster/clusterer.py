"""Clusters of explanations: spectra that are odd for the same reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, ShapeError, choice, message, not_fitted
from .archive import read_clusterer, write_clusterer
from .features import Features, LeftOut, features_of
from .frames import FRAMES, in_frame
from .inspecting import Inspectable
from .kmeans import KMeansFit, best_k, curves, nearest, stability
from .summary import ClusterSummary, Grouping, summarise

Floats = NDArray[np.float64]
PAPER_CLUSTERS = 7


class ExplanationClusterer(Inspectable):
    """Group spectra by where the weight of their explanations sits (paper, Sect. 5).

    Rows are |weights| with unit L2 norm, so that neither the sign nor how odd a spectrum is matters. Rows of zeros or
    NaN are left out and listed. KMeans with ten starts finds the clusters; they are numbered by size, the largest 0.

    Parameters
    ----------
    n_clusters : int or "auto"
        Number of clusters; ``"auto"`` takes the k of the highest silhouette in `k_range` that leaves eight
        members to a cluster on average.
    k_range : (int, int)
        Smallest and largest k tried, both included; the curves show all of them.
    seed : int
        Of KMeans and of the bootstrap.
    bootstrap : int
        Draws for `stability_`; 0 leaves it out.
    stability : {"chosen", "all"}
        Whether stability is computed for the chosen k or for every k.
    preset : {None, "paper"}
        ``"paper"``: seven clusters.
    frame : {None, "rest", "observed"}
        Frame in which the places of weights are compared; None is the frame that was explained. What the galaxies do
        comes together in the rest frame, what sky and instrument do in the observed one.

    Attributes
    ----------
    labels_ : (n,) int array
        Cluster of each explanation; −1 for rows left out.
    centers_ : (k, K) array
        Mean row of each cluster.
    n_clusters_ : int
        Number of clusters.
    curves_ : DataFrame
        ``k``, ``inertia`` (the elbow) and ``silhouette`` over `k_range`.
    stability_ : DataFrame
        ``k``, ``mean`` and ``std`` of the adjusted Rand index under bootstrap, ``draws``.
    distances_ : (n,) array
        Distance of each row to its centre; NaN for rows left out.
    left_out_ : tuple of LeftOut
        Explanations that were not clustered, with the reason.
    medoids_ : tuple of str
        Id of the member nearest to each centre.
    ids_ : tuple of str
        Ids in the order of `labels_`.
    frame_ : {"rest", "observed"} or None
        Frame of the clusters; None for plain weights, of which it is not known.

    Examples
    --------
    >>> import numpy as np
    >>> weights = np.repeat([[5.0, 0.1, 0.0], [0.0, 0.2, -4.0]], 20, axis=0)
    >>> weights = weights + np.random.default_rng(0).normal(0, 0.1, weights.shape)
    >>> clusters = ExplanationClusterer(seed=0).fit(weights)
    >>> clusters.n_clusters_
    2
    """

    def __init__(
        self,
        n_clusters: int | str = "auto",
        *,
        k_range: tuple[int, int] = (2, 12),
        seed: int = 0,
        bootstrap: int = 20,
        stability: str = "chosen",
        preset: str | None = None,
        frame: str | None = None,
    ) -> None:
        choice("preset", preset, (None, "paper"))
        self.frame = choice("frame", frame, (None, *FRAMES))
        if preset == "paper" and n_clusters == "auto":
            n_clusters = PAPER_CLUSTERS
        whole = isinstance(n_clusters, (int, np.integer)) and not isinstance(n_clusters, bool)
        if n_clusters != "auto" and not (whole and int(n_clusters) >= 1):
            raise ArgumentError(
                message("n_clusters", expected='"auto" or a whole number above 0', got=repr(n_clusters))
            )
        low, high = k_range
        if not 2 <= low <= high:
            raise ArgumentError(message("k_range", expected="2 <= lowest <= highest", got=k_range, hint="(2, 12)"))
        if bootstrap < 0:
            raise ArgumentError(message("bootstrap", expected="a number of draws, 0 or more", got=bootstrap))
        self.n_clusters: int | str = n_clusters if n_clusters == "auto" else int(n_clusters)
        self.k_range = (int(low), int(high))
        self.seed = int(seed)
        self.bootstrap = int(bootstrap)
        self.stability = choice("stability", stability, ("chosen", "all"))
        self.preset = preset

    # -- fitting ---------------------------------------------------------------------------------------------------

    def fit(self, explanations: Any, sample: Any = None) -> ExplanationClusterer:
        """Find the clusters.

        Parameters
        ----------
        explanations : ExplanationSet or (n, K) array
            Signed weights of segments.
        sample : SpectrumSet or (n,) array, optional
            The spectra that were explained, found by their ids, or their redshifts: needed for a `frame` that is not
            the one that was explained.

        Returns
        -------
        ExplanationClusterer
            Itself.

        Raises
        ------
        DataError
            When there are fewer (different) explanations than clusters, or redshifts are needed and not known.
        """
        return self._fit(in_frame(features_of(explanations), self.frame, sample, explanations=explanations))

    def _fit(self, features: Features) -> ExplanationClusterer:
        rows, different = self._different(features)
        low, high = self.k_range
        last = min(high, different if different < len(rows) else len(rows) - 1)
        tried: list[int] = sorted(
            set(range(low, last + 1)) | ({self.n_clusters} if isinstance(self.n_clusters, int) else {2})
        )
        table, found = curves(rows, tried, seed=self.seed)
        k = self.n_clusters if isinstance(self.n_clusters, int) else best_k(table, len(rows))
        self._set(features, found[k], table)
        wanted = found if self.stability == "all" else {k: found[k]}
        self.stability_ = self._stability(rows, wanted)
        return self

    def in_frame(
        self, frame: str, sample: Any = None, *, n_clusters: int | str | None = None, bootstrap: int | None = None
    ) -> ExplanationClusterer:
        """Cluster the same explanations by their places in another frame; this clusterer stays as it is.

        Parameters
        ----------
        frame : {"rest", "observed"}
            Frame of the new clusters.
        sample : SpectrumSet or (n,) array, optional
            Where redshifts are, as in :meth:`fit`; those of this clusterer when None.
        n_clusters : int or "auto", optional
            As asked of this clusterer when None.
        bootstrap : int, optional
            As many draws as before when None.

        Raises
        ------
        DataError
            When wavelengths or redshifts are not known.
        """
        features = self._fitted()
        made = ExplanationClusterer(
            self.n_clusters if n_clusters is None else n_clusters, k_range=self.k_range, seed=self.seed,
            bootstrap=self.bootstrap if bootstrap is None else bootstrap, frame=frame,
        )  # fmt: skip
        own = features if features.own is None else features.own
        return made._fit(in_frame(own, frame, features.z if sample is None else sample))

    def refit(self, n_clusters: int, *, bootstrap: int | None = None) -> ExplanationClusterer:
        """Cluster the same explanations into another number of clusters; this clusterer stays as it is.

        The labels are those that a new clusterer with `n_clusters` would find.

        Parameters
        ----------
        n_clusters : int
            Number of clusters.
        bootstrap : int, optional
            Draws for `stability_`, as many as before when None; 0 leaves it out, which is fast.

        Raises
        ------
        DataError
            When there are fewer different explanations than that.
        """
        features = self._fitted()
        made = ExplanationClusterer(n_clusters, k_range=self.k_range, seed=self.seed,
                                    bootstrap=self.bootstrap if bootstrap is None else bootstrap,
                                    frame=self.frame)  # fmt: skip
        rows, _ = made._different(features)
        table, found = self.curves_, KMeansFit(self.labels_[features.kept], self.centers_, float("nan"))
        if n_clusters != self.n_clusters_ or n_clusters not in set(table["k"]):
            fresh, partitions = curves(rows, [n_clusters], seed=self.seed)
            found = partitions[n_clusters]
            table = pd.concat([table[table["k"] != n_clusters], fresh]).sort_values("k", ignore_index=True)
        made._set(features, found, table)
        made.stability_ = made._stability(rows, {n_clusters: found})
        return made

    def _different(self, features: Features) -> tuple[Floats, int]:
        """Return the rows to cluster, and how many of them differ: enough for the clusters that are asked for."""
        rows = features.rows[features.kept]
        different = len(np.unique(rows.round(12), axis=0))
        fixed = isinstance(self.n_clusters, int)
        needed = int(self.n_clusters) if fixed else 3
        if different < (needed if fixed else 2) or len(rows) < needed:
            what = f"{needed} clusters" if fixed else 'n_clusters="auto"'
            got = f"{len(rows)} ({different} different; {len(features.left_out)} left out)"
            raise DataError(message("explanations", expected=f"at least {needed} different explanations for {what}",
                                    got=got, hint="explain more spectra, or ask for fewer clusters"))  # fmt: skip
        return rows, different

    def _set(self, features: Features, chosen: KMeansFit, table: pd.DataFrame) -> None:
        n = len(features.ids)
        self.features_ = features
        self.frame_ = features.frame
        self.ids_ = features.ids
        self.left_out_: tuple[LeftOut, ...] = features.left_out
        self.curves_ = table
        self.centers_ = chosen.centers
        self.n_clusters_ = len(chosen.centers)
        self.labels_ = np.full(n, -1, dtype=np.intp)
        self.labels_[features.kept] = chosen.labels
        self.distances_ = np.full(n, np.nan)
        offset = features.rows[features.kept] - chosen.centers[chosen.labels]
        self.distances_[features.kept] = np.linalg.norm(offset, axis=1)
        medoids = []
        for k in range(self.n_clusters_):
            members = np.flatnonzero(self.labels_ == k)
            medoids.append(self.ids_[members[int(np.argmin(self.distances_[members]))]])
        self.medoids_ = tuple(medoids)

    def _stability(self, rows: Floats, wanted: dict[int, KMeansFit]) -> pd.DataFrame:
        made = []
        for k, found in wanted.items():
            values = stability(rows, found, draws=self.bootstrap, seed=self.seed) if k > 1 else np.ones(self.bootstrap)
            values = values[np.isfinite(values)]
            mean, std = (float(values.mean()), float(values.std())) if values.size else (float("nan"), float("nan"))
            made.append({"k": k, "mean": mean, "std": std, "draws": values.size})
        return pd.DataFrame(made)

    # -- using -----------------------------------------------------------------------------------------------------

    def _fitted(self) -> Features:
        features: Features | None = getattr(self, "features_", None)
        if features is None:
            raise not_fitted(self)
        return features

    def predict(self, explanations: Any, sample: Any = None) -> NDArray[np.intp]:
        """Give new explanations to the clusters; −1 for rows of zeros or NaN, or without a redshift that is needed.

        Parameters
        ----------
        explanations : ExplanationSet or (n, K) array
        sample : SpectrumSet or (n,) array, optional
            Where redshifts are, as in :meth:`fit`.

        Raises
        ------
        ShapeError
            When they have another number of segments.
        DataError
            When they are in another frame than the clusters and redshifts are not known.
        """
        known = self._fitted()
        own = features_of(explanations, (known if known.own is None else known.own).segments)
        features = in_frame(own, known.frame, sample, explanations=explanations, edges=known.edges)
        if features.n_segments != known.n_segments:
            raise ShapeError(
                message("explanations", expected=f"{known.n_segments} segments, as fitted",
                        got=f"{features.n_segments} segments", hint="explain with the same segments")
            )  # fmt: skip
        labels = np.full(len(features.ids), -1, dtype=np.intp)
        labels[features.kept] = nearest(features.rows[features.kept], self.centers_)[0]
        return labels

    def members(self, cluster: int, by: str = "distance") -> list[str]:
        """Return the ids of a cluster, best first.

        Parameters
        ----------
        cluster : int
            0…k−1.
        by : {"distance", "score"}
            Nearest to the centre first, or oddest first.
        """
        features = self._fitted()
        choice("by", by, ("distance", "score"))
        rows = np.flatnonzero(self.labels_ == choice("cluster", cluster, range(self.n_clusters_)))
        if by == "score":
            if features.scores is None:
                raise DataError(message("by", expected="explanations with scores", got="none", hint='by="distance"'))
            key = -np.nan_to_num(features.scores[rows], nan=-np.inf)
        else:
            key = self.distances_[rows]
        return [self.ids_[i] for i in rows[np.argsort(key, kind="stable")]]

    def summary(self, sample: Any, lines: Any = None) -> ClusterSummary:
        """Say what each cluster is; see :func:`.summarise`."""
        features = self._fitted()
        found = Grouping(features, self.labels_, self.distances_, self.medoids_)
        return summarise(found, sample, lines, curves=self.curves_, stability=self.stability_)

    def to_frame(self) -> pd.DataFrame:
        """Return one row an explanation: ``id``, ``cluster``, ``distance``."""
        self._fitted()
        return pd.DataFrame({"id": list(self.ids_), "cluster": self.labels_, "distance": self.distances_})

    def __repr__(self) -> str:
        if getattr(self, "features_", None) is None:
            return f"ExplanationClusterer(n_clusters={self.n_clusters!r}, seed={self.seed}), not fitted"
        sizes = np.bincount(self.labels_[self.labels_ >= 0], minlength=self.n_clusters_)
        left = f", {len(self.left_out_)} left out" if self.left_out_ else ""
        where = "" if self.features_.own is None else f" in the {self.frame_} frame"
        return f"ExplanationClusterer: {self.n_clusters_} clusters{where} of {', '.join(map(str, sizes))}{left}"

    # -- on disk ---------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write the fitted clusterer into a folder as JSON and arrays (no pickle); returns the path."""
        return write_clusterer(self, self._fitted(), Path(path))

    @classmethod
    def load(cls, path: str | Path) -> ExplanationClusterer:
        """Read what :meth:`save` wrote.

        Raises
        ------
        DataError
            When there is no clusterer at `path`, or one of another format.
        """
        state = read_clusterer(Path(path))
        made = cls(**state.settings)
        made._set(state.features, state.partition, state.curves)
        made.stability_ = state.stability
        return made
