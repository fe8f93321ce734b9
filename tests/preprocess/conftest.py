"""Observed spectra made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from specanom.spectrumset import SpectrumSet

SDSS = 10.0 ** (1e-4 * np.arange(35800, 35800 + 3850))


def make_observed(n: int = 12, *, seed: int = 1, wave: Any = SDSS, **columns: Any) -> SpectrumSet:
    """Return n sloped noisy spectra with S/N near 20 at redshifts from 0.10 to 0.12, as a survey would give them."""
    rng = np.random.default_rng(seed)
    slope = rng.uniform(-0.5, 0.5, (n, 1)) * (wave / wave.mean() - 1.0)
    level = rng.uniform(5.0, 20.0, (n, 1))
    sigma = level / 20.0
    flux = level * (1.0 + slope) + sigma * rng.normal(size=(n, wave.size))
    ivar = np.broadcast_to(sigma**-2, flux.shape)
    table = pd.DataFrame({"id": [f"s{k:03d}" for k in range(n)], "z": rng.uniform(0.10, 0.12, n), "ebv": 0.05,
                          "zwarning": 0, "class": "GALAXY", "survey": "sdss"})
    for name, values in columns.items():
        table[{"class_": "class"}.get(name, name)] = values
    return SpectrumSet(wave, flux.astype(np.float32), ivar.astype(np.float32), table,
                       mask=np.zeros(flux.shape, dtype=np.uint32), frame="observed", scale="flux")


@pytest.fixture
def observed() -> Callable[..., SpectrumSet]:
    """Makes observed spectra: ``observed(n, seed=1, wave=…, column=values)``."""
    return make_observed
