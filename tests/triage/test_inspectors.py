"""Agreement of inspectors: the published numbers, scikit-learn's, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from specanom.errors import ArgumentError
from specanom.triage import Label, LabelLog, agreement, cohen_kappa, fleiss_kappa

WORDS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=30)
COUNTS = st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3).filter(lambda row: sum(row) > 1), min_size=2,
                  max_size=12)


def write(path, verdicts) -> LabelLog:
    """Write a log of {author: {id: word}}."""
    log = LabelLog(path)
    for author, words in verdicts.items():
        for id, word in words.items():
            log.add(id, word, author=author)
    return log


@given(pairs=WORDS)
def test_cohens_kappa_is_that_of_scikit_learn(pairs) -> None:
    first, second = zip(*pairs, strict=True)
    assume(len({*first, *second}) > 1)
    assert cohen_kappa(first, second) == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)


@given(pairs=WORDS, seed=st.integers(0, 99))
def test_kappa_knows_neither_order_nor_names(pairs, seed) -> None:
    first, second = zip(*pairs, strict=True)
    here = cohen_kappa(first, second)
    mixed = np.random.default_rng(seed).permutation(len(pairs))
    other = dict(zip("abc", "zxy", strict=True))
    for a, b in ((second, first), ([first[i] for i in mixed], [second[i] for i in mixed]),
                 ([other[x] for x in first], [other[x] for x in second])):
        assert cohen_kappa(a, b) == pytest.approx(here, nan_ok=True, abs=1e-12)
    assert np.isnan(here) or -1 <= here <= 1


def test_fleiss_kappa_is_that_of_a_worked_example() -> None:
    # Ten subjects, fourteen raters, five categories: kappa = 0.210.
    counts = [[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1], [7, 7, 0, 0, 0],
              [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]]
    assert fleiss_kappa(counts) == pytest.approx(0.210, abs=5e-4)


@given(counts=COUNTS, seed=st.integers(0, 99))
def test_fleiss_kappa_knows_neither_order_nor_names_nor_the_silent(counts, seed) -> None:
    table, rng = np.array(counts), np.random.default_rng(seed)
    here = fleiss_kappa(table)
    for same in (table[rng.permutation(len(table))], table[:, rng.permutation(3)],
                 np.vstack([table, [[1, 0, 0], [0, 0, 0]]]), np.column_stack([table, np.zeros(len(table))])):
        assert fleiss_kappa(same) == pytest.approx(here, nan_ok=True, abs=1e-12)
    assert np.isnan(here) or here <= 1 + 1e-12


@given(pairs=WORDS)
def test_with_two_inspectors_fleiss_kappa_is_scotts_pi(pairs) -> None:
    counts = np.array([[(a == word) + (b == word) for word in "abc"] for a, b in pairs])
    shares = counts.sum(axis=0) / counts.sum()
    chance = (shares**2).sum()
    assume(chance < 1)
    agreed = np.mean([a == b for a, b in pairs])
    assert fleiss_kappa(counts) == pytest.approx((agreed - chance) / (1 - chance), abs=1e-12)


def test_perfect_agreement_is_one_and_one_word_alone_says_nothing() -> None:
    assert cohen_kappa("abab", "abab") == 1.0
    assert np.isnan(cohen_kappa("aaaa", "aaaa"))
    assert np.isnan(fleiss_kappa([[3, 0], [3, 0]]))


# -- of logs -----------------------------------------------------------------------------------------------------------

SAID = {"ada": {"a": "known", "b": "artefact", "c": "interesting", "d": "known", "f": "known"},
        "bob": {"a": "known", "b": "known", "c": "interesting", "e": "known", "f": "artefact"},
        "cyd": {"a": "known", "b": "artefact", "c": "artefact", "f": "interesting"}}


def test_disagreements_consensus_and_ties_are_listed(tmp_path) -> None:
    made = agreement(write(tmp_path / "labels.jsonl", SAID))
    assert made.authors == ("ada", "bob", "cyd")
    assert set(made.table["id"]) == {"a", "b", "c", "f"}
    assert set(made.disagreements["id"]) == {"b", "c", "f"}
    consensus = made.consensus.set_index("id")
    assert consensus["label"].to_dict() == {"a": "known", "b": "artefact", "c": "interesting", "f": ""}
    assert consensus.loc["b", ["votes", "of"]].tolist() == [2, 3]
    assert made.ties[["id", "tie"]].to_numpy().tolist() == [["f", "artefact, interesting, known"]]
    assert made.pairs[["first", "second", "n", "same"]].to_numpy().tolist() == [
        ["ada", "bob", 4, 2], ["ada", "cyd", 4, 2], ["bob", "cyd", 4, 1]]
    both = [(SAID["ada"][id], SAID["bob"][id]) for id in "abcf"]
    assert made.pairs.loc[0, "kappa"] == pytest.approx(cohen_kappa_score(*zip(*both, strict=True)))
    assert "3 disagreements, 1 ties" in repr(made)


def test_several_logs_give_what_one_would(tmp_path) -> None:
    one = agreement(write(tmp_path / "one.jsonl", SAID))
    logs = [write(tmp_path / f"{who}.jsonl", {who: words}) for who, words in SAID.items()]
    several = agreement(logs)
    named = agreement({who: write(tmp_path / f"{who}-nobody.jsonl", {"": words}) for who, words in SAID.items()})
    for other in (several, named):
        assert (other.kappa, other.interval) == (one.kappa, one.interval)
        assert other.table.set_index("id").loc[list("abcf")].equals(one.table.set_index("id").loc[list("abcf")])


def test_of_one_author_the_latest_word_counts_across_logs(tmp_path) -> None:
    new, old = LabelLog(tmp_path / "new.jsonl"), LabelLog(tmp_path / "old.jsonl")
    old.merge([Label("a", "artefact", author="ada", time="2020-01-01T00:00:00Z"), Label("a", "known", author="bob")])
    new.add("a", "known", author="ada")
    for logs in ([new, old], [old, new]):
        assert agreement(logs).table[["ada", "bob"]].to_numpy().tolist() == [["known", "known"]]


def test_notes_and_words_taken_back_do_not_count(tmp_path) -> None:
    log = write(tmp_path / "labels.jsonl", SAID)
    log.add("a", "noted", author="dan", note="?")
    log.add("b", "", author="cyd")
    made = agreement(log)
    assert made.authors == ("ada", "bob", "cyd")
    assert made.table.set_index("id").loc["b"].tolist() == ["artefact", "known", ""]
    assert agreement(log, words=["known"]).words == ("known",)


def test_the_interval_holds_the_truth_about_as_often_as_it_says(tmp_path) -> None:
    # Two inspectors who see the truth (two words, even) in 90 % of the cases: kappa = 2 (.9² + .1²) − 1 = 0.64.
    rng, inside = np.random.default_rng(0), 0
    for run in range(40):
        truth = rng.random(120) < 0.5
        log = LabelLog(tmp_path / f"{run}.jsonl")
        for who in ("ada", "bob"):
            says = np.where(rng.random(120) < 0.9, truth, ~truth)
            for word in (True, False):
                log.add_all([str(i) for i in np.flatnonzero(says == word)], "known" if word else "artefact", author=who)
        low, high = agreement(log, repeats=300).interval
        inside += low <= 0.64 <= high
    assert inside >= 34


def test_nothing_in_common_is_said_and_no_error(tmp_path) -> None:
    for verdicts in ({}, {"ada": {"a": "known"}}, {"ada": {"a": "known"}, "bob": {"b": "known"}}):
        made = agreement(write(tmp_path / f"{len(verdicts)}{len(str(verdicts))}.jsonl", verdicts))
        assert np.isnan(made.kappa)
        assert "nothing that two inspectors judged" in repr(made)
        assert made.consensus.empty
        assert made.disagreements.empty


def test_a_torn_line_changes_nothing(tmp_path) -> None:
    log = write(tmp_path / "labels.jsonl", SAID)
    before = agreement(log)
    with open(log.path, "ab") as handle:
        handle.write(b'{"id": "a", "label": "artef')
    assert agreement(log).kappa == before.kappa


def test_an_inspector_may_have_any_name(tmp_path) -> None:
    said = {"id": SAID["ada"], "": SAID["bob"], "<b>": SAID["cyd"]}
    made, usual = agreement(write(tmp_path / "a.jsonl", said)), agreement(write(tmp_path / "b.jsonl", SAID))
    assert made.disagreements["id"].iloc[:, 0].tolist() == usual.disagreements["id"].tolist()
    assert (made.kappa, len(made.ties)) == (usual.kappa, len(usual.ties))
    assert "<b>" not in made._repr_html_()


def test_what_is_no_log_is_refused(tmp_path) -> None:
    with pytest.raises(ArgumentError, match="a LabelLog, several"):
        agreement(["labels.jsonl"])
    with pytest.raises(ArgumentError, match="level"):
        agreement(LabelLog(tmp_path / "x"), level=95)
    with pytest.raises(ArgumentError, match="one length"):
        cohen_kappa("ab", "abc")
