"""RowTable in a page: rows at every scroll position, keyboard, sort, filter, picks, hostile texts, cleaning up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from specanom.widgets.base.table import RowTable

from specanom.plots.cells import parsed_format
from tests.browser.bare import Bare

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=alert(1)>"
ROWS = ".specanom-table-row:not([hidden])"
# What each row in sight shows, from the top: its aria-rowindex and the texts of its cells.
SEEN = f"""() => {{
  const box = document.querySelector(".specanom-table-scroll").getBoundingClientRect()
  return [...document.querySelectorAll("{ROWS}")].map(row => [row.getBoundingClientRect(), row])
    .filter(([at]) => at.bottom > box.top + 33 && at.top < box.bottom - 1).sort((a, b) => a[0].top - b[0].top)
    .map(([at, row]) => [+row.ariaRowIndex, at.top - box.top, ...[...row.children].map(cell => cell.textContent)])
}}"""


@pytest.fixture(scope="module")
def browser_page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1000, "height": 600}, offline=True)
    yield context
    context.close()


@pytest.fixture
def bare(browser_page: Any) -> Iterator[Bare]:
    page = browser_page.new_page()
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on("dialog", lambda dialog: failed.append(dialog.message))
    page.on("request", lambda asked: failed.append(asked.url) if asked.url.startswith("http") else None)
    yield Bare(page)
    assert failed == []
    page.close()


def galaxies(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    data = {"id": [f"{i:06d}-52367-{i % 640:04d}" for i in range(n)], "z": rng.uniform(0, 0.4, n),
            "snr": rng.uniform(1, 50, n), "score": rng.permutation(n) / 7,
            "mark": np.where(rng.random(n) < 0.1, "a b", "")}
    return pd.DataFrame(data | {f"chi2_{i}": rng.lognormal(size=n) for i in range(9)})


def focused(page: Any) -> list[str]:
    """Role and first text of what has the focus."""
    found: list[str] = page.evaluate("""() => { const one = document.activeElement
      return [one.getAttribute("role") ?? one.tagName, one.firstElementChild?.textContent ?? ""] }""")
    return found


def test_a_hundred_thousand_rows_show_no_blank_at_any_scroll_position(bare: Bare) -> None:
    data = galaxies(100_000)
    table = RowTable(data)
    taken = bare.show(table)
    assert taken < 1500  # some 60 ms where nothing else runs
    shown = table.view().reset_index(drop=True)
    rng = np.random.default_rng(0)
    top = bare.page.evaluate("document.querySelector('.specanom-table-scroll').scrollHeight") - 360
    for place in [0, *rng.integers(0, top, 30).tolist(), top]:
        bare.page.evaluate("at => { document.querySelector('.specanom-table-scroll').scrollTop = at }", place)
        at_once = bare.page.evaluate(SEEN)  # before the page has had time to draw anything
        bare.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        rows = bare.page.evaluate(SEEN)
        for seen in (at_once, rows):
            assert len(seen) in (12, 13)
            assert seen[0][1] <= 33
            assert seen[-1][1] + 28 >= 357
            assert all(len(row[2]) == 17 and row[5] for row in seen)
        assert [row[0] for row in rows] == list(range(rows[0][0], rows[0][0] + len(rows)))
        assert abs(rows[0][0] - 2 - place / 28) <= 1
        for index, _, id, z, snr, score, mark, *_ in rows:
            row = shown.iloc[index - 2]
            assert (id, z, snr, mark) == (row["id"], f"{row['z']:.4f}", f"{row['snr']:.1f}", row["mark"])
            assert float(score) == pytest.approx(row["score"], abs=0.51)


def test_a_million_rows_scroll_to_the_last(bare: Bare) -> None:
    n = 1_000_000
    table = RowTable(pd.DataFrame({"id": np.arange(n), "score": np.arange(n)[::-1]}), sort=("score", "descending"))
    bare.show(table)
    scroller = bare.page.locator(".specanom-table-scroll")
    scroller.evaluate("one => { one.scrollTop = one.scrollHeight }")
    bare.page.locator(f"{ROWS}[aria-rowindex='1000001']").wait_for()
    assert bare.page.evaluate(SEEN)[-1][2] == "999999"
    scroller.focus()
    bare.page.keyboard.press("Home")
    bare.settle()
    assert table.selected == "0"
    bare.page.mouse.move(300, 200)
    bare.page.mouse.wheel(0, 56)  # two rows, however long the table
    bare.page.locator(f"{ROWS}[aria-rowindex='2']").wait_for(state="detached")
    assert bare.page.evaluate(SEEN)[0][2] == "2"
    table.selected = "654321"
    bare.push()
    assert "654321" in [row[2] for row in bare.page.evaluate(SEEN)]


def test_the_keyboard_moves_the_focus_and_picks(bare: Bare) -> None:
    table = RowTable(galaxies(1000))
    bare.show(table)
    page, ids = bare.page, table.view()["id"].tolist()
    page.keyboard.press("Tab")
    assert focused(page)[0] == "INPUT"
    for name in ("Tab", "Tab", "ArrowDown"):
        page.keyboard.press(name)
    for name, place in (("", 0), ("ArrowDown", 1), ("ArrowDown", 2), ("PageDown", 12), ("End", 999), ("PageUp", 989),
                        ("Home", 0), ("ArrowDown", 1)):
        if name:
            page.keyboard.press(name)
        bare.settle()
        assert table.selected == ids[place]
        assert focused(page) == ["row", ids[place]]
    for name in ("Shift+ArrowDown", "Shift+ArrowDown", "Shift+ArrowUp"):
        page.keyboard.press(name)
    bare.settle()
    assert (table.selected, table.chosen) == (ids[2], (ids[1], ids[2]))
    page.keyboard.press("Control+a")
    bare.settle()
    assert len(table.chosen) == 1000
    page.keyboard.press("Escape")
    bare.settle()
    assert table.chosen == ()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowUp")
    assert focused(page)[0] == "columnheader"


def test_clicks_put_in_focus_and_pick(bare: Bare) -> None:
    table = RowTable(galaxies(1000))
    bare.show(table)
    ids = table.view()["id"].tolist()

    def click(place: int, *held: str) -> None:
        bare.page.locator(ROWS, has_text=ids[place]).click(modifiers=list(held), position={"x": 300, "y": 14})
        bare.settle()

    click(3)
    assert (table.selected, table.chosen) == (ids[3], ())
    click(5, "Control")
    assert (table.selected, table.chosen) == (ids[5], (ids[3], ids[5]))
    click(3, "Control")
    assert table.chosen == (ids[5],)
    click(5)
    click(8, "Shift")
    assert (table.selected, table.chosen) == (ids[8], tuple(ids[5:9]))
    marked = bare.page.evaluate(f"() => [...document.querySelectorAll('{ROWS}[aria-selected=true]')].length")
    assert marked == 4
    assert bare.page.locator(".specanom-table-count").text_content() == "1,000 rows, 4 picked"
    table.chosen = (ids[0],)
    bare.push()
    assert bare.page.locator(".specanom-table-picked").all_text_contents()[0].startswith(ids[0])
    click(2)
    assert table.chosen == ()


def test_headings_sort_by_click_and_by_enter(bare: Bare) -> None:
    table = RowTable(galaxies(1000))
    bare.show(table)
    heading = bare.page.locator("[role=columnheader]", has_text="snr")
    assert bare.page.locator("[aria-sort=descending]").text_content() == "score▼"
    for direction in ("descending", "ascending"):
        heading.click()
        bare.settle()
        assert table.sort == ("snr", direction)
        assert heading.get_attribute("aria-sort") == direction
        assert [row[2] for row in bare.page.evaluate(SEEN)] == table.view()["id"][:12].tolist()
    bare.page.keyboard.press("ArrowLeft")
    bare.page.keyboard.press("Enter")
    bare.settle()
    assert table.sort == ("z", "descending")
    table.sort = ("id", "ascending")
    bare.push()
    assert bare.page.locator("[aria-sort=ascending]").text_content() == "id▲"
    assert bare.page.evaluate(SEEN)[0][2] == "000000-52367-0000"


def test_the_filter_answers_while_it_is_typed(bare: Bare) -> None:
    table = RowTable(galaxies(1000))
    bare.show(table)
    page = bare.page
    page.get_by_label("Filter").type("z > 0.3")
    page.wait_for_function("() => document.querySelector('.specanom-table-count').textContent.includes(' of ')")
    assert page.locator(".specanom-table-count").text_content() == f"{table.shown} of 1,000 rows"
    assert 0 < table.shown < 400
    before = page.evaluate(SEEN)
    page.get_by_label("Filter").type(" and")
    page.wait_for_function("() => document.querySelector('.specanom-table-error').textContent")
    assert "complete expression" in page.locator(".specanom-table-error").text_content()
    assert page.evaluate(SEEN)[0][2:] == before[0][2:]
    page.get_by_label("Filter").fill("nothing like it")
    page.keyboard.press("Enter")
    bare.settle()
    assert page.locator(ROWS).count() == 0
    assert page.locator(".specanom-table-empty").is_visible()
    page.keyboard.press("Escape")
    bare.settle()
    assert table.shown == 1000
    assert page.evaluate(SEEN)[0][2] == table.view()["id"].iloc[0]


def test_hostile_texts_stay_texts(bare: Bare) -> None:
    data = galaxies(50).assign(note="</div><script>window.pwned=1</script>")
    data.loc[3, "id"] = HOSTILE
    table = RowTable(data.rename(columns={"z": "<b>z</b>"}), sort=("id", "descending"))
    bare.show(table)
    bare.page.get_by_role("button", name="Columns").click()
    assert bare.page.evaluate(SEEN)[0][2] == HOSTILE or HOSTILE in [row[2] for row in bare.page.evaluate(SEEN)]
    assert bare.page.locator("[role=columnheader]").nth(1).text_content() == "<b>z</b>"
    assert bare.page.evaluate("() => document.querySelectorAll('.specanom-table :is(img, script, b)').length") == 0
    assert bare.page.evaluate("window.pwned") is None


def test_columns_are_hidden_and_shown(bare: Bare) -> None:
    table = RowTable(galaxies(300), columns=["z", "score"])
    bare.show(table)
    page = bare.page
    headings = page.locator(".specanom-table-heading")
    assert headings.all_text_contents() == ["id", "z", "score"]
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("snr").check()
    bare.settle()
    assert headings.all_text_contents() == ["id", "z", "score", "snr"]
    assert page.evaluate(SEEN)[0][5] == f"{table.view()['snr'].iloc[0]:.1f}"
    page.get_by_label("z", exact=True).uncheck()
    page.keyboard.press("Escape")
    bare.settle()
    assert headings.all_text_contents() == ["id", "score", "snr"]
    assert "z" in table.hidden
    assert focused(page)[0] == "BUTTON"
    table.set_column("mark", ["interesting"] * 300)
    table.hidden = ()
    bare.push()
    assert headings.count() == 14
    assert "interesting" in page.evaluate(SEEN)[0]


def test_shown_late_and_twice_it_is_the_present_state(bare: Bare) -> None:
    table = RowTable(galaxies(500))
    bare.show(table)
    table.filter, table.sort, table.selected = "z > 0.2", ("z", "ascending"), table.view()["id"].iloc[40]
    table.set_column("snr", np.arange(500.0))
    bare.push()
    bare.show(table)
    first, second = bare.page.locator(".specanom-table").all()
    for one in (first, second):
        assert one.locator("input[type=search]").input_value() == "z > 0.2"
        assert one.locator(".specanom-table-count").text_content() == f"{table.shown} of 500 rows"
        texts = one.locator(ROWS).all_text_contents()
        assert any(f"{row['id']}{row['z']:.4f}{row['snr']:.1f}" in "".join(texts) for _, row in table.view().iterrows())
    second.locator(ROWS).nth(4).click()
    bare.settle()
    assert [one.locator(".specanom-table-here").count() for one in (first, second)] == [1, 1]
    table.set_table(galaxies(20))
    bare.push()
    counts = {one.locator(".specanom-table-count").text_content() for one in (first, second)}
    assert counts == {f"{table.shown} of 20 rows"}


def test_a_view_that_goes_leaves_nothing(bare: Bare) -> None:
    table = RowTable(galaxies(500))
    bare.show(table)
    listeners = "() => Object.values(window.models)[0].listeners.length"
    once = bare.page.evaluate(listeners)
    assert once > 10
    table.set_table(galaxies(30))
    bare.push()
    assert bare.page.evaluate(listeners) == once
    bare.end()
    assert bare.page.evaluate(listeners) == 0
    assert bare.page.locator(".specanom-table-row").count() == 0
    table.set_column("z", np.zeros(30))
    table.selected = table.view()["id"].iloc[0]
    bare.push()
    assert bare.page.locator(".specanom-table-row").count() == 0


def test_numbers_are_written_as_python_writes_them(bare: Bare) -> None:
    rng = np.random.default_rng(5)
    values = [0.0, 1.0, -1.0, 123456.0, 1234567.21, 1e-5, 0.00012345, 1e22, 9.9999999, -0.00456, *rng.normal(size=40),
              *10 ** rng.uniform(-12, 12, 60)]
    specs = (".3f", ",.2f", ".4g", ".2e", "+.1f", ".1%", ",d", ".12g")
    pairs = [(float(value), spec) for value in values for spec in specs
             if not (spec[-1] in "f%d" and abs(value) > 1e15)]
    made = bare.page.evaluate("""async ([esm, pairs]) => {
      const { written } = await import(URL.createObjectURL(new Blob([esm], { type: "text/javascript" })))
      return pairs.map(([value, style]) => written(value, style))
    }""", [RowTable._esm, [(value, parsed_format("a", spec)) for value, spec in pairs]])
    wanted = [format(round(value), spec) if spec.endswith("d") else format(value, spec) for value, spec in pairs]
    wrong = [(pair, a, b) for pair, a, b in zip(pairs, made, wanted, strict=True) if a != b]
    assert wrong == []
