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
from urllib.parse import unquote

import pytest

import specanom
from tests.guides import ROOT

pytest.importorskip("sphinx")
pytest.importorskip("myst_parser")
pytest.importorskip("pydata_sphinx_theme")

LOADS = {"link": "href", "script": "src", "img": "src"}
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
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("_build", "api"), dirs_exist_ok=True)
    command = [sys.executable, "-m", "sphinx", "-W", "-n", "--keep-going", "-q", "-b", builder,
               folder / "docs", folder / builder]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """The pages by their path in the site."""
    folder = tmp_path_factory.mktemp("site")
    done = built(folder, "html")
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return {str(path.relative_to(folder / "html")): Page(path) for path in (folder / "html").rglob("*.html")}


@pytest.mark.slow
def test_every_link_of_the_site_leads_somewhere(site: dict[str, Page]) -> None:
    by_path = {page.path: page for page in site.values()}
    lost = []
    for name, page in site.items():
        for link in page.links:
            target, _, place = link.partition("#")
            if ":" in target.split("/")[0] or name.startswith("_"):
                continue
            path = (page.path.parent / unquote(target)).resolve() if target else page.path
            known = by_path.get(path)
            if not path.exists() or (known and unquote(place) not in known.ids):
                lost.append(f"{name}: {link}")
    assert lost == [], lost[:20]


@pytest.mark.slow
def test_pages_load_nothing_from_the_network(site: dict[str, Page]) -> None:
    assert {load for page in site.values() for load in page.loads if load.startswith(("http", "//"))} == set()
    assert site["method.html"].equations > 20


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
