from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy_healpix import HEALPix
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, fisher_exact

from specanom.errors import ArgumentError, DataError
from specanom.triage.quality import Rates, benjamini_hochberg, flag, jeffreys, rates, several


def survey(n: int = 4000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "id": [str(39633345008634465 + i) for i in range(n)], "plate": rng.integers(7000, 7010, n),
        "fiber": rng.integers(1, 641, n), "petal": np.full(n, -1), "snr": rng.lognormal(2, 0.5, n),
        "exptime": rng.uniform(900, 4000, n), "ra": rng.uniform(-20, 20, n) % 360, "dec": rng.uniform(-10, 10, n),
    })


@given(st.integers(0, 60), st.integers(0, 60))
def test_intervals_hold_the_rate_and_mirror(k, more):
    n = k + more
    low, high = jeffreys(k, n)
    if n == 0:
        assert np.isnan(low)
        assert np.isnan(high)
        return
    assert (low <= k / n) & (k / n <= high)
    assert low >= 0
    assert high <= 1
    other = jeffreys(n - k, n)
    np.testing.assert_allclose((low, high), (1 - other[1], 1 - other[0]), atol=1e-9)


def test_intervals_are_quantiles_of_the_beta_distribution_and_cover():
    np.testing.assert_allclose(np.ravel(jeffreys(3, 20)), beta.ppf([0.025, 0.975], 3.5, 17.5))
    draws = np.random.default_rng(1).binomial(200, 0.05, 4000)
    low, high = jeffreys(draws, 200)
    assert ((low <= 0.05) & (high >= 0.05)).mean() == pytest.approx(0.95, abs=0.02)


def test_adjusted_p_values_are_those_of_scipy():
    from scipy.stats import false_discovery_control

    p = np.random.default_rng(2).random(50) ** 2
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p))
    with_gap = benjamini_hochberg([0.01, np.nan, 0.04])
    np.testing.assert_allclose(with_gap, [0.02, np.nan, 0.04])
    assert benjamini_hochberg([]).size == 0


def test_a_bin_is_compared_with_the_rest_by_fishers_test():
    table = pd.DataFrame({"plate": [1] * 50 + [2] * 100})
    odd = np.r_[np.arange(50) < 12, np.arange(100) < 8]
    row = rates(table, odd, by="plate").table.iloc[0]
    right = fisher_exact([[12, 38], [8, 92]], alternative="greater").pvalue
    assert row["p"] == pytest.approx(2 * right)
    assert (row["bin"], row["n"], row["odd"], row["rate"], row["elsewhere"]) == ("1", 50, 12, 0.24, 0.08)
    assert row["stands_out"] == "high"


def test_a_plate_and_a_fibre_with_too_many_anomalies_stand_out_and_no_other():
    table = survey(12_000)
    p = np.where(table["plate"] == 7004, 0.2, 0.05)
    p = np.where(table["fiber"] == 17, 0.95, p)
    odd = np.random.default_rng(3).random(len(table)) < p
    assert rates(table, odd, by="plate").standing_out["bin"].tolist() == ["7004"]
    assert rates(table, odd, by="fiber").standing_out["bin"].tolist() == ["17"]
    assert rates(table, odd, by="fiber").table["n"].sum() == len(table)


def test_where_nothing_is_planted_false_discoveries_are_rare():
    found = 0
    for seed in range(40):
        table = survey(1000, seed)
        odd = np.random.default_rng(seed + 100).random(len(table)) < 0.1
        found += bool(len(rates(table, odd, by="plate").standing_out))
    assert found <= 4  # 5 % of 40 are 2


def test_one_very_bad_plate_does_not_make_the_others_look_good():
    table = survey()
    odd = np.random.default_rng(5).random(len(table)) < np.where(table["plate"] == 7004, 0.9, 0.05)
    found = rates(table, odd, by="plate")
    assert found.standing_out["bin"].tolist() == ["7004"]
    good = table["plate"] != 7004
    assert found.table.loc[4, "elsewhere"] == pytest.approx(odd[good].mean())


def test_too_few_anomalies_stand_out_as_low():
    table = survey()
    odd = np.random.default_rng(4).random(len(table)) < np.where(table["plate"] == 7001, 0.02, 0.2)
    out = rates(table, odd, by="plate").standing_out
    assert out[["bin", "stands_out"]].to_numpy().tolist() == [["7001", "low"]]


def test_numbers_are_divided_into_bins_of_like_size_and_unknown_ones_counted():
    table = survey(1003)
    table.loc[:2, "exptime"] = np.nan
    odd = (table["exptime"] < 1300).to_numpy()
    found = rates(table, odd, by="exptime", bins=5)
    assert found.table["n"].tolist() == [200] * 5
    assert found.facts["unknown"] == 3
    assert found.table["stands_out"].tolist()[0] == "high"
    assert (found.table["low"][1:].to_numpy() == found.table["high"][:-1].to_numpy()).all()


def test_the_sky_is_divided_into_cells_across_right_ascension_zero():
    table = survey()
    cells = HEALPix(nside=8, order="nested").lonlat_to_healpix(table["ra"].to_numpy() * u.deg,
                                                              table["dec"].to_numpy() * u.deg)
    worst = np.bincount(cells).argmax()
    odd = (cells == worst) | (np.arange(len(table)) % 20 == 0)
    found = rates(table, odd, by="sky")
    assert found.standing_out["cell"].tolist() == [worst]
    assert found.table["n"].tolist() == np.bincount(cells)[np.unique(cells)].tolist()


def test_texts_are_names_and_empty_ones_are_not_known():
    table = pd.DataFrame({"program": ["dark", "bright", "", "dark", None]})
    found = rates(table, np.array([True, False, True, True, False]), by="program")
    assert found.table["bin"].tolist() == ["bright", "dark"]
    assert found.table["odd"].tolist() == [0, 2]
    assert found.facts["unknown"] == 2


def test_columns_nobody_knows_are_left_out_of_several():
    table = survey(500)
    odd = np.arange(500) % 10 == 0
    assert list(several(table, odd, by=("plate", "petal", "tile", "snr", "sky"))) == ["plate", "snr", "sky"]
    assert rates(table, odd, by="petal").table.empty
    assert np.isnan(rates(table, odd, by="petal").rate)


def test_one_value_alone_has_nothing_to_be_compared_with():
    row = rates(pd.DataFrame({"plate": [1, 1]}), np.array([True, False]), by="plate").table.iloc[0]
    assert np.isnan(row["p"])
    assert row["stands_out"] == ""


def test_the_oddest_are_flagged_by_share_number_or_threshold():
    score = np.array([1.0, np.nan, 5.0, 3.0, 3.0, 0.0])
    assert flag(score, top=2).tolist() == [False, False, True, True, True, False]
    assert flag(score, top=0.2).tolist() == [False, False, True, False, False, False]
    assert flag(score, threshold=3.0).sum() == 3
    assert not flag([np.nan], top=0.5).any()
    for wrong in ({}, {"top": 0.1, "threshold": 1.0}, {"top": 0}, {"top": 1.5}):
        with pytest.raises(ArgumentError, match="top"):
            flag(score, **wrong)


def test_what_is_saved_comes_back(tmp_path):
    table = survey(600)
    for by in ("plate", "sky", "snr"):
        found = rates(table, np.arange(600) % 7 == 0, by=by)
        again = Rates.load(found.save(tmp_path / "rates.parquet"))
        pd.testing.assert_frame_equal(again.table, found.table, check_dtype=False)
        assert (again.by, dict(again.facts), repr(again)) == (by, dict(found.facts), repr(found))
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(DataError, match="a saved specanom-rates"):
        Rates.load(tmp_path / "other.parquet")


def test_the_repr_tells_what_stands_out():
    table = pd.DataFrame({"plate": [1] * 50 + [2] * 100})
    text = repr(rates(table, np.r_[np.arange(50) < 25, np.arange(100) < 2], by="plate"))
    assert text.startswith("Rates by plate: 27 of 150 odd (18.0%) in 2 bins; 2 stand out")
    assert "1: 25 of 50 (50.0%" in text


def test_wrong_calls_say_what_is_wrong():
    table = survey(20)
    odd = np.zeros(20, dtype=bool)
    with pytest.raises(ArgumentError, match=r"by: expected one of.*'sky', got 'plates'.*did you mean 'plate'"):
        rates(table, odd, by="plates")
    with pytest.raises(ArgumentError, match="20 times True or False"):
        rates(table, odd[:5], by="plate")
    with pytest.raises(ArgumentError, match="20 times True or False"):
        rates(table, np.zeros(20), by="plate")
    with pytest.raises(ArgumentError, match="no ra, dec"):
        rates(table[["id"]], odd, by="sky")
    with pytest.raises(ArgumentError, match="power of two"):
        rates(table, odd, by="sky", nside=12)
    with pytest.raises(ArgumentError, match="bins: expected at least 1"):
        rates(table, odd, by="snr", bins=0)
