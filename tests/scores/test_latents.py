"""What latent vectors know: correlations equal to SciPy's, and redshifts by cross-validation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from specanom import ArgumentError, DataError, ShapeError
from specanom.scores import latent_correlations, redshift_from_latents, sigma_nmad


def world(n: int = 400, seed: int = 0) -> tuple[np.ndarray, pd.DataFrame]:
    """Four dimensions: the first follows z, the second S/N with scatter, the others nothing."""
    rng = np.random.default_rng(seed)
    z, snr = np.exp(rng.normal(-2, 0.5, n)), np.exp(rng.normal(2.5, 0.5, n))
    latent = rng.normal(size=(n, 4))
    latent[:, 0] = np.log(z) + 0.05 * rng.normal(size=n)
    latent[:, 1] = -np.log(snr) + 0.5 * rng.normal(size=n)
    table = pd.DataFrame({"id": [f"g{i}" for i in range(n)], "z": z, "snr": snr, "mass": rng.normal(size=n),
                          "plate": 7, "flag": rng.random(n) < 0.5})
    return latent, table


@pytest.mark.parametrize("ties", [False, True])
def test_coefficients_and_intervals_are_those_of_scipy(ties: bool) -> None:
    latent, table = world(60)
    if ties:
        table["mass"] = table["mass"].round(0)
    found = latent_correlations(latent, table, ["z", "mass"]).table.set_index(["latent", "column"])
    assert len(found) == 8
    for (dim, column), row in found.iterrows():
        ours, values = latent[:, dim], table[column].to_numpy()
        pearson, spearman = stats.pearsonr(ours, values), stats.spearmanr(ours, values)
        assert row.pearson == pytest.approx(pearson.statistic)
        assert row.pearson_p == pytest.approx(pearson.pvalue, rel=1e-6, abs=1e-300)
        interval = pearson.confidence_interval(0.95)
        assert (row.pearson_low, row.pearson_high) == pytest.approx((interval.low, interval.high))
        assert row.spearman == pytest.approx(spearman.statistic)
        assert row.spearman_p == pytest.approx(spearman.pvalue, rel=1e-6, abs=1e-300)
        assert row.spearman_low < row.spearman < row.spearman_high
    assert found.pearson_q.to_numpy() == pytest.approx(stats.false_discovery_control(found.pearson_p.to_numpy()))


def test_intervals_of_spearman_cover() -> None:
    rng = np.random.default_rng(1)
    pairs = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], (300, 80))
    truth = 6 / np.pi * np.arcsin(0.3)
    rows = [latent_correlations(p[:, :1], pd.DataFrame({"y": p[:, 1]})).table.iloc[0] for p in pairs]
    inside = np.mean([row.spearman_low < truth < row.spearman_high for row in rows])
    assert 0.92 < inside < 0.98


def test_what_follows_nothing_is_not_called_so() -> None:
    latent, table = world()
    found = latent_correlations(latent, table)
    assert list(found.matrix().columns) == ["z", "snr", "mass", "flag"], "numeric and not constant"
    sure = found.table[found.table.spearman_q < 0.05]
    assert {(0, "z"), (1, "snr")} <= set(zip(sure.latent, sure.column, strict=True))
    assert len(sure) <= 3
    assert found.strongest(1).loc[0, ["latent", "column"]].tolist() == [0, "z"]
    assert found.matrix("spearman_q").shape == (4, 4)
    assert "latent 0 · z: ρ +0.99" in repr(found)


def test_missing_values_are_left_out_pair_by_pair() -> None:
    latent, table = world(50)
    latent[3, 2] = np.nan
    table.loc[:9, "z"] = np.nan
    table.loc[4:, "mass"] = np.nan
    found = latent_correlations(latent, table, ["z", "snr", "mass"])
    n = found.matrix("n").loc[0]
    assert (n.z, n.snr, n.mass) == (40, 49, 3)
    assert found.matrix().mass.isna().all(), "three pairs say nothing"
    assert found.matrix().z.notna().all()


def test_wrong_calls_of_correlations_say_what_is_wrong() -> None:
    latent, table = world(30)
    with pytest.raises(ShapeError, match="latent"):
        latent_correlations(latent[:5], table)
    with pytest.raises(ArgumentError, match="mas"):
        latent_correlations(latent, table, ["mas"])
    with pytest.raises(ArgumentError, match="numeric"):
        latent_correlations(latent, table, ["id"])
    with pytest.raises(ArgumentError, match="list"):
        latent_correlations(latent, table, "z")
    with pytest.raises(DataError, match="varies"):
        latent_correlations(latent, table[["id", "plate"]])
    with pytest.raises(ArgumentError, match="kind"):
        latent_correlations(latent, table).matrix("kendall")


# -- redshifts -----------------------------------------------------------------------------------------------------


def test_sigma_nmad_is_sigma_of_a_normal_and_ignores_outliers() -> None:
    delta = np.random.default_rng(0).normal(0.3, 0.02, 20_000)
    assert sigma_nmad(delta) == pytest.approx(0.02, rel=0.03)
    delta[:200] = 50
    assert sigma_nmad(delta) == pytest.approx(0.02, rel=0.05)
    assert sigma_nmad([1.0, 2.0, 4.0]) == pytest.approx(1.4826)


@pytest.mark.parametrize("method", ["knn", "boosting"])
def test_vectors_that_know_the_redshift_give_it_back(method: str) -> None:
    latent, table = world(600)
    found = redshift_from_latents(latent, table["z"], ids=table["id"], method=method)
    assert found.n == 600
    assert found.sigma_nmad < 0.6 * found.sigma_guess
    low, high = found.sigma_interval
    assert low < found.sigma_nmad < high
    assert abs(found.bias) < 0.01
    blind = redshift_from_latents(latent[:, 2:], table["z"], method=method)
    assert blind.sigma_nmad > 0.8 * blind.sigma_guess, "noise knows nothing"


def test_outliers_are_counted_where_the_limit_says() -> None:
    latent, table = world(300)
    z = table["z"].to_numpy().copy()
    z[:30] += 1.0
    found = redshift_from_latents(latent, z, outlier=0.15)
    delta = (found.predicted - z) / (1 + z)
    assert found.outlier_share == pytest.approx((np.abs(delta) > 0.15).mean())
    assert found.outlier_share > 0.08
    low, high = found.outlier_interval
    assert low < found.outlier_share < high
    assert found.to_frame().outlier.sum() == round(found.outlier_share * 300)
    assert redshift_from_latents(latent, z, outlier=5.0).outlier_share == 0


def test_an_object_is_judged_by_what_has_not_seen_it_whatever_the_order() -> None:
    latent, table = world(200)
    twice = np.concatenate([latent, latent])
    z, ids = np.tile(table["z"], 2), [*table["id"], *table["id"]]
    found = redshift_from_latents(twice, z, ids=ids)
    assert np.array_equal(found.fold[:200], found.fold[200:]), "both spectra of an object in one fold"
    assert np.median(np.abs(found.delta)) > 1e-4, "its own twin would give it back exactly"
    order = np.random.default_rng(0).permutation(200)
    one = redshift_from_latents(latent, table["z"], ids=table["id"])
    other = redshift_from_latents(latent[order], table["z"].to_numpy()[order], ids=table["id"].to_numpy()[order])
    assert np.allclose(one.predicted[order], other.predicted)


def test_objects_without_redshift_or_vector_are_left_out() -> None:
    latent, table = world(100)
    z = table["z"].to_numpy().copy()
    z[:3], latent[5, 1] = [np.nan, np.inf, -1.0], np.nan
    found = redshift_from_latents(latent, z)
    assert found.n == 96
    assert np.isnan(found.predicted[[0, 1, 2, 5]]).all()
    assert (found.fold[[0, 1, 2, 5]] == -1).all()
    assert "96 of 100 objects" in repr(found)


def test_wrong_calls_of_redshifts_say_what_is_wrong() -> None:
    latent, table = world(60)
    for wrong, name in (({"method": "forest"}, "method"), ({"folds": 1}, "folds"), ({"outlier": 0.0}, "outlier")):
        with pytest.raises(ArgumentError, match=name):
            redshift_from_latents(latent, table["z"], **wrong)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="latent"):
        redshift_from_latents(latent[:4], table["z"])
    with pytest.raises(ShapeError, match="ids"):
        redshift_from_latents(latent, table["z"], ids=["a"])
    with pytest.raises(DataError, match="at least 20"):
        redshift_from_latents(latent[:10], table["z"][:10])
