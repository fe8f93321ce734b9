"""Expected false alarms, where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from specanom.scores import Scorer
from specanom.scores.false_alarms import Null


def test_a_normal_sample_gives_the_normal_tail():
    null = Null.of(np.random.default_rng(1).normal(2, 3, 200_000))
    for sigma in (0, 1, 2, 3):
        assert null.survival(np.array(2 + 3 * sigma)) == pytest.approx(norm.sf(sigma), rel=0.15)


def test_a_skewed_sample_gives_its_own_tail():
    draws = np.exp(0.5 * np.random.default_rng(2).normal(size=400_000))
    null = Null.of(draws)
    for threshold in (1.5, 2.5, 4.0):
        assert null.survival(np.array(threshold)) == pytest.approx((draws >= threshold).mean(), rel=0.15)
    assert null.survival(np.array(-5.0)) == 1


def test_a_sample_skewed_the_other_way_ends():
    null = Null.of(-np.exp(0.5 * np.random.default_rng(3).normal(size=100_000)))
    assert null.survival(np.array(1.0)) == 0
    assert 0.4 < null.survival(np.array(-1.0)) < 0.6


def test_odd_spectra_in_the_sample_raise_the_count_and_never_lower_it():
    rng = np.random.default_rng(4)
    ordinary = np.exp(0.4 * rng.normal(size=5000))
    null = Null.of(np.concatenate([ordinary, rng.uniform(3, 30, 300)]))
    for threshold, most in ((1.5, 1.5), (2.0, 2.5), (2.5, 5.0)):
        expected, true = 5000 * null.survival(np.array(threshold)), (ordinary >= threshold).sum()
        assert 0.95 * true < expected < most * true


def test_falls_with_the_threshold_and_scales_with_the_number(sample_maker, smoother):
    sample = sample_maker(n=400, p=120, seed=5)
    calibrated = Scorer(smoother(sample.wave)).calibrate(sample)
    counts = calibrated.false_alarms(np.linspace(-3, 6, 30))
    assert (np.diff(counts) <= 0).all()
    assert counts[0] > 390
    assert calibrated.false_alarms(2.0, n=4000) == pytest.approx(10 * calibrated.false_alarms(2.0))
    ordinary = sample_maker(n=2000, p=120, seed=6)
    ordinary.table["id"] = [f"o{i}" for i in range(2000)]
    for threshold in (1.0, 2.0):
        seen = (calibrated(ordinary) >= threshold).sum()
        assert calibrated.false_alarms(threshold, n=2000) == pytest.approx(seen, rel=0.5)


def test_a_sample_of_equal_scores_is_no_error():
    assert Null.of(np.ones(50)).survival(np.array(2.0)) == 0
