"""The list of what to look at, with the reasons, and what was left out with its own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError, choice, message
from ..folders import write_whole
from ..foreign import ListOf, Record, Text, Whole, believed, check, parse_json

if TYPE_CHECKING:
    import pandas as pd

FORMAT, VERSION = "specanom work list", 1
FORM = Record({"format": Text(), "version": Whole(), "foreign": Whole(0),
               "settings": Record({}, {"by": ListOf(Text(), most=1000), "combine": Text()}, more=True)},
              {"learned": Record({}, {"verdicts": Whole(0)}, more=True)}, more=True)
SHOWN = 10


@dataclass(frozen=True, eq=False)
class WorkList:
    """What to look at.

    Attributes
    ----------
    table : DataFrame
        One row for each listed spectrum in order: ``id``, ``position`` (from 1), ``why``, each score and, as
        ``…_rank``, its rank in the whole table.
    excluded : DataFrame
        ``id`` and ``reason`` of every other spectrum, in the order of the table of scores.
    settings : dict
        How it was made.
    foreign : int
        Ids with a verdict that the table of scores does not have.
    learned : dict
        What labels taught, where :func:`specanom.triage.reranked` made it; empty elsewhere.
    """

    table: pd.DataFrame
    excluded: pd.DataFrame
    settings: dict[str, Any] = field(default_factory=dict)
    foreign: int = 0
    learned: dict[str, Any] = field(default_factory=dict)

    @property
    def ids(self) -> tuple[str, ...]:
        """The listed ids in order."""
        return tuple(self.table["id"])

    @property
    def counts(self) -> dict[str, int]:
        """How many were left out for which reason, the most frequent first."""
        found = Counter(self.excluded["reason"])
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    @property
    def untold(self) -> int:
        """How many listed spectra have no probability of an artefact although one was asked for."""
        return int(self.table["artefact"].isna().sum()) if self.settings.get("artefact") is not None else 0

    def why(self, id: str) -> str:
        """Return why an id is listed, or why it is not.

        Raises
        ------
        DataError
            When it is not among the spectra.
        """
        for part, column, words in ((self.table, "why", "listed: "), (self.excluded, "reason", "left out: ")):
            found = part.loc[part["id"] == id, column]
            if len(found):
                return words + str(found.iloc[0])
        raise DataError(message("id", expected="a spectrum of the table of scores", got=repr(id)))

    def __len__(self) -> int:
        return len(self.table)

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __contains__(self, id: object) -> bool:
        return id in self.ids

    # -- file ------------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write it as one Parquet file, whole or not at all; returns the path.

        Spectra that were left out have position 0 and their reason in the column ``why``; the settings are in the
        metadata of the file.

        Raises
        ------
        ArgumentError
            When the path does not end in ``.parquet``.
        """
        import pandas as pd
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = Path(path)
        choice("path", path.suffix.lower(), (".parquet",))
        left = self.excluded.rename(columns={"reason": "why"}).assign(position=0)
        made = pa.Table.from_pandas(pd.concat([self.table, left], ignore_index=True).astype(
            {"id": "str", "why": "str", "position": "int64"}), preserve_index=False)
        told = {"format": FORMAT, "version": VERSION, "settings": self.settings, "foreign": self.foreign,
                "learned": self.learned}
        made = made.replace_schema_metadata({**(made.schema.metadata or {}), b"specanom": json.dumps(told).encode()})
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda part: pq.write_table(made, part))
        return path

    @classmethod
    def load(cls, path: str | Path) -> WorkList:
        """Read what :meth:`save` wrote.

        Raises
        ------
        DataError
            When there is no such file, or it holds something else.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            believed(path)
            read = pq.read_table(path)
            found = parse_json((read.schema.metadata or {}).get(b"specanom", b"{}"))
        except (OSError, ValueError, pa.ArrowException) as exc:
            raise DataError(message("path", expected="a saved work list", got=f"{path} ({exc})")) from exc
        told: dict[str, Any] = found if isinstance(found, dict) else {}
        if told.get("format") != FORMAT or told.get("version") != VERSION:
            raise DataError(message("path", expected=f"a saved work list of version {VERSION}",
                                    got=f"{path}: {told.get('format')} {told.get('version')}"))
        if not {"id", "why", "position"} <= set(read.column_names) or not {"settings", "foreign"} <= set(told):
            raise DataError(message("path", expected="a saved work list, whole", got=f"{path}, parts missing"))
        check(told, FORM, path)
        every = read.to_pandas()
        listed = every[every["position"] > 0].reset_index(drop=True)
        left = every.loc[every["position"] == 0, ["id", "why"]].rename(columns={"why": "reason"})
        return cls(listed, left.reset_index(drop=True), told["settings"], told["foreign"],
                   told.get("learned", {}))

    # -- shown -----------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"WorkList: {self._told}"

    @property
    def _told(self) -> str:
        total = len(self.table) + len(self.excluded)
        by = ", ".join(self.settings.get("by", ()))
        made = f" by {by} ({self.settings['combine']})" if by else ""
        left = ", ".join(f"{n} {why}" for why, n in self.counts.items())
        foreign = f"; labels of {self.foreign} foreign id{'s' * (self.foreign > 1)}" if self.foreign else ""
        untold = f"; {self.untold} without a probability of an artefact" if self.untold else ""
        used = self.learned.get("verdicts", 0)
        anew = f"; ranked anew by {used} verdict{'s' * (used > 1)}" if used else "; no verdict, the old order"
        return (f"{len(self.table)} of {total}{made}{f'; left out: {left}' if left else ''}{untold}{foreign}"
                f"{anew if self.learned else ''}")

    def _repr_html_(self) -> str:
        shown = self.table.head(SHOWN).to_html(index=False, escape=True, float_format="{:.4g}".format)
        more = f"<p>… and {len(self) - SHOWN} more</p>" if len(self) > SHOWN else ""
        return f"<div><p>WorkList: {escape(self._told)}</p>{shown}{more}</div>"
