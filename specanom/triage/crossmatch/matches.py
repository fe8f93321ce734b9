"""What a cross-match found, and what it did not look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import DataError, message
from ..parquet import read_record, write_record
from .found import FAILED, MATCHED, NONE, NOT_CHECKED, STATUSES

if TYPE_CHECKING:
    import pandas as pd

FORM, VERSION = "specanom-matches", 1
FIRST = ("id", "service", "status", "name", "type", "separation", "z", "ra", "dec", "candidates", "chance",
         "coincidence", "date", "reason", "client")
"""Columns of every table of matches."""


@dataclass(frozen=True, eq=False)
class Matches:
    """What lies around the objects of a table, by service.

    Attributes
    ----------
    table : DataFrame
        One row an object and service: ``id``, ``service``, ``status``, then of the nearest counterpart ``name``,
        ``type``, ``separation`` (arcsec), ``z``, ``ra``, ``dec`` (degrees); ``candidates`` (how many lie within the
        radius), ``chance`` (share of unrelated positions that would have had a match), ``coincidence`` (chance of an
        unrelated source at least as near as this one), ``date`` (when the service was asked), ``reason`` (why it was
        not), ``client`` (the matcher that was asked: LocalTable, XMatch, Simbad, Ned, or one of your own; empty in
        tables that do not say it) and the columns that were asked for.

        ``status`` is "matched"; "none": looked up, and nothing is there; "not_checked": nobody looked; or "failed":
        the service gave no answer. Only "none" says that an object is not in a catalogue.
    provenance : mapping
        ``services``: settings of each, with radius and how its `chance` is known; ``date``, and the version of
        ``specanom``.
    """

    table: pd.DataFrame
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if "client" not in self.table.columns:
            object.__setattr__(self, "table", self.table.assign(client=""))
        missing = [name for name in FIRST if name not in self.table.columns]
        if missing:
            raise DataError(message("table", expected="the columns of matches", got=f"no {', '.join(missing)}"))
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))

    def __len__(self) -> int:
        return len(self.table)

    def summary(self) -> pd.DataFrame:
        """Return one row a service.

        Returns
        -------
        DataFrame
            ``service``, ``radius`` (arcsec), counts of each status, ``chance``, ``by_chance`` (matches to expect if
            nothing belonged to anything), ``chance_from``, the ``reason`` that is given most often, and a ``note`` on
            the catalogue, as how many rows of a table have no position.
        """
        import pandas as pd

        told = self.provenance.get("services", {})
        rows = []
        for service, part in self.table.groupby("service", sort=False):
            counts = {status: int((part["status"] == status).sum()) for status in STATUSES}
            chance = float(part["chance"].iloc[0])
            reasons = part.loc[part["reason"] != "", "reason"]
            facts = told.get(service, {})
            rows.append({"service": service, "radius": facts.get("radius", np.nan), **counts, "chance": chance,
                         "by_chance": chance * (counts[MATCHED] + counts[NONE]),
                         "chance_from": facts.get("chance_from", ""),
                         "reason": str(reasons.mode().iloc[0]) if len(reasons) else "", "note": facts.get("note", "")})
        names = ["service", "radius", *STATUSES, "chance", "by_chance", "chance_from", "reason", "note"]
        return pd.DataFrame(rows, columns=names)

    def best(self) -> pd.DataFrame:
        """Return one row an object: whether anything is known of it, and the most credible counterpart.

        Returns
        -------
        DataFrame
            ``id``; ``status``: "matched" when any service has it, "none" only when every service was asked and none
            has it, "not_checked" or "failed" otherwise; ``services`` that have it; ``name``, ``type``, ``separation``
            and ``service`` of the counterpart least likely by chance (the first service on ties), ``z`` of the first
            counterpart by the same order that has one, and ``unchecked``: services that could not tell.
        """
        import pandas as pd

        rank = {service: place for place, service in enumerate(self.table["service"].unique())}
        rows = self.table.assign(_rank=self.table["service"].map(rank))
        made = pd.DataFrame({"id": rows["id"].unique()}).set_index("id")
        made["status"] = NONE
        for status in (NOT_CHECKED, FAILED, MATCHED):
            made.loc[rows.loc[rows["status"] == status, "id"].unique(), "status"] = status
        hits = rows[rows["status"] == MATCHED].sort_values(["coincidence", "_rank"], kind="stable", na_position="last")
        doubt = rows[rows["status"].isin((FAILED, NOT_CHECKED))]
        made["services"] = hits.sort_values("_rank", kind="stable").groupby("id")["service"].agg("; ".join)
        first = hits.drop_duplicates("id").set_index("id")
        for name in ("name", "type", "separation", "coincidence", "service"):
            made[name] = first[name]
        made["z"] = hits.dropna(subset=["z"]).drop_duplicates("id").set_index("id")["z"]
        made["unchecked"] = doubt.groupby("id")["service"].agg("; ".join)
        words = ["services", "name", "type", "service", "unchecked"]
        made[words] = made[words].astype(object).where(made[words].notna(), "")
        return made.reset_index()[["id", "status", "services", "name", "type", "separation", "z", "coincidence",
                                   "service", "unchecked"]]

    def wide(self) -> pd.DataFrame:
        """Return one row an object with ``SERVICE:COLUMN`` columns: status, name, separation, z, and those asked for.

        To put infrared or X-ray columns beside a table: ``table.merge(matches.wide(), on="id", how="left")``.
        """
        import pandas as pd

        wanted = ["status", "name", "type", "separation", "z", *(c for c in self.table.columns if c not in FIRST)]
        made = pd.DataFrame({"id": self.table["id"].unique()})
        for service, part in self.table.groupby("service", sort=False):
            held = [name for name in wanted if name in FIRST or part[name].notna().any()]
            made = made.merge(part[["id", *held]].rename(columns={name: f"{service}:{name}" for name in held}),
                              on="id", how="left")
        return made

    def save(self, path: str | Path) -> Path:
        """Write Parquet with the provenance in its metadata; the file appears whole or not at all."""
        return write_record(self.table, path, FORM, self.provenance, version=VERSION)

    @classmethod
    def load(cls, path: str | Path) -> Matches:
        """Read what :meth:`save` wrote.

        Raises
        ------
        DataError
            When the file is not there, holds something else, or comes from a later version.
        """
        return cls(*read_record(path, FORM, version=VERSION))

    def __repr__(self) -> str:
        services = self.table["service"].nunique()
        lines = [f"Matches: {self.table['id'].nunique():,} objects, {services} service{'s' if services != 1 else ''}"]
        for row in self.summary().to_dict("records"):
            counts = ", ".join(f"{row[status]:,} {status}" for status in STATUSES if row[status])
            chance = "" if np.isnan(row["chance"]) else f"; {row['by_chance']:.2g} expected by chance"
            lines.append(f"  {row['service']}: {counts}{chance}" + (f" ({row['reason']})" if row["reason"] else "")
                         + (f" ({row['note']})" if row["note"] else ""))
        return "\n".join(lines)
