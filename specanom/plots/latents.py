"""What latent vectors know: heat maps of correlations, redshifts from vectors, maps of the plane."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from bokeh.core.properties import value
from bokeh.models import (
    BasicTicker,
    ColorBar,
    ColumnDataSource,
    FactorRange,
    GridPlot,
    LinearColorMapper,
    Range1d,
)
from bokeh.plotting import figure
from numpy.typing import ArrayLike, NDArray

from ..cluster.maps import PlaneMap
from ..errors import ShapeError, choice, message
from ..scores.latents import KINDS, LatentCorrelations
from ..scores.redshifts import RedshiftFromLatents
from .palette import FONT, palette
from .scoring import cloud
from .theme import canvas, hover, legend, plain, stack

MOST = 40
"""Latent dimensions in a heat map; of more, those with the strongest correlations are shown."""
SURE = 0.05


def latent_correlations(
    found: LatentCorrelations, *, kind: str = "spearman", most: int = MOST, theme: str = "light"
) -> figure:
    """Draw correlations of latent dimensions with columns as a heat map, the coefficient written in each cell.

    Parameters
    ----------
    found : LatentCorrelations
        Of :func:`specanom.scores.latent_correlations`.
    kind : {"spearman", "pearson"}
        Which coefficient.
    most : int
        Dimensions shown at most.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    bokeh.plotting.figure
        A coefficient is written in bold ink where q < 0.05, and faint elsewhere.
    """
    choice("kind", kind, KINDS)
    colours, table = palette(theme), found.table
    strength = table[kind].abs().groupby(table["latent"]).max().sort_values(ascending=False, kind="stable")
    shown = sorted(strength.index[:most])
    part = table[table["latent"].isin(shown)]
    rows, columns = [str(dim) for dim in shown], [plain(c) for c in dict.fromkeys(part["column"])]
    coefficient, q = part[kind].to_numpy(), part[f"{kind}_q"].to_numpy()
    known = np.isfinite(coefficient)
    source = ColumnDataSource({
        "latent": part["latent"].astype(str).tolist(), "column": [plain(c) for c in part["column"]],
        "value": coefficient, "n": part["n"].to_numpy(), "low": part[f"{kind}_low"].to_numpy(),
        "high": part[f"{kind}_high"].to_numpy(), "q": q,
        "text": [f"{v:+.2f}".replace("-", "−") if ok else "" for v, ok in zip(coefficient, known, strict=True)],
        "color": [colours.ink if sure else colours.muted for sure in q < SURE],
        "style": ["bold" if sure else "normal" for sure in q < SURE],
    }, name="correlations")
    left = f", {len(rows)} of {len(strength)} dimensions" if len(rows) < len(strength) else ""
    name = {"spearman": "Spearman's ρ", "pearson": "Pearson's r"}[kind]
    made = canvas(theme, f"What latent dimensions follow ({name}{left})", x="column", y="latent dimension",
                  height=150 + 26 * len(rows), options={"x_range": FactorRange(*columns), "tools": "save",
                                                        "y_range": FactorRange(*rows[::-1])})
    mapper = LinearColorMapper(palette=colours.diverging(), low=-1.0, high=1.0, nan_color=colours.paper)
    cells = made.rect("column", "latent", width=0.98, height=0.94, source=source, line_color=None,
                      fill_color={"field": "value", "transform": mapper})
    made.text("column", "latent", text="text", source=source, text_align="center", text_baseline="middle",
              text_color="color", text_font=value(FONT), text_font_size="11px", text_font_style={"field": "style"})
    made.ygrid.grid_line_color = None
    if len(columns) > 8:
        made.xaxis.major_label_orientation = 0.7
    _bar(made, mapper, name, theme)
    hover(made, [cells], [("latent", "@latent"), ("column", "@column"), (name, "@value{0.000}"),
                          ("95 %", "@low{0.00} – @high{0.00}"), ("q", "@q{0.0e}"), ("spectra", "@n{0,0}")])
    return made


def latent_redshifts(found: RedshiftFromLatents, *, theme: str = "light") -> GridPlot:
    """Draw redshifts predicted from vectors against known ones, and Δz/(1 + z) beside it.

    Parameters
    ----------
    found : RedshiftFromLatents
        Of :func:`specanom.scores.redshift_from_latents`.
    theme : {"light", "dark"}
        Colours.

    Returns
    -------
    bokeh.models.GridPlot
        Dashed lines mark where outliers begin.
    """
    colours, table = palette(theme), found.to_frame()
    table = table[table["fold"] >= 0]
    known, predicted = table["z"].to_numpy(), table["predicted"].to_numpy()
    ends = float(min(known.min(), predicted.min())), float(max(known.max(), predicted.max()))
    room = 0.03 * (ends[1] - ends[0]) or 0.01
    line = np.array([ends[0] - room, ends[1] + room])
    title = f"σ_NMAD {found.sigma_nmad:.4f} (a guess: {found.sigma_guess:.4f}), {found.outlier_share:.1%} outliers"
    square = {"x_range": Range1d(*line), "y_range": Range1d(*line)}
    left = canvas(theme, title, x="redshift", y="redshift from the vector", height=380, options=square)
    right = canvas(theme, f"Bias {found.bias:+.4f}, by {found.method}", x="redshift", y="Δz / (1 + z)", height=380,
                   options={"x_range": square["x_range"]})
    for made, y, scale, offset in ((left, predicted, 1.0 + line, line), (right, table["delta"].to_numpy(), 1.0, 0.0)):
        cloud(made, known, y, [str(i) for i in table.index], theme=theme)
        curves = [made.line(line, offset + delta * scale + 0.0 * line, width=1.5 if delta == 0 else 1.0,
                            color=colours.muted if delta else colours.vermilion,
                            line_dash="dashed" if delta else "solid")
                  for delta in (0.0, found.outlier, -found.outlier)]
        legend(made, [("exact", curves[:1]), (f"|Δz|/(1+z) = {found.outlier:g}", curves[1:])], colours)
    return stack([left, right], columns=2)


def latent_map(
    plane: PlaneMap, values: ArrayLike | None = None, *, label: str = "", ids: Sequence[str] | None = None,
    theme: str = "light",
) -> figure:
    """Draw where vectors lie in a plane, coloured by a number.

    Parameters
    ----------
    plane : PlaneMap
        Of :func:`specanom.cluster.pca_map` or :func:`specanom.cluster.umap_map`.
    values : (n,) array, optional
        A number for each: redshift, a score; colours run between its 2nd and 98th percentile.
    label : str
        What it is.
    ids : sequence of str, optional
        Shown under the pointer.
    theme : {"light", "dark"}
        Colours.
    """
    colours, n = palette(theme), len(plane.xy)
    number = np.full(n, np.nan) if values is None else np.asarray(values, dtype=np.float64)
    if number.shape != (n,) or (ids is not None and len(ids) != n):
        raise ShapeError(message("values", expected=f"{n} values and ids, one a point", got=f"shape {number.shape}"))
    axes = [f"{plane.method} {i + 1}" + (f" ({share:.0%} of the variance)" if plane.explained else "")
            for i, share in enumerate(plane.explained or (0.0, 0.0))]
    fitted = f", fitted to {plane.fitted:,}" if plane.fitted < n else ""
    made = canvas(theme, f"{n:,} vectors{fitted}" + (f", by {label}" if label else ""), x=axes[0], y=axes[1],
                  height=460)
    order = np.argsort(np.nan_to_num(number, nan=-np.inf), kind="stable")  # high values are drawn last
    names = [str(i) for i in range(n)] if ids is None else [plain(i) for i in ids]
    source = ColumnDataSource({"x": plane.xy[order, 0], "y": plane.xy[order, 1], "value": number[order],
                               "id": [names[i] for i in order]}, name="map")
    mapper = LinearColorMapper(palette=colours.scale(), nan_color=colours.faint, **_span(number))
    dots = made.scatter("x", "y", source=source, size=4 if n < 5000 else 2.5, line_color=None, fill_alpha=0.8,
                        fill_color={"field": "value", "transform": mapper})
    rows = [("id", "@id")]
    if np.isfinite(number).any():
        _bar(made, mapper, label, theme)
        rows.append((plain(label or "value"), "@value{0.0000 a}"))
    hover(made, [dots], rows)
    return made


def _span(values: NDArray[np.float64]) -> dict[str, float]:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return {"low": 0.0, "high": 1.0}
    low, high = (float(v) for v in np.percentile(finite, [2, 98]))
    return {"low": low, "high": high if high > low else low + 1.0}


def _bar(made: figure, mapper: LinearColorMapper, title: str, theme: str) -> None:
    colours = palette(theme)
    made.add_layout(ColorBar(
        color_mapper=mapper, ticker=BasicTicker(desired_num_ticks=5), title=plain(title), width=12,
        background_fill_color=colours.paper, major_label_text_color=colours.muted, major_label_text_font=FONT,
        title_text_color=colours.muted, title_text_font=FONT, title_text_font_style="normal", bar_line_color=None,
        major_tick_line_color=colours.faint, label_standoff=6,
    ), "right")
