"""The spectrum in focus: drawn with its reconstruction, described, and linked to survey viewers."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specanom.scores.rows import batches
from specanom.spectrum import Spectrum
from specanom.surveys.viewers import Cutouts

from ..base.dashboard import Dashboard
from ..base.pane import FigurePane, page_theme
from ..spectra.live import LiveSpectrum
from .book import ScoreBook
from .details import SpectrumDetails

KEPT = 64
"""Spectra and reconstructions looked at last that are kept."""


class FocusView:
    """Draws one row of a sample.

    Parameters
    ----------
    book : ScoreBook
        Sample and model.
    cutouts : Cutouts, optional
        Where pictures of the sky come from.

    Attributes
    ----------
    live : LiveSpectrum
    pane : FigurePane
    details : SpectrumDetails
    """

    def __init__(self, book: ScoreBook, cutouts: Cutouts | None) -> None:
        self.book = book
        theme = page_theme()
        self.live = LiveSpectrum(theme=theme)
        self.pane = FigurePane(self.live.root, label="Spectrum in focus with its reconstruction", theme=theme)
        self.details = SpectrumDetails(cutouts)
        self._seen: OrderedDict[int, tuple[Spectrum, NDArray[Any]]] = OrderedDict()
        self._row = -1

    def show(self, owner: Dashboard, row: int, *, frame: str, score: float, rank: int) -> None:
        """Show a row; a picture that must be asked for comes later."""
        spectrum, reconstruction = self.read(row)
        wanted = frame if spectrum.z is not None and np.isfinite(spectrum.z) else spectrum.frame
        same, self._row = self._row == row, row
        with self.pane.batch():
            self.live.show(spectrum, reconstruction, frame=wanted, keep_zoom=same)
        about = self.book.about(row) | dict(spectrum.meta)
        facts = [("score", f"{score:.4g}")] if np.isfinite(score) else [("score", "none")]
        facts += [("rank", f"{rank:,} of {len(self.book.ids):,}")] if rank else []
        self.details.show(spectrum.id, about, facts)
        if self.details.wants(spectrum.id, about):
            owner.background(lambda progress, cancelled: self.details.fetch(spectrum.id, about),
                             done=partial(self._picture, row, about, facts), title="Asking for a picture")

    def read(self, row: int) -> tuple[Spectrum, NDArray[Any]]:
        """Return a spectrum and what the model makes of it; only its row is read."""
        if row in self._seen:
            self._seen.move_to_end(row)
            return self._seen[row]
        spectrum = self.book.sample[row]
        found = spectrum, next(batches(spectrum)).reconstruction(self.book.family.base.model)[0]
        self._seen[row] = found
        while len(self._seen) > KEPT:
            self._seen.popitem(last=False)
        return found

    def _picture(self, row: int, about: dict[str, Any], facts: list[tuple[str, str]], found: str | None) -> None:
        if row == self._row:
            self.details.show(self.book.ids[row], about, facts)
