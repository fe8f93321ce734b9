"""Fills are what their formula says, and invented flux does not leak into them."""

from __future__ import annotations

import numpy as np
import pytest

from specanom.errors import ArgumentError, ShapeError
from specanom.explain.perturb import (
    Blur,
    Contrast,
    Flat,
    Gaussians,
    Scale,
    SegmentMean,
    Typical,
    fill_of,
    smooth,
)
from specanom.explain.segments import Uniform

RNG = np.random.default_rng(3)
FLUX = (1 + 0.1 * RNG.normal(size=200)).astype(np.float32)
SEGMENTS = Uniform(10)(FLUX, np.arange(200.0))
EVERY = [Scale(), Contrast(), Flat(), Flat(noise=0.1), SegmentMean(), Blur(), Gaussians(), Typical(np.ones(200))]


def _fill(perturbation: object, seed: int = 0) -> np.ndarray:
    return perturbation(FLUX, SEGMENTS, seed=seed)  # type: ignore[operator]


def test_scale_is_a_multiple() -> None:
    np.testing.assert_allclose(_fill(Scale(0.9)), 0.9 * FLUX.astype(float), rtol=1e-12)


def test_contrast_is_what_the_published_code_calls_scale() -> None:
    low = smooth(FLUX, 3)
    middle = np.median(low)
    np.testing.assert_allclose(_fill(Contrast(0.9)), middle + 0.9 * (low - middle) + (FLUX - low), rtol=1e-12)
    np.testing.assert_allclose(_fill(Contrast(1.0)), FLUX, rtol=1e-6)
    np.testing.assert_allclose(_fill(Contrast(0.0, keep_noise=False)), middle, rtol=1e-12)


def test_segment_mean_keeps_the_mean_of_each_segment() -> None:
    fill = _fill(SegmentMean())
    for k in range(10):
        inside = k == SEGMENTS
        assert np.ptp(fill[inside]) == 0
        assert fill[inside][0] == pytest.approx(FLUX[inside].mean(), rel=1e-6)


def test_flat_noise_is_seeded() -> None:
    assert np.array_equal(_fill(Flat(0.8)), np.full(200, 0.8))
    noisy = _fill(Flat(1, noise=0.2), seed=5)
    assert np.array_equal(noisy, _fill(Flat(1, noise=0.2), seed=5))
    assert not np.array_equal(noisy, _fill(Flat(1, noise=0.2), seed=6))
    assert noisy.std() == pytest.approx(0.2, rel=0.2)


def test_gaussians_are_bumps_in_the_middle_of_each_segment() -> None:
    bump = _fill(Gaussians(0.5)) - FLUX
    for k in range(10):
        inside = bump[k == SEGMENTS]
        assert 9 <= int(np.abs(inside).argmax()) <= 10
        assert np.abs(inside).max() == pytest.approx(0.5, rel=0.02)
        assert abs(inside[0]) < 0.02
    assert {float(v) for v in np.sign(bump[10::20])} == {-1.0, 1.0}


def test_blur_smooths() -> None:
    np.testing.assert_allclose(_fill(Blur(7.0)), smooth(FLUX, 7.0))
    assert _fill(Blur(7.0)).std() < 0.3 * FLUX.std()


@pytest.mark.parametrize("kind", [Scale, Flat, SegmentMean, Blur])
def test_keep_noise_adds_flux_minus_smooth(kind: type) -> None:
    noise = FLUX - smooth(FLUX, 3)
    with_noise, without = _fill(kind(keep_noise=True)), _fill(kind())
    if kind is Scale:
        np.testing.assert_allclose(with_noise, 0.9 * smooth(FLUX, 3) + noise, rtol=1e-12)
    else:
        np.testing.assert_allclose(with_noise, without + noise, rtol=1e-12)


def test_typical_is_the_reconstruction_or_a_given_spectrum() -> None:
    seen = []

    def reconstruct(flux: np.ndarray) -> np.ndarray:
        seen.append(flux.shape)
        return flux * 0 + 2

    assert np.array_equal(Typical()(FLUX, SEGMENTS, seed=0, reconstruct=reconstruct), np.full(200, 2.0))
    assert seen == [(1, 200)]
    assert np.array_equal(_fill(Typical(np.full(200, 3.0))), np.full(200, 3.0))
    with pytest.raises(ArgumentError, match="score with a model"):
        _fill(Typical())
    with pytest.raises(ShapeError):
        _fill(Typical(np.ones(7)))


def test_fills_are_frozen_settings() -> None:
    assert Scale(0.9) == Scale(0.9)
    with pytest.raises(AttributeError):
        Scale(0.9).factor = 2  # type: ignore[misc]
    for bad in (lambda: Scale(np.nan), lambda: Blur(0), lambda: Flat(noise=-1), lambda: Gaussians(sigma=0)):
        with pytest.raises(ArgumentError):
            bad()


@pytest.mark.parametrize("perturbation", EVERY, ids=lambda one: type(one).__name__)
def test_imputed_pixels_neither_move_nor_leak(perturbation: object) -> None:
    frozen = np.zeros(200, dtype=bool)
    frozen[45:62] = True
    kept = fill_of(perturbation, FLUX, SEGMENTS, seed=1, frozen=frozen)
    wild = FLUX.copy()
    wild[frozen] = 50.0
    made = fill_of(perturbation, wild, SEGMENTS, seed=1, frozen=frozen)
    assert made.dtype == np.float32
    assert np.array_equal(made[frozen], wild[frozen])
    assert np.array_equal(made[~frozen], kept[~frozen])


def test_a_perturbation_of_ones_own_is_checked() -> None:
    with pytest.raises(ShapeError, match="perturbation"):
        fill_of(lambda *a, **k: np.ones(3), FLUX, SEGMENTS, seed=0)
    with pytest.raises(ArgumentError, match="finite fill"):
        fill_of(lambda *a, **k: np.full(200, np.nan), FLUX, SEGMENTS, seed=0)
