"""What the latent numbers of a run know: what they follow, the redshift, and how rare an encoding is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.run.closing import _alike, _nearest, _rarity, _redshift
from specanom.run.latents import compared, follows, rarities, redshift_table

N = 120
WAVE = np.arange(4000.0, 4040.0)


@pytest.fixture(scope="module")
def sample() -> sa.SpectrumSet:
    """Spectra of one number each, which grows with redshift; the last one is like no other."""
    rng = np.random.default_rng(0)
    z = rng.uniform(0.01, 0.4, N)
    flux = 1.0 + z[:, None] * np.sin(WAVE / 4.0) + 0.001 * rng.normal(size=(N, WAVE.size))
    flux[-1] = 1.0 + 3.0 * np.cos(WAVE / 2.0)
    table = pd.DataFrame({"id": [f"s{i}" for i in range(N)], "z": z, "snr": rng.uniform(4, 20, N), "ebv": 0.0,
                          "missing": np.nan, "bin": 0, "class": "GALAXY", "subclass": ""})
    return sa.SpectrumSet(WAVE, flux.astype("f4"), table=table)


@pytest.fixture(scope="module")
def model(sample: sa.SpectrumSet) -> sa.PCAModel:
    return sa.PCAModel(2).fit(sample)


def test_latents_are_compared_with_what_varies_and_with_the_score_of_the_same_spectrum(sample, model) -> None:
    latents = sa.encoder(model).encode(sample)
    scores = pd.DataFrame({"id": sample.ids, "mse_cal": latents[:, 0]}).sample(frac=1.0, random_state=1)
    found = follows(latents, sample.table, scores, "mse_cal")
    assert list(found.matrix().columns) == ["z", "snr", "mse_cal"]  # ebv and missing are the same for all
    assert found.matrix().loc[0, "mse_cal"] == pytest.approx(1.0)
    assert found.matrix().abs()["z"].max() > 0.95


def test_the_redshift_that_latents_keep_is_told_with_its_interval(sample, model) -> None:
    table = redshift_table(sa.encoder(model).encode(sample), sample.table, seed=1)
    row = table.iloc[0]
    assert row["n"] == N
    assert row["sigma_low"] <= row["sigma_nmad"] <= row["sigma_high"] < 0.1 * row["sigma_guess"]
    assert 0 <= row["outlier_low"] <= row["outlier_share"] <= row["outlier_high"] <= 1
    said = _redshift(table)
    assert f"σ_NMAD = {row['sigma_nmad']:.3f}" in said
    assert "Each of 120 spectra" in said


def test_few_spectra_have_no_redshifts_and_no_densities(sample, model) -> None:
    few = sample[:19]
    assert redshift_table(sa.encoder(model).encode(few), few.table, seed=1) is None
    assert rarities(model, few, seed=1) is None
    assert _redshift(None) == ""
    assert _rarity(None) == {"rarity_text": "", "rarity": None}


def test_a_spectrum_like_no_other_has_the_rarest_encoding(sample, model) -> None:
    rare = rarities(model, sample, seed=1)
    assert list(rare) == ["id", "rarity_gmm", "rarity_knn", "rarity_forest", "rarity_kl"]
    assert rare["id"].tolist() == sample.ids
    for name in list(rare)[1:]:
        assert rare.loc[rare[name].idxmax(), "id"] == f"s{N - 1}", name


def test_rarity_is_compared_with_the_ranking_score_and_the_truth(sample, model) -> None:
    rare = pd.DataFrame({"id": sample.ids, "rarity_knn": np.arange(N, dtype=float)})
    scores = pd.DataFrame({"id": sample.ids[::-1], "mse_cal": np.arange(N, dtype=float)})  # the other way round
    truth = pd.DataFrame({"id": sample.ids, "kind": [""] * (N - 3) + ["lens"] * 3})
    row = compared(rare, scores, "mse_cal", truth).iloc[0]
    assert row["rho"] == pytest.approx(-1.0)
    assert (row["top"], row["shared"]) == (12, 0)
    assert (row["auc"], row["auc_ranking"]) == (1.0, 0.0)
    unknown = compared(rare, scores, "mse_cal", None)
    assert "auc" not in unknown
    assert _rarity(unknown)["rarity"].head[-1] == "of the 12 oddest, among the rarest"


def test_the_nearest_of_known_anomalies_are_counted_by_kind() -> None:
    truth = pd.DataFrame({"id": list("abcde"), "kind": ["lens", "lens", "blend", "blend", ""]})
    kin = pd.DataFrame({"id": list("abcabce"), "kin": list("badeeea"), "rank": [1, 1, 1, 1, 1, 1, 1],
                        "space": ["reason"] * 3 + ["latent"] * 4})
    said = _alike(kin, truth)
    assert said.startswith("Of the 3 known anomalies that were explained, the nearest by reason is of the same kind")
    assert said.endswith("for 100 %, the nearest by looks for 0 %.")
    assert _alike(kin[kin["space"] == "latent"], truth) == ""
    assert _alike(kin, None) == ""


def test_the_nearest_in_both_spaces_are_listed_in_the_order_of_the_score() -> None:
    kin = pd.DataFrame({"id": ["a"] * 4, "kin": list("cbde"), "rank": [2, 1, 1, 2],
                        "space": ["latent", "latent", "reason", "reason"]})
    votes = pd.DataFrame({"id": ["a"], "vote": ["AGN"]})
    assert _nearest(kin, votes, ["x", "a"]).rows == [["x", "", "–", "–"], ["a", "AGN", "b, c", "d, e"]]
