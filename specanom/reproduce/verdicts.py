"""What agrees with the paper and what does not: sentences made of the numbers of the two runs.

Each function takes what the run with the published behaviour gave and what the defaults gave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..run.tabulate import number, percent
from .numbers import COMMON, GOOD_MSE, POOR_MSE, TABLE_1, TABLE_2, TABLE_3
from .sides import NAMES, Made

AGREES, PARTLY, DIFFERS, OPEN = "agrees", "partly", "differs", "cannot be told"
NEAR = 0.25
"""By which share of its value a number of ours may be off one of the paper and still agree."""
CLEARLY = 1.5
"""How many times what even weights would give a share must be to count as one of the paper's."""


@dataclass(frozen=True)
class Verdict:
    """Whether a figure or table agrees.

    Attributes
    ----------
    told : mapping
        "paper" and "defaults" → agrees, partly, differs or cannot be told.
    lead : str
        What is compared, where that has to be said.
    said : mapping
        "paper" and "defaults" → a sentence.
    why : tuple of str
        Keys of reasons.
    """

    told: Mapping[str, str]
    lead: str
    said: Mapping[str, str]
    why: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether both agree."""
        return set(self.told.values()) == {AGREES}


def judged(paper: Made, defaults: Made, say: Callable[[Made], tuple[str, str]], *, lead: str = "",
           why: tuple[str, ...] = ()) -> Verdict:
    """Return the verdict that `say` gives of each run, put together.

    Parameters
    ----------
    paper, defaults : Made
        The two runs.
    say : callable
        Made → verdict and half a sentence on it.
    lead : str
        Said first.
    why : tuple of str
        Reasons.
    """
    told, said = {}, {}
    for name, made in (("paper", paper), ("defaults", defaults)):
        verdict, text = (OPEN, made.missing) if made.missing else say(made)
        told[name] = verdict
        said[name] = f"With {NAMES[name]} {text}."
    return Verdict(told, lead, said, why)


def near(ours: float, theirs: float, share: float = NEAR) -> bool:
    """Return whether a number of ours is within a share of one of the paper."""
    return bool(np.isfinite(ours)) and abs(ours - theirs) <= share * abs(theirs)


def graded(parts: list[bool]) -> str:
    """Return agrees when all parts do, partly when some do, differs when none does."""
    return OPEN if not parts else AGREES if all(parts) else PARTLY if any(parts) else DIFFERS


def table_1(paper: Made, defaults: Made) -> Verdict:
    """Return whether redshifts and S/N are those of the paper's sample."""
    def say(made: Made) -> tuple[str, str]:
        parts = {name: [near(made.numbers[name][i], TABLE_1[name][i]) for i in (0, 1)] for name in TABLE_1}
        off = [f"the {name} of {('z', 'S/N')[i]} ({number(made.numbers[name][i])} for {TABLE_1[name][i]:g})"
               for name, both in parts.items() for i, good in enumerate(both) if not good]
        same = sum(sum(both) for both in parts.values())
        text = f"{same} of {2 * len(TABLE_1)} numbers lie within {percent(NEAR)} of the paper's"
        if off:
            text += f"; further off {'is' if len(off) == 1 else 'are'} {', '.join(off)}"
        return AGREES if same >= 2 * len(TABLE_1) - 2 else graded([same > len(TABLE_1), False]), text
    return judged(paper, defaults, say, why=("simulated", "warnings", "faint"))


def figure_1(paper: Made, defaults: Made) -> Verdict:
    """Return whether good and poor reconstructions are as far apart as the paper's."""
    theirs = POOR_MSE / GOOD_MSE

    def say(made: Made) -> tuple[str, str]:
        good, poor, noise = (made.numbers[name] for name in ("good", "poor", "noise of the good one"))
        ratio = poor / good
        verdict = graded([0.5 <= ratio / theirs <= 2, 0.5 <= good / GOOD_MSE <= 2, 0.5 <= poor / POOR_MSE <= 2])
        text = f"the poor one is {number(ratio, 2)} times the good one"
        if np.isfinite(noise):
            text += (f", of whose MSE noise alone would make {percent(noise / good)}" if noise < good else
                     f", which is reproduced to below its noise ({number(noise)})")
        return verdict, text
    lead = f"In the paper the errors differ by a factor of {theirs:.0f}."
    return judged(paper, defaults, say, lead=lead, why=("few", "steps", "inputs", "faint"))


def figure_2(paper: Made, defaults: Made) -> Verdict:
    """Return whether each variation finds what the paper says, and how little the eight share."""
    def say(made: Made) -> tuple[str, str]:
        share = {name: made.numbers[name] for name in ("mse", "mse_trimmed", "mse_filtered", "mse_filtered_trimmed")}
        lines = share["mse"] > share["mse_trimmed"]
        k, common = made.numbers["k"], made.numbers["common"]
        few = bool(common <= 2 * max(COMMON.values()))
        text = (f"lines hold {percent(share['mse'])} of the squared residuals of the oddest by MSE and "
                f"{percent(share['mse_trimmed'])} by trimmed MSE, so that trimming {'does' if lines else 'does not'} "
                f"turn to the continuum; {percent(common)} of the top {k} are common to all eight scores, "
                f"{'little, as in the paper' if few else 'more than in the paper'}")
        return graded([lines, few]), text
    return judged(paper, defaults, say, why=("simulated", "few", "lines", "nan"))


def figure_3(paper: Made, defaults: Made) -> Verdict:
    """Return whether the weights lie where the paper's do."""
    def say(made: Made) -> tuple[str, str]:
        values = made.numbers
        lines, red, broad, two = (values[name] for name in ("a: on lines", "b: red end", "c: on lines", "d: two bands"))
        parts = [lines > CLEARLY * values["pixels on lines"], red > 0.5, broad > CLEARLY * values["pixels on lines"],
                 two > CLEARLY * values["pixels in the bands"]]
        text = (f"(a) has {percent(lines)} of its weight on lines, (b) {percent(red)} redward of 700 nm, "
                f"(c) {percent(broad)} on lines, (d) {percent(two)} at 380–400 and 650–670 nm; even weights would give "
                f"{percent(values['pixels on lines'])} on lines and {percent(values['pixels in the bands'])} in these "
                f"bands, so {sum(parts)} of the four are as in the paper")
        return graded(parts), text
    lead = ("The examples are picked from the oddest for where their weight lies; the question is whether there are "
            f"such ones: with more than half of the weight at the red end for (b), and {CLEARLY:g} times what even "
            "weights would give for the others.")
    return judged(paper, defaults, say, lead=lead, why=("simulated", "few", "fill"))


def table_2(paper: Made, defaults: Made) -> Verdict:
    """Return whether the clusters are as many and as large."""
    theirs = np.sort(np.array(list(TABLE_2.values())))[::-1] / sum(TABLE_2.values())

    def say(made: Made) -> tuple[str, str]:
        shares = np.asarray(made.numbers["shares"])
        same_k = len(shares) == len(theirs)
        largest = near(float(shares[0]), float(theirs[0]))
        text = (f"{made.numbers['spectra']} spectra fall into {len(shares)} clusters, the largest with "
                f"{percent(shares[0])} of them and the smallest with {percent(shares[-1])}")
        return graded([same_k, largest]), text
    lead = (f"The paper has {len(theirs)} clusters, the largest with {percent(theirs[0])} and the smallest with "
            f"{percent(theirs[-1])}.")
    return judged(paper, defaults, say, lead=lead, why=("simulated", "few", "clusters", "ranking"))


def table_3(paper: Made, defaults: Made) -> Verdict:
    """Return whether the ratios overlap with the paper's, and go the same way from cluster to cluster."""
    def say(made: Made) -> tuple[str, str]:
        known: dict[int, Any] = made.numbers["ranges"]
        pairs = [(ours, TABLE_3[group][name]) for group, ranges in known.items() for name, ours in ranges.items()
                 if np.isfinite(ours).all()]
        if not pairs:
            return OPEN, "no cluster has enough galaxies with all lines measured"
        over = sum(a[0] <= b[1] and b[0] <= a[1] for a, b in pairs)
        falls, steps = trend(known)
        text = (f"{over} of {len(pairs)} ranges that are known overlap with the paper's, and {falls} of {steps} steps "
                "between the clusters go the way they do there" if steps else
                f"{over} of {len(pairs)} ranges that are known overlap with the paper's")
        return graded([over > len(pairs) / 2, *([falls > steps / 2] if steps else [])]), text
    return judged(paper, defaults, say, why=("simulated", "few", "ranking"))


def trend(ranges: Mapping[int, Mapping[str, tuple[float, float]]]) -> tuple[int, int]:
    """Return how many steps from one cluster to the next go as in the paper, and how many can be told."""
    good = steps = 0
    groups = sorted(ranges)
    for first, second in pairwise(groups):
        for name in TABLE_3[1]:
            ours = float(np.mean(ranges[second][name]) - np.mean(ranges[first][name]))
            theirs = float(np.mean(TABLE_3[second][name]) - np.mean(TABLE_3[first][name]))
            if np.isfinite(ours):
                steps += 1
                good += ours * theirs > 0
    return good, steps
