"""The explorer: a static page of a catalogue that needs neither kernel nor network."""

from __future__ import annotations

from .record import ExplorerData
from .writing import write_explorer

__all__ = ["ExplorerData", "write_explorer"]


def __dir__() -> list[str]:
    return sorted(__all__)
