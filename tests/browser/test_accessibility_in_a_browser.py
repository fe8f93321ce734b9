"""The keyboard and screen readers: keys reach Python, controls keep theirs and have names, the help, the colours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from specanom.widgets.base.keys import Keys
from specanom.widgets.base.table import RowTable

from tests.browser.bare import Bare
from tests.browser.frontends import Book

pytestmark = pytest.mark.browser
WORDS = {"ArrowDown": "next row", "1": "mark as interesting", " ": "pick"}
# What ipywidgets draws, as far as names and keys go.
DASHBOARD = """() => {
  document.body.innerHTML = `<main class="specanom-dashboard"><div id="keys"></div>
    <div class="jupyter-widgets widget-inline-hbox widget-slider"><label class="widget-label">Velocity</label>
      <div class="slider-container"><div class="noUi-handle" role="slider" tabindex="0"></div></div>
      <div class="widget-readout" contenteditable="true">250</div></div>
    <div class="jupyter-widgets widget-inline-hbox widget-slider"><label class="widget-label">S/N</label>
      <div><div class="noUi-handle" role="slider" tabindex="0"></div>
        <div class="noUi-handle" role="slider"></div></div></div>
    <div class="jupyter-widgets widget-dropdown"><label class="widget-label">Metric</label>
      <select><option>mse</option><option>chi2</option></select></div>
    <button class="jupyter-widgets widget-toggle-button mod-active" title="show the observed frame"></button>
    <input id="note" type="text"><textarea id="long"></textarea><input id="tick" type="checkbox">
    <canvas width="20" height="20"></canvas></main><input id="outside">`
}"""


@pytest.fixture
def bare(chromium: Any) -> Iterator[Bare]:
    context = chromium.new_context(viewport={"width": 800, "height": 700}, offline=True)
    page = context.new_page()
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    made = Bare(page)
    page.evaluate(DASHBOARD)
    yield made
    assert failed == []
    context.close()


@pytest.fixture
def keys(bare: Bare) -> tuple[Keys, list[str]]:
    made, pressed = Keys(WORDS), []  # type: ignore[var-annotated]
    made.on_key(pressed.append)
    bare.show(made, "#keys")
    bare.page.wait_for_function("() => document.querySelector('.specanom-dashboard.specanom-light')")
    return made, pressed


def test_keys_reach_python_unless_a_control_uses_them(bare: Bare, keys: tuple[Keys, list[str]]) -> None:
    page, pressed = bare.page, keys[1]
    all_of_them = ("ArrowDown", "1", " ", "x")
    for selector, wanted in ((".specanom-dashboard", ["ArrowDown", "1", " "]), (".noUi-handle", ["1", " "]),
                             ("select", []), ("#note", []), ("#long", []), (".widget-readout", []),
                             ("#tick", ["ArrowDown", "1"]), (".widget-toggle-button", ["ArrowDown", "1"]),
                             ("#outside", [])):
        page.locator(selector).first.focus()
        for name in all_of_them:
            page.keyboard.press(name)
        bare.settle()
        assert pressed == wanted, selector
        pressed.clear()
    page.locator(".specanom-dashboard").focus()
    page.keyboard.press("Control+1")
    page.keyboard.press("Alt+1")
    bare.settle()
    assert pressed == []


def test_a_key_held_down_does_not_pile_up(bare: Bare, keys: tuple[Keys, list[str]]) -> None:
    bare.page.locator(".specanom-dashboard").focus()
    bare.page.evaluate("""() => { for (let i = 0; i < 50; i++) document.activeElement.dispatchEvent(
        new KeyboardEvent("keydown", { key: "ArrowDown", repeat: i > 0, bubbles: true, composed: true })) }""")
    bare.settle()
    assert 1 <= len(keys[1]) < 5
    keys[1].clear()
    for _ in range(5):
        bare.page.keyboard.press("1")
    bare.settle()
    assert keys[1] == ["1"] * 5


def test_a_table_keeps_the_arrows_and_passes_on_the_rest(bare: Bare, keys: tuple[Keys, list[str]]) -> None:
    table = RowTable(pd.DataFrame({"id": list("abc"), "score": [3, 2, 1]}))
    bare.show(table, "main")
    bare.page.locator(".specanom-table-row").first.click()
    for name in ("ArrowDown", "1"):
        bare.page.keyboard.press(name)
    bare.settle()
    assert table.selected == "b"
    assert keys[1] == ["1"]
    bare.page.get_by_label("Filter").focus()
    bare.page.keyboard.press("1")
    bare.settle()
    assert keys[1] == ["1"]


def test_the_help_lists_the_keys_and_gives_the_focus_back(bare: Bare, keys: tuple[Keys, list[str]]) -> None:
    page = bare.page
    page.locator(".noUi-handle").first.focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    assert dialog.is_visible()
    assert dialog.locator("dt").all_text_contents() == ["↓", "1", "Space", "?", "Tab"]
    assert dialog.locator("dd").all_text_contents()[:3] == list(WORDS.values())
    for _ in range(4):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('dialog') !== null || document.activeElement === "
                             "document.body")
    page.keyboard.press("1")
    bare.settle()
    assert keys[1] == []
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert page.evaluate("document.activeElement.className") == "noUi-handle"
    page.get_by_role("button", name="Keyboard shortcuts").click()
    assert dialog.is_visible()
    page.keyboard.press("?")
    dialog.wait_for(state="detached")


def test_controls_of_ipywidgets_get_names(bare: Bare, keys: tuple[Keys, list[str]]) -> None:
    page = bare.page
    handles = page.get_by_role("slider")
    assert [one.get_attribute("aria-label") for one in handles.all()] == ["Velocity", "S/N, lower end",
                                                                         "S/N, upper end"]
    assert page.get_by_role("combobox", name="Metric").count() == 1
    assert page.get_by_role("textbox", name="Velocity, value").count() == 1
    assert page.get_by_role("button", name="show the observed frame", pressed=True).count() == 1
    page.evaluate("""() => document.querySelector("main").insertAdjacentHTML("beforeend",
      `<div class="jupyter-widgets widget-inline-hbox"><label class="widget-label">Late</label>
       <div class="noUi-handle" role="slider"></div></div>`)""")
    page.get_by_role("slider", name="Late").wait_for(state="attached")


def test_the_notebook_leaves_keys_of_the_dashboard_alone(bare: Bare, keys: tuple[Keys, list[str]]) -> None:
    for selector in (".noUi-handle", "select", "#tick", ".specanom-dashboard"):
        bare.page.locator(selector).first.focus()
        assert bare.page.evaluate("document.activeElement.dataset.lmSuppressShortcuts") == "true"
    bare.page.locator("#outside").focus()
    assert bare.page.evaluate("document.activeElement.dataset.lmSuppressShortcuts") is None


def test_the_dashboard_is_light_or_dark(bare: Bare, keys: tuple[Keys, list[str]]) -> None:
    root = bare.page.locator(".specanom-dashboard")
    paper = "one => getComputedStyle(one).backgroundColor"
    assert root.evaluate(paper) == "rgb(255, 255, 255)"
    keys[0].theme = "dark"
    bare.push()
    assert "specanom-dark" in root.get_attribute("class")
    assert root.evaluate(paper) == "rgb(20, 24, 29)"
    keys[0].theme = "auto"
    bare.push()
    assert "specanom-light" in root.get_attribute("class")
    bare.page.evaluate("() => { document.body.dataset.jpThemeLight = 'false' }")
    bare.page.wait_for_function("() => document.querySelector('.specanom-dashboard.specanom-dark')")


def test_a_view_of_keys_that_goes_leaves_nothing(bare: Bare, keys: tuple[Keys, list[str]]) -> None:
    page = bare.page
    page.locator(".specanom-dashboard").focus()
    page.keyboard.press("?")
    bare.end()
    assert page.locator("dialog").count() == 0
    page.locator(".specanom-dashboard").focus()
    page.keyboard.press("1")
    bare.settle()
    assert keys[1] == []
    assert page.evaluate("() => Object.values(window.models)[0].listeners.length") == 0


# -- a real dashboard --------------------------------------------------------------------------------------------------

CELL = """
import ipywidgets as w, pandas as pd, traitlets
from specanom.plots.theme import canvas
from specanom.widgets.base.controls import bound, button, group
from specanom.widgets.base.dashboard import Dashboard
from specanom.widgets.base.pane import FigurePane
from specanom.widgets.base.table import RowTable

class Frame(Dashboard):
    title = "Frame"
    velocity = traitlets.Float(250.0)
    def __init__(self):
        super().__init__()
        self.pressed = []
        self.table = RowTable(pd.DataFrame({"id": list("abcdef"), "score": [6, 5, 4, 3, 2, 1]}))
        figure = canvas("light", "Score", x="wavelength (Å)", y="flux")
        figure.line([1, 2, 3], [1, 4, 2])
        pane = FigurePane(figure)
        self.build(controls=[group(
            "Filter", bound(self, "velocity", w.FloatSlider(min=0, max=1000, step=10, description="Velocity (km/s)")),
            w.Dropdown(options=["mse", "chi2"], description="Metric"), w.FloatRangeSlider(description="S/N"),
            w.ToggleButtons(options=["rest", "observed"], description="Frame"), w.Checkbox(description="Imputed"),
            w.Text(description="Note"), w.IntText(description="Samples"), w.Select(options=["Hα"], description="Lines"),
            w.RadioButtons(options=["a"], description="Map"), button("Save", "save it", lambda: None)),
            w.Accordion([w.IntText(description="Seed")], titles=["Finer points"])],
            main=[pane, self.table], panes=[pane])
    def shortcuts(self):
        return {**super().shortcuts(), "1": ("mark", lambda: self.pressed.append(1)),
                "ArrowDown": ("next row", self.table.next)}
    def to_code(self):
        return "1"
"""
NAMED = re.compile(r"^\s*- (slider|combobox|button|textbox|checkbox|radio|spinbutton|listbox|searchbox|grid)\b(.*)$")


@pytest.mark.parametrize("frontend", ["lab"], indirect=True)
def test_a_dashboard_in_jupyterlab(open_notebook: Callable[..., Book]) -> None:
    book = open_notebook([CELL, "dash = Frame(); dash"])
    page = book.page
    page.locator(".specanom-table-row").nth(1).click()
    book.until(lambda: book.kernel("dash.table.selected") == "b", "the click reaches Python")
    for name in ("1", "1", "ArrowDown", "x", "d", "d"):
        page.keyboard.press(name)
    book.until(lambda: book.kernel("[dash.table.selected, len(dash.pressed)]") == ["c", 2], "keys reach Python")
    assert page.evaluate("window.jupyterapp.shell.currentWidget.content.model.cells.length") == 2  # d d deletes a cell
    page.get_by_role("slider", name="Velocity (km/s)").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("1")
    book.until(lambda: book.kernel("[dash.velocity, len(dash.pressed)]") == [260.0, 3], "the slider keeps its keys")
    finer = page.get_by_role("button", name="Finer points", expanded=False)
    finer.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Finer points", expanded=True).wait_for()
    tree = page.locator(".specanom-dashboard").aria_snapshot().splitlines()
    controls = [found for line in tree if (found := NAMED.match(line))]
    assert {one[1] for one in controls} >= {"slider", "combobox", "button", "textbox", "checkbox", "radio", "grid"}
    assert [one[0] for one in controls if not one[2].lstrip().startswith('"')] == []
