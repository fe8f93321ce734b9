"""Samples, models and pickers for tests of the score picker."""

from __future__ import annotations

import numpy as np
import pandas as pd
from specanom.widgets.picker import ScorePicker

from specanom.scores import Scorer
from specanom.spectrumset import SpectrumSet

HOSTILE = "<img src=x onerror=alert(1)>"


class Flat:
    """A model that reconstructs ones, counts what it is asked, and can break."""

    def __init__(self, wave: np.ndarray) -> None:
        self.wave, self.asked, self.broken = wave, 0, False

    def reconstruct(self, flux, ids=None):
        if self.broken:
            raise RuntimeError("the network is <gone>")
        self.asked += len(flux)
        return np.ones_like(flux)


def make(n: int = 120, **columns) -> SpectrumSet:
    rng = np.random.default_rng(2)
    wave = np.linspace(4000.0, 7000.0, 200)
    about = {"id": [f"s{i:05d}" for i in range(n)], "z": rng.uniform(0, 0.3, n), "snr": rng.uniform(5, 30, n),
             "ra": rng.uniform(0, 360, n), "dec": rng.uniform(-80, 80, n), **columns}
    about = {name: values for name, values in about.items() if values is not None}
    return SpectrumSet(wave, rng.normal(1.0, 0.1, (n, 200)), np.full((n, 200), 100.0), pd.DataFrame(about))


def pick(sample: SpectrumSet, tmp_path, metric: str = "mse", **options) -> ScorePicker:
    made = ScorePicker(Scorer(Flat(sample.wave), metric), sample, labels=tmp_path / "labels.jsonl", **options)
    assert made.wait()
    return made
