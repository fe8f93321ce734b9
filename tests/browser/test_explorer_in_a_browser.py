"""The explorer in headless Chromium, opened as a file without a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.coordinates import SkyCoord
from specanom.widgets.base.expressions import matching

from specanom.errors import ArgumentError
from specanom.explorer import ExplorerData, write_explorer
from specanom.plots.output import pointed_colours
from specanom.spectrumset import SpectrumSet
from tests.browser.explorers import Page, small_explorer
from tests.explorer.made import HOSTILE, TARGET, catalogue

pytestmark = pytest.mark.browser
MANY = 2000


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_explorer(tmp_path_factory.mktemp("explorer") / "page")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_explorer(tmp_path_factory.mktemp("explorer") / "many", catalogue([f"o{k:04d}" for k in range(MANY)]))


def test_it_opens_with_the_oddest_object_and_all_its_parts(opened: Page, small: Path) -> None:
    page = opened.open(small).page
    assert opened.id == TARGET
    assert [row[0] for row in opened.rows()] == [TARGET, HOSTILE, "c", "__proto__", "without"]
    pixels = opened.source("card", "pixels")
    assert len(pixels["x"]) == 600
    assert all(one is None for one in pixels["y"][100:110])
    assert pixels["residual"][0] == pytest.approx(pixels["y"][0] - pixels["reconstruction"][0], abs=1e-5)
    assert "Hα" in opened.source("card", "lines")["label"]
    assert len(opened.source("card", "weights")["weight"]) == 12
    assert page.locator("#card [data-part=kin] li").count() == 2
    assert "not checked" in page.text_content("#card [data-part=matches]")
    assert "ada" in page.text_content("#card [data-part=labels]")
    links = page.locator("#card [data-part=links] a")
    assert links.evaluate_all("all => all.every(a => a.rel === 'noopener noreferrer' && a.href.startsWith('https:'))")
    assert f"targetid{TARGET}" in links.first.get_attribute("href")


def test_hostile_texts_stay_texts(opened: Page, small: Path) -> None:
    page = opened.open(small).page
    assert page.text_content("h1") == HOSTILE
    opened.filter("img")
    page.click(".specanom-table-row >> nth=0")
    assert opened.id == HOSTILE
    page.hover("#card .figure")
    assert page.locator("#card img, #table img").count() == 0


def test_rows_are_filtered_sorted_and_clicked(opened: Page, small: Path) -> None:
    page = opened.open(small).page
    assert opened.filter("score > 1 and score < 4.5") == ""
    assert [row[0] for row in opened.rows()] == [HOSTILE, "c", "__proto__"]
    page.click("#table [data-name=score]")
    assert [row[0] for row in opened.rows()] == ["__proto__", "c", HOSTILE]
    page.click(".specanom-table-row:has-text('__proto__')")
    assert opened.id == "__proto__"
    assert "Expected" in opened.filter("score >").capitalize()
    assert [row[0] for row in opened.rows()] == ["__proto__", "c", HOSTILE]
    assert opened.filter("brightness > 2") != ""
    assert opened.filter("WITH") == ""
    assert [row[0] for row in opened.rows()] == ["without"]
    page.keyboard.press("ArrowDown")
    assert opened.id == "without"
    assert "No spectrum" in page.text_content("#card [data-part=missing]")
    assert opened.rows()[0][2] == "–"


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"


EXPRESSIONS = [
    "z > 0.1 and snr < 20", "0.1 < z < 0.2", "z == 0.25 or not flag", "kind == 'agn'", '"AG" in kind', "kind != 'qso'",
    "kind in ('agn', \"qso\")", "kind not in ['agn']", "z + snr / 2 > 4", "-z ** 2 < -0.02", "2 ** -1 == 0.5",
    "(z > 0.1) & (snr < 20)", "(z > 0.1) | flag", "snr % 7 > 3", "-snr % 7 > 3", "snr != snr", "flag == True",
    "flag or z > 9", "not flag and z > 0", "Z > 0.1", "`odd name` >= 2", "z in (0.1, 0.25)", "1e1 < snr", "z > .1",
    "kind > 'b'",
    "z > 0.1 and", "z >", "z", "kind > 3", "z & flag", "foo > 1", "z.real > 1", "abs(z) > 1", "z[0] > 1", "z is 1",
    "kind + 1 > 2", "z in kind", "'a' in 'abc'", "z = 1 < 2", "(z > 0.1", "kind in 3", "lambda: 1 < 2", "z > None",
    "z > 1 if flag else z < 1", "[z] > 1", "not z", "__class__ > 1", "z // 2 > 1", "z > 0.1 > ",
    "kind == \"a'b\"", "z > 1_0", "((z > 0.1)) and (((snr)) < 20)", "not not flag", "z > 0.1 == flag",
]


def test_the_grammar_is_that_of_the_tables_in_notebooks(opened: Page, tmp_path: Path) -> None:
    table = catalogue([f"o{k}" for k in range(40)])[["id", "z", "snr"]].round(2)
    table.loc[3, "snr"] = np.nan
    table["kind"] = ["agn", "qso", "", "Star", "a'b"] * 8
    table["flag"] = table["z"] > 0.15
    table["odd name"] = np.arange(40) % 5
    columns = {name: table[name].to_numpy() for name in table}
    opened.open(write_explorer(tmp_path / "page", table))
    found = opened.page.evaluate("""texts => texts.map(text => {
        const { rows } = specanomExplorer
        const { rows: kept, error } = rows.arrange(['', ''], text, [])
        return error ? null : [...kept] })""", EXPRESSIONS)
    for text, mine in zip(EXPRESSIONS, found, strict=True):
        try:
            theirs = np.flatnonzero(matching(text, columns)).tolist()
        except ArgumentError:
            theirs = None
        assert mine == theirs or (theirs is None and mine == []), text


def test_a_click_on_a_map_shows_the_object_and_a_brush_filters(opened: Page, small: Path) -> None:
    page = opened.open(small).page
    assert len(opened.source("sky", "points")["x"]) == 4
    assert "1 without a position" in page.text_content("#sky-note")
    opened.click_point("sky", 2)
    assert opened.id == "c"
    assert page.evaluate("decodeURIComponent(location.hash)") == "#c"
    assert opened.source("sky", "here")["x"] == [opened.source("sky", "points")["x"][i] for i, row in
                                                 enumerate(opened.source("sky", "points")["row"]) if row == 2]
    opened.click_point("map", 1)
    assert opened.id == HOSTILE
    page.evaluate("specanomExplorer.maps.figures[1].source().selected.indices = [0, 1, 2]")
    assert len(opened.rows()) == 3
    page.click("#brushed")
    assert len(opened.rows()) == 5
    page.click("#zoom-sky")
    assert opened.id == HOSTILE


def test_frames_turn_and_a_link_opens_its_object(opened: Page, small: Path) -> None:
    page = opened.open(small, "#c").page
    assert opened.id == "c"
    rest = opened.source("card", "pixels")["x"]
    page.keyboard.press("o")
    seen = opened.source("card", "pixels")
    z = page.evaluate("specanomExplorer.card.shown.z")
    assert seen["x"][0] == pytest.approx(rest[0] * (1 + z))
    assert seen["rest"] == rest
    assert "Observed" in page.text_content("#card [data-part=frame]")
    page.evaluate("location.hash = '#nothing%20here'")
    page.wait_for_selector("#lost:not([hidden])")
    assert "nothing here" in page.text_content("#lost")
    page.evaluate(f"location.hash = '#{TARGET}'")
    page.wait_for_function(f"() => document.getElementById('card').dataset.shown === '{TARGET}'")


def test_observed_spectra_without_redshift_noise_or_model_are_drawn(opened: Page, tmp_path: Path) -> None:
    wave = np.linspace(3600.0, 9800.0, 300)
    table = pd.DataFrame({"id": ["a", "b"], "z": [np.nan, 0.5]})
    sample = SpectrumSet(wave, np.ones((2, 300)) * [[2.0], [np.nan]], table=table, frame="observed", scale="flux")
    opened.open(write_explorer(tmp_path / "page", table, data=ExplorerData(sample)))
    assert opened.id == "a"
    pixels = opened.source("card", "pixels")
    assert pixels["x"] == pytest.approx(wave)
    assert pixels["y"] == pytest.approx(np.full(300, 2.0), rel=1e-4)
    assert pixels["rest"] == [None] * 300
    assert opened.source("card", "lines")["x"] == []
    assert len(opened.source("card", "sky")["x0"]) > 3
    assert opened.page.is_disabled("#card [data-part=frame]")
    opened.page.keyboard.press("j")
    assert opened.id == "b"
    assert opened.source("card", "pixels")["y"] == [None] * 300
    assert "Mg II" in opened.source("card", "lines")["label"]
    assert opened.page.get_attribute("#card [data-part=explanation]", "hidden") is not None


def legend(opened: Page) -> list[str]:
    found: list[str] = opened.page.evaluate("""() => specanomExplorer.card.figure.model('legend').items
        .map(one => one.label.value)""")
    return found


def test_the_legend_names_what_is_there(opened: Page, small: Path, tmp_path: Path) -> None:
    opened.open(small)
    assert opened.id == TARGET
    assert legend(opened) == ["flux", "reconstruction", "masked", "sky"]
    opened.page.keyboard.press("j")
    assert opened.id == HOSTILE
    assert "masked" in legend(opened)
    wave = np.linspace(4000.0, 5000.0, 50)
    sample = SpectrumSet(wave, np.ones((1, 50)), np.ones((1, 50)), pd.DataFrame({"id": ["a"], "z": [0.0]}))
    opened.open(write_explorer(tmp_path / "page", pd.DataFrame({"id": ["a"]}), data=ExplorerData(sample)))
    assert opened.id == "a"
    assert legend(opened) == ["flux", "\N{PLUS-MINUS SIGN}1\N{GREEK SMALL LETTER SIGMA} noise"]


def test_facts_have_errors_ranks_reasons_and_places_as_catalogues_print_them(opened: Page, tmp_path: Path) -> None:
    ra, dec = [223.856543, 359.9999999, 0.0, 83.633212], [2.291934, -0.0000001, -89.99999999, 22.0144]
    table = pd.DataFrame({"id": list("abcd"), "ra": ra, "dec": dec, "z": [0.0985612, 0.1, np.nan, 1e-4],
                          "z_err": [2.4e-5, np.nan, 0.1, 3e-3], "zwarning": [0, 4, 0, 0],
                          "tier": ["", "silver", "", ""], "tier_reason": ["an artefact", "chi2 below 50", "", ""],
                          "subclass": ["", "AGN", "", ""], "kin_far": pd.array([None, 1, 0, 0], dtype="Int64"), "mse_rank": [4, 3, 2, 1],
                          "chi2_ivar_rank": [1, 2, 3, 4]})
    opened.open(write_explorer(tmp_path / "page", table), "#a")
    told = []
    for id in table["id"]:
        opened.show(id)
        told.append(opened.page.evaluate("""() => Object.fromEntries([...document.querySelectorAll('#card .facts div')]
            .map(one => [one.querySelector('dt').textContent, [one.querySelector('dd').textContent, one.title]]))"""))
    facts = [{name: value for name, (value, _) in one.items()} for one in told]
    assert [one["z"] for one in facts] == ["0.098561 \N{PLUS-MINUS SIGN} 0.000024", "0.1000", "–",
                                           "0.0001 \N{PLUS-MINUS SIGN} 0.0030"]
    assert [one["tier"] for one in facts] == ["– (no higher: an artefact)", "silver (no higher: chi2 below 50)",
                                              "–", "–"]
    assert [one.get("zwarning") for one in facts] == [None, "4", None, None]
    assert [one.get("subclass") for one in facts] == [None, "AGN", None, None]
    assert [one.get("kin") for one in facts] == [None, "far from everything known", None, None]
    assert [one["rank by chi2_ivar"] for one in facts] == ["1", "2", "3", "4"]
    assert told[0]["rank by chi2_ivar"][1].startswith("Rank by score chi2_ivar")
    places = SkyCoord(ra, dec, unit="deg")
    for one, place in zip(told, places, strict=True):
        hours = place.ra.to_string("hour", sep=":", precision=2, pad=True).replace("24:00:00.00", "00:00:00.00")
        degrees = place.dec.to_string("deg", sep=":", precision=1, pad=True, alwayssign=True)
        assert one["ra, dec"][1].endswith(f"{hours} {degrees}".replace("-", "\N{MINUS SIGN}"))


def test_kin_are_drawn_and_clicked_through(opened: Page, small: Path) -> None:
    page = opened.open(small).page
    page.wait_for_function("""() => { const c = document.querySelector('.kin canvas')
        return c && c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0) }""")
    page.click(".kin >> nth=1")
    assert opened.id == "c"


def test_two_thousand_rows_scroll_without_blanks(opened: Page, large: Path) -> None:
    page = opened.open(large).page
    assert "2,000 objects" in page.text_content("header")
    blanks = page.evaluate("""async () => {
        const box = document.querySelector('#table .specanom-table-scroll'); let blank = 0
        for (let k = 0; k <= 60; k++) {
          box.scrollTop = k / 60 * box.scrollHeight
          await new Promise(done => requestAnimationFrame(done))
          const edge = box.getBoundingClientRect()
          for (let y = edge.top + 45; y < edge.bottom - 20; y += 28) {
            const row = document.elementFromPoint(edge.left + 20, y)?.closest('[role=row]')
            if (!row || !row.firstElementChild.textContent) blank += 1
          }
        }
        return blank }""")
    assert blanks == 0
    assert opened.rows()[-1][0] != ""
    scores = [float(row[2]) for row in opened.rows()]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(("width", "theme"), [(420, "light"), (1280, "dark"), (1920, "light")])
def test_every_width_and_theme_is_drawn_and_named(opened: Page, small: Path, width: int, theme: str) -> None:
    page = opened.page
    page.set_viewport_size({"width": width, "height": 900})
    opened.open(small)
    assert opened.id == TARGET
    if theme == "dark":
        page.keyboard.press("t")
        page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
        page.wait_for_timeout(300)
        assert opened.source("card", "pixels")["x"]
        edge = page.locator("#card [data-part=figure]").bounding_box()
        page.mouse.move(edge["x"] + 300, edge["y"] + 200)
        page.mouse.move(edge["x"] + 305, edge["y"] + 205, steps=4)
        told = page.locator(".bk-Tooltip >> .bk-tooltip-row-label").first
        told.wait_for(timeout=5000)
        colours = pointed_colours(theme)
        assert told.evaluate("one => getComputedStyle(one).color") == rgb(colours["names"])
        box = page.locator(".bk-Tooltip").first
        assert box.evaluate("one => getComputedStyle(one).backgroundColor") == rgb(colours["paper"])
        page.mouse.move(5, 5)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    unnamed = page.evaluate("""() => [...document.querySelectorAll('button, input, select, a')].filter(one =>
        !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length)).map(one => one.outerHTML)""")
    assert unnamed == []
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    page.click("#open-glossary")
    assert "Redshift by the pipeline" in page.text_content("#glossary-columns")
