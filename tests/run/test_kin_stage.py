"""The kin of a run: neighbours in two spaces, their vote, and how far it is to be believed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.models import BinnedModel
from specanom.run.kin import classes, judged, kin_table, latent_base, reason_base, relatives, vote_table
from specanom.run.latents import reference_of
from specanom.run.training import fit_by_bin

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


def test_networks_of_bins_give_way_to_one_space() -> None:
    sample = sample_of(60)
    sample = sample.replace(table=sample.table.assign(bin=np.arange(60) % 2))
    binned = fit_by_bin(lambda: sa.PCAModel(2), sample)
    assert isinstance(binned, BinnedModel)
    assert sa.encoder(reference_of(binned, sample, seed=0)).encode(sample).shape == (60, 2)
    plain = sa.PCAModel(2).fit(sample)
    assert reference_of(plain, sample, seed=0) is plain
