"""How scores are judged, against known answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from specanom.explain.context import ARTEFACTS
from specanom.run.evaluate import auc_difference, columns_of, dependence, quality, recovery
from specanom.run.scoring import top_ids
from specanom.run.sections import leading_class
from specanom.scores.named import ranking_column, scorer_of_column


@pytest.fixture
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 400
    odd = np.arange(n) < 20
    snr = rng.uniform(4, 30, n)
    made = pd.DataFrame({"id": [f"{i:03d}" for i in range(n)], "z": rng.uniform(0, 0.3, n), "snr": snr,
                         "mse": 1 / snr + odd, "mse_cal": rng.normal(size=n) + 8 * odd, "chi2_ivar": rng.gamma(3, 1, n),
                         "chi2_ivar_cal": rng.normal(size=n)})
    return made.assign(mse_rank=made["mse_cal"].rank(ascending=False))


@pytest.fixture
def truth(table: pd.DataFrame) -> pd.DataFrame:
    kind = np.where(np.arange(len(table)) < 10, "a", np.where(np.arange(len(table)) < 20, "b", ""))
    return pd.DataFrame({"id": table["id"], "kind": kind})


def test_recovery_is_roc_auc_and_purity(table, truth) -> None:
    found = recovery({"VAE": table}, truth).set_index(["score", "kind"])
    odd = truth["kind"] != ""
    assert found.loc[("mse_cal", "all"), "auc"] == pytest.approx(roc_auc_score(odd, table["mse_cal"]))
    only_a = truth["kind"] != "b"
    expected = roc_auc_score(truth["kind"][only_a] == "a", table["chi2_ivar"][only_a])
    assert found.loc[("chi2_ivar", "a"), "auc"] == pytest.approx(expected)
    assert found.loc[("mse_cal", "all"), "purity"] == 1.0  # the top 5 % are the 20 anomalies
    assert found.loc[("mse_cal", "a"), "found"] == 1.0


def test_a_spectrum_without_a_score_is_the_least_odd(table, truth) -> None:
    table.loc[0, "mse_cal"] = np.nan
    found = recovery({"VAE": table}, truth).set_index(["score", "kind"])
    assert found.loc[("mse_cal", "a"), "auc"] == pytest.approx(0.9, abs=0.01)


def test_the_interval_of_a_lead_holds_it(table, truth) -> None:
    better = table.assign(mse_cal=table["chi2_ivar_cal"])  # knows nothing
    low, high = auc_difference({"a": table, "b": better}, truth, "mse_cal")
    lead = roc_auc_score(truth["kind"] != "", table["mse_cal"]) - roc_auc_score(truth["kind"] != "", better["mse_cal"])
    assert 0 < low < lead < high
    assert auc_difference({"a": table, "b": table}, truth, "mse_cal") == (0.0, 0.0)


def test_where_most_of_the_weight_lies() -> None:
    rows = {"lines": [0.5, 0.2, 0.1, np.nan], "continuum": [0.3, 0.6, 0.1, 0.5],
            **{name: [0.05, 0.02, 0.2, np.nan] for name in ARTEFACTS}}
    assert list(leading_class(pd.DataFrame(rows))) == ["lines", "continuum", "artefacts", "unknown"]


def test_dependence_finds_a_noise_meter(table) -> None:
    rho = dependence({"VAE": table}).set_index("score")["rho_snr"]
    assert rho["mse"] < -0.8
    assert abs(rho["mse_cal"]) < 0.15


def test_columns_and_quality(table) -> None:
    assert columns_of(table) == ["mse", "chi2_ivar", "mse_cal", "chi2_ivar_cal"]
    assert quality({"VAE": table}).loc[0, "mse median"] == pytest.approx(table["mse"].median())


@pytest.mark.parametrize(("rank_by", "preset", "column"), [
    ("", "", "chi2_ivar_cal"), ("", "paper", "mse"), ("mse", "", "mse_cal"), ("mse_raw", "", "mse"),
    ("mse_cal", "", "mse_cal")])
def test_the_ranking_column(table, rank_by: str, preset: str, column: str) -> None:
    assert ranking_column(rank_by, preset, table) == column


def test_an_unknown_ranking_is_refused(table) -> None:
    with pytest.raises(ValueError, match="did you mean 'mse'"):
        ranking_column("mes", "", table)


def test_the_top_leaves_out_what_has_no_score(table) -> None:
    table.loc[3, "mse_cal"] = np.nan
    ids = top_ids(table, "mse_cal", 20)
    highest = table.dropna(subset="mse_cal").sort_values("mse_cal", ascending=False)["id"][:20]
    assert ids == list(highest)
    assert "003" not in ids
    assert top_ids(table, "mse_cal", 400) == list(table.dropna(subset="mse_cal").sort_values(
        "mse_cal", ascending=False)["id"]), "399 have a score: no more come, whatever is asked for"


def test_a_calibrated_column_is_explained_by_its_raw_score() -> None:
    scorers = {"mse": "M", "chi2_ivar": "C"}
    assert scorer_of_column("mse_cal", scorers) == "M"
    assert scorer_of_column("combined_cal", scorers) == "C"
