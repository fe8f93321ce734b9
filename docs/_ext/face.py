"""The public face of specanom: what the API reference has a page for, and where references to it lead."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

import specanom

INSIDE = ("surveys.archive", "surveys.desi_archive", "triage.crossmatch", "triage.quality", "triage.catalogue",
          "triage.candidates")
"""Rooms within rooms."""
BESIDE = ("widgets", "deploy", "protocols")
"""Rooms that ``import specanom`` does not name."""


@dataclass(frozen=True)
class Room:
    """A public module and the names it gives."""

    name: str
    module: ModuleType
    names: dict[str, Any] = field(repr=False)


def given(module: ModuleType) -> dict[str, Any]:
    """Return the public names of a module: those of ``__all__``, or all that it defines itself."""
    listed = getattr(module, "__all__", None)
    if listed is None:
        listed = [name for name, value in vars(module).items() if not name.startswith("_") and _own(module, value)]
    return {name: getattr(module, name) for name in listed if not isinstance(getattr(module, name), ModuleType)}


def _own(module: ModuleType, value: Any) -> bool:
    home = getattr(value, "__module__", None)
    return home == module.__name__ if home is not None else isinstance(value, (dict, tuple, str, float, int))


@cache
def rooms() -> tuple[Room, ...]:
    """Return every public room, in the order a run uses them."""
    names: list[str] = []
    for name in (*specanom._ROOMS, *BESIDE):
        names += [name, *(inner for inner in INSIDE if inner.startswith(f"{name}."))]
    modules = {name: importlib.import_module(f"specanom.{name}") for name in names}
    return tuple(Room(name, module, given(module)) for name, module in modules.items())


@cache
def top() -> dict[str, Any]:
    """Return what ``specanom`` itself gives, rooms left out."""
    return {name: getattr(specanom, name) for name in specanom.__all__ if name not in (*specanom._ROOMS, "__version__")}


def page(room: Room, name: str) -> str:
    """Return the full name under which a name of a room is documented: the shortest that a reader may write."""
    if top().get(name) is room.names[name]:
        return f"specanom.{name}"
    for other in rooms():  # a room gives on what another has
        if other is not room and other.names.get(name) is room.names[name] and callable(room.names[name]):
            return f"specanom.{min(other.name, room.name, key=lambda one: (len(one.split('.')), len(one)))}.{name}"
    return f"specanom.{room.name}.{name}"


@cache
def pages() -> dict[str, Any]:
    """Return every documented name in full, with what it is."""
    found = {f"specanom.{name}": value for name, value in top().items()}
    for room in rooms():
        found |= {page(room, name): value for name, value in room.names.items()}
    return found


@cache
def homes() -> dict[str, str]:
    """Return the public names of names in the code: ``specanom.spectrum.Spectrum`` → ``specanom.Spectrum``."""
    found: dict[str, str] = {}
    for room in rooms():
        for name in room.names:
            found[f"specanom.{room.name}.{name}"] = page(room, name)
    for full, value in pages().items():
        if isinstance(value, type) or callable(value):
            module, name = getattr(value, "__module__", ""), getattr(value, "__qualname__", "")
            found.setdefault(f"{module}.{name}", full)
    return found


def bare() -> frozenset[str]:
    """Return the documented classes without a base that would tell a reader anything: none, or a private one."""
    told = {full: [base for base in value.__bases__ if base is not object and not base.__name__.startswith("_")]
            for full, value in pages().items() if isinstance(value, type)}
    return frozenset(full for full, bases in told.items() if not bases)
