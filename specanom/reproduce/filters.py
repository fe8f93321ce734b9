"""Table B.1: the lines that a filter leaves out."""

from __future__ import annotations

import numpy as np

from ..lines import C_KMS, FILTER_KMS, FILTER_LINES, PAPER_FILTER_AIR, filter_waves, line
from ..run.tabulate import ShownTable, fixed
from .beside import DASH, HEAD, shown
from .sides import Made, Side
from .verdicts import AGREES, DIFFERS, Verdict, judged

ADDED = "OII3730"
"""The line that the paper's list misses."""
LISTED = tuple(name for name in FILTER_LINES if name != ADDED)
"""Names of the lines of the paper's list, in its order."""
SAME_KMS = 1.0
"""Within which two wavelengths are the same, km/s."""


def table_b1(side: Side) -> Made:
    """Return the wavelengths of the filter of a run by name, vacuum Å or as published."""
    asked = side.content.settings["filter_lines"] or ("paper" if side.preset else "vacuum")
    names = LISTED if asked == "paper" else FILTER_LINES
    waves = {} if asked == "quasar" else dict(zip(names, filter_waves(asked).tolist(), strict=True))
    missing = "" if waves else "the lines of the filter are those of quasars"
    half = float(side.content.settings["velocity"]) or FILTER_KMS[asked]
    return Made({"waves": waves, "half width": half}, missing=missing)


def judge_b1(paper: Made, defaults: Made) -> Verdict:
    """Return whether the filter has the wavelengths of the paper."""
    def say(made: Made) -> tuple[str, str]:
        waves, half = made.numbers["waves"], made.numbers["half width"]
        shifts = np.array([_shift(waves[name], air) for name, air in zip(LISTED, PAPER_FILTER_AIR, strict=True)])
        more = len(waves) - len(LISTED)
        if np.abs(shifts).max() <= SAME_KMS and not more:
            return AGREES, ("the wavelengths are the same, in air though the spectra are in vacuum, "
                            f"±{half:.0f} km/s each")
        added = f", and {more} is left out beside them ({line(ADDED).label})" if more else ""
        return DIFFERS, (f"the wavelengths lie {shifts.min():.0f} to {shifts.max():.0f} km/s to the red, in vacuum as "
                         f"the spectra are{added}, ±{half:.0f} km/s each")
    return judged(paper, defaults, say, why=("lines",))


def beside_b1(paper: Made, defaults: Made) -> ShownTable:
    """Return the wavelengths of the paper beside those of the runs."""
    rows: list[tuple[str, ...]] = []
    for name in FILTER_LINES:
        air = PAPER_FILTER_AIR[LISTED.index(name)] if name in LISTED else None
        ours = (made.numbers.get("waves", {}).get(name) for made in (paper, defaults))
        rows.append((line(name).label, _nm(air), *map(_nm, ours)))
    return shown(rows, ["nm", *HEAD[1:]])


def _nm(wave: float | None) -> str:
    return DASH if wave is None else fixed(4)(wave / 10)


def _shift(ours: float, theirs: float) -> float:
    """Return how far a wavelength lies to the red of another, km/s."""
    return C_KMS * (ours / theirs - 1)
