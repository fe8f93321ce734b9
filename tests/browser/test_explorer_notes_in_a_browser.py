"""What readers of an explorer say: whose it is, where it is kept, and what a log of labels makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from specanom.explorer import ExplorerData, write_explorer
from specanom.triage import (
    NOTED,
    Catalogue,
    Inspection,
    Label,
    LabelLog,
    Listing,
    Parts,
    agreement,
    cohen_kappa,
    reranked,
    write_inspections,
)
from specanom.triage.label import line_of
from specanom.triage.verdicts import standing
from tests.browser.explorers import Page, small_explorer
from tests.explorer.made import HOSTILE, TARGET, catalogue

pytestmark = pytest.mark.browser
BOB = Inspection(quality=4, issues=("R",), spectype="QSO", z=2.1, comment="lens!")
WORD_KEYS = {"interesting": "1", "artefact": "2", "known": "3"}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_explorer(tmp_path_factory.mktemp("explorer") / "page")


@pytest.fixture(scope="module")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_explorer(tmp_path_factory.mktemp("explorer") / "ten", catalogue([f"o{k}" for k in range(10)]))


def test_labels_go_to_a_file_that_a_log_reads_and_come_back(opened: Page, small: Path, tmp_path: Path) -> None:
    page = opened.open(small).page
    page.fill("#author", "vera")
    page.keyboard.press("Tab")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("1")
    page.select_option("#card [data-part=quality]", "3")
    page.fill("#card [data-part=note]", HOSTILE)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.keyboard.press("2")
    page.keyboard.press("j")
    page.keyboard.press("3")
    page.keyboard.press("3")
    page.keyboard.press("j")
    page.fill("#card [data-part=note]", "only a note")
    assert opened.filter("mark == 'artefact'") == ""
    assert [row[0] for row in opened.rows()] == [HOSTILE]
    with page.expect_download() as download:
        page.click("#export")
    download.value.save_as(tmp_path / "labels.jsonl")
    log = LabelLog(tmp_path / "labels.jsonl")
    stands = log.current()
    assert log.torn == 0
    assert {id: said.label for id, said in stands.items()} == {
        TARGET: "interesting", HOSTILE: "artefact", "__proto__": "noted"}
    said = stands[TARGET]
    assert (said.note, said.author, said.source) == (HOSTILE, "vera", "explorer")
    assert said.inspection is not None
    assert said.inspection.quality == 3
    log.add("c", "known", author="bob", note="a lens")
    with (tmp_path / "labels.jsonl").open("a") as handle:
        handle.write("{torn\n")
    page.set_input_files("#import-file", tmp_path / "labels.jsonl")
    page.wait_for_function("() => document.getElementById('told').textContent.includes('cannot be read')")
    assert "1 new line" in page.text_content("#told")
    opened.filter("mark_others == 'bob: known'")
    assert [row[0] for row in opened.rows()] == ["c"]
    page.reload()
    page.wait_for_selector("html[data-ready=true]", state="attached")
    assert "3 objects reviewed" in page.text_content("#notes-count")
    assert page.input_value("#author") == "vera"
    kept = page.evaluate("specanomExplorer.notes.lines()")
    assert len({json.dumps(json.loads(line)) for line in kept}) == len(kept)


def test_what_another_said_never_becomes_mine(opened: Page, small: Path, tmp_path: Path) -> None:
    theirs = LabelLog(tmp_path / "bob.jsonl")
    theirs.add(TARGET, "interesting", note="lens!", author="bob", inspection=BOB)
    theirs.add("c", "known", author="bob", note="seen", inspection=BOB)
    opened.open(small, f"#{TARGET}").name("eve")
    assert "2 new lines" in opened.take(theirs.path)
    before = opened.part("labels").text_content()
    for told in ("interesting", "bob", "lens!", "quality 4", "QSO", "z = 2.1", "bad redshift"):
        assert told in before
    assert opened.word() == ""
    assert [opened.part(name).input_value() for name in ("quality", "spectype", "z", "note")] == ["", "", "", ""]
    opened.press("1")  # eve agrees
    opened.show("c")
    opened.press("2")  # eve does not
    log = opened.export(tmp_path / "labels.jsonl")
    mine = {one.id: one for one in log.history() if one.author == "eve"}
    assert {id: one.label for id, one in mine.items()} == {TARGET: "interesting", "c": "artefact"}
    assert all(one.note == "" and one.inspection is None for one in mine.values())
    assert {one.label for one in log.standing("c")} == {"known", "artefact"}
    assert [one.inspection for one in log.history() if one.author == "bob"] == [BOB, BOB]
    opened.filter('"known" in mark_others')
    assert [row[0] for row in opened.rows()] == ["c"]
    opened.filter("mark == 'known'")
    assert opened.rows() == []


def test_two_at_one_browser_have_words_and_an_agreement(opened: Page, ten: Path, tmp_path: Path) -> None:
    ada = ["interesting", "artefact", "known", "interesting", "artefact", "interesting", "known", "artefact"]
    bob = ["interesting", "artefact", "artefact", "interesting", "known", "interesting", "known", "interesting"]
    opened.open(ten)
    ids = [row[0] for row in opened.rows()[:8]]
    for who, words in (("ada", ada), ("bob", bob)):
        opened.name(who)
        assert opened.page.text_content("#notes-count") == "nothing reviewed yet"
        for id, word in zip(ids, words, strict=True):
            opened.show(id)
            assert opened.word() == ""
            opened.press(WORD_KEYS[word])
            assert opened.word() == word
        assert "8 objects reviewed" in str(opened.page.text_content("#notes-count"))
    opened.name("ada")
    opened.show(ids[4])
    assert opened.word() == "artefact"
    found = agreement(opened.export(tmp_path / "labels.jsonl"))
    assert found.authors == ("ada", "bob")
    assert found.pairs["n"].tolist() == [8]
    assert found.pairs["kappa"].tolist() == pytest.approx([cohen_kappa(ada, bob)])
    assert found.pairs["same"].tolist() == [5]
    assert set(found.disagreements["id"]) == {ids[2], ids[4], ids[7]}


def test_a_note_that_is_being_written_stays_with_who_writes_it(opened: Page, ten: Path, tmp_path: Path) -> None:
    opened.open(ten).name("ada")
    opened.part("note").fill("two peaks")
    opened.page.fill("#author", "bob")
    opened.leave()
    assert opened.part("note").input_value() == ""
    opened.press("3")
    said = {one.author: (one.label, one.note) for one in opened.export(tmp_path / "labels.jsonl").history()}
    assert said == {"ada": ("noted", "two peaks"), "bob": ("known", "")}


def test_an_inspection_goes_whole_into_a_log_and_its_table(opened: Page, small: Path, tmp_path: Path) -> None:
    page = opened.open(small, f"#{TARGET}").page
    opened.name("vera")
    opened.press("1", "q")
    assert page.evaluate("document.activeElement.dataset.part") == "quality"
    page.select_option("#card [data-part=quality]", "3")
    opened.leave()
    opened.press("c")
    assert page.evaluate("document.activeElement.dataset.part") == "spectype"
    page.select_option("#card [data-part=spectype]", "QSO")
    opened.leave()
    opened.press("S", "R", "C", "C", "z")
    page.keyboard.type("2.1")
    page.keyboard.press("Enter")
    opened.press("n")
    page.keyboard.type("broad C IV")
    page.keyboard.press("Enter")
    log = LabelLog(tmp_path / "run.jsonl")
    assert log.merge(opened.export(tmp_path / "labels.jsonl").history()) > 0
    said = log.current()[TARGET]
    assert said.label == "interesting"
    assert said.inspection == Inspection(3, ("R", "S"), "QSO", 2.1, "broad C IV")
    table = pd.read_csv(write_inspections([said], tmp_path / "vi.csv"), dtype=str)
    assert table.loc[0, ["TARGETID", "VI_scanner", "VI_quality", "VI_issue", "VI_z", "VI_spectype", "VI_comment"]
                     ].tolist() == [TARGET, "vera", "3", "RS", "2.1", "QSO", "broad C IV"]
    page.reload()
    page.wait_for_selector("html[data-ready=true]", state="attached")
    assert [opened.part(name).input_value() for name in ("quality", "spectype", "z", "note")] == [
        "3", "QSO", "2.1", "broad C IV"]
    pressed = page.locator("#card [data-issue][aria-pressed=true]")
    assert pressed.evaluate_all("all => all.map(one => one.dataset.issue)") == ["R", "S"]
    opened.press("1", "R", "S")
    for name in ("quality", "spectype"):
        page.select_option(f"#card [data-part={name}]", "")
    for name in ("z", "note"):
        opened.part(name).fill("")
        opened.leave()
    last = opened.export(tmp_path / "again.jsonl").history()[-1]
    assert (last.label, last.note, dict(last.more)) == ("", "", {})


def test_only_redshifts_are_kept(opened: Page, ten: Path, tmp_path: Path) -> None:
    opened.open(ten).name("ada")
    for written, kept in {"0": 0.0, "-0.001": -0.001, "\N{MINUS SIGN}.5": -0.5, "1e-3": 0.001, "-1": None, "high": None,
                          "0x2": None, "1e999": None}.items():
        assert opened.part("z").input_value() == ""
        assert opened.part("z").get_attribute("aria-invalid") is None
        id = opened.id
        opened.press("1")
        opened.part("z").fill(written)
        opened.leave()
        assert opened.part("z").get_attribute("aria-invalid") == ("true" if kept is None else None)
        assert ("above" in str(opened.part("told").text_content())) == (kept is None)
        seen = opened.export(tmp_path / "labels.jsonl").current()[id].inspection
        assert (None if seen is None else seen.z) == kept
        opened.press("j")


def test_nameless_notes_stay_so_until_somebody_puts_a_name_to_them(opened: Page, ten: Path, tmp_path: Path) -> None:
    page = opened.open(ten).page
    assert page.is_hidden("#adopt")
    opened.press("1")
    assert "without a name" in str(opened.part("told").text_content())
    opened.name("ada")
    assert opened.word() == ""
    assert page.text_content("#adopt") == "1 note has no name: it is mine"
    page.click("#adopt")
    assert opened.word() == "interesting"
    assert page.is_hidden("#adopt")
    log = opened.export(tmp_path / "labels.jsonl")
    assert [(one.author, one.label) for one in log.current().values()] == [("ada", "interesting")]


def test_what_the_run_knows_already_is_mine_where_i_said_it(opened: Page, tmp_path: Path) -> None:
    log = LabelLog(tmp_path / "run.jsonl")
    log.add("a", "artefact", author="ada", note="sky", inspection=Inspection(quality=1))
    log.add("b", "known", author="bob")
    page = write_explorer(tmp_path / "page", catalogue(["a", "b"]), data=ExplorerData(labels=log.history()))
    opened.open(page, "#a")
    assert opened.word() == ""
    opened.name("ada")
    assert (opened.word(), opened.part("quality").input_value(), opened.part("note").input_value()) == (
        "artefact", "1", "sky")
    assert opened.page.is_disabled("#export")
    opened.press("1")
    mine = opened.export(tmp_path / "labels.jsonl")
    assert [(one.label, one.note) for one in mine.history()] == [("interesting", "sky")]
    assert log.merge(mine.history()) == 1
    assert log.current()["a"].label == "interesting"


def test_an_old_file_of_mine_overrules_nothing_and_the_export_is_in_the_order_of_time(
        opened: Page, ten: Path, tmp_path: Path) -> None:
    page = opened.open(ten, "#o3").page
    opened.name("Ada L./x")
    opened.press("1")
    old = tmp_path / "old.jsonl"
    old.write_text("".join(json.dumps({"id": "o3", "label": word, "author": "Ada L./x", "time": time}) + "\n"
                           for word, time in (("artefact", "2020-01-01T00:00:00+00:00"), ("known", ""))))
    assert "2 new lines" in opened.take(old)
    assert opened.word() == "interesting"
    with page.expect_download() as download:
        page.click("#export")
    download.value.save_as(tmp_path / "new.jsonl")
    log = LabelLog(tmp_path / "new.jsonl")
    assert [one.label for one in log.history()] == ["known", "artefact", "interesting"]
    assert log.current()["o3"].label == opened.word()
    assert download.value.suggested_filename == "labels-Ada-L-x.jsonl"
    assert "specanom label RUN labels-Ada-L-x.jsonl" in str(page.text_content("#told"))
    assert "specanom label" in str(page.get_attribute("#export", "title"))


def test_a_note_without_a_time_takes_no_word_away(opened: Page, tmp_path: Path) -> None:
    """As files of visual inspections hold them, whichever way they come: in the labels of the run, or in a file."""
    said = [Label("a", "artefact", author="ada"), Label("a", NOTED, "sky", author="ada"),
            Label("b", "known", author="ada", time="2026-01-01T00:00:00+00:00"), Label("b", NOTED, "x", author="ada")]
    page = write_explorer(tmp_path / "run", catalogue(["a", "b"]), data=ExplorerData(labels=said))
    bare = write_explorer(tmp_path / "bare", catalogue(["a", "b"]))
    log = LabelLog(tmp_path / "said.jsonl")
    log.merge(said)
    stands = {one.id: one.label for one in standing(log).values()}
    assert stands == {"a": "artefact", "b": "known"}
    log.path.write_bytes(b"".join(line_of(one) for one in said))
    for place in (page, bare):
        opened.open(place).name("ada")
        if place == bare:
            opened.take(log.path)
        for id, word in stands.items():
            opened.show(id)
            assert opened.word() == word


def test_two_tabs_keep_what_both_say(opened: Page, ten: Path) -> None:
    opened.open(ten).name("ada")
    other = Page(opened.page.context.new_page()).open(ten)
    ids = [row[0] for row in opened.rows()[:2]]
    opened.press("1")
    other.show(ids[1])
    other.press("2")
    opened.page.wait_for_function("() => document.getElementById('notes-count').textContent.startsWith('2')")
    opened.press("3")
    opened.page.reload()
    opened.page.wait_for_selector("html[data-ready=true]", state="attached")
    kept = [json.loads(line) for line in opened.page.evaluate("specanomExplorer.notes.lines()")]
    assert [(one["id"], one["label"]) for one in kept] == [
        (ids[0], "interesting"), (ids[1], "artefact"), (ids[0], "known")]


def test_notes_outlive_a_new_order_of_the_same_objects(opened: Page, tmp_path: Path) -> None:
    table = catalogue([f"o{k}" for k in range(6)])
    opened.open(write_explorer(tmp_path / "page", table)).name("ada")
    opened.show("o3")
    opened.press("2")
    opened.open(write_explorer(tmp_path / "page", table[::-1].assign(score=range(6))), "#o3")
    assert opened.word() == "artefact"


def test_inspections_that_cannot_be_read_do_no_harm(opened: Page, ten: Path, tmp_path: Path) -> None:
    odd: dict[str, Any] = {"o1": [1], "o2": {"z": "2", "issues": 3, "comment": 1},
                           "o3": {"quality": 2.5, "issues": ["R", "X"], "odd": {}}}
    lines = [json.dumps({"id": id, "label": "known", "author": "ada", "time": "x", "inspection": one}) + "\n"
             for id, one in odd.items()]
    (tmp_path / "odd.jsonl").write_text("".join(lines))
    opened.open(ten).name("ada")
    assert "3 new lines" in opened.take(tmp_path / "odd.jsonl")
    for id in odd:
        opened.show(id)
        assert opened.word() == "known"
        assert opened.part("quality").input_value() == ("2.5" if id == "o3" else "")
        opened.part("note").fill("mine")
        opened.leave()
    said = opened.export(tmp_path / "labels.jsonl").current()
    assert {(one.label, one.note) for one in said.values()} == {("known", "mine")}
    assert [said[id].inspection for id in odd] == [None, None, Inspection(2.5, "R", comment="mine")]


def two_kinds() -> pd.DataFrame:
    """Thirty objects of two kinds in latents and artefact probability; the oddest ten are of the first."""
    rng = np.random.default_rng(5)
    kind = np.repeat([0, 1], [10, 20])
    table = pd.DataFrame({"id": [f"{TARGET[:-2]}{k:02d}" for k in range(30)], "z": rng.uniform(0.01, 0.3, 30),
                          "chi2_ivar_cal": np.linspace(40, 1, 30)})
    for k in range(3):
        table[f"latent_{k}"] = 6.0 * kind + rng.normal(0, 0.3, 30)
    return table


def test_words_go_to_a_file_and_rank_the_objects_anew(opened: Page, tmp_path: Path) -> None:
    table, folder = two_kinds(), tmp_path / "explorer"
    before = table["id"].tolist()
    opened.open(write_explorer(folder, table.assign(rank=np.arange(1, 31)), title="Odd")).name("ada")
    assert [row[0] for row in opened.rows()[:3]] == before[:3]
    for _ in range(3):  # the first kind is of no interest, the second is
        opened.press("2", "j")
    opened.show(before[10])
    opened.press("1")
    log = LabelLog(tmp_path / "labels.jsonl")
    assert log.merge(opened.export(tmp_path / "exported.jsonl").history()) == 4

    work = reranked(table, log.path, listing=Listing("chi2_ivar_cal"))
    assert (work.learned["verdicts"], work.learned["words"]) == (4, {"artefact": 3, "interesting": 1})
    assert not set(work.ids) & set(log.current())
    assert list(work.ids[:3]) == before[11:14]  # of the kind that is, though ten were odder
    every = reranked(table, log.path, listing=Listing("chi2_ivar_cal", relist=True)).table
    after = every.sort_values("rank")["id"].tolist()
    assert after[:4] == before[10:14]
    assert sorted(after) == sorted(before)
    position = {id: place for place, id in enumerate(after)}
    assert min(position[id] for id in before[:3]) >= 10

    ranked = table.merge(every[["id", "rank", "rank_before"]], on="id", validate="one_to_one")
    made = Catalogue.of(Parts(objects=ranked, labels=log.to_frame()))
    opened.open(write_explorer(folder, made.table, data=ExplorerData(labels=log.history()), title="Odd, ranked anew"))
    assert [row[0] for row in opened.rows()[:10]] == after[:10]
    assert opened.id == after[0]
    assert opened.word() == "interesting"
    assert opened.rows()[0].count("interesting") == 2  # said here, and by the catalogue
    assert "ada" in str(opened.part("labels").text_content())
    assert "rank" in str(opened.part("facts").text_content())
    opened.press("j")
    assert opened.id == after[1]
    assert opened.word() == ""
    opened.press("3")  # the next round
    assert log.merge(opened.export(tmp_path / "again.jsonl").history()) == 1
