"""What a JSON file may hold, as a table that can be read: field by field, with the sizes that are believed."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from ..errors import DataError, message
from ..visible import visible

MANY = 10_000_000
"""Items of a list or keys of a mapping, unless a form says less."""
DEEP = 64
"""Brackets within brackets of what a form leaves open."""
_BRIEF = 60


class Form(Protocol):
    """Says what a value has to be."""

    @property
    def told(self) -> str:
        """The form in words."""
        ...

    def fault(self, value: Any, where: str) -> Fault | None:
        """Return the first thing that is wrong with `value`, or None."""
        ...


@dataclass(frozen=True)
class Fault:
    """A value that is not of its form: where it stands, what was expected, what is there."""

    where: str
    expected: str
    got: str


def check(value: Any, form: Form, source: str | Path) -> None:
    """Compare what was read with a form.

    Parameters
    ----------
    value : object
        What JSON gave.
    form : Form
        What it has to be.
    source : str or Path
        The file, as errors call it.

    Raises
    ------
    DataError
        With the file, the field (``settings.hidden[2]``), what was expected and what is there.
    """
    found = form.fault(value, "")
    if found is not None:
        at = visible(found.where) or "its content"
        raise DataError(message(f"{visible(str(source))}, {at}", expected=found.expected, got=found.got))


@dataclass(frozen=True)
class Text:
    """A text.

    Parameters
    ----------
    most : int
        Characters.
    among : collection of str
        The only texts there are, when given.
    """

    most: int = 100_000
    among: Collection[str] = ()

    @property
    def told(self) -> str:
        """The form in words."""
        return "one of " + ", ".join(map(repr, self.among)) if self.among else f"text of at most {self.most} characters"

    def fault(self, value: Any, where: str) -> Fault | None:
        """Return what is wrong, or None."""
        fits = isinstance(value, str) and len(value) <= self.most and (not self.among or value in self.among)
        return None if fits else Fault(where, self.told, brief(value))


@dataclass(frozen=True)
class Place:
    """A path inside the folder of the file: relative, without ``..``."""

    told: str = "a path inside the folder"

    def fault(self, value: Any, where: str) -> Fault | None:
        """Return what is wrong, or None."""
        parts = PurePosixPath(value.replace("\\", "/")).parts if isinstance(value, str) else ()
        fits = 0 < len(parts) < DEEP and ".." not in parts and "\0" not in value and ":" not in parts[0]
        return None if fits and not value.startswith(("/", "\\")) else Fault(where, self.told, brief(value))


@dataclass(frozen=True)
class Whole:
    """A whole number from `least` to `most`; yes and no are none."""

    least: int = -(2**63)
    most: int = 2**63

    @property
    def told(self) -> str:
        """The form in words."""
        return f"a whole number from {self.least} to {self.most}"

    def fault(self, value: Any, where: str) -> Fault | None:
        """Return what is wrong, or None."""
        fits = isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most
        return None if fits else Fault(where, self.told, brief(value))


@dataclass(frozen=True)
class Number:
    """A number from `least` to `most`; NaN and infinity only where `open`."""

    least: float = -math.inf
    most: float = math.inf
    open: bool = False

    @property
    def told(self) -> str:
        """The form in words."""
        kind = "a number" if self.open else "a finite number"
        return kind if math.isinf(self.least) and math.isinf(self.most) else f"{kind} from {self.least} to {self.most}"

    def fault(self, value: Any, where: str) -> Fault | None:
        """Return what is wrong, or None."""
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        try:
            number = float(value) if fits else math.nan
        except OverflowError:
            number, fits = math.inf, False
        if fits and not math.isfinite(number):
            fits = self.open
        elif fits:
            fits = self.least <= number <= self.most
        return None if fits else Fault(where, self.told, brief(value))


@dataclass(frozen=True)
class Flag:
    """Yes or no."""

    told: str = "true or false"

    def fault(self, value: Any, where: str) -> Fault | None:
        """Return what is wrong, or None."""
        return None if isinstance(value, bool) else Fault(where, self.told, brief(value))


@dataclass(frozen=True)
class Anything:
    """Any JSON that is not deeper than :data:`DEEP`; for what is shown and never computed with."""

    told: str = f"JSON of at most {DEEP} levels"

    def fault(self, value: Any, where: str) -> Fault | None:
        """Return what is wrong, or None."""
        level = [value]
        for _ in range(DEEP):
            level = [one for each in level for one in _inside(each)]
            if not level:
                return None
        return Fault(where, self.told, "more")


@dataclass(frozen=True)
class Maybe:
    """A form, or null."""

    form: Form

    @property
    def told(self) -> str:
        """The form in words."""
        return f"{self.form.told}, or null"

    def fault(self, value: Any, where: str) -> Fault | None:
        """Return what is wrong, or None."""
        found = None if value is None else self.form.fault(value, where)
        return Fault(where, self.told, found.got) if found is not None and found.where == where else found


@dataclass(frozen=True)
class Either:
    """One form or the other."""

    first: Form
    second: Form

    @property
    def told(self) -> str:
        """The form in words."""
        return f"{self.first.told}, or {self.second.told}"

    def fault(self, value: Any, where: str) -> Fault | None:
        """Return what is wrong, or None."""
        if self.first.fault(value, where) is None or self.second.fault(value, where) is None:
            return None
        return Fault(where, self.told, brief(value))


@dataclass(frozen=True)
class ListOf:
    """A list of one form, `least` to `most` long."""

    form: Form
    least: int = 0
    most: int = MANY

    @property
    def told(self) -> str:
        """The form in words."""
        return f"a list of {self.least} to {self.most}"

    def fault(self, value: Any, where: str) -> Fault | None:
        """Return what is wrong, or None."""
        if not isinstance(value, list) or not self.least <= len(value) <= self.most:
            return Fault(where, self.told, brief(value))
        found = (self.form.fault(one, f"{where}[{place}]") for place, one in enumerate(value))
        return next((one for one in found if one is not None), None)


@dataclass(frozen=True)
class MapOf:
    """A mapping of texts to one form, with at most `most` keys, each one of `keys` or of a form where that is given."""

    form: Form
    most: int = MANY
    keys: Collection[str] | Form = ()

    @property
    def told(self) -> str:
        """The form in words."""
        return f"a mapping of at most {self.most} keys"

    def fault(self, value: Any, where: str) -> Fault | None:
        """Return what is wrong, or None."""
        if not isinstance(value, dict) or len(value) > self.most:
            return Fault(where, self.told, brief(value))
        for key, one in value.items():
            found = self._key_fault(key, where) or self.form.fault(one, within(where, key))
            if found is not None:
                return found
        return None


    def _key_fault(self, key: str, where: str) -> Fault | None:
        if not isinstance(self.keys, Collection):
            return self.keys.fault(key, within(where, key))
        if self.keys and key not in self.keys:
            return Fault(within(where, key), "one of " + ", ".join(self.keys), "another field")
        return None


@dataclass(frozen=True)
class Record:
    """A mapping of named fields.

    Parameters
    ----------
    fields : mapping of str to Form
        Those that have to be there.
    optional : mapping of str to Form
        Those that may be.
    more : bool
        Whether other fields are let be: a later version may tell more. They are never read.
    """

    fields: Mapping[str, Form]
    optional: Mapping[str, Form] = field(default_factory=dict)
    more: bool = False

    @property
    def told(self) -> str:
        """The form in words."""
        return "a mapping with " + ", ".join(self.fields) if self.fields else "a mapping"

    def fault(self, value: Any, where: str) -> Fault | None:
        """Return what is wrong, or None."""
        if not isinstance(value, dict):
            return Fault(where, self.told, brief(value))
        for name, form in self.fields.items():
            if name not in value:
                return Fault(within(where, name), form.told, "nothing")
        for name, one in value.items():
            known = self.fields.get(name) or self.optional.get(name)
            if known is None and not self.more:
                names = ", ".join([*self.fields, *self.optional])
                return Fault(within(where, name), f"no such field; known are {names}", brief(one))
            found = (Anything() if known is None else known).fault(one, within(where, name))
            if found is not None:
                return found
        return None


def within(where: str, name: str) -> str:
    """Return the place of a field inside another."""
    short = name if len(name) <= _BRIEF else f"{name[:_BRIEF]}…"
    return f"{where}.{short}" if where else short


def brief(value: Any) -> str:
    """Return what a value is, in a few words that fit into a message."""
    if isinstance(value, (list, dict)):
        return f"a {'list' if isinstance(value, list) else 'mapping'} of {len(value)}"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 128:
        return f"a whole number of {value.bit_length()} bits"
    text = repr(value[: _BRIEF + 1]) if isinstance(value, str) else repr(value)
    return visible(text if len(text) <= _BRIEF + 2 else f"{text[:_BRIEF]}…")


def _inside(value: Any) -> Collection[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
