"""Figures 4 to 6, the clusters, and C.1 to C.3, their members."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..run.tabulate import ShownTable, fixed, number, percent
from .beside import DASH, both, shown
from .drawing import Panel, picture
from .figures import described
from .groups import CLIPPED, DIFFUSE, LEADERS, WINDOWS, grouped, on_lines, share_of
from .numbers import MEMBER_RANKS, TABLE_2
from .sides import Made, Picture, Side
from .verdicts import OPEN, Verdict, graded, judged

CALLED: dict[int | str, str] = {
    DIFFUSE: "not led by emission lines", CLIPPED: "led by [O III] at the 5577 Å mask", 1: "led by Hα",
    2: "led by [O II]", 3: "led by [O III]"}
THEIRS: dict[int | str, tuple[int, ...]] = {DIFFUSE: (0, 5), CLIPPED: (4, 6), 1: (1,), 2: (2,), 3: (3,)}
"""Which clusters of the paper are of which kind."""
IMAGES = "Images of the galaxies are not shown: this command asks no archive for them."
NO_IMAGES = "There are no images: the galaxies are simulated."


def _pictures(side: Side, kinds: tuple[int | str, ...]) -> tuple[Picture, ...]:
    """Draw the mean spectrum and the mean weights of every cluster of some kinds."""
    made, groups, summary = [], grouped(side), side.content.summary
    for kind in kinds:
        for cluster in groups[kind]:
            counted = f"{cluster.size} spectr{'um' if cluster.size == 1 else 'a'}"
            weights = np.asarray(cluster.weights)[np.asarray(summary.segments)]
            flux = Panel(cluster.flux, title=f"Cluster {cluster.label}: {counted}, {CALLED[kind]}",
                         label="flux / median", band=(cluster.flux_low, cluster.flux_high))
            bars = Panel(weights, label="mean |w|", bars=True, height=70)
            made.append(picture(np.asarray(summary.wave), [flux, bars], name=f"cluster {cluster.label}",
                                caption=f"Median z {cluster.z[1]:.3f}. {_without_redshift(cluster.story)}"))
    return tuple(made)


def _without_redshift(story: str) -> str:
    """Leave the rounded redshift of a story out where the caption has it with the digits of the paper."""
    before, found, _ = story.rpartition("; median z ")
    return f"{before}." if found else story


def _shares(side: Side, kinds: tuple[int | str, ...]) -> dict[str, Any]:
    """Return which share of the explained spectra is in clusters of each kind, and how many clusters these are."""
    groups, whole = grouped(side), len(side.content.explanations)
    made: dict[str, Any] = {}
    for kind in kinds:
        made[f"clusters {CALLED[kind]}"] = len(groups[kind])
        made[f"spectra {CALLED[kind]}"] = sum(c.size for c in groups[kind]) / whole
    return made


def figure_4(side: Side) -> Made:
    """Return the clusters of diffuse weights, and those of a clipped [O III] line."""
    kinds = (DIFFUSE, CLIPPED)
    at = 5008.24 * (1 + side.scores.set_index("id")["z"].reindex(side.content.explanations.ids).to_numpy(dtype=float))
    near = int(np.sum((at >= WINDOWS[0]) & (at <= WINDOWS[1])))
    return Made({**_shares(side, kinds), "near the mask": near}, _pictures(side, kinds))


def figure_5(side: Side) -> Made:
    """Return the clusters led by Hα and by [O II]."""
    return Made({**_shares(side, (1, 2)), **_leads(side, (1, 2))}, _pictures(side, (1, 2)))


def figure_6(side: Side) -> Made:
    """Return the clusters led by [O III]."""
    return Made({**_shares(side, (3,)), **_leads(side, (3,))}, _pictures(side, (3,)))


def _leads(side: Side, kinds: tuple[int, ...]) -> dict[str, float]:
    """Return the share of the weight of the largest cluster of each kind that lies on the lines that lead it."""
    made, groups, summary = {}, grouped(side), side.content.summary
    for kind in kinds:
        if groups[kind]:
            where = on_lines(np.asarray(summary.wave), LEADERS[kind])
            made[f"weight {CALLED[kind]}"] = share_of(groups[kind][0].weights, np.asarray(summary.segments), where)
    return made


def judge_4(paper: Made, defaults: Made) -> Verdict:
    """Return whether there are diffuse clusters, and such of a clipped line."""
    def say(made: Made) -> tuple[str, str]:
        diffuse, clipped = (made.numbers[f"clusters {CALLED[kind]}"] for kind in (DIFFUSE, CLIPPED))
        share = made.numbers[f"spectra {CALLED[DIFFUSE]}"]
        text = (f"{diffuse or 'no'} {'cluster' if diffuse == 1 else 'clusters'} with {percent(share)} of the spectra "
                f"{'has' if diffuse == 1 else 'have'} little weight on emission lines, and {clipped or 'no'} "
                f"{'clusters lean' if clipped > 1 else 'cluster leans'} on [O III] at the mask, where "
                f"{made.numbers['near the mask']} of the explained spectra have that line at all")
        return graded([diffuse > 0, clipped > 0]), text
    return judged(paper, defaults, say, why=("airglow", "simulated", "few", "faint"))


def judge_lines(paper: Made, defaults: Made, *, kinds: tuple[int, ...]) -> Verdict:
    """Return whether there are clusters led by the same lines."""
    def say(made: Made) -> tuple[str, str]:
        counts = [made.numbers[f"clusters {CALLED[kind]}"] for kind in kinds]
        said = []
        for kind, count in zip(kinds, counts, strict=True):
            share = made.numbers[f"spectra {CALLED[kind]}"]
            lead = made.numbers.get(f"weight {CALLED[kind]}")
            said.append(f"{count} {'cluster is' if count == 1 else 'clusters are'} {CALLED[kind]}"
                        + ("" if lead is None else f" ({percent(share)} of the spectra; {percent(lead)} of the weight "
                           "of the largest is on these lines)"))
        return graded([count > 0 for count in counts]), " and ".join(said)
    return judged(paper, defaults, say, why=("simulated", "few", "fill", "ranking"))


judge_5, judge_6 = partial(judge_lines, kinds=(1, 2)), partial(judge_lines, kinds=(3,))


def beside_kinds(paper: Made, defaults: Made, *, kinds: tuple[int | str, ...]) -> ShownTable:
    """Return how many clusters and spectra are of each kind, the paper's beside ours."""
    whole, rows = sum(TABLE_2.values()), []
    for kind in kinds:
        theirs = sum(TABLE_2[label] for label in THEIRS[kind]) / whole
        name = CALLED[kind]
        rows.append((f"clusters {name}", number(len(THEIRS[kind])), *both(paper, defaults, f"clusters {name}")))
        rows.append(("of the spectra", percent(theirs), *both(paper, defaults, f"spectra {name}", percent)))
    return shown(rows)


def members(side: Side, group: int) -> Made:
    """Return members of the clusters like one of the paper, at the ranks that the paper shows."""
    groups = grouped(side)
    inside = {id for cluster in groups[group] for id in cluster.ids}
    if not inside:
        return Made({}, missing=f"no cluster is {CALLED[group]}")
    ordered = [id for id in side.content.explanations.ids if id in inside]
    ranks = sorted({min(rank, len(ordered)) for rank in MEMBER_RANKS[group]})
    lines = side.content.lines.drop_duplicates("id").set_index("id")
    ratios, panels = [], []
    for rank in ranks:
        id = ordered[rank - 1]
        ratios.append(_ratio(lines.loc[id]))
        panels.append(Panel(np.asarray(side.spectrum(id).flux, dtype=np.float64), height=90, label="flux / median",
                            title=f"Rank {rank}: {described(side, id)}"))
    told = f"{len(ordered)} spectra are in clusters {CALLED[group]}. {NO_IMAGES if side.simulated else IMAGES}"
    shown_ones = picture(side.wave, panels, name=f"members of clusters {CALLED[group]}", caption=told)
    return Made({"ratios": ratios, "ranks": ranks}, (shown_ones,))


def _ratio(row: Any) -> float:
    """Return the flux of [O III] 5008 over that of Hα, NaN unless both are measured at three times their errors."""
    clear = all(row[f"{line}_flux"] > 3 * row[f"{line}_err"] for line in ("OIII5008", "Ha"))
    return float(row["OIII5008_flux"] / row["Ha_flux"]) if clear else float("nan")


EXPECTED: dict[int, tuple[str, Callable[[float], bool]]] = {
    1: ("most have a fainter [O III] than Hα", lambda ratio: ratio < 1),
    2: ("[O III] is of like strength, or stronger", lambda ratio: ratio > 0.5),
    3: ("[O III] outshines Hα", lambda ratio: ratio > 1),
}
"""What the paper says of [O III] 5008 and Hα in each figure, and when one galaxy is so."""


def judge_members(paper: Made, defaults: Made, *, group: int) -> Verdict:
    """Return whether the members have the balance of [O III] and Hα that the paper tells of."""
    said, so = EXPECTED[group]

    def say(made: Made) -> tuple[str, str]:
        known = [ratio for ratio in made.numbers["ratios"] if np.isfinite(ratio)]
        if not known:
            return OPEN, "both lines are measured in none of those shown"
        good = sum(so(ratio) for ratio in known)
        shown_ratios = ", ".join(fixed(2)(ratio) for ratio in known)
        text = (f"it is so in {good} of {len(known)} that are shown and have both lines measured (flux of [O III] 5008 "
                f"over Hα: {shown_ratios})")
        return graded([2 * good > len(known), good == len(known)]), text
    return judged(paper, defaults, say, lead=f"In the paper {said}.", why=("simulated", "few"))


def beside_members(paper: Made, defaults: Made, *, group: int) -> ShownTable:
    """Return the ranks that are shown."""
    ranks = [MEMBER_RANKS[group], *(made.numbers.get("ranks", ()) for made in (paper, defaults))]
    return shown([("ranks in the cluster", *(", ".join(map(str, some)) or DASH for some in ranks))])
