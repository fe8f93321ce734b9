"""An explorer that is open in a browser, and what a reader does there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from specanom.explorer import write_explorer
from specanom.triage import LabelLog
from tests.explorer.made import HOSTILE, TARGET, catalogue, everything

IDS = [TARGET, HOSTILE, "c", "__proto__", "without"]


def small_explorer(folder: Path) -> Path:
    """Write an explorer of five objects, the last without a spectrum and a position."""
    table = catalogue(IDS)
    table["score"] = [5.0, 4.0, 3.0, 2.0, np.nan]
    table["ra"], table["dec"] = [30.0, 100.0, 200.0, 300.0, np.nan], [0.0, 20.0, -20.0, 50.0, 0.0]
    return write_explorer(folder, table, data=everything(IDS), title=HOSTILE)


class Page:
    """One open explorer."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def open(self, path: Path, anchor: str = "") -> Page:
        self.page.goto(path.as_uri() + anchor)
        self.page.wait_for_selector("html[data-ready=true]", state="attached", timeout=30_000)
        return self

    @property
    def id(self) -> str:
        """Whose card is shown."""
        self.page.wait_for_function("() => document.getElementById('card').dataset.shown === specanomExplorer.id")
        return str(self.page.text_content("#card [data-part=id]"))

    def rows(self) -> list[list[str]]:
        """The texts of the rows on the screen."""
        found: list[list[str]] = self.page.evaluate("""() => [...document.querySelectorAll('.specanom-table-row')]
            .filter(row => !row.hidden).sort((a, b) => a.place - b.place)
            .map(row => [...row.children].map(cell => cell.textContent))""")
        return found

    def filter(self, text: str) -> str:
        """Type into the filter; returns what is said beside it."""
        self.page.fill("#table input[type=search]", text)
        self.page.press("#table input[type=search]", "Enter")
        return str(self.page.text_content("#table .specanom-table-error"))

    def source(self, figure: str, name: str) -> dict[str, list[Any]]:
        """The data of a source of a figure, with NaN as None."""
        found: dict[str, list[Any]] = self.page.evaluate("""([figure, name]) => {
            const page = specanomExplorer
            const shown = figure === 'card' ? page.card.figure : page.maps.figures[figure === 'sky' ? 0 : 1]
            const { data } = shown.model(name)
            return Object.fromEntries(Object.entries(data).map(([key, one]) =>
                [key, Array.from(one, value => Number.isNaN(value) ? null : value)])) }""", [figure, name])
        return found

    def click_point(self, figure: str, row: int) -> None:
        """Click a row's point on a map."""
        place = self.page.evaluate("""([at, row]) => {
            const map = specanomExplorer.maps.figures[at], i = map.data.row.indexOf(row)
            const view = Bokeh.index.find_one(map.plot), box = view.canvas_view.el.getBoundingClientRect()
            const { x_scale, y_scale } = view.frame
            return [box.left + x_scale.compute(map.data.x[i]), box.top + y_scale.compute(map.data.y[i])] }""",
                                       [0 if figure == "sky" else 1, row])
        self.page.mouse.click(*place)

    # -- the review ---------------------------------------------------------------------------------------------------

    def name(self, who: str) -> None:
        """Say who is at the keyboard."""
        self.page.fill("#author", who)
        self.leave()

    def leave(self) -> None:
        """Leave the field that is being written in."""
        self.page.evaluate("document.activeElement.blur()")

    def show(self, id: str) -> None:
        """Show an object by its link."""
        self.page.evaluate("id => { location.hash = '#' + encodeURIComponent(id) }", id)
        self.page.wait_for_function("id => document.getElementById('card').dataset.shown === id", arg=id)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def part(self, name: str) -> Any:
        """One part of the card."""
        return self.page.locator(f"#card [data-part={name}]")

    def word(self) -> str:
        """The word that is pressed on the card; empty when none is."""
        pressed = self.page.locator("#card [data-word][aria-pressed=true]")
        return str(pressed.get_attribute("data-word")) if pressed.count() else ""

    def export(self, path: Path) -> LabelLog:
        """Export the notes to a file, and read it."""
        with self.page.expect_download() as download:
            self.page.click("#export")
        download.value.save_as(path)
        return LabelLog(path)

    def take(self, path: Path) -> str:
        """Import a file of labels; returns what the page says of it."""
        self.page.evaluate("document.getElementById('told').textContent = ''")
        self.page.set_input_files("#import-file", path)
        self.page.wait_for_function("() => document.getElementById('told').textContent !== ''")
        return str(self.page.text_content("#told"))
