"""Figures in headless Chromium without a network: they draw, ask for nothing, inject nothing, and lay labels out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bokeh.models import Range1d

import specanom.plots as plots
from specanom.lines import LINES
from specanom.plots.output import pointed_colours
from specanom.plots.theme import canvas
from specanom.spectrum import Spectrum

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=window.pwned=1>$$x$$</script><script>window.pwned=2</script>"


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1200, "height": 800}, offline=True)
    made = context.new_page()
    made.asked, made.failed = [], []
    made.on("request", lambda r: made.asked.append(r.url) if r.url.startswith(("http", "ws")) else None)
    made.on("pageerror", lambda error: made.failed.append(str(error)))
    yield made
    assert made.asked == []
    assert made.failed == []
    context.close()


def spectrum() -> Spectrum:
    wave = np.linspace(3600.0, 7400.0, 3000)
    flux = np.ones(3000) + 5 * np.exp(-0.5 * ((wave - 6564.6) / 4) ** 2)
    return Spectrum(wave, flux, np.full(3000, 100.0), z=0.1, id=HOSTILE, frame="rest", scale="normalised")


def labels(page: Any) -> list[str]:
    shown: list[str] = page.evaluate("""() => {
      const d = Bokeh.documents[0].get_model_by_name('lines').data
      return d.label.filter((_, i) => d.alpha[i] > 0) }""")
    return shown


def test_a_saved_page_draws_offline_and_names_more_lines_when_zoomed(page: Any, tmp_path: Path) -> None:
    path = plots.save_html(plots.spectrum(spectrum(), np.ones(3000), theme="dark"), tmp_path / "page.html", HOSTILE)
    page.goto(path.as_uri())
    page.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle")
    before = labels(page)
    assert {"Hα", "[O III]", "Hβ"} <= set(before)
    page.evaluate("""() => { for (const m of Bokeh.documents[0]._all_models.values())
        if (m.type == 'Range1d' && m.start > 3000 && m.start < 4000) m.setv({start: 6500, end: 6800}) }""")
    page.wait_for_timeout(200)
    assert sorted(labels(page)) == ["Hα", "[N II]", "[N II]", "[S II]", "[S II]"]
    assert len(LINES) > len(before)
    assert page.evaluate("window.pwned") is None


BOX = """() => {
  const box = document.querySelector(".bk-Tooltip")
  const label = box?.shadowRoot.querySelector(".bk-tooltip-row-label"), value = label?.nextElementSibling
  return label ? [getComputedStyle(box).backgroundColor, getComputedStyle(label).color, getComputedStyle(value).color]
               : null }"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_the_pointer_tells_in_a_saved_page_has_the_colours_of_its_theme(page: Any, tmp_path: Path,
                                                                            theme: str) -> None:
    path = plots.save_html(plots.spectrum(spectrum(), theme=theme), tmp_path / "page.html")
    page.goto(path.as_uri())
    page.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle")
    page.mouse.move(500, 250)
    page.mouse.move(520, 260, steps=4)
    page.wait_for_function(BOX)
    colours = pointed_colours(theme)
    assert page.evaluate(BOX) == [rgb(colours[role]) for role in ("paper", "names", "ink")]


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[i:i + 2], 16)) for i in (1, 3, 5))})"


def test_embedded_figures_share_one_library(page: Any, tmp_path: Path) -> None:
    script, divs = plots.embed({"a": plots.spectrum(spectrum()), "b": plots.spectrum(spectrum(), unit="nm")})
    thumbnail = spectrum()._repr_html_()
    path = tmp_path / "report.html"
    path.write_text(f"<!doctype html><meta charset='utf-8'><body>{''.join(divs.values())}{thumbnail}"
                    f"{plots.resources()}{script}</body>", encoding="utf-8")
    page.goto(path.as_uri())
    page.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle")
    assert page.evaluate("Bokeh.documents[0].roots().length") == 2
    assert page.evaluate("window.pwned") is None
    assert page.locator("svg text").first.text_content().startswith(HOSTILE)


@pytest.mark.parametrize(("span", "expected"), [
    ((0.7, 50.0), [1, 2, 5, 10, 20, 50]), ((0.0007, 0.04), [0.001, 0.002, 0.005, 0.01, 0.02]),
    ((1e-7, 10.0), [10.0**power for power in range(-7, 2)]), ((8.5, 9.3), [8.5, 8.6, 8.7, 8.8, 8.9, 9, 9.1, 9.2, 9.3]),
])
def test_ticks_are_round_numbers_over_the_whole_axis(
    span: tuple[float, float], expected: list[float], tmp_path: Path, page: Any
) -> None:
    made = canvas("light", options={"x_axis_type": "log", "x_range": Range1d(*span), "sizing_mode": "fixed",
                                    "width": 600})
    made.line(list(span), [0, 1])
    saved = plots.save_html(made, tmp_path / "figure.html")
    page.goto(saved.as_uri())
    page.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents.every(d => d.is_idle)")
    ticks = page.evaluate("id => Bokeh.documents[0].get_model_by_id(id).ticks", made.xaxis[0].ticker.id)
    np.testing.assert_allclose(ticks, expected, rtol=1e-9)
