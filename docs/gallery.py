"""Make the pictures of the gallery from its page: each block of code leaves a `figure`, the picture below shows it.

    python docs/gallery.py

Needs playwright and Chromium.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
WIDTH = 900
COLOURS = 128  # a third of the size of a picture in full colour


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


def draw(made: dict[str, Any]) -> None:
    """Draw figures in Chromium, and write their pictures."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    from specanom.plots import save_html

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 300})
        for name, figure in made.items():
            page.goto(save_html(figure, Path(folder) / "figure.html").as_uri())
            page.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents.every(d => d.is_idle)")
            target = FOLDER / name
            target.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=target, full_page=True)
            Image.open(target).convert("RGB").quantize(COLOURS).save(target, optimize=True)
            sys.stdout.write(f"{name}: {target.stat().st_size / 1000:.0f} kB\n")
        browser.close()


if __name__ == "__main__":
    draw(figures())
