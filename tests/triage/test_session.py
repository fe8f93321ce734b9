"""A session leads through a pool, keeps every answer, and goes on from the log as if it had never ended."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from specanom.errors import ArgumentError
from specanom.triage import Inspection, InspectionSession, Label, LabelLog, Pool, Reranker

FAST = Reranker(trees=10)


def pool(n: int = 40, seed: int = 0) -> Pool:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 3)) + 5.0 * (np.arange(n) % 2)[:, None]
    return Pool(tuple(f"s{i:03d}" for i in range(n)), vectors, rng.gamma(2.0, size=n))


def truth(metadata, features, session) -> str:
    return "artefact" if features.mean() > 2.5 else "interesting"


def begin(path, strategy: str = "best") -> InspectionSession:
    return InspectionSession(pool(), LabelLog(path), reranker=FAST, strategy=strategy, author="ada")


@pytest.mark.parametrize("strategy", ["best", "uncertain", "explore", "mixed"])
def test_a_session_that_ended_goes_on_from_the_log(tmp_path, strategy) -> None:
    whole = begin(tmp_path / "whole.jsonl", strategy)
    whole.run(truth, budget=10)
    begin(tmp_path / "parts.jsonl", strategy).run(truth, budget=4)
    rest = begin(tmp_path / "parts.jsonl", strategy)
    rest.run(truth, budget=6)
    order = [[said.id for said in one.log.history()] for one in (whole, rest)]
    assert order[0] == order[1]
    assert len(set(order[0])) == 10
    assert whole.ranking.top() == rest.ranking.top()


def test_the_loop_of_a_person_is_that_of_a_function(tmp_path) -> None:
    function = begin(tmp_path / "function.jsonl")
    function.run(truth, budget=5)
    person = begin(tmp_path / "person.jsonl")
    for id in person:
        person.answer(id, truth(None, person.pool.vectors[person.pool.row(id)], person))
        if person.answered == 5:
            break
    assert [said.id for said in person.log.history()] == [said.id for said in function.log.history()]


def test_an_answer_is_kept_with_why_it_was_asked(tmp_path) -> None:
    session = begin(tmp_path / "labels.jsonl")
    first = session.next()
    said = session.answer(first, "interesting", note="two peaks", inspection=Inspection(4, z=0.3))
    assert (said.author, said.source, said.reason) == ("ada", "InspectionSession", "rank 1 of 40, asked by best")
    kept = LabelLog(session.log.path).current()[first]
    assert (kept.note, kept.inspection.z) == ("two peaks", 0.3)
    assert session.answered == 1
    assert session.next() != first


def test_the_whole_pool_is_asked_once_and_then_no_more(tmp_path) -> None:
    session = begin(tmp_path / "labels.jsonl")
    session.run(truth)
    assert session.next() is None
    assert list(session) == []
    assert sorted(said.id for said in session.log.history()) == sorted(session.pool.ids)
    assert "40 of 40 answered" in repr(session)


def test_what_gets_no_answer_is_not_asked_again_in_this_session(tmp_path) -> None:
    session = begin(tmp_path / "labels.jsonl")
    seen = []

    def decide(metadata, features, here):
        seen.append(metadata["id"])
        return None if len(seen) % 2 else "known"

    session.run(decide, budget=3)
    assert len(seen) == len(set(seen)) == 6
    assert session.skipped == seen[::2]
    assert begin(tmp_path / "labels.jsonl").next() == seen[0], "a new session asks again"


def test_a_function_may_say_more_than_a_word_and_stop(tmp_path) -> None:
    session = begin(tmp_path / "labels.jsonl")

    def decide(metadata, features, here):
        here.stop()
        return Label(metadata["id"], "known", note="NGC 1", more={"inspection": {"quality": 2}})

    session.run(decide)
    (said,) = session.log.history()
    assert (said.note, said.inspection) == ("NGC 1", Inspection(2))
    assert session.run(truth, budget=0) is session.ranking
    assert len(session.log.history()) == 1


def test_callbacks_are_told_of_decisions_and_refits(tmp_path) -> None:
    session, told, refits = begin(tmp_path / "labels.jsonl"), [], []
    session.on_decision.append(lambda metadata, features, here: told.append((metadata["id"], features.shape)))
    session.on_refit.append(lambda here: refits.append(len(here.log.history())))
    session.run(truth, budget=3)
    assert [id for id, _ in told] == [said.id for said in session.log.history()]
    assert {shape for _, shape in told} == {(3,)}
    assert refits == [0, 1, 2, 3]


def test_another_inspector_beside_changes_what_is_asked_next(tmp_path) -> None:
    session = begin(tmp_path / "labels.jsonl")
    first = session.next()
    LabelLog(tmp_path / "labels.jsonl").add(first, "artefact", author="bob")
    assert session.next() != first
    assert session.answered == 1


BESIDE = """
import sys
sys.path.insert(0, {folder!r})
from test_session import begin, truth
begin({path!r}).run(truth, budget=6)
"""


def test_two_sessions_in_two_processes_share_a_log(tmp_path) -> None:
    path = tmp_path / "labels.jsonl"
    from pathlib import Path

    code = BESIDE.format(folder=str(Path(__file__).parent), path=str(path))
    both = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    log = LabelLog(path)
    assert (log.torn, len(log.history())) == (0, 12)
    assert 6 <= begin(path).answered <= 12


def test_foreign_ids_and_words_are_refused_and_leave_nothing(tmp_path) -> None:
    session = begin(tmp_path / "labels.jsonl")
    with pytest.raises(ArgumentError, match="an id of the pool"):
        session.answer("39633345008634465", "known")
    with pytest.raises(ArgumentError, match="label: expected one of"):
        session.answer("s001", "knwon")
    with pytest.raises(ArgumentError, match="an id of the pool"):
        session.skip("x")
    with pytest.raises(ArgumentError, match="budget"):
        session.run(truth, budget=-1)
    with pytest.raises(ArgumentError, match="strategy"):
        begin(tmp_path / "labels.jsonl", "random")
    assert not session.log.path.exists()


def test_labels_of_foreign_ids_in_the_log_do_no_harm(tmp_path) -> None:
    session = begin(tmp_path / "labels.jsonl")
    session.log.add("39633345008634465", "artefact", author="ada")
    before = session.next()
    assert before == begin(tmp_path / "empty.jsonl").next()
    assert (session.answered, session.ranking.foreign) == (0, 1)
