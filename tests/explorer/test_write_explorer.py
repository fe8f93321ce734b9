"""The folder of an explorer: what is in it, that data stay text, and that it appears whole or not at all."""

from __future__ import annotations

import base64
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from specanom.errors import ArgumentError, DataError, ShapeError
from specanom.explorer import ExplorerData, write_explorer
from specanom.explorer import writing as writing_module
from specanom.explorer.tabular import REVIEW
from specanom.triage import NOTED, Inspection, Label, LabelLog
from specanom.triage.catalogue.columns import Column
from tests.explorer.made import HOSTILE, TARGET, cards, catalogue, content, everything, spectra

IDS = [TARGET, HOSTILE, "c", "__proto__", "without"]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_explorer(tmp_path_factory.mktemp("explorer") / "page", catalogue(IDS), data=everything(IDS),
                          title=HOSTILE)


def column(page: Path, name: str) -> Any:
    """One column as the page has it: numbers, or texts."""
    sent = next(one["sent"] for one in content(page)["table"]["columns"] if one["name"] == name)
    if sent["kind"] == "text":
        blob, offsets = base64.b64decode(sent["blob"]), np.frombuffer(base64.b64decode(sent["offsets"]), "<i4")
        texts = [blob[a:b].decode() for a, b in pairwise(offsets.tolist())]
        return [texts[k] for k in np.frombuffer(base64.b64decode(sent["codes"]), "<i4")] if "codes" in sent else texts
    return np.frombuffer(base64.b64decode(sent["data"]), sent["type"])


def test_the_folder_holds_all_the_page_needs(page: Path) -> None:
    names = {path.relative_to(page.parent).as_posix() for path in page.parent.rglob("*") if path.is_file()}
    assert names == {"index.html", "explorer.js", "explorer.css", "bokeh.js", "manifest.json", "data/catalogue.js",
                     "data/figures.js", "data/cards-0.js"}
    text = page.read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="([^"]*)"', text) == ["explorer.css", "data/catalogue.js", "data/figures.js",
                                                          "explorer.js"]
    assert "default-src &#39;none&#39;" in text
    assert not re.search(r"<script(?! defer src)|<[^>]*\son\w+=", text)


def test_scripts_are_classic_and_never_write_html(page: Path) -> None:
    script = (page.parent / "explorer.js").read_text(encoding="utf-8")
    assert not re.search(r"^\s*(import|export)\b", script, re.M)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|Function\(|fetch\(", script)
    style = (page.parent / "explorer.css").read_text(encoding="utf-8")
    assert "@import" not in style
    assert "url(" not in style


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read_on_its_paper(page: Path, theme: str) -> None:
    style = (page.parent / "explorer.css").read_text(encoding="utf-8")
    block = re.search(rf"^:root\[data-theme={theme}\] {{(.*)}}$", style, re.M)
    assert block is not None
    known = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block[1]))
    for paper in ("paper", "raised", "ground"):
        for ink in ("ink", "muted", "accent", "wrong"):
            assert contrast(known[ink], known[paper]) >= 4.5, (ink, paper)
        assert contrast(known["field"], known[paper]) >= 3.0
    assert contrast(known["on-accent"], known["accent"]) >= 4.5


def contrast(first: str, second: str) -> float:
    """WCAG 2.2, contrast ratio."""
    def luminance(colour: str) -> float:
        parts = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted([luminance(first), luminance(second)])
    return (high + 0.05) / (low + 0.05)


def test_titles_are_escaped_and_ids_keep_every_digit(page: Path) -> None:
    assert "<img" not in page.read_text(encoding="utf-8")
    assert column(page, "id") == IDS
    assert content(page)["cards"]["ids"] == IDS
    assert set(cards(page)) == set(IDS)


def test_an_object_without_a_spectrum_is_counted_and_has_a_card(page: Path) -> None:
    assert "spectrum" not in cards(page)["without"]
    manifest = json.loads((page.parent / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["objects"], manifest["without_spectrum"]) == (5, 1)
    assert "1 without a spectrum" in page.read_text(encoding="utf-8")


def test_a_card_tells_kin_in_order_matches_labels_and_viewers(page: Path) -> None:
    card = cards(page)[TARGET]
    assert [one["id"] for one in card["kin"]] == [HOSTILE, "c"]
    assert card["kin"][0] == {"id": HOSTILE, "label": HOSTILE, "distance": 0.1, "weight": 0.6}
    assert card["matches"][1] == {"service": "Gaia", "status": "not_checked", "separation": None}
    assert card["labels"][0]["author"] == "ada"
    assert any(one["url"].endswith(f"targetid{TARGET}") for one in card["links"])
    assert all(one["url"].startswith("https://") for one in card["links"])
    other = cards(page)["c"]
    assert "kin" not in other
    assert "explanation" not in other


def test_an_explanation_keeps_its_weights_and_covers_the_spectrum(page: Path) -> None:
    e = everything(IDS).explanations
    assert e is not None
    held = cards(page)[TARGET]["explanation"]
    assert held["weights"] == pytest.approx(list(e[0].weights), rel=1e-4)
    assert held["left"][1:] == held["right"][:-1]
    assert held["segment"] == list(range(12))
    assert (held["grade"], held["names"]) == (e[0].grade, list(e[0].names))


def test_positions_that_are_none_are_counted_and_not_on_the_sky(tmp_path: Path) -> None:
    table = catalogue([f"o{k}" for k in range(6)])
    table.loc[0, "ra"], table.loc[1, "dec"], table.loc[2, "dec"] = np.nan, np.inf, 91.0
    held = content(write_explorer(tmp_path / "page", table))
    x = np.frombuffer(base64.b64decode(held["places"]["sky"][0]), "<f8")
    assert held["places"]["lost"] == 3
    assert list(np.isfinite(x)) == [False, False, False, True, True, True]


def test_only_ids_are_needed(tmp_path: Path) -> None:
    held = content(write_explorer(tmp_path / "page", pd.DataFrame({"id": [1, 39633345008634465]})))
    assert column(tmp_path / "page" / "index.html", "id") == ["1", TARGET]
    assert held["places"] == {"sky": None, "lost": 2, "map": None, "axes": ["", ""]}
    assert held["wave"] is None


def test_long_integers_go_as_text_and_missing_integers_as_nothing(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": ["a", "b"], "targetid": [int(TARGET), 5], "plate": [-1, 266],
                          "specobj": pd.array([int(TARGET), None], dtype="Int64")})
    page = write_explorer(tmp_path / "page", table)
    assert column(page, "targetid") == [TARGET, "5"]
    assert column(page, "specobj") == [TARGET, ""]
    assert np.isnan(column(page, "plate")[0])
    assert column(page, "plate")[1] == 266


def test_numbers_are_filtered_as_they_are(tmp_path: Path) -> None:
    page = write_explorer(tmp_path / "page", pd.DataFrame({"id": ["a"], "z": [0.1]}))
    assert column(page, "z")[0] == 0.1


@pytest.mark.parametrize(("columns", "sort"), [
    ({"score": [1.0, 2.0]}, ["score", "descending"]), ({"percentile": [1.0, 2.0], "mse_rank": [1, 2]},
                                                       ["percentile", "descending"]),
    ({"mse_rank": [2, 1]}, ["mse_rank", "ascending"]), ({"name": ["x", "y"]}, []),
])
def test_the_oddest_come_first(tmp_path: Path, columns: dict[str, list[Any]], sort: list[str]) -> None:
    page = write_explorer(tmp_path / "page", pd.DataFrame({"id": ["a", "b"], **columns}))
    assert content(page)["table"]["sort"] == sort


def test_columns_never_hide_those_of_the_review(tmp_path: Path) -> None:
    page = write_explorer(tmp_path / "page", pd.DataFrame({"id": ["a"], "mark": ["old"], "mark_z": [0.5],
                                                               "note": ["of the survey"]}))
    assert column(page, "given_mark") == ["old"]
    assert column(page, "given_mark_z")[0] == 0.5
    script = (page.parent / "explorer.js").read_text(encoding="utf-8")
    assert all(f"  {name}: [" in script for name in REVIEW)
    assert column(page, "note") == ["of the survey"]


def test_columns_of_ones_own_are_told(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": ["a"], "w1": [12.0], "z": [0.1]})
    data = ExplorerData(columns=[Column("w1", "Magnitude in W1", "mag")])
    page = write_explorer(tmp_path / "page", table, data=data)
    told = {one["name"]: one for one in content(page)["table"]["columns"]}
    assert (told["w1"]["description"], told["w1"]["unit"]) == ("Magnitude in W1", "mag")
    assert told["z"]["description"] == "Redshift by the pipeline of the survey"


def test_kin_outside_the_catalogue_have_cards_where_their_spectra_came(tmp_path: Path) -> None:
    kin = pd.DataFrame({"query": ["a", "a"], "id": ["b", "far away"]})
    data = ExplorerData(spectra(["a", "b"]), kin=kin)
    page = write_explorer(tmp_path / "page", pd.DataFrame({"id": ["a"]}), data=data)
    assert content(page)["cards"]["ids"] == ["a", "b"]
    assert [one["id"] for one in cards(page)["a"]["kin"]] == ["b", "far away"]


def test_latents_of_ones_own_are_matched_by_id(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": ["a", "b", "c"]})
    latents = pd.DataFrame({"id": ["c", "a"], "umap 1": [3.0, 1.0], "umap 2": [0.3, 0.1]})
    held = content(write_explorer(tmp_path / "page", table, data=ExplorerData(latents=latents)))
    x = np.frombuffer(base64.b64decode(held["places"]["map"][0]), "<f8")
    assert x[[0, 2]].tolist() == [1.0, 3.0]
    assert np.isnan(x[1])
    assert held["places"]["axes"] == ["umap 1", "umap 2"]


def test_an_explorer_is_replaced_whole_and_nothing_else_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame({"id": ["a"]})
    page = write_explorer(tmp_path / "page", table, title="first")
    assert "second" in write_explorer(tmp_path / "page", table, title="second").read_text(encoding="utf-8")

    def broken(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(writing_module, "_write_page", broken)
    with pytest.raises(OSError, match="disk full"):
        write_explorer(tmp_path / "page", table, title="third")
    assert "second" in page.read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["page"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(DataError, match="holds something else"):
        write_explorer(tmp_path / "mine", table)


@pytest.mark.parametrize(("table", "said"), [
    (pd.DataFrame({"name": ["a"]}), "catalogue column"),
    (pd.DataFrame({"id": ["a", "a"]}), "more than once"),
    (pd.DataFrame({"id": [3.9633345008634465e16]}), "lose digits"),
    (pd.DataFrame({"id": ["a", None]}), "a missing one in row 1"),
    (pd.DataFrame({"id": pd.Series([], dtype=object)}), "at least one row"),
])
def test_catalogues_that_cannot_be_shown_are_refused(tmp_path: Path, table: pd.DataFrame, said: str) -> None:
    with pytest.raises((ArgumentError, DataError), match=said):
        write_explorer(tmp_path / "page", table)
    assert not list(tmp_path.iterdir())


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="reconstruction"):
        ExplorerData(spectra(["a", "b"]), np.ones((1, 600)))
    with pytest.raises(ArgumentError, match="spectra beside it"):
        ExplorerData(reconstruction=np.ones((1, 600)))
    with pytest.raises(ArgumentError, match="kin column"):
        ExplorerData(kin=pd.DataFrame({"id": ["a"]}))
    with pytest.raises(DataError, match="kin ids"):
        ExplorerData(kin=pd.DataFrame({"query": [1.5], "id": ["a"]}))
    with pytest.raises(ArgumentError, match="two more columns"):
        ExplorerData(latents=pd.DataFrame({"id": ["a"], "x": [1.0]}))


def test_what_is_shown_is_told() -> None:
    assert repr(ExplorerData(spectra(["a", "b"]))) == "ExplorerData: 2 spectra"
    assert repr(ExplorerData()) == "ExplorerData: nothing"


def test_the_page_is_told_what_stands_of_each_author(tmp_path: Path) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    log.add("a", "known", author="ada")
    log.add("a", "artefact", author="ada", inspection=Inspection(quality=3, z=0.1))
    log.add("a", "interesting", author="bob")
    log.add("b", "", author="bob")
    log.add("no object of this page", "known", author="bob")
    page = write_explorer(tmp_path / "page", pd.DataFrame({"id": ["a", "b"]}), data=ExplorerData(labels=log.history()))
    said = [(one["id"], one["author"], one["label"], one.get("inspection")) for one in content(page)["said"]]
    assert said == [("a", "ada", "artefact", {"quality": 3, "z": 0.1}), ("a", "bob", "interesting", None),
                    ("b", "bob", "", None)]
    assert len(cards(page)["a"]["labels"]) == 3


def test_the_latest_word_stands_wherever_its_line_is(tmp_path: Path) -> None:
    said = [Label("a", "interesting", author="ada", time="2026-11-23T10:00:00+00:00"),
            Label("a", "artefact", author="ada", time="2020-01-01T00:00:00+00:00"),
            Label("a", NOTED, "from a file without times", author="ada"),
            Label("b", "known", author="bob"), Label("b", NOTED, "no time either", author="bob")]
    page = write_explorer(tmp_path / "page", pd.DataFrame({"id": ["a", "b"]}), data=ExplorerData(labels=said))
    assert [(one["id"], one["label"]) for one in content(page)["said"]] == [("a", "interesting"), ("b", "known")]
    assert [one["label"] for one in cards(page)["a"]["labels"]] == [NOTED, "artefact", "interesting"]


def test_notes_are_kept_for_the_same_objects_in_any_order(tmp_path: Path) -> None:
    def key(place: str, ids: str) -> str:
        return str(content(write_explorer(tmp_path / place, pd.DataFrame({"id": list(ids)}), title=place))["key"])

    assert key("one", "abc") == key("two", "cba") != key("three", "ab")


def test_notes_are_kept_where_an_explorer_is_made_anew_with_half_of_its_objects(tmp_path: Path) -> None:
    def key(ids: str) -> str:
        return str(content(write_explorer(tmp_path / "page", pd.DataFrame({"id": list(ids)})))["key"])

    first = key("abcd")
    assert key("dcxy") == first
    assert key("efgh") != first
    (tmp_path / "page" / "data" / "catalogue.js").write_text("torn")
    assert key("abcd") == first
