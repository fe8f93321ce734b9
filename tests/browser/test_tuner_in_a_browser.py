"""The tuner in real front ends: keys change the figure's data, edges are dragged, what fails is told."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Error as PlaywrightError

from tests.browser.frontends import Book

pytestmark = pytest.mark.browser

MAKE = """
import numpy as np
import specanom as sa
sample = sa.Preprocessor().fit_transform(sa.surveys.mock(n=60, seed=1))
score = sa.Scorer(sa.PCAModel(6).fit(sample), "chi2_ivar")
explainer = sa.Explainer(score, sa.Uniform(20), method=sa.Lime(400))
tuner = explainer.tune(sample[0], sample=sample)
tuner
"""


@pytest.fixture(scope="module")
def book(open_notebook: Any) -> Book:
    return open_notebook([MAKE], height=1000)


def test_a_key_on_a_slider_changes_the_weights_in_the_page(book):
    before = book.data("weights", "weight")[0]
    book.slider("Segments")
    book.page.keyboard.press("ArrowRight")
    book.until(lambda: len(book.data("weights", "weight")[0]) > len(before), "more segments in the page")
    assert book.kernel("tuner.explanation.weights.tolist()") == pytest.approx(book.data("weights", "weight")[0])
    book.python("tuner.reset()")
    book.until(lambda: len(book.data("weights", "weight")[0]) == 20, "the page goes back")


def test_an_edge_dragged_in_the_page_cuts_the_spectrum_there(book):
    book.python("tuner.editing = True")
    book.until(lambda: len(book.data("edges", "x")[0]) == 19, "edges are shown")
    start = book.data("edges", "x")[0][9]
    middle = sum(book.value("spectrum", "y_range.start") + book.value("spectrum", "y_range.end")) / 2
    path = book.pixels("spectrum", [(start, middle), (start + 60.0, middle)])
    book.page.mouse.move(path[0][0] - 25, path[0][1])
    book.page.mouse.move(*path[0], steps=3)
    book.until(lambda: book.value("glow", "visible") == [True], "the edge under the mouse glows")
    book.page.mouse.down()
    book.page.mouse.move(*path[1], steps=8)
    book.page.mouse.up()
    book.until(lambda: abs(book.kernel("tuner.edges[9]") - start - 60.0) < 5.0, "the edge is there in Python")
    assert book.kernel("tuner.settings.segmentation") == "boundaries"
    assert book.kernel("len(tuner.edges)") == 19
    book.until(lambda: book.data("edges", "x")[0] == book.kernel("list(tuner.edges)"), "the page has the snapped edge")


def test_undo_by_key_puts_the_edge_back(book):
    book.tap("weights panel", *_inside(book))
    book.page.keyboard.press("u")
    book.until(lambda: book.kernel("tuner.settings.segmentation") == "uniform", "undone")
    book.page.keyboard.press("e")
    book.until(lambda: book.kernel("tuner.editing") is False, "edges are hidden")


def test_the_next_spectrum_by_arrow(book):
    book.tap("weights panel", *_inside(book))
    book.page.keyboard.press("ArrowRight")
    book.until(lambda: book.kernel("tuner.selected == sample[1].id"), "the next one in Python")
    second = book.kernel("float(sample[1].flux[sample[1].valid][100])")
    book.until(lambda: any(value == pytest.approx(second) for value in book.data("flux", "y")[0] if value),
               "its flux in the page")


def test_pins_appear_and_settings_that_are_refused_are_told(book):
    book.page.get_by_role("button", name="Pin").first.click()
    book.page.wait_for_selector(".specanom-pin .specanom-pane[data-ready]", timeout=60_000)
    box = book.page.locator(".specanom-error [role=alert]").first

    def refused() -> bool:  # a slider that is still moving may set its own value once more
        book.python("tuner.settings = tuner.settings.replace(count=100_000)")
        with suppress(PlaywrightError):
            box.wait_for(state="visible", timeout=3000)
        return bool(box.is_visible() and "segments" in box.inner_text() and all(book.value("spectrum veil", "visible")))

    book.until(refused, "the reason, and a greyed figure")
    book.python("tuner.reset()")
    book.until(lambda: not any(book.value("spectrum veil", "visible")), "and comes back")


def _inside(book: Book) -> tuple[float, float]:
    """Return a place in the panel of the weights."""
    return 5000.0, sum(book.value("weights panel", "y_range.end")) / 2
