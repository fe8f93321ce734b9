"""What is said of a choice of members: a sentence, counts by class, and ranges of line ratios."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from specanom.cluster import Features, Told, tell
from specanom.diagnostics import CLASSES, RATIOS, ratio_ranges

from ..base.words import in_html
from .members import Members

WRITTEN = {"decrement": "Hα / Hβ", "N2": "[N II] 6585 / Hα", "O3": "[O III] 5008 / Hβ",
           "O32": "[O III] 5008 / [O II] 3727+3730", "O3N2": "O3N2 = log(([O III]/Hβ) / ([N II]/Hα))"}
BAND = (16.0, 84.0)
"""Percentiles of the range: one standard deviation to either side where ratios are distributed normally."""
Groups = Sequence[tuple[str, NDArray[np.intp]]]


def classes_of(members: Members, rows: NDArray[np.intp]) -> dict[str, int]:
    """Return members by BPT class; empty when no lines were measured."""
    if members.lines is None:
        return {}
    return {name: int((members.bpt[rows] == name).sum()) for name in CLASSES}


def told_of(features: Features, members: Members, rows: NDArray[np.intp]) -> Told | None:
    """Return what the rows have in common; None for no rows."""
    rows = rows[members.kept[rows]]
    if not rows.size:
        return None
    z = members.z[rows]
    z = z[np.isfinite(z)]
    return tell(features, rows, classes=classes_of(members, rows), z=float(np.median(z)) if z.size else float("nan"))


def ratio_table(members: Members, groups: Groups) -> pd.DataFrame:
    """Return median and 16–84 percentile range of each line ratio in each group, as text, and members by BPT class."""
    made: dict[str, list[str]] = {"ratio": [WRITTEN.get(name, name) for name in RATIOS] + [f"BPT {c}" for c in CLASSES]}
    for title, rows in groups:
        made[title] = [""] * len(made["ratio"])
        if members.lines is not None:
            ranges = ratio_ranges(members.lines.iloc[rows], percentiles=BAND)
            counts = classes_of(members, rows)
            written = [_range(*ranges.loc[name, ["median", "low", "high", "count"]]) for name in RATIOS]
            made[title] = written + [f"{counts[name]:,}" for name in CLASSES]
    return pd.DataFrame(made)


def _range(median: float, low: float, high: float, count: float) -> str:
    if not np.isfinite(median):
        return f"too few ({count:,.0f})"
    return f"{median:.2f} [{low:.2f} – {high:.2f}] ({count:,.0f})"


def as_html(table: pd.DataFrame, caption: str) -> str:
    """Return a table of texts as HTML, every cell escaped."""
    head = "".join(f"<th scope='col'>{in_html(str(name))}</th>" for name in table.columns)
    body = "".join("<tr>" + "".join(f"<td>{in_html(str(cell))}</td>" for cell in row) + "</tr>"
                   for row in table.itertuples(index=False))
    return (f"<table class='specanom-numbers'><caption>{in_html(caption)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
