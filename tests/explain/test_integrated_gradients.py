"""Integrated gradients: by hand, complete, equal to captum's through a real network, refused where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from specanom.errors import ArgumentError, DataError
from specanom.explain import IntegratedGradients
from specanom.explain.attribution import Attribution
from specanom.explain.evaluate import GenericEvaluator
from specanom.explain.problem import Problem
from specanom.models import PCAModel, VAEModel, wrap
from specanom.scores import Scorer
from specanom.spectrumset import SpectrumSet

P, K = 120, 12
WAVE = np.linspace(4800.0, 6800.0, P)
SEGMENTS = np.arange(P) * K // P


def sample() -> SpectrumSet:
    import pandas as pd

    rng = np.random.default_rng(0)
    n = 90
    flux = 1 + rng.normal(size=(n, 3)) @ np.sin(np.outer(np.arange(1, 4), np.linspace(0, 6, P))) / 4
    flux = np.abs(flux) + 0.3 + 0.05 * rng.normal(size=(n, P))
    flux[0, 35:45] += 2.0
    imputed = rng.random((n, P)) < 0.04
    ivar = np.where(imputed, 0, rng.uniform(100, 600, (n, P)))
    table = pd.DataFrame({"id": [f"s{i}" for i in range(n)], "z": rng.uniform(0.05, 0.2, n),
                          "snr": rng.uniform(10, 30, n), "instrument": "SDSS"})
    return SpectrumSet(WAVE, flux.astype(np.float32), ivar.astype(np.float32), table, imputed=imputed)


@pytest.fixture(scope="module")
def spectra() -> SpectrumSet:
    return sample()


@pytest.fixture(scope="module")
def vae(spectra: SpectrumSet) -> VAEModel:
    return VAEModel(n_latent=4, hidden=(32, 16), max_epochs=20, folds=1, seed=0).fit(spectra[1:], progress=False)


def explained(score: Any, spectrum: Any, method: IntegratedGradients | None = None) -> Attribution:
    flux = np.asarray(spectrum.flux)
    problem = Problem(score, flux, np.float32(0.9) * flux, SEGMENTS)
    return (method or IntegratedGradients())(GenericEvaluator(problem), seed=0)


class Quadratic:
    """Σ a x + x'Bx/2, of which integrated gradients are known."""

    def __init__(self, p: int) -> None:
        rng = np.random.default_rng(1)
        self.a, b = rng.normal(size=p), rng.normal(size=(p, p))
        self.b = b + b.T

    def __call__(self, flux: Any) -> Any:
        flux = np.asarray(flux, dtype=np.float64)
        return flux @ self.a + 0.5 * np.einsum("np,pq,nq->n", flux, self.b, flux)

    def gradient(self, flux: Any) -> Any:
        return self.a + np.asarray(flux, dtype=np.float64) @ self.b


@pytest.mark.parametrize("rule", ["gauss", "midpoint"])
@pytest.mark.parametrize("steps", [1, 7, 300])
def test_a_quadratic_score_has_the_weights_of_the_hand(rule: str, steps: int) -> None:
    score, x, g = Quadratic(6), np.arange(6) / 4.0, np.full(6, 0.5)
    problem = Problem(score, x, g, np.array([0, 0, 1, 1, 2, 2]))
    method = IntegratedGradients(steps, baseline="fill", rule=rule)
    found = method(GenericEvaluator(problem), seed=0)
    # The mean of a linear gradient is that in the middle: one step is enough.
    want = (x - g) * (score.a + (x + g) / 2 @ score.b)
    np.testing.assert_allclose(method.pixels(problem), want, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.weights, want.reshape(3, 2).sum(axis=1), rtol=1e-5, atol=1e-6)
    assert found.completeness < 1e-5
    assert found.intercept == pytest.approx(score(g[None])[0])
    assert found.n_samples == steps + 2


@pytest.mark.parametrize("settings", [
    {"metric": "mse"}, {"metric": "mse", "norm": "l2"}, {"metric": "chi2"}, {"metric": "chi2_ivar"},
    {"metric": "mse", "velocity": 250}, {"metric": "chi2", "weight": "reconstruction"},
    {"metric": "chi2", "weight": "signed"},
], ids=lambda settings: "-".join(map(str, settings.values())))
def test_weights_add_up_to_the_difference_from_the_baseline(spectra: Any, vae: Any, settings: dict[str, Any]) -> None:
    for model in (vae, PCAModel(4, folds=1).fit(spectra[1:])):
        found = explained(Scorer(model, **settings).bind(spectra[0]), spectra[0])
        assert found.completeness < 0.01
        assert found.weights.sum() == pytest.approx(found.score - found.intercept, rel=0.01)
        assert not found.error.any()
        assert found.stability == 1
        assert found.weights.argmax() in (3, 4)  # where the line was put


def test_trimmed_and_calibrated_scores_add_up_too_and_more_steps_help(spectra: Any, vae: Any) -> None:
    trimmed = Scorer(vae, "mse", trim=0.03).bind(spectra[0])
    few, many = (explained(trimmed, spectra[0], IntegratedGradients(n, rule="midpoint")) for n in (4, 1000))
    assert many.completeness < 0.01
    assert many.completeness < few.completeness
    calibrated = Scorer(vae, "mse").calibrate(spectra)
    raw, linked = explained(calibrated.scorer.bind(spectra[0]), spectra[0]), explained(
        calibrated.bind(spectra[0]), spectra[0], IntegratedGradients(256))
    assert linked.completeness < 0.01
    assert linked.score == pytest.approx(calibrated(spectra)[0], rel=1e-4)
    assert np.corrcoef(raw.weights, linked.weights)[0, 1] > 0.95


def test_a_chi2_adds_up_where_noise_crosses_zero(spectra: Any, vae: Any) -> None:
    noisy = spectra.replace(flux=np.where(np.arange(P) % 7 == 3, np.float32(-0.1), spectra.flux))
    for settings in ({}, {"norm": "l2"}):
        score = Scorer(vae, "chi2", **settings).bind(noisy[0])
        problem = Problem(score, noisy[0].flux, noisy[0].flux * 0.9, SEGMENTS)
        assert (problem.flux * IntegratedGradients().start(problem) < 0).any()
        assert explained(score, noisy[0]).completeness < 0.02


def test_imputed_pixels_that_do_not_count_get_nothing(spectra: Any, vae: Any) -> None:
    score = Scorer(vae, "mse").bind(spectra[0])
    problem = Problem(score, spectra[0].flux, spectra[0].flux * 0.9, SEGMENTS)
    pixels = IntegratedGradients().pixels(problem)
    assert spectra[0].imputed.any()
    assert not pixels[spectra[0].imputed].any()
    np.testing.assert_allclose(np.bincount(SEGMENTS, weights=pixels),
                               IntegratedGradients()(GenericEvaluator(problem), seed=0).weights)


def layers_of(network: Any) -> Any:
    """The network of a bound model as a torch function in double precision."""
    parts = [*((layer, True) for layer in network.encoder), (network.latent, False),
             *((layer, True) for layer in network.decoder), (network.output, False)]
    made = [(torch.tensor(layer.weight.copy()).double(), torch.tensor(layer.bias.copy()).double(), relu)
            for layer, relu in parts]

    def reconstruct(x: torch.Tensor) -> torch.Tensor:
        for weight, bias, relu in made:
            x = x @ weight.T + bias
            x = torch.relu(x) if relu else x
        return x

    return reconstruct


@pytest.mark.parametrize("metric", ["mse", "chi2", "chi2_ivar"])
def test_captum_agrees(spectra: Any, vae: Any, metric: str) -> None:
    attr = pytest.importorskip("captum.attr")
    spectrum = spectra[0]
    score = Scorer(vae, metric).bind(spectrum)
    reconstruct = layers_of(score.reconstruct.network)
    keep = torch.tensor(score.keep)
    weights = 1.0 if metric == "mse" else torch.tensor(np.asarray(score.weights)) if metric == "chi2_ivar" else None

    def function(x: torch.Tensor) -> torch.Tensor:
        w = 1 / (x.abs() + score.delta) if weights is None else weights
        terms = w * (x - reconstruct(x)) ** 2
        return torch.where(keep, terms, 0.0).sum(dim=1) / keep.sum()

    method = IntegratedGradients(100)
    problem = Problem(score, spectrum.flux, spectrum.flux * 0.9, SEGMENTS)
    x, start = (torch.tensor(each[None]).double() for each in (problem.flux, method.start(problem)))
    theirs = attr.IntegratedGradients(function).attribute(x, start, n_steps=100, method="gausslegendre")
    ours = method.pixels(problem)
    np.testing.assert_allclose(ours, theirs.numpy()[0], atol=1e-4 * np.abs(ours).max())


def test_a_fill_that_equals_the_spectrum_says_so_and_one_segment_gets_everything(spectra: Any, vae: Any) -> None:
    score, flux = Scorer(vae).bind(spectra[0]), spectra[0].flux
    method = IntegratedGradients(baseline="fill")
    same = method(GenericEvaluator(Problem(score, flux, flux, SEGMENTS)), seed=0)
    assert not same.weights.any()
    assert "fill equals the spectrum" in same.notes[0]
    whole = IntegratedGradients()(GenericEvaluator(Problem(score, flux, flux * 0.9, np.zeros(P, dtype=int))), seed=0)
    assert whole.weights[0] == pytest.approx(whole.score - whole.intercept, rel=0.01)


def test_scores_without_gradient_or_model_say_what_to_use_instead(spectra: Any) -> None:
    def odd(flux: Any) -> Any:
        return ((flux - 1) ** 2).mean(axis=1)

    with pytest.raises(ArgumentError, match=r'baseline="fill"'):
        explained(odd, spectra[0])
    with pytest.raises(ArgumentError, match=r"'odd' without one.*Shap\(\) or Occlusion\(\)"):
        explained(odd, spectra[0], IntegratedGradients(baseline="fill"))
    wrapped = Scorer(wrap(np.ones_like, wave=WAVE)).bind(spectra[0])
    with pytest.raises(ArgumentError, match="vector-Jacobian"):
        explained(wrapped, spectra[0])
    for bad in ({"steps": 0}, {"steps": 2.5}, {"baseline": "zero"}, {"rule": "simpson"}):
        with pytest.raises(ArgumentError, match=next(iter(bad))):
            IntegratedGradients(**bad)


def test_a_score_or_gradient_that_is_not_finite_is_refused() -> None:
    class Broken(Quadratic):
        def gradient(self, flux: Any) -> Any:
            return np.where(np.arange(6) == 2, np.nan, super().gradient(flux))

    problem = Problem(Broken(6), np.ones(6), np.zeros(6), np.arange(6))
    with pytest.raises(DataError, match="1 of 6 pixels not finite"):
        IntegratedGradients(baseline="fill")(GenericEvaluator(problem), seed=0)

    class Gone(Quadratic):
        def __call__(self, flux: Any) -> Any:
            return np.full(len(flux), np.nan)

    with pytest.raises(DataError, match="finite score of the spectrum itself"):
        IntegratedGradients(baseline="fill")(GenericEvaluator(Problem(Gone(6), np.ones(6), np.zeros(6), np.arange(6))),
                                             seed=0)
