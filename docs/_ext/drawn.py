"""Figures of executed notebooks, taken apart so that pages share one BokehJS and follow the theme of the site.

A figure that :func:`specanom.plots.show` displays is a page in a frame, with its own copy of BokehJS and the colours of
one theme. Here it becomes a file of some hundred kilobytes with the document alone, which ``_static/figures.js`` draws
in the page. The file is a script, so that the site needs neither a server nor a network.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from dataclasses import dataclass

from specanom.plots.output import pointed_colours
from specanom.plots.palette import THEMES, mix, translation

FRAME = re.compile(r'<iframe srcdoc="([^"]*)" style="[^"]*?height:(\d+)px')
PART = re.compile(r"/\* BEGIN ([\w.-]+)\.js \*/.*?/\* END \1\.js \*/", flags=re.S)
DOCUMENT = re.compile(r'<script type="application/json"[^>]*>(.*?)</script>', flags=re.S)
ITEMS = re.compile(r"const render_items = (\[.*?\]);")
DIM = 0x70
"""Below this a grey is not seen on dark paper."""


@dataclass(frozen=True)
class Figure:
    """A document of bokeh, the parts of BokehJS that draw it, and its height on the page in pixels."""

    document: str
    roots: tuple[str, ...]
    parts: dict[str, str]
    height: int


def figure_in(shown: str) -> Figure | None:
    """Return the figure that some HTML of a notebook shows in a frame, or None where it shows none."""
    frame = FRAME.search(shown)
    if frame is None:
        return None
    page = html.unescape(frame[1])
    document, items = DOCUMENT.search(page), ITEMS.search(page)
    if document is None or items is None:
        return None
    roots = tuple(root for item in json.loads(items[1]) for root in item["root_ids"])
    parts = {file_name(part[1], part[0]): part[0] for part in PART.finditer(page)}
    return Figure(html.unescape(document[1]).strip(), roots, parts, int(frame[2]))


def pages_in(shown: str) -> list[str]:
    """Return the pages in frames that some HTML shows."""
    return [html.unescape(frame[1]) for frame in FRAME.finditer(shown)]


def lightened() -> dict[str, str]:
    """Return which colour a dark page has for which: those of our figures, and light greys for dark ones of others."""
    dark = THEMES["dark"]
    greys = {f"#{3 * f'{level:02x}'}": mix(dark.ink, dark.muted, level / DIM) for level in range(DIM)}
    return greys | translation(THEMES["light"], dark)


def darkened(page: str) -> str:
    """Return the page of a figure in the colours of dark pages; ``figures.js`` does so in the browser."""
    table = lightened()
    missing = untold()

    def told(found: re.Match[str]) -> str:
        ours = missing.get(found[1])
        return f"{found[0]}{json.dumps(ours)[1:-1]}," if ours else found[0]

    full = re.sub(r'"name":"(\w+)","id":"[^"]+","attributes":\{(?!\})', told, page)
    return re.sub(r"#[0-9a-f]{6}\b", lambda colour: table.get(colour[0], colour[0]), full)


def file_name(part: str, code: str) -> str:
    """Return the name of a file with a part of BokehJS: another version has another name."""
    return f"{part}-{hashlib.blake2b(code.encode(), digest_size=4).hexdigest()}.js"


def script(name: str, figure: Figure) -> str:
    """Return the file of a figure."""
    told = json.dumps({"document": figure.document, "roots": figure.roots})
    return f"(window.specanomFigures ??= {{}})[{json.dumps(name)}] = {told}\n"


def untold() -> dict[str, dict[str, str]]:
    """Return the colours of a dark page where bokeh has a light one without being told, by class of its models."""
    dark = THEMES["dark"]
    axis = {"major_label_text_color": dark.muted, "axis_label_text_color": dark.muted, "axis_line_color": dark.faint,
            "major_tick_line_color": dark.faint, "minor_tick_line_color": dark.faint}
    legend = {"background_fill_color": dark.paper, "label_text_color": dark.muted, "border_line_color": dark.faint}
    return {"Figure": {"background_fill_color": dark.paper, "border_fill_color": dark.paper,
                       "outline_line_color": dark.grid},
            **dict.fromkeys(("LinearAxis", "LogAxis", "CategoricalAxis", "DatetimeAxis"), axis),
            "Grid": {"grid_line_color": dark.grid}, "Title": {"text_color": dark.ink}, "Legend": legend,
            "ColorBar": {"background_fill_color": dark.paper, "major_label_text_color": dark.muted,
                         "title_text_color": dark.muted}}


def colours() -> str:
    """Return the file that says which colours a dark page has for those of a light one."""
    told = {"dark": lightened(), "untold": untold(),
            "pointed": {name: pointed_colours(name) for name in THEMES}}
    return f"window.specanomColours = {json.dumps(told)}\n"


def place(name: str, figure: Figure, folder: str) -> str:
    """Return where a figure appears on a page."""
    return (f'<div class="drawn" data-figure="{html.escape(name)}" data-file="{folder}/{name}.js" '
            f'style="min-height:{figure.height}px"><noscript>This figure is drawn by JavaScript.</noscript></div>')
