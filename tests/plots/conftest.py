"""Records to draw: small ones made here, and real spectra."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from specanom.explain.context import Context
from specanom.explain.explanation import Explanation
from specanom.explain.explanationset import ExplanationSet
from specanom.lines import line
from specanom.spectrum import Spectrum
from specanom.spectrumset import SpectrumSet

HOSTILE = "<img src=x onerror=alert(1)>$$x$$</script><b>&"
"""An id that would inject a script, a formula or a tag where text is not escaped."""


def emission_galaxy(*, z: float | None = 0.1, id: str = "galaxy", seed: int = 1) -> Spectrum:
    """A continuum with Hα and [O III], noise, a spike, masked and imputed pixels; rest frame, normalised."""
    rng = np.random.default_rng(seed)
    wave = np.linspace(3500.0, 7500.0, 2000)
    flux = 1.0 + 0.1 * np.sin(wave / 300.0)
    for name, height in (("Ha", 8.0), ("OIII5008", 12.0)):
        flux += height * np.exp(-0.5 * ((wave - line(name).wave) / 3.0) ** 2)
    flux += rng.normal(0.0, 0.05, wave.size)
    flux[500] = 400.0
    ivar = np.full(wave.size, 400.0)
    imputed = np.zeros(wave.size, dtype=bool)
    imputed[900:910] = True
    ivar[imputed] = 0.0
    ivar[1200:1203] = 0.0
    return Spectrum(wave, flux, ivar, z=z, id=id, frame="rest", scale="normalised", imputed=imputed,
                    meta={"class": "GALAXY", "instrument": "SDSS"})


def explained(s: Spectrum, *, k: int = 20, seed: int = 0) -> Explanation:
    """An explanation of `s` with k equal segments, its largest weight on the segment of Hα."""
    rng = np.random.default_rng(seed)
    segments = (np.arange(len(s)) * k) // len(s)
    weights = rng.normal(0.0, 0.05, k)
    weights[segments[np.searchsorted(s.wave, line("Ha").wave)]] = 1.0
    context = Context(0.5, 0.1, 0.05, 0.05, float("nan"), 0.3, names=tuple(f"segment {i} of {s.id}" for i in range(k)))
    return Explanation(weights, np.stack([weights - 0.02, weights + 0.02], axis=1), segments, s.wave, score=3.5,
                       intercept=0.1, r2=0.9, ess=200.0, grade="trusted", reason="R² 0.90", context=context, id=s.id,
                       settings={"score": "mse"}, flux=s.flux)


@pytest.fixture
def galaxy() -> Spectrum:
    return emission_galaxy()


@pytest.fixture
def explanation_of_galaxy(galaxy: Spectrum) -> Explanation:
    return explained(galaxy)


@pytest.fixture(scope="session")
def sample() -> SpectrumSet:
    spectra = [emission_galaxy(z=0.02 * (i + 1), id=f"g{i:02d}", seed=i) for i in range(12)]
    table = pd.DataFrame({"id": [s.id for s in spectra], "z": [s.z for s in spectra], "snr": [s.snr for s in spectra]})
    return SpectrumSet(spectra[0].wave, [s.flux for s in spectra], [s.ivar for s in spectra], table,
                       imputed=np.array([s.imputed for s in spectra]))


@pytest.fixture(scope="session")
def explanations(sample: SpectrumSet) -> ExplanationSet:
    return ExplanationSet.of([explained(s, seed=i) for i, s in enumerate(sample)])


@pytest.fixture(scope="session")
def score_table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 4000
    snr = rng.uniform(4.0, 40.0, n)
    mse = np.exp(rng.normal(-3.0, 0.5, n)) / snr
    mse[:3] = np.nan
    return pd.DataFrame({"id": [f"g{i}" for i in range(n)], "z": rng.uniform(0.01, 0.4, n), "snr": snr,
                         "bin": (snr > 20).astype(int), "mse": mse, "mse_cal": rng.normal(size=n),
                         "mse_rank": np.arange(n, dtype=float), "latent_0": rng.normal(size=n)})


@pytest.fixture(scope="session")
def real_spectrum(shared: Path) -> Spectrum:
    return Spectrum.read(shared / "data" / "sdss" / "lite" / "spec-0266-51602-0013.fits")
