"""What the picker says about how many spectra stand out."""

from __future__ import annotations

import numpy as np

from specanom.plots.counting import Doubles, Flags

from ..base.words import in_html


def threshold_of(values: Doubles, percentile: float) -> float:
    """Return the score below which `percentile` per cent of the spectra lie, NaN when none has a score."""
    finite = values[np.isfinite(values)]
    return float(np.percentile(finite, percentile)) if finite.size else float("nan")


def above(values: Doubles, at: float) -> Flags:
    """Which spectra lie above a score; none without one does."""
    return np.isfinite(values) & (values > at)


def count_words(values: Doubles, at: float) -> str:
    """Return how many lie above a score, in words.

    Examples
    --------
    >>> count_words(np.array([1.0, 2.0, 3.0, np.nan]), 1.5)
    '2 of 3 above 1.5'
    """
    known = int(np.isfinite(values).sum())
    return f"{int(above(values, at).sum()):,} of {known:,} above {at:.3g}" if known else "no spectrum has a score"


def standing_html(values: Doubles, at: float, groups: dict[str, Flags]) -> str:
    """Return how many lie above a score, in all and in each group, and how many have none."""
    lost = int((~np.isfinite(values)).sum())
    lines = [f"<b>{in_html(count_words(values, at))}</b>"]
    over = above(values, at)
    if len(groups) > 1:
        lines += [f"{int(over[rows].sum()):,} of {int(rows.sum()):,} at {in_html(name)}"
                  for name, rows in groups.items()]
    lines += [f"{lost:,} without a score, ranked last"] if lost else []
    return f"<div class='specanom-standing' aria-live='polite'>{'<br>'.join(lines)}</div>"
