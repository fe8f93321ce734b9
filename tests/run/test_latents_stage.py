"""What the latent numbers of a run know: what they follow, the redshift, and how rare an encoding is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.retrieve import KnowledgeBase
from specanom.run.closing import NEAREST_TEXT, _alike, _nearest, _rarity, _redshift
from specanom.run.kin import SameKind, same_kind
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
    assert "what objects of that redshift look like" in said, "quasars and stars have redshifts too"


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


def base_of(ids: str, places: list[float]) -> KnowledgeBase:
    return KnowledgeBase.build(np.array(places)[:, None], None, list(ids))


def test_the_nearest_of_known_anomalies_are_sought_in_the_same_pool_by_looks_and_by_reason() -> None:
    """x looks most like a, but was not explained: among those that were, the nearest by looks of a is b."""
    truth = pd.DataFrame({"id": list("abcdex"), "kind": ["lens", "lens", "blend", "blend", "", ""]})
    bases = {"latent": base_of("abcdex", [0.0, 1.0, 10.0, 12.0, 10.5, 0.1]),
             "reason": base_of("abcde", [0.0, 9.0, 10.0, 11.5, 0.5])}
    found = same_kind(bases, truth)
    assert found is not None
    assert found.pool == 5
    assert found.table["id"].tolist() == list("abcd")
    assert found.table["latent"].tolist() == [True, True, False, False]
    assert found.table["reason"].tolist() == [False, False, False, True]
    assert found.chance == pytest.approx(1 / 4)
    assert same_kind({"latent": bases["latent"]}, truth) is None
    assert same_kind(bases, truth.assign(kind="")) is None
    assert same_kind(bases, None) is None


def counted(both: int, looks: int, reason: int, none: int) -> SameKind:
    rows = [(True, True)] * both + [(True, False)] * looks + [(False, True)] * reason + [(False, False)] * none
    table = pd.DataFrame(rows, columns=["latent", "reason"]).assign(id="a", kind="lens")
    return SameKind(table, 100, 0.04)


def test_the_sentence_on_kinds_follows_the_numbers_whichever_is_better() -> None:
    assert _alike(None) == ""
    said = _alike(counted(5, 0, 15, 5))
    assert said.startswith("Of the 25 known anomalies among the 100 explained spectra, the nearest of these spectra "
                           "is of the same kind for 80 % by reason, for 20 % by looks, and for 4 % where it is drawn")
    assert said.endswith("Here reasons bring like to like more often (p < 0.001).")
    assert _alike(counted(5, 15, 0, 5)).endswith("Here looks bring like to like more often (p < 0.001).")
    assert _alike(counted(10, 6, 7, 2)).endswith("The two differ by no more than chance would (p = 1.00).")
    assert _alike(counted(10, 0, 0, 2)).endswith("The two differ by no more than chance would (p = 1.00).")


def test_nothing_is_promised_of_kin_by_reason() -> None:
    assert "look at together" not in NEAREST_TEXT
    assert "whole sample" in NEAREST_TEXT


def test_the_nearest_in_both_spaces_are_listed_in_the_order_of_the_score() -> None:
    kin = pd.DataFrame({"id": ["a"] * 4, "kin": list("cbde"), "rank": [2, 1, 1, 2],
                        "space": ["latent", "latent", "reason", "reason"]})
    votes = pd.DataFrame({"id": ["a"], "vote": ["AGN"]})
    assert _nearest(kin, votes, ["x", "a"]).rows == [["x", "", "–", "–"], ["a", "AGN", "b, c", "d, e"]]
