"""The metrics against slow references, and what must never matter to them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import distance

from specanom.errors import ArgumentError, ShapeError
from specanom.scores import metrics
from specanom.scores.metrics import METRICS, flux_weight

NAMES = sorted(METRICS)


def make(seed: int, n: int = 7, p: int = 160, kept: float = 0.8):
    rng = np.random.default_rng(seed)
    x = rng.normal(1, 0.3, (n, p)).astype("f4")
    y = (x + rng.normal(0, 0.1, (n, p))).astype("f4")
    return x, y, rng.uniform(0.5, 5, (n, p)), rng.random((n, p)) < kept


def pixelwise(name: str, x: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    """A loop over pixels, in Python floats."""
    r = [float(a) - float(b) for a, b in zip(x, y, strict=True)]
    if name in ("mse", "chi2", "chi2_ivar"):
        return sum(float(k) * d * d for k, d in zip(w, r, strict=True)) / len(r)
    if name == "l2":
        return sum(float(k) * d * d for k, d in zip(w, r, strict=True)) ** 0.5
    if name == "mad":
        return sum(float(k) * abs(d) for k, d in zip(w, r, strict=True)) / len(r)
    return (sum(float(k) * abs(d) ** (1 / 3) for k, d in zip(w, r, strict=True)) / len(r)) ** 3


@pytest.mark.parametrize("name", ["mse", "l2", "mad", "lp"])
def test_sums_over_pixels_equal_a_loop_over_the_kept_pixels(name):
    x, y, w, keep = make(1)
    got = getattr(metrics, name)(x, y, w, keep)
    want = [pixelwise(name, x[i, keep[i]], y[i, keep[i]], w[i, keep[i]]) for i in range(len(x))]
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("name", ["cosine", "correlation", "braycurtis"])
def test_distances_equal_those_of_scipy(name):
    x, y, w, keep = make(2)
    got = getattr(metrics, name)(x, y, w, keep)
    reference = getattr(distance, name)
    want = [reference(x[i, keep[i]].astype(float), y[i, keep[i]].astype(float), w[i, keep[i]]) for i in range(len(x))]
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-13)


def test_chi2_divides_by_the_absolute_flux():
    x, y, _, keep = make(3)
    x[:, ::5] *= -1
    want = [np.mean(((x - y).astype(float) ** 2 / (np.abs(x.astype(float)) + 0.01))[i, keep[i]]) for i in range(len(x))]
    np.testing.assert_allclose(metrics.chi2(x, y, None, keep, delta=0.01), want, rtol=1e-6)


def test_chi2_ivar_leaves_out_pixels_of_unknown_noise():
    x, y, w, keep = make(4)
    w[:, 10:60] = 0
    good = keep & (w > 0)
    want = [np.mean(w[i, good[i]] * (x[i, good[i]].astype(float) - y[i, good[i]]) ** 2) for i in range(len(x))]
    np.testing.assert_allclose(metrics.chi2_ivar(x, y, w, keep), want, rtol=1e-12)


def test_chi2_ivar_of_pure_noise_is_one():
    rng = np.random.default_rng(5)
    sigma = rng.uniform(0.1, 2, (20, 4000))
    got = metrics.chi2_ivar(1 + sigma * rng.standard_normal(sigma.shape), np.ones(sigma.shape), sigma**-2.0)
    np.testing.assert_allclose(got, 1, atol=0.12)


@pytest.mark.parametrize(("kind", "sign"), [("flux", 1), ("reconstruction", 1), ("signed", -1)])
def test_only_the_published_weight_is_negative_below_zero(kind, sign):
    weight = flux_weight(np.array([[-2.0]]), np.array([[0.5]]), kind, 1e-3)
    assert np.sign(weight) == sign
    size = {"flux": 1 / 2.001, "reconstruction": 1 / 0.501, "signed": 1 / 1.999}[kind]
    assert abs(weight[0, 0]) == pytest.approx(size)


@given(st.integers(0, 2**31), st.sampled_from(NAMES))
def test_what_lies_under_a_masked_pixel_never_matters(seed, name):
    x, y, w, keep = make(seed)
    metric = METRICS[name].function
    before = metric(x, y, w, keep)
    for array, value in ((x, np.nan), (y, np.inf), (w, np.nan)):
        array[~keep] = value
    np.testing.assert_array_equal(metric(x, y, w, keep), before)


@given(st.integers(0, 2**31), st.sampled_from(NAMES))
def test_permuting_spectra_permutes_scores_bit_for_bit(seed, name):
    x, y, w, keep = make(seed, n=70, p=90)
    order = np.random.default_rng(seed).permutation(len(x))
    metric = METRICS[name].function
    np.testing.assert_array_equal(metric(x[order], y[order], w[order], keep[order]), metric(x, y, w, keep)[order])


@pytest.mark.parametrize("name", NAMES)
def test_a_shared_mask_equals_the_same_mask_in_every_row(name):
    x, y, w, keep = make(6)
    metric = METRICS[name].function
    shared = keep[0]
    np.testing.assert_allclose(
        metric(x, y, w, shared), metric(x, y, w, np.tile(shared, (len(x), 1))), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", [*NAMES, "l2"])
def test_nothing_kept_gives_nan_and_a_perfect_match_gives_nothing(name):
    x, y, w, keep = make(7)
    metric = metrics.l2 if name == "l2" else METRICS[name].function
    keep[2] = False
    got = metric(x, y, w, keep)
    assert np.isnan(got[2])
    assert np.isfinite(np.delete(got, 2)).all()
    np.testing.assert_allclose(metric(x, x, w, None), 0, atol=1e-12)


def test_sums_are_float64_also_of_float32_spectra():
    x = np.full((1, 4000), 1e4, dtype="f4")
    y = x.copy()
    y[0, 0] -= 100
    y[0, 1:] -= 0.01
    want = (100.0**2 + 3999 * float(x[0, 1] - y[0, 1]) ** 2) / 4000
    assert metrics.mse(x, y)[0] == pytest.approx(want, rel=1e-13)


def test_wrong_shapes_and_names_are_refused():
    x, y, w, keep = make(8)
    with pytest.raises(ShapeError, match="x, y"):
        metrics.mse(x, y[:3])
    with pytest.raises(ShapeError, match="x, y"):
        metrics.mse(x[0], y[0])
    with pytest.raises(ShapeError, match="keep"):
        metrics.mse(x, y, None, keep[:, :9])
    with pytest.raises(ShapeError, match="weight"):
        metrics.mse(x, y, w[:2])
    with pytest.raises(ArgumentError, match="reconstruction"):
        flux_weight(x, y, "reconstructed")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("noisy", [False, True])
def test_a_row_has_the_same_bits_alone_and_among_many(name: str, noisy: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(1.0, 0.3, (70, 501)).astype(np.float32)
    y = (x + rng.normal(0.0, 0.1, x.shape)).astype(np.float32)
    weight = rng.gamma(2.0, 5.0, 501) if noisy or METRICS[name].weighting == "ivar" else None
    keep = np.ones(501, dtype=bool)
    keep[100:120] = False
    together = METRICS[name].function(x, y, weight, keep)
    alone = np.concatenate([METRICS[name].function(x[i : i + 1], y[i : i + 1], weight, keep) for i in range(70)])
    np.testing.assert_array_equal(alone, together)


def test_keeping_every_pixel_is_the_same_as_saying_nothing() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(1.0, 0.3, (2, 40, 501)).astype(np.float32)
    for metric in METRICS.values():
        weight = np.ones(501) if metric.weighting == "ivar" else None
        everything = metric.function(x, y, weight, np.ones(501, dtype=bool))
        np.testing.assert_array_equal(everything, metric.function(x, y, weight, None))
