"""Joins the parts of a catalogue by id, and keeps account of what has no place in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DataError, message
from ...ids import id_texts
from .cells import one_line, safe_name, typed
from .parts import Parts
from .people import kin_wide, labels_wide, matches_wide, require_columns
from .sky import healpix_29, lost

if TYPE_CHECKING:
    import pandas as pd

LEFT = ("path", "row")
"""Where a spectrum lies on somebody's disk; a SpectrumIndex knows it, a catalogue that is handed on need not."""
NONE = {"label_count": 0, **dict.fromkeys(("plate", "mjd", "fiber", "petal", "tile", "healpix"), -1)}
"""Whole numbers that stand for nothing, by name of the column; any other is blank where it is not known."""
RENAMED = {
    "clusters": {"cluster": "cluster", "distance": "cluster_distance"},
    "explanations": {"grade": "explanation_grade", "reason": "explanation_reason", "frame": "explanation_frame",
                     "score": "explanation_score", "r2": "explanation_r2", **{name: f"context_{name}" for name in (
                         "lines", "imputed", "sky", "telluric", "join", "continuum", "narrow")}},
    "votes": {"far": "kin_far", "quantile": "kin_quantile"},
}
PREFIXED = {"shares": "share_", "residuals": "residual_"}
SHARED = ("mean_", "spread_")


@dataclass
class Joined:
    """A table in the making.

    Attributes
    ----------
    table : DataFrame
    origin : dict
        Column → the part it is from.
    unknown : dict
        Part → ids that no object has.
    left_out : list of (id, reason)
        Rows of parts that were not taken, and objects without a position.
    """

    table: pd.DataFrame
    origin: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: list[tuple[str, str]] = field(default_factory=list)

    def add(self, part: str, made: pd.DataFrame) -> None:
        """Add the columns of a part of one row an object; a column that is there already stays as it is."""
        import pandas as pd

        made = self._unique(part, made)
        ids = self.table["id"]
        present = made["id"].isin(set(ids))
        made = made[present].set_index("id")
        columns = {}
        used = {name.lower() for name in self.table.columns}
        for name in made.columns:
            new = _named(part, str(name))
            if new.lower() in used and part == "scores":
                continue  # the table of scores repeats position, redshift and S/N of the objects
            while new.lower() in used:  # FITS does not tell capitals
                new = f"{part}_{new}"
            used.add(new.lower())
            columns[new] = _of_all(typed(made[name]), ids, NONE.get(new))
            self.origin[new] = part
        more = pd.DataFrame(columns, index=self.table.index)
        self.table = pd.concat([self.table, more], axis=1).copy()  # in one piece: hundreds of columns are slow else

    def note_unknown(self, part: str, ids: Any) -> None:
        """Remember the ids of a part that no object has."""
        known = set(self.table["id"])
        strangers = tuple(dict.fromkeys(id for id in ids if id not in known))
        if strangers:
            self.unknown[part] = strangers

    def _unique(self, part: str, made: pd.DataFrame) -> pd.DataFrame:
        again = made["id"].duplicated()
        self.left_out += [(id, f"{part}: second row of this id") for id in made.loc[again, "id"]]
        return made[~again]


def join(parts: Parts) -> Joined:
    """Join the parts; one row an object, sorted by place on the sky and id.

    Raises
    ------
    DataError
        When a part has no ``id``, ids are floats that have lost digits, or there is no object.
    """
    joined = _objects(parts.objects)
    wide: dict[str, Callable[[Any], Any]] = {
        "labels": labels_wide, "kin": kin_wide,
        "matches": lambda table: matches_wide(table, joined.table["id"].tolist()),
    }
    for name, table in parts.given():
        if name in ("objects", "stories"):
            continue
        if name == "kin" and "query" in table:  # as a Kin tells it: of the query, the neighbour of the name id
            table = table.rename(columns={"id": "kin", "query": "id"})
        require_columns(name, table, ("id",))
        table = table.assign(id=_ids(name, table)).reset_index(drop=True)
        blank = table["id"] == ""
        joined.left_out += [("", f"{name}: row {row} has no id") for row in np.flatnonzero(blank)]
        table = table[~blank]
        joined.note_unknown(name, table["id"])
        joined.add(name, wide[name](table) if name in wide else table)
        if name == "clusters" and parts.stories is not None:
            _tell(joined, table, parts.stories)
    return _placed(joined)


def _of_all(values: pd.Series, ids: pd.Series, none: int | None) -> Any:
    """Return the cells of every object, blank or `none` where nothing is known."""
    if values.dtype.kind == "i":
        cells = values.astype("Int64").reindex(ids)
        return (cells if none is None else cells.fillna(none)).pipe(typed).array
    return values.reindex(ids, fill_value=np.nan if values.dtype.kind == "f" else "").to_numpy()


def _objects(objects: pd.DataFrame) -> Joined:
    import pandas as pd

    require_columns("objects", objects, ("id",))
    ids = pd.Series(_ids("objects", objects))
    named = (ids != "") & ~ids.duplicated()
    joined = Joined(pd.DataFrame({"id": ids[named].astype("str").to_numpy()}))
    if joined.table.empty:
        raise DataError(message("objects", expected="at least one object with an id", got=f"{len(objects)} rows"))
    for row in np.flatnonzero(~named):
        reason = "objects: second row of this id" if ids[row] else f"objects: row {row} has no id"
        joined.left_out.append((str(ids[row]), reason))
    kept = objects.drop(columns=[name for name in LEFT if name in objects]).assign(id=ids.to_numpy())
    joined.add("objects", kept[named.to_numpy()])
    joined.origin["id"] = "objects"
    return joined


def _ids(part: str, table: pd.DataFrame) -> list[str]:
    return [one_line(id) for id in id_texts(table["id"], f"{part} id")]


def _named(part: str, name: str) -> str:
    name = safe_name(RENAMED.get(part, {}).get(name, name))
    prefix = PREFIXED.get(part, "")
    if part == "votes" and name.startswith(SHARED):
        prefix = "kin_"
    return name if name.startswith(prefix) else prefix + name


def _tell(joined: Joined, clusters: pd.DataFrame, stories: pd.DataFrame) -> None:
    """Add what each object's cluster has in common."""
    require_columns("clusters", clusters, ("cluster",))
    require_columns("stories", stories, ("cluster", "story"))
    told = dict(zip(stories["cluster"], stories["story"], strict=True))
    first = clusters.drop_duplicates("id")
    story = first["cluster"].map(lambda cluster: told.get(cluster, ""))
    joined.add("clusters", first[["id"]].assign(cluster_story=story))


def _placed(joined: Joined) -> Joined:
    """Add the pixel on the sky in front, list objects that have none, and sort."""
    table = joined.table
    for name in ("ra", "dec"):
        if name not in table:
            table[name] = np.nan
            joined.origin[name] = "objects"
        elif table[name].dtype.kind not in "if":
            raise DataError(message("objects", expected=f"numbers in degrees in {name}", got=f"{table[name].dtype}"))
        table[name] = table[name].astype(np.float64)
    reasons = lost(table["ra"], table["dec"])
    joined.left_out += [(id, f"no place on the sky: {reason}") for id, reason in zip(table["id"], reasons, strict=True)
                        if reason]
    table.insert(0, "_healpix_29", healpix_29(table["ra"], table["dec"]))
    joined.table = table.sort_values(["_healpix_29", "id"], kind="stable", ignore_index=True)
    return joined
