"""Every shipped model, score, segmenter and perturbation keeps its contract."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import specanom as sa
from specanom.scores import METRICS
from specanom.testing import check_model, check_perturbation, check_score, check_segmenter

P, N = 120, 40
WAVE = np.linspace(4000.0, 7000.0, P)


def spectra(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    tilt = rng.normal(0, 0.2, (N, 1)) * np.linspace(-1, 1, P)
    bump = rng.exponential(1.0, (N, 1)) * np.exp(-0.5 * ((WAVE - 5000) / 40) ** 2)
    return (1 + tilt + bump + rng.normal(0, 0.05, (N, P))).astype(np.float32)


@pytest.fixture(scope="module")
def sample() -> sa.SpectrumSet:
    flux = spectra()
    return sa.SpectrumSet(WAVE, flux, np.full(flux.shape, 400.0, dtype=np.float32))


def squared(flux: Any) -> Any:
    return np.asarray(flux) * 0.9


def make_model(name: str, sample: sa.SpectrumSet) -> Any:
    if name == "wrap":
        return sa.wrap(squared, wave=WAVE)
    if name.startswith("PCA"):
        return sa.PCAModel(n_components=4, folds=2 if "folds" in name else 1, seed=0).fit(sample)
    if name == "transformer":
        return sa.TransformerEncoder(20, layers=1, width=8, heads=1, max_steps=5).fit(sample)
    folds = 2 if "folds" in name else 1
    return sa.VAEModel(n_latent=3, hidden=(16, 8), max_steps=30, folds=folds, seed=0).fit(sample)


@pytest.mark.parametrize("name", ["wrap", "PCA", "PCA in folds", "VAE", "VAE in folds", "transformer"])
def test_models(name: str, sample: sa.SpectrumSet) -> None:
    model = make_model(name, sample)
    report = check_model(model, sample.flux[:9], sample.ids[:9])
    assert len(report.passed) >= 11
    assert not report.broken


@pytest.mark.parametrize("metric", sorted(METRICS))
@pytest.mark.parametrize("options", [{}, {"velocity": 250.0, "trim": 0.03}], ids=["plain", "filtered and trimmed"])
def test_bound_scores(metric: str, options: dict[str, Any], sample: sa.SpectrumSet) -> None:
    scorer = sa.Scorer(Damped(), metric, **options)
    report = check_score(scorer.bind(sample[3]), sample.flux[:9])
    assert not report.broken


@pytest.mark.parametrize("metric", ["mse", "chi2"])
def test_scores_of_rows(metric: str, sample: sa.SpectrumSet) -> None:
    assert not check_score(sa.Scorer(Damped(), metric), sample.flux[:9]).broken


class Damped:
    """A model of three lines, so that scores are checked without training."""

    wave = WAVE

    def reconstruct(self, flux: Any, ids: Any = None) -> Any:
        array = np.asarray(getattr(flux, "flux", flux), dtype=np.float64)
        return 1 + 0.5 * (array - 1)

    def bind(self, id: str | None) -> Any:
        return self.reconstruct


SEGMENTERS = {
    "Uniform": lambda: sa.Uniform(11),
    "Uniform, as many as pixels": lambda: sa.Uniform(P),
    "Slic": lambda: sa.Slic(8),
    "Lines": lambda: sa.Lines(),
    "Refined": lambda: sa.Refined(sa.Uniform(11)),
    "Given": lambda: sa.Given(np.arange(P) // 9),
    "Boundaries": lambda: sa.explain.Boundaries((4500.0, 5000.0, 6500.0)),
}
PERTURBATIONS = {
    "Scale": lambda: sa.Scale(0.9),
    "Contrast": lambda: sa.explain.Contrast(0.9),
    "Flat": lambda: sa.Flat(),
    "Flat with noise": lambda: sa.Flat(noise=0.1),
    "Grey": lambda: sa.Grey(),
    "SegmentMean": lambda: sa.SegmentMean(),
    "Blur": lambda: sa.explain.Blur(5),
    "Gaussians": lambda: sa.Gaussians(),
    "Typical": lambda: sa.Typical(),
    "Scale, keep noise": lambda: sa.Scale(0.9, keep_noise=True),
}


@pytest.mark.parametrize("name", SEGMENTERS)
def test_segmenters(name: str) -> None:
    if name == "Slic":
        pytest.importorskip("skimage")
    assert not check_segmenter(SEGMENTERS[name](), spectra()[0], WAVE).broken


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_perturbations(name: str) -> None:
    report = check_perturbation(PERTURBATIONS[name](), spectra()[0], np.arange(P) // 12, reconstruct=squared)
    assert not report.broken
