"""Options whose default is the correct physics and whose published value is one switch away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import choice

PRESETS = (None, "paper")


@dataclass(frozen=True)
class ByPreset:
    """The two values of one option; printed in signatures as ``1 [paper: 4]``."""

    default: Any
    paper: Any

    def __repr__(self) -> str:
        return f"{self.default!r} [paper: {self.paper!r}]"


def by_preset(default: Any, *, paper: Any) -> Any:
    """Declare an option that ``preset="paper"`` changes, where the option itself is not given."""
    return ByPreset(default, paper)


def resolve(value: Any, preset: str | None) -> Any:
    """Return an option's value: as given, or the one of the preset when it was not given.

    Raises
    ------
    ArgumentError
        When the preset is unknown.
    """
    choice("preset", preset, PRESETS)
    if not isinstance(value, ByPreset):
        return value
    return value.paper if preset == "paper" else value.default
