"""What is said of a spectrum is on disk at once, and nothing that happens later can lose it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError
from specanom.triage import LabelLog

HOSTILE = "<img src=x onerror=alert(1)>\n\"$$x$$\" 😀\u2028\x85\x00"
SAYING = st.tuples(st.text(min_size=1), st.text(), st.text(), st.text(), st.text())


@pytest.fixture
def log(tmp_path) -> LabelLog:
    return LabelLog(tmp_path / "new folder" / "labels.jsonl")


def test_a_label_is_one_line_of_json(log) -> None:
    log.add("a-1", "interesting", note="two\npeaks", author="ada", source="ScorePicker")
    content = json.loads(log.path.read_text(encoding="utf-8"))
    assert list(content) == ["id", "label", "note", "author", "source", "time"]
    assert content["note"] == "two\npeaks"
    assert pd.Timestamp(content["time"]).utcoffset().total_seconds() == 0


def test_nothing_is_made_before_something_is_said(log) -> None:
    assert log.current() == {}
    assert log.torn == 0
    assert "no labels" in repr(log)
    assert not log.path.parent.exists()


def test_the_latest_counts_and_history_stays(log) -> None:
    log.add("a", "interesting", author="ada")
    log.add("a", "known", note="NGC 1", author="ada")
    assert log.current()["a"].label == "known"
    assert [one.label for one in log.history("a")] == ["interesting", "known"]


def test_an_empty_word_takes_back_what_the_same_author_said(log) -> None:
    log.add("a", "interesting", author="ada")
    log.add("a", "artefact", author="bob")
    assert log.current()["a"].author == "bob"
    log.add("a", "", author="bob")
    assert log.current()["a"].label == "interesting"
    log.add("a", "", author="ada")
    assert log.current() == {}
    assert len(log.history()) == 4


def test_each_author_has_a_label(log) -> None:
    log.add("a", "interesting", author="ada")
    log.add("a", "artefact", author="bob")
    log.add("b", "known", author="ada")
    assert [one.author for one in log.standing("a")] == ["ada", "bob"]
    assert log.current("ada").keys() == {"a", "b"}
    assert log.to_frame()[["id", "author"]].to_numpy().tolist() == [["a", "ada"], ["a", "bob"], ["b", "ada"]]
    assert len(log.to_frame()) == 3


def test_the_author_is_the_user(log, monkeypatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "vera")
    assert log.add("a", "known").author == "vera"


@pytest.mark.parametrize("wrong", ["", None, 7])
def test_an_id_is_text(log, wrong) -> None:
    with pytest.raises(ArgumentError, match="id: expected"):
        log.add(wrong, "known")


def test_other_arguments_are_text(log) -> None:
    with pytest.raises(ArgumentError, match="note: expected text"):
        log.add("a", "known", note=3)
    assert not log.path.exists()


@given(said=st.lists(SAYING, max_size=6))
def test_every_text_comes_back_as_it_was_said(tmp_path_factory, said) -> None:
    path = tmp_path_factory.mktemp("labels") / "labels.jsonl"
    log = LabelLog(path)
    for id, label, note, author, source in said:
        log.add(id, label, note=note, author=author, source=source)
    for one in (log, LabelLog(path)):
        assert [(s.id, s.label, s.note, s.author, s.source) for s in one.history()] == said
        assert one.torn == 0


@given(said=st.lists(SAYING, max_size=4))
def test_every_text_can_be_exported(tmp_path_factory, said) -> None:
    folder = tmp_path_factory.mktemp("labels")
    log = LabelLog(folder / "labels.jsonl")
    for id, label, note, author, source in said:
        log.add(id, label, note=note, author=author, source=source)
    back = pd.read_parquet(log.export(folder / "all.parquet", history=True))
    assert back["note"].tolist() == [note for _, _, note, _, _ in said]
    assert len(pd.read_csv(log.export(folder / "all.csv"), keep_default_na=False)) == len(log.to_frame())


# -- groups -----------------------------------------------------------------------------------------------------------


def test_a_word_for_a_group_leaves_what_was_said_of_one_alone(tmp_path) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    log.add("a", "interesting", note="two peaks", author="ada")
    log.add("b", "noted", note="broad", author="ada")
    log.add("c", "known", author="bob")
    made = log.add_group(["a", "b", "c", "d", "d"], "artefact", author="ada", source="lasso")
    assert [said.id for said in made] == ["b", "c", "d"]
    stands = log.current("ada")
    assert (stands["a"].label, stands["a"].note) == ("interesting", "two peaks")
    assert (stands["b"].label, stands["b"].note) == ("artefact", "broad")
    assert log.current("bob")["c"].label == "known"
    log.add_group(["a", "b", "c", "d"], "physical", note="cluster 3", author="ada")
    assert [said.label for said in log.current("ada").values()] == ["interesting", "physical", "physical", "physical"]
    log.add_group(["a", "b", "c", "d"], "", author="ada")
    stands = log.current("ada")
    assert {id: (said.label, said.note) for id, said in stands.items()} == {
        "a": ("interesting", "two peaks"), "b": ("noted", "broad")}
    assert not log.add_group(["a", "b", "c", "d"], "", author="ada")


WORD = st.sampled_from(["", "artefact", "physical"])
STEP = st.tuples(st.booleans(), st.lists(st.sampled_from("abc"), min_size=1, max_size=3), WORD,
                 st.sampled_from(["", "n"]))


@given(steps=st.lists(STEP, max_size=8))
def test_taking_a_group_back_restores_what_was_said_alone(tmp_path_factory, steps) -> None:
    path = tmp_path_factory.mktemp("labels") / "labels.jsonl"
    log, alone = LabelLog(path), LabelLog(path.with_name("alone.jsonl"))
    for group, ids, word, note in steps:
        if group:
            log.add_group(ids, word, note=note, author="ada")
        else:
            for one in (log, alone):
                one.add_all(ids, word, note=note, author="ada")
    log.add_group("abc", "", author="ada")
    words = [{id: (said.label, said.note) for id, said in one.current().items()} for one in (LabelLog(path), alone)]
    assert words[0] == words[1]


# -- what goes wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("torn", [b'{"id": "b", "lab', b'{"id": "b"}', b"\xff\xfe", b"[1]", b'{"id": 3, "label": "x"}',
                                  b'{"id": "", "label": "x"}', b'{"id": "b", "label": null}',
                                  b'{"id": "b", "label": 3}', b"[" * 10**5, b'{"id": "b", "label": "x"' + b" " * 9])
def test_a_torn_line_is_counted_and_the_next_starts_afresh(log, torn) -> None:
    log.add("a", "known")
    with open(log.path, "ab") as handle:
        handle.write(torn)
    again = LabelLog(log.path)
    assert (again.torn, set(again.current())) == (1, {"a"})
    assert "1 torn line" in repr(again)
    again.add("c", "interesting")
    assert (again.torn, set(again.current())) == (1, {"a", "c"})
    assert (log.torn, set(log.current())) == (1, {"a", "c"})
    assert torn in log.path.read_bytes(), "what was torn stays"


def test_a_line_still_being_written_is_read_when_it_is_whole(log) -> None:
    log.add("a", "known")
    whole = log.path.read_bytes().replace(b'"a"', b'"b"')
    with open(log.path, "ab", buffering=0) as handle:
        handle.write(whole[:20])
        assert (log.torn, set(log.current())) == (1, {"a"})
        handle.write(whole[20:])
    assert (log.torn, set(log.current())) == (0, {"a", "b"})


def test_a_last_line_without_its_break_is_read(log) -> None:
    log.add("a", "known")
    log.path.write_bytes(log.path.read_bytes()[:-1])
    again = LabelLog(log.path)
    assert (again.torn, set(again.current())) == (0, {"a"})
    again.add("b", "known")
    assert [one.id for one in again.history()] == [one.id for one in LabelLog(log.path).history()] == ["a", "b"]


def test_files_of_other_editors_are_read(log) -> None:
    log.path.parent.mkdir()
    log.path.write_bytes(b'\xef\xbb\xbf{"id": "a", "label": "known", "author": null, "note": 3}\r\n\r\n'
                         b'{"id": "b", "label": "artefact"}\r\n')
    assert {id: one.label for id, one in log.current().items()} == {"a": "known", "b": "artefact"}
    assert (log.current()["a"].author, log.current()["a"].note, log.torn) == ("", "3", 0)


def test_one_line_without_an_id_does_not_stop_a_merge(log, tmp_path) -> None:
    other = LabelLog(tmp_path / "other.jsonl")
    other.path.write_text('{"id": "", "label": "known"}\n{"id": "a", "label": "known"}\n')
    assert (log.merge(other.history()), other.torn) == (1, 1)


def test_fields_of_tomorrow_are_kept(log) -> None:
    log.path.parent.mkdir()
    log.path.write_text('{"id": "a", "label": "known", "quality": 4}\n')
    assert log.current()["a"].more == {"quality": 4}
    assert log.current()["a"].note == ""


def test_a_file_that_was_replaced_is_read_anew(log, tmp_path) -> None:
    log.add("a", "known")
    assert set(log.current()) == {"a"}
    other = LabelLog(tmp_path / "other.jsonl")
    other.add("b", "known", note="a note that makes the file longer than it was")
    os.replace(other.path, log.path)
    assert set(log.current()) == {"b"}
    log.path.unlink()
    assert log.current() == {}


def test_a_folder_is_no_log(tmp_path) -> None:
    with pytest.raises(ArgumentError, match=r"labels\.jsonl"):
        LabelLog(tmp_path)


def test_a_place_that_cannot_be_written_raises(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        LabelLog(tmp_path / "file" / "labels.jsonl").add("a", "known")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_raises(tmp_path) -> None:
    full = tmp_path / "labels.jsonl"
    full.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        LabelLog(full).add("a", "known")


WRITER = """
import sys
from specanom.triage import LabelLog
log = LabelLog(sys.argv[1])
for i in range(10**6):
    log.add(f"{sys.argv[2]}-{i}", "known", note="n" * (i % 500) + "\\n😀", author=sys.argv[2])
    print(i, flush=True)
"""


def test_a_killed_process_loses_nothing_it_had_said(tmp_path) -> None:
    path = tmp_path / "labels.jsonl"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path), "w"], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(20):
        last = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    last = max([last, *(int(line) for line in writer.stdout.read().split("\n")[:-1])])
    writer.wait()
    log = LabelLog(path)
    assert {f"w-{i}" for i in range(last + 1)} <= log.current().keys()
    log.add("after", "known")
    assert "after" in log.current()


def test_two_processes_append_to_one_file(tmp_path) -> None:
    path = tmp_path / "labels.jsonl"
    short = WRITER.replace("10**6", "60")
    both = [subprocess.Popen([sys.executable, "-c", short, str(path), who], stdout=subprocess.DEVNULL) for who in "ab"]
    log = LabelLog(path)
    seen = 0
    while any(one.poll() is None for one in both):
        assert len(log.current()) >= seen
        seen = len(log.current())
        time.sleep(0.02)
    assert [one.returncode for one in both] == [0, 0]
    assert log.current().keys() == {f"{who}-{i}" for who in "ab" for i in range(60)}
    assert (log.torn, len(log.history())) == (0, 120)


# -- tables ------------------------------------------------------------------------------------------------------------


def test_csv_cells_are_no_formulas(log, tmp_path) -> None:
    for cell in ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1"):
        log.add(cell, "known", note=cell, author="ada")
    text = log.export(tmp_path / "out" / "labels.csv").read_text(encoding="utf-8")
    back = pd.read_csv(tmp_path / "out" / "labels.csv", keep_default_na=False)
    assert back["note"].str.startswith("'").all()
    assert back["id"].str.startswith("'").all()
    assert "'=cmd" in text


def test_parquet_keeps_every_character(log, tmp_path) -> None:
    log.add(HOSTILE, "known", note=HOSTILE, author="ada")
    back = pd.read_parquet(log.export(tmp_path / "labels.parquet"))
    assert back.loc[0, ["id", "note"]].tolist() == [HOSTILE, HOSTILE]
    assert back.equals(log.to_frame().astype(back.dtypes))


def test_an_empty_table_has_its_columns(log, tmp_path) -> None:
    back = pd.read_parquet(log.export(tmp_path / "labels.parquet"))
    assert list(back.columns) == ["id", "label", "note", "author", "source", "time"]
    assert back.empty


def test_another_ending_is_refused(log, tmp_path) -> None:
    with pytest.raises(ArgumentError, match="csv"):
        log.export(tmp_path / "labels.xlsx")
    assert not list(tmp_path.iterdir())


def test_the_log_says_what_is_in_it(log) -> None:
    for id, word in zip("abcd", ("known", "interesting", "interesting", ""), strict=True):
        log.add(id, word)
    assert repr(log) == "LabelLog 'labels.jsonl': 2 interesting, 1 known"
