"""The results that are kept in ``benchmarks/results``, and how their numbers are written on a page."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


class Results:
    """The files of a folder, each read when asked for, and the commands that made them."""

    def __init__(self, folder: Path = RESULTS) -> None:
        self.folder = folder
        self.about: dict[str, dict[str, str]] = self["about"]

    def __getitem__(self, name: str) -> Any:
        return json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))

    def source(self, *names: str) -> str:
        """Return the lines that say how results were made."""
        parts = [f"`{self.about[name]['command']}` ({self.about[name]['date']})" for name in names]
        return "Made by " + ",\nand ".join(parts) + "."


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def sig(value: float, digits: int = 2) -> str:
    """Return a number with so many significant digits, or all before the point, with commas and no exponent."""
    decimals = 0 if value == 0 else max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def median(values: Sequence[float] | float) -> str:
    """Return the median of times, or what is one already, as text."""
    return f"{statistics.median(values) if isinstance(values, list) else values:,.0f}"


def span(values: Sequence[float], unit: str = "") -> str:
    """Return the lowest and highest of some values, or one when they look alike."""
    low, high = sig(min(values)), sig(max(values))
    return f"{low}{unit}" if low == high else f"{low}–{high}{unit}"
