"""Buttons that mark what is in focus, on a log that keeps each mark at once."""

from __future__ import annotations

from .bar import MarkBar

__all__ = ["MarkBar"]
