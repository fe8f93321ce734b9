"""The tutorials: a page for each notebook of their folder, written before Sphinx looks for pages, and their cards."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import drawn
import executed
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

HERE = Path(__file__).resolve().parent.parent
FOLDER = "../_static/tutorials"
CARD = """::::{{container}} card-of with-picture
{pictures}
[{title}](tutorials/{name}.md)

{sentence}
::::
"""
PICTURE = """```{{image}} images/tutorials/{name}{dark}.png
:alt: {title}
:class: only-{theme}
```
"""


def notebooks(config: Any) -> list[Path]:
    """Return the notebooks of all tutorials, in their order."""
    return sorted(Path(config.tutorials_folder).glob("[0-9][0-9]_*.ipynb"))


class Cards(SphinxDirective):
    """A card for each tutorial: its picture where there is one, its title, and its first sentence."""

    def run(self) -> list[nodes.Node]:
        """Write the cards as MyST, and have that read, at every build."""
        self.env.note_reread()
        cards = [self.card(page) for page in self.config.tutorial_pages]
        text = ":::::{container} cards\n" + "".join(cards) + ":::::\n"
        found = nodes.Element()
        self.state.nested_parse(StringList(text.splitlines(), source="tutorials"), 0, found)
        return found.children

    def card(self, page: executed.Page) -> str:
        """Return the card of a page."""
        there = (Path(self.env.srcdir) / "images" / "tutorials" / f"{page.name}.png").is_file()
        pictures = [PICTURE.format(name=page.name, title=page.title, theme=theme, dark=dark)
                    for theme, dark in (("light", ""), ("dark", "-dark")) if there]
        return CARD.format(name=page.name, title=page.title, sentence=page.sentence, pictures="".join(pictures))


def write(app: Sphinx, config: Any) -> None:
    """Write the pages into ``tutorials/``; a page that is as it was is left alone, so that it is not read again."""
    folder = Path(app.srcdir) / "tutorials"
    folder.mkdir(exist_ok=True)
    pages = []
    for path in notebooks(config):
        book = executed.read(path)
        copy = executed.copy_of(book, Path(config.tutorials_executed) / path.name)
        pages.append(executed.written(book, copy, name=path.stem, folder=FOLDER))
    for page in pages:
        target, text = folder / f"{page.name}.md", "\n".join(page.lines)
        if not target.is_file() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")
    kept = {f"{page.name}.md" for page in pages}
    for old in folder.glob("*.md"):
        if old.name not in kept:
            old.unlink()
    config.tutorial_pages = pages


def beside(app: Sphinx, error: Exception | None) -> None:
    """Put the notebooks, the figures and BokehJS beside the pages."""
    if error is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static" / "tutorials"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in notebooks(app.config):
        shutil.copy(path, folder)
    for page in app.config.tutorial_pages:
        for name, text in (page.files | page.parts | {"colours.js": drawn.colours()}).items():
            (folder / name).write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the two folders, the pages and the cards."""
    app.add_config_value("tutorials_folder", str(HERE.parent / "tutorials"), "env", (str,))
    app.add_config_value("tutorials_executed", str(HERE / "_build" / "tutorials"), "", (str,))
    app.add_config_value("tutorial_pages", [], "", (list,))
    app.add_directive("tutorials", Cards)
    app.connect("config-inited", write)
    app.connect("build-finished", beside)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
