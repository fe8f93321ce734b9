from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from bokeh.document.models import DocumentModelManager
from bokeh.layouts import column, row
from bokeh.models import ColumnDataSource

import specanom.plots as plots
from specanom.plots.output import embed, pointed_colours, save_html
from specanom.plots.palette import DARK, LIGHT, palette
from specanom.plots.theme import canvas

from .conftest import HOSTILE, emission_galaxy, explained

FETCHED = re.compile(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)\s*=""", re.IGNORECASE)


def test_a_page_is_self_contained(galaxy, tmp_path):
    path = plots.save_html(plots.spectrum(galaxy), tmp_path / "page.html")
    page = path.read_text(encoding="utf-8")
    assert not FETCHED.search(page)
    assert "cdn.bokeh.org" not in page
    assert len(page) < 2_500_000
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_a_page_that_cannot_be_written_leaves_nothing(galaxy, tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        plots.save_html(plots.spectrum(galaxy), tmp_path / "taken")
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_figures_are_gone_through_once_however_many_there_are(monkeypatch):
    counted = []
    recompute = DocumentModelManager.recompute
    monkeypatch.setattr(DocumentModelManager, "recompute", lambda self: (counted.append(self), recompute(self))[1])
    made = {f"f{i}": canvas("light", f"figure {i}") for i in range(6)}
    script, divs = embed(made)
    assert len(counted) <= 2
    assert list(divs) == list(made)
    assert all(f"figure {i}" in script and made[f"f{i}"].id in divs[f"f{i}"] + script for i in range(6))
    again, _ = embed(made)
    assert len(again) == len(script)


def test_embed_gives_one_script_and_a_div_each(galaxy):
    script, divs = plots.embed({"a": plots.spectrum(galaxy), "b": plots.explanation(explained(galaxy))})
    assert list(divs) == ["a", "b"]
    assert all(re.match(r"<div id=\"[\w-]+\"", div.strip()) for div in divs.values())
    assert script.count("<script") == 1
    assert plots.embed({}) == ("", {})


def test_resources_are_inline_and_only_the_core():
    text = plots.resources()
    assert not FETCHED.search(text)
    assert "cdn.bokeh.org" not in text
    assert 500_000 < len(text) < 2_000_000


def test_hostile_ids_inject_nothing():
    s = emission_galaxy(id=HOSTILE)
    for page in (plots.to_html(plots.spectrum(s), title=HOSTILE), plots.to_html(plots.explanation(explained(s)))):
        assert "<img" not in page
        assert "</script><b>" not in page
        assert "mathjax" not in page.lower().split("</head>")[0][-5000:]
    script, _ = plots.embed({"x": plots.spectrum(s)})
    assert "<img" not in script
    assert script.count("</script>") == 1


def test_show_puts_the_page_in_a_frame(galaxy):
    shown = plots.show(plots.spectrum(galaxy, np.ones(len(galaxy))))
    html = shown._repr_html_()
    assert html.startswith('<iframe srcdoc="')
    assert "<script" not in html  # escaped: it runs inside the frame only
    assert "height:574px" in html, "two panels and the margins of the page"
    assert "ResizeObserver" in html, "it takes the height that the page has"
    assert "figure" in repr(shown)


def test_what_stands_beside_each_other_is_as_high_as_the_highest(galaxy):
    one, two = plots.spectrum(galaxy), plots.spectrum(galaxy, np.ones(len(galaxy)))
    assert "height:574px" in plots.show(row(one, two))._repr_html_()
    assert "height:934px" in plots.show(column(plots.spectrum(galaxy), row(plots.spectrum(galaxy), plots.spectrum(
        galaxy, np.ones(len(galaxy))))))._repr_html_()


def _colours(layout) -> set[str]:
    found: set[str] = set()
    for model in layout.references():
        for name in model.properties():
            value = getattr(model, name) if "color" in name else None
            found |= {value} if isinstance(value, str) and value.startswith("#") else set()
        if isinstance(model, ColumnDataSource):
            found |= set(model.data.get("color", []))
    return found


def _drawn(s, theme: str):
    return plots.explanation(explained(s), s, theme=theme)


@pytest.mark.parametrize(("start", "end"), [("light", "dark"), ("dark", "light")])
def test_restyle_gives_the_colours_a_figure_drawn_in_that_theme_has(galaxy, start, end):
    turned = plots.restyle(_drawn(galaxy, start), end)
    assert _colours(turned) == _colours(_drawn(galaxy, end))
    assert palette(start).paper not in _colours(turned)


def test_every_role_has_its_own_colour():
    for theme in (LIGHT, DARK):
        colours = [value for value in vars(theme).values() if value.startswith("#")]
        assert len(set(colours)) == len(colours)
        assert len(set(theme.categories)) == 12


def _contrast(first: str, second: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_can_be_read_in_both_themes(theme):
    assert _contrast(theme.ink, theme.paper) > 7
    assert _contrast(theme.muted, theme.paper) > 4.5
    assert all(_contrast(colour, theme.paper) > 2.5 for colour in theme.categories)


def test_the_map_of_the_room_is_what_it_exports():
    assert set(plots.__all__) == set(dir(plots))
    for name in plots.__all__:
        assert getattr(plots, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        plots.nothing  # noqa: B018


def test_nothing_is_logged_when_figures_with_callbacks_are_written(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    source = ColumnDataSource({"x": [0.0, 1.0], "y": [0.0, 1.0]})
    made = canvas("light", "with a callback")
    made.line("x", "y", source=source)
    source.selected.on_change("indices", lambda _attr, _old, _new: None)
    save_html(made, tmp_path / "one.html")
    embed({"one": made})
    assert caplog.records == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_in_figures_can_be_read(theme: str) -> None:
    colours = palette(theme)
    for role in ("ink", "muted", "blue", "absorption", "ultraviolet", "airglow"):
        assert contrast(getattr(colours, role), colours.paper) >= 4.5, role


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_the_pointer_tells_can_be_read_in_saved_pages_of_both_themes(theme: str, galaxy) -> None:
    colours = pointed_colours(theme)
    for role in ("ink", "names"):
        assert contrast(colours[role], colours["paper"]) >= 4.5, role
    assert (contrast(colours["paper"], "#ffffff") > 10) is (theme == "dark")
    for page in (plots.to_html(plots.spectrum(galaxy, theme=theme)), plots.resources(theme)):
        assert f"--tooltip-color: {colours['paper']}" in page
        assert f"--tooltip-text: {colours['ink']}" in page
        assert f".bk-tooltip-row-label {{ color: {colours['names']} }}" in page


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours as WCAG 2.1 has it."""
    low, high = sorted(luminance(colour) for colour in (first, second))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb``."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
