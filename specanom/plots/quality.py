"""How often spectra are odd: rates with their intervals, and a map of the sky."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import (
    ColorBar,
    ColumnDataSource,
    CustomJSTickFormatter,
    FactorRange,
    GlyphRenderer,
    LinearColorMapper,
    NumeralTickFormatter,
    Range1d,
    Span,
)
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..errors import ArgumentError, message
from ..triage.quality import Rates
from .palette import FONT, Palette, palette
from .theme import canvas, hover, legend, plain

ROLES = {"": ("slate", "as elsewhere"), "high": ("vermilion", "more than chance"), "low": ("blue", "less than chance")}
FACTORS = 40
"""Up to how many named bins each has a place of its own."""
WIDE = 20.0
"""Numbers that span more than this factor get a logarithmic axis."""
NAMES = {"fiber": "fibre", "snr": "S/N", "exptime": "exposure time, s", "mjd": "MJD", "z": "redshift",
         "wave": "observed wavelength, Å"}
STEPS = 8
"""Points along each edge of a cell."""


def rates(found: Rates, *, theme: str = "light") -> figure:
    """Draw the rate of anomalies in each bin with its 95 % interval, or a map of the sky.

    Parameters
    ----------
    found : Rates
        As made by :func:`specanom.triage.quality.rates` or :func:`~specanom.triage.quality.wavelength_rates`.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    bokeh.plotting.figure
        Bins that stand out are vermilion (more) or blue (less); the dashed line is the rate of all, and for wavelengths
        the grey steps are what redshifts would do.

    Raises
    ------
    ArgumentError
        When there are no bins.
    """
    if not len(found.table):
        raise ArgumentError(message("found", expected="rates of at least one bin", got="none",
                                    hint=f"is column {found.by} known for any object?"))
    return _map(found, theme) if found.facts.get("kind") == "sky" else _bins(found, theme)


def _title(found: Rates) -> str:
    out = len(found.standing_out)
    told = f"{out} of {len(found.table):,} bins stand{'s' if out == 1 else ''} out"
    if found.facts.get("kind") == "wave":
        return f"Where {found.facts['n']:,} anomalies have their leading segment: {told}"
    return f"{found.facts['odd']:,} of {found.facts['n']:,} odd ({found.rate:.1%}): {told}"


def _bins(found: Rates, theme: str) -> figure:
    colours, table = palette(theme), found.table
    kind = found.facts.get("kind")
    factors = [plain(name) for name in table["bin"]] if kind == "names" and len(table) <= FACTORS else None
    bounds = np.r_[table["low"].to_numpy(), table["high"].to_numpy()]
    log = kind == "numbers" and bounds.min() > 0 and bounds.max() / bounds.min() > WIDE
    top = 1.06 * float(np.nanmax(np.r_[table["rate_hi"].to_numpy(), table["elsewhere"].to_numpy()]))
    options: dict[str, Any] = {"y_range": Range1d(0, top), "x_axis_type": "log" if log else "linear"}
    if factors is not None:
        options = {"y_range": Range1d(0, top), "x_range": FactorRange(*factors)}
    what = "share of the anomalies" if kind == "wave" else "share that is odd"
    made = canvas(theme, _title(found), x=NAMES.get("wave" if kind == "wave" else found.by, found.by), y=what,
                  height=360, options=options)
    made.yaxis.formatter = NumeralTickFormatter(format="0.[0]%")
    if kind == "wave":
        entries = [("if it moved with redshift", [_expected(made, found, colours)])]
    else:
        made.add_layout(Span(location=found.rate, dimension="width", line_color=colours.muted, line_dash="dashed"))
        entries = []
    for state, (role, told) in ROLES.items():
        rows = (table["stands_out"] == state).to_numpy()
        if rows.any():
            data = _columns(found, rows, factors)
            if log:
                data["x"] = np.sqrt(data["low"] * data["high"])
            faint = state == "" and len(table) > 2 * FACTORS
            entries.append((told, _points(made, data, getattr(colours, role), wide=kind != "names", faint=faint)))
    legend(made, entries, colours)
    if factors is not None and len(factors) > 12:
        made.xaxis.major_label_orientation = 0.9
    return made


def _columns(found: Rates, rows: NDArray[np.bool_], factors: list[str] | None) -> dict[str, Any]:
    part = found.table[rows]
    names = ("value", "low", "high", "n", "odd", "rate", "rate_lo", "rate_hi", "elsewhere", "q")
    data: dict[str, Any] = {name: part[name].to_numpy() for name in names}
    data["bin"] = [plain(name) for name in part["bin"]]
    data["x"] = data["bin"] if factors is not None else data["value"]
    return data


def _points(made: figure, data: dict[str, Any], colour: str, *, wide: bool, faint: bool) -> list[GlyphRenderer]:
    source = ColumnDataSource(data)
    bars = made.segment("x", "rate_lo", "x", "rate_hi", source=source, line_color=colour, line_width=1.5,
                        line_alpha=0.2 if faint else 0.75)
    drawn = [bars]
    if wide:
        drawn.append(made.segment("low", "rate", "high", "rate", source=source, line_color=colour, line_width=2))
    dots = made.scatter("x", "rate", source=source, size=4 if faint else 7, fill_color=colour, line_color=None)
    hover(made, [dots], [("", "@bin"), ("odd", "@odd{0,0} of @n{0,0}"), ("rate", "@rate{0.0%}"),
                         ("95 %", "@rate_lo{0.0%} – @rate_hi{0.0%}"), ("to compare", "@elsewhere{0.0%}"),
                         ("q", "@q{0.0e+0}")])
    return [*drawn, dots]


def _expected(made: figure, found: Rates, colours: Palette) -> GlyphRenderer:
    table = found.table
    source = ColumnDataSource({"left": table["low"].to_numpy(), "right": table["high"].to_numpy(),
                               "top": np.nan_to_num(table["elsewhere"].to_numpy())}, name="expected")
    return made.quad(left="left", right="right", bottom=0, top="top", source=source, fill_color=colours.band,
                     fill_alpha=0.5, line_color=None)


def _map(found: Rates, theme: str) -> figure:
    colours, table = palette(theme), found.table
    xs, ys, centre = cell_edges(table["cell"].to_numpy(np.int64), int(found.facts["nside"]))
    room = 0.04
    x, y = np.concatenate(xs), np.concatenate(ys)
    left, right, low, high = x.min(), x.max(), y.min(), y.max()
    pad_x, pad_y = room * (right - left), room * (high - low)
    made = canvas(theme, _title(found), x="right ascension, °", y="declination, °", height=420, options={
        "x_range": Range1d(right + pad_x, left - pad_x), "y_range": Range1d(low - pad_y, high + pad_y)})
    mapper = LinearColorMapper(palette=colours.sequential(), low=0.0, high=_brightest(found), nan_color=colours.paper)
    entries: list[tuple[str, list[GlyphRenderer]]] = []
    edge = {state: colours.faint if not state else getattr(colours, role) for state, (role, _) in ROLES.items()}
    data: dict[str, Any] = {name: table[name].to_numpy() for name in ("n", "odd", "rate", "rate_lo", "rate_hi", "q",
                                                                      "ra", "dec")}
    for state, (_, told) in ROLES.items():
        rows = (table["stands_out"] == state).to_numpy()
        if rows.any():
            kept = np.flatnonzero(rows)
            source = ColumnDataSource({"xs": [xs[i] for i in kept], "ys": [ys[i] for i in kept],
                                       **{name: values[kept] for name, values in data.items()}}, name=told)
            drawn = made.patches("xs", "ys", source=source, fill_color={"field": "rate", "transform": mapper},
                                 line_color=edge[state], line_width=2.5 if state else 0.6)
            hover(made, [drawn], [("", "@ra{0.0}°, @dec{0.0}°"), ("odd", "@odd{0,0} of @n{0,0}"),
                                  ("rate", "@rate{0.0%}"), ("95 %", "@rate_lo{0.0%} – @rate_hi{0.0%}"),
                                  ("q", "@q{0.0e+0}")])
            entries += [(f"outlined: {told}", [drawn])] if state else []
    if entries:
        legend(made, entries, colours)
    made.add_layout(ColorBar(color_mapper=mapper, formatter=NumeralTickFormatter(format="0.[0]%"), width=12,
                             background_fill_color=colours.paper, major_label_text_color=colours.muted,
                             major_label_text_font=FONT, bar_line_color=None, major_tick_line_color=colours.faint),
                    "right")
    made.xaxis.formatter = _right_ascensions(centre)
    return made


def _brightest(found: Rates) -> float:
    """Return the rate at the end of the colours: the highest, but for cells with hardly any object."""
    table = found.table
    crowded = table[table["n"] >= 0.25 * table["n"].median()]
    return max(float(crowded["rate"].max()), 1e-6)


def _right_ascensions(centre: float) -> Any:
    """Return what writes places left and right of the middle of the map as right ascensions from 0 to 360."""
    return CustomJSTickFormatter(args={"centre": centre}, code="""
        const ra = (((tick + centre) % 360) + 360) % 360
        return String(Math.round(ra * 100) / 100)""")


def cell_edges(cells: NDArray[np.int64], nside: int) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]],
                                                              float]:
    """Return the outlines of nested HEALPix cells.

    Returns
    -------
    x, y : lists of arrays
        Right ascension from `centre`, −180…180°, without a jump within a cell, and declination.
    centre : float
        Right ascension near the middle of the cells, whole degrees, so that no map is torn at 0° or 360°.
    """
    from astropy_healpix import HEALPix

    grid = HEALPix(nside=nside, order="nested")
    lon, lat = (angle.to_value("rad") for angle in grid.healpix_to_lonlat(cells))
    # Weighted with cos δ, the mean direction is that of the cells and not of those around a pole.
    across, up = float((np.cos(lat) * np.sin(lon)).sum()), float((np.cos(lat) * np.cos(lon)).sum())
    centre = float(np.round(np.degrees(np.arctan2(across, up))) % 360.0)
    edge_lon, edge_lat = grid.boundaries_lonlat(cells, STEPS)
    middle = (np.degrees(lon) - centre + 180.0) % 360.0 - 180.0
    # At a pole longitude means nothing: the cell's own is taken.
    beside = np.where(np.abs(edge_lat.deg) > 90 - 1e-6, np.degrees(lon)[:, None], edge_lon.deg)
    offset = (beside - np.degrees(lon)[:, None] + 180.0) % 360.0 - 180.0
    return list(middle[:, None] + offset), list(edge_lat.deg), centre
