"""Notebooks become pages: text and code as they are, results where there are any, links that lead into the site."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest

from benchmarks import tutorials
from specanom.plots import show
from specanom.plots.palette import DARK, LIGHT
from specanom.plots.theme import canvas
from tests.guides import ROOT


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The part of the documentation that writes pages of notebooks."""
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    place = importlib.util.find_spec("executed")
    assert place is not None
    assert place.loader is not None
    module = importlib.util.module_from_spec(place)
    monkeypatch.setitem(sys.modules, "executed", module)
    place.loader.exec_module(module)
    return module


def book_of(*cells: Any) -> Any:
    """A notebook with a title, and these cells."""
    first = nbformat.v4.new_markdown_cell("# 7 Title\n\nYou will learn\none thing. It takes a minute.\n\nMore.")
    return nbformat.v4.new_notebook(cells=[first, *cells])


def code(source: str, *outputs: Any) -> Any:
    return nbformat.v4.new_code_cell(source, outputs=list(outputs))


def result(**data: str) -> Any:
    return nbformat.v4.new_output("display_data", {name.replace("_", "/"): text for name, text in data.items()})


def text_of(page: Any) -> str:
    return "\n".join(page.lines)


def test_a_copy_counts_only_when_it_is_of_the_same_text_and_ran(executed: ModuleType, tmp_path: Path) -> None:
    book, path = book_of(code("1 + 1")), tmp_path / "copy.ipynb"
    assert executed.copy_of(book, path) is None
    for source, output, counts in (("1 + 1", result(text_plain="2"), True), ("1 + 2", result(text_plain="3"), False),
                                   ("1 + 1", nbformat.v4.new_output("error", ename="E", evalue=""), False)):
        nbformat.write(book_of(code(source, output)), path)
        assert (executed.copy_of(book, path) is not None) == counts
    nbformat.write(book, path)
    assert executed.copy_of(book, path) is None, "it was never run"


def test_a_page_has_text_code_and_what_was_shown(executed: ModuleType) -> None:
    printed = nbformat.v4.new_output("stream", text="\x1b[31m10%\r100%\x1b[0m <done>\n")
    table = result(text_html="<style scoped>td {color: red}</style><table><tr><td>4</td></tr></table>")
    copy = book_of(code("print(1)", printed), code("table", table), code("%pip list"), code(""))
    page = executed.written(book_of(), copy, name="07_title", folder="beside")
    text = text_of(page)
    assert (page.title, page.sentence) == ("7 Title", "You will learn one thing.")
    assert '<pre class="printed">100% &lt;done&gt;</pre>' in text
    assert '<div class="output"><table><tr><td>4</td></tr></table></div>' in text
    assert "python\nprint(1)" in text
    assert "text\n%pip list" in text
    assert "Without its figures" not in text
    assert 'href="beside/07_title.ipynb"' in text


def test_a_page_without_a_copy_says_so(executed: ModuleType) -> None:
    page = executed.written(book_of(code("print(1)")), None, name="07_title", folder="beside")
    assert "Without its figures" in text_of(page)
    assert page.files == page.parts == {}


def test_a_figure_leaves_bokeh_to_a_file_of_its_own(executed: ModuleType) -> None:
    figure = show(canvas("light", "Two <words>"))
    copy = book_of(code("figure", result(text_html=figure._repr_html_())), code("again", result(
        text_html=show(canvas("light", "Another"))._repr_html_())))
    page = executed.written(book_of(), copy, name="07_title", folder="beside")
    assert list(page.files) == ["07_title-1.js", "07_title-2.js"]
    assert len(page.parts) == 1, "both share one BokehJS"
    assert max(map(len, page.files.values())) < 50_000 < min(map(len, page.parts.values()))
    assert "Two <words>" in page.files["07_title-1.js"]
    assert 'data-file="beside/07_title-2.js"' in text_of(page)
    assert LIGHT.ink in page.files["07_title-1.js"]
    assert f'"{LIGHT.ink}": "{DARK.ink}"' in executed.drawn.colours()


def test_a_dashboard_is_told_of(executed: ModuleType) -> None:
    live = nbformat.v4.new_output("display_data", {executed.LIVE: {"model_id": "1"}, "text/plain": "LimeTuner()"})
    text = text_of(executed.written(book_of(), book_of(code("tuner", live)), name="07_title", folder="beside"))
    assert "needs a running kernel" in text
    assert "LimeTuner()" not in text


@pytest.mark.parametrize(("written", "led"), [
    ("[next](08_own.ipynb)", "[next](08_own.md)"), ("[this](../docs/widgets.md#keys)", "[this](../widgets.md#keys)"),
    ("the [stages](../notebooks)", "the stages"), ("[web](https://example.org/a)", "[web](https://example.org/a)"),
    ("[below](#more)", "[below](#more)"), ("lines [O III] (two)", "lines [O III] (two)")])
def test_links_lead_into_the_site(executed: ModuleType, written: str, led: str) -> None:
    assert executed.linked(written) == led


def test_a_copy_is_missing_until_it_carries_the_time_of_its_tutorial(tmp_path: Path) -> None:
    path, copy = tmp_path / "01_a.ipynb", tmp_path / "out.ipynb"
    path.write_text("{}")
    assert not tutorials.current(path, copy)
    copy.write_text("{}")
    os.utime(copy, ns=(1, path.stat().st_mtime_ns))
    assert tutorials.current(path, copy)
    os.utime(path, ns=(1, 1))
    assert not tutorials.current(path, copy)
