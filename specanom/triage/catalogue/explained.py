"""Explanations as a table: grade, artefact probability, context and the segments of largest weight."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ArgumentError, message

if TYPE_CHECKING:
    import pandas as pd

TOP = 3
CLASSES = ("lines", "imputed", "sky", "telluric", "join", "continuum", "narrow")


def explanation_table(explanations: Iterable[Any], *, top: int = TOP) -> pd.DataFrame:
    """Return one row an explanation, for :attr:`Parts.explanations`.

    Parameters
    ----------
    explanations : ExplanationSet or iterable of Explanation
        A set on disk is read block by block.
    top : int
        How many segments, by |weight|.

    Returns
    -------
    DataFrame
        ``id``, ``grade``, ``reason``, ``frame`` (rest or observed), ``score``, ``r2``, ``artefact``,
        ``artefact_note`` (why that is not told of such objects), ``z_second``, the share of the weight by context
        (``lines``, ``sky``, …), and for each segment i of the top ``top_i_segment`` (its name), ``top_i_from``,
        ``top_i_to`` (vacuum Å in that frame), ``top_i_weight``, ``top_i_weight_low``, ``top_i_weight_high``.
    """
    import pandas as pd

    if top < 0:
        raise ArgumentError(message("top", expected="a number of segments, 0 or more", got=top))
    rows = [_row(one, top) for one in explanations]
    names = ["id", "grade", "reason", "frame", "score", "r2", "artefact", "artefact_note", "z_second", *CLASSES]
    for i in range(1, top + 1):
        names += [f"top_{i}_segment", *(f"top_{i}_{what}" for what in ("from", "to", "weight", "weight_low",
                                                                         "weight_high"))]
    made = pd.DataFrame(rows, columns=names)
    texts = ["id", "grade", "reason", "frame", "artefact_note", *(name for name in names if name.endswith("_segment"))]
    numbers = [name for name in names if name not in texts]
    return made.astype(dict.fromkeys(numbers, "float64")).assign(  # of few segments, the last are blank
        **{name: made[name].astype(object).fillna("").astype("str") for name in texts})


def _row(one: Any, top: int) -> dict[str, Any]:
    row = {"id": one.id, "grade": one.grade, "reason": one.reason, "frame": one.frame, "score": one.score, "r2": one.r2}
    row |= {"artefact": one.artefact, "artefact_note": one.untold, "z_second": one.z_second, **one.context.shares}
    for i, k in enumerate(one.order[:top], 1):
        pixels = one.wave[one.segments == k]
        low, high = one.interval[k]
        row |= {f"top_{i}_segment": one.names[k], f"top_{i}_from": float(np.min(pixels)),
                f"top_{i}_to": float(np.max(pixels)), f"top_{i}_weight": float(one.weights[k]),
                f"top_{i}_weight_low": float(low), f"top_{i}_weight_high": float(high)}
    return row
