"""Measures of faithfulness and pointing against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import specanom as sa
from specanom.errors import ArgumentError, DataError, ShapeError
from specanom.explain.evaluate import evaluator_of
from specanom.explain.faithfulness import curves, deletion, infidelity, insertion, max_sensitivity
from specanom.explain.localisation import average_precision, pointing, roc_auc
from specanom.explain.problem import Problem
from specanom.explain.truth import Truth, parse_intervals, truth_pixels


def _evaluator(score, flux, segments=None):
    """An evaluator with fill 0."""
    flux = np.asarray(flux, dtype=np.float32)
    ids = np.arange(flux.size) if segments is None else np.asarray(segments)
    return evaluator_of(Problem(score, flux, np.zeros_like(flux), ids.astype(np.intp)))


def total(flux):
    return flux.sum(axis=1, dtype=np.float64)


ADDITIVE = _evaluator(total, [5.0, 3.0, 2.0])  # switching a pixel off takes its flux from the score


# -- deletion and insertion --------------------------------------------------------------------------------------------


def test_deletion_and_insertion_of_an_additive_score_by_hand() -> None:
    gone, come = curves(ADDITIVE, np.array([5.0, 3.0, 2.0]))
    assert gone.order.tolist() == come.order.tolist() == [0, 1, 2]
    assert gone.score.tolist() == [10.0, 5.0, 2.0, 0.0]
    assert come.score.tolist() == [0.0, 5.0, 8.0, 10.0]
    np.testing.assert_allclose(gone.share, [0, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(gone.value, [1.0, 0.5, 0.2, 0.0])
    # Trapezoids a third wide: (0.75 + 0.35 + 0.1)/3 and (0.25 + 0.65 + 0.9)/3.
    assert gone.auc == pytest.approx(0.4)
    assert come.auc == pytest.approx(0.6)
    assert deletion(ADDITIVE, np.array([5.0, 3.0, 2.0])).auc == gone.auc
    assert insertion(ADDITIVE, np.array([5.0, 3.0, 2.0])).auc == come.auc


def test_the_wrong_order_has_the_worse_areas() -> None:
    gone, come = curves(ADDITIVE, np.array([2.0, 3.0, 5.0]))
    assert gone.score.tolist() == [10.0, 8.0, 5.0, 0.0]
    assert gone.auc == pytest.approx(0.6)
    assert come.auc == pytest.approx(0.4)


def test_where_the_fill_scores_higher_the_most_negative_weight_goes_first() -> None:
    evaluator = _evaluator(lambda flux: -total(flux), [5.0, 3.0, 2.0])
    gone = deletion(evaluator, np.array([-5.0, -3.0, -2.0]))
    assert gone.order.tolist() == [0, 1, 2]
    np.testing.assert_allclose(gone.value, [1.0, 0.5, 0.2, 0.0])
    assert gone.auc == pytest.approx(0.4)


def test_curves_are_nan_when_spectrum_and_fill_score_alike() -> None:
    gone, come = curves(_evaluator(total, [1.0, -1.0]), np.array([1.0, -1.0]))
    assert gone.score.tolist() == [0.0, -1.0, 0.0]
    assert np.isnan([gone.auc, come.auc]).all()


def test_one_segment_has_a_straight_curve() -> None:
    gone = deletion(_evaluator(total, [1.0, 2.0], [0, 0]), np.array([3.0]))
    assert gone.score.tolist() == [3.0, 0.0]
    assert gone.auc == pytest.approx(0.5)


@given(arrays(np.float64, 6, elements=st.floats(0.1, 10)), st.permutations(range(6)))
def test_no_order_beats_that_of_the_true_weights_of_an_additive_score(flux, other) -> None:
    evaluator = _evaluator(total, flux)
    best = curves(evaluator, flux)
    some = curves(evaluator, np.array(other, dtype=float))
    assert best[0].auc <= some[0].auc + 1e-6
    assert best[1].auc >= some[1].auc - 1e-6
    assert best[0].auc + best[1].auc == pytest.approx(1.0, abs=1e-5)  # additive: one mirrors the other


def test_weights_of_another_length_or_not_finite_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"weights: expected shape \(3,\)"):
        deletion(ADDITIVE, np.ones(4))
    with pytest.raises(DataError, match="finite"):
        insertion(ADDITIVE, np.array([1.0, np.nan, 0.0]))
    broken = _evaluator(lambda flux: np.where(flux.sum(axis=1) < 9, np.nan, 1.0), [5.0, 3.0, 2.0])
    with pytest.raises(DataError, match="not finite"):
        deletion(broken, np.ones(3))


# -- infidelity --------------------------------------------------------------------------------------------------------


def test_infidelity_by_hand() -> None:
    masks = np.array([[0, 1, 1], [1, 0, 0]], dtype=np.uint8)  # changes 5 and 5
    # Said: 4 and 3. ((4 − 5)² + (3 − 5)²) / (25 + 25) = 0.1.
    assert infidelity(ADDITIVE, np.array([4.0, 2.0, 1.0]), masks=masks) == pytest.approx(0.1)
    # Best factor 35/25 = 1.4: 5.6 and 4.2, hence (0.36 + 0.64)/50.
    assert infidelity(ADDITIVE, np.array([4.0, 2.0, 1.0]), masks=masks, scaled=True) == pytest.approx(0.02)


def test_infidelity_is_0_for_an_additive_score_and_1_for_no_weights() -> None:
    assert infidelity(ADDITIVE, np.array([5.0, 3.0, 2.0])) == pytest.approx(0.0, abs=1e-12)
    assert infidelity(ADDITIVE, np.zeros(3)) == pytest.approx(1.0)
    assert infidelity(ADDITIVE, np.zeros(3), scaled=True) == pytest.approx(1.0)
    assert infidelity(ADDITIVE, 7 * np.array([5.0, 3.0, 2.0]), scaled=True) == pytest.approx(0.0, abs=1e-12)


def test_infidelity_is_nan_when_nothing_changes_the_score() -> None:
    assert np.isnan(infidelity(_evaluator(lambda flux: np.ones(len(flux)), [1.0, 2.0]), np.zeros(2)))


def test_infidelity_knows_interactions() -> None:
    both = _evaluator(lambda flux: flux[:, 0].astype(float) * flux[:, 1], [2.0, 2.0])
    masks = np.array([[0, 1], [1, 0], [0, 0]], dtype=np.uint8)
    # Any segment off takes 4; (4, 4) says 4, 4, 8: 16/48.
    assert infidelity(both, np.array([4.0, 4.0]), masks=masks) == pytest.approx(1 / 3)


# -- max-sensitivity ---------------------------------------------------------------------------------------------------


def _noisy(ivar=None, **more):
    wave = np.arange(4000.0, 4004.0)
    return sa.Spectrum(wave, np.array([3.0, 4.0, 0.0, 0.0], np.float32), ivar, id="a", **more)


def test_max_sensitivity_of_the_flux_itself_is_the_largest_relative_noise() -> None:
    spectrum = _noisy(np.full(4, 100.0))
    found = max_sensitivity(lambda s: s.flux, spectrum, n=5, seed=3)
    rng = np.random.default_rng(3)
    by_hand = max(np.linalg.norm(0.1 * rng.standard_normal(4)) / 5.0 for _ in range(5))
    assert found == pytest.approx(by_hand, rel=1e-5)
    assert max_sensitivity(lambda s: s.flux, spectrum, n=5, seed=3, size=2.0) == pytest.approx(2 * by_hand, rel=1e-5)


def test_max_sensitivity_leaves_bad_and_imputed_pixels_alone() -> None:
    spectrum = _noisy(np.array([100.0, 0.0, 100.0, 100.0]), imputed=np.array([False, False, True, True]))
    seen = []
    max_sensitivity(lambda s: seen.append(s.flux) or np.ones(4), spectrum)
    moved = np.stack(seen) != spectrum.flux
    assert moved.any(axis=0).tolist() == [True, False, False, False]


def test_max_sensitivity_of_constant_weights_is_0_and_of_no_weights_nan() -> None:
    spectrum = _noisy(np.ones(4))
    assert max_sensitivity(lambda s: np.ones(3), spectrum) == 0.0
    assert np.isnan(max_sensitivity(lambda s: np.zeros(3), spectrum))


def test_max_sensitivity_without_a_pixel_that_could_move_is_not_known() -> None:
    assert np.isnan(max_sensitivity(lambda s: np.ones(3), _noisy(np.zeros(4))))
    assert np.isnan(max_sensitivity(lambda s: np.ones(3), _noisy(np.ones(4), imputed=np.ones(4, dtype=bool))))


def test_max_sensitivity_refuses_spectra_without_noise() -> None:
    with pytest.raises(ArgumentError, match="inverse variance"):
        max_sensitivity(lambda s: np.ones(3), _noisy())
    with pytest.raises(ArgumentError, match="above 0"):
        max_sensitivity(lambda s: np.ones(3), _noisy(np.ones(4)), n=0)
    count = iter(range(9))
    with pytest.raises(ShapeError, match="each time"):
        max_sensitivity(lambda s: np.ones(3 + next(count)), _noisy(np.ones(4)))


# -- pointing ----------------------------------------------------------------------------------------------------------

SEGMENTS = np.array([0, 0, 1, 1, 1, 2])
INSIDE = np.array([False, False, False, False, True, True])


def test_pointing_by_hand() -> None:
    assert pointing(np.array([3.0, 1.0, 2.0]), SEGMENTS, INSIDE) == 0.0
    assert pointing(np.array([1.0, 3.0, 2.0]), SEGMENTS, INSIDE) == 1.0
    assert pointing(np.array([1.0, 3.0, 2.0]), SEGMENTS, INSIDE, by="pixel") == pytest.approx(1 / 3)
    assert pointing(np.array([-4.0, 3.0, 2.0]), SEGMENTS, INSIDE) == 0.0
    assert pointing(np.array([-4.0, 3.0, 2.0]), SEGMENTS, INSIDE, positive=True) == 1.0
    assert pointing(np.array([2.0, 2.0, 1.0]), SEGMENTS, INSIDE) == 0.5  # of two that lead, one hits


def test_pointing_nowhere_is_a_miss_and_without_a_truth_nan() -> None:
    assert pointing(np.zeros(3), SEGMENTS, INSIDE) == 0.0
    assert pointing(-np.ones(3), SEGMENTS, INSIDE, positive=True) == 0.0
    assert np.isnan(pointing(np.ones(3), SEGMENTS, np.zeros(6, bool)))
    with pytest.raises(ArgumentError, match="pixel"):
        pointing(np.ones(3), SEGMENTS, INSIDE, by="pixels")


def test_roc_auc_and_average_precision_by_hand() -> None:
    values = np.array([0.9, 0.8, 0.7, 0.1])
    inside = np.array([True, False, True, False])
    # Pairs (inside, outside): 0.9 > 0.8, 0.9 > 0.1, 0.7 < 0.8, 0.7 > 0.1.
    assert roc_auc(values, inside) == 0.75
    # Precision 1 at the first, 2/3 at the second of the two.
    assert average_precision(values, inside) == pytest.approx((1 + 2 / 3) / 2)


def test_equal_values_count_half_and_give_the_share_of_the_truth() -> None:
    inside = np.array([True, False, False, False])
    assert roc_auc(np.ones(4), inside) == 0.5
    assert average_precision(np.ones(4), inside) == 0.25


def test_roc_and_precision_are_nan_without_a_truth_and_skip_nan_values() -> None:
    values = np.array([1.0, np.nan, 0.0])
    assert np.isnan(roc_auc(values, np.zeros(3, bool)))
    assert np.isnan(roc_auc(values, np.ones(3, bool)))
    assert np.isnan(average_precision(values, np.zeros(3, bool)))
    assert roc_auc(values, np.array([True, True, False])) == 1.0
    with pytest.raises(ShapeError, match="one a pixel"):
        roc_auc(values, np.ones(4, bool))


@given(arrays(np.float64, 30, elements=st.sampled_from([0.0, 0.5, 1.0, 2.0])), arrays(np.bool_, 30))
def test_roc_auc_and_average_precision_are_those_of_scikit_learn(values, inside) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    if inside.any() and not inside.all():
        assert roc_auc(values, inside) == pytest.approx(roc_auc_score(inside, values))
    if inside.any():
        assert average_precision(values, inside) == pytest.approx(average_precision_score(inside, values))


# -- truth -------------------------------------------------------------------------------------------------------------


def test_intervals_are_read() -> None:
    assert parse_intervals("4915.9-5017.7;6027.3-6037.0") == ((4915.9, 5017.7), (6027.3, 6037.0))
    assert parse_intervals(" 1e3 – 2e3 ; ") == ((1000.0, 2000.0),)
    assert parse_intervals("") == parse_intervals(None) == parse_intervals(float("nan")) == ()
    for wrong in ("4000", "5000-4000", "a-b", "1.2.3-4"):
        with pytest.raises(DataError, match="intervals"):
            parse_intervals(wrong)


def test_pixels_reach_half_way_to_their_neighbours() -> None:
    wave = np.arange(10.0)
    assert np.flatnonzero(truth_pixels(wave, [(2.6, 4.0)])).tolist() == [3, 4]
    assert np.flatnonzero(truth_pixels(wave, [(6.1, 6.2)])).tolist() == [6]  # narrower than a pixel
    assert np.flatnonzero(truth_pixels(wave, [(6.1, 6.2)], tolerance=1.0)).tolist() == [5, 6, 7]
    assert not truth_pixels(wave, [(20.0, 30.0)]).any()


def test_truth_is_found_by_id_and_in_the_frame_of_the_spectrum() -> None:
    truth = Truth.of(pd.DataFrame({"id": ["a", "b"], "intervals_rest": ["4001.9-4002.1", ""]}))
    assert len(truth) == 1
    assert repr(truth) == "Truth of 1 spectrum"
    assert np.flatnonzero(truth.pixels(_noisy(frame="rest"))).tolist() == [2]
    assert truth.pixels(_noisy(frame="rest").replace(id="b")) is None
    assert truth.pixels(_noisy(frame="observed")) is None  # no redshift
    observed = _noisy(frame="observed", z=1.0)
    assert np.flatnonzero(Truth({"a": "2001-2001.1"}).pixels(observed)).tolist() == [2]
    assert np.flatnonzero(Truth.of({"a": [(2001.0, 2001.1)]}, 0.5).pixels(observed)).tolist() == [1, 2, 3]


def test_a_truth_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ArgumentError, match="truth"):
        Truth.of(pd.DataFrame({"id": ["a"]}))
    with pytest.raises(ArgumentError, match="tolerance"):
        Truth({}, tolerance=-1.0)
    with pytest.raises(DataError, match="hi ≥ lo"):
        Truth({"a": [(2.0, 1.0)]})
