"""The workbench in JupyterLab, Notebook 7 and Voilà: its pages share the spectrum in focus and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser.frontends import Book, Frontend

pytestmark = pytest.mark.browser

GRID = ".specanom-table-scroll"


@pytest.fixture(scope="module")
def book(open_notebook: Any, own_run: Path) -> Book:
    made = f"from specanom.widgets import Workbench\nbench = Workbench.open({str(own_run)!r})"
    return open_notebook([made, "bench"], figures=5, height=1200)


@pytest.fixture(autouse=True)
def nothing_went_wrong(book: Book) -> Iterator[None]:
    yield
    for part in ("bench", "bench.picker", "bench.tuner", "bench.inspector"):
        assert book.kernel(f"repr({part}.error)") == "None"
    book.guard.check()


def turn_to(book: Book, title: str) -> None:
    book.page.get_by_role("tab", name=title, exact=True).click()
    page = {"Scores": "picker", "Explanation": "tuner", "Clusters": "inspector", "Labels": "labels"}[title]
    book.until(lambda: book.kernel("bench.page") == page, f"the page {title}")


def draws(book: Book, source: str, column: str, want: Any) -> None:
    """Wait until a figure in the page has these values in a column."""
    want = np.array(want, dtype=float)
    book.until(lambda: any(len(one) == want.size and np.allclose(np.array(one, dtype=float), want, equal_nan=True)
                           for one in book.data(source, column) if one is not None), f"{column} of {source}")


def test_a_row_of_the_picker_is_what_tuner_and_inspector_show(book: Book) -> None:
    book.page.locator(GRID).first.focus()
    before = book.kernel("bench.selected")
    book.page.keyboard.press("ArrowDown")
    book.until(lambda: book.kernel("bench.selected") != before, "another spectrum in focus")
    focus = book.kernel("bench.selected")
    assert book.kernel("bench.selected in bench.inspector.clusterer.ids_")
    assert book.kernel("bench.tuner.selected") != focus  # it follows when it is seen
    turn_to(book, "Explanation")
    book.until(lambda: book.kernel("bench.tuner.selected") == focus, "the tuner has it")
    book.ready(6)
    draws(book, "weights", "weight", book.kernel("bench.tuner.explanation.weights.tolist()"))
    turn_to(book, "Clusters")
    book.until(lambda: book.kernel("bench.inspector.selected") == focus, "the inspector has it")
    book.ready(10)
    row = book.kernel("list(bench.inspector.clusterer.ids_).index(bench.selected)")
    book.until(lambda: np.allclose([book.data("focus", name)[0][0] for name in ("x", "y")],
                                   [book.data("points", name)[0][row] for name in ("x", "y")], atol=0.05),
               "it is ringed on the map")


def test_a_label_of_one_page_is_on_the_others(book: Book) -> None:
    turn_to(book, "Scores")
    focus = book.kernel("bench.selected")
    book.page.locator(GRID).first.focus()
    book.page.keyboard.press("2")
    path = Path(book.kernel("str(bench.picker.labels.path)"))
    said = book.until(lambda: path.exists() and path.read_text(), "the label on disk")
    last = json.loads(said.splitlines()[-1])
    assert (last["id"], last["label"]) == (focus, "artefact")
    turn_to(book, "Labels")
    rows = book.page.locator(".specanom-labels .specanom-table-row:not([hidden])")
    book.until(lambda: rows.count() == 1 and focus in rows.first.inner_text() and "artefact" in rows.first.inner_text(),
               "the table of labels")
    turn_to(book, "Clusters")
    book.until(lambda: book.kernel("(bench.inspector.result.set_index('id')['mark'] == 'artefact').sum().item()") == 1,
               "the inspector's members have it")
    turn_to(book, "Labels")
    book.page.keyboard.press("3")
    book.until(lambda: "known" in rows.first.inner_text(), "changed on the page of labels")
    turn_to(book, "Scores")
    book.until(lambda: book.page.get_by_text("✓ known (3)").first.is_visible(), "the picker's bar says so")


def test_the_score_that_is_picked_is_explained(book: Book) -> None:
    book.python("bench.picker.metric = 'mse'; bench.picker.calibrated = False")
    book.page.locator(GRID).first.focus()
    book.page.keyboard.press("g")
    book.until(lambda: book.kernel("bench.page") == "tuner", "the tuner's page")
    assert book.kernel("bench.tuner.result.score.name") == "mse"
    draws(book, "weights", "weight", book.kernel("bench.tuner.explanation.weights.tolist()"))
    # The table that had the keyboard is hidden now: the keyboard is the dashboard's, not the notebook's.
    inside = "() => document.activeElement.closest('.specanom-dashboard') !== null"
    book.until(lambda: book.page.evaluate(inside), "the keyboard stays with the dashboard")


def test_saved_with_all_pages_seen_it_is_small(book: Book, frontend: Frontend) -> None:
    if frontend.kind == "voila":
        pytest.skip("Voilà saves nothing")
    path = book.save()
    book.until(lambda: "application/vnd.jupyter.widget-view+json" in path.read_text(), "the saved outputs")
    assert path.stat().st_size < 50_000
