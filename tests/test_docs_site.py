"""The site of the documentation builds without a warning, its links lead somewhere, and it needs no network."""

from __future__ import annotations

import doctest
import html
import importlib
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import nbformat
import numpy as np
import pytest

import specanom
from specanom.plots import THEMES, show
from specanom.spectrumset import SpectrumSet
from tests.guides import ROOT

pytest.importorskip("sphinx")
pytest.importorskip("myst_parser")
pytest.importorskip("pydata_sphinx_theme")

LOADS = {"link": "href", "script": "src", "img": "src", "div": "data-file"}
SHOWN = "01_spectra.ipynb"
"""The tutorial that has an executed copy in these tests, of one figure; all others have none."""
WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "specanom").rglob("*.py") if ">>>" in path.read_text(encoding="utf-8"))


class Page:
    """What a page links to, what it loads, and where one may link to in it."""

    def __init__(self, path: Path) -> None:
        self.path, self.links, self.loads, self.ids, self.equations = path, [], [], {""}, 0
        for tag, inside in re.findall(r"<([a-z0-9]+)(\s[^<>]*)?>", path.read_text(encoding="utf-8")):
            self.see(tag, {name: html.unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', inside)})

    def see(self, tag: str, told: dict[str, str]) -> None:
        self.ids.add(told.get("id", ""))
        self.equations += tag == "math"
        if tag == "a" and told.get("href"):
            self.links.append(told["href"])
        if tag in LOADS and told.get(LOADS[tag]) and told.get("rel") not in ("canonical", "search"):
            self.loads.append(told[LOADS[tag]])


def built(folder: Path, builder: str) -> subprocess.CompletedProcess[str]:
    """Build a copy of the pages, so that nothing is written into the checkout."""
    left = [folder / "docs" / name for name in ("_build", "api", "tutorials")]
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=lambda at, _: {
        one.name for one in left if Path(at) == ROOT / "docs"}, dirs_exist_ok=True)
    command = [sys.executable, "-m", "sphinx", "-W", "-n", "--keep-going", "-q", "-b", builder,
               "-D", f"tutorials_folder={ROOT / 'tutorials'}", "-D", f"tutorials_executed={folder / 'executed'}",
               folder / "docs", folder / builder]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=ROOT, check=False)


def execute(folder: Path) -> None:
    """Write what an executed copy of a tutorial would be, whose first code showed a figure."""
    folder.mkdir()
    book = nbformat.read(ROOT / "tutorials" / SHOWN, as_version=4)
    figure = show(SpectrumSet(np.linspace(4000, 5000, 50), np.ones((1, 50)))[0].plot())
    data = {"text/html": figure._repr_html_(), "text/plain": repr(figure)}
    next(cell for cell in book.cells if cell.cell_type == "code").outputs.append(
        nbformat.v4.new_output("execute_result", data, execution_count=1))
    nbformat.write(book, folder / SHOWN)


def lost_of(site: dict[str, Page]) -> list[str]:
    """Return what pages link to or load that is not in the site."""
    by_path = {page.path: page for page in site.values()}
    lost = []
    for name, page in site.items():
        for link in page.links + page.loads:
            target, _, place = link.partition("#")
            if ":" in target.split("/")[0] or name.startswith("_"):
                continue
            path = (page.path.parent / unquote(target.partition("?")[0])).resolve() if target else page.path
            known = by_path.get(path)
            if not path.exists() or (known and unquote(place) not in known.ids):
                lost.append(f"{name}: {link}")
    return lost


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """The pages by their path in the site."""
    folder = tmp_path_factory.mktemp("site")
    execute(folder / "executed")
    done = built(folder, "html")
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return {str(path.relative_to(folder / "html")): Page(path) for path in (folder / "html").rglob("*.html")}


@pytest.mark.slow
def test_every_link_of_the_site_leads_somewhere(site: dict[str, Page]) -> None:
    lost = lost_of(site)
    assert lost == [], lost[:20]


@pytest.mark.slow
def test_pages_load_nothing_from_the_network(site: dict[str, Page]) -> None:
    assert {load for page in site.values() for load in page.loads if load.startswith(("http", "//"))} == set()
    assert site["method.html"].equations > 20


@pytest.mark.slow
def test_every_tutorial_has_a_page_that_says_when_its_figures_are_missing(site: dict[str, Page]) -> None:
    index = site["tutorials.html"].path.read_text("utf-8")
    for path in sorted((ROOT / "tutorials").glob("[0-9][0-9]_*.ipynb")):
        page = site[f"tutorials/{path.stem}.html"].path.read_text("utf-8")
        assert ("Without its figures" in page) == (path.name != SHOWN), path.name
        assert "<summary>Solution</summary>" in page
        assert f'href="tutorials/{path.stem}.html"' in index


@pytest.mark.slow
def test_a_figure_is_drawn_from_files_alone_in_the_colours_of_the_page(site: dict[str, Page], visit: Any) -> None:
    page = visit.open(site[f"tutorials/{SHOWN.removesuffix('.ipynb')}.html"].path)
    papers = []
    for theme in ("dark", "light"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        page.wait_for_function(f"document.querySelector('.drawn').dataset.drawn === '{theme}'")
        page.wait_for_function("Bokeh.documents.at(-1).is_idle")
        papers.append(page.evaluate(
            "[...Bokeh.documents.at(-1)._all_models.values()].find(one => one.border_fill_color).border_fill_color"))
    assert papers == [THEMES["dark"].paper, THEMES["light"].paper]
    assert visit.asked == visit.failed == []


@pytest.mark.slow
def test_every_public_name_has_a_page(site: dict[str, Page]) -> None:
    rooms = {f"specanom.{name}": importlib.import_module(f"specanom.{name}") for name in specanom._ROOMS}
    documented = {place for page in site.values() for place in page.ids}
    for name in specanom.__all__:
        if name != "__version__":
            assert {f"specanom.{name}", f"module-specanom.{name}"} & documented, name
    for room, module in rooms.items():
        text = site[f"api/{room.removeprefix('specanom.')}.html"].path.read_text("utf-8")
        missing = [name for name in getattr(module, "__all__", ()) if f">{name}<" not in text]
        assert {f"module-{room}.{name}" for name in missing} <= documented, room


@pytest.mark.slow
def test_examples_of_the_pages_are_true(tmp_path: Path) -> None:
    done = built(tmp_path, "doctest")
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_examples_in_docstrings() -> None:
    assert len(WITH_EXAMPLES) > 20
    assert set(WITH_EXAMPLES) <= {one.name for one in pkgutil.walk_packages(specanom.__path__, "specanom.")}


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_of_docstrings_are_true(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = doctest.testmod(importlib.import_module(module))
    assert done.failed == 0
