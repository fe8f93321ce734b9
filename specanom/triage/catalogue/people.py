"""What people and other catalogues said, one row an object: labels, matches and kin made wide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...errors import DataError, message
from ...ids import id_texts
from ..crossmatch.found import FAILED, MATCHED, NONE, NOT_CHECKED
from ..label import Label
from ..verdicts import Verdict, standing, verdicts
from .cells import SEPARATOR, coded, joined, one_line, safe_name

if TYPE_CHECKING:
    import pandas as pd

STATES = (MATCHED, NONE, FAILED, NOT_CHECKED)
"""What a service can say of an object, the strongest first."""
LEFT_OUT = ("id", "service", "ra", "dec", "candidates", "date", "reason", "client", "_state")
"""Columns of matches that stay behind."""
NOTES = "|"


def require_columns(part: str, table: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise a DataError that names what a part lacks."""
    missing = [name for name in names if name not in table]
    if missing:
        raise DataError(message(part, expected=f"columns {', '.join(names)}", got=f"no {', '.join(missing)} among "
                                f"{', '.join(map(str, table.columns[:12]))}"))


def labels_wide(labels: pd.DataFrame) -> pd.DataFrame:
    """Return what stands of each object: label, count, agreement, authors, notes, time.

    The label is the verdict, see :mod:`specanom.triage.verdicts`; where that is none, ``"disputed"``.

    Parameters
    ----------
    labels : DataFrame
        ``id``, ``label`` and any of ``note``, ``author``, ``time``; oldest first.
    """
    import pandas as pd

    require_columns("labels", labels, ("id", "label"))
    said = labels.reindex(columns=["id", "label", "note", "author", "time"])
    said = said.apply(lambda column: column.map(one_line, na_action=None).astype(object))
    every = [Label(id, word, note=note, author=author, time=time)
             for id, word, note, author, time in said.itertuples(index=False)]
    made = verdicts(every)
    stands: dict[str, list[Label]] = {}
    for one in standing(every).values():
        stands.setdefault(one.id, []).append(one)
    rows = [_told(made.get(id, Verdict(id, {})), each) for id, each in stands.items()]
    return pd.DataFrame(rows, columns=["id", "label", "label_count", "label_agreement", "label_authors",
                                       "label_notes", "label_time"]).astype(
        {"label_count": "int64", "label_agreement": "float64"})


def _told(verdict: Verdict, said: Sequence[Label]) -> tuple[Any, ...]:
    """Return the cells of one object from its verdict and all that stands of it, notes among it."""
    count = len(verdict.votes)
    share = max(verdict.counts.values()) / count if count else float("nan")
    return (verdict.id, verdict.told, count, share, joined([one.author for one in said]),
            joined([one.note for one in said if one.note], NOTES), max(one.time for one in said))


def matches_wide(matches: pd.DataFrame, ids: Sequence[str]) -> pd.DataFrame:
    """Return the best counterpart of each object in each service, and in which services it has one.

    The best is a match before anything else, then the nearest. An object that a service has no row for was
    **not checked**, which is not the same as not found.

    Parameters
    ----------
    matches : DataFrame
        ``id``, ``service``, ``status`` and any of ``name``, ``type``, ``separation``, ``z``, ``chance``,
        ``coincidence`` and columns that were asked for.
    ids : sequence of str
        Objects of the catalogue.
    """
    import pandas as pd

    require_columns("matches", matches, ("id", "service", "status"))
    strange = set(matches["status"].map(one_line)) - set(STATES)
    if strange:
        raise DataError(message("matches", expected=f"a status out of {', '.join(STATES)}",
                                got=", ".join(sorted(map(repr, strange)))))
    wide = pd.DataFrame({"id": list(ids)})
    table = matches.assign(_state=matches["status"].map(one_line).map(STATES.index))
    table = table.sort_values([name for name in ("_state", "separation") if name in table], kind="stable")
    best = table.drop_duplicates(["id", "service"])
    hits: dict[str, list[str]] = {}
    for service, one in best.groupby("service", sort=True):
        prefix = safe_name(str(service)).lower()
        kept = [str(name) for name in one.columns if name not in LEFT_OUT and one[name].notna().any()]
        part = one[["id", *kept]].rename(columns={name: f"{prefix}_{name}" for name in kept})
        wide = wide.merge(part, on="id", how="left")
        wide[f"{prefix}_status"] = wide[f"{prefix}_status"].fillna(NOT_CHECKED)
        for id in one.loc[one["_state"] == 0, "id"]:
            hits.setdefault(id, []).append(str(service))
    wide["matched_in"] = [joined(hits.get(id, [])) for id in wide["id"]]
    return wide


def kin_wide(kin: pd.DataFrame) -> pd.DataFrame:
    """Return the kin of each object in one cell, nearest first, and the distance of the nearest.

    Parameters
    ----------
    kin : DataFrame
        One row a pair: ``id``, ``kin`` and any of ``label``, ``distance``, ``rank``. The order is that of ``rank``,
        else of ``distance``, else of the rows.
    """
    import pandas as pd

    require_columns("kin", kin, ("id", "kin"))
    order = next((name for name in ("rank", "distance") if name in kin), None)
    table = kin.sort_values(order, kind="stable") if order else kin
    table = table.assign(kin=id_texts(table["kin"], "kin"))
    groups = pd.DataFrame({name: table[name].map(lambda cell: coded(one_line(cell)), na_action=None)
                           for name in ("kin", "label") if name in table}).groupby(table["id"], sort=False)
    made = groups.agg(SEPARATOR.join).astype(object).rename(columns={"label": "kin_labels"})
    if "distance" in table:
        made["kin_distance"] = table.groupby("id", sort=False)["distance"].first().astype("float64")
    return made.rename_axis("id").reset_index()
