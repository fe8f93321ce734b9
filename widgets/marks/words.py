"""What was said of something, in words for a widget: texts are escaped, never interpreted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from specanom.triage import Label

from ..base.words import in_html


def in_words(standing: Sequence[Label], author: str) -> str:
    """Return labels as HTML: one's own first, then others', each with who and when.

    Parameters
    ----------
    standing : sequence of Label
        What stands of one id.
    author : str
        Who reads it.
    """
    if not standing:
        return "<span>not marked yet</span>"
    own = [one for one in standing if one.author == author]
    others = [one for one in reversed(standing) if one.author != author]
    return "".join(f"<div>{_line(one, author)}</div>" for one in [*own, *others])


def _line(said: Label, author: str) -> str:
    who = "you" if said.author == author else said.author or "somebody"
    note = "" if said.author == author or not said.note else f": {in_html(said.note)}"
    return f"<b>{in_html(said.label)}</b> by {in_html(who)}, {in_html(when(said.time))}{note}"


def when(time: str) -> str:
    """Return a time as people write it; text that is no time stays as it is.

    >>> when("2026-11-22T23:05:09.120+00:00")
    '22 Nov 2026, 23:05 UTC'
    """
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return time
    zone = moment.tzname() or ""
    return f"{moment.day} {moment:%b %Y, %H:%M} {zone}".rstrip()


def sorry(text: str, place: str = "") -> str:
    """Return what went wrong as HTML that a screen reader says at once."""
    hint = f"<br><b>Try:</b> another file for the labels than {in_html(place)}" if place else ""
    return f"<div role='alert' class='specanom-mark-error'>{in_html(text)}{hint}</div>"
