"""Make the pictures of the gallery and of the cards of tutorials.

    python docs/gallery.py                          # the gallery: each block of code of its page leaves a `figure`
    python docs/gallery.py docs/_build/tutorials    # the cards: from the executed copies that `make tutorials` leaves

Needs playwright and Chromium.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER / "_ext"))
WIDTH = 900
COLOURS = 128  # a third of the size of a picture in full colour
CARD = (900, 560)
SMALL = (480, 299)
CHOSEN = {"01_spectra": 3, "02_train": 1, "06_clusters": 1, "11_injection_and_recovery": 1}
"""Which figure of a tutorial stands on its card, where that is not the first."""


def figures() -> dict[str, Any]:
    """Return the figures of the page by the path of their picture."""
    names: dict[str, Any] = {}
    made: dict[str, Any] = {}
    page = (FOLDER / "gallery.md").read_text("utf-8")
    for block, path in re.findall(r"```python\n(.*?)```(?:\s*!\[[^\]]*\]\(([^)]+)\))?", page, flags=re.S):
        exec(compile(block, "gallery.md", "exec"), names)
        if path:
            made[path] = names.pop("figure")
    return made


def gallery() -> Iterator[tuple[str, str]]:
    """Yield the pictures of the gallery, and the page of each."""
    from specanom.plots import to_html

    for name, figure in figures().items():
        yield name, to_html(figure)


def cards(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the pictures of the cards, light and dark, and the page of each."""
    import drawn
    import executed

    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        shown = [output.data.get("text/html", "") for cell in executed.read(path).cells
                 for output in cell.get("outputs", ()) if "data" in output]
        pages = [page for text in shown for page in drawn.pages_in(text)]
        if pages:
            page = pages[CHOSEN.get(path.stem, 0)]
            yield f"images/tutorials/{path.stem}.png", page
            yield f"images/tutorials/{path.stem}-dark.png", drawn.darkened(page)


def draw(pages: Iterator[tuple[str, str]], *, card: bool) -> None:
    """Draw pages in Chromium, whole or as much as a card shows, and write their pictures."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        window = browser.new_page(viewport={"width": WIDTH, "height": CARD[1] if card else 300})
        for name, text in pages:
            page = Path(folder) / "figure.html"
            page.write_text(text, encoding="utf-8")
            window.goto(page.as_uri())
            window.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents.every(d => d.is_idle)")
            target = FOLDER / name
            target.parent.mkdir(parents=True, exist_ok=True)
            window.screenshot(path=target, full_page=not card)
            picture = Image.open(target).convert("RGB")
            if card:
                picture = picture.resize(SMALL, Image.Resampling.LANCZOS)
            picture.quantize(COLOURS).save(target, optimize=True)
            sys.stdout.write(f"{name}: {target.stat().st_size / 1000:.0f} kB\n")
        browser.close()


if __name__ == "__main__":
    if sys.argv[1:]:
        draw(cards(Path(sys.argv[1])), card=True)
    else:
        draw(gallery(), card=False)
