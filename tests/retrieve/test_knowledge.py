"""A knowledge base: what it answers, what it keeps, what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import specanom as sa
from specanom.errors import ArgumentError, DataError, ShapeError
from specanom.retrieve import KnowledgeBase

TARGETID = 39633345008634465
HOSTILE = "<img src=x onerror=alert(1)>"


def members(n: int = 60, d: int = 4, seed: int = 0) -> tuple[np.ndarray, list[str], list[str]]:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, d))
    return vectors, ["LINER" if v[0] > 0 else "SF" for v in vectors], [str(TARGETID + i) for i in range(n)]


def base(n: int = 60, d: int = 4, **options) -> KnowledgeBase:
    return KnowledgeBase.build(*members(n, d), **options)


def test_the_public_face_is_what_was_promised():
    kb = sa.KnowledgeBase.build(*members())
    kin = kb.query(members()[0][:7], k=3)
    for name in ("ids", "labels", "distances", "weights"):
        assert getattr(kin, name).shape == (7, 3)
    assert kin.vote.shape == kin.far.shape == kin.share.shape == kin.quantile.shape == (7,)
    assert kin.far.dtype == bool
    assert kb.query(members()[0][0]).ids.shape == (1, 3), "a single vector is a query too"


def test_weights_fall_as_the_exponential_of_the_distance():
    kin = base(tau=0.7).query(members(seed=1)[0], 5)
    raw = np.exp(-kin.distances / 0.7)
    np.testing.assert_allclose(kin.weights, raw / raw.sum(axis=1, keepdims=True), rtol=1e-10)
    assert (np.diff(kin.distances, axis=1) >= 0).all()


def test_far_away_the_weights_do_not_vanish():
    kin = base(tau=1e-3).query([[1e6, 0, 0, 0]], 3)
    assert kin.weights.sum() == pytest.approx(1.0)
    assert kin.vote.tolist() == ["LINER"]
    assert kin.far.tolist() == [True]
    assert kin.quantile.tolist() == [1.0]


def test_tau_is_the_median_distance_to_the_third_neighbour():
    vectors, _, _ = members()
    gap = np.sort(np.linalg.norm(vectors[:, None] - vectors[None], axis=2), axis=1)[:, 3]
    assert base().tau == pytest.approx(np.median(gap))
    assert base(tau=2.5).tau == 2.5


def test_far_is_one_percent_of_the_members_themselves():
    vectors, labels, ids = members(1000)
    kb = KnowledgeBase.build(vectors, labels, ids)
    kin = kb.query(vectors, exclude=ids)
    assert kin.far.sum() == 10
    own = np.sort(np.linalg.norm(vectors[:, None] - vectors[None], axis=2), axis=1)[:, 3]
    assert kin.threshold == pytest.approx(np.quantile(own, 0.99))
    np.testing.assert_allclose(np.sort(kin.quantile), np.arange(1000) / 1000, atol=1.01e-3)  # pairs are equally far
    assert "far from everything known (d3 > " in repr(kin)
    assert kb.query(vectors, exclude=ids, far=0.5).far.sum() == 500


def test_a_member_is_not_its_own_kin():
    vectors, _, ids = members()
    kb = base()
    assert kb.query(vectors).ids[:, 0].tolist() == ids
    without = kb.query(vectors, exclude=ids)
    assert not (without.ids == np.array(ids)[:, None]).any()
    assert without.queries.tolist() == ids
    stranger = kb.query(vectors[:1], exclude=["not in it"])
    assert stranger.ids[0, 0] == ids[0]


def test_ids_of_seventeen_digits_survive_whatever_they_come_as():
    vectors, labels, ids = members(5)
    for given_ids in (ids, np.array(ids), [int(one) for one in ids], np.array(ids, dtype=np.int64), pd.Series(ids)):
        kb = KnowledgeBase.build(vectors, labels, given_ids)
        assert kb.query(vectors, 1).to_frame()["id"].tolist() == ids
    with pytest.raises(DataError, match="lost digits"):
        KnowledgeBase.build(vectors, labels, np.array(ids, dtype=np.float64))


def test_labels_that_are_missing_do_not_vote():
    vectors = np.array([[0.0], [0.1], [0.3]])
    kb = KnowledgeBase.build(vectors, ["", None, "SF"], ["a", "b", "c"])
    kin = kb.query([[0.0]], 3)
    assert (kin.vote[0], kin.share[0]) == ("SF", 1.0)
    silent = kb.query([[0.0]], 2)
    assert silent.vote[0] == ""
    assert np.isnan(silent.share[0])
    assert KnowledgeBase.build(vectors).query([[0.0]]).vote.tolist() == [""]
    assert KnowledgeBase.build(vectors, [float("nan"), pd.NA, "SF"]).labels.tolist() == ["", "", "SF"]


def test_support_is_the_share_of_any_label():
    kin = base().query(members(seed=2)[0], 5)
    both = kin.support("LINER") + kin.support("SF")
    np.testing.assert_allclose(both, 1.0)
    taken = np.where(kin.vote == "LINER", kin.support("LINER"), kin.support("SF"))
    np.testing.assert_allclose(taken, kin.share)
    assert (kin.share >= 0.5 - 1e-12).all()


def test_physical_parameters_come_from_kin_without_nan():
    vectors = np.array([[0.0], [1.0], [2.0]])
    table = pd.DataFrame({"mass": [10.0, np.nan, 11.0], "name": ["x", "y", "z"], "count": [1, 2, 3]})
    kb = KnowledgeBase.build(vectors, ids=["a", "b", "c"], metadata=table, tau=1.0)
    kin = kb.query([[0.0]], 3)
    w = np.exp(-np.array([0.0, 2.0]))
    w /= w.sum()
    mean = (w * [10, 11]).sum()
    assert kin.mean("mass")[0] == pytest.approx(mean)
    spread = np.sqrt((w * (np.array([10, 11]) - mean) ** 2).sum() / (1 - (w**2).sum()))
    assert kin.spread("mass")[0] == pytest.approx(spread)
    falling = np.exp(-np.arange(3.0))
    assert kin.mean("count")[0] == pytest.approx(np.average([1, 2, 3], weights=falling))
    alone = kb.query([[1.0]], 1)
    assert np.isnan(alone.mean("mass")[0])
    assert np.isnan(kb.query([[0.0]], 1).spread("mass")[0]), "one value has no spread"
    assert kin.column("name").tolist() == [["x", "y", "z"]]
    with pytest.raises(ArgumentError, match="a column of numbers"):
        kin.mean("name")
    table["counted"] = pd.array([1, None, 3], dtype="Int64")
    nullable = KnowledgeBase.build(vectors, ids=["a", "b", "c"], metadata=table, tau=1.0).query([[0.0]], 3)
    assert nullable.mean("counted")[0] == pytest.approx((w * [1, 3]).sum())
    with pytest.raises(ArgumentError, match="did you mean 'mass'"):
        kin.mean("mas")


def test_equal_weights_give_the_sample_variance():
    rng = np.random.default_rng(0)
    values = rng.normal(size=4)
    kb = KnowledgeBase.build(np.eye(4), metadata=pd.DataFrame({"x": values}))
    kin = kb.query(np.zeros((1, 4)), 4)
    assert kin.spread("x")[0] == pytest.approx(values.std(ddof=1))


def test_vectors_that_are_not_finite_are_listed():
    vectors, labels, ids = members()
    vectors[3, 1], vectors[5, 0] = np.nan, np.inf
    kb = KnowledgeBase.build(vectors, labels, ids)
    assert [(one.id, one.reason) for one in kb.skipped] == [(ids[i], "vector is not finite") for i in (3, 5)]
    assert len(kb) == 58
    assert ids[3] not in kb.ids
    assert "2 skipped" in repr(kb)
    kin = kb.query(vectors[2:6], exclude=ids[2:6])
    assert [one.id for one in kin.skipped] == [ids[3], ids[5]]
    assert (kin.ids[[1, 3]] == "").all()
    assert np.isnan(kin.distances[[1, 3]]).all()
    assert np.isnan(kin.weights[[1, 3]]).all()
    assert (kin.vote[[1, 3]] == "").all()
    assert not kin.far[[1, 3]].any()
    assert np.isnan(kin.quantile[[1, 3]]).all()
    assert set(kin.to_frame()["query"]) == {ids[2], ids[4]}
    with pytest.raises(DataError, match="at least one finite vector"):
        KnowledgeBase.build(np.full((3, 2), np.nan))


def test_the_second_of_two_with_one_id_is_listed():
    kb = KnowledgeBase.build(np.eye(3), ["x", "y", "z"], ["a", "a", ""])
    assert kb.ids.tolist() == ["a"]
    assert [one.reason for one in kb.skipped] == ["id is there already", "no id"]


def test_without_ids_equal_vectors_both_stay():
    kb = KnowledgeBase.build(np.ones((3, 2)))
    assert len(set(kb.ids)) == 3
    assert kb.tau > 0
    assert kb.query(np.ones((1, 2))).distances.tolist() == [[0, 0, 0]]


def test_a_base_of_one_answers():
    kin = KnowledgeBase.build([[1.0, 2.0]], ["SF"], ["a"]).query([[1.0, 2.0]], 1)
    assert kin.vote.tolist() == ["SF"]
    assert not kin.far[0]
    assert np.isnan(kin.quantile[0])


def test_vectors_of_another_encoder_are_refused_with_advice():
    kb = base(encoder="vae 1234")
    vectors = members()[0]
    with pytest.raises(ArgumentError, match=r"'vae 1234'.*got 'pca 99'.*encode the queries with that model"):
        kb.query(vectors, encoder="pca 99")
    with pytest.raises(ArgumentError, match="'vae 1234'"):
        kb.add(vectors, encoder="pca 99")
    with pytest.raises(ShapeError, match=r"4 dimensions.*got 5.*vae 1234"):
        kb.query(np.zeros((1, 5)))
    assert len(kb.query(vectors, encoder="vae 1234")) == 60

    class Encoder:
        fingerprint = "vae 1234"

    assert KnowledgeBase.build(vectors, encoder=Encoder()).encoder == "vae 1234"
    assert len(kb.query(vectors, encoder=Encoder())) == 60
    with pytest.raises(ArgumentError, match="an encoder with a fingerprint"):
        kb.query(vectors, encoder=3)


@pytest.mark.parametrize("k", [0, 61, 2.5, True])
def test_a_k_that_the_base_cannot_give_is_refused(k):
    with pytest.raises(ArgumentError, match="1 to 60"):
        base().query(members()[0], k)


def test_calls_that_cannot_be_meant_are_refused():
    vectors, labels, ids = members()
    with pytest.raises(ArgumentError, match="1 to 59"):
        base().query(vectors, 60, exclude=ids)
    with pytest.raises(ShapeError, match="60, one for each vector"):
        KnowledgeBase.build(vectors, labels[:-1], ids)
    with pytest.raises(ShapeError, match="60 ids"):
        base().query(vectors, exclude=ids[:3])
    with pytest.raises(ArgumentError, match="did you mean 'exact'"):
        base(index="exakt")
    with pytest.raises(ArgumentError, match="a distance above zero"):
        base(tau=0.0)
    with pytest.raises(ArgumentError, match="a quantile between 0 and 1"):
        base().query(vectors, far=1.0)
    with pytest.raises(ShapeError, match=r"shape \(n, d\)"):
        KnowledgeBase.build(np.zeros(4))
    with pytest.raises(ShapeError, match="rows of numbers"):
        KnowledgeBase.build([["a", "b"]])


def test_add_gives_another_base_and_leaves_this_one():
    vectors, labels, ids = members()
    table = pd.DataFrame({"z": np.arange(60.0)})
    kb = KnowledgeBase.build(vectors[:40], labels[:40], ids[:40], metadata=table[:40])
    more = kb.add(vectors[30:], labels[30:], ids[30:], metadata=table[30:].assign(new=1.0))
    assert (len(kb), len(more)) == (40, 60)
    assert more.ids.tolist() == ids
    assert len(more.skipped) == 10
    assert more.tau == pytest.approx(base().tau)
    assert more.metadata["z"].tolist() == list(range(60))
    assert more.metadata["new"].isna().sum() == 40
    given = KnowledgeBase.build(vectors[:40], tau=2.0).add(vectors[40:])
    assert given.tau == 2.0
    with pytest.raises(ShapeError, match="4 dimensions"):
        kb.add(np.zeros((1, 3)))


def test_take_keeps_tau():
    kb = base(index="hnsw")
    assert kb.take([0, 1, 2]).recall is None, "a part is searched exactly, unless it is asked for"
    few = kb.take(kb.labels == "SF")
    assert set(few.labels) == {"SF"}
    assert few.tau == kb.tau
    with pytest.raises(DataError, match="at least one member"):
        kb.take([])


def test_tables_say_who_is_near_whom():
    vectors, labels, ids = members()
    table = pd.DataFrame({"id": ids, "z": np.arange(60.0), "rank": 7})
    kb = KnowledgeBase.build(vectors, labels, metadata=table)
    assert kb.ids.tolist() == ids, "the metadata name the objects"
    frame = kb.query(vectors[:2], 3, exclude=ids[:2]).to_frame()
    assert frame.columns.tolist() == ["query", "rank", "id", "label", "distance", "weight", "z", "kin_rank"]
    assert frame["rank"].tolist() == [1, 2, 3] * 2
    assert frame["query"].tolist() == [ids[0]] * 3 + [ids[1]] * 3
    assert [ids.index(one) for one in frame["id"]] == frame["z"].tolist()
    told = kb.query(vectors[:2], 3).table
    assert told.columns.tolist() == ["query", "vote", "share", "quantile", "far", "nearest", "distance"]


def test_what_is_shown_is_escaped():
    kb = KnowledgeBase.build(np.eye(4), [HOSTILE] * 4, [HOSTILE, "b", "c", "d"], encoder=HOSTILE)
    for record in (kb, kb.query(np.eye(4)), kb.evaluate()):
        assert "<img" not in record._repr_html_()


small = st.integers(2, 6).flatmap(lambda d: st.tuples(st.just(d), st.integers(8, 40), st.integers(0, 10_000)))


@settings(max_examples=40, deadline=None)
@given(small, st.integers(1, 6), st.booleans())
def test_the_order_of_the_members_changes_nothing(shape, k, coarse):
    d, n, seed = shape
    rng = np.random.default_rng(seed)
    vectors = rng.integers(0, 3, (n, d)).astype(float) if coarse else rng.normal(size=(n, d))
    labels, ids = rng.choice(["a", "b", ""], n), np.array([f"id{i}" for i in range(n)])
    queries, order = rng.normal(size=(5, d)), rng.permutation(n)
    one = KnowledgeBase.build(vectors, labels, ids).query(queries, k)
    other = KnowledgeBase.build(vectors[order], labels[order], ids[order]).query(queries, k)
    for name in ("ids", "labels", "distances", "weights", "vote", "far", "quantile"):
        assert (getattr(one, name) == getattr(other, name)).all(), name


@settings(max_examples=40, deadline=None)
@given(small, st.integers(-20, 20), st.integers(1, 6))
def test_scaling_vectors_and_tau_together_changes_nothing(shape, power, k):
    d, n, seed = shape
    rng = np.random.default_rng(seed)
    vectors, queries, labels = rng.normal(size=(n, d)), rng.normal(size=(5, d)), rng.choice(["a", "b"], n)
    scale = 2.0**power
    one = KnowledgeBase.build(vectors, labels, range(n), tau=0.8).query(queries, k)
    other = KnowledgeBase.build(scale * vectors, labels, range(n), tau=0.8 * scale).query(scale * queries, k)
    for name in ("ids", "vote", "far", "quantile", "weights"):
        assert (getattr(one, name) == getattr(other, name)).all(), name
    assert (other.distances == scale * one.distances).all()
    default = KnowledgeBase.build(scale * vectors).tau
    assert default == pytest.approx(scale * KnowledgeBase.build(vectors).tau)


@settings(max_examples=40, deadline=None)
@given(small, st.floats(1e-3, 1e3), st.integers(1, 8))
def test_weights_and_support_sum_to_one(shape, tau, k):
    d, n, seed = shape
    rng = np.random.default_rng(seed)
    labels = rng.choice(["a", "b", "c"], n)
    kin = KnowledgeBase.build(rng.normal(size=(n, d)), labels, tau=tau).query(10 * rng.normal(size=(6, d)), k)
    np.testing.assert_allclose(kin.weights.sum(axis=1), 1.0)
    np.testing.assert_allclose(sum(kin.support(one) for one in "abc"), 1.0)
    assert (np.diff(kin.weights, axis=1) <= 0).all()
    assert ((kin.share > 0) & (kin.share <= 1)).all()


def test_whole_numbers_of_the_metadata_keep_their_digits_beside_blanks():
    big = 39633345008634465
    table = pd.DataFrame({"targetid": pd.array([big, None, big + 2], dtype="Int64"), "z": [0.1, np.nan, 0.3],
                          "bright": pd.array([True, None, False], dtype="boolean")})
    kb = KnowledgeBase.build(np.arange(3.0)[:, None], ids=list("abc"), metadata=table)
    kin = kb.query([[0.0], [np.nan]], 3)
    assert kin.column("targetid").tolist() == [[big, None, big + 2], [None, None, None]]
    assert kin.column("bright").tolist() == [[True, None, False], [None, None, None]]
    np.testing.assert_array_equal(kin.column("z"), [[0.1, np.nan, 0.3], [np.nan] * 3])
    assert kb.query([[0.0]], 3).column("z").dtype == np.float64
    assert kin.to_frame()["targetid"].tolist() == [big, pd.NA, big + 2]
    table = pd.DataFrame({"targetid": [big, big + 1, big + 2], "fiber": [1, 2, 3]})
    kin = KnowledgeBase.build(np.arange(3.0)[:, None], ids=list("abc"), metadata=table).query([[0.0], [np.nan]], 2)
    assert kin.column("targetid").tolist() == [[big, big + 1], [None, None]]
    np.testing.assert_array_equal(kin.column("fiber"), [[1, 2], [np.nan, np.nan]])
