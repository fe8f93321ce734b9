"""One live figure and one slider in JupyterLab, Notebook 7 and Voilà."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser.frontends import Book, Frontend

pytestmark = pytest.mark.browser

MAKE = """
import ipywidgets
import numpy as np
from bokeh.layouts import column
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure
from specanom.plots import palette
from specanom.widgets import FigurePane

X = np.linspace(0.0, 10.0, 200)

def curve(phase):
    return np.sin(X + phase).astype(np.float32)

class App:
    def __init__(self):
        self.taps, self.calls = [], 0
        self.wave = ColumnDataSource({"x": X, "y": curve(0)}, name="wave")
        self.dots = ColumnDataSource({"x": [2.0, 5.0, 8.0], "y": [0.0, 0.0, 0.0]}, name="dots")
        self.bars = ColumnDataSource({"x": [0.0, 1.0, 2.0], "top": [1.0, 1.0, 1.0]}, name="bars")
        above = figure(name="above", height=220, sizing_mode="stretch_width", x_range=(0, 10), y_range=(-1.5, 1.5),
                       tools="tap", title="phase 0", background_fill_color=palette.LIGHT.paper)
        above.line("x", "y", source=self.wave)
        above.scatter("x", "y", source=self.dots, size=14)
        below = figure(name="below", height=160, sizing_mode="stretch_width", x_range=(-1, 3), y_range=(0, 5), tools="")
        below.vbar("x", 0.8, "top", source=self.bars)
        self.above = above
        self.pane = FigurePane(column(above, below, sizing_mode="stretch_width"))
        self.dots.selected.on_change("indices", self.on_tap)
        self.slider = ipywidgets.FloatSlider(description="phase", min=0, max=5, step=0.5, value=0)
        self.slider.observe(self.on_phase, "value")

    def on_tap(self, attribute, old, new):
        self.taps.append(list(new))
        with self.pane.batch():
            self.bars.data = {"x": [0.0, 1.0, 2.0], "top": [4.0 if i in new else 1.0 for i in range(3)]}

    def on_phase(self, change):
        self.calls += 1
        self.phase(change["new"])

    def phase(self, value):
        with self.pane.batch():
            self.wave.data["y"] = curve(value)
            self.above.title.text = f"phase {value:g}"

app = App()
"""
TWICE = [MAKE, "display(app.slider, app.pane)", "display(app.pane)"]


def curve(phase: float) -> Any:
    return pytest.approx(np.sin(np.linspace(0.0, 10.0, 200) + phase), abs=1e-5)


@pytest.fixture(scope="module")
def book(open_notebook: Any) -> Book:
    """One figure, shown in two places, and its slider."""
    return open_notebook(TWICE, figures=2)


@pytest.fixture(autouse=True)
def nothing_went_wrong(book: Book) -> Iterator[None]:
    yield
    book.guard.check()


def shows(book: Book, phase: float, places: int = 2) -> None:
    """Wait until every place shows the curve of `phase`."""
    book.until(lambda: book.data("wave", "y") == [curve(phase)] * places, f"{places} curves of phase {phase}")
    assert book.value("above", "title.text") == [f"phase {phase:g}"] * places


def test_it_appears_in_both_places_as_wide_as_the_page(book: Book) -> None:
    shows(book, 0)
    widths = book.page.eval_on_selector_all(".specanom-pane .bk-Figure", "all => all.map(one => one.clientWidth)")
    assert len(widths) == 4
    assert min(widths) > 600


def test_a_key_on_the_slider_changes_the_figure_in_both_places(book: Book) -> None:
    book.slider("phase")
    book.page.keyboard.press("ArrowRight")
    shows(book, 0.5)
    book.page.keyboard.press("PageUp")
    book.until(lambda: book.kernel("app.slider.value") > 0.5, "the slider's value in Python")
    shows(book, book.kernel("app.slider.value"))
    book.page.keyboard.press("Home")
    shows(book, 0)


def test_of_many_keys_the_last_arrives(book: Book) -> None:
    book.slider("phase")
    for key in ["ArrowRight"] * 8:
        book.page.keyboard.press(key)
    shows(book, 4)
    assert book.kernel("app.slider.value") == 4
    book.page.keyboard.press("Home")
    shows(book, 0)


@pytest.mark.parametrize("place", [0, 1])
def test_a_tap_reaches_python_once_and_the_linked_figure_follows(book: Book, place: int) -> None:
    before = len(book.kernel("app.taps"))
    book.tap("above", 5.0 if place == 0 else 8.0, 0.0, shown=place)
    tops = [1.0, 4.0, 1.0] if place == 0 else [1.0, 1.0, 4.0]
    book.until(lambda: book.data("bars", "top") == [tops, tops], "the bars of the tapped point")
    assert book.kernel("app.taps")[before:] == [[1 + place]]
    assert book.value("dots", "selected.indices") == [[1 + place]] * 2


def test_switching_the_theme_recolours_the_figures(book: Book) -> None:
    light, dark = book.kernel("[palette.LIGHT.paper, palette.DARK.paper]")
    book.set_theme("dark")
    book.until(lambda: book.value("above", "background_fill_color") == [dark, dark], "the dark paper")
    assert book.kernel("app.pane.theme") == "dark"
    book.set_theme("light")
    book.until(lambda: book.value("above", "background_fill_color") == [light, light], "the light paper")


def test_running_a_cell_again_leaks_no_document(book: Book, frontend: Frontend) -> None:
    if frontend.kind == "voila":
        pytest.skip("Voilà's cells run once")
    before = book.documents()
    for _ in range(3):
        ready = book.page.locator(".specanom-pane").first.element_handle()
        book.rerun(1)
        book.until(lambda ready=ready: not ready.evaluate("one => one.isConnected"), "the old output to go")
        book.ready(2)
    book.until(lambda: book.documents() == before, "as many documents as before")
    book.until(lambda: book.kernel("len(app.pane._views)") == 2, "as many views as before")
    shows(book, 0)


def test_the_saved_notebook_is_small(book: Book, frontend: Frontend) -> None:
    if frontend.kind == "voila":
        pytest.skip("Voilà saves nothing")
    path: Path = book.save()
    book.until(lambda: "application/vnd.jupyter.widget-view+json" in path.read_text(), "the saved outputs")
    assert path.stat().st_size < 12_000


def test_a_reloaded_page_shows_what_python_holds(book: Book, frontend: Frontend) -> None:
    if frontend.kind != "voila":
        book.save()
        book.python("app.slider.value = 2.5")
    book.reload()
    book.ready(2)
    phase = 0.0 if frontend.kind == "voila" else 2.5  # Voilà's pages have a kernel each
    shows(book, phase)
    book.slider("phase")
    book.page.keyboard.press("ArrowRight")
    shows(book, phase + 0.5)


LATE = [MAKE, "app.phase(3.0)", "display(app.pane)", """
late = App()
tabs = ipywidgets.Tab([ipywidgets.Label("first"), late.pane], titles=["first", "second"])
display(tabs)
late.wave.name = "hidden wave"
late.above.name = "hidden"
late.phase(1.5)
"""]


def test_displayed_late_or_in_a_hidden_tab_it_shows_the_present_state(book: Book, open_notebook: Any) -> None:
    late = open_notebook(LATE, figures=1)
    late.until(lambda: late.data("wave", "y") == [curve(3.0)], "what was changed before it was shown")
    late.page.get_by_role("tab", name="second").click()
    late.until(lambda: late.data("hidden wave", "y") == [curve(1.5)], "what was changed while the tab was hidden")
    late.python("late.phase(2.0)")
    late.until(lambda: late.data("hidden wave", "y") == [curve(2.0)], "what another cell changed")
    late.page.get_by_role("tab", name="first").click()
    late.python("late.phase(0.5)")
    late.page.get_by_role("tab", name="second").click()
    late.until(lambda: late.data("hidden wave", "y") == [curve(0.5)], "what was changed behind another tab")
    wide = "one => one.getBoundingClientRect().width > 600"
    late.until(lambda: late.page.locator(".specanom-pane .bk-Figure").last.evaluate(wide), "the tab's figure laid out")
    late.guard.check()
