"""Ranks and how far to trust them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError, ShapeError
from specanom.scores import Scorer, order, rank_intervals, ranks

VALUES = st.lists(st.one_of(st.just(float("nan")), st.integers(-3, 3).map(float)), min_size=1, max_size=30)


@given(VALUES, st.sampled_from(["last", "first"]))
def test_ranks_follow_score_then_id_with_nan_at_its_end(values, nan):
    ids = [f"{(i * 7) % len(values):03d}-{i}" for i in range(len(values))]
    end = 1 if nan == "last" else -1

    def key(i):
        missing = values[i] != values[i]
        return (end * missing, 0.0 if missing else -values[i], ids[i])

    want = sorted(range(len(values)), key=key)
    assert order(values, ids, nan=nan).tolist() == want
    got = ranks(values, ids, nan=nan)
    assert got[want].tolist() == list(range(1, len(values) + 1))


@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_of_the_sample_never_decides(values, random):
    ids = [f"n{i}" for i in range(len(values))]
    mixed = list(range(len(values)))
    random.shuffle(mixed)
    before = ranks(values, ids)
    after = ranks([values[i] for i in mixed], [ids[i] for i in mixed])
    assert after.tolist() == before[mixed].tolist()


def test_ids_of_another_length_are_refused():
    with pytest.raises(ShapeError, match="ids"):
        ranks([1.0, 2.0], ["a"])
    with pytest.raises(ArgumentError, match="nan"):
        ranks([1.0], ["a"], nan="middle")


class Shaken:
    """A model whose reconstruction depends on its seed."""

    def __init__(self, inner, seed, size):
        self.wave, self.inner, self.seed, self.size = inner.wave, inner, seed, size

    def reconstruct(self, flux, ids=None):
        factor = 1 + np.random.default_rng(self.seed).normal(0, self.size, (len(flux), 1))
        return self.inner.reconstruct(flux, ids) * factor.astype("f4")

    def bind(self, id):
        return self.inner.bind(id)


@pytest.mark.parametrize("calibrated", [False, True])
def test_equal_fits_leave_no_doubt_and_shaken_ones_do(sample, model, calibrated):
    scorer = Scorer(model, "chi2_ivar")
    scorer = scorer.calibrate(sample) if calibrated else scorer
    same = rank_intervals(scorer, sample, [model, model])
    assert list(same) == ["id", "rank", "median", "low", "high"]
    assert list(same["id"]) == sample.ids
    for name in ("median", "low", "high"):
        np.testing.assert_array_equal(same[name], same["rank"])
    np.testing.assert_array_equal(same["rank"], ranks(scorer(sample), sample.ids))
    little = rank_intervals(scorer, sample, lambda seed: Shaken(model, seed, 0.003), repeats=6)
    much = rank_intervals(scorer, sample, lambda seed: Shaken(model, seed, 0.1), repeats=6)
    width = [(made["high"] - made["low"]).mean() for made in (little, much)]
    assert 0 < width[0] < width[1]
    assert (much["low"] <= much["median"]).all()
    assert (much["median"] <= much["high"]).all()


def test_a_wider_level_gives_wider_intervals(sample, model):
    fits = [Shaken(model, seed, 0.1) for seed in range(8)]
    narrow, wide = (rank_intervals(Scorer(model), sample, fits, level=level) for level in (0.5, 0.9))
    assert (wide["high"] - wide["low"]).sum() > (narrow["high"] - narrow["low"]).sum()


def test_without_a_second_fit_there_is_no_interval(sample, model):
    with pytest.raises(ArgumentError, match="models"):
        rank_intervals(Scorer(model), sample, [])
    with pytest.raises(ArgumentError, match="level"):
        rank_intervals(Scorer(model), sample, [model], level=68)
