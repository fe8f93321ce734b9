"""The figures of the score picker, each live in a pane of its own, and what they share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from specanom.plots.counting import Doubles, Flags, groups_of
from specanom.plots.palette import palette

from ..base.pane import FigurePane, page_theme
from .histogram import ScoreHistogram
from .overlap import OverlapMatrix
from .scatter import ScoreScatter

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 30
"""Spectra that a bin of S/N must have."""
MARK_ROLES = {"interesting": "green", "artefact": "vermilion", "known": "purple"}
"""Colour of a mark, as a role of the palette."""


class ScoreFigures:
    """Histogram, score against S/N and z, and overlap, as far as the sample has them.

    Parameters
    ----------
    places : DataFrame
        ``id`` and, as far as known, ``z``, ``snr``, ``bin``.

    Attributes
    ----------
    histogram, overlap : ScoreHistogram, OverlapMatrix
    scatters : dict
        ``"snr"`` and ``"z"``: those columns of which something is known.
    panes : dict of str to FigurePane
    """

    def __init__(self, places: pd.DataFrame) -> None:
        theme = page_theme()
        self.histogram, self.overlap = ScoreHistogram(groups_by_snr(places), theme), OverlapMatrix(theme)
        known = [name for name in ("snr", "z") if name in places and np.isfinite(places[name].to_numpy()).any()]
        ids = list(places["id"])
        self.scatters = {name: ScoreScatter(places[name].to_numpy(), ids, name, theme) for name in known}
        parts: dict[str, ScoreHistogram | ScoreScatter | OverlapMatrix] = {
            "histogram": self.histogram, **self.scatters, "overlap": self.overlap}
        words = {"histogram": "Histogram of the score", "snr": "Score against S/N", "z": "Score against redshift",
                 "overlap": "Overlap of the top lists"}
        self.panes = {name: FigurePane(part.root, label=words[name], theme=theme) for name, part in parts.items()}

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Gather the changes of all figures."""
        with ExitStack() as stack:
            for pane in self.panes.values():
                stack.enter_context(pane.batch())
            yield

    def show(self, values: Doubles, *, label: str, calibrated: bool) -> None:
        """Draw another score."""
        with self.batch():
            self.histogram.show(values, label=label, calibrated=calibrated)
            for scatter in self.scatters.values():
                scatter.show(values, label=label)

    def threshold(self, at: float, words: str) -> None:
        """Draw where the chosen percentile lies."""
        with self.panes["histogram"].batch():
            self.histogram.threshold(at, words)

    def focus(self, row: int, value: float) -> None:
        """Point at a row of this score; at none for −1."""
        with self.batch():
            self.histogram.focus(value if row >= 0 else np.nan)
            for scatter in self.scatters.values():
                scatter.focus(row)

    def mark(self, words: Mapping[int, str]) -> None:
        """Draw squares around marked rows, coloured by word."""
        rows: NDArray[np.intp] = np.array(list(words), dtype=np.intp)
        with self.batch():
            for name, scatter in self.scatters.items():
                colours = palette(self.panes[name].theme)
                scatter.mark(rows, [getattr(colours, MARK_ROLES.get(word, "amber")) for word in words.values()])

    def shares(self, shares: pd.DataFrame, k: int) -> None:
        """Draw other shares of the top lists."""
        pane = self.panes["overlap"]
        with pane.batch():
            self.overlap.show(shares, k, theme=pane.theme)


def groups_by_snr(places: pd.DataFrame) -> dict[str, Flags]:
    """Return the S/N bins of the sample; thirds of like size when it has none and is large enough."""
    groups = groups_of(places)
    snr = places["snr"].to_numpy(dtype=np.float64) if "snr" in places else np.empty(0)
    if len(groups) > 1 or np.isfinite(snr).sum() < 3 * FEWEST:
        return groups
    parts = np.digitize(snr, np.nanquantile(snr, [1 / 3, 2 / 3])).astype(np.float64)
    return groups_of(places.assign(bin=np.where(np.isfinite(snr), parts, np.nan)))
