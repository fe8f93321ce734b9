"""Classes by rules that a person can read and change: a file of conditions on columns, the first that holds decides."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ArgumentError, DataError, choice, message
from ...folders import write_text
from ...foreign import parse_json, regular
from ...ids import id_texts
from ..conditions import Condition, read_conditions
from .waves import observed_waves

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
LARGEST = 2**20
"""Bytes of a file of rules."""
KEYS = ("name", "class", "why", "when", "any", "unless")
UNCLASSIFIED = "unclassified"
OBSERVED, ABSENT = "observed_wave", "top_1_missing"


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes
    ----------
    name, label, why : str
        What it is called, the class it gives, and a sentence for people.
    when : tuple of Condition
        All of them hold.
    any : tuple of tuples of Condition
        Where there are groups, all of one of them hold.
    unless : tuple of Condition
        None of them holds.
    """

    name: str
    label: str
    why: str = ""
    when: tuple[Condition, ...] = ()
    any: tuple[tuple[Condition, ...], ...] = ()
    unless: tuple[Condition, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """What it looks at, each once."""
        everything = [*self.when, *(one for group in self.any for one in group), *self.unless]
        return tuple(dict.fromkeys(one.column for one in everything))

    def holds(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """Tell for each row whether the rule holds.

        Raises
        ------
        ArgumentError
            Which names the rule and the column.
        """
        try:
            made = _all(self.when, table)
            if self.any:
                made = made & np.any([_all(group, table) for group in self.any], axis=0)
            return np.asarray(made & ~np.any([np.zeros(len(table), bool), *(one.holds(table) for one in self.unless)],
                                             axis=0))
        except ArgumentError as exc:
            raise ArgumentError(f"rule {self.name!r}: {exc}") from exc

    def __repr__(self) -> str:
        parts = [" and ".join(map(repr, self.when))] if self.when else []
        parts += [" or ".join(f"({' and '.join(map(repr, group))})" for group in self.any)] if self.any else []
        said = " and ".join(parts) + (f" unless {' or '.join(map(repr, self.unless))}" if self.unless else "")
        return f"{self.name} → {self.label}: {said}"


@dataclass(frozen=True, eq=False)
class Classified:
    """What the rules say of a table.

    Attributes
    ----------
    table : DataFrame
        ``id``, ``class`` ("unclassified" where no rule holds) and ``rule``, one row an object.
    counts : mapping of str to int
        Objects by class, unclassified ones among them.
    skipped : mapping of str to str
        Rules that were not tried, with the columns the table lacks.
    """

    table: pd.DataFrame
    counts: Mapping[str, int]
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def unmatched(self) -> int:
        """Objects no rule holds for."""
        return self.counts.get(UNCLASSIFIED, 0)

    def __repr__(self) -> str:
        text = f"Classified: {len(self.table):,} objects; " + ", ".join(f"{n:,} {name}" for name, n in
                                                                      self.counts.items())
        return text + "".join(f"\n  rule {name!r} was not tried: no column {why}" for name, why in self.skipped.items())


@dataclass(frozen=True)
class Taxonomy:
    """Rules in their order; called with a table, they classify it.

    Attributes
    ----------
    rules : tuple of Rule
    source : str
        Where they come from.

    Examples
    --------
    >>> import pandas as pd
    >>> rules = Taxonomy.of([{"name": "far", "class": "quasar", "when": {"z": "> 1"}}])
    >>> rules(pd.DataFrame({"id": ["a", "b"], "z": [2.0, 0.1]}))
    Classified: 2 objects; 1 quasar, 1 unclassified
    """

    rules: tuple[Rule, ...]
    source: str = ""

    @classmethod
    def of(cls, rules: list[Mapping[str, Any]], *, source: str = "") -> Taxonomy:
        """Make rules of mappings with name, class, why, when, any and unless, as the file has them.

        Raises
        ------
        ArgumentError
            Which names the rule.
        """
        made = tuple(_rule(written, place) for place, written in enumerate(rules))
        names = [one.name for one in made]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ArgumentError(message("rules", expected="a name of its own for each", got=", ".join(twice)))
        return cls(made, source)

    @classmethod
    def read(cls, path: str | Path) -> Taxonomy:
        """Read a file of rules, TOML or JSON.

        Raises
        ------
        DataError
            When it cannot be read, or is of a later version.
        ArgumentError
            When a rule cannot be understood; it is named.
        """
        file = Path(path).expanduser()
        choice("path", file.suffix.lower(), (".toml", ".json"))
        try:
            if regular(file) > LARGEST:
                raise OSError(f"more than {LARGEST} bytes")
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise DataError(message("path", expected="a file of rules", got=f"{path}: {exc}")) from exc
        return cls._parsed(text, file.suffix.lower(), str(path))

    @classmethod
    def default(cls) -> Taxonomy:
        """Return the rules that come with the package: instrument and sky first, then what galaxies do."""
        return cls._parsed(default_text(), ".toml", "specanom")

    @classmethod
    def _parsed(cls, text: str, kind: str, source: str) -> Taxonomy:
        try:
            content = tomllib.loads(text) if kind == ".toml" else parse_json(text)
        except (ValueError, RecursionError) as exc:
            raise DataError(message("path", expected=f"{kind[1:].upper()}", got=f"{source}: {exc}")) from exc
        rules = content.get("rule") if isinstance(content, dict) else None
        if not isinstance(rules, list) or not rules:
            raise DataError(message("path", expected="at least one [[rule]]", got=f"{source} without any"))
        if content.get("version", VERSION) != VERSION:
            raise DataError(message("path", expected=f"rules of version {VERSION}",
                                    got=f"{source} of version {content['version']}"))
        return cls.of(rules, source=source)

    def __call__(self, table: Any, *, missing: str = "error") -> Classified:
        """Classify every row of a table by the first rule that holds.

        Parameters
        ----------
        table : DataFrame or SpectrumSet
            With ``id`` and the columns the rules look at. Where they are lacking, ``observed_wave`` is made of z,
            top_1_from and top_1_to, and ``top_1_missing`` of top_1_segment: whether the leading segment is one where
            only the model has a line or feature; false where no segment is told.
        missing : {"error", "skip"}
            What to do with a rule that looks at a column the table lacks.

        Raises
        ------
        ArgumentError
            Which names rule and column.
        """
        import pandas as pd

        choice("missing", missing, ("error", "skip"))
        frame = _with_missing(_with_waves(table.table if hasattr(table, "table") else table))
        choice("column", "id", list(map(str, frame.columns)))
        label, name = (np.full(len(frame), text, dtype=object) for text in (UNCLASSIFIED, ""))
        free = np.ones(len(frame), dtype=bool)
        skipped = {}
        for rule in self.rules:
            lacking = [column for column in rule.columns if column not in frame.columns]
            if lacking and missing == "skip":
                skipped[rule.name] = ", ".join(lacking)
                continue
            hit = free & rule.holds(frame)
            label[hit], name[hit] = rule.label, rule.name
            free &= ~hit
        made = pd.DataFrame({"id": pd.Series(id_texts(frame["id"]), dtype="str"), "class": label, "rule": name})
        order = [*dict.fromkeys(rule.label for rule in self.rules), UNCLASSIFIED]
        counted = made["class"].value_counts()
        return Classified(made, {one: int(counted[one]) for one in order if one in counted}, skipped)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    def __repr__(self) -> str:
        return "\n".join([f"Taxonomy {self.source!r}: {len(self)} rules", *(f"  {rule!r}" for rule in self.rules)])


def default_text() -> str:
    """Return the file of the default rules, to be changed and read with :meth:`Taxonomy.read`."""
    return resources.files("specanom.triage.quality").joinpath("data/rules.toml").read_text(encoding="utf-8")


def write_default(path: str | Path) -> Path:
    """Write a copy of the default rules, to be changed; an existing file is left alone.

    Raises
    ------
    DataError
        When the file exists.
    """
    target = Path(path)
    if target.exists():
        raise DataError(message("path", expected="a new file", got=f"{path}, which exists"))
    write_text(target, default_text())
    return target


def _rule(written: Any, place: int) -> Rule:
    called = f"rule {written.get('name', place + 1)!r}" if isinstance(written, Mapping) else f"rule {place + 1}"
    if not isinstance(written, Mapping):
        raise ArgumentError(message(called, expected="name, class and conditions", got=repr(written)))
    for key in written:
        choice(f"{called}, key", key, KEYS)
    for key in ("name", "class"):
        if not isinstance(written.get(key), str) or not written[key]:
            raise ArgumentError(message(f"{called}, {key}", expected="text", got=repr(written.get(key))))
    try:
        groups = tuple(read_conditions(group) for group in written.get("any", ()))
        made = Rule(written["name"], written["class"], str(written.get("why", "")),
                    read_conditions(written.get("when")), groups, read_conditions(written.get("unless")))
    except (ArgumentError, TypeError) as exc:
        raise ArgumentError(f"{called}: {exc}") from exc
    if not (made.when or made.any):
        raise ArgumentError(message(called, expected="conditions under when or any", got="none"))
    return made


def _all(conditions: tuple[Condition, ...], table: pd.DataFrame) -> NDArray[np.bool_]:
    return np.asarray(np.all([np.ones(len(table), bool), *(one.holds(table) for one in conditions)], axis=0))


def _with_missing(frame: pd.DataFrame) -> pd.DataFrame:
    if ABSENT in frame.columns:
        return frame
    if "top_1_segment" not in frame.columns:
        return frame.assign(**{ABSENT: False})
    return frame.assign(**{ABSENT: frame["top_1_segment"].astype(object).map(_names_absent).astype(bool)})


def _names_absent(name: Any) -> bool:
    return isinstance(name, str) and name.startswith("missing ")


def _with_waves(frame: pd.DataFrame) -> pd.DataFrame:
    if OBSERVED in frame.columns or not {"z", "top_1_from", "top_1_to"} <= set(frame.columns):
        return frame
    return frame.assign(**{OBSERVED: observed_waves(frame)})
