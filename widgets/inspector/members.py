"""What is known of each explained spectrum, as columns in the order of the explanations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from specanom.cluster import Features
from specanom.diagnostics import RATIOS
from specanom.errors import DataError, message
from specanom.plots.diagrams import log_ratios
from specanom.spectrumset import SpectrumSet

Floats = NDArray[np.float64]
NUMBERS = {"z": ".4f", "snr": ".1f", "artefact": ".2f", "distance": ".3f"}
"""Columns of numbers and how they are written."""


@dataclass(frozen=True, eq=False)
class Members:
    """One entry an explanation, NaN where something is not known.

    Attributes
    ----------
    ids : (n,) object array
    kept : (n,) bool array
        Explanations that can be clustered.
    score, z, snr, artefact : (n,) float arrays
    n2, o3 : (n,) float arrays
        Logarithms of [N II]/Hα and [O III]/Hβ.
    bpt : (n,) object array
        Class, ``""`` where no lines were measured.
    lines : DataFrame or None
        Line measurements, one row an explanation.
    """

    ids: NDArray[np.object_]
    kept: NDArray[np.bool_]
    score: Floats
    z: Floats
    snr: Floats
    artefact: Floats
    n2: Floats
    o3: Floats
    bpt: NDArray[np.object_]
    lines: pd.DataFrame | None = None

    @classmethod
    def of(cls, features: Features, sample: SpectrumSet, place: NDArray[np.intp], *, explanations: Any = None,
           lines: pd.DataFrame | None = None) -> Members:
        """Gather what explanations, sample and line table say.

        Parameters
        ----------
        features : Features
            Of the clusterer.
        sample : SpectrumSet
            Holds the spectra.
        place : (n,) int array
            Row of each explanation in the sample, −1 where it is not there.
        explanations : ExplanationSet, optional
            Fills in scores and probabilities of artefacts that the features lack.
        lines : DataFrame, optional
            Of ``measure_lines``.
        """
        n = len(features.ids)
        unknown = np.full(n, np.nan)
        ids = np.array(features.ids, dtype=object)
        context = features.context
        artefact = unknown if context is None or "artefact" not in context else context["artefact"].to_numpy(float)
        score = unknown if features.scores is None else np.asarray(features.scores, dtype=np.float64)
        if explanations is not None:
            score, artefact = (_filled(ids, known, explanations, name)
                               for known, name in ((score, "scores"), (artefact, "artefact")))
        made = cls(ids, np.asarray(features.kept), score, _column(sample, place, "z"), _column(sample, place, "snr"),
                   artefact, unknown, unknown, np.full(n, "", dtype=object))
        return made if lines is None else made.with_lines(lines)

    def __len__(self) -> int:
        return len(self.ids)

    def with_lines(self, lines: pd.DataFrame) -> Members:
        """Return a copy with line measurements, found by their ids.

        Raises
        ------
        DataError
            For a table without ids, ratios and classes.
        """
        missing = [name for name in ("id", "bpt", *RATIOS) if name not in lines]
        if missing:
            raise DataError(message("lines", expected="a table from measure_lines", got=f"none of {', '.join(missing)}",
                                    hint="lines = measure_lines(sample)"))
        table = lines.assign(id=lines["id"].astype(str)).drop_duplicates("id").set_index("id").reindex(list(self.ids))
        n2, o3, _ = log_ratios(table)
        bpt = table["bpt"].astype(object).where(table["bpt"].notna(), "").to_numpy(dtype=object)
        return replace(self, n2=n2, o3=o3, bpt=bpt, lines=table)

    def frame(self, labels: NDArray[np.intp], distances: Floats) -> pd.DataFrame:
        """Return the table of members: id, cluster, distance, score, z, snr, bpt, artefact."""
        return pd.DataFrame({
            "id": self.ids, "cluster": labels.astype(np.int64), "distance": distances, "score": self.score, "z": self.z,
            "snr": self.snr, "bpt": self.bpt, "artefact": self.artefact,
        })


def _filled(ids: NDArray[np.object_], known: Floats, explanations: Any, name: str) -> Floats:
    values = getattr(explanations, name, None)
    if values is None:
        return known
    by_id = dict(zip(map(str, explanations.ids), np.asarray(values, dtype=np.float64), strict=True))
    return np.where(np.isfinite(known), known, [by_id.get(id, np.nan) for id in ids])


def _column(sample: SpectrumSet, place: NDArray[np.intp], name: str) -> Floats:
    made = np.full(len(place), np.nan)
    if name in sample.table:
        there = place >= 0
        made[there] = pd.to_numeric(sample.table[name], errors="coerce").to_numpy(float)[place[there]]
    return made
