"""A small sample and a cheap model whose folds differ, for the tests of the scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from specanom.spectrumset import SpectrumSet


class Smoother:
    """Reconstructs by a running mean, a little differently for the two halves of the ids; counts its calls."""

    def __init__(self, wave: NDArray[np.float64] | None) -> None:
        self.wave = wave
        self.calls = 0

    def _smooth(self, flux: Any) -> NDArray[np.float32]:
        flux = np.asarray(flux, dtype=np.float64)
        padded = np.pad(flux, ((0, 0), (4, 4)), mode="edge")
        total = np.cumsum(np.pad(padded, ((0, 0), (1, 0))), axis=1)
        return ((total[:, 9:] - total[:, :-9]) / 9).astype(np.float32)

    @staticmethod
    def factor(id: str | None) -> float:
        return 1.0 if id is None else 1.0 + 0.01 * (sum(id.encode()) % 2)

    def reconstruct(self, flux: Any, ids: Sequence[str] | None = None) -> NDArray[np.float32]:
        self.calls += 1
        names = [None] * len(flux) if ids is None else list(ids)
        factors = np.array([self.factor(id) for id in names], dtype=np.float32)
        return self._smooth(flux) * factors[:, None]

    def bind(self, id: str | None) -> Callable[[Any], NDArray[np.float32]]:
        return lambda flux: self._smooth(flux) * np.float32(self.factor(id))

    def encode(self, flux: Any, ids: Sequence[str] | None = None) -> NDArray[np.float32]:
        return np.asarray(flux, dtype=np.float32)[:, ::60].copy()


def make_sample(n: int = 80, p: int = 300, seed: int = 1) -> SpectrumSet:
    rng = np.random.default_rng(seed)
    wave = np.linspace(4800, 6800, p)
    snr = np.exp(rng.normal(2.5, 0.5, n))
    sigma = np.ones((n, p)) / snr[:, None] * rng.uniform(0.7, 1.3, p)
    flux = 1 + 0.3 * np.sin(wave / 300 + rng.uniform(0, 6, (n, 1))) + sigma * rng.standard_normal((n, p))
    imputed = rng.random((n, p)) < 0.03
    ivar = np.where(imputed, 0, 1 / sigma**2)
    table = pd.DataFrame({"id": [f"s{i:03d}" for i in range(n)], "z": np.exp(rng.normal(-2.2, 0.4, n)), "snr": snr,
                          "instrument": np.where(np.arange(n) % 2, "SDSS", "BOSS")})
    return SpectrumSet(wave, flux.astype("f4"), ivar.astype("f4"), table, imputed=imputed)


@pytest.fixture(scope="session")
def sample() -> SpectrumSet:
    return make_sample()


@pytest.fixture
def model(sample: SpectrumSet) -> Smoother:
    return Smoother(sample.wave)


@pytest.fixture(scope="session")
def smoother() -> type[Smoother]:
    return Smoother


@pytest.fixture(scope="session")
def sample_maker() -> Callable[..., SpectrumSet]:
    return make_sample
