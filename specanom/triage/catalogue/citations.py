"""What to cite: works as BibTeX, and thanks in plain sentences, by what was used.

Sentences are our own; where a survey or service asks for a text of its own, its address is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from ...errors import choice


@cache
def _content() -> dict[str, dict[str, Any]]:
    text = (files("specanom.triage.catalogue") / "citations.json").read_text(encoding="utf-8")
    content: dict[str, dict[str, Any]] = json.loads(text)
    return content


def known_uses() -> list[str]:
    """Return what can be used: surveys, services, packages, methods."""
    return list(_content()["uses"])


def works_of(uses: Iterable[str]) -> list[str]:
    """Return the keys of what to cite, in the order of `uses`, each once.

    Raises
    ------
    ArgumentError
        For a use that is not known.
    """
    found: dict[str, None] = {}
    for use in uses:
        found |= dict.fromkeys(_content()["uses"][choice("uses", use, known_uses())]["works"])
    return list(found)


def bibtex_of(keys: Iterable[str]) -> str:
    """Return works as BibTeX."""
    return "\n\n".join(_entry(key, _content()["works"][key]) for key in keys)


def _entry(key: str, work: dict[str, str]) -> str:
    fields = ",\n".join(f"  {name} = {{{value}}}" for name, value in work.items() if name != "type")
    return f"@{work['type']}{{{key},\n{fields}\n}}"


def software(uses: Iterable[str], versions: dict[str, str]) -> str:
    """Return a sentence on the packages among `uses`, with versions and keys of what to cite."""
    named = []
    for use in uses:
        one = _content()["uses"][use]
        if "name" in one:
            version = versions.get(use, "")
            shown = version if version[:1].isdigit() else ""
            named.append(f"{one['name']}{' ' + shown if shown else ''} [{', '.join(one['works'])}]")
    return f"This work uses {', '.join(named[:-1])} and {named[-1]}." if len(named) > 1 else ""


def thanks(uses: Iterable[str]) -> list[str]:
    """Return a sentence of thanks for each survey, service and method among `uses`, with its keys and notes."""
    made = []
    for use in uses:
        one = _content()["uses"][use]
        if "thanks" in one:
            notes = [f"Official text: {one['official']}"] if "official" in one else []
            notes += [one["hint"]] if "hint" in one else []
            note = f" ({' — '.join(notes)})" if notes else ""
            made.append(f"{one['thanks'].rstrip('.')} [{', '.join(one['works'])}].{note}")
    return made
