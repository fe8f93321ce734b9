"""Trim, weight and order of steps against a slow reference that follows the paper's words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError, DataError
from specanom.scores.recipe import Recipe, kept_of, trimmed


def slow(x, y, keep, *, weight, trim, by, norm):
    """One spectrum: filter, then trim by sorting, then mean, in plain float64."""
    x, y = x.astype(np.float64)[keep], y.astype(np.float64)[keep]
    r = x - y
    w = {"none": np.ones_like(x), "flux": 1 / (np.abs(x) + 1e-3), "reconstruction": 1 / (np.abs(y) + 1e-3),
         "signed": 1 / (x + 1e-3)}[weight]
    terms = w * r**2
    order = np.argsort(np.abs(r) if by == "residual" else terms, kind="stable")
    stay = terms[order[: int((1 - trim) * len(r) + 1e-9)]]
    with np.errstate(invalid="ignore"):
        return np.sqrt(stay.sum()) if norm == "l2" else stay.mean()


def make(seed=0, n=40, p=500):
    rng = np.random.default_rng(seed)
    x = rng.normal(0.4, 0.5, (n, p)).astype("f4")
    return x, (x + rng.standard_t(3, (n, p)) * 0.1).astype("f4"), rng.random((n, p)) < 0.9


@pytest.mark.parametrize("metric", ["mse", "chi2"])
@pytest.mark.parametrize("trim", [0.0, 0.03, 0.25])
@pytest.mark.parametrize("by", ["weighted", "residual"])
@pytest.mark.parametrize("norm", ["mean", "l2"])
@pytest.mark.parametrize("weight", ["flux", "reconstruction", "signed"])
def test_equals_the_slow_reference(metric, trim, by, norm, weight):
    x, y, keep = make()
    got = Recipe(metric, trim, by, weight, norm=norm)(x, y, None, keep)
    used = weight if metric == "chi2" else "none"
    want = [slow(x[i], y[i], keep[i], weight=used, trim=trim, by=by, norm=norm) for i in range(len(x))]
    np.testing.assert_allclose(got, want, rtol=1e-9)


def test_the_published_chi2_is_nan_where_its_sum_is_negative():
    x, y = np.array([[-1.0, -1.0], [1.0, 1.0]]), np.zeros((2, 2))
    got = Recipe("chi2", weight="signed", norm="l2")(x, y)
    assert np.isnan(got[0])
    assert got[1] > 0
    assert Recipe("chi2", weight="signed")(x, y)[0] < 0
    assert Recipe("chi2")(x, y)[0] == Recipe("chi2")(x, y)[1] > 0


def test_three_per_cent_of_3773_leaves_3659():
    assert kept_of(3773, 0.03) == 3659
    rng = np.random.default_rng(1)
    size = rng.random((3, 3773))
    stay = trimmed(size, np.ones(3773, bool), 0.03)
    np.testing.assert_array_equal(stay.sum(axis=1), 3659)
    for row, kept in zip(size, stay, strict=True):
        assert row[kept].max() < row[~kept].min()


def test_the_share_is_of_the_pixels_left_by_the_filter():
    keep = np.zeros((2, 1000), bool)
    keep[0, :200], keep[1, :100] = True, True
    stay = trimmed(np.random.default_rng(2).random((2, 1000)), keep, 0.03)
    np.testing.assert_array_equal(stay.sum(axis=1), [194, 97])
    assert not stay[~keep].any()


@pytest.mark.parametrize(("n", "trim", "want"), [(10, 0.3, 7), (10, 0.9, 1), (100, 0.07, 93), (1, 0.5, 0),
                                                (0, 0.03, 0)])
def test_binary_fractions_do_not_cost_a_pixel(n, trim, want):
    assert kept_of(n, trim) == want


@given(st.integers(0, 2**31), st.floats(0, 0.95))
def test_trim_keeps_the_promised_number_also_with_ties(seed, trim):
    rng = np.random.default_rng(seed)
    size = rng.integers(0, 4, (6, 50)).astype(float)
    keep = rng.random((6, 50)) < 0.7
    stay = trimmed(size, keep, trim)
    np.testing.assert_array_equal(stay.sum(axis=1), [kept_of(int(k.sum()), trim) for k in keep])
    assert not (stay & ~keep).any()
    for row, kept, all_of_it in zip(size, stay, keep, strict=True):
        gone = all_of_it & ~kept
        if kept.any() and gone.any():
            edge = row[kept].max()
            assert edge <= row[gone].min()
            level = np.flatnonzero(all_of_it & (row == edge))
            np.testing.assert_array_equal(kept[level], np.sort(kept[level])[::-1])  # the first ones stay


def test_the_two_orders_of_trimming_differ_where_weights_do():
    x = np.array([[0.01, 10.0, 1.0, 1.0]])
    y = x - np.array([[0.2, 1.0, 0.1, 0.1]])
    by_weight = Recipe("chi2", 0.25)(x, y)[0]        # drops the pixel of flux 0.01: 0.04/0.011
    by_residual = Recipe("chi2", 0.25, "residual")(x, y)[0]  # drops the one of flux 10: |r| = 1
    assert by_weight == pytest.approx((1 / 10.001 + 2 * 0.01 / 1.001) / 3)
    assert by_residual == pytest.approx((0.04 / 0.011 + 2 * 0.01 / 1.001) / 3)


def test_ivar_weighs_and_trims():
    x, y, keep = make(3)
    ivar = np.random.default_rng(4).uniform(0, 9, x.shape)
    ivar[:, :50] = 0
    got = Recipe("chi2_ivar", 0.1)(x, y, ivar, keep)
    for i in range(len(x)):
        good = keep[i] & (ivar[i] > 0)
        terms = np.sort((ivar[i] * (x[i].astype(float) - y[i]) ** 2)[good])
        assert got[i] == pytest.approx(terms[: int(0.9 * len(terms) + 1e-9)].mean(), rel=1e-10)


def test_terms_add_up_to_the_score():
    x, y, keep = make(5)
    for recipe in (Recipe("mse"), Recipe("chi2", 0.03), Recipe("chi2", 0.03, "residual", "reconstruction")):
        terms = recipe.terms(x, y, None, keep)
        assert not terms[~keep].any()
        count = [kept_of(int(row.sum()), recipe.trim) for row in keep]
        np.testing.assert_allclose(terms.sum(axis=1) / count, recipe(x, y, None, keep), rtol=1e-10)


def test_a_bad_pixel_that_counts_makes_the_score_nan():
    x, y, _ = make(6)
    x[3, 7] = np.nan
    for recipe in (Recipe("mse"), Recipe("chi2")):
        got = recipe(x, y)
        assert np.isnan(got[3])
        assert np.isfinite(np.delete(got, 3)).all()


def test_ivar_is_asked_for_when_needed():
    x, y, _ = make(7)
    for metric in ("chi2_ivar", "multiscale"):
        with pytest.raises(DataError, match="ivar: expected an inverse variance"):
            Recipe(metric)(x, y)


@pytest.mark.parametrize("wrong", [{"metric": "msee"}, {"trim": 1.0}, {"trim": -0.1}, {"trim": float("nan")},
                                   {"delta": -1.0}, {"norm": "l1"}, {"weight": "ivar"}, {"trim_by": "size"},
                                   {"metric": "cosine", "norm": "l2"}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ArgumentError, match=next(iter(wrong)) if len(wrong) == 1 else "norm"):
        Recipe(**wrong)
