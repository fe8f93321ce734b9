"""One label, and the line of JSON that holds it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from getpass import getuser
from types import MappingProxyType
from typing import Any

from .inspection import Inspection

WORDS = ("interesting", "artefact", "known")
"""What is said of a spectrum."""
CLUSTER_WORDS = ("physical", "artefact", "hybrid")
"""What is said of a cluster."""
NOTED = "noted"
"""The label of an id of which there is a note and no other word."""
GROUP = "group: "
"""How the source of a word begins that was said of a group and not of one id by itself."""
FIELDS = ("id", "label", "note", "author", "source", "time")


@dataclass(frozen=True)
class Label:
    """One thing said of one id.

    Attributes
    ----------
    id : str
        Of what; text that is never interpreted.
    label : str
        The word; empty when the author takes back what was said before.
    note : str
        Free text.
    author : str
        Who says so.
    source : str
        Where it was said, e.g. ``"ScorePicker"``.
    time : str
        When, ISO 8601, UTC.
    more : mapping
        Fields of the line that are none of these, as read; among them ``reason`` and ``inspection``.
    """

    id: str
    label: str
    note: str = ""
    author: str = ""
    source: str = ""
    time: str = ""
    more: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def reason(self) -> str:
        """Why it was looked at or why this word was chosen; empty when nothing was said."""
        given = self.more.get("reason", "")
        return given if isinstance(given, str) else str(given)

    @property
    def inspection(self) -> Inspection | None:
        """The visual inspection that came with it; None without one, or when it cannot be read (`more` has it)."""
        return Inspection.from_dict(self.more.get("inspection"))


def user() -> str:
    """Return the name of who is at work: of the JupyterHub user, else of the account; empty when there is none."""
    try:
        return os.environ.get("JUPYTERHUB_USER") or getuser()
    except (OSError, KeyError, ImportError):  # an account without a name, as in some containers
        return ""


def now() -> str:
    """Return the time, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def moment(said: Label) -> float:
    """Return when something was said, in seconds since 1970; 0 when its time cannot be read."""
    try:
        time = datetime.fromisoformat(said.time)
    except ValueError:
        return 0.0
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def displaces(said: Label, before: Label | None) -> bool:
    """Return whether what an author says takes the place of what the same author said before of the same id.

    All does, but for one: a note of which nobody knows when it was made, as files of inspections hold them, takes
    no word away.
    """
    return before is None or before.label in ("", NOTED) or said.label != NOTED or moment(said) > 0


def line_of(said: Label) -> bytes:
    """Return the line of a label."""
    fields = {name: getattr(said, name) for name in FIELDS} | {k: v for k, v in said.more.items() if k not in FIELDS}
    text = json.dumps(fields, ensure_ascii=False) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a character: JSON can hold it, UTF-8 cannot
        return (json.dumps(fields) + "\n").encode()


def label_of(line: bytes) -> Label | None:
    """Return the label of a line; None when it cannot be read: id and word must be texts, the id not an empty one."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):  # brackets within brackets without end
        return None
    if not isinstance(content, dict) or not content.get("id"):
        return None
    if not isinstance(content["id"], str) or not isinstance(content.get("label"), str):
        return None
    given = {name: content.get(name) for name in FIELDS}
    known = {name: value if isinstance(value, str) else "" if value is None else str(value)
             for name, value in given.items()}
    return Label(**known, more=MappingProxyType({k: v for k, v in content.items() if k not in FIELDS}))
