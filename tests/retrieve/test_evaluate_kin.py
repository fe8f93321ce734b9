"""Precision, recall and F1 of kin: counts by hand, scikit-learn, and what prevalence does to them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support
from sklearn.neighbors import KNeighborsClassifier

from specanom.errors import ArgumentError, DataError, ShapeError
from specanom.retrieve import Evaluator, Found, KnowledgeBase
from specanom.retrieve.votes import mean_and_spread, vote, weights_of

RATES = ("precision", "recall", "f1")


def two_classes(n: int = 600, *, seed: int = 0, apart: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(n) < 0.2, "odd", "ordinary")
    return rng.normal(size=(n, 3)) + apart * (labels == "odd")[:, None], labels


def test_rates_are_those_of_scikit_learn():
    vectors, labels = two_classes()
    test, truth = two_classes(seed=1)
    kb = KnowledgeBase.build(vectors, labels)
    made = kb.evaluate(test, truth, k=5)
    classifier = KNeighborsClassifier(5, weights=lambda d: weights_of(d, kb.tau)).fit(vectors, labels)
    expected = precision_recall_fscore_support(truth, classifier.predict(test), labels=["odd", "ordinary"])
    for row, name in enumerate(RATES):
        np.testing.assert_allclose(made.table[name], expected[row])
    assert made.table["n"].tolist() == expected[3].tolist()
    assert made.confusion.to_numpy().sum() == 600
    assert made.test == "600 test objects"


def test_members_are_asked_for_without_themselves():
    vectors, labels = two_classes(80)
    kb = KnowledgeBase.build(vectors, labels)
    assert kb.evaluate(k=1).table["recall"].max() < 1, "with itself, the nearest is always right"
    said = [KnowledgeBase.build(np.delete(vectors, i, 0), np.delete(labels, i), tau=kb.tau).query(vectors[i]).vote[0]
            for i in range(80)]
    assert kb.evaluate().table["hits"].tolist() == [np.sum((labels == one) & (np.array(said) == one))
                                                    for one in ("odd", "ordinary")]


def test_precision_follows_the_stated_prevalence_and_recall_does_not():
    vectors, labels = two_classes()
    kb = KnowledgeBase.build(vectors, labels)
    plain, rare = kb.evaluate().table.loc[0], kb.evaluate(prevalence=0.001).table.loc[0]
    assert rare["recall"] == plain["recall"]
    right, wrong = 0.001 * plain["recall"], 0.999 * plain["false_alarms"]
    assert rare["precision"] == pytest.approx(right / (right + wrong))
    assert rare["precision"] < 0.1 < plain["precision"]
    by_label = kb.evaluate(prevalence={"odd": 0.001}).table.set_index("label")
    assert by_label.loc["odd", "precision"] == rare["precision"]
    assert by_label.loc["ordinary", "prevalence"] == pytest.approx((labels == "ordinary").mean())


def test_a_test_of_another_mix_stated_at_one_prevalence_agrees():
    vectors, labels = two_classes(4000)
    test, truth = two_classes(4000, seed=1)
    kb = KnowledgeBase.build(vectors, labels)
    thinned = np.flatnonzero((truth == "odd") | (np.arange(4000) % 5 == 0))
    full = kb.evaluate(test, truth, prevalence={"odd": 0.2}).table.loc[0]
    mixed = kb.evaluate(test[thinned], truth[thinned], prevalence={"odd": 0.2}).table.loc[0]
    assert mixed["precision"] == pytest.approx(full["precision"], abs=0.06)
    assert full["precision_low"] < mixed["precision"] < full["precision_high"] or (
        mixed["precision_low"] < full["precision"] < mixed["precision_high"])


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    recall, alarms, share, n = 0.7, 0.02, 0.1, 400
    truth = {"recall": recall, "precision": share * recall / (share * recall + (1 - share) * alarms)}
    truth["f1"] = 2 / (1 / truth["recall"] + 1 / truth["precision"])
    inside = dict.fromkeys(truth, 0)
    for _ in range(300):
        hits, false = rng.binomial(40, recall), rng.binomial(n - 40, alarms)
        rates = Found(hits, 40 - hits, false, n - 40 - false).rates(share, draws=800)
        for name, value in truth.items():
            inside[name] += rates[f"{name}_low"] <= value <= rates[f"{name}_high"]
    for name, count in inside.items():
        assert 0.91 <= count / 300 <= 0.99, name


def test_without_a_false_alarm_the_precision_is_one_and_its_interval_is_not():
    rates = Found(10, 0, 0, 1000).rates(0.001)
    assert rates["precision"] == rates["precision_high"] == 1.0
    assert rates["precision_low"] < 0.8, "one object in a thousand: a false alarm not seen yet would count"
    nothing = Found(0, 10, 0, 1000).rates()
    assert np.isnan(nothing["precision"])
    assert (nothing["recall"], nothing["f1"]) == (0.0, 0.0)
    empty = Found(0, 0, 0, 0).rates()
    assert np.isnan(empty["recall"])


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(0, 50)] * 4), st.floats(1e-4, 0.9))
def test_rates_lie_in_their_intervals(counts, share):
    rates = Found(*counts).rates(share, draws=200)
    for name in RATES:
        if np.isfinite(rates[name]):
            assert 0 <= rates[f"{name}_low"] <= rates[name] <= rates[f"{name}_high"] <= 1


def test_curves_run_along_k_size_and_share():
    vectors, labels = two_classes()
    made = Evaluator(k=3, ks=(1, 3, 7), sizes=(0.2, 1.0), shares=(0.02, 0.5))(KnowledgeBase.build(vectors, labels))
    curves = made.curves.set_index(["along", "value", "label"])
    assert sorted({(along, value) for along, value, _ in curves.index}) == [
        ("k", 1.0), ("k", 3.0), ("k", 7.0), ("share", 0.02), ("share", 0.5), ("size", 0.2), ("size", 1.0)]
    at_three = made.table.set_index("label")
    for label in ("odd", "ordinary"):
        assert curves.loc[("k", 3.0, label), "f1"] == at_three.loc[label, "f1"]
        assert curves.loc[("size", 1.0, label), "f1"] == at_three.loc[label, "f1"]
    few, many = curves.loc[("share", 0.02, "odd")], curves.loc[("share", 0.5, "odd")]
    assert many["recall"] > few["recall"], "a base that holds more of a class finds more of it"
    assert many["false_alarms"] > few["false_alarms"], "and takes more others for it"
    assert few["prevalence"] == pytest.approx((labels == "odd").mean()), "the sky stays as it is"


def test_what_has_no_label_is_not_counted():
    vectors, labels = two_classes(100)
    vectors[0], labels = np.nan, np.where(np.arange(100) < 10, "", labels)
    kb = KnowledgeBase.build(*two_classes(100, seed=2))
    made = kb.evaluate(vectors, labels)
    assert made.table["n"].sum() == 90
    assert made.test == "90 test objects, 10 without a label or vector not counted"


def test_evaluations_that_cannot_be_are_refused():
    vectors, labels = two_classes(50)
    kb = KnowledgeBase.build(vectors, labels)
    with pytest.raises(ArgumentError, match="both of a test set, or neither"):
        kb.evaluate(vectors)
    with pytest.raises(ShapeError, match="50, one for each vector"):
        kb.evaluate(vectors, labels[1:])
    with pytest.raises(DataError, match="at least one object with a label"):
        KnowledgeBase.build(vectors).evaluate()
    with pytest.raises(ArgumentError, match="shares between 0 and 1"):
        kb.evaluate(prevalence=1.0)
    with pytest.raises(ArgumentError, match=r"odd, ordinary.*'lens'"):
        Evaluator(labels=["lens"])(kb)


def test_an_evaluation_tells_its_intervals():
    made = KnowledgeBase.build(*two_classes(100)).evaluate()
    assert "95 % intervals" in repr(made)
    assert made.to_frame().equals(made.table)
    assert made.to_frame() is not made.table
    assert "<table" in made._repr_html_()


def test_of_labels_with_equal_weight_the_nearest_wins():
    half = np.array([[0.5, 0.5]])
    assert vote(np.array([["b", "a"]], dtype=object), half)[0].tolist() == ["b"]
    thirds = np.full((1, 3), 1 / 3)
    label, share = vote(np.array([["", "b", "a"]], dtype=object), thirds)
    assert (label[0], share[0]) == ("b", pytest.approx(0.5))


def test_two_together_outvote_a_nearer_one():
    weights = weights_of([[1.0, 1.1, 1.1]], tau=1.0)
    assert vote(np.array([["a", "b", "b"]], dtype=object), weights)[0].tolist() == ["b"]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_mean_and_spread_follow_shift_and_scale(seed, shift, scale):
    rng = np.random.default_rng(seed)
    values, weights = rng.normal(size=(4, 5)), rng.dirichlet(np.ones(5), 4)
    values[0, 2] = np.nan
    mean, spread = mean_and_spread(values, weights)
    moved, wider = mean_and_spread(shift + scale * values, weights)
    np.testing.assert_allclose(moved, shift + scale * mean, rtol=1e-9, atol=1e-9 * (abs(shift) + scale))
    np.testing.assert_allclose(wider, scale * spread, rtol=1e-5, atol=1e-9 * (abs(shift) + scale))


def test_a_test_set_of_another_model_is_refused():
    vectors, labels = two_classes(60)
    base = KnowledgeBase.build(vectors, labels, encoder="vae 1")
    with pytest.raises(ArgumentError, match=r"encoder: expected 'vae 1'.*got 'vae 2'"):
        base.evaluate(vectors, labels, encoder="vae 2")
    assert base.evaluate(vectors, labels, encoder="vae 1").table.equals(base.evaluate(vectors, labels).table)
