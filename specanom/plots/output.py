"""Figures out of Python: self-contained files and pieces of pages. BokehJS is always inline; nothing is fetched."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bokeh.document import Document
from bokeh.embed import components, file_html
from bokeh.model import Model
from bokeh.models import Plot, Row, UIElement
from bokeh.resources import INLINE, Resources

from ..folders import write_text
from .palette import THEMES, mix, palette
from .theme import plain

MARGIN = 12
"""Screen pixels around the figure of a page."""
POINTED = """
<style>.bk-Tooltip {{ {styles} }}</style>
<script>
new MutationObserver(changes => {{
  for (const {{ addedNodes }} of changes) for (const box of addedNodes) {{
    if (!box.classList?.contains("bk-Tooltip") || !box.shadowRoot) continue
    const names = document.createElement("style")
    names.textContent = ".bk-tooltip-row-label {{ color: {names} }}"
    box.shadowRoot.append(names)
  }}
}}).observe(document.documentElement, {{ childList: true, subtree: true }})
</script>
"""
"""Boxes with what the pointer tells are put into the page itself, out of reach of the styles of a figure."""


def resources(theme: str = "light") -> str:
    """Return the ``<script>`` with BokehJS that a page needs once, before the script of :func:`embed`.

    About 1.3 MB; only the parts that these figures use (no tables, widgets, WebGL or formula typesetting).

    Parameters
    ----------
    theme : {"light", "dark"}
        Colours of the boxes with what the pointer tells.
    """
    # Only the core bundle: the others weigh three times as much and no figure here uses them.
    return str(Resources(mode="inline", components=["bokeh"]).render()) + pointed(theme)


def pointed(theme: str) -> str:
    """Return the style of the boxes with what the pointer tells, which are white in pages of any colour without it."""
    colours = pointed_colours(theme)
    styles = {"--tooltip-color": colours["paper"], "--tooltip-arrow-color": colours["paper"],
              "--tooltip-text": colours["ink"], "--tooltip-border": colours["border"]}
    return POINTED.format(styles="; ".join(f"{name}: {colour}" for name, colour in styles.items()),
                          names=colours["names"])


def pointed_colours(theme: str) -> dict[str, str]:
    """Return the colours of these boxes: a little off the paper, so that they are seen on dark paper too."""
    colours = palette(theme)
    raised = colours.paper if colours.name == "light" else mix(colours.paper, colours.ink, 0.1)
    return {"paper": raised, "ink": colours.ink, "names": colours.muted, "border": colours.faint}


def embed(figures: Mapping[str, UIElement]) -> tuple[str, dict[str, str]]:
    """Return one script and a ``<div>`` for each figure, for a page of many figures.

    Parameters
    ----------
    figures : mapping of name to figure or layout
        All are put into one document, so that they may share data.

    Returns
    -------
    script : str
        Goes once at the end of the page, after :func:`resources`.
    divs : dict of str
        Where the figures appear, by name.
    """
    if not figures:
        return "", {}
    if all(one.document is None for one in figures.values()):
        document = Document()
        with document.models.freeze():  # bokeh alone would go through all figures again for each that it adds
            for one in figures.values():
                document.add_root(one)
    with _without_callbacks():
        script, divs = components(dict(figures), wrap_script=True)
    return str(script), {str(name): str(div) for name, div in divs.items()}


def to_html(figure: UIElement, title: str = "specanom") -> str:
    """Return a whole page with one figure or layout that opens without a network."""
    page = str(file_html(figure, resources=INLINE, title=plain(title), suppress_callback_warning=True))
    paper = _paper(figure)
    theme = next((name for name, colours in THEMES.items() if colours.paper == paper), "light")
    style = f"<style>body {{ margin: {MARGIN}px; background: {paper}; }}</style>"
    head, end, body = page.rpartition("</head>")  # BokehJS comes before it, and may speak of heads
    return f"{head}{style}{pointed(theme)}{end}{body}"


def save_html(figure: UIElement, path: str | Path, title: str | None = None) -> Path:
    """Write :func:`to_html` to `path` at one stroke (a reader never sees half a file); returns the path."""
    target = Path(path)
    write_text(target, to_html(figure, title or target.stem))
    return target


FIT = """
<style>html, body { height: auto !important }</style>
<script>
const frame = window.frameElement, page = document.documentElement
if (frame) new ResizeObserver(() => { frame.style.height = `${page.offsetHeight}px` }).observe(page)
</script>
"""
"""Makes the frame of a page as high as the page is; where a frame may not, it stays as high as was thought."""


class Shown:
    """A figure that a notebook can display without loading anything: its page in a frame of its own."""

    def __init__(self, page: str, height: int) -> None:
        self._page, self._height = page, height

    def _repr_html_(self) -> str:
        return (f'<iframe srcdoc="{html.escape(self._page)}" style="width:100%;height:{self._height}px;border:0" '
                f'title="figure"></iframe>')

    def __repr__(self) -> str:
        return f"Shown: a figure, {self._height} px high; the last value of a notebook cell displays it"


def show(figure: UIElement) -> Shown:
    """Return an object that shows `figure` as the result of a notebook cell, without a network or an extension.

    The cell's output holds BokehJS (1.3 MB): for a notebook of many figures, prefer one layout.
    """
    page, end, rest = to_html(figure).rpartition("</body>")
    return Shown(f"{page}{FIT}{end}{rest}", _height(figure) + 2 * MARGIN)


@contextmanager
def _without_callbacks() -> Iterator[None]:
    """Keep bokeh from warning that callbacks in Python do not work in a file: a file is a picture of the state."""
    def keep(record: logging.LogRecord) -> bool:
        return "real Python" not in record.getMessage()

    logger = logging.getLogger("bokeh.embed.util")
    logger.addFilter(keep)
    try:
        yield
    finally:
        logger.removeFilter(keep)


def _paper(figure: Model) -> str:
    found = {m.background_fill_color for m in figure.references() if isinstance(m, Plot)}  # labels have their own
    plain_colours = sorted(c for c in found if isinstance(c, str) and re.fullmatch(r"#[0-9a-f]{6}", c))
    return plain_colours[0] if plain_colours else "#ffffff"


AROUND = 70
"""Screen pixels that title, toolbar and axis take of a figure whose frame has a height."""


def _height(figure: Model) -> int:
    """Return how high a figure or layout of ours is, in screen pixels."""
    children = getattr(figure, "children", None)
    if children is None:
        framed = getattr(figure, "frame_height", None)
        return int(framed + AROUND if framed else getattr(figure, "height", None) or 400)
    if isinstance(figure, Row):
        return max(map(_height, children), default=0)
    rows: dict[int, int] = {}
    for index, entry in enumerate(children):
        child, row = (entry[0], entry[1]) if isinstance(entry, tuple) else (entry, index)
        rows[row] = max(rows.get(row, 0), _height(child))
    return sum(rows.values())
