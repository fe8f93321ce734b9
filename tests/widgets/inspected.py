"""Clusters to inspect: three groups, two rows left out, and ids that want to be code."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

import specanom as sa
from specanom.cluster import ExplanationClusterer, features_of
from specanom.diagnostics import RATIOS

N, P, K = 48, 300, 10
HOSTILE = ("<img src=x onerror=alert(1)>", "$$x^2$$", "=cmd()|' /C calc'!A0", "\\[x\\]", "a'b\"c\nd")
WAVE = 4600.0 + 7.0 * np.arange(P)


def line_table(ids: list[str], seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    ratios = {name: rng.lognormal(0, 0.4, len(ids)) for name in RATIOS}
    bpt = np.array(["SF", "Seyfert", "none"], dtype=object)[np.arange(len(ids)) % 3]
    table = pd.DataFrame({"id": ids, "bpt": bpt, **ratios})
    table.loc[table["bpt"] == "none", ["N2", "O3"]] = np.nan
    return table


def parts(seed: int = 0):
    """Return a fitted clusterer with three groups and two rows left out, its sample and its lines."""
    rng = np.random.default_rng(seed)
    truth = np.arange(N) % 3
    weights = np.abs(rng.normal(0, 0.05, (N, K)))
    weights[np.arange(N), 3 * truth] += 1.0
    weights[[5, 11]] = 0.0
    ids = [*HOSTILE, *(f"s{i}" for i in range(len(HOSTILE), N))]
    table = pd.DataFrame({"id": ids, "z": rng.uniform(0.02, 0.2, N), "snr": rng.lognormal(2, 0.3, N)})
    table.loc[7, "z"] = np.nan
    sample = sa.SpectrumSet(WAVE, rng.normal(1, 0.1, (N, P)).astype(np.float32), np.full((N, P), 100.0), table)
    features = dataclasses.replace(
        features_of(weights), ids=tuple(sample.ids), segments=np.arange(P) * K // P, wave=WAVE, scores=rng.random(N),
        context=pd.DataFrame({"sky": rng.random(N), "artefact": np.where(truth == 2, 0.9, 0.1)}))
    clusterer = ExplanationClusterer(3, k_range=(2, 6), bootstrap=2).fit(weights)
    clusterer.features_, clusterer.ids_ = features, features.ids
    return clusterer, sample, line_table(ids)
