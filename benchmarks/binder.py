"""What a visitor of Binder costs: JupyterLab by ``binder/start``, and tutorials run in it with their widgets alive.

    python -m benchmarks.binder [--json benchmarks/results/binder.json] [--shots FOLDER]

A copy of ``tutorials/`` is opened as Binder opens it (``lab/tree/tutorials``) in headless Chromium. The tutorials
with a dashboard are run there one after the other, and a slider of each dashboard is moved; none is closed, as by a
visitor who leaves all of them open. Told is the most that the server and its kernels hold at a time up to then:
Pss, in which pages that several processes share count once, and the sum of resident sets. The browser is the
visitor's own and does not count. Linux only.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks._watch import Looking
from tests.browser.frontends import Book, Frontend
from tests.headless import headless

ROOT = Path(__file__).resolve().parent.parent
START = ROOT / "binder" / "start"
BUDGET = 2.0e9
"""Bytes that mybinder.org allows a visitor."""
LIMIT = 900.0
"""Seconds after which a tutorial counts as stuck: a machine that others use is slow."""
TUTORIALS = {"05_tune": ("Segments", "len(tuner.explanation.weights)"), "06_clusters": ("k", "inspector.k")}
"""The tutorials with a dashboard: a slider of it, and what follows the slider in Python."""


class Binder(Frontend):
    """JupyterLab as ``binder/start`` starts it, with its root where the image has the checkout."""

    def _command(self) -> list[str]:
        return [str(START), *super()._command()]

    def _environment(self) -> dict[str, str]:
        told = super()._environment()
        return {name: value for name, value in told.items() if name not in ("OMP_NUM_THREADS", "JUPYTER_PATH")}

    @property
    def pid(self) -> int:
        """Of the server: ``binder/start`` has made way for it."""
        assert self._process is not None
        return self._process.pid


class Look(Looking):
    """Looks at the memory of a process and its children now and then, in a thread.

    Attributes
    ----------
    pss, rss : int
        The most bytes at a time.
    """

    def __init__(self, pid: int) -> None:
        self.pss = self.rss = 0
        super().__init__(pid)

    def look(self) -> None:
        """Look once."""
        pss, rss = held(self._pid)
        self.pss, self.rss = max(self.pss, pss), max(self.rss, rss)


def held(pid: int) -> tuple[int, int]:
    """Return the bytes that a process and all its children hold: Pss, and the sum of resident sets."""
    pss = rss = 0
    with suppress(psutil.Error):
        first = psutil.Process(pid)
        for one in [first, *first.children(recursive=True)]:
            with suppress(psutil.Error):
                memory = one.memory_full_info()
                pss, rss = pss + memory.pss, rss + memory.rss
    return pss, rss


class Visit:
    """A visitor of Binder: one server, one page.

    Parameters
    ----------
    chromium : Browser
        Of Playwright.
    folder : Path
        For all that the server writes.
    shots : Path, optional
        Folder for pictures of what the visitor sees.
    """

    def __init__(self, chromium: Any, folder: Path, shots: Path | None = None) -> None:
        self.chromium, self.shots = chromium, shots
        self.server = Binder("lab", folder)
        shutil.copytree(ROOT / "tutorials", self.server.notebooks / "tutorials")
        self.server.start()
        self.look = Look(self.server.pid)

    def end(self) -> None:
        """End the server with its kernels."""
        self.look.end()
        self.server.stop()

    def arrive(self) -> dict[str, int]:
        """Open JupyterLab as the badge does; returns what the server holds."""
        page = self._page()
        page.goto(f"{self.server.address}/lab/tree/tutorials?token={self.server.token}")
        page.get_by_role("listitem", name="05_tune.ipynb").or_(page.get_by_text("05_tune.ipynb")).first.wait_for()
        self._shoot(page, "arrived")
        page.context.close()
        return self.peak()

    def run(self, name: str) -> Book:
        """Run a tutorial and move a slider of its dashboard, which must follow."""
        book = Book(self.server, self._page(), f"tutorials/{name}.ipynb")
        book.open(limit=LIMIT).ready()
        slider, followed = TUTORIALS[name]
        before = book.kernel(followed)
        book.slider(slider)
        book.page.keyboard.press("ArrowLeft")
        book.until(lambda: book.kernel(followed) != before, f"the dashboard of {name} follows", LIMIT)
        self._shoot(book.page, name)
        return book

    def peak(self) -> dict[str, int]:
        """Return the most bytes held at a time."""
        return {"pss": self.look.pss, "rss": self.look.rss}

    def _page(self) -> Any:
        return self.chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()

    def _shoot(self, page: Any, picture: str) -> None:
        if self.shots is not None:
            self.shots.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=self.shots / f"{picture}.png")


def measure(chromium: Any, folder: Path, shots: Path | None = None) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield what is open, and the most that was held until then."""
    visit, books = Visit(chromium, folder, shots), list[Book]()
    try:
        yield "JupyterLab", visit.arrive()
        for name in TUTORIALS:
            books.append(visit.run(name))
            yield f"and {name}", visit.peak()
        for book in books:
            book.close()
    finally:
        visit.end()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a table; returns 1 when there was more than Binder lends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.binder", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="file for the numbers")
    parser.add_argument("--shots", type=Path, help="folder for pictures of what a visitor sees")
    told = parser.parse_args(arguments)
    print("| open | Pss, MB | resident, MB |\n|---|---|---|", flush=True)
    found: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory() as folder, contextmanager(headless)() as chromium:
        for name, one in measure(chromium, Path(folder), told.shots):
            found[name] = one
            print(f"| {name} | {one['pss'] / 1e6:.0f} | {one['rss'] / 1e6:.0f} |", flush=True)
    if told.json:
        told.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return int(max(one["pss"] for one in found.values()) > BUDGET)


if __name__ == "__main__":
    sys.exit(main())
