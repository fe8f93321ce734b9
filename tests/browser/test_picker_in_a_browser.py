"""The score picker in JupyterLab, Notebook 7 and Voilà, shown twice: keys, taps, marks, hostile ids, broken scores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.browser.frontends import Book, Frontend

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>"
MAKE = f"""
import numpy as np
import specanom as sa
from specanom.plots import palette
kept = sa.SpectrumSet.open(RUN + "/sample.zarr")
table = kept.table.copy()
table["id"] = [{HOSTILE!r}, *table["id"][1:]]
sample = sa.SpectrumSet(kept.wave, kept.flux, kept.ivar, table)
inner = sa.models.load(RUN + "/model")

class Breakable:
    wave, broken = inner.wave, False
    def reconstruct(self, flux, ids=None):
        if self.broken:
            raise RuntimeError("the network is <b>gone</b>")
        return inner.reconstruct(flux)

model = Breakable()
picker = sa.Scorer(model, "mse").pick(sample, labels="picked.jsonl")
picker.percentile = 90.0
shown = lambda: picker.spectrum.live.sources["flux"].data["y"].tolist()
"""
COLOURS = """() => Bokeh.documents.flatMap(doc => doc.roots().flatMap(root => [...root.references()]))
  .filter(model => model.type === "Figure").map(model => model.background_fill_color)"""
GRID = ".specanom-table-scroll"


@pytest.fixture(scope="module")
def book(open_notebook: Any, finished: Path) -> Book:
    """A picker that was changed before it was shown, in two places."""
    made = open_notebook([f"RUN = {str(finished)!r}\n{MAKE}", "display(picker)", "display(picker)"], figures=10,
                         height=1300)
    made.dialogs = []
    made.page.on("dialog", lambda dialog: (made.dialogs.append(dialog.message), dialog.dismiss()))
    return made


@pytest.fixture(autouse=True)
def nothing_went_wrong(book: Book) -> Iterator[None]:
    yield
    assert book.dialogs == []
    assert book.page.locator("img[src=x]").count() == 0
    book.guard.check()


def follows(book: Book) -> None:
    """Wait until both places show the flux that Python holds, which a callback in another thread may yet change."""
    def same() -> bool:
        want, places = np.array(book.kernel("shown()")), book.data("flux", "y")
        return len(places) == 2 and all(np.allclose(np.array(one, dtype=float), want, equal_nan=True) for one in places)

    book.until(same, "both places show the spectrum in focus")


def here(book: Book) -> list[str]:
    """Return the id in the row in focus of each table in sight."""
    return list(book.page.evaluate("""() => [...document.querySelectorAll('.specanom-table')].map(table =>
      [...(table.querySelector('.specanom-table-here:not([hidden])')?.children ?? [])].map(cell => cell.textContent)
        .find(text => text.includes('-') || text.includes('<')) ?? '')"""))


def in_table(book: Book) -> None:
    focus = book.kernel("picker.selected")
    book.until(lambda: here(book) == [focus, focus], f"both tables have {focus} in focus")


def limit(book: Book) -> float:
    """Wait until both histograms have their line at the percentile that Python holds; returns where."""
    place = "float(picker.figures.histogram.scale.place(np.nanpercentile(picker._values, picker.percentile)))"
    drawn = "float(picker.figures.panes['histogram'].find('percentile').location)"
    book.until(lambda: book.kernel(drawn) == pytest.approx(book.kernel(place)), "the line in Python")
    at = book.kernel(drawn)
    book.until(lambda: book.value("percentile", "location") == pytest.approx([at, at]), "the line in both histograms")
    return float(at)


def test_it_appears_twice_as_it_was_changed_before(book: Book) -> None:
    assert book.page.locator(".specanom-dashboard").count() == 2
    follows(book)
    in_table(book)
    limit(book)


def test_a_key_on_a_slider_moves_the_line_in_the_histogram(book: Book) -> None:
    before = limit(book)
    book.slider("Percentile").press("ArrowRight")
    book.until(lambda: book.kernel("picker.percentile") > 90.0, "the percentile in Python")
    assert limit(book) > before


def test_an_arrow_key_in_the_table_changes_the_spectrum_in_the_figure(book: Book) -> None:
    book.page.locator(GRID).first.focus()
    before = book.kernel("picker.selected")
    for _ in range(2):
        book.page.keyboard.press("ArrowDown")
    book.until(lambda: book.kernel("picker.selected == picker.table.view()['id'].iloc[2]"), "two rows further")
    assert book.kernel("picker.selected") != before
    flux = book.kernel("sample.by_id(picker.selected).flux[::50].tolist()")
    follows(book)
    assert np.allclose(np.array(book.data("flux", "y")[0][::50], dtype=float), flux, equal_nan=True)
    in_table(book)


@pytest.mark.parametrize("place", [0, 1])
def test_a_tap_in_the_scatter_selects_and_the_table_follows(book: Book, place: int) -> None:
    ids, x, y = (book.data("points snr", name)[place] for name in ("id", "x", "y"))
    at = [3, 17][place]
    book.page.locator(GRID).nth(place).scroll_into_view_if_needed()
    book.tap("against snr", x[at], y[at], shown=place)
    book.until(lambda: book.kernel("picker.selected") == ids[at], f"{ids[at]} is in focus in Python")
    follows(book)
    in_table(book)
    book.until(lambda: all(np.allclose(one, x[at]) for one in book.data("focus snr", "x")), "the ring is there")


def test_a_key_writes_a_mark_to_disk(book: Book) -> None:
    focus = book.kernel("picker.selected")
    book.page.locator(GRID).first.focus()
    book.page.keyboard.press("1")
    path = Path(book.kernel("str(picker.labels.path.absolute())"))
    said = book.until(lambda: path.exists() and path.read_text(), "the mark on disk")
    assert [(one["id"], one["label"]) for one in map(json.loads, said.splitlines())] == [(focus, "interesting")]
    book.until(lambda: book.page.get_by_text("✓ interesting (1)").count() == 2, "both bars say so")


def test_a_filter_is_typed(book: Book) -> None:
    field = book.page.locator(".specanom-table-filter").first
    field.fill("z > 0.1 and snr < 15")
    want = book.kernel("int(((picker.book.places['z'] > 0.1) & (picker.book.places['snr'] < 15)).sum())")
    assert 0 < want < book.kernel("len(sample)")
    book.until(lambda: book.kernel("picker.table.shown") == want, "so many rows in Python")
    book.until(lambda: f"{want}" in book.page.locator(".specanom-table-count").nth(1).inner_text(), "and in the page")
    field.fill("")
    book.until(lambda: book.kernel("picker.table.shown == len(sample)"), "all rows again")


def test_hostile_ids_and_notes_stay_text(book: Book) -> None:
    book.page.locator(".specanom-table-filter").first.fill("onerror")
    book.until(lambda: book.kernel("picker.table.shown") == 1, "one row")
    book.page.locator(".specanom-table-row:not([hidden])").first.click()
    book.until(lambda: book.kernel("picker.selected") == HOSTILE, "it is in focus")
    follows(book)
    in_table(book)
    book.until(lambda: HOSTILE in book.page.locator(".specanom-facts").first.inner_text(), "it is described")
    note = book.page.get_by_label("Note", exact=True).and_(book.page.locator("input")).first
    note.fill(HOSTILE)
    note.press("Enter")
    book.until(lambda: book.kernel("picker.labels.current().get(picker.selected, None) is not None"), "it is saved")
    assert book.kernel("picker.labels.current()[picker.selected].note") == HOSTILE
    book.until(lambda: book.page.get_by_label("Note", exact=True).and_(book.page.locator("input")).nth(1).input_value()
               == HOSTILE, "the other bar has the note")
    book.page.locator(".specanom-table-filter").first.fill("")
    book.until(lambda: book.kernel("picker.table.shown == len(sample)"), "all rows again")


def test_an_exception_in_a_score_is_shown_and_the_picker_lives_on(book: Book) -> None:
    book.python("model.broken = True; picker.spectrum._seen.clear(); picker.book._batches = None")
    label = book.kernel("picker.label")
    book.slider("Trim").press("ArrowRight")
    box = book.page.locator(".specanom-error [role=alert]").first
    box.wait_for(state="visible")
    book.until(lambda: "the network is <b>gone</b>" in box.inner_text(), "the exception as text")
    book.python("model.broken = False")
    book.slider("Trim").press("ArrowRight")
    book.until(lambda: book.kernel("picker.shown_label == picker.label and picker.error is None"), "the next works")
    assert book.kernel("picker.label") != label
    book.until(lambda: book.page.locator(".specanom-error [role=alert]").count() == 0
               or not box.is_visible(), "the box is gone")
    book.slider("Trim").press("Home")
    book.until(lambda: book.kernel("[picker.trim, picker.shown_label, picker._depth]") == [0.0, label, 0], "no trim")
    first = book.kernel("picker.table.view()['id'].iloc[0]")
    table = book.page.locator(GRID).first
    table.press("Home")  # up to the top, where the order is seen
    top = table.locator("[aria-rowindex='2']:not([hidden])")
    book.until(lambda: any(first in text for text in top.all_inner_texts()), "the page has the order of Python")
    table.press("Home")
    book.until(lambda: book.kernel("picker.selected == picker.table.view()['id'].iloc[0]"), "the first row")
    follows(book)


def test_switching_the_theme_recolours_every_figure(book: Book) -> None:
    light, dark = book.kernel("[palette.LIGHT.paper, palette.DARK.paper]")
    assert set(book.page.evaluate(COLOURS)) == {light}
    book.set_theme("dark")
    book.until(lambda: set(book.page.evaluate(COLOURS)) == {dark}, "all figures are dark")
    book.set_theme("light")
    book.until(lambda: set(book.page.evaluate(COLOURS)) == {light}, "all figures are light")


def test_a_reloaded_page_shows_what_python_holds(book: Book, frontend: Frontend) -> None:
    if frontend.kind != "voila":  # whose pages have a kernel each
        book.save()
        book.python("picker.row = 7; picker.frame = 'observed'")
    book.reload()
    book.ready(10)
    follows(book)
    if frontend.kind != "voila":
        assert book.kernel("picker.selected == sample.ids[7]")
    in_table(book)
    book.page.locator(GRID).first.focus()
    before = book.kernel("picker.selected")
    book.page.keyboard.press("ArrowDown")
    book.until(lambda: book.kernel("picker.selected") != before, "the next row")
    follows(book)
