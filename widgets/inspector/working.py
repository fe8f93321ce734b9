"""What an inspector has done in the background: UMAP, stability of every k, line measurements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from specanom.cluster import ExplanationClusterer, Features, PlaneMap, umap_map
from specanom.diagnostics import measure_lines
from specanom.spectrumset import SpectrumSet

Progress = Callable[[float], None]
Cancelled = Callable[[], bool]
Work = Callable[[Progress, Cancelled], Any]
BLOCK = 8
DRAWS = 20
"""Bootstrap draws where the clusterer was made without any."""


def umap_work(features: Features, seed: int) -> Work:
    """Return the work that lays the kept rows out by UMAP."""
    rows = features.rows[features.kept]

    def work(progress: Progress, cancelled: Cancelled) -> PlaneMap | None:
        return umap_map(rows, seed=seed, progress=progress, cancelled=cancelled)

    return work


def stability_work(clusterer: ExplanationClusterer, ks: list[int]) -> Work:
    """Return the work that finds how stable the clusters are at each k."""

    def work(progress: Progress, cancelled: Cancelled) -> pd.DataFrame:
        made = []
        for done, k in enumerate(ks):
            if cancelled():
                break
            progress(done / len(ks))
            made.append(clusterer.refit(k, bootstrap=clusterer.bootstrap or DRAWS).stability_)
        return pd.concat(made, ignore_index=True) if made else pd.DataFrame()

    return work


def refit_work(clusterer: ExplanationClusterer, k: int) -> Work:
    """Return the work that clusters anew."""

    def work(progress: Progress, cancelled: Cancelled) -> ExplanationClusterer:
        return clusterer.refit(k, bootstrap=0)

    return work


def frame_work(first: ExplanationClusterer, frame: str, *, sample: SpectrumSet, k: int, explanations: Any) -> Work:
    """Return the work that clusters by places in another frame.

    Parameters
    ----------
    first : ExplanationClusterer
        Clusters in the one frame.
    frame : {"rest", "observed"}
        The other one.
    sample : SpectrumSet
        Where redshifts are.
    k : int
        How many clusters.
    explanations : ExplanationSet or None
        What was clustered; without it, the rows of `first` are carried over.
    """

    def work(progress: Progress, cancelled: Cancelled) -> ExplanationClusterer:
        if explanations is None or tuple(explanations.ids) != first.ids_:
            return first.in_frame(frame, sample, n_clusters=k)
        made = ExplanationClusterer(k, k_range=first.k_range, seed=first.seed, bootstrap=first.bootstrap, frame=frame)
        return made.fit(explanations, sample)

    return work


def lines_work(sample: SpectrumSet, rows: NDArray[np.intp]) -> Work:
    """Return the work that measures the lines of some rows of the sample."""

    def work(progress: Progress, cancelled: Cancelled) -> pd.DataFrame | None:
        made = []
        for start in range(0, len(rows), BLOCK):
            if cancelled():
                return None
            made.append(measure_lines(sample[rows[start : start + BLOCK]]))
            progress(min(1.0, (start + BLOCK) / len(rows)))
        return pd.concat(made, ignore_index=True) if made else None

    return work
