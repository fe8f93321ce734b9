"""Files that parameters name: kept as absolute paths, so that a run goes on from any folder."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

SERVICES = ("simbad", "ned")
VIZIER = "vizier:"
FILES = ("path", "catalogue", "rules", "scratch")
"""Parameters that are a path; ``match`` may hold some."""
_APART = re.compile(r",(?![^\[]*\])")
_COLUMNS = re.compile(r"(.*?)\s*\[([^\[\]]*)\]", re.S)


@dataclass(frozen=True)
class Match:
    """One thing to match with, as it was written.

    Attributes
    ----------
    name : str
        A service, a table of VizieR, or a path.
    columns : tuple of str or None
        What else to take from it; None where the text does not say.
    """

    name: str
    columns: tuple[str, ...] | None = None

    @property
    def service(self) -> str:
        """Which service is meant, in small letters; empty for a table on disk."""
        name = self.name.lower()
        return name if name.startswith(VIZIER) or (name in SERVICES and self.columns is None) else ""

    @property
    def path(self) -> Path | None:
        """The file, when it is a table on disk."""
        path = Path(self.name).expanduser()
        return path if not self.service and path.is_file() else None

    def __str__(self) -> str:
        return self.name if self.columns is None else f"{self.name}[{','.join(self.columns)}]"


def matches_in(text: str) -> list[Match]:
    """Return what a text names, separated by commas: ``"simbad, wise.csv[w1,w2]"``."""
    made = []
    for one in filter(None, (part.strip() for part in _APART.split(text))):
        found = None if Path(one).expanduser().is_file() else _COLUMNS.fullmatch(one)  # a file may have brackets
        made.append(Match(one) if found is None else Match(found[1], tuple(
            filter(None, (name.strip() for name in found[2].split(","))))))
    return made


def located(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with the paths among them absolute; services, and what is no file to match with, stay.

    Examples
    --------
    >>> located({"match": "simbad, vizier:II/328/allwise", "rules": "", "n": 5})
    {'match': 'simbad, vizier:II/328/allwise', 'rules': '', 'n': 5}
    """
    made = dict(parameters)
    for name in FILES:
        if text := str(made.get(name) or ""):
            made[name] = _absolute(text)
    if text := str(made.get("match") or ""):
        made["match"] = _located_match(text)
    return made


def _located_match(text: str) -> str:
    given = matches_in(text)
    wanted = [replace(one, name=_absolute(one.name)) if one.path is not None else one for one in given]
    made = ",".join(map(str, wanted))
    return made if wanted != given and matches_in(made) == wanted else text  # a folder may have a comma in its name


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))
