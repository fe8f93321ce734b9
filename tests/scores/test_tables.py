"""Tables of scores, top lists and their overlap."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from specanom.errors import ArgumentError
from specanom.scores import LatentScorer, Scorer, calibrate_all, combine, overlap, pairwise, rank_table, table, top


def make_table(seed=0, n=200, names=("a", "b", "c")):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    made = pd.DataFrame({"id": [f"x{i:03d}" for i in range(n)],
                         **{name: common + 0.7 * rng.normal(size=n) for name in names}})
    made["plate"] = rng.integers(0, 9, n)
    return made


def test_many_scorers_share_one_reconstruction_of_each_block(sample, model):
    scorers = Scorer.paper(model) | {"ivar": Scorer(model, "chi2_ivar"), "multiscale": Scorer(model, "multiscale")}
    model.calls = 0
    made = table(scorers, sample, block_size=32)
    assert model.calls == 3  # 80 rows in blocks of 32
    assert list(made) == ["id", *scorers]
    assert list(made["id"]) == sample.ids
    for name, scorer in scorers.items():
        np.testing.assert_array_equal(made[name], scorer(sample))


def test_raw_calibrated_combined_and_latent_scores_stand_in_one_table(sample, model):
    raw = {"mse": Scorer(model), "chi2_ivar": Scorer(model, "chi2_ivar")}
    calibrated = calibrate_all(raw, sample)
    every = [*raw.values(), *calibrated.values(), combine(calibrated), LatentScorer(model, "knn").fit(sample)]
    model.calls = 0
    made = table(every, sample)
    assert model.calls == 1
    assert list(made)[1:] == ["mse", "chi2_ivar", "mse_cal", "chi2_ivar_cal", "combined", "latent_knn"]
    np.testing.assert_array_equal(made["combined"], made[["mse_cal", "chi2_ivar_cal"]].max(axis=1))
    np.testing.assert_array_equal(made["mse_cal"], calibrated["mse"](sample))


def test_a_list_of_spectra_gives_a_table_too(sample, model):
    made = table([Scorer(model)], list(sample[:5]))
    assert list(made["id"]) == sample.ids[:5]


def test_threads_give_the_same_table(sample, model):
    scorers = Scorer.paper(model)
    pd.testing.assert_frame_equal(table(scorers, sample, block_size=16, executor="threads:2"), table(scorers, sample))


def test_two_columns_of_one_name_are_refused(sample, model):
    with pytest.raises(ArgumentError, match="mse"):
        table([Scorer(model), Scorer(model)], sample)
    with pytest.raises(ArgumentError, match="none"):
        table({}, sample)


def test_top_lists_go_by_score_then_id_and_leave_nan_out():
    scores = pd.DataFrame({"id": ["d", "c", "b", "a", "e"], "s": [1.0, np.nan, 3.0, 1.0, 0.0]})
    assert top(scores, 3)["s"] == ["b", "a", "d"]
    assert top(scores, 5)["s"] == ["b", "a", "d", "e"]
    scores.attrs["nan_first"] = ["s"]
    assert top(scores, 2)["s"] == ["c", "b"]


def test_the_published_preset_ranks_nan_first(sample, model):
    flux = np.array(sample.flux)
    flux[3] = -np.abs(flux[3])
    odd = sample.replace(flux=flux)
    made = table(Scorer.paper(model, "paper"), odd)
    assert np.isnan(made.loc[3, "chi2"])
    assert rank_table(made).loc[3, "chi2_rank"] == 1
    assert top(made, 1)["chi2"] == [odd.ids[3]]
    right = table(Scorer.paper(model), odd)
    assert np.isfinite(right["chi2"]).all()


def test_rank_table_has_one_column_a_score():
    made = rank_table(make_table())
    assert list(made) == ["id", "a_rank", "b_rank", "c_rank"]
    for name in ("a_rank", "b_rank", "c_rank"):
        assert sorted(made[name]) == list(range(1, 201))


@pytest.mark.parametrize("k", [1, 20, 150])
def test_overlap_equals_set_arithmetic(k):
    scores = make_table(names=("a", "b", "c", "d"))
    lists = {name: set(scores.sort_values(name, ascending=False)["id"][:k]) for name in "abcd"}
    made = overlap(scores, k).set_index("scores")
    for size in (1, 2, 3, 4):
        for names in combinations("abcd", size):
            inside = set.intersection(*(lists[name] for name in names))
            outside = set().union(*(lists[name] for name in "abcd" if name not in names))
            text = " & ".join(names)
            if inside - outside or size in (1, 2, 4):
                row = made.loc[text]
                assert (row["shared"], row["exclusive"], row["degree"]) == (len(inside), len(inside - outside), size)
                assert row["share"] == len(inside) / k
                assert [bool(row[name]) for name in "abcd"] == [name in names for name in "abcd"]
            else:
                assert text not in made.index
    assert made["exclusive"].sum() == len(set().union(*lists.values()))
    assert overlap(scores, k).attrs["common"] == len(set.intersection(*lists.values())) / k


def test_overlap_of_one_score_and_of_equal_scores():
    scores = make_table(names=("a",))
    assert overlap(scores, 10).attrs["common"] == 1
    scores["b"] = scores["a"]
    made = overlap(scores, 10, ["a", "b"])
    assert made.iloc[0]["scores"] == "a & b"
    assert made.iloc[0]["exclusive"] == 10


def test_overlap_where_no_spectrum_has_a_score():
    scores = make_table(names=("a", "b"))
    scores["a"] = np.nan
    assert overlap(scores, 10).attrs["common"] == 0


def test_pairwise_shares():
    scores = make_table()
    made = pairwise(scores, 30)
    assert np.array_equal(made, made.T)
    assert (np.diag(made) == 1).all()
    both = set(scores.nlargest(30, "a")["id"]) & set(scores.nlargest(30, "b")["id"])
    assert made.loc["a", "b"] == len(both) / 30


def test_wrong_calls_raise():
    scores = make_table()
    with pytest.raises(ArgumentError, match="k"):
        overlap(scores, 0)
    with pytest.raises(ArgumentError, match="columns"):
        overlap(scores, 5, ["aa"])
    with pytest.raises(ArgumentError, match="at least one column"):
        overlap(scores[["id"]], 5)


def test_percentiles_are_columns_of_their_own(sample, model):
    calibrated = calibrate_all({"mse": Scorer(model)}, sample)
    made = table({"mse": Scorer(model), "mse_cal": calibrated["mse"]}, sample, percentiles=True)
    assert list(made) == ["id", "mse", "mse_cal", "mse_cal_pct"]
    np.testing.assert_array_equal(made["mse_cal_pct"], calibrated["mse"].percentile(sample))
    assert list(overlap(made, 5).columns)[1:3] == ["mse", "mse_cal"]
