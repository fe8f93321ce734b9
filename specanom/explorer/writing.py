"""Writing an explorer: a folder of a page, its script, BokehJS and the data, put in place at one stroke."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bokeh
import jinja2
import numpy as np

from ..errors import ArgumentError, message
from ..folders import part_of, put_in_place, writable, write_json
from ..foreign import parse_json
from ..lines import AIRGLOW_5577, LINES, OH_FOREST, SKY_LINES, TELLURIC_BANDS
from ..plots.axis import WaveAxis, short_label
from ..plots.layers import RELAYOUT
from ..plots.output import pointed_colours
from ..plots.palette import THEMES, Palette, mix
from ..triage.inspection import CLASSES, ISSUES, QUALITY
from ..triage.label import NOTED, WORDS
from .bundling import bundle
from .cards import Cards
from .figures import SHARE, figures
from .glossary import TERMS
from .packing import numbers
from .places import places_of
from .record import ExplorerData
from .tabular import described, rows_of, table_of

if TYPE_CHECKING:
    import pandas as pd

FORM, VERSION = "specanom explorer", 1
CHUNK = 24
"""Cards in one file: some 150 kB, read in a few milliseconds."""
POLICY = ("default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; img-src data: blob:; "
          "base-uri 'none'; form-action 'none'")
"""What the page may load: what lies beside it. Links are followed only by the reader who clicks them."""
MODULES = ("model", "filter", "rows", "spectra", "notes", "drawing", "card", "maps", "review", "main")
BOKEH = Path(bokeh.__file__).parent / "server" / "static" / "js" / "bokeh.min.js"
HELD = "window.specanomCatalogue = "
ROLES = ("flux", "faint", "blue", "vermilion", "ultraviolet", "absorption")


def write_explorer(folder: str | Path, catalogue: pd.DataFrame, *, data: ExplorerData | None = None,
                   title: str = "Catalogue") -> Path:
    """Write a page that shows a catalogue: one folder, opened in a browser without a kernel or a network.

    Parameters
    ----------
    folder : path-like
        Where it goes; an explorer that is there is replaced, whole or not at all.
    catalogue : DataFrame
        One row an object: ``id`` and any other columns, among them where known ``ra`` and ``dec`` (degrees), ``z``,
        ``snr``, scores and ranks, ``latent_0``, ``latent_1``, …, as the table of a ``Catalogue`` has them.
    data : ExplorerData, optional
        What the cards show: spectra, reconstructions, explanations, kin, matches, labels.
    title : str
        Of the page.

    Returns
    -------
    Path
        ``index.html``: open it in a browser.

    Raises
    ------
    ArgumentError, DataError
        When the catalogue has no ``id``, an id twice, ids that have lost digits, or no rows; when something else than
        an explorer is in the way.

    Examples
    --------
    >>> write_explorer("explorer", catalogue.table, data=ExplorerData(sample, model.reconstruct(sample.flux)))
    ... # doctest: +SKIP
    """
    target, shown = writable(folder, FORM), data if data is not None else ExplorerData()
    if not isinstance(title, str):
        raise ArgumentError(message("title", expected="text", got=repr(title)))
    rows = rows_of(catalogue)
    if not len(rows):
        raise ArgumentError(message("catalogue", expected="at least one row", got="none"))
    cards = Cards(rows, shown)
    content = _content(rows, shown, cards, title) | {"key": _key(target, cards.ids)}
    part = part_of(target)
    try:
        (part / "data").mkdir(parents=True)
        _write_data(part / "data", content, shown, cards)
        _write_page(part, title, _told(content, cards))
        write_json(part / "manifest.json", {"format": FORM, "version": VERSION, "title": title, "objects": len(rows),
                                            "cards": len(cards), "without_spectrum": cards.without_spectrum,
                                            "without_position": content["places"]["lost"]})
        put_in_place(part, target, FORM)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target / "index.html"


def _content(rows: pd.DataFrame, data: ExplorerData, cards: Cards, title: str) -> dict[str, Any]:
    """What the page holds from the start."""
    return {
        "title": title,
        "table": table_of(rows, described(rows.columns, data.columns)), "places": places_of(rows, data.latents),
        "cards": {"ids": cards.ids, "size": CHUNK}, "words": WORDS, "noted": NOTED,
        "qualities": {str(value): meaning for value, meaning in QUALITY.items()}, "issues": dict(ISSUES),
        "classes": CLASSES, "said": cards.standing(), "terms": TERMS,
        "colours": {name: _colours(one) for name, one in THEMES.items()}, **_spectral(data),
    }


def _key(folder: Path, ids: list[str]) -> str:
    """Name the notes that a browser keeps: as before where the explorer that is replaced has half of the objects too.

    So what was said stays where a catalogue is made anew, in another order or with a few other objects.
    """
    try:
        held = parse_json((folder / "data" / "catalogue.js").read_text(encoding="utf-8").removeprefix(HELD))
        key, before = str(held["key"]), set(held["cards"]["ids"])
    except (OSError, ValueError, KeyError, TypeError):
        key, before = "", set()
    if key and 2 * len(before.intersection(ids)) >= min(len(before), len(ids)):
        return key
    return hashlib.blake2b("\n".join(sorted(ids)).encode("utf-8", "replace"), digest_size=8).hexdigest()


def _spectral(data: ExplorerData) -> dict[str, Any]:
    if data.spectra is None:
        return {"wave": None}
    named = [one for one, _ in WaveAxis("rest").lines_within(0.0, np.inf)]
    bands = [(band, True) for band in (*TELLURIC_BANDS, AIRGLOW_5577)] + [(OH_FOREST, False)]
    return {
        "wave": numbers(data.spectra.wave), "frame": data.spectra.frame, "share": SHARE,
        "named": [{"wave": one.wave, "label": short_label(one), "kind": one.kind} for one in named],
        "lines": [{"wave": one.wave, "name": f"{one.label} ({one.wave:.2f} Å)"} for one in LINES],
        "sky": [{"wave": one.wave, "name": one.label} for one in sorted(SKY_LINES, key=lambda one: one.wave)],
        "bands": [{"lo": band.lo, "hi": band.hi, "name": band.name, "drawn": drawn} for band, drawn in bands],
    }


def _colours(colours: Palette) -> dict[str, Any]:
    return {**{role: getattr(colours, role) for role in ROLES}, "categories": colours.categories,
            "scale": colours.scale(24)}


def _write_data(folder: Path, content: dict[str, Any], data: ExplorerData, cards: Cards) -> None:
    _put(folder / "catalogue.js", f"{HELD}{_json(content)}\n")
    drawn = figures(None, "") if data.spectra is None else figures(data.spectra.wave, data.spectra.scale)
    _put(folder / "figures.js", f"window.specanomCatalogue.figures = {_json(drawn)}\n")
    for number, chunk in enumerate(cards.chunks(CHUNK)):
        _put(folder / f"cards-{number}.js", f"window.specanomCards({number}, {_json(chunk)})\n")


def _write_page(folder: Path, title: str, told: str) -> None:
    sources, table = files("specanom.explorer") / "page", files("specanom.plots")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string((sources / "index.html.j2").read_text(encoding="utf-8"))
    _put(folder / "index.html", template.render(title=title or "Catalogue", told=told, policy=POLICY, words=WORDS,
                                                  issues=ISSUES))
    modules = {"table": (table / "table.js").read_text(encoding="utf-8"),
               "relayout": f"export function relayout(source, range, plot, rows, height) {{{RELAYOUT}}}\n"}
    modules |= {name: (sources / f"{name}.js").read_text(encoding="utf-8") for name in MODULES}
    _put(folder / "explorer.js", bundle(modules))
    styles = [_theme_css(), (table / "table.css").read_text(encoding="utf-8"),
              (sources / "explorer.css").read_text(encoding="utf-8")]
    _put(folder / "explorer.css", "\n".join(styles))
    shutil.copyfile(BOKEH, folder / "bokeh.js")


def _theme_css() -> str:
    """The colours of both themes as variables, those of tables among them."""
    parts = []
    for name, colours in THEMES.items():
        dark = name == "dark"
        wrong = "#ff9d94" if dark else "#b3261e"
        raised = mix(colours.paper, colours.ink, 0.07) if dark else "#f4f6f8"
        known = {"paper": colours.paper, "ground": "#0f1216" if dark else "#f6f7f9", "raised": raised,
                 "told": pointed_colours(name)["paper"],
                 "ink": colours.ink, "muted": colours.muted, "line": colours.grid,
                 "field": colours.faint if dark else "#7d8691", "accent": colours.blue,
                 "on-accent": colours.paper, "wrong": wrong, "raises": colours.vermilion}
        table = {"layout-color1": "paper", "layout-color2": "raised", "ui-font-color1": "ink",
                 "ui-font-color2": "muted", "border-color2": "line", "border-color0": "field",
                 "brand-color1": "accent", "error-color1": "wrong"}
        lines = [f"--{key}: {value};" for key, value in known.items()]
        lines += [f"--jp-{key}: var(--{value});" for key, value in table.items()]
        parts.append(f":root[data-theme={name}] {{ color-scheme: {name}; {' '.join(lines)} }}")
    return "\n".join(parts)


def _told(content: dict[str, Any], cards: Cards) -> str:
    """How much is shown, and of how much there is no spectrum or position."""
    parts = [f"{cards.objects:,} object{'s' * (cards.objects != 1)}"]
    if content["wave"] is not None and cards.without_spectrum:
        parts.append(f"{cards.without_spectrum:,} without a spectrum")
    if content["places"]["lost"]:
        parts.append(f"{content['places']['lost']:,} without a position")
    return " · ".join(parts)


def _json(content: Any) -> str:
    """JSON that is JavaScript too; half characters, which UTF-8 cannot hold, are written as escapes."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _put(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="replace")
