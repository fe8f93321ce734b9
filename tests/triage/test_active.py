"""Ranking anew follows the published formula, whatever the order of spectra and labels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError, DataError, ShapeError
from specanom.triage import Label, LabelLog, Pool, Reranker, verdicts

LONG = "39633345008634465"


def pool(n: int = 60, seed: int = 0) -> Pool:
    """Spectra of two kinds: vectors near 0 and near 5."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 3)) + 5.0 * (np.arange(n) % 2)[:, None]
    return Pool(tuple(f"s{i:03d}" for i in range(n)), vectors, rng.gamma(2.0, size=n))


def test_without_labels_the_ranking_is_that_of_the_score() -> None:
    here = pool()
    made = Reranker()(here)
    want = [here.ids[i] for i in np.argsort(-here.score)]
    assert list(made.top()) == want
    assert np.isnan(made.relevance).all()
    assert not made.labelled.any()


def test_the_score_is_that_of_the_published_formula() -> None:
    here = pool()
    labels = {"s000": 1.0, "s001": 0.0, "s003": 0.4}
    made = Reranker(alpha=0.7, scale="range", standardise=False)(here, labels)
    rows = [0, 1, 3]
    d = np.sqrt(((here.vectors[:, None, :] - here.vectors[None, rows, :]) ** 2).sum(axis=2)).min(axis=1)
    s = (here.score - here.score.min()) / np.ptp(here.score)
    u = 0.1 + 0.85 * made.relevance
    want = s * np.tanh(np.exp(0.7 * d / d.mean()) - 1.0 + np.arctanh(u))
    np.testing.assert_allclose(made.score, want, rtol=1e-12)
    np.testing.assert_allclose(made.score[rows], (s * u)[rows], rtol=1e-12)


def test_the_verdict_is_that_of_scikit_learns_forest() -> None:
    from sklearn.ensemble import RandomForestRegressor

    here = pool()
    labels = {id: float(i % 2) for i, id in enumerate(here.ids[:20])}
    made = Reranker(standardise=False, trees=30, seed=4)(here, labels)
    forest = RandomForestRegressor(n_estimators=30, random_state=4).fit(here.vectors[:20], [i % 2 for i in range(20)])
    np.testing.assert_allclose(made.relevance, forest.predict(here.vectors), atol=1e-12)


def test_a_verdict_takes_its_kind_down_and_leaves_the_other() -> None:
    here = pool()
    said = {"s001": "artefact", "s003": "artefact", "s000": "interesting"}
    before, after = Reranker(alpha=1.0)(here), Reranker(alpha=1.0)(here, said)
    kind = np.arange(60) % 2 == 1
    drop = 1 - after.score / np.where(before.score > 0, before.score, 1)
    assert np.median(drop[kind]) > 3 * np.median(drop[~kind])
    assert kind[[here.row(id) for id in after.top(15)]].sum() < kind[[here.row(id) for id in before.top(15)]].sum()


@given(seed=st.integers(0, 30), said=st.dictionaries(st.integers(0, 39), st.floats(0, 1), max_size=8),
       scale=st.sampled_from(["log", "range"]))
def test_the_new_score_is_never_above_the_old(seed, said, scale) -> None:
    here = pool(40, seed)
    made = Reranker(trees=5, scale=scale)(here, {f"s{i:03d}": value for i, value in said.items()})
    assert (made.score <= made.raw + 1e-12).all()
    assert (made.score >= 0).all()
    assert sorted(made.top()) == sorted(here.ids)


@given(seed=st.integers(0, 20))
def test_the_order_of_spectra_and_labels_never_decides(seed) -> None:
    here, mixed = pool(40), np.random.default_rng(seed).permutation(40)
    said = [("s001", "artefact"), ("s004", "interesting"), ("s007", "known"), ("s002", "artefact")]
    first = Reranker(trees=10)(here, dict(said))
    again = Reranker(trees=10)(here, dict(said[::-1]))
    assert first.top() == again.top()
    np.testing.assert_array_equal(first.score, again.score)
    other = Pool(tuple(np.array(here.ids)[mixed]), here.vectors[mixed], here.score[mixed])
    np.testing.assert_allclose(Reranker(trees=10)(other, dict(said)).score, first.score[mixed], rtol=1e-9)


def test_labels_come_from_a_log_and_authors_are_averaged(tmp_path) -> None:
    here, log = pool(), LabelLog(tmp_path / "labels.jsonl")
    log.add("s001", "artefact", author="ada")
    log.add("s001", "interesting", author="bob")
    log.add("s002", "noted", note="?")
    log.add(LONG, "artefact")
    log.add("s004", "lens")
    with open(log.path, "ab") as handle:
        handle.write(b'{"id": "s005", "la')
    made = Reranker(others=None)(here, log)
    assert (made.labelled.sum(), made.foreign, made.ignored) == (1, 1, 1)
    assert "1 of foreign ids, 1 without a verdict" in repr(made)
    same = Reranker()(here, {"s001": 0.5})
    np.testing.assert_array_equal(made.score, same.score)
    assert Reranker()(here, log).labelled[here.row("s004")]
    assert Reranker(relevance={"lens": 1.0}, others=None)(here, log).labelled[here.row("s004")]
    assert Reranker()(here, [Label("s001", "artefact")]).labelled.sum() == 1


def test_a_table_tells_the_old_rank_and_the_new() -> None:
    here = pool()
    table = Reranker()(here, {"s001": "artefact"}).to_frame()
    assert table["rank"].tolist() == list(range(1, 61))
    assert sorted(table["raw_rank"]) == list(range(1, 61))
    assert table.loc[table["labelled"], "id"].tolist() == ["s001"]


@pytest.mark.parametrize("strategy", ["best", "uncertain", "explore", "mixed"])
def test_strategies_ask_for_what_they_say(strategy) -> None:
    here = pool()
    made = Reranker()(here, {f"s{i:03d}": float(i % 2) for i in range(6)})
    value = made.value(strategy, turn=2)
    want = {"best": made.score, "uncertain": made.raw * made.spread,
            "explore": made.raw * (1 - np.exp(-made.distance))}
    np.testing.assert_allclose(value, want["explore" if strategy == "mixed" else strategy])
    np.testing.assert_array_equal(made.value("mixed", turn=3), made.score)
    np.testing.assert_array_equal(Reranker()(here).value(strategy, turn=2), Reranker()(here).score)


def test_equal_vectors_and_equal_scores_are_no_trouble() -> None:
    here = Pool(tuple("abc"), np.zeros((3, 2)), np.ones(3))
    for scale in ("log", "range"):
        made = Reranker(scale=scale)(here, {"a": 1.0, "b": 0.0})
        assert np.isfinite(made.score).all()
    assert Reranker()(Pool(("a",), np.zeros((1, 1)), np.ones(1)), {"a": 1.0}).top() == ("a",)


def test_a_pool_that_is_ranked_in_parts_is_ranked_as_a_whole(monkeypatch) -> None:
    here, said = pool(), {"s001": "artefact", "s003": "artefact", "s000": "interesting"}
    whole = Reranker(trees=10)(here, said)
    monkeypatch.setattr("specanom.triage.active.AT_ONCE", 7)
    parts = Reranker(trees=10)(here, said)
    np.testing.assert_array_equal(parts.score, whole.score)
    np.testing.assert_allclose(parts.spread, whole.spread, atol=1e-15)


# -- what is asked about -----------------------------------------------------------------------------------------------


def test_spectra_without_a_score_or_vector_are_left_out_and_named() -> None:
    vectors = np.array([[0.0], [np.nan], [1.0]])
    table = pd.DataFrame({"id": [LONG, "b", "c"], "score": [1.0, 2.0, np.inf], "z": [0.1, 0.2, 0.3]})
    here = Pool.of(table, vectors, score="score")
    assert (here.ids, here.left_out) == ((LONG,), ("b", "c"))
    assert here.about(LONG) == {"id": LONG, "score": 1.0, "z": 0.1}
    assert "2 left out" in repr(here)
    assert "b" not in here
    with pytest.raises(ArgumentError, match="not finite"):
        here.row("b")
    with pytest.raises(ArgumentError, match="not in the pool"):
        here.row("x")


@pytest.mark.parametrize(("ids", "vectors", "score", "error"), [
    (("a", "b"), np.zeros((3, 1)), np.zeros(2), ShapeError), (("a", "b"), np.zeros(2), np.zeros(2), ShapeError),
    (("a", "b"), np.zeros((2, 1)), np.zeros(3), ShapeError), (("a", "a"), np.zeros((2, 1)), np.zeros(2), DataError),
    ((1, 2), np.zeros((2, 1)), np.zeros(2), DataError), (("a",), np.zeros((1, 1)), [np.nan], DataError),
    ((), np.zeros((0, 1)), np.zeros(0), DataError),
])
def test_a_wrong_pool_is_refused(ids, vectors, score, error) -> None:
    with pytest.raises(error):
        Pool(ids, vectors, score)


@pytest.mark.parametrize(("word", "worth"), [("lens", 1.0), ("Artifact", 0.0), (" artefact ", 0.0), ("junk", 0.0),
                                             ("Known", 0.2), ("interesting", 1.0), ("unsure", 0.5), ("double", 1.0)])
def test_a_word_of_ones_own_is_interesting_unless_it_says_that_there_is_nothing_to_see(word, worth) -> None:
    assert Reranker().worth(word) == worth
    assert Reranker().relevances(verdicts([Label("a", word, author="ada")])) == ({"a": worth}, ())
    assert Reranker(others=None).worth("lens") is None
    assert Reranker(others=0.3).worth("lens") == 0.3


@pytest.mark.parametrize("settings", [{"alpha": 0}, {"relevance": {"known": 2.0}}, {"relevance": {}}, {"scale": "rank"},
                                      {"trees": 0}, {"others": 1.5}])
def test_wrong_settings_are_refused(settings) -> None:
    with pytest.raises(ArgumentError):
        Reranker(**settings)


@pytest.mark.parametrize("labels", [{"s001": "dull"}, {"s001": 3.0}, {"s001": float("nan")}])
def test_wrong_labels_are_refused(labels) -> None:
    with pytest.raises(ArgumentError):
        Reranker()(pool(), labels)
