"""A word said of a spectrum is saved at once, shown with who and when, and taken back by saying it again."""

from __future__ import annotations

import os

import pytest
from specanom.widgets.marks import MarkBar
from specanom.widgets.marks.words import when

from specanom.errors import ArgumentError
from specanom.triage import CLUSTER_WORDS, LabelLog

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def log(tmp_path) -> LabelLog:
    return LabelLog(tmp_path / "labels.jsonl")


@pytest.fixture
def bar(log) -> MarkBar:
    made = MarkBar(log, author="ada", source="ScorePicker")
    made.target = "a"
    return made


def button(bar: MarkBar, word: str):
    return next(one for one in bar.children if word in getattr(one, "description", ""))


def state(bar: MarkBar) -> str:
    return bar.children[-1].value


def test_a_button_saves_its_word_at_once(bar, log) -> None:
    button(bar, "interesting").value = True
    said = LabelLog(log.path).current()["a"]
    assert (said.label, said.author, said.source) == ("interesting", "ada", "ScorePicker")
    assert button(bar, "interesting").description == "✓ interesting (1)"
    assert "<b>interesting</b> by you" in state(bar)


def test_another_word_takes_its_place(bar, log) -> None:
    button(bar, "interesting").value = True
    button(bar, "known").value = True
    assert log.current()["a"].label == "known"
    assert [button(bar, word).value for word in bar.words] == [False, False, True]


def test_the_same_word_again_takes_it_back(bar, log) -> None:
    button(bar, "artefact").value = True
    button(bar, "artefact").value = False
    assert log.current() == {}
    assert len(log.history("a")) == 2
    assert "not marked yet" in state(bar)


def test_keys_do_what_buttons_do(bar, log) -> None:
    keys = bar.shortcuts()
    assert list(keys) == ["1", "2", "3"]
    keys["2"][1]()
    assert log.current()["a"].label == "artefact"
    keys["2"][1]()
    assert log.current() == {}


def test_a_note_is_saved_with_the_word_and_on_its_own(bar, log) -> None:
    bar._note.value = "two peaks"
    assert (log.current()["a"].label, log.current()["a"].note) == ("noted", "two peaks")
    bar.mark("interesting")
    assert (log.current()["a"].label, log.current()["a"].note) == ("interesting", "two peaks")
    bar.note = "three peaks"
    assert (log.current()["a"].label, log.current()["a"].note) == ("interesting", "three peaks")
    bar.toggle("interesting")
    assert (log.current()["a"].label, log.current()["a"].note) == ("noted", "three peaks"), "a note is never lost"
    bar.note = ""
    assert log.current() == {}


def test_a_note_that_is_saved_is_said_beside_its_field_until_one_goes_on(bar, log) -> None:
    beside = bar.children[bar.children.index(bar._note) + 1]
    bar.target = "a"
    assert beside.value == ""
    bar._note.value = "<b>broad</b>"
    assert "note saved" in beside.value
    assert "<b>" not in beside.value
    assert log.current()["a"].note == "<b>broad</b>"
    bar._note.value = ""
    assert "note removed" in beside.value
    bar._note.value = "again"
    bar.target = "b"
    assert beside.value == ""


def test_a_note_that_cannot_be_saved_is_not_said_to_be(tmp_path) -> None:
    bar = MarkBar(LabelLog(tmp_path / "labels.jsonl"))
    bar.target = "a"
    (tmp_path / "labels.jsonl").mkdir()
    bar._note.value = "broad"
    assert bar.error is not None
    assert "saved" not in bar._saved.value


def test_what_was_said_is_there_when_one_comes_back(bar, log) -> None:
    bar.note = "two peaks"
    bar.mark("known")
    bar.target = "b"
    assert (bar.note, bar.present()) == ("", "")
    assert not any(button(bar, word).value for word in bar.words)
    bar.target = "a"
    assert (bar.note, bar.present()) == ("two peaks", "known")
    assert len(log.history()) == 2, "looking says nothing"


def test_everybody_has_a_word(bar, log) -> None:
    log.add("a", "artefact", note=HOSTILE, author="<b>bob")
    bar.refresh()
    assert bar.present() == ""
    assert "&lt;b&gt;bob" in state(bar)
    assert HOSTILE not in state(bar)
    bar.mark("interesting")
    assert {one.author: one.label for one in log.standing("a")} == {"<b>bob": "artefact", "ada": "interesting"}
    assert state(bar).index("by you") < state(bar).index("bob")


def test_callbacks_hear_what_was_saved(bar) -> None:
    heard: list[tuple[str, str]] = []
    bar.on_mark(lambda id, word: heard.append((id, word)))
    bar.mark("known")
    bar.mark("")
    assert heard == [("a", "known"), ("a", "")]


def test_nothing_in_focus_can_be_marked(bar, log) -> None:
    bar.target = ""
    assert all(one.disabled for one in bar.children if hasattr(one, "disabled"))
    assert not bar.mark("known")
    assert "choose a row" in state(bar)
    bar.note = "lost?"
    assert log.history() == []


def test_an_unknown_word_is_refused(bar) -> None:
    with pytest.raises(ArgumentError, match="interesting"):
        bar.mark("intresting")


def test_what_cannot_be_saved_is_said_where_one_looks(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    bar = MarkBar(LabelLog(tmp_path / "file" / "labels.jsonl"), author="ada")
    heard: list[tuple[str, str]] = []
    bar.on_mark(lambda id, word: heard.append((id, word)))
    bar.target = "a"
    bar.labels.path.parent.unlink()
    bar.labels.path.parent.mkdir()
    bar.labels.path.mkdir()
    button(bar, "known").value = True
    assert "role='alert'" in state(bar)
    assert isinstance(bar.error, OSError)
    assert not button(bar, "known").value, "a word that is not saved does not look as if it were"
    assert heard == []
    bar.labels.path.rmdir()
    bar.mark("known")
    assert bar.error is None
    assert "by you" in state(bar)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_keeps_the_note_on_the_page(tmp_path) -> None:
    path = tmp_path / "labels.jsonl"
    path.symlink_to("/dev/full")
    bar = MarkBar(LabelLog(path), author="ada")
    bar.target = "a"
    bar.note = "an hour of thought"
    assert "No space left" in state(bar)
    assert bar.note == "an hour of thought"


def test_words_of_clusters(log) -> None:
    bar = MarkBar(log, CLUSTER_WORDS, author="ada")
    bar.target = "cluster 3"
    bar.mark("hybrid")
    assert log.current()["cluster 3"].label == "hybrid"


def test_a_time_is_written_as_people_do() -> None:
    assert when("2026-01-02T03:04:05.678+00:00") == "2 Jan 2026, 03:04 UTC"
    assert when("yesterday") == "yesterday"
