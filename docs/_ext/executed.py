"""A notebook as a page in MyST: its text, its code, and what an executed copy of it shows."""

from __future__ import annotations

import ast
import html
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import drawn
import nbformat

ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")
PICTURES = {"image/png": "png", "image/jpeg": "jpeg"}
LIVE = "application/vnd.jupyter.widget-view+json"
FENCE = "`" * 12
NOT_RUN = """:::{admonition} Without its figures
:class: caution

No executed copy of this tutorial was at hand when the page was built, so that there is code here and no result.
`make tutorials` executes every tutorial, and `make docs` those whose copy is missing or older than their text.
:::"""
DASHBOARD = ("Here the notebook has a dashboard, which needs a running kernel: "
             "[what the dashboards do](../widgets.md).")


@dataclass
class Page:
    """A page in the making, and the files it needs beside it."""

    name: str
    folder: str
    title: str
    sentence: str
    lines: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Add a block of MyST."""
        self.lines += [text, ""]

    def raw(self, text: str) -> None:
        """Add a block of HTML."""
        self.say(f"{FENCE}{{raw}} html\n{text}\n{FENCE}")


def read(path: Path) -> Any:
    """Return a notebook of format 4."""
    return nbformat.read(path, as_version=4)


def copy_of(book: Any, path: Path) -> Any | None:
    """Return the executed copy of a notebook, or None where there is none, an older one, or one that failed."""
    if not path.is_file():
        return None
    copy = read(path)
    texts = [[(cell.cell_type, cell.source) for cell in one.cells] for one in (book, copy)]
    shown = [output for cell in copy.cells for output in cell.get("outputs", ())]
    failed = any(output.output_type == "error" for output in shown)
    return copy if texts[0] == texts[1] and shown and not failed else None


def opening(book: Any) -> tuple[str, str]:
    """Return the title of a notebook, and its first sentence."""
    heading, _, rest = book.cells[0].source.strip().partition("\n")
    paragraph = " ".join(rest.strip().split("\n\n")[0].split())
    return heading.lstrip("# "), re.split(r"(?<=[.?!]) (?=[A-Z])", paragraph)[0]


def written(book: Any, copy: Any | None, *, name: str, folder: str) -> Page:
    """Return the page of a notebook; `folder` is where its files lie, as seen from the page."""
    page = Page(name, folder, *opening(book))
    for number, cell in enumerate((copy or book).cells):
        if cell.cell_type == "markdown":
            page.say(linked(cell.source))
        elif cell.cell_type == "code" and cell.source.strip():
            page.say(f"{FENCE}{language(cell.source)}\n{cell.source}\n{FENCE}")
            for output in cell.outputs if copy else ():
                show(page, output)
        if number == 0:
            notes(page, copy)
    scripts = [*(f"{folder}/{part}" for part in page.parts), f"{folder}/colours.js", "../_static/figures.js"]
    if page.parts:
        page.raw("\n".join(f'<script src="{path}"></script>' for path in scripts))
    return page


def notes(page: Page, copy: Any | None) -> None:
    """Say where the notebook is, and when what it shows is missing."""
    page.raw(f'<p class="of-notebook"><a href="{page.folder}/{page.name}.ipynb" download>The notebook of this page'
             f"</a></p>")
    if copy is None:
        page.say(NOT_RUN)


def language(code: str) -> str:
    """Return the language that code is coloured as: commands of the notebook itself are not Python."""
    try:
        ast.parse(code)
    except SyntaxError:
        return "text"
    return "python"


def linked(text: str) -> str:
    """Return text whose links lead to pages of the site; what is no page of it is only named."""
    def lead(found: re.Match[str]) -> str:
        picture, words, target, place = found[1], found[2], Path(found[3]), found[4] or ""
        if target.parent == Path() and target.suffix == ".ipynb":
            return f"[{words}]({target.stem}.md{place})"
        if target.parts[:2] == ("..", "docs"):
            return f"{picture}[{words}]({Path('..', *target.parts[2:]).as_posix()}{place})"
        return words

    return LINK.sub(lead, text)


def show(page: Page, output: Any) -> None:
    """Add what a cell gave back or printed."""
    if output.output_type == "stream":
        page.raw(printed(output.text))
        return
    data = output.get("data", {})
    figure = drawn.figure_in(data.get("text/html", ""))
    if LIVE in data:
        page.say(DASHBOARD)
    elif figure is not None:
        name = f"{page.name}-{len(page.files) + 1}"
        page.files[f"{name}.js"] = drawn.script(name, figure)
        page.parts |= figure.parts
        page.raw(drawn.place(name, figure, page.folder))
    elif "text/html" in data:
        page.raw(f'<div class="output">{bare(data["text/html"])}</div>')
    elif kind := next((kind for kind in PICTURES if kind in data), None):
        page.raw(f'<div class="output"><img alt="figure" src="data:{kind};base64,{data[kind].strip()}"></div>')
    elif "text/plain" in data:
        page.raw(printed(data["text/plain"]))


def printed(text: str) -> str:
    """Return text as it was printed; of a line that was written over and over, how it ended."""
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in ESCAPE.sub("", text).rstrip("\n").split("\n")]
    return f'<pre class="printed">{html.escape(chr(10).join(lines))}</pre>'


def bare(text: str) -> str:
    """Return HTML without styles of its own, which would reach other tables of the page."""
    return re.sub(r"<style[^>]*>.*?</style>", "", text, flags=re.S).strip()
