"""Make the pictures of the README: its ten lines in JupyterLab and then the LimeTuner, and the explorer of a run.

    make pictures        # or: PYTHONPATH=. python docs/pictures.py [--out FOLDER] [--run RUN] [--only tuner]

The explorer is that of ``make run``. Needs playwright and Chromium.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.browser.frontends import Book, Frontend
from tests.headless import headless

ROOT = Path(__file__).resolve().parent.parent
SIZE = {"width": 1480, "height": 1160}
WIDTH = 1000
COLOURS, ROUNDS = 255, 3  # small badges would lose theirs without the rounds
LIMIT = 600.0
"""Seconds for the ten lines, on a machine that others use."""
BUDGET = 900_000
"""Bytes of a picture."""


def ten_lines() -> str:
    """Return the code of the README."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), flags=re.S)
    return str(code).strip()


class Film:
    """Frames of a page, and for how many milliseconds each is shown."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.frames: list[Any] = []
        self.times: list[int] = []

    def shoot(self, time: int) -> None:
        """Add what the page shows now."""
        from PIL import Image

        self.book.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        shown = Image.open(io.BytesIO(self.book.page.screenshot())).convert("RGB")
        self.frames.append(shown.resize((WIDTH, shown.height * WIDTH // shown.width), Image.Resampling.LANCZOS))
        self.times.append(time)

    def after(self, act: Callable[[], Any]) -> None:
        """Do something, and wait until Python has explained anew and the page shows it."""
        def weights() -> list[float]:
            return list(self.book.kernel("tuner.explanation.weights.tolist()"))

        before = weights()
        act()
        self.book.until(lambda: weights() != before, "another explanation", LIMIT)
        self.book.until(lambda: self.book.data("weights", "weight")[0] == weights(), "it is in the page", LIMIT)

    def save(self, path: Path) -> Path:
        """Write the frames as a GIF, with one palette for all of them."""
        from PIL import Image

        width, height = self.frames[0].size
        all_of_them = Image.new("RGB", (width, height * len(self.frames)))
        for row, frame in enumerate(self.frames):
            all_of_them.paste(frame, (0, row * height))
        palette = all_of_them.quantize(COLOURS, kmeans=ROUNDS)
        made = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in self.frames]
        made[0].save(path, save_all=True, append_images=made[1:], duration=self.times, loop=0, optimize=True)
        return path


def tuner(book: Book) -> Film:
    """Play it: the ten lines, the tuner, fewer segments and more, another fill, the paper's settings side by side."""
    film, page = Film(book), book.page
    for command in ("application:toggle-left-area", "statusbar:toggle"):
        page.evaluate("command => window.jupyterapp.commands.execute(command)", command)
    page.wait_for_timeout(1000)  # the figure takes the room
    _scroll(book, ".jp-Cell")
    film.shoot(3500)
    _scroll(book, ".jp-Cell:nth-of-type(2), .specanom-dashboard")
    film.shoot(2500)
    handle = book.slider("Segments")
    place = handle.bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in (-4, -8, -12, -8, -4, 4, 10, 4):
        film.after(lambda step=step: page.mouse.move(x + step, y))
        film.shoot(450)
    page.mouse.up()
    film.after(lambda: page.get_by_role("button", name="Reset").first.click())
    film.shoot(800)
    film.after(lambda: page.get_by_label("Fill", exact=True).first.select_option(label="typical"))
    film.shoot(2500)
    page.get_by_role("button", name="Fig. 7").first.click()
    page.wait_for_function("() => document.querySelectorAll('.specanom-pin .specanom-pane[data-ready]').length === 3",
                           timeout=1000 * LIMIT)
    _scroll(book, ".specanom-pin", "end")
    film.shoot(4000)
    return film


def _scroll(book: Book, selector: str, block: str = "start") -> None:
    """Bring what a selector of CSS finds first into view."""
    book.page.evaluate("([selector, block]) => document.querySelector(selector).scrollIntoView({block})",
                       [selector, block])
    book.page.wait_for_timeout(500)


def film(chromium: Any, path: Path) -> None:
    """Play the LimeTuner in a JupyterLab of its own."""
    with tempfile.TemporaryDirectory() as folder:
        server = Frontend("lab", Path(folder)).start()
        try:
            book = Book(server, chromium.new_context(viewport=SIZE, reduced_motion="reduce").new_page(), "odd.ipynb")
            book.write([ten_lines(), "tuner = sa.Explainer(score).tune(oddest, sample=sample)\ntuner"])
            book.open(limit=LIMIT).ready()
            tuner(book).save(path)
            book.close()
        finally:
            server.stop()


def explorer(chromium: Any, run: Path, path: Path) -> None:
    """Take a picture of the explorer of a run, with the oddest object marked by somebody."""
    from PIL import Image

    page = chromium.new_context(viewport={"width": 1500, "height": 1130}, offline=True).new_page()
    page.goto((run / "explorer" / "index.html").absolute().as_uri())
    page.wait_for_selector("html[data-ready=true]", state="attached", timeout=1000 * LIMIT)
    page.get_by_label("You").fill("vera")
    page.get_by_role("button", name="Zoom to points").click()
    page.get_by_role("button", name="interesting").click()
    page.get_by_text("1 object reviewed").wait_for()
    page.wait_for_function("() => Bokeh.documents.every(doc => doc.is_idle)", timeout=1000 * LIMIT)
    page.screenshot(path=path)
    page.context.close()
    Image.open(path).convert("RGB").quantize(COLOURS, kmeans=ROUNDS).save(path, optimize=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the pictures; returns 1 when one is larger than it may be."""
    parser = argparse.ArgumentParser(prog="docs/pictures.py", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images", help="folder (default: docs/images)")
    parser.add_argument("--run", type=Path, default=ROOT / "runs" / "mock", help="finished run (default: runs/mock)")
    parser.add_argument("--only", choices=["tuner", "explorer"], help="one of them")
    told = parser.parse_args(arguments)
    made = {"tuner": told.out / "tuner.gif", "explorer": told.out / "explorer.png"}
    with contextmanager(headless)() as chromium:
        if told.only != "explorer":
            film(chromium, made["tuner"])
        if told.only != "tuner":
            explorer(chromium, told.run, made["explorer"])
    for path in made.values():
        if path.is_file():
            sys.stdout.write(f"{path.name}: {path.stat().st_size / 1000:.0f} kB\n")
    return int(any(path.stat().st_size > BUDGET for path in made.values() if path.is_file()))


if __name__ == "__main__":
    sys.exit(main())
