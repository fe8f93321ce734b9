"""What the viewer lays over a live spectrum: the flux before smoothing, and another spectrum to compare with."""

from __future__ import annotations

import numpy as np
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, GlyphRenderer, LegendItem

from specanom.plots.palette import palette
from specanom.plots.theme import plain
from specanom.plots.view import SpectrumView
from specanom.spectrum import Spectrum

from .live import LiveSpectrum, put


class Overlays:
    """Two more curves in the panel of flux of a live spectrum.

    Parameters
    ----------
    live : LiveSpectrum
        Not yet shown anywhere.
    theme : {"light", "dark"}
        Colours it was made with.
    """

    def __init__(self, live: LiveSpectrum, theme: str) -> None:
        colours = palette(theme)
        self.live = live
        self.raw, self._raw_entry = self._curve("raw", colours.faint, 0.8, "before smoothing")
        self.other, self._other_entry = self._curve("other", colours.purple, 0.9, "other")

    def _curve(self, name: str, colour: str, alpha: float, label: str) -> tuple[ColumnDataSource, LegendItem]:
        empty = np.empty(0, np.float32)
        source = ColumnDataSource({"x": empty, "y": empty}, name=name)
        curve: GlyphRenderer = self.live.flux.step(
            "x", "y", source=source, mode="center", line_color=colour, line_alpha=alpha, line_width=1,
            level="underlay", name=f"{name} curve")
        entry = LegendItem(label=value(label), renderers=[curve], visible=False)
        self.live.flux.legend[0].items = [*self.live.flux.legend[0].items, entry]
        return source, entry

    def show_raw(self, spectrum: Spectrum | None) -> None:
        """Show the flux before smoothing, or nothing."""
        self._put(self.raw, None if spectrum is None else self._placed(spectrum), 1.0)
        self._raw_entry.visible = spectrum is not None

    def show_other(self, spectrum: Spectrum | None) -> None:
        """Show another spectrum, scaled to the median of the one shown where both have flux; or nothing."""
        self._other_entry.visible = spectrum is not None
        if spectrum is None:
            self._put(self.other, None, 1.0)
            return
        view = self._placed(spectrum)
        factor = self._scale(view)
        self._put(self.other, view, factor)
        self._other_entry.label = value(plain(f"{spectrum.id} × {factor:.3g}"))

    def _placed(self, spectrum: Spectrum) -> SpectrumView:
        """Return `spectrum` on the axis of what is shown."""
        shown = self.live.view
        assert shown is not None
        return SpectrumView.of(spectrum, shown.axis.frame, shown.axis.unit)

    def _scale(self, view: SpectrumView) -> float:
        shown = self.live.view
        assert shown is not None
        lo, hi = max(view.x[0], shown.x[0]), min(view.x[-1], shown.x[-1])
        both = [one.y[(one.x >= lo) & (one.x <= hi) & np.isfinite(one.y)] for one in (shown, view)]
        if not all(part.size for part in both):
            return 1.0
        factor = float(np.median(both[0]) / np.median(both[1]))
        return factor if np.isfinite(factor) and factor > 0 else 1.0

    def _put(self, source: ColumnDataSource, view: SpectrumView | None, factor: float) -> None:
        x, y = (np.empty(0), np.empty(0)) if view is None else (view.x, factor * view.y)
        put(source, {"x": x.astype(np.float32), "y": y.astype(np.float32)})
