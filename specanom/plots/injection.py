"""What of the injected features is found and rightly explained: curves against strength, maps of S/N and strength."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from bokeh.models import ColumnDataSource, FactorRange, GridPlot, Label, LinearColorMapper, Range1d, Span
from bokeh.plotting import figure

from ..explain.recovery import Recovery
from .palette import FONT, palette
from .theme import canvas, hover, legend, plain, stack

if TYPE_CHECKING:
    import pandas as pd

RATES = {"completeness": ("Completeness: share detected", "blue"),
         "pointing": ("Pointing: leading segment on the feature", "vermilion")}
ENOUGH = 10  # detections from which their pointing is drawn
DARK = 0.55  # rates above which text in a cell is drawn in the colour of the paper


def recovery(made: Recovery, *, bins: int = 4, theme: str = "light") -> GridPlot:
    """Draw how many injected features are detected, and how often explanations point at them.

    Parameters
    ----------
    made : Recovery
        Of :func:`specanom.explain.recover`.
    bins : int
        Bins of the spectra's S/N in the maps; where it is not known there are no maps.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    bokeh.models.GridPlot
        Above, rates against strength with 95 % Wilson intervals; the dotted lines are the false alarms asked for and
        what pointing reaches by chance. Below, the same rates by S/N of the spectrum.
    """
    table = made.table
    rates = [name for name in RATES if table[name].notna().any()] or ["completeness"]
    panels = [_curve(made, table, name, theme) for name in rates]
    if np.isfinite(made.objects["spectrum_snr"].to_numpy(dtype=np.float64)).any():
        grid = made.map(bins)
        panels += [_map(made, grid, name, theme) for name in rates if len(grid)]
    return stack(panels, columns=len(rates))


def _axis(made: Recovery) -> str:
    return "S/N of the feature" if made.injection.unit == "snr" else "height of the feature / continuum"


def _curve(made: Recovery, table: pd.DataFrame, name: str, theme: str) -> figure:
    colours = palette(theme)
    title, role = RATES[name]
    known = table[table[name].notna()]
    counts = ["n", "outside", "imputed", "other", "snr"]
    source = ColumnDataSource({key: known[key].to_numpy() for key in (
        "strength", name, f"{name}_lo", f"{name}_hi", *counts)}, name=name)
    panel = canvas(theme, title, x=_axis(made), y="share, with 95 % interval", height=300,
                   options={"y_range": Range1d(-0.02, 1.05)})
    colour = getattr(colours, role)
    panel.segment(x0="strength", x1="strength", y0=f"{name}_lo", y1=f"{name}_hi", source=source, line_color=colour,
                  line_width=3, line_alpha=0.45)
    line = panel.line("strength", name, source=source, line_color=colour, line_width=2)
    dots = panel.scatter("strength", name, source=source, size=8, fill_color=colour, line_color=None)
    hover(panel, [dots], [(plain(_axis(made)), "@strength"), ("share", f"@{name}{{0.0%}}"),
                          ("95 %", f"@{name}_lo{{0.0%}} – @{name}_hi{{0.0%}}"), ("spectra", "@n"),
                          ("median S/N of the feature", "@snr{0.0}"), ("outside the grid", "@outside"),
                          ("on imputed pixels", "@imputed"), ("otherwise not injected", "@other")])
    entries = [("all spectra", [line, dots])]
    if name == "pointing" and known["pointing_detected"].notna().any():
        enough = known["pointing_detected"].where(known["detected"] >= ENOUGH)
        detected = panel.line(known["strength"].to_numpy(), enough.to_numpy(), line_color=colour, line_width=1.6,
                              line_dash="dashed")
        entries.append(("detected", [detected]))
    legend(panel, entries, colours)
    if name == "completeness":
        _level(panel, made, made.false_alarms, text=f"false alarms {made.false_alarms:.2g}", theme=theme)
    else:
        _level(panel, made, float(known["chance"].mean()), text="by chance", theme=theme)
    return panel


def _level(panel: figure, made: Recovery, at: float, *, text: str, theme: str) -> None:
    """Draw a level across the panel, with its name on the right, where curves have left it."""
    colours = palette(theme)
    panel.add_layout(Span(location=at, dimension="width", line_color=colours.faint, line_dash="dotted"))
    panel.add_layout(Label(x=max(made.injection.strengths), y=at, y_offset=3, text=text, text_align="right",
                           text_color=colours.muted, text_font=FONT, text_font_size="11px"))


def _map(made: Recovery, grid: pd.DataFrame, name: str, theme: str) -> figure:
    colours = palette(theme)
    known = grid[grid[name].notna()]
    strengths = [f"{value:g}" for value in sorted(grid["strength"].unique())]
    edges = grid[["spectrum_snr_lo", "spectrum_snr_hi"]].drop_duplicates().sort_values("spectrum_snr_lo").to_numpy()
    bins = [_bin(lo, hi) for lo, hi in edges]
    data = {
        "strength": [f"{value:g}" for value in known["strength"]],
        "bin": [_bin(lo, hi) for lo, hi in zip(known["spectrum_snr_lo"], known["spectrum_snr_hi"], strict=True)],
        "rate": known[name].to_numpy(), "lo": known[f"{name}_lo"].to_numpy(), "hi": known[f"{name}_hi"].to_numpy(),
        "n": known["n"].to_numpy(), "text": [f"{100 * value:.0f}" for value in known[name]],
    }
    panel = canvas(theme, f"{RATES[name][0].partition(':')[0]} by S/N of the spectrum, %", x=_axis(made),
                   y="median S/N per pixel", height=110 + 34 * len(bins), options={
                       "x_range": FactorRange(*strengths), "y_range": FactorRange(*bins), "tools": "save"})
    mapper = LinearColorMapper(palette=colours.sequential(), low=0.0, high=1.0)
    cells = panel.rect(x="strength", y="bin", width=0.96, height=0.92, line_color=None, name=f"{name} map",
                       source=ColumnDataSource(data, name=f"{name} map"),
                       fill_color={"field": "rate", "transform": mapper})
    high = known[name].to_numpy() > DARK
    for rows, colour in ((high, colours.paper), (~high, colours.ink)):
        part = {key: np.asarray(data[key], dtype=object)[rows].tolist() for key in ("strength", "bin", "text")}
        panel.text(x="strength", y="bin", text="text", source=ColumnDataSource(part), text_color=colour,
                   text_align="center", text_baseline="middle", text_font={"value": FONT}, text_font_size="12px")
    hover(panel, [cells], [(plain(_axis(made)), "@strength"), ("S/N of the spectra", "@bin"), ("share", "@rate{0.0%}"),
                           ("95 %", "@lo{0.0%} – @hi{0.0%}"), ("spectra", "@n")])
    panel.ygrid.grid_line_color = None
    return panel


def _bin(lo: float, hi: float) -> str:
    return f"{lo:.3g}–{hi:.3g}"
