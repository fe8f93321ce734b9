"""What a run is matched with, and which files outside its products its last stage reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, message
from ..triage.crossmatch import LocalTable, Matcher, Ned, Simbad, XMatch, crossmatch
from .folder import RunFolder
from .manifest import fingerprint

if TYPE_CHECKING:
    import pandas as pd

ANSWERS = "crossmatch"
"""Folder of a run with the answers of services as they came."""
LABELS = "labels.jsonl"
"""What people said of the spectra of a run."""
SERVICES = ("simbad", "ned")


def matchers_of(text: str, radius: float) -> list[Matcher]:
    """Return the matchers that a text names, separated by commas.

    Parameters
    ----------
    text : str
        ``"simbad"``, ``"ned"``, a table of VizieR (``"vizier:II/328/allwise"``), or the path of a table on disk.
    radius : float
        Arcsec.

    Raises
    ------
    ArgumentError
        When a name is none of these.
    """
    made: list[Matcher] = []
    for name in filter(None, (one.strip() for one in text.split(","))):
        path = Path(name).expanduser()
        if name.lower() in SERVICES:
            made.append(Simbad(radius) if name.lower() == "simbad" else Ned(radius))
        elif name.lower().startswith("vizier:"):
            made.append(XMatch(name, radius))
        elif path.is_file():
            made.append(LocalTable(path, radius))
        else:
            raise ArgumentError(message("match", expected="simbad, ned, vizier:TABLE, or the path of a table",
                                        got=repr(name)))
    return made


def matches_of(run: RunFolder, ids: Sequence[str], matchers: Sequence[Matcher]) -> pd.DataFrame | None:
    """Cross-match some spectra of a run; None when there is nothing to match with."""
    if not matchers:
        return None
    table = run.sample().table
    return crossmatch(table[table["id"].astype(str).isin(set(map(str, ids)))], matchers, cache=run / ANSWERS).table


def outside(stage: str, run: RunFolder, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return hashes of what a stage reads besides products of stages: labels, and tables that are matched with.

    When one of them changes, the stage is out of date.
    """
    if stage != "08_catalogue":
        return {}
    paths = [Path(name.strip()).expanduser() for name in str(parameters.get("match", "")).split(",")]
    return {str(path): fingerprint(path) for path in [run / LABELS, *paths] if path.is_file()}
