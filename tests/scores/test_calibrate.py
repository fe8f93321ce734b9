"""Calibration: what it removes, what one spectrum's map is, and what a value means."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from specanom.errors import ArgumentError, DataError, ShapeError
from specanom.scores import LatentScorer, Scorer, calibrate_all, calibrate_from_table, calibrated_values, table
from specanom.scores.calibrate import Excess
from specanom.scores.neighbourhood import Neighbourhood, default_neighbours, robust_plane


@pytest.fixture(scope="module")
def big(sample_maker):
    return sample_maker(n=600, p=120, seed=7)


@pytest.fixture
def big_model(big, smoother):
    return smoother(big.wave)


def slow_calibrated(values, snr, z, k):
    """Row by row: neighbours by sorting distances, moved along the plane, median and MAD."""
    logs = np.column_stack([np.log(snr), np.log(z)])
    low, middle, high = np.percentile(logs, [16, 50, 84], axis=0)
    place = (logs - middle) / (0.5 * (high - low))
    score = np.log(values)
    slope = robust_plane(place, score)
    made = []
    for i in range(len(values)):
        distance = np.hypot(*(place - place[i]).T)
        distance[i] = np.inf
        near = np.argsort(distance)[:k]
        moved = score[near] + (place[i] - place[near]) @ slope
        centre = np.median(moved)
        made.append((score[i] - centre) / (1.4826 * np.median(np.abs(moved - centre))))
    return np.array(made)


@pytest.mark.parametrize("metric", ["mse", "chi2_ivar"])
def test_equals_a_slow_reference(big, big_model, metric):
    scorer = Scorer(big_model, metric)
    got = scorer.calibrate(big, neighbours=40)(big)
    want = slow_calibrated(scorer(big), big.table["snr"].to_numpy(), big.table["z"].to_numpy(), 40)
    np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9)


def test_takes_the_dependence_on_noise_out(big, big_model):
    scorer = Scorer(big_model)
    before = spearmanr(scorer(big), big.table["snr"])[0]
    after = spearmanr(scorer.calibrate(big)(big), big.table["snr"])[0]
    assert before < -0.9
    assert abs(after) < 0.1


def test_ordinary_spectra_are_around_zero_with_unit_spread(big, big_model):
    values = Scorer(big_model).calibrate(big)(big)
    assert np.median(values) == pytest.approx(0, abs=0.15)
    assert 1.4826 * np.median(np.abs(values - np.median(values))) == pytest.approx(1, abs=0.2)


def test_spectra_never_seen_are_calibrated_as_set_or_list_or_alone(big, big_model, sample_maker):
    calibrated = Scorer(big_model, "chi2_ivar").calibrate(big)
    fresh = sample_maker(n=30, p=120, seed=99)
    fresh.table["id"] = [f"new{i}" for i in range(30)]
    whole = calibrated(fresh)
    np.testing.assert_allclose(calibrated(list(fresh)), whole, rtol=1e-9)
    np.testing.assert_allclose(calibrated(fresh[4]), whole[4:5], rtol=1e-9)
    assert np.abs(np.median(whole)) < 1


def test_a_spectrum_without_a_table_is_placed_by_its_own_noise(big, big_model):
    calibrated = Scorer(big_model).calibrate(big)
    s = big[3].replace(meta={}, id="unheard of")
    assert s.snr == pytest.approx(big[3].meta["snr"], rel=0.35)
    assert calibrated(s)[0] == pytest.approx(calibrated(big[3])[0], abs=3)


def test_what_is_not_known_of_a_spectrum_is_not_used(big, big_model):
    scorer = Scorer(big_model)
    calibrated = scorer.calibrate(big)
    by_snr = calibrated(big[3].replace(z=None))[0]
    assert np.isfinite(by_snr)
    assert by_snr != calibrated(big[3])[0]
    values = scorer(big.flux)
    middle = np.median(np.log(scorer(big)))
    got = calibrated(np.asarray(big.flux))
    assert spearmanr(got, values)[0] == pytest.approx(1)
    assert got[np.argmin(np.abs(np.log(values) - middle))] == pytest.approx(0, abs=0.3)


def test_bound_it_is_one_smooth_monotone_map_of_the_raw_score(big, big_model):
    scorer = Scorer(big_model, "chi2_ivar")
    calibrated = scorer.calibrate(big)
    s = big[11]
    bound = calibrated.bind(s)
    copies = np.stack([s.flux * f for f in (1.0, 0.97, 1.05, 1.2)])
    raw = scorer.bind(s)(copies)
    assert bound.name == "chi2_ivar_cal"
    assert isinstance(bound.link, Excess)
    np.testing.assert_allclose(bound(copies), (np.log(raw) - bound.link.centre) / bound.link.width, rtol=1e-12)
    np.testing.assert_array_equal(np.argsort(bound(copies)), np.argsort(raw))
    assert bound(copies)[0] == pytest.approx(calibrated(big)[11], rel=1e-9)
    np.testing.assert_array_equal(bound.keep, scorer.bind(s).keep)


def test_scores_that_can_be_negative_are_calibrated_without_logarithm(big, big_model):
    latent = LatentScorer(big_model, "gmm", size=2).fit(big)
    calibrated = latent.calibrate(big)
    assert (latent(big) < 0).any()
    assert not calibrated.logarithm
    assert np.isfinite(calibrated(big)).all()
    assert calibrated.bind(big[0])(big.flux[:1])[0] == pytest.approx(calibrated(big)[0], rel=1e-9)
    signed = Scorer(big_model, "chi2", weight="signed").calibrate(big)
    assert not signed.logarithm


def test_a_few_odd_spectra_in_the_reference_do_no_harm(big, big_model):
    scorer = Scorer(big_model)
    values = scorer(big)
    spoilt = values.copy()
    spoilt[::25] *= 100
    clean = scorer.calibrate(big, values=values)
    dirty = scorer.calibrate(big, values=spoilt)
    others = np.arange(len(values)) % 25 != 0
    difference = (clean.reference - dirty.reference)[others]
    assert np.abs(np.median(difference)) < 0.15
    assert np.quantile(np.abs(difference), 0.95) < 0.4


@settings(max_examples=15)
@given(factor=st.floats(1e-3, 1e3), power=st.floats(0.2, 3))
def test_units_of_the_score_do_not_matter(big, smoother, factor, power):
    scorer = Scorer(smoother(big.wave))
    values = scorer(big)
    one = scorer.calibrate(big, values=values).reference
    other = scorer.calibrate(big, values=factor * values**power).reference
    np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-8)


def test_nan_stays_nan_and_does_not_spread(big, big_model):
    scorer = Scorer(big_model)
    values = scorer(big)
    values[5] = np.nan
    calibrated = scorer.calibrate(big, values=values)
    assert np.isnan(calibrated.reference[5])
    assert np.isfinite(np.delete(calibrated.reference, 5)).all()
    assert np.isnan(calibrated.percentile_of([np.nan])).all()


def test_a_score_of_zero_is_the_least_odd(big, big_model):
    calibrated = Scorer(big_model).calibrate(big)
    zero, small = calibrated.of_raw([0.0, 1e-9], [10, 10], [0.1, 0.1])
    assert np.isfinite(zero)
    assert zero < small < -3


def test_equal_scores_do_not_divide_by_zero(big, big_model):
    calibrated = Scorer(big_model).calibrate(big, values=np.ones(len(big)))
    np.testing.assert_array_equal(calibrated.reference, 0)


def test_percentile_and_count_above(big, big_model):
    calibrated = Scorer(big_model).calibrate(big)
    values = calibrated(big)
    share = calibrated.percentile(big)
    np.testing.assert_array_equal(np.argsort(share), np.argsort(values))
    assert share.min() == pytest.approx(100 * 0.5 / 600)
    assert share.max() == pytest.approx(100 * (1 - 0.5 / 600))
    assert calibrated.above(values.max()) == 1
    assert calibrated.above(-99) == 600
    np.testing.assert_array_equal(calibrated.above([np.median(values)]), 300)


def test_all_scores_calibrated_at_once_read_the_sample_once(big, big_model):
    scorers = Scorer.paper(big_model)
    raw = table(scorers, big)
    big_model.calls = 0
    together = calibrate_all(scorers, big)
    assert big_model.calls == 1
    known = calibrate_all(scorers, big, values=raw)
    assert big_model.calls == 1
    for name, scorer in scorers.items():
        alone = scorer.calibrate(big).reference
        np.testing.assert_array_equal(together[name].reference, alone)
        np.testing.assert_array_equal(known[name].reference, alone)
        assert together[name].name == f"{name}_cal"


def test_several_scores_at_once_are_those_one_by_one_and_seek_their_neighbours_once(big, big_model, monkeypatch):
    scorers = {name: Scorer(big_model, name) for name in ("mse", "chi2", "chi2_ivar")}
    raw = table(scorers, big).assign(z=big.table["z"].where(np.arange(len(big)) % 7 > 0), snr=big.table["snr"])
    raw.loc[5, "mse"] = np.nan
    snr, z, ids = raw["snr"].to_numpy(), raw["z"].to_numpy(), list(raw["id"])
    calibrated = calibrate_from_table(scorers, raw)
    want = {name: one.of_raw(raw[name], snr, z, ids) for name, one in calibrated.items()}
    asked = []
    near = Neighbourhood.near
    monkeypatch.setattr(Neighbourhood, "near", lambda self, places, axes, ids=None: (
        asked.append(len(places)), near(self, places, axes, ids))[1])
    got = calibrated_values(calibrated, raw, snr, z, ids)
    assert sum(asked) == len(big)
    assert list(got) == list(scorers)
    for name, values in want.items():
        np.testing.assert_array_equal(got[name], values)


def test_scores_with_neighbours_of_their_own_are_calibrated_at_once_too(big, big_model):
    few, many = (Scorer(big_model, "mse").calibrate(big, neighbours=k) for k in (40, 90))
    raw, snr, z = few.raw, big.table["snr"], big.table["z"]
    got = calibrated_values({"few": few, "many": many}, {"few": raw, "many": raw}, snr, z, big.ids)
    np.testing.assert_array_equal(got["few"], few.of_raw(raw, snr, z, big.ids))
    np.testing.assert_array_equal(got["many"], many.of_raw(raw, snr, z, big.ids))
    assert not np.array_equal(got["few"], got["many"])


def test_wrong_calls_raise(big, big_model):
    scorer = Scorer(big_model)
    with pytest.raises(DataError, match="at least 20 spectra"):
        scorer.calibrate(big[:10])
    with pytest.raises(DataError, match="S/N and redshift"):
        scorer.calibrate(np.asarray(big.flux))
    with pytest.raises(DataError, match="neither"):
        scorer.calibrate(big.replace(table=pd.DataFrame({"id": big.ids})))
    with pytest.raises(ArgumentError, match="neighbours"):
        scorer.calibrate(big, neighbours=3)
    with pytest.raises(ShapeError, match="values"):
        scorer.calibrate(big, values=np.ones(3))


@pytest.mark.parametrize(("n", "k"), [(30, 30), (100, 50), (1000, 100), (10**6, 200)])
def test_the_neighbourhood_grows_with_the_sample(n, k):
    assert default_neighbours(n) == k


def test_the_plane_is_not_bent_by_a_few():
    rng = np.random.default_rng(1)
    place = rng.normal(size=(500, 2))
    values = 3 + place @ [2.0, -1.0] + 0.1 * rng.normal(size=500)
    values[:40] += 30 * np.sign(place[:40, 0])
    np.testing.assert_allclose(robust_plane(place, values), [2, -1], atol=0.05)
    assert not robust_plane(place[:5], values[:5]).any()


def test_a_spectrum_is_not_its_own_neighbour():
    snr, z = np.exp(np.random.default_rng(2).normal(2, 0.5, (2, 60)))
    near = Neighbourhood(snr, z / 50, [str(i) for i in range(60)], 59)
    place = near.coordinates(snr[7:8], z[7:8] / 50)
    assert sorted(near.near(place, (0, 1), ["7"])[0]) == [i for i in range(60) if i != 7]
    assert 7 in near.near(place, (0, 1), ["elsewhere"])[0]
    assert near.near(place, (0, 1))[0, 0] == 7


def test_a_reference_without_redshifts_is_calibrated_by_noise_alone(big, big_model):
    bare = big.replace(table=big.table.drop(columns="z"))
    values = Scorer(big_model).calibrate(bare)(bare)
    assert np.isfinite(values).all()
    assert abs(spearmanr(values, big.table["snr"])[0]) < 0.1


def test_an_unknown_place_among_the_reference_is_no_neighbour(big, big_model):
    table = big.table.copy()
    table.loc[:99, "z"] = np.nan
    some = big.replace(table=table)
    values = Scorer(big_model).calibrate(some, neighbours=60)(some)
    assert np.isfinite(values).all()
    assert abs(spearmanr(values, table["snr"])[0]) < 0.1
