"""A small world for models: 300 spectra of 200 pixels on a curved three-dimensional surface, with noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from specanom import SpectrumSet
from specanom.models import VAEModel

SIGMA = 0.03


def make_flux(n: int, seed: int = 0, p: int = 200) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x, z = np.linspace(0, 1, p), rng.normal(size=(n, 3))
    line = np.exp(-0.5 * ((x - 0.4) / 0.01) ** 2)
    clean = 1 + 0.2 * np.sin(6 * x) * z[:, :1] + 0.1 * np.cos(11 * x) * z[:, 1:2] ** 2 + np.exp(0.3 * z[:, 2:]) * line
    return (clean + SIGMA * rng.normal(size=(n, p))).astype(np.float32)


@pytest.fixture(scope="session")
def flux() -> np.ndarray:
    return make_flux(300)


@pytest.fixture(scope="session")
def sample(flux: np.ndarray) -> SpectrumSet:
    ivar = np.full(flux.shape, 1 / SIGMA**2, dtype=np.float32)
    ivar[::7, 20:30] = 0
    table = pd.DataFrame({"id": [f"galaxy {i}" for i in range(len(flux))]})
    return SpectrumSet(np.linspace(4000, 5000, flux.shape[1]), flux, ivar, table, imputed=ivar == 0)


@pytest.fixture(scope="session")
def vae(sample: SpectrumSet) -> VAEModel:
    """A fitted model that no test may change."""
    return VAEModel(4, hidden=(32, 16, 16), max_steps=100, folds=3, device="cpu").fit(sample)
