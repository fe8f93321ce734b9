"""Front ends and notebooks for browser tests.

``frontend`` is each front end in turn; a test that needs one only says ``@pytest.mark.parametrize("frontend", ["lab"],
indirect=True)``. ``open_notebook(cells)`` opens a notebook there and returns it as a ``Book``; the page is closed at
the end of the module, where nothing outside the machine may have been asked for and no page may have raised.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specanom as sa
from tests.browser.explorers import Page
from tests.browser.frontends import KINDS, Book, Frontend
from tests.foreign.hostile import PAYLOADS, hostile
from tests.headless import headless
from tests.once import once
from tests.widgets.finished import finish, linked, small_run

_NAMES = itertools.count()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Fail when groups do not hold: tests of a module share a page, so that half of them elsewhere mean nothing."""
    if not getattr(config.option, "loadgroup", False):
        return
    loose = [item.nodeid for item in items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid]
    if loose:
        raise pytest.UsageError(f"pytest-xdist does not see the groups of tests (of {loose[0]} and {len(loose) - 1} "
                                "more): is this pytest newer than it knows?")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """One for all modules here. None beyond: other tests have loops of asyncio of their own."""
    yield from headless()


@pytest.fixture(scope="session", params=[pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in KINDS])
def frontend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Frontend]:
    """A running front end; its tests run one after the other, on one worker."""
    server = Frontend(request.param, tmp_path_factory.mktemp(request.param)).start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, small; nothing may be written into it."""
    return small_run(tmp_path_factory)


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose objects, classes and parameters are named by a stranger; nothing may be written into it."""
    def make(folder: Path) -> None:
        made = sa.Preprocessor().fit_transform(sa.surveys.mock(n=60, seed=1))
        table = made.table.copy()
        table["id"] = [text for text in hostile(len(table) + 8) if text == text.strip().rstrip("\0")][: len(table)]
        for column in ("class", "subclass", "path"):
            table[column] = [PAYLOADS[k % len(PAYLOADS)] for k in range(len(table))]
        arrays = {name: np.asarray(getattr(made, name)) for name in ("ivar", "imputed")
                  if getattr(made, name) is not None}
        sample = sa.SpectrumSet(made.wave, made.flux, table=table, frame=made.frame, scale=made.scale, **arrays)
        finish(folder, sample, path="/data/" + PAYLOADS[1])

    return once(tmp_path_factory, "run of a stranger", make)


@pytest.fixture(scope="module")
def own_run(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run, with a place of its own for labels."""
    return linked(finished, tmp_path_factory.mktemp("own") / "run")


@pytest.fixture(scope="module")
def open_notebook(chromium: Any, frontend: Frontend) -> Iterator[Callable[..., Book]]:
    """Open a notebook of code cells and run it: ``open_notebook(cells, figures=2, width=1280, height=900)``."""
    books: list[Book] = []

    def opened(cells: Sequence[str], *, figures: int = 1, width: int = 1280, height: int = 900,
               theme: str = "light") -> Book:
        context = chromium.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
        book = Book(frontend, context.new_page(), f"book{next(_NAMES)}.ipynb")
        books.append(book)
        book.write(cells)
        book.open(theme=theme).ready(figures)
        return book

    yield opened
    for book in books:
        book.close()
        book.page.context.close()
    for book in books:
        book.guard.check()


@pytest.fixture
def opened(chromium: Any) -> Iterator[Page]:
    """A page for an explorer, without a network; nothing may be asked for and nothing may fail."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, offline=True, accept_downloads=True,
                                   color_scheme="light", reduced_motion="reduce")
    page = context.new_page()
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None)
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on("console", lambda said: failed.append(said.text) if said.type == "error" else None)
    yield Page(page)
    assert page.evaluate("window.pwned") is None
    assert asked == []
    assert failed == []
    context.close()
