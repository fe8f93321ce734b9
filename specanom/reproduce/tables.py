"""The three tables of the paper, of a run."""

from __future__ import annotations

import numpy as np

from ..diagnostics import ratio_ranges
from .groups import LEADERS, grouped
from .numbers import TABLE_1, TABLE_3
from .sides import Made, Side


def table_1(side: Side) -> Made:
    """Return redshift and median S/N of all spectra that passed the cuts."""
    table = side.content.objects.table
    described = table[["z", "snr"]].astype(np.float64).describe()
    rows = {"25 %": "25%", "50 %": "50%", "75 %": "75%"}
    numbers = {name: tuple(described.loc[rows.get(name, name)].to_numpy(dtype=float)) for name in TABLE_1}
    return Made({**numbers, "spectra": len(table)})


def table_2(side: Side) -> Made:
    """Return how many spectra are in each cluster, the largest first."""
    sizes = np.sort([cluster.size for cluster in side.content.summary])[::-1]
    return Made({"counts": [int(n) for n in sizes], "shares": [float(n) for n in sizes / sizes.sum()],
                 "spectra": int(sizes.sum())})


def table_3(side: Side) -> Made:
    """Return the line ratios of the clusters that are like clusters 1 to 3: of all of a kind together."""
    groups, lines = grouped(side), side.content.lines
    ranges, members = {}, {}
    for group in LEADERS:
        ids = {id for cluster in groups[group] for id in cluster.ids}
        members[group] = len(ids)
        if ids:
            found = ratio_ranges(lines[lines["id"].isin(ids)], names=list(TABLE_3[group]))
            ends = zip(found.index, found["low"], found["high"], strict=True)
            ranges[group] = {str(name): (float(low), float(high)) for name, low, high in ends}
    missing = "" if ranges else "no cluster leans on Hα, [O II] or [O III]"
    return Made({"ranges": ranges, "members": members}, missing=missing)
