"""Figures 1 to 3: reconstructions, what each variation of the score finds, and four anomalies explained."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import scores
from ..explain.explanation import Explanation
from ..run.tabulate import number
from .drawing import Panel, picture, weights_panel
from .groups import even, on_lines, share_of
from .numbers import COMMON
from .sides import Made, Side, eight

VARIATIONS = {"mse": "MSE", "mse_trimmed": "trimmed MSE", "mse_filtered": "filtered MSE",
              "mse_filtered_trimmed": "filtered and trimmed MSE"}
LOOKED = 20
"""How many of the oddest are searched for an example, and averaged over."""
RED = 7000.0
"""Where the red end begins, Å at rest."""
PLAN = {"a": ("mse", "most weight on emission lines"), "b": ("mse", "most weight redward of 700 nm"),
        "c": ("mse_filtered", "most weight on emission lines"),
        "d": ("mse_filtered_trimmed", "most weight at 380–400 and 650–670 nm and little on lines")}
"""The examples of Fig. 3: by which score, and which of its oddest."""
BANDS = ((3800.0, 4000.0), (6500.0, 6700.0))
"""Where the fourth example of Fig. 3 is odd, Å at rest."""


def described(side: Side, id: str) -> str:
    """Return id, redshift, and, of simulated spectra, what was put in."""
    row = side.scores.set_index("id").loc[id]
    said = f"{id}, z = {row['z']:.3f}, S/N {row['snr']:.0f}"
    truth = side.content.truth
    if truth is not None:
        kind = str(truth.drop_duplicates("id").set_index("id")["kind"].get(id, ""))
        said += f", made with: {kind.replace('_', ' ')}" if kind else ", made as an ordinary galaxy"
    return said


def figure_1(side: Side) -> Made:
    """Return the spectra at the 1st and the 99th percentile of the mean squared error."""
    known = side.mse.dropna().sort_values()
    last = len(known) - 1
    ids = {"good": str(known.index[round(0.01 * last)]), "poor": str(known.index[round(0.99 * last)])}
    panels = []
    for name, id in ids.items():
        one = side.spectrum(id)
        panels.append(Panel(np.asarray(one.flux, dtype=np.float64), model=side.model_of(id), height=140,
                            label="flux / median", title=f"{name.capitalize()}: MSE {number(known[id])}"))
    caption = (f"At the 1st and the 99th percentile of the MSE. Good: {described(side, ids['good'])}. "
               f"Poor: {described(side, ids['poor'])}.")
    return Made({"good": float(known[ids["good"]]), "poor": float(known[ids["poor"]]),
                 "noise of the good one": _noise(side, ids["good"])},
                (picture(side.wave, panels, name="a good and a poor reconstruction", caption=caption),))


def _noise(side: Side, id: str) -> float:
    ivar = side.spectrum(id).ivar
    good = np.asarray(ivar)[np.asarray(ivar) > 0] if ivar is not None else np.zeros(0)
    return float(np.mean(1.0 / good)) if good.size else float("nan")


def figure_2(side: Side) -> Made:
    """Return two examples of each variation of MSE, and what the oddest of each have in common."""
    lines, numbers, pictures, shown = on_lines(side.wave), {}, [], set[str]()
    for score, name in VARIATIONS.items():
        oddest = side.top(score, LOOKED)
        squares = side.residuals(oddest) ** 2
        numbers[score] = float(np.nanmean(np.nansum(squares[:, lines], axis=1) / np.nansum(squares, axis=1)))
        fresh = [id for id in oddest if id not in shown][:2] or oddest[:2]
        shown.update(fresh)
        panels = [Panel(np.asarray(side.spectrum(id).flux, dtype=np.float64), model=side.model_of(id), height=95,
                        label="flux / median", title=described(side, id)) for id in fresh]
        caption = f"{name[:1].upper()}{name[1:]}: of its {len(oddest)} oddest, the first two not shown above."
        pictures.append(picture(side.wave, panels, name=f"anomalies by {name}", caption=caption))
    return Made({**numbers, **_common(side)}, tuple(pictures))


def _common(side: Side) -> dict[str, Any]:
    """Return which share of the longest top list that the sample allows is common to all eight scores."""
    fitting = [k for k in COMMON if 10 * k <= len(side.scores)]
    k = max(fitting) if fitting else max(1, len(side.scores) // 10)
    columns = [side.column(name) for name in eight()]
    return {"k": k, "common": float(scores.overlap(side.scores, k, columns).attrs["common"])}


def examples(side: Side) -> dict[str, Explanation]:
    """Return the four examples of Fig. 3: of the oddest, those with most weight where the paper's have it."""
    if "examples" not in side.kept:
        where, found = _places(side), dict[str, Explanation]()
        for letter, (score, _) in PLAN.items():
            less = where["a"] if letter == "d" else np.zeros(side.wave.shape, dtype=bool)
            found[letter] = _best(_explained(side, score), where[letter], less, {e.id for e in found.values()})
        side.kept["examples"] = found
    made: dict[str, Explanation] = side.kept["examples"]
    return made


def _places(side: Side) -> dict[str, NDArray[np.bool_]]:
    wave, lines = side.wave, on_lines(side.wave)
    bands = np.any([(wave >= low) & (wave <= high) for low, high in BANDS], axis=0)
    return {"a": lines, "b": wave > RED, "c": lines, "d": bands}


def figure_3(side: Side) -> Made:
    """Return four anomalies and their explanations, chosen as the paper's examples are described."""
    wave, (lines, red, _, bands) = side.wave, _places(side).values()
    found = examples(side)
    pictures = []
    for letter, (score, said) in PLAN.items():
        made = found[letter]
        panels = [Panel(np.asarray(side.spectrum(made.id).flux, dtype=np.float64), model=side.model_of(made.id),
                        title=f"({letter}) {described(side, made.id)}", label="flux / median"), weights_panel(made)]
        caption = f"Of the {LOOKED} oddest by {VARIATIONS[score]}, the one with {said}."
        pictures.append(picture(wave, panels, name=f"anomaly {letter} explained", caption=caption))
    of = {"a: on lines": ("a", lines), "b: red end": ("b", red), "c: on lines": ("c", lines),
          "d: two bands": ("d", bands)}
    numbers = {name: share_of(found[x].weights, found[x].segments, where) for name, (x, where) in of.items()}
    cut = found["a"].segments
    return Made({**numbers, "pixels on lines": even(cut, lines), "pixels in the bands": even(cut, bands),
                 "ids": {letter: e.id for letter, e in found.items()}}, tuple(pictures))


def _explained(side: Side, score: str) -> list[Explanation]:
    part = side.content.sample.select(side.top(score, LOOKED))
    return list(side.explainer(score).explain_many(part))


def _best(found: list[Explanation], where: NDArray[np.bool_], less: NDArray[np.bool_], shown: set[str]) -> Explanation:
    """Return the explanation with most weight there and least on what it should not be, of those not shown yet."""
    fresh = [e for e in found if e.id not in shown] or found
    return max(fresh, key=lambda e: np.nan_to_num(share_of(e.weights, e.segments, where)
                                                  - share_of(e.weights, e.segments, less), nan=-2.0))


