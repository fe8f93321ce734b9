"""What a run is matched with, and which files outside its products its stages read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, message
from ..triage.crossmatch import LocalTable, Matcher, Ned, Simbad, XMatch, crossmatch
from ..triage.crossmatch.matches import FIRST
from ..triage.crossmatch.votables import ROLES, role
from .folder import RunFolder
from .manifest import fingerprint
from .paths import SERVICES, VIZIER, matches_in

if TYPE_CHECKING:
    import pandas as pd

ANSWERS = "crossmatch"
"""Folder of a run with the answers of services as they came."""
LABELS = "labels.jsonl"
"""What people said of the spectra of a run."""
EXPECTED = "simbad, ned, vizier:TABLE, or the path of a table; columns in brackets, as in wise.csv[w1,w2]"


def matchers_of(text: str, radius: float) -> list[Matcher]:
    """Return the matchers that a text names, separated by commas.

    Parameters
    ----------
    text : str
        ``"simbad"``, ``"ned"``, a table of VizieR (``"vizier:II/328/allwise"``), or the path of a table on disk. Names
        of columns to take along follow in brackets, ``"wise.csv[w1,w2]"``. A table on disk without brackets gives all
        its columns of numbers, one with empty brackets none; a table of VizieR gives what is named.
    radius : float
        Arcsec.

    Raises
    ------
    ArgumentError
        When a name is none of these, a column is not there, or columns are asked of SIMBAD or NED.
    """
    made: list[Matcher] = []
    for one in matches_in(text):
        if one.service in SERVICES:
            made.append(Simbad(radius) if one.service == "simbad" else Ned(radius))
        elif one.service.startswith(VIZIER):
            made.append(XMatch(one.name, radius, columns=one.columns or ()))
        elif one.path is not None:
            made.append(_table(one.path, radius, one.columns))
        else:
            hint = f"{one.name}, which tells name, type and redshift" if one.name.lower() in SERVICES else ""
            file = ", and there is no such file" if one.service == "" and not hint else ""
            raise ArgumentError(message("match", expected=EXPECTED, got=f"{str(one)!r}{file}", hint=hint))
    return made


def _table(path: Path, radius: float, columns: tuple[str, ...] | None) -> LocalTable:
    """Return a table with the columns that were named, or with all numbers but positions, motions and redshift."""
    if columns is not None:
        return LocalTable(path, radius, columns=columns)
    plain = LocalTable(path, radius)
    names = [str(name) for name in plain.table.columns]
    told = {*FIRST, "row", *(role(names, what, {}) for what in ROLES)}
    numbers = tuple(name for name in names if plain.table[name].dtype.kind in "iuf" and name not in told)
    return replace(plain, columns=numbers)


def matches_of(run: RunFolder, ids: Sequence[str], matchers: Sequence[Matcher]) -> pd.DataFrame | None:
    """Cross-match some spectra of a run; None when there is nothing to match with."""
    if not matchers:
        return None
    table = run.objects().table
    return crossmatch(table[table["id"].astype(str).isin(set(map(str, ids)))], matchers, cache=run / ANSWERS).table


def outside(stage: str, run: RunFolder, parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return hashes of what a stage reads besides products of stages: labels, tables that are matched with, rules.

    When one of them changes, the stage is out of date.
    """
    if stage != "08_catalogue":
        return {}
    paths = [run / LABELS, *(one.path for one in matches_in(str(parameters.get("match", "")))),
             Path(str(parameters.get("rules", ""))).expanduser()]
    return {str(path): fingerprint(path) for path in paths if path is not None and path.is_file()}
