"""What a report says of scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from specanom.errors import DataError
from specanom.scores import Scorer, calibrate_all, calibrate_from_table, dependence, false_alarm_table, table


def test_dependence_is_spearmans_rho_joined_by_id(sample, model):
    made = table({"mse": Scorer(model), "ivar": Scorer(model, "chi2_ivar")}, sample)
    made.loc[4, "mse"] = np.nan
    shuffled = sample.table.sample(frac=1, random_state=1)
    got = dependence(made, shuffled).set_index("score")
    known = made["mse"].notna()
    for of in ("snr", "z"):
        assert got.loc["mse", f"rho_{of}"] == pytest.approx(spearmanr(made["mse"][known], sample.table[of][known])[0])
        assert got.loc["ivar", f"rho_{of}"] == pytest.approx(spearmanr(made["ivar"], sample.table[of])[0])
    assert got["n"].tolist() == [79, 80]
    with pytest.raises(DataError, match="snr"):
        dependence(made, sample.table[["id", "z"]])


def test_dependence_of_what_cannot_be_ranked_is_nan():
    about = pd.DataFrame({"id": ["a", "b", "c"], "snr": [1.0, 2.0, 3.0], "z": [0.1, 0.1, 0.1]})
    got = dependence(pd.DataFrame({"id": ["a", "b", "c"], "s": [1.0, 2.0, 3.0]}), about)
    assert got.loc[0, "rho_snr"] == pytest.approx(1)
    assert np.isnan(got.loc[0, "rho_z"])


def test_false_alarms_of_every_score_and_threshold(sample, model):
    calibrated = calibrate_all({"mse": Scorer(model), "ivar": Scorer(model, "chi2_ivar")}, sample)
    made = false_alarm_table(calibrated, [0, 2, 99])
    assert made["score"].tolist() == ["mse_cal"] * 3 + ["ivar_cal"] * 3
    assert (made["above"] >= 0).all()
    one = made[made["score"] == "ivar_cal"]
    np.testing.assert_allclose(one["expected"], calibrated["ivar"].false_alarms([0, 2, 99]))
    assert one["above"].tolist()[2] == 0
    assert np.isnan(one["purity"].tolist()[2])
    assert made["purity"].dropna().between(0, 1).all()


def test_a_kept_table_calibrates_as_the_sample_did(sample, model):
    scorers = {"mse": Scorer(model), "ivar": Scorer(model, "chi2_ivar")}
    kept = table(scorers, sample).merge(sample.table[["id", "snr", "z"]], on="id")
    model.calls = 0
    again = calibrate_from_table(scorers, kept)
    assert model.calls == 0
    for name, one in calibrate_all(scorers, sample).items():
        np.testing.assert_array_equal(again[name](sample), one(sample))
    with pytest.raises(DataError, match="ivar"):
        calibrate_from_table(scorers, kept.drop(columns="ivar"))
