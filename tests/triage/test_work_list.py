"""A work list says what to look at and why, and of everything else why not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError, DataError
from specanom.triage import Label, LabelLog, Listing, WorkList

LONG = "39633345008634465"


def table(n: int = 40, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "id": [f"s{i:03d}" for i in range(n)], "chi2": rng.gamma(2.0, size=n), "multiscale": rng.gamma(2.0, size=n),
        "BAL_PROB": rng.random(n), "class": rng.choice(["GALAXY", "QSO", "STAR"], n), "artefact": rng.random(n)})


def test_the_best_rank_of_several_scores_decides() -> None:
    made = pd.DataFrame({"id": list("abcd"), "x": [9.0, 1.0, 2.0, 3.0], "y": [0.0, 5.0, 1.0, 2.0]})
    listed = Listing(("x", "y"), top=3)(made)
    assert listed.ids == ("a", "b", "d")
    assert listed.table["why"].tolist() == ["rank 1 in x", "rank 1 in y", "rank 2 in x, rank 2 in y"]
    assert listed.table["position"].tolist() == [1, 2, 3]
    assert listed.table[["x_rank", "y_rank"]].to_numpy().tolist() == [[1, 4], [4, 1], [2, 2]]
    assert listed.why("c") == "left out: beyond the first 3"


def test_the_mean_of_the_ranks_decides() -> None:
    made = pd.DataFrame({"id": list("abc"), "x": [9.0, 8.0, 0.0], "y": [0.0, 6.0, 5.0]})
    assert Listing(("x", "y"), combine="mean")(made).ids == ("b", "a", "c")
    assert Listing(("x", "y"), combine="mean")(made).why("b") == "listed: rank 1 in y, rank 2 in x"


def test_any_takes_the_union_of_the_first_of_every_score() -> None:
    made = table()
    listed = Listing(("chi2", "multiscale"), top=5, combine="any")(made)
    first = {made.nlargest(5, name)["id"].iloc[i] for name in ("chi2", "multiscale") for i in range(5)}
    assert set(listed.ids) == first
    assert listed.counts == {"beyond the first 5 of every score": 40 - len(first)}


def test_the_forest_finds_what_is_high_in_every_score_and_nothing_that_is_low() -> None:
    made = table(200)
    made.loc[7, ["chi2", "multiscale"]] = [30.0, 30.0]
    made.loc[8, ["chi2", "multiscale"]] = [-30.0, -30.0]
    listed = Listing(("chi2", "multiscale"), top=None, combine="forest")(made)
    assert listed.ids[0] == "s007"
    assert listed.ids.index("s008") > 40
    assert listed.why("s007") == "listed: rank 1 in isolation_forest"
    assert Listing(("chi2", "multiscale"), top=None, combine="forest")(made).ids == listed.ids


def test_each_exclusion_is_named_and_counted() -> None:
    made = table()
    said = [Label("s000", "known"), Label("s001", "artefact"), Label("s002", "noted", note="?"), Label(LONG, "known")]
    listed = Listing("chi2", top=5, exclude={"BAL_PROB": "> 0.5", "class": {"STAR"}}, keep={"multiscale": "> 0.2"},
                     artefact=0.9)(made, said)
    good = made[(made["BAL_PROB"] <= 0.5) & (made["class"] != "STAR") & (made["multiscale"] > 0.2)
                & (made["artefact"] <= 0.9) & ~made["id"].isin(["s000", "s001"])]
    assert listed.ids == tuple(good.nlargest(5, "chi2")["id"])
    assert len(listed) + len(listed.excluded) == 40
    assert sum(listed.counts.values()) == len(listed.excluded)
    assert listed.counts["BAL_PROB > 0.5"] == (made["BAL_PROB"] > 0.5).sum()
    assert {"class in {STAR}", "beyond the first 5"} <= set(listed.counts)
    assert listed.foreign == 1
    assert "labels of 1 foreign id" in repr(listed)


def test_thresholds_list_what_reaches_one_of_them() -> None:
    made = table()
    listed = Listing(("chi2", "multiscale"), top=None, above={"chi2": 3.0, "multiscale": 4.0})(made)
    assert set(listed.ids) == set(made.loc[(made["chi2"] >= 3) | (made["multiscale"] >= 4), "id"])
    assert all("≥" in why for why in listed.table["why"])


def test_labels_of_a_log_are_left_out_unless_asked_for(tmp_path) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    first = Listing("chi2", top=1)(table(), log).ids[0]
    log.add(first, "artefact", author="ada")
    log.path.write_bytes(log.path.read_bytes() + b'{"id": "s0')  # a torn line
    assert Listing("chi2", top=1)(table(), log).ids[0] != first
    assert Listing("chi2", top=1)(table(), log).why(first) == "left out: labelled artefact"
    assert Listing("chi2", top=1, relist=True)(table(), log).ids[0] == first


def test_a_spectrum_without_any_score_is_left_out_and_said() -> None:
    made = table(5)
    made.loc[2, ["chi2", "multiscale"]] = np.nan
    made.loc[3, "chi2"] = np.nan
    listed = Listing(("chi2", "multiscale"))(made)
    assert listed.counts == {"no score": 1}
    assert "rank nan" not in " ".join(listed.table["why"])
    assert np.isnan(listed.table.set_index("id").loc["s003", "chi2_rank"])


def test_spectra_that_were_not_explained_stay_and_are_counted() -> None:
    made = table(6)
    made["artefact"] = [np.nan, 0.95, 0.1, np.nan, 0.2, 0.99]
    listed = Listing("chi2", artefact=0.9)(made)
    assert (listed.untold, len(listed)) == (2, 4)
    assert "2 without a probability of an artefact" in repr(listed)


@given(seed=st.integers(0, 50), combine=st.sampled_from(["best", "mean", "any"]), top=st.integers(1, 30))
def test_the_order_of_the_rows_never_decides(seed, combine, top) -> None:
    made = table(30, seed).round(1)  # with ties
    mixed = made.sample(frac=1, random_state=seed)
    first, second = (Listing(("chi2", "multiscale"), top=top, combine=combine)(one) for one in (made, mixed))
    assert first.ids == second.ids
    assert first.counts == second.counts


def test_a_list_comes_back_from_its_file(tmp_path) -> None:
    made = table()
    made.loc[0, "id"] = LONG
    listed = Listing(("chi2", "multiscale"), top=40, exclude={"class": {"STAR"}}, artefact=0.9)(
        made, [Label("elsewhere", "known")])
    back = WorkList.load(listed.save(tmp_path / "new" / "list.parquet"))
    pd.testing.assert_frame_equal(back.table, listed.table, check_dtype=False)
    pd.testing.assert_frame_equal(back.excluded, listed.excluded, check_dtype=False)
    assert (back.settings, back.foreign, repr(back)) == (listed.settings, 1, repr(listed))
    assert back.ids == listed.ids
    assert LONG in {*back.ids, *back.excluded["id"]}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["list.parquet"]


def test_an_empty_list_is_a_list(tmp_path) -> None:
    listed = Listing("chi2", keep={"chi2": "> 1e9"})(table())
    assert len(listed) == 0
    assert WorkList.load(listed.save(tmp_path / "list.parquet")).counts == {"not chi2 > 1000000000.0": 40}


def test_a_file_of_something_else_is_refused(tmp_path) -> None:
    table().to_parquet(tmp_path / "other.parquet")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    import pyarrow.parquet as pq

    whole = pq.read_table(Listing("chi2")(table()).save(tmp_path / "whole.parquet"))
    pq.write_table(whole.replace_schema_metadata({b"specanom": b"[1]"}), tmp_path / "listed.parquet")
    pq.write_table(whole.replace_schema_metadata({b"specanom": b'{"format": "specanom work list", "version": 1}'}),
                   tmp_path / "short.parquet")
    pq.write_table(whole.drop_columns(["position"]), tmp_path / "less.parquet")
    (tmp_path / "whole.parquet").unlink()
    for name in (*(one.name for one in tmp_path.iterdir()), "none.parquet"):
        with pytest.raises(DataError, match="a saved work list"):
            WorkList.load(tmp_path / name)
    with pytest.raises(ArgumentError, match="parquet"):
        Listing("chi2")(table()).save(tmp_path / "list.csv")


def test_texts_are_escaped_where_a_list_is_shown() -> None:
    made = table(3)
    made.loc[0, "id"] = "<img src=x onerror=alert(1)>"
    shown = Listing("chi2")(made)._repr_html_()
    assert "<img" not in shown
    assert "&lt;img" in shown


@pytest.mark.parametrize(("change", "match"), [
    ({"id": [1, 2, 3]}, "text in every row"), ({"id": ["a", "a", "b"]}, "'a' twice"),
    ({"id": [1.0, 2.0, 3.0]}, "TARGETID"),
])
def test_ids_are_texts_and_unique(change, match) -> None:
    with pytest.raises(DataError, match=match):
        Listing("chi2")(table(3).assign(**change))


@pytest.mark.parametrize(("settings", "match"), [
    ({"by": "chi3"}, "did you mean 'chi2'"), ({"by": "class"}, "columns of numbers"), ({"by": ()}, "one or more"),
    ({"by": "chi2", "top": 0}, "at least 1"), ({"by": "chi2", "combine": "worst"}, "one of"),
    ({"by": "chi2", "combine": "any", "top": None}, "how far down"), ({"by": "chi2", "artefact": 90}, "0–1"),
    ({"by": "chi2", "exclude": {"BAL_PROB": "> x"}}, "a number after"),
    ({"by": "chi2", "above": {"chi2": "3"}}, "a number"),
])
def test_a_wrong_call_says_what_is_wrong(settings, match) -> None:
    with pytest.raises(ArgumentError, match=match):
        Listing(**settings)(table())
