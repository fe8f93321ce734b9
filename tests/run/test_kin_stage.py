"""The kin of a run: neighbours in two spaces, their vote, and how far it is to be believed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.models import BinnedModel
from specanom.run import kin
from specanom.run.cataloguing import near_parts
from specanom.run.folder import RunFolder
from specanom.run.kin import classes, heard, judged, kin_table, latent_base, reason_base, relatives, vote_table
from specanom.run.latents import reference_of
from specanom.run.training import fit_by_bin
from specanom.triage import LabelLog

WAVE = np.arange(4000.0, 4060.0)


def sample_of(n: int, seed: int = 0) -> sa.SpectrumSet:
    rng = np.random.default_rng(seed)
    kind = np.arange(n) % 2
    flux = 1.0 + 0.02 * rng.normal(size=(n, WAVE.size)) + kind[:, None] * np.sin(WAVE / 5.0)
    table = pd.DataFrame({"id": [f"s{i}" for i in range(n)], "class": "GALAXY", "subclass": np.array(["", "AGN"])[kind],
                          "z": 0.1 + 0.1 * kind, "snr": 10.0, "bin": 0})
    return sa.SpectrumSet(WAVE, flux.astype("f4"), table=table)


class Told:
    """Explanations with weights: two reasons in turn."""

    def __init__(self, n: int) -> None:
        self.ids = [f"s{i}" for i in range(n)]
        self.weights = np.eye(4)[np.arange(n) % 2] + 0.01
        self.segments = np.arange(WAVE.size) * 4 // WAVE.size


def test_a_class_is_the_subclass_where_there_is_one() -> None:
    assert classes(sample_of(3).table) == ["GALAXY", "AGN", "GALAXY"]


def test_kin_are_of_the_same_kind_and_never_the_spectrum_itself() -> None:
    sample = sample_of(40)
    base = latent_base(sa.encoder(sa.PCAModel(3).fit(sample)), sample)
    found = relatives({"latent": base}, ["s0", "s1", "stranger"], 4)
    table = kin_table(found)
    assert len(table) == 8
    assert (table["id"] != table["kin"]).all()
    assert set(table.loc[table["id"] == "s1", "label"]) == {"AGN"}
    votes = vote_table(found).set_index("id")
    assert votes.loc["s0", "vote"] == "GALAXY"
    assert votes.loc["s1", "mean_z"] == pytest.approx(0.2)


def test_kin_by_reason_carry_their_cluster() -> None:
    told, sample = Told(6), sample_of(40)
    clusters = pd.DataFrame({"id": told.ids, "cluster": np.arange(6) % 2})
    base = reason_base(told, clusters, sample.table)
    assert base is not None
    table = kin_table(relatives({"reason": base}, told.ids, 2))
    assert set(table.loc[table["id"] == "s0", "kin"]) == {"s2", "s4"}
    assert set(table.loc[table["id"] == "s0", "label"]) == {"0"}
    assert set(table["space"]) == {"reason"}


def test_one_explanation_has_no_kin_and_a_cut_of_its_own_cannot_be_compared() -> None:
    sample = sample_of(10)
    assert reason_base(Told(1), pd.DataFrame({"id": ["s0"], "cluster": [0]}), sample.table) is None
    own = Told(4)
    own.segments = np.arange(4)[:, None] % 2 + np.zeros((1, WAVE.size), dtype=int)
    assert reason_base(own, pd.DataFrame({"id": own.ids, "cluster": 0}), sample.table) is None


def test_a_sample_of_one_has_tables_without_rows() -> None:
    assert list(kin_table({}).columns[:4]) == ["id", "space", "rank", "kin"]
    votes = vote_table({})
    assert len(votes) == 0
    assert int(votes["far"].sum()) == 0


def test_the_vote_is_judged_on_large_classes_only() -> None:
    sample = sample_of(60)
    base = latent_base(sa.encoder(sa.PCAModel(3).fit(sample)), sample)
    found = judged(base, 3, seed=0).set_index("label")
    assert found.loc["AGN", "f1"] == 1.0
    assert judged(base.take(range(12)), 3, seed=0).empty  # six of each: too few to tell


def test_of_a_large_base_the_vote_is_judged_on_an_even_draw(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    place = rng.integers(0, 2, 600)
    base = sa.KnowledgeBase.build(place[:, None] * 2.0 + rng.normal(size=(600, 3)), np.array(["AGN", "SF"])[place],
                                  [f"{i:03d}" for i in rng.permutation(600)])
    whole = judged(base, 5, 1).set_index("label")
    monkeypatch.setattr(kin, "ASKED", 600)
    pd.testing.assert_frame_equal(judged(base, 5, 1).set_index("label"), whole)
    monkeypatch.setattr(kin, "ASKED", 200)
    part = judged(base, 5, 1).set_index("label")
    assert part["n"].sum() == 200
    assert list(part.index) == list(whole.index)
    assert (part["recall_low"] < whole["recall"]).all()
    assert (part["recall_high"] > whole["recall"]).all()
    back = base.take(np.arange(600)[::-1])
    pd.testing.assert_frame_equal(judged(back, 5, 1).set_index("label"), part)


def test_networks_of_bins_give_way_to_one_space() -> None:
    sample = sample_of(60)
    sample = sample.replace(table=sample.table.assign(bin=np.arange(60) % 2))
    binned = fit_by_bin(lambda: sa.PCAModel(2), sample)
    assert isinstance(binned, BinnedModel)
    assert sa.encoder(reference_of(binned, sample, seed=0)).encode(sample).shape == (60, 2)
    plain = sa.PCAModel(2).fit(sample)
    assert reference_of(plain, sample, seed=0) is plain


def test_words_of_inspectors_vote_before_classes_of_the_survey(tmp_path) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    for who in ("ada", "bob"):
        log.add("s2", "lens", author=who)
    log.add("s4", "junk", author="ada")
    log.add("s6", "known", author="ada")
    log.add("s6", "lens", author="bob")
    kin = pd.DataFrame({"id": ["s0"] * 4 + ["s1"] * 2 + ["s0"], "kin": ["s2", "s4", "s6", "s8", "s3", "s5", "s2"],
                        "space": ["latent"] * 6 + ["reason"], "rank": [1, 2, 3, 4, 1, 2, 1],
                        "label": ["GALAXY"] * 4 + ["AGN"] * 2 + ["7"],
                        "distance": 1.0, "weight": [0.3, 0.1, 0.2, 0.4, 0.5, 0.5, 1.0]})
    votes = pd.DataFrame({"id": ["s0", "s1"], "vote": ["GALAXY", "AGN"], "share": [1.0, 1.0]})
    kin, votes = heard(kin, votes, log)
    assert kin["label"].tolist() == ["lens", "junk", "disputed", "GALAXY", "AGN", "AGN", "lens"]
    found = votes.set_index("id")
    assert found["vote"].to_dict() == {"s0": "lens", "s1": "AGN"}
    assert found.loc["s0", "share"] == pytest.approx(0.75)
    assert found["vote_by"].to_dict() == {"s0": "people, of 2 of 4", "s1": "survey"}
    assert found.loc["s0", "kin_by_reason"] == "s2"
    assert found.loc["s1", "kin_by_reason"] == ""


def test_without_words_the_vote_is_that_of_the_survey_and_nothing_votes_where_all_are_of_one_class(tmp_path) -> None:
    sample = sample_of(40)
    sample = sample.replace(table=sample.table.assign(subclass=""))
    base = latent_base(sa.encoder(sa.PCAModel(3).fit(sample)), sample)
    found = relatives({"latent": base}, ["s0", "s1"], 4)
    votes = vote_table(found)
    assert votes["vote"].tolist() == ["", ""]
    assert votes["share"].isna().all()
    assert heard(kin_table(found), votes, LabelLog(tmp_path / "none.jsonl"))[1]["vote_by"].tolist() == ["", ""]
    assert heard(kin_table({}), vote_table({}), LabelLog(tmp_path / "none.jsonl"))[1].empty


def test_the_catalogue_has_kin_by_looks_alone_and_words_in_their_vote(tmp_path) -> None:
    """Kin by reason have clusters for labels, which do not belong among classes."""
    kin = pd.DataFrame({"id": "s0", "kin": ["s1", "s2"], "space": ["latent", "reason"], "rank": 1,
                        "label": ["GALAXY", "3"], "distance": [0.5, 0.1], "weight": 1.0})
    kin.to_parquet(tmp_path / "kin.parquet")
    pd.DataFrame({"id": ["s0"], "vote": ["GALAXY"], "share": [1.0]}).to_parquet(tmp_path / "votes.parquet")
    LabelLog(tmp_path / "labels.jsonl").add("s1", "lens", author="ada")
    parts = near_parts(RunFolder(tmp_path))
    assert parts["kin"]["kin"].tolist() == ["s1"]
    assert parts["kin"]["label"].tolist() == ["lens"]
    assert parts["votes"][["vote", "vote_by", "kin_by_reason"]].iloc[0].tolist() == ["lens", "people, of 1 of 1", "s2"]
    assert near_parts(RunFolder(tmp_path / "nowhere")) == {}
