"""The catalogue: one row an object, its columns explained, written and read in four formats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import DataError, choice, message
from ...ids import id_text
from .cells import joined as joined_texts
from .cells import split
from .columns import Column, described
from .formats import FORMATS, read_file, write_file
from .hats import ROWS, Hats, write_hats
from .joining import Joined, join
from .metadata import to_text
from .parts import Parts
from .tiers import GOLD, SILVER, Tiers

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 8
FIRST = ("id", "tier", "ra", "dec", "z", "snr", "cluster", "artefact", "label", "vote")


@dataclass(frozen=True, eq=False)
class Catalogue:
    """One row an object, sorted by place on the sky.

    Text columns are empty where nothing is known, floats NaN, integers blank (``pandas.NA``); those that tell a place
    in the survey (``plate``, ``mjd``, ``fiber``, ``petal``, ``tile``, ``healpix``) are −1 where there is none.

    Attributes
    ----------
    table : DataFrame
        ``_healpix_29``, ``id`` and the columns of the parts.
    columns : tuple of Column
        Name, description, unit and UCD of each column, in order.
    meta : mapping
        ``tiers`` (thresholds, and what reaches them), ``provenance``, ``unknown`` (part → ids that no object has),
        ``left_out`` (id and reason: second rows of an id, rows without one, objects without a position); what JSON can
        hold.

    Examples
    --------
    >>> catalogue = Catalogue.of(Parts(objects=sample.table, scores=scores))    # doctest: +SKIP
    >>> catalogue.write("odd.fits")                                             # doctest: +SKIP
    """

    table: pd.DataFrame
    columns: tuple[Column, ...]
    meta: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: Parts, *, tiers: Tiers | None = None, provenance: Mapping[str, str] | None = None,
           columns: Mapping[str, Column] | None = None) -> Catalogue:
        """Join the parts to a catalogue.

        Parameters
        ----------
        parts : Parts
            Tables keyed by id.
        tiers : Tiers, optional
            Thresholds; when not given, those of ``Tiers()``, if there is such a score.
        provenance : mapping, optional
            What the rows are from: ``run``, ``parameters``, ``model``, … → text. The version of specanom and the date
            are added.
        columns : mapping, optional
            Name → Column, for columns of your own.

        Raises
        ------
        DataError
            When a part lacks its columns, an id has lost digits, or there is no object.
        ArgumentError
            When `tiers` name a score that is not there.
        """
        made = join(parts)
        meta: dict[str, Any] = {}
        tiers = tiers or (Tiers() if Tiers().score in made.table else None)
        if tiers is not None:
            _judge(made, tiers)
            meta["tiers"] = tiers.told(made.table)
        meta["provenance"] = {"specanom": _version(), "date": datetime.now(UTC).date().isoformat(),
                              **{str(name): str(value) for name, value in (provenance or {}).items()}}
        told = [f"{name} {value}" for name, value in meta["provenance"].items()]
        made.table["provenance"] = joined_texts(told)
        meta["unknown"] = {name: list(ids) for name, ids in made.unknown.items()}
        meta["left_out"] = [list(one) for one in made.left_out]
        return cls(made.table, described(made.table.columns, columns or {}, made.origin), meta)

    # -- files -----------------------------------------------------------------------------------------------------

    def write(self, path: str | Path) -> Path:
        """Write the catalogue, whole or not at all; returns the path.

        Parameters
        ----------
        path : path-like
            Ends in ``.parquet`` (with units, descriptions and UCDs in its schema, and the VOTable of the VOParquet
            convention), ``.ecsv``, ``.fits`` (text that is not ASCII as ``\\uXXXX``, which :meth:`read` undoes), or
            ``.vot``, ``.votable``, ``.xml``.

        Raises
        ------
        ArgumentError
            For another ending.
        """
        path = Path(path)
        kind = FORMATS[choice("path", path.suffix.lower(), FORMATS)]
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(kind, path, self.table, self.columns, self.meta)
        return path

    def write_hats(self, folder: str | Path, *, rows: int = ROWS, name: str = "specanom") -> Path:
        """Write the catalogue as a HATS folder, which ``lsdb.open_catalog`` opens; returns the folder.

        Objects without a position have no place in it; the metadata (thresholds, provenance) go into its
        ``specanom.json``.

        Parameters
        ----------
        folder : path-like
            A new folder, or a HATS catalogue to replace.
        rows : int
            Most rows of a file; a pixel of more objects is split into four.
        name : str
            What the catalogue is called.

        Raises
        ------
        DataError
            When no object has a position, or something else is at `folder`.
        """
        return write_hats(Path(folder), self.table, self.columns, Hats(name, rows, to_text(self.meta)))

    @classmethod
    def read(cls, path: str | Path, *, columns: Iterable[str] | None = None) -> Catalogue:
        """Read what :meth:`write` wrote.

        Parameters
        ----------
        path : path-like
        columns : iterable of str, optional
            Read these alone, those of them that there are: of Parquet the others are not touched.

        Raises
        ------
        ArgumentError
            For another ending.
        DataError
            When the file is no catalogue of specanom or cannot be read.
        """
        path = Path(path)
        kind = FORMATS[choice("path", path.suffix.lower(), FORMATS)]
        names = None if columns is None else set(columns)
        table, known, meta = read_file(kind, path, names)
        if names is not None:
            known = tuple(one for one in known if one.name in names)
            table = table[[one.name for one in known]]
        return cls(table, known, meta)

    # -- looking ---------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, id: Any) -> pd.Series:
        """Return the row of an object.

        Raises
        ------
        DataError
            When there is none of this id.
        """
        rows = self.table[self.table["id"] == id_text(id)]
        if rows.empty:
            raise DataError(message("id", expected="an id of the catalogue", got=repr(id),
                                    hint=f"{', '.join(self.table['id'][:3])}, …"))
        return rows.iloc[0]

    def kin(self, id: str) -> list[str]:
        """Return the ids of the kin of an object, nearest first."""
        return split(str(self[id].get("kin", "")))

    def tier(self, name: str) -> pd.DataFrame:
        """Return the rows of a tier, ``"gold"`` or ``"silver"``, the highest score first."""
        choice("name", name, (GOLD, SILVER))
        if "tier" not in self.table:
            return self.table.iloc[:0]
        found: pd.DataFrame = self.table[self.table["tier"] == name]
        return found.sort_values(self.meta["tiers"]["score"], ascending=False, kind="stable", ignore_index=True)

    @property
    def unknown(self) -> dict[str, list[str]]:
        """Part → ids in it that no object of the catalogue has."""
        return dict(self.meta.get("unknown", {}))

    @property
    def left_out(self) -> list[tuple[str, str]]:
        """What was not taken as it came, and why: (id, reason)."""
        return [(id, reason) for id, reason in self.meta.get("left_out", [])]

    def describe(self) -> pd.DataFrame:
        """Return a table of the columns: name, type, unit, description, UCD."""
        import pandas as pd

        made = pd.DataFrame(self.columns)
        kinds = [self.table[name].dtype for name in made["name"]]
        made.insert(1, "type", [str(kind).lower() if kind.kind in "if" else "text" for kind in kinds])
        return made[["name", "type", "unit", "description", "ucd"]]

    def summary(self) -> str:
        """Return what is in the catalogue, in sentences."""
        lines = [f"{len(self)} objects, {len(self.columns)} columns."]
        if "tier" in self.table:
            counts = self.table["tier"].value_counts()
            lines.append(f"Tiers: {counts.get(GOLD, 0)} gold, {counts.get(SILVER, 0)} silver. "
                         f"{self.meta['tiers']['sentence']}")
        if "label" in self.table:
            words = self.table.loc[self.table["label"] != "", "label"].value_counts()
            lines.append("Labels: " + (", ".join(f"{count} {word}" for word, count in words.items()) or "none") + ".")
        for name in (one for one in self.table.columns if one.endswith("_status")):
            states = self.table[name].value_counts()
            lines.append(f"{name.removesuffix('_status')}: "
                         + ", ".join(f"{count} {state}" for state, count in states.items()) + ".")
        lines += [f"Not in the catalogue: {len(ids)} of the ids in {part} ({', '.join(ids[:3])}"
                  f"{', …' if len(ids) > 3 else ''})." for part, ids in self.unknown.items()]
        reasons: dict[str, int] = {}
        for _, reason in self.left_out:
            reasons[reason] = reasons.get(reason, 0) + 1
        lines += [f"{count} × {reason}." for reason, count in reasons.items()]
        lines.append("From: " + ", ".join(f"{k} {v}" for k, v in self.meta.get("provenance", {}).items()) + ".")
        return "\n".join(lines)

    def __repr__(self) -> str:
        tiers = ""
        if "tier" in self.table:
            tiers = f"; {(self.table['tier'] == GOLD).sum()} gold, {(self.table['tier'] == SILVER).sum()} silver"
        return f"Catalogue: {len(self)} objects, {len(self.columns)} columns{tiers}"

    def _repr_html_(self) -> str:
        names = [name for name in FIRST if name in self.table]
        score = self.meta.get("tiers", {}).get("score")
        table = self.table.sort_values(score, ascending=False) if score in self.table else self.table
        shown = table.head(SHOWN)[[*names, *([score] if score in self.table else [])]]
        return f"<p>{escape(repr(self))}</p>{shown.to_html(index=False, escape=True)}"


def _judge(made: Joined, tiers: Tiers) -> None:
    import pandas as pd

    tier, reason = tiers.judge(made.table)
    for place, (name, values) in enumerate((("tier", tier), ("tier_reason", reason))):
        made.table.insert(2 + place, name, pd.Series(values, index=made.table.index).astype("str"))


def _version() -> str:
    try:
        return version("specanom")
    except PackageNotFoundError:  # used from a checkout that is not installed
        return "not installed"
