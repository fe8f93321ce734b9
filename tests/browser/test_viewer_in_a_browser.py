"""The viewer of one spectrum in JupyterLab, Notebook 7 and Voilà: sliders and keys move the lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.browser.frontends import Book

pytestmark = pytest.mark.browser

MAKE = """
import numpy as np
import specanom as sa
wave = np.linspace(3800.0, 9000.0, 1200)
flux = 1.0 + 5.0 * np.exp(-0.5 * ((wave / 1.1 - 6564.6) / 4.0) ** 2)
spectrum = sa.Spectrum(wave, flux, ivar=np.full(wave.size, 400.0), z=0.1, id="<img src=x onerror=alert(1)>")
viewer = spectrum.interact()
viewer
"""


@pytest.fixture(scope="module")
def book(open_notebook: Any) -> Book:
    return open_notebook([MAKE])


@pytest.fixture(autouse=True)
def nothing_went_wrong(book: Book) -> Iterator[None]:
    yield
    assert book.kernel("repr(viewer.error)") == "None"
    assert book.page.locator("img[src=x]").count() == 0
    book.guard.check()


def places(book: Book) -> dict[str, float]:
    """Return where the lines are in the page."""
    return dict(zip(book.data("lines", "name")[0], book.data("lines", "x")[0], strict=True))


def test_it_appears_with_its_lines_where_the_redshift_puts_them(book: Book) -> None:
    assert places(book)["Hα"] == pytest.approx(6564.6 * 1.1, abs=1.0)
    assert len(places(book)) > 10


@pytest.mark.parametrize("slider", ["1 + z", "Δv (km/s)"])
def test_keys_on_a_slider_move_the_lines(book: Book, slider: str) -> None:
    before = places(book)
    handle = book.slider(slider)

    def followed() -> bool:
        share, now = (1.0 + book.kernel("viewer.z")) / 1.1, places(book)
        return all(np.isclose(now[name], before[name] * share, rtol=1e-6) for name in ("Hα", "Hβ", "Mg b"))

    for _ in range(3):  # one at a time: a value still on its way to Python would arrive after the click below
        z = book.kernel("viewer.z")
        handle.press("ArrowRight")
        book.until(lambda z=z: book.kernel("viewer.z") > z, "a higher redshift in Python")
        book.until(followed, "the lines follow")
    book.page.get_by_role("button", name="as given").click()
    book.until(lambda: places(book)["Hα"] == pytest.approx(before["Hα"]), "the lines are back")


def test_keys_turn_to_rest_and_smooth(book: Book) -> None:
    book.page.get_by_role("button", name="as given").focus()
    x, y = (np.array(book.data("flux", name)[0], dtype=float) for name in ("x", "y"))
    book.page.keyboard.press("f")
    book.until(lambda: np.allclose(np.array(book.data("flux", "x")[0], dtype=float), x / 1.1, rtol=1e-5), "at rest")
    book.page.keyboard.press("f")
    book.until(lambda: np.allclose(np.array(book.data("flux", "x")[0], dtype=float), x, rtol=1e-5), "as observed")
    book.page.keyboard.press("s")
    book.until(lambda: max(book.data("flux", "y")[0]) < 0.999 * y.max(), "smoothed")
    book.page.keyboard.press("s")
    book.until(lambda: max(book.data("flux", "y")[0]) == pytest.approx(y.max()), "as it was")


def test_a_redshift_is_typed_and_what_is_no_redshift_is_told(book: Book) -> None:
    field = book.page.get_by_label("z", exact=True).and_(book.page.locator("input")).first
    field.fill("0,12")
    field.press("Enter")
    book.until(lambda: book.kernel("viewer.z") == 0.12, "the redshift in Python")
    book.until(lambda: field.input_value() == "0.120000", "the redshift in the page, as Python writes it")
    field.fill("far <b>away</b>")
    field.press("Enter")
    box = book.page.locator(".specanom-error [role=alert]").first
    box.wait_for(state="visible")
    assert "far <b>away</b>" in box.inner_text()
    book.page.get_by_role("button", name="as given").click()
    book.until(lambda: book.kernel("viewer.z") == 0.1, "back")
    book.until(lambda: not box.is_visible(), "the box is gone")
