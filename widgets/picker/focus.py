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

    def show(self, owner: Dashboard, row: int, *, frame: str, window: tuple[float, float] | None,
             facts: list[tuple[str, str]]) -> None:
        """Show a row.

        Parameters
        ----------
        owner : Dashboard
            Asks for a picture in the background, where that is allowed.
        row : int
        frame : {"rest", "observed"}
            Frame of the axis; a spectrum without a redshift stays in its own.
        window : (float, float) or None
            Part that is seen, Å at rest; None leaves the window as it is.
        facts : list of (str, str)
            What is said of it.
        """
        spectrum, reconstruction = self.read(row)
        wanted = frame if spectrum.z is not None and np.isfinite(spectrum.z) else spectrum.frame
        self._row = row
        with self.pane.batch():
            self.live.show(spectrum, reconstruction, frame=wanted, keep_zoom=True)
            if window is not None:
                self.window(window)
        about = self.book.about(row) | dict(spectrum.meta)
        self.details.show(spectrum.id, about, facts)
        if self.details.wants(spectrum.id, about):
            owner.background(lambda progress, cancelled: self.details.fetch(spectrum.id, about),
                             done=partial(self._picture, row, about, facts), title="Asking for a picture")

    def window(self, ends: tuple[float, float] | None) -> None:
        """Show wavelengths between `ends`, Å at rest, or the whole spectrum; all of it where that part is not in it."""
        view = self.live.view
        if view is None:
            return
        lo, hi = float(view.edges[0]), float(view.edges[-1])
        asked = (lo, hi) if ends is None else tuple(float(end) for end in view.axis.place(np.array(ends), "rest"))
        with self.pane.batch():
            self.live.zoom(*(asked if asked[1] > lo and asked[0] < hi else (lo, hi)))

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
