"""Many spectra at a glance: typical spectrum with its spread, a picture of all rows, and what S/N and z they have."""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import Any

import numpy as np
from bokeh.models import Column, ColumnDataSource, LinearColorMapper, Range1d
from bokeh.palettes import Cividis256
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..errors import DataError, message
from ..spectrumset import SpectrumSet
from .axis import WaveAxis
from .drawing import on_regular, robust_range
from .layers import headroom, line_markers, named, wavelength_rows
from .palette import palette
from .single import AROUND, FLUX_HEIGHT, link
from .theme import below, canvas, heights, hover, legend, stack
from .view import flux_label

PICTURE_HEIGHT = 260
"""Of the picture of all rows, in screen pixels."""

ROWS, COLUMNS = 240, 1000
"""Size of the picture: more rows and pixels than a screen can show are averaged."""


def sample(
    s: SpectrumSet, *, unit: str = "Å", theme: str = "light", lines: bool = True, limit: int = 2000,
    height: int | None = None,
) -> Column:
    """Draw an overview of a set of spectra.

    Parameters
    ----------
    s : SpectrumSet
        What to draw, in its own frame.
    unit : {"Å", "nm"}
        Unit of the wavelength axis.
    theme : {"light", "dark"}
        Colours.
    lines : bool
        Whether to name rest-frame lines (only when the set is in the rest frame).
    limit : int
        At most so many spectra, evenly spaced, are read and drawn.
    height : int, optional
        Screen pixels of the two upper panels together; 360 and 260 by default. The width follows the page.

    Returns
    -------
    bokeh.models.Column
        Median with the middle 68 % and 95 %; a picture with one row a spectrum, by redshift where it is known;
        histograms of redshift and S/N where the table has them.

    Raises
    ------
    DataError
        For an empty set.
    ArgumentError
        For a height below 259.
    """
    tall = heights(height, (FLUX_HEIGHT, PICTURE_HEIGHT))
    if not len(s):
        raise DataError(message("s", expected="at least one spectrum", got="an empty set"))
    part = s if len(s) <= limit else s[np.unique(np.linspace(0, len(s) - 1, limit).astype(int))]
    axis = WaveAxis(s.frame, unit, None)
    x = axis.place(s.wave, s.frame)
    shown = "" if len(part) == len(s) else f", {len(part)} of them drawn"
    labelled = lines and s.frame == "rest"
    panels = [_spread(part, x, axis, theme, f"{len(s):,} spectra{shown}", tall[0] if labelled else 0),
              _picture(part, x, axis, theme)]
    panels[0].height, panels[1].height = tall
    if labelled:
        line_markers(panels[:1], axis, palette(theme))
    link(panels, palette(theme))
    counts = _histograms(s, theme)
    return below(stack(panels), *([stack(counts, columns=len(counts), toolbar=False)] if counts else []))


def _spread(part: SpectrumSet, x: NDArray[np.float64], axis: WaveAxis, theme: str, title: str,
            labelled: int) -> figure:
    """Draw the median; `labelled` is how high the panel is if it needs room for names of lines, else 0."""
    colours = palette(theme)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # wavelengths at which all spectra are missing
        low2, low, mid, high, high2 = np.nanpercentile(part.flux, [2.5, 16, 50, 84, 97.5], axis=0)
    data = {"x": x, "median": mid, "p16": low, "p84": high, "p2": low2, "p97": high2}
    source = ColumnDataSource({k: v if k == "x" else v.astype(np.float32) for k, v in data.items()}, name="spread")
    source.data["line"], names = axis.line_names(x)
    made = canvas(theme, title, x=axis.label, y=flux_label(part.scale), height=FLUX_HEIGHT,
                  options={"x_range": Range1d(*_ends(x))})
    lo, hi = robust_range(np.concatenate([low, high]))
    headroom(made, (lo, hi), labelled - AROUND if labelled else 0, colours)
    wide = made.varea("x", "p2", "p97", source=source, fill_color=colours.band, fill_alpha=0.35)
    band = made.varea("x", "p16", "p84", source=source, fill_color=colours.band, fill_alpha=0.8)
    curve = made.line("x", "median", source=source, color=colours.flux, width=1.2)
    legend(made, [("median", [curve]), ("middle 68 %", [band]), ("middle 95 %", [wide])], colours)
    rows, formatters = wavelength_rows(axis)
    rows = [*rows, ("median", "@median{0.000}"), ("16–84 %", "@p16{0.000} – @p84{0.000}"), ("line", "@line{custom}")]
    hover(made, [curve], rows, mode="vline", formatters={**formatters, **named("line", names)})
    return made


def _picture(part: SpectrumSet, x: NDArray[np.float64], axis: WaveAxis, theme: str) -> figure:
    table = part.table
    z = table["z"].to_numpy(dtype=np.float64) if "z" in table else np.full(len(part), np.nan)
    known = bool(np.isfinite(z).any())
    order = np.argsort(z, kind="stable") if known else np.arange(len(part))
    scaled = part.flux[order].astype(np.float64)
    if part.scale == "flux":  # spectra of different brightness share one colour scale
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            middle = np.nanmedian(scaled, axis=1, keepdims=True)
        scaled /= np.where(np.abs(middle) > 0, middle, np.nan)
    image = on_regular(x, _shrink(scaled, ROWS), COLUMNS)
    finite = image[np.isfinite(image)]
    low, high = np.percentile(finite, [2, 98]) if finite.size else (0.0, 1.0)
    colours = palette(theme)
    label = "spectra, by redshift" if known else "spectra, as they come"
    made = canvas(theme, x=axis.label, y=label, height=PICTURE_HEIGHT,
                  options={"x_range": Range1d(*_ends(x)), "y_range": Range1d(0, len(part))})
    left, right = _ends(x)
    # One byte a pixel keeps the page small; 0 stands for missing.
    steps = np.clip((image - low) / ((high - low) or 1.0), 0, 1) * 254 + 1
    source = ColumnDataSource({"image": [np.where(np.isfinite(steps), steps, 0).astype(np.uint8)]}, name="picture")
    made.image("image", x=left, y=0, dw=right - left, dh=len(part), source=source,
               color_mapper=LinearColorMapper(palette=[colours.middle, *Cividis256[1:]], low=0, high=255))
    if known:
        made.yaxis.ticker = _z_ticks(len(part))
        sorted_z = z[order]
        made.yaxis.major_label_overrides = {int(i): f"z {sorted_z[min(int(i), len(part) - 1)]:.3f}"
                                            for i in _z_ticks(len(part)) if np.isfinite(sorted_z[min(i, len(z) - 1)])}
        made.yaxis.axis_label = "sorted by redshift"
    return made


def _z_ticks(n: int) -> list[int]:
    return sorted({round(share * n) for share in (0.1, 0.3, 0.5, 0.7, 0.9)} | ({0} if n < 5 else set()))


def _shrink(rows: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Average neighbouring rows until at most `count` are left."""
    if rows.shape[0] <= count:
        return rows
    bounds = np.linspace(0, rows.shape[0], count + 1).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.array([np.nanmean(rows[a:b], axis=0) for a, b in pairwise(bounds)])


def _ends(x: NDArray[np.float64]) -> tuple[float, float]:
    if x.size == 1:
        return float(x[0]) - 0.5, float(x[0]) + 0.5
    return float(x[0]), float(x[-1])


def _histograms(s: SpectrumSet, theme: str) -> list[figure]:
    made = []
    for name, label in (("z", "redshift"), ("snr", "median S/N per pixel")):
        if name not in s.table:
            continue
        values = s.table[name].to_numpy(dtype=np.float64)
        values = values[np.isfinite(values)]
        if values.size:
            made.append(bars(values, label, theme))
    return made


def bars(values: NDArray[Any], label: str, theme: str, *, height: int = 190) -> figure:
    """Draw a histogram of finite values."""
    counts, edges = np.histogram(values, bins=min(60, max(8, int(np.sqrt(values.size)))))
    made = canvas(theme, x=label, y="spectra", height=height)
    source = ColumnDataSource({"left": edges[:-1], "right": edges[1:], "count": counts}, name=f"histogram of {label}")
    quads = made.quad(left="left", right="right", top="count", bottom=0, source=source,
                      fill_color=palette(theme).teal, fill_alpha=0.75, line_color=palette(theme).paper)
    made.y_range.start = 0
    hover(made, [quads], [(label, "@left{0.000} – @right{0.000}"), ("spectra", "@count{0,0}")])
    return made
