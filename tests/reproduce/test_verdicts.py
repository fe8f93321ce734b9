"""Verdicts are computed from numbers: the paper's own numbers agree with the paper, others do not."""

from __future__ import annotations

import numpy as np
import pytest

from specanom.explain.explainer import Explainer
from specanom.explain.perturb import Scale
from specanom.explain.segments import Uniform
from specanom.reproduce import variations, verdicts
from specanom.reproduce.groups import even, on_lines, share_of
from specanom.reproduce.numbers import GOOD_MSE, POOR_MSE, TABLE_1, TABLE_2, TABLE_3
from specanom.reproduce.sides import Made
from specanom.spectrum import Spectrum

COUNTS = sorted(TABLE_2.values(), reverse=True)
SHARES = [n / sum(COUNTS) for n in COUNTS]


def test_the_numbers_of_the_paper_agree_with_the_paper() -> None:
    sample = Made(dict(TABLE_1))
    errors = Made({"good": GOOD_MSE, "poor": POOR_MSE, "noise of the good one": float("nan")})
    sizes = Made({"counts": COUNTS, "shares": SHARES, "spectra": sum(COUNTS)})
    ratios = Made({"ranges": TABLE_3, "members": {}})
    for judge, made in ((verdicts.table_1, sample), (verdicts.figure_1, errors), (verdicts.table_2, sizes),
                        (verdicts.table_3, ratios)):
        assert set(judge(made, made).told.values()) == {verdicts.AGREES}, judge.__name__


def test_other_numbers_differ_and_the_sentence_names_them() -> None:
    far = Made({name: (10 * z, snr / 10) for name, (z, snr) in TABLE_1.items()})
    verdict = verdicts.table_1(Made(dict(TABLE_1)), far)
    assert verdict.told == {"paper": "agrees", "defaults": "differs"}
    assert "0 of 14 numbers" in verdict.said["defaults"]
    assert "50 % of z (1 for 0.1)" in verdict.said["defaults"]
    assert not verdict.settled


def test_what_was_not_made_cannot_be_told() -> None:
    none = Made({}, missing="no cluster leans on Hα, [O II] or [O III]")
    verdict = verdicts.table_3(none, none)
    assert set(verdict.told.values()) == {verdicts.OPEN}
    assert all("no cluster leans" in said for said in verdict.said.values())


def test_the_trend_of_the_paper_goes_its_own_way_and_not_backwards() -> None:
    good, steps = verdicts.trend(TABLE_3)
    assert good == steps == 10
    assert verdicts.trend({1: TABLE_3[3], 2: TABLE_3[2], 3: TABLE_3[1]}) == (0, 10)


def test_a_table_2_of_the_same_k_with_another_largest_cluster_agrees_in_part() -> None:
    made = Made({"counts": [94, 1, 1, 1, 1, 1, 1], "shares": [0.94, *[0.01] * 6], "spectra": 100})
    assert verdicts.table_2(made, made).told["paper"] == verdicts.PARTLY


@pytest.mark.parametrize(("weights", "expected"), [((0.0, 1.0, 0.0), 1.0), ((1.0, -1.0, 0.0), 0.5), ((1, 1, 1), 1 / 3)])
def test_shares_count_the_segments_that_reach_a_line(weights: tuple[float, ...], expected: float) -> None:
    wave = np.arange(6400.0, 6700.0)
    segments = np.arange(wave.size) // 100
    where = on_lines(wave, ("Ha",))
    assert where.sum() == pytest.approx(2 * 600 / 299792.458 * 6564.61, abs=2)
    assert share_of(np.array(weights), segments, where) == pytest.approx(expected)
    assert even(segments, where) == pytest.approx(1 / 3)


def _weights(score, factor: float):
    """Explain one spectrum of 60 pixels, whose ordinary is 1 everywhere, in 6 segments."""
    wave = np.linspace(4000.0, 5000.0, 60)
    spectrum = Spectrum(wave, 1.0 + np.repeat([0.3, -0.3, 0.3, 0.3, -0.3, 0.3], 10), frame="rest", scale="normalised")
    return Explainer(score, Uniform(6), perturbation=Scale(factor), seed=1).explain(spectrum)


def test_what_a_square_adds_to_weights_keeps_its_sign_and_grows_with_the_change() -> None:
    """Per segment, Σ(x − 1)² changes by δ·2Σx(x − 1) + δ²Σx², so that the parts stand as |δ|‖Σx²‖ to 2‖Σx(x − 1)‖."""
    def squares(flux):
        return ((np.atleast_2d(flux) - 1.0) ** 2).sum(axis=1)

    x = np.array([1.3, 0.7, 1.3, 1.3, 0.7, 1.3])
    found = {d: variations.unturned(_weights(squares, 1 - d), _weights(squares, 1 + d)) for d in (0.1, 0.4)}
    for d, ratio in found.items():
        assert ratio == pytest.approx(d * np.linalg.norm(x**2) / np.linalg.norm(2 * x * (x - 1)), rel=0.02)
    linear = [_weights(lambda flux: np.atleast_2d(flux).sum(axis=1), 1 + d) for d in (-0.4, 0.4)]
    assert variations.unturned(*linear) < 1e-6


def test_noise_is_not_shared_by_whole_segments_and_an_offset_is() -> None:
    rng, segments = np.random.default_rng(1), np.arange(7000) // 100

    class Fixed:
        def __init__(self, rest):
            self.rest = rest

        def residuals(self, ids):
            return self.rest[None]

    assert variations.shared(Fixed(rng.normal(size=7000)), "a", segments) == pytest.approx(0.01, abs=0.005)
    assert variations.shared(Fixed(np.where(segments % 2, 1.0, -1.0)), "a", segments) == pytest.approx(1.0)
    assert np.isnan(variations.shared(Fixed(np.zeros(7000)), "a", segments))


def test_figure_7_is_judged_by_its_three_factors_alone() -> None:
    numbers = {"factor 0.6": 0.95, "factor 0.9": 1.0, "factor 1.2": 0.97, variations.SHARED: 0.75,
               "same sign over turned sign, 0.9 and 1.1": 0.02, "same sign over turned sign, 0.6 and 1.4": 0.16}
    stable, other = Made(numbers), Made({**numbers, "factor 0.6": 0.12})
    verdict = variations.judge_7(stable, other)
    assert verdict.told == {"paper": verdicts.AGREES, "defaults": verdicts.DIFFERS}
    assert "0.16 times as large for 0.6" in verdict.said["paper"]
    assert "share 75 %" in verdict.said["paper"]
    assert "squares" in verdict.why
