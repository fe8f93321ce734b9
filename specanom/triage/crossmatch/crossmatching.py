"""The cross-match: one table of objects against several services."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ArgumentError, message
from ...ids import id_texts
from .cache import ResponseCache, now
from .found import FAILED, MATCHED, NONE, NOT_CHECKED, Access, Found, Matcher
from .matches import FIRST, Matches
from .nearest import coincidence
from .positions import Positions, positions_of

if TYPE_CHECKING:
    import pandas as pd

WORDS = ("id", "service", "status", "name", "type", "date", "reason", "client")


def crossmatch(table: Any, matchers: Matcher | Iterable[Matcher], *, cache: str | Path | None = None,
               refresh: bool = False, epoch: float | str | None = None, progress: bool = False) -> Matches:
    """Look up every object of a table in every catalogue.

    Parameters
    ----------
    table : DataFrame or SpectrumSet
        With ``id``, ``ra`` and ``dec`` (ICRS degrees, or sexagesimal text): ``sample.table``. An id that comes again is
        looked up once.
    matchers : Matcher or sequence of Matcher
        :class:`LocalTable`, :class:`XMatch`, :class:`Simbad`, :class:`Ned`, or your own.
    cache : path-like, optional
        Folder that keeps the answers of services as they came; the same question is then answered from there.
    refresh : bool
        Ask again, and keep the new answers.
    epoch : float or str, optional
        Julian year at which the positions of the table hold, or its column: tables with proper motions are moved
        there. Not given: the column ``epoch`` or ``ref_epoch``, else 2000. (Positions of SDSS are those of the
        image, not of the spectrum's date.)
    progress : bool
        Show bars.

    Returns
    -------
    Matches
        A row an object and service. What could not be asked is not_checked or failed, with the reason, never "none".

    Raises
    ------
    ArgumentError
        When a column is missing, there is no matcher, or two have the same name.
    DataError
        When a server refuses (HTTP 403). Answers that came before are in `cache`.

    Examples
    --------
    >>> import pandas as pd
    >>> from specanom.triage.crossmatch import LocalTable
    >>> objects = pd.DataFrame({"id": ["a", "b"], "ra": [10.0, 40.0], "dec": [0.0, 5.0]})
    >>> lenses = pd.DataFrame({"ra": [10.0001], "dec": [0.0], "name": ["L1"]})
    >>> crossmatch(objects, LocalTable(lenses, 1.0, service="lenses")).table[["id", "status", "separation"]].round(2)
      id   status  separation
    0  a  matched        0.36
    1  b     none         NaN
    """
    services = _services(matchers)
    rows = table.table if hasattr(table, "table") else table
    positions, without = positions_of(rows, epoch)
    access = Access(None if cache is None else ResponseCache(cache), refresh, progress)
    parts, told = [], {}
    for one in services:
        found = one(positions, access)
        parts.append(_rows(one, positions, found, without))
        told[one.service] = {"matcher": repr(one), "radius": one.radius, "chance_from": found.chance_from,
                             **({"note": found.note} if found.note else {})}
    made = _by_object(parts, list(dict.fromkeys(id_texts(rows["id"]))))
    return Matches(made, {"services": told, "date": now(), "specanom": _version()})


def _services(matchers: Matcher | Iterable[Matcher]) -> list[Matcher]:
    services = list(matchers) if isinstance(matchers, Iterable) else [matchers]
    names = [one.service for one in services]
    if not names or len(set(names)) < len(names):
        raise ArgumentError(message("matchers", expected="one or more, each with its own name", got=names or "none",
                                    hint="LocalTable(…, service='name')"))
    return services


def _by_object(parts: Sequence[pd.DataFrame], ids: Sequence[str]) -> pd.DataFrame:
    """Return the rows of all services, those of an object together, objects in the order of `ids`."""
    import pandas as pd

    made = pd.concat([part.assign(order=rank) for rank, part in enumerate(parts)], ignore_index=True)
    place = {id: rank for rank, id in enumerate(ids)}
    order = np.lexsort((made.pop("order"), made["id"].map(place)))
    return made.iloc[order].reset_index(drop=True)


def _rows(matcher: Matcher, positions: Positions, found: Found, without: dict[str, str]) -> pd.DataFrame:
    """Return one row an object: its nearest counterpart, or what is known of there being none."""
    import pandas as pd

    n = len(positions)
    nearest = found.pairs.sort_values(["row", "separation"], kind="stable").drop_duplicates("row").set_index("row")
    made = nearest.reindex(range(n))
    counts = found.pairs["row"].value_counts()
    status = np.where(made["separation"].notna(), MATCHED, NONE).astype(object)
    reason = np.full(n, "", dtype=object)
    for state, why in ((NOT_CHECKED, found.unchecked), (FAILED, found.failed)):
        for row, text in why.items():
            status[row], reason[row] = state, text
    made = made.assign(
        id=list(positions.ids), service=matcher.service, status=status, reason=reason, chance=found.chance,
        candidates=counts.reindex(range(n), fill_value=0).to_numpy(dtype=np.int64),
        coincidence=coincidence(made["separation"], matcher.radius, found.chance),
        date=[found.dates.get(row, "") for row in range(n)],
        **{name: made[name].astype(object).where(made[name].notna(), "") for name in ("name", "type")})
    lost = pd.DataFrame({"id": list(without), "service": matcher.service, "status": NOT_CHECKED,
                         "reason": list(without.values()), "chance": found.chance, "candidates": 0, "name": "",
                         "type": "", "date": ""})
    whole = pd.concat([made, lost], ignore_index=True) if len(lost) else made.reset_index(drop=True)
    whole = whole.assign(client=type(matcher).__name__).astype(dict.fromkeys(WORDS, "str"))
    return whole[[*FIRST, *(name for name in found.pairs.columns if name not in (*FIRST, "row"))]]


def _version() -> str:
    try:
        return version("specanom")
    except PackageNotFoundError:
        return ""
