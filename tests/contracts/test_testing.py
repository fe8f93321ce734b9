"""Parts broken on purpose are caught, and the text says how."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from specanom.errors import ShapeError, SpecanomError
from specanom.testing import ContractError, check_model, check_perturbation, check_score, check_segmenter

P = 60
WAVE = np.linspace(4000.0, 7000.0, P)
FLUX = np.random.default_rng(0).normal(1, 0.1, (8, P)).astype(np.float32)
SEGMENTS = np.arange(P) // 10


class Model:
    """Keeps every line of the contract; broken versions derive from it."""

    wave: Any = WAVE

    def reconstruct(self, flux: Any, ids: Any = None) -> Any:
        flux = np.asarray(flux)
        if flux.shape[-1] != P:
            raise ShapeError("flux")
        return self.make(flux)

    def make(self, flux: Any) -> Any:
        return flux * 0.5

    def bind(self, id: str | None) -> Any:
        return self.reconstruct

    def encode(self, flux: Any, ids: Any = None) -> Any:
        return np.asarray(flux)[:, :3]

    def decode(self, latent: Any) -> Any:
        return np.repeat(latent, P // 3, axis=1)


class Shorter(Model):
    def make(self, flux: Any) -> Any:
        return flux[:, 1:]


class Integer(Model):
    def make(self, flux: Any) -> Any:
        return np.ones(flux.shape, dtype=int)


class Random(Model):
    def make(self, flux: Any) -> Any:
        return flux + np.random.default_rng().normal(size=flux.shape)


class WholeBatch(Model):
    def make(self, flux: Any) -> Any:
        return flux - flux.mean(axis=0)


class ByPosition(Model):
    def make(self, flux: Any) -> Any:
        return flux + np.arange(len(flux))[:, None]


class Inplace(Model):
    def make(self, flux: Any) -> Any:
        flux *= 0.5
        return flux


class OtherBound(Model):
    def bind(self, id: str | None) -> Any:
        return lambda flux: np.asarray(flux) * 0.4


class Unbound(Model):
    bind = None  # type: ignore[assignment]


class NanEater(Model):
    def make(self, flux: Any) -> Any:
        return np.nan_to_num(flux) * 0.5


class AnyLength(Model):
    def reconstruct(self, flux: Any, ids: Any = None) -> Any:
        return np.asarray(flux) * 0.5


class NoIds(Model):
    def reconstruct(self, flux: Any) -> Any:  # type: ignore[override]
        return super().reconstruct(flux)


class Descending(Model):
    wave = WAVE[::-1]


class RandomCode(Model):
    def encode(self, flux: Any, ids: Any = None) -> Any:
        return np.random.default_rng().normal(size=(len(flux), 3))


@pytest.mark.parametrize(
    ("model", "line"),
    [
        (Shorter, r"reconstruct returns \(n, p\)"), (Integer, "finite floats"), (Random, "same answer twice"),
        (WholeBatch, "rows beside it"), (ByPosition, "order of rows"), (Inplace, "does not change its input"),
        (OtherBound, "network that judges this id"), (Unbound, r"bind\(None\)"), (NanEater, "NaN is refused"),
        (AnyLength, "another length"), (NoIds, "takes ids"), (Descending, "ascending"),
        (RandomCode, "encode gives the same"),
    ],
)  # fmt: skip
def test_broken_models_are_caught(model: type[Model], line: str) -> None:
    with pytest.raises(ContractError, match=line):
        check_model(model(), FLUX)


def test_a_good_model_passes_every_line() -> None:
    report = check_model(Model(), FLUX, ids=[str(i) for i in range(8)])
    assert len(report.passed) == 15
    assert "15 of 15" in repr(report)


def test_the_error_is_an_assertion_and_ours() -> None:
    with pytest.raises(AssertionError) as caught:
        check_score(lambda flux: 1.0, FLUX)
    assert isinstance(caught.value, SpecanomError)
    assert "broken: returns (n,) float64 (got float, not an array)" in str(caught.value)


COUNT = {"calls": 0}


def drifting(flux: Any) -> Any:
    COUNT["calls"] += 1
    return np.asarray(flux, dtype=float).sum(axis=1) + COUNT["calls"]


@pytest.mark.parametrize(
    ("score", "line"),
    [
        (lambda flux: np.asarray(flux).mean(axis=1, dtype=np.float32), "float64"),
        (lambda flux: np.asarray(flux, dtype=float).mean(), "not an array"),
        (lambda flux: np.asarray(flux, dtype=float), "not \\(8,\\)"),
        (lambda flux: np.full(len(flux), np.inf), "not finite"),
        (drifting, "same answer twice"),
        (lambda flux: np.argsort(np.argsort(np.asarray(flux)[:, 0])).astype(float), "rows beside it"),
        (lambda flux: np.nansum(np.asarray(flux, dtype=float), axis=1), "spectrum of NaN has no score"),
        (lambda flux: np.nan_to_num(np.asarray(flux, dtype=float).sum(axis=1), nan=np.inf), "spectrum of NaN"),
        (lambda flux: flux.sort(axis=1) or np.asarray(flux, dtype=float)[:, 0], "does not change its input"),
    ],
)
def test_broken_scores_are_caught(score: Any, line: str) -> None:
    with pytest.raises(ContractError, match=line):
        check_score(score, FLUX)


class Cut:
    uses_flux: Any = False

    def __init__(self, ids: Any) -> None:
        self.ids = ids

    def __call__(self, flux: Any, wave: Any) -> Any:
        return self.ids(flux) if callable(self.ids) else self.ids


@pytest.mark.parametrize(
    ("ids", "line"),
    [
        (SEGMENTS + 1, "do not run from 0"), (SEGMENTS[:-1], "not \\(60,\\)"), (SEGMENTS.astype(float), "float64"),
        (lambda flux: (np.asarray(flux) > 1).astype(int), "uses_flux is False"),
        (lambda flux: np.random.default_rng().permutation(SEGMENTS), "same answer twice"),
    ],
)  # fmt: skip
def test_broken_segmenters_are_caught(ids: Any, line: str) -> None:
    with pytest.raises(ContractError, match=line):
        check_segmenter(Cut(ids), FLUX[0], WAVE)


def test_a_segmenter_must_declare_whether_it_uses_the_flux() -> None:
    check_segmenter(Cut(SEGMENTS), FLUX[0], WAVE)
    silent = Cut(SEGMENTS)
    silent.uses_flux = "sometimes"
    with pytest.raises(ContractError, match="uses_flux is 'sometimes'"):
        check_segmenter(silent, FLUX[0], WAVE)


def noisy_global(flux: Any, segments: Any, *, seed: int, reconstruct: Any = None) -> Any:
    return np.asarray(flux) + np.random.normal(size=len(flux))  # noqa: NPY002 - the fault under test


def small_seeds(flux: Any, segments: Any, *, seed: int, reconstruct: Any = None) -> Any:
    return np.asarray(flux) + np.random.RandomState(seed).normal(size=len(flux))


def seeded(flux: Any, segments: Any, *, seed: int, reconstruct: Any = None) -> Any:
    return np.asarray(flux) + np.random.default_rng(seed).normal(size=len(flux))


def needs_two(flux: Any, segments: Any, *, seed: int, reconstruct: Any = None) -> Any:
    return np.asarray(flux) / len(np.unique(segments)[1:])


@pytest.mark.parametrize(
    ("perturbation", "line"),
    [
        (noisy_global, "global generator"),
        (small_seeds, "63-bit seed"),
        (lambda flux, segments, *, seed, reconstruct=None: np.asarray(flux)[::2], "not \\(60,\\)"),
        (lambda flux, segments, *, seed, reconstruct=None: np.asarray(flux) / 0 * np.nan, "not finite"),
        (lambda flux, segments, *, seed, reconstruct=None: flux.__imul__(0.5), "does not change its input"),
        (needs_two, "single segment"),
        (lambda flux, segments: np.asarray(flux), "unexpected keyword"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_broken_perturbations_are_caught(perturbation: Any, line: str) -> None:
    with pytest.raises(ContractError, match=line):
        check_perturbation(perturbation, FLUX[0], SEGMENTS)


def test_a_good_perturbation_passes_and_the_global_generator_is_as_it_was() -> None:
    np.random.seed(5)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert len(check_perturbation(seeded, FLUX[0], SEGMENTS).passed) == 6
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_checking_with_the_wrong_shape_is_the_callers_error() -> None:
    with pytest.raises(ShapeError, match="two rows"):
        check_score(drifting, FLUX[:1])
    with pytest.raises(ShapeError, match="as flux"):
        check_perturbation(seeded, FLUX[0], SEGMENTS[:-1])
    with pytest.raises(ShapeError, match="8 ids"):
        check_model(Model(), FLUX, ids=["a"])
    with pytest.raises(ShapeError, match="one spectrum"):
        check_segmenter(Cut(SEGMENTS), FLUX, WAVE)


def test_a_model_that_forgets_itself_when_told_of_spectra_is_found() -> None:
    class Forgetful(Model):
        def knowing(self, table: Any) -> Any:
            return Integer()

    with pytest.raises(ContractError, match="knowing"):
        check_model(Forgetful(), FLUX)
