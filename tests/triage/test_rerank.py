"""Labels bring the kin of what is interesting up in the work list of a catalogue, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError, DataError
from specanom.triage import Label, LabelLog, Listing, Reranker, WorkList, reranked
from specanom.triage.rerank import _vectors

LONG = "39633345008634465"
FAST = Reranker(trees=20)
BY = Listing("chi2_cal", top=None)


def catalogue(n: int = 60, seed: int = 0) -> pd.DataFrame:
    """Spectra of two kinds that take turns in the score: latents near 0 (even rows) and near 5 (odd rows)."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n) % 2
    return pd.DataFrame({"id": [f"s{i:03d}" for i in range(n)], "chi2_cal": np.linspace(20, 1, n), "z": rng.random(n),
                         "latent_0": rng.normal(5.0 * kind, 1.0), "latent_1": rng.normal(-5.0 * kind, 1.0),
                         "artefact": rng.random(n), "class": "GALAXY"})


def odd_are_artefacts() -> list[Label]:
    return [Label(f"s{i:03d}", "artefact" if i % 2 else "interesting", author="ada") for i in range(10)]


def test_the_kin_of_what_is_interesting_come_up_and_those_of_artefacts_go_down() -> None:
    made = reranked(catalogue(), odd_are_artefacts(), listing=BY, reranker=FAST)
    assert made.table["rank_before"].min() == 11
    assert len(made) == 50
    rows = made.table.assign(kind=made.table["id"].str[1:].astype(int) % 2)
    rows["moved"] = rows["rank_before"] - rows["rank"]
    assert (rows["kind"].head(15) == 0).all(), "before, the kinds took turns"
    assert rows.groupby("kind")["moved"].mean()[0] > 5
    assert rows.groupby("kind")["moved"].mean()[1] < 0
    assert rows.groupby("kind")["relevance"].mean()[0] > 0.9
    assert rows.groupby("kind")["relevance"].mean()[1] < 0.1
    assert made.learned["verdicts"] == 10
    assert made.learned["words"] == {"artefact": 5, "interesting": 5}
    assert "; ranked anew by 10 verdicts" in repr(made)


@pytest.mark.parametrize("combine", ["best", "mean", "any", "forest"])
@pytest.mark.parametrize("labels", [[], [Label("s000", "noted", note="?")], [Label(LONG, "artefact")]])
def test_without_a_verdict_the_order_is_the_old_one_and_it_is_said(combine, labels) -> None:
    table = catalogue().assign(other_cal=np.random.default_rng(1).random(60))
    listing = Listing(("chi2_cal", "other_cal"), top=7, combine=combine, artefact=0.9, keep={"z": "> 0.1"})
    old, new = listing(table, labels), reranked(table, labels, listing=listing)
    assert new.ids == old.ids
    pd.testing.assert_frame_equal(new.table[list(old.table)], old.table)
    pd.testing.assert_frame_equal(new.excluded, old.excluded)
    assert (new.settings, new.foreign) == (old.settings, old.foreign)
    assert (new.table["rank"] == new.table["rank_before"]).all()
    assert new.table["relevance"].isna().all()
    assert repr(new).endswith("; no verdict, the old order")


def test_the_file_of_a_log_need_not_be_there_and_may_be_torn(tmp_path) -> None:
    path = tmp_path / "labels.jsonl"
    assert reranked(catalogue(), path, listing=BY).learned["verdicts"] == 0
    assert not path.exists()
    LabelLog(path).merge(odd_are_artefacts())
    path.write_bytes(path.read_bytes() + b'{"id": "s011", "lab')
    for given_as in (path, str(path), LabelLog(path), iter(odd_are_artefacts())):
        made = reranked(catalogue(), given_as, listing=BY, reranker=FAST)
        assert made.ids == reranked(catalogue(), odd_are_artefacts(), listing=BY, reranker=FAST).ids


@pytest.mark.parametrize(("word", "relevance"), [("artefact", 0.0), ("interesting", 1.0)])
def test_one_word_alone_says_the_same_of_all(word, relevance) -> None:
    for said in ([Label("s003", word)], [Label(f"s{i:03d}", word) for i in range(0, 20, 3)]):
        made = reranked(catalogue(), said, listing=BY, reranker=FAST)
        assert (made.table["relevance"] == relevance).all()
        assert sorted(made.table["rank"]) == sorted(set(made.table["rank"]))
        moved = (made.table["rank"] - made.table["rank_before"]).abs()
        assert moved.max() > 0 if word == "artefact" else moved.max() <= 4
    assert "by 1 verdict;" not in repr(made)


def test_ids_that_the_catalogue_lacks_and_words_without_relevance_are_listed(tmp_path) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    log.add(LONG, "artefact", author="ada")
    log.add("39633345008634466", "lens", author="ada")
    log.add("s001", "lens", author="ada")
    log.add("s002", "artefact", author="ada")
    made = reranked(catalogue(), log, listing=BY, reranker=replace(FAST, others=None))
    assert made.learned["foreign"] == [LONG, "39633345008634466"]
    assert made.learned["ignored"] == ["s001"]
    assert made.learned["verdicts"] == 1
    assert "s001" not in made.ids, "a word is a word"
    assert made.foreign == 2
    taught = reranked(catalogue(), log, listing=BY, reranker=FAST)
    assert (taught.learned["ignored"], taught.learned["verdicts"]) == ([], 2)
    assert taught.learned["worth"] == {"artefact": 0.0, "lens": 1.0}


def test_a_disputed_object_counts_as_the_mean_of_the_words(tmp_path) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    for author, word in (("ada", "artefact"), ("bob", "interesting")):
        log.add("s005", word, author=author)
    made = reranked(catalogue(), log, listing=BY, reranker=FAST)
    assert made.learned["disputed"] == ["s005"]
    assert made.learned["words"] == {"disputed": 1}
    assert (made.table["relevance"] == 0.5).all()
    assert made.why("s005") == "left out: labelled disputed"
    log.add("s005", "artefact", author="cyd")
    made = reranked(catalogue(), log, listing=BY, reranker=FAST)
    assert (made.learned["disputed"], made.learned["words"]) == ([], {"artefact": 1})
    assert (made.table["relevance"] == 0).all()


def test_what_has_no_score_is_left_out_and_other_gaps_count_as_the_middle() -> None:
    table = catalogue()
    table.loc[12, "chi2_cal"] = np.nan
    table.loc[13, ["latent_0", "artefact"]] = np.nan
    table.loc[14, "latent_0"] = np.inf
    table["context_sky"] = np.nan
    made = reranked(table, odd_are_artefacts(), listing=BY, reranker=FAST)
    assert made.why("s012") == "left out: no score"
    assert {"s013", "s014"} <= set(made.ids)
    assert np.isfinite(made.table[["rank", "rank_before", "relevance"]]).to_numpy().all()
    filled = table.drop(columns="context_sky")
    good = filled["latent_0"][np.isfinite(filled["latent_0"])]
    filled.loc[[13, 14], "latent_0"] = good.median()
    filled.loc[13, "artefact"] = filled["artefact"].median()
    assert reranked(filled, odd_are_artefacts(), listing=BY, reranker=FAST).ids == made.ids
    nothing = reranked(table.assign(chi2_cal=np.nan), odd_are_artefacts(), listing=BY)
    assert (len(nothing), nothing.counts) == (0, {"no score": 60})


def test_another_score_that_is_missing_counts_as_the_middle_too() -> None:
    table = catalogue().assign(other_cal=np.random.default_rng(2).random(60))
    table.loc[20, "other_cal"] = np.nan
    middle = table.assign(other_cal=table["other_cal"].fillna(table["other_cal"].median()))
    rows = [_vectors(one, ["other_cal"], scores=["chi2_cal"]).ravel() for one in (table, middle)]
    assert rows[0][20] == pytest.approx(np.median(np.delete(rows[0], 20)))
    assert rows[0][20] == pytest.approx(rows[1][20], abs=0.05)


def test_verdicts_on_what_has_no_score_are_not_used() -> None:
    table = catalogue()
    table.loc[0, "chi2_cal"] = np.nan
    made = reranked(table, [Label("s000", "artefact")], listing=BY)
    assert (made.learned["verdicts"], made.learned["foreign"]) == (0, [])
    assert made.learned["without score"] == ["s000"]


def test_conditions_the_gate_and_the_length_of_the_list_hold() -> None:
    listing = Listing("chi2_cal", top=8, artefact=0.7, exclude={"z": "< 0.2"})
    made = reranked(catalogue(), odd_are_artefacts(), listing=listing, reranker=FAST)
    whole = reranked(catalogue(), odd_are_artefacts(), listing=BY, reranker=FAST)
    passing = set(catalogue().query("artefact <= 0.7 and z >= 0.2")["id"])
    assert made.ids == tuple(id for id in whole.ids if id in passing)[:8]
    assert made.table["position"].tolist() == list(range(1, 9))
    assert len(made) + len(made.excluded) == 60
    assert [*made.excluded["id"]] == sorted(made.excluded["id"]), "in the order of the catalogue"
    assert made.counts["beyond the first 8"] == len([id for id in whole.ids if id in passing]) - 8


@given(seed=st.integers(0, 30))
def test_the_order_of_rows_and_labels_never_decides(seed) -> None:
    table, said = catalogue(30).round(1), odd_are_artefacts()
    mixed = table.sample(frac=1, random_state=seed)
    first = reranked(table, said, listing=BY, reranker=Reranker(trees=5))
    again = reranked(mixed, said[::-1], listing=BY, reranker=Reranker(trees=5))
    assert first.ids == again.ids


def test_the_seed_of_the_forest_is_that_of_the_reranker() -> None:
    said = odd_are_artefacts()[:5]
    made = [reranked(catalogue(), said, listing=BY, reranker=Reranker(trees=3, seed=seed)) for seed in (1, 1, 2)]
    assert made[0].table.equals(made[1].table)
    assert not made[0].table["relevance"].equals(made[2].table["relevance"])


def test_columns_are_those_by_which_spectra_are_alike() -> None:
    made = reranked(catalogue(), odd_are_artefacts(), listing=BY, reranker=FAST)
    assert made.learned["columns"] == ["chi2_cal", "latent_0", "latent_1", "artefact"]
    own = reranked(catalogue(), odd_are_artefacts(), listing=BY, columns=["z"], reranker=FAST)
    assert own.learned["columns"] == ["z"]
    assert own.ids != made.ids
    plain = catalogue()[["id", "z"]]
    assert reranked(plain, odd_are_artefacts(), listing=Listing("z"), reranker=FAST).learned["columns"] == ["z"]


def test_what_was_learned_comes_back_from_the_file(tmp_path) -> None:
    made = reranked(catalogue(), [*odd_are_artefacts(), Label(LONG, "known")], listing=BY, reranker=FAST)
    back = WorkList.load(made.save(tmp_path / "worklist.parquet"))
    assert back.learned == made.learned
    assert repr(back) == repr(made)
    pd.testing.assert_frame_equal(back.table, made.table, check_dtype=False)


@pytest.mark.parametrize(("change", "settings", "error", "match"), [
    ({}, {"columns": ["latnt_0"]}, ArgumentError, "did you mean 'latent_0'"),
    ({}, {"columns": ["class"]}, ArgumentError, "columns of numbers"),
    ({}, {"listing": Listing("chi2")}, ArgumentError, "did you mean 'chi2_cal'"),
    ({}, {"listing": "chi2_cal"}, ArgumentError, "a Listing"),
    ({"id": "s000"}, {}, DataError, "twice"), ({"id": 39633345008634465.0}, {}, DataError, "TARGETID"),
])
def test_a_wrong_call_says_what_is_wrong(change, settings, error, match) -> None:
    with pytest.raises(error, match=match):
        reranked(catalogue().assign(**change), [], **{"listing": BY} | settings)


def test_a_table_with_a_column_twice_and_what_is_no_table_are_refused() -> None:
    for name in ("id", "chi2_cal", "latent_0"):
        twice = pd.concat([catalogue(), catalogue()[[name]]], axis=1)
        with pytest.raises(DataError, match=f"one column '{name}', got 2"):
            reranked(twice, [], listing=BY)
    for table in (catalogue().to_dict(), None):
        with pytest.raises(ArgumentError, match=r"catalogue\.table"):
            reranked(table, [], listing=BY)


def test_columns_of_every_kind_of_number_are_taken_and_an_empty_table_is_an_empty_list() -> None:
    table = catalogue()
    plain = reranked(table, odd_are_artefacts(), listing=BY, reranker=FAST)
    other = table.astype({"chi2_cal": "Float64", "latent_0": "Float64", "artefact": "Float64"}).assign(
        share_text="x", context_flag=pd.Categorical(["a"] * 60))
    assert reranked(other, odd_are_artefacts(), listing=BY, reranker=FAST).ids == plain.ids
    one = reranked(table, odd_are_artefacts(), listing=BY, columns="latent_0", reranker=FAST)
    assert one.learned["columns"] == ["latent_0"]
    nothing = reranked(table.head(0), odd_are_artefacts(), listing=BY)
    assert (len(nothing), nothing.foreign, nothing.learned["verdicts"]) == (0, 10, 0)
    assert {"rank_before", "rank", "relevance"} <= set(nothing.table)


def test_what_are_no_labels_is_refused() -> None:
    for labels in ({"s000": "artefact"}, 3, ["s000"]):
        with pytest.raises(ArgumentError, match="labels: expected"):
            reranked(catalogue(), labels, listing=BY)
