"""The numbers of the paper beside ours, as tables for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..run.tabulate import ShownTable, fixed, number, percent
from .figures import VARIATIONS
from .numbers import COMMON, GOOD_MSE, POOR_MSE, RATIO_NAMES, SPECTRA, TABLE_1, TABLE_2, TABLE_3
from .sides import NAMES, Made

Rows = Sequence[tuple[str, ...]]
HEAD = ["", "paper", NAMES["paper"], NAMES["defaults"]]
DASH = "–"


def shown(rows: Rows, head: Sequence[str] = HEAD) -> ShownTable:
    """Return rows as a table for the page."""
    return ShownTable(list(head), [list(row) for row in rows])


def both(paper: Made, defaults: Made, name: str, form: Any = number) -> tuple[str, str]:
    """Return one number of the two runs as text."""
    values = (made.numbers.get(name) for made in (paper, defaults))
    first, second = (DASH if value is None else form(value) for value in values)
    return first, second


def table_1(paper: Made, defaults: Made) -> ShownTable:
    """Return Table 1 beside ours."""
    rows: list[tuple[str, ...]] = [("spectra", number(SPECTRA), *both(paper, defaults, "spectra"))]
    for place, what in enumerate(("z", "S/N")):
        for name, values in TABLE_1.items():
            ours = both(paper, defaults, name, lambda pair, place=place: fixed(2)(pair[place]))
            rows.append((f"{what}, {name}", fixed(2)(values[place]), *ours))
    return shown(rows)


def figure_1(paper: Made, defaults: Made) -> ShownTable:
    """Return the errors of Fig. 1 beside ours."""
    return shown([("MSE, good", number(GOOD_MSE), *both(paper, defaults, "good")),
                  ("MSE, poor", number(POOR_MSE), *both(paper, defaults, "poor")),
                  ("noise alone, of the good one", DASH, *both(paper, defaults, "noise of the good one"))])


def figure_2(paper: Made, defaults: Made) -> ShownTable:
    """Return what Sect. 5.1 says in numbers, beside ours."""
    here = {made.numbers["k"] for made in (paper, defaults) if not made.missing}
    rows = [(f"common to the top {k} of all eight", f"{100 * COMMON[k]:.1f} %" if k in COMMON else DASH,
             *(percent(made.numbers["common"]) if made.numbers.get("k") == k else DASH for made in (paper, defaults)))
            for k in sorted(here | set(COMMON))]
    rows += [(f"squared residuals on lines, oddest by {name}", DASH, *both(paper, defaults, score, percent))
             for score, name in VARIATIONS.items()]
    return shown(rows)


def figure_3(paper: Made, defaults: Made) -> ShownTable:
    """Return the shares of the weight in Fig. 3; the paper gives none."""
    names = ("a: on lines", "b: red end", "c: on lines", "d: two bands", "pixels on lines", "pixels in the bands")
    called = {"pixels on lines": "even weights: on lines", "pixels in the bands": "even weights: two bands"}
    return shown([(called.get(name, name), DASH, *both(paper, defaults, name, percent)) for name in names])


def table_2(paper: Made, defaults: Made) -> ShownTable:
    """Return the sizes of clusters by rank of size, the paper's beside ours."""
    theirs = sorted(TABLE_2.values(), reverse=True)
    columns = [theirs, *(made.numbers.get("counts", []) for made in (paper, defaults))]
    rows: list[tuple[str, ...]] = [
            (str(i + 1), *(f"{number(c[i])} ({percent(c[i] / sum(c))})" if i < len(c) else DASH for c in columns))
            for i in range(max(map(len, columns)))]
    rows.append(("all", *(number(sum(c)) if c else DASH for c in columns)))
    return shown(rows, ["by size", *HEAD[1:]])


def table_3(paper: Made, defaults: Made) -> ShownTable:
    """Return the ranges of line ratios, the paper's beside ours."""
    rows: list[tuple[str, ...]] = []
    for group, ranges in TABLE_3.items():
        members = both(paper, defaults, "members", lambda counts, group=group: number(counts[group]))
        rows.append((f"like cluster {group}: galaxies", number(TABLE_2[group]), *members))
        for name, theirs in ranges.items():
            ours = (_range(made.numbers.get("ranges", {}).get(group, {}), name) for made in (paper, defaults))
            rows.append((f"{RATIO_NAMES[name]}, {group}", _ends(theirs), *ours))
    return shown(rows)


def _range(ranges: Mapping[str, tuple[float, float]], name: str) -> str:
    return _ends(ranges[name]) if name in ranges and np.isfinite(ranges[name]).all() else DASH


def _ends(pair: tuple[float, float]) -> str:
    return f"{fixed(2)(pair[0])} to {fixed(2)(pair[1])}"
