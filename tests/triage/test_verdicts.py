"""The standing word of an object is the same for lists, rankings, sessions, catalogues and agreement."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError
from specanom.triage import (
    InspectionSession,
    Label,
    LabelLog,
    Listing,
    Pool,
    Reranker,
    Verdict,
    agreement,
    read_inspections,
    verdicts,
    write_inspections,
)
from specanom.triage.catalogue.people import labels_wide

TABLE = pd.DataFrame({"id": list("abcd"), "score": [4.0, 3.0, 2.0, 1.0]})
SAID = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["", "noted", "known", "artefact", "interesting"]),
                          st.sampled_from(["ada", "bob", "cyd"])), max_size=14)


def write(path, said) -> LabelLog:
    log = LabelLog(path)
    for id, word, author in said:
        log.add(id, word, author=author, note="?" if word == "noted" else "")
    return log


@given(said=SAID)
def test_everybody_who_asks_for_the_word_gets_the_same(tmp_path_factory, said) -> None:
    log = write(tmp_path_factory.mktemp("log") / "labels.jsonl", said)
    found = verdicts(log)
    assert found == verdicts(log.history()) == verdicts(LabelLog(log.path))
    wide = labels_wide(log.to_frame(history=True)).set_index("id")
    assert {id: one.told for id, one in found.items()} == wide.loc[wide["label"] != "", "label"].to_dict()
    assert {id: len(one.votes) for id, one in found.items()} == wide.loc[wide["label"] != "", "label_count"].to_dict()
    listed = Listing("score")(TABLE, log)
    assert set(listed.ids) == set("abcd") - found.keys()
    assert all(listed.why(id) == f"left out: labelled {one.told}" for id, one in found.items())
    pool = Pool(tuple("abcd"), np.arange(8.0).reshape(4, 2), np.arange(4.0))
    session = InspectionSession(pool, log, reranker=Reranker(trees=2))
    assert session.answered == len(found)
    assert (session.next() is None) == (len(found) == 4)
    assert session.next() not in found
    worth = Reranker().verdicts(log)[0]
    assert {id: worth[id] for id, one in found.items() if one.word} == {
        id: Reranker().worth(one.word) for id, one in found.items() if one.word}
    for row in agreement(log, repeats=2).consensus.itertuples():
        assert (row.label, row.of, row.tie == "") == (
            found[row.id].word, len(found[row.id].votes), not found[row.id].disputed)


@given(votes=st.dictionaries(st.text(max_size=3), st.sampled_from(["known", "artefact", "lens"])))
def test_the_word_is_that_of_the_majority(votes) -> None:
    made, counted = Verdict("a", votes), Counter(votes.values()).most_common()
    assert dict(counted) == made.counts
    assert list(made.counts.values()) == sorted(made.counts.values(), reverse=True)
    tie = len(counted) > 1 and counted[0][1] == counted[1][1]
    assert made.disputed == tie
    assert made.word == ("" if tie or not counted else counted[0][0])
    assert made.told == ("disputed" if tie else made.word)
    assert made.authors == tuple(votes)


def test_a_note_of_another_hides_no_word(tmp_path) -> None:
    log = write(tmp_path / "labels.jsonl", [("a", "artefact", "ada"), ("a", "noted", "bob")])
    assert verdicts(log)["a"] == Verdict("a", {"ada": "artefact"})
    assert Listing("score")(TABLE, log).why("a") == "left out: labelled artefact"
    assert log.current()["a"].label == "artefact"
    assert log.current("bob")["a"].label == "noted"


def test_an_author_who_takes_a_word_back_but_keeps_the_note_has_no_word(tmp_path) -> None:
    log = write(tmp_path / "labels.jsonl", [("a", "artefact", "ada"), ("a", "noted", "ada")])
    assert verdicts(log) == {}
    assert "a" in Listing("score")(TABLE, log)


def test_two_words_against_one_is_no_dispute_and_one_against_one_is(tmp_path) -> None:
    log = write(tmp_path / "labels.jsonl", [("a", "known", "ada"), ("a", "artefact", "bob"), ("a", "known", "cyd"),
                                            ("b", "known", "ada"), ("b", "artefact", "bob")])
    made = verdicts(log)
    assert repr(made["a"]) == "Verdict 'a': known (2 of 3)"
    assert repr(made["b"]) == "Verdict 'b': disputed (artefact, known)"
    assert Listing("score")(TABLE, log).counts == {"labelled disputed": 1, "labelled known": 1}
    assert Reranker().verdicts(log) == ({"a": 0.2, "b": 0.1}, 0)


def test_a_session_does_not_ask_again_for_a_word_without_relevance(tmp_path) -> None:
    log = write(tmp_path / "labels.jsonl", [("a", "lens", "ada")])
    pool = Pool(tuple("ab"), np.zeros((2, 1)), np.array([2.0, 1.0]))
    session = InspectionSession(pool, log, reranker=Reranker(others=None))
    assert (session.next(), session.answered, session.ranking.ignored) == ("b", 1, 1)


def test_a_round_trip_through_a_file_of_inspections_changes_no_verdict(tmp_path) -> None:
    log = write(tmp_path / "labels.jsonl", [("a", "interesting", "ada"), ("b", "noted", "bob"), ("c", "known", "ada")])
    before = verdicts(log)
    file = read_inspections(write_inspections(log.history(), tmp_path / "vi.csv"))
    assert {one.time for one in file.labels} == {""}
    assert (log.merge(file.labels), log.merge(file.labels)) == (0, 0)
    assert verdicts(log) == before
    assert log.current()["a"].label == "interesting"
    other = LabelLog(tmp_path / "other.jsonl")
    again = read_inspections(tmp_path / "vi.csv")
    assert (other.merge(file.labels), other.merge(again.labels)) == (3, 0)
    assert verdicts(other) == {}
    other.merge(log.history())
    assert verdicts(other) == before


def test_lines_without_a_time_keep_their_words_beside_inspections(tmp_path) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    log.path.write_text('{"id": "a", "label": "known", "author": "ada"}\n')
    seen = Label("a", "noted", author="ada", more={"inspection": {"quality": 4}})
    assert log.merge([seen]) == 0
    log.path.write_text(log.path.read_text() + '{"id": "a", "label": "noted", "author": "ada"}\n')
    assert verdicts(log)["a"].word == verdicts(log.history())["a"].word == "known"
    assert LabelLog(log.path).standing("a")[0].label == "known"


def test_an_inspection_without_a_time_lets_no_older_word_in(tmp_path) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    log.add("a", "known", author="ada")
    with open(log.path, "a") as handle:
        handle.write('{"id": "a", "label": "noted", "author": "ada"}\n')
    assert log.merge([Label("a", "artefact", author="ada", time="2020-01-01T00:00:00Z")]) == 0
    assert verdicts(log)["a"].word == "known"


@pytest.mark.parametrize("labels", [{"a": "known"}, "labels.jsonl", 3, ["a"]])
def test_what_are_no_labels_is_refused(labels) -> None:
    with pytest.raises(ArgumentError, match="labels: expected"):
        verdicts(labels)
