"""Words of one's own, what is typed into the filter, and what a card says of kin, matches and earlier words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from specanom.explorer import write_explorer
from specanom.triage import Label
from tests.browser.explorers import IDS, Page, small_explorer
from tests.explorer.made import TARGET, catalogue, everything

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_explorer(tmp_path_factory.mktemp("explorer") / "page")


def test_a_word_of_ones_own_is_said_by_keyboard_and_taken_back(opened: Page, small: Path, tmp_path: Path) -> None:
    opened.open(small).name("vera")
    opened.press("w")
    assert opened.page.evaluate("document.activeElement.dataset.part") == "own"
    opened.page.keyboard.type("  gravitational   lens ")
    opened.press("Enter")
    assert opened.export(tmp_path / "a.jsonl").current()[TARGET].label == "gravitational lens"
    assert opened.filter("mark == 'gravitational lens'") == ""
    assert [row[0] for row in opened.rows()] == [TARGET]
    opened.filter("")
    opened.press("Escape")
    opened.leave()
    opened.press("j")
    assert opened.part("own").input_value() == ""
    assert "gravitational lens" in opened.page.locator("#own-words option").evaluate_all("all => all.map(o => o.value)")
    opened.press("k")
    assert opened.part("own").input_value() == "gravitational lens"
    opened.press("2")
    assert (opened.part("own").input_value(), opened.word()) == ("", "artefact")
    opened.part("own").fill("lens")
    opened.leave()
    assert opened.word() == ""
    opened.part("own").fill("")
    opened.leave()
    assert TARGET not in opened.export(tmp_path / "b.jsonl").current()


def test_capitals_make_no_other_word(opened: Page, small: Path) -> None:
    opened.open(small).name("vera")
    for word in ("lens", "LENS", "Artefact"):
        opened.part("own").fill(word)
        opened.leave()
        opened.press("j")
    said = opened.page.evaluate("ids => ids.map(id => specanomExplorer.notes.of(id).word)", IDS)
    assert said[:3] == ["lens", "lens", "artefact"]


def test_a_word_of_ones_own_is_said_of_all_rows_picked(opened: Page, small: Path) -> None:
    opened.open(small).name("ada")
    rows = opened.page.locator(".specanom-table-row:visible")
    rows.nth(0).click()
    rows.nth(2).click(modifiers=["Shift"])
    opened.part("own").fill("lens")
    opened.leave()
    said = opened.page.evaluate("ids => ids.map(id => specanomExplorer.notes.of(id).word)", IDS)
    assert sorted(said) == ["", "", "lens", "lens", "lens"]


def test_one_equals_sign_compares_and_a_whole_id_finds_its_row_alone(opened: Page, tmp_path: Path) -> None:
    table = catalogue([TARGET, "b", "c"])
    table["class"], table["kin"] = ["GALAXY", "QSO", "GALAXY"], ["b", TARGET, ""]
    opened.open(write_explorer(tmp_path / "page", table))
    assert opened.filter('class = "GALAXY"') == ""
    assert {row[0] for row in opened.rows()} == {TARGET, "c"}
    assert opened.filter('class = "GALAXY" and z >= 0') == ""
    assert len(opened.rows()) == 2
    opened.filter(f" {TARGET} ")
    assert [row[0] for row in opened.rows()] == [TARGET]
    opened.filter(TARGET[:-1])
    assert {row[0] for row in opened.rows()} == {TARGET, "b"}, "a piece of an id is looked for everywhere"


def test_an_unknown_column_of_a_filter_is_told_with_the_nearest(opened: Page, small: Path) -> None:
    told = opened.open(small).filter("latnt_0 > 1")
    assert "latent_0" in told


def test_the_nearest_of_what_is_far_from_all_are_not_called_kin(opened: Page, tmp_path: Path) -> None:
    table = catalogue(IDS).assign(kin_far=[True, False, False, False, False], vote="GALAXY")
    opened.open(write_explorer(tmp_path / "page", table, data=everything(IDS)), f"#{TARGET}")
    assert opened.id == TARGET
    assert "far from all" in opened.part("kin-told").text_content()
    assert opened.part("kin").get_attribute("data-far") == "true"
    assert "GALAXY" not in opened.part("facts").locator("div", has_text="vote").all_text_contents()
    opened.show("c")
    assert not opened.part("kin-told").is_visible()


def test_a_card_says_why_a_service_did_not_answer(opened: Page, tmp_path: Path) -> None:
    told = pd.DataFrame({"id": [TARGET], "service": ["SIMBAD"], "status": ["not_checked"],
                         "reason": ["offline: no connection"]})
    opened.open(write_explorer(tmp_path / "page", catalogue(IDS), data=replace(everything(IDS), matches=told)),
                f"#{TARGET}")
    assert opened.id == TARGET
    assert "not checked: offline: no connection" in opened.part("matches").text_content()


def test_only_what_stands_is_told_first_and_what_was_before_is_folded(opened: Page, tmp_path: Path) -> None:
    said = [Label(TARGET, "interesting", "", "bob", "", "2026-11-20T10:00:00+00:00"),
            Label(TARGET, "interesting", "a note", "bob", "", "2026-11-20T10:00:01+00:00"),
            Label(TARGET, "lens", "", "", "", "2026-11-20T10:00:02+00:00"),
            Label(TARGET, "", "", "", "", "2026-11-20T10:00:03+00:00")]
    opened.open(write_explorer(tmp_path / "page", catalogue(IDS), data=replace(everything(IDS), labels=said)),
                f"#{TARGET}")
    assert opened.id == TARGET
    assert opened.part("labels").locator("li").count() == 1
    assert "a note" in opened.part("labels").text_content()
    assert opened.part("history").locator("li").count() == 3
    assert not opened.part("history").is_visible()
    assert "3 earlier" in opened.part("history-count").text_content()
