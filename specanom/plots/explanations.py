"""What an explanation says: the spectrum by weight, weights with intervals, the leading segments, their context."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from bokeh.models import Column, ColumnDataSource, FactorRange, Range1d, Span, Whisker
from bokeh.plotting import figure
from numpy.typing import NDArray

from ..errors import ArgumentError, GridError, message
from ..explain.explanation import Explanation
from ..spectrum import Spectrum
from .axis import WaveAxis
from .drawing import pixel_edges
from .layers import hatch, line_markers
from .palette import Palette, mix, palette
from .single import flux_panel, link, spectrum_source
from .theme import below, canvas, hover, legend, plain, stack
from .view import SpectrumView

WHISKERS = 250
"""With more segments than this, intervals are drawn as a band: whiskers would be wider than their bars."""
NARROW = "narrower than the instrument"
ARTEFACTS = ("imputed", "sky", "telluric", "join", NARROW)


def explanation(
    e: Explanation,
    spectrum: Spectrum | None = None,
    *,
    frame: str | None = None,
    unit: str = "Å",
    theme: str = "light",
    top: int = 6,
    density: bool = False,
) -> Column:
    """Draw an explanation.

    Parameters
    ----------
    e : Explanation
        What to draw.
    spectrum : Spectrum, optional
        The spectrum it explains, for noise, hatching and the other frame; by default the flux kept in `e`.
    frame : {"rest", "observed"}, optional
        Frame of the axis; that of the explanation when None.
    unit : {"Å", "nm"}
        Unit of the axis.
    theme : {"light", "dark"}
        Colours.
    top : int
        How many of the leading segments are listed by name.
    density : bool
        Draw weights per Å, which compare segments of different widths, and let these say which segments lead.

    Returns
    -------
    bokeh.models.Column
        The spectrum tinted by weight (orange raises the score, blue lowers it), the weight of each segment with its
        95 % interval, the leading segments by name, and the context of the weight. Data sources are called
        ``"flux"``, ``"tint"``, ``"weights"``, ``"leading"`` and ``"context"``.

    Raises
    ------
    GridError, ArgumentError
        When the spectrum is not the one that was explained.
    """
    s = _explained(e, spectrum)
    axis = WaveAxis.of(e.frame, frame, unit, None if s is None else s.z)
    colours = palette(theme)
    panels: list[figure] = []
    if s is not None:
        view = SpectrumView.of(s, frame, unit)
        panels.append(_tinted(e, view, theme))
        entries = hatch(panels, view, colours)
        if entries:
            legend(panels[0], entries, colours)
    drawn, label = (_by_width(e), "weight per Å") if density else (e, "weight")
    panels.append(_weights(drawn, axis, theme, title="" if panels else _title(e), label=label))
    if s is not None and _labelled(axis):
        line_markers(panels, axis, colours)
    link(panels, colours)
    tables = [leading_segments(drawn, theme, top, label=label), _context(e, theme)]
    for table in tables:
        table.height = max(one.height for one in tables)
    return below(stack(panels), stack(tables, columns=2, toolbar=False))


def _explained(e: Explanation, spectrum: Spectrum | None) -> Spectrum | None:
    if spectrum is None:
        return None if e.flux is None else Spectrum(e.wave, e.flux, id=e.id, frame=e.frame, scale="normalised")
    if spectrum.wave.shape != e.wave.shape or not np.allclose(spectrum.wave, e.wave):
        raise GridError(message("spectrum", expected="the wavelengths of the explanation", got="others",
                                hint="sample.by_id(e.id)"))
    if e.id and spectrum.id != e.id:
        raise ArgumentError(message("spectrum", expected=f"the spectrum explained, {e.id!r}", got=repr(spectrum.id),
                                    hint="sample.by_id(e.id)"))
    return spectrum


def _by_width(e: Explanation) -> Explanation:
    return replace(e, weights=e.per_angstrom(), interval=e.interval / e.widths[:, None])


def _title(e: Explanation) -> str:
    name = str(e.settings.get("score", "")) if isinstance(e.settings.get("score"), str) else "score"
    return f"{e.id} · {name or 'score'} {e.score:.4g} · {e.grade} ({e.reason})"


def _labelled(axis: WaveAxis) -> bool:
    """Return whether rest-frame lines have a place on the axis."""
    return axis.frame == "rest" or axis.linked


def _strength(e: Explanation) -> NDArray[np.float64]:
    """Return weights in units of the largest |weight|, 0 where there is none."""
    weights = np.nan_to_num(e.weights)
    most = float(np.abs(weights).max()) if weights.size else 0.0
    return weights / most if most > 0 else np.zeros_like(weights)


def _boxes(e: Explanation, axis: WaveAxis) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Return segment, left and right border on the axis of every run of pixels of one segment."""
    change = np.flatnonzero(np.diff(e.segments)) + 1
    starts, stops = np.concatenate([[0], change]), np.concatenate([change, [e.segments.size]])
    edges = axis.place(pixel_edges(np.asarray(e.wave)), e.frame)
    return np.asarray(e.segments[starts]), edges[starts], edges[stops]


def _tinted(e: Explanation, view: SpectrumView, theme: str) -> figure:
    colours = palette(theme)
    made = flux_panel(view, theme, title=_title(e), source=spectrum_source(view), height=320,
                      labelled=_labelled(view.axis))
    segment, left, right = _boxes(e, view.axis)
    strength = _strength(e)[segment]
    tint = ColumnDataSource({
        "x0": left, "x1": right, "color": [_accent(w, colours) for w in strength], "alpha": 0.5 * np.abs(strength),
    }, name="tint")
    made.vstrip(x0="x0", x1="x1", source=tint, fill_color="color", fill_alpha="alpha", line_color=None,
                level="underlay")
    return made


def _accent(weight: float, colours: Palette) -> str:
    return colours.vermilion if weight >= 0 else colours.blue


def _weights(e: Explanation, axis: WaveAxis, theme: str, *, title: str, label: str) -> figure:
    colours = palette(theme)
    segment, left, right = _boxes(e, axis)
    weights, low, high = e.weights[segment], e.interval[segment, 0], e.interval[segment, 1]
    source = ColumnDataSource({
        "left": left, "right": right, "middle": (left + right) / 2, "weight": weights, "low": low, "high": high,
        "name": [plain(e.names[k]) for k in segment], "segment": segment,
        "color": [_accent(w, colours) for w in weights],
    }, name="weights")
    made = canvas(theme, title, x=axis.label, y=label, height=250,
                  options={"x_range": Range1d(float(left.min()), float(right.max()))})
    many = segment.size > WHISKERS
    bars = made.quad(left="left", right="right", top="weight", bottom=0, source=source, fill_color="color",
                     fill_alpha=0.8, line_color="color" if many else colours.paper, line_width=0.4)
    reach = _reach(e)
    made.y_range = Range1d(-reach[0], reach[1])
    made.add_layout(Span(location=0, dimension="width", line_color=colours.faint, line_width=1))
    if many and np.isfinite(low).any():
        made.quad(left="left", right="right", top="high", bottom="low", source=source, fill_color=colours.ink,
                  fill_alpha=0.45, line_color=None, name="interval")
    elif np.isfinite(low).any():
        whisker = Whisker(base="middle", lower="low", upper="high", source=source, line_color=colours.ink,
                          line_width=1.2, level="annotation")
        whisker.upper_head.size = whisker.lower_head.size = 4
        whisker.upper_head.line_color = whisker.lower_head.line_color = colours.ink
        made.add_layout(whisker)
    keys = [(text, [made.scatter(x=[np.nan], y=[np.nan], marker="square", size=11, fill_color=colour, line_color=None)])
            for text, colour in (("raises the score", colours.vermilion), ("lowers it", colours.blue))]
    legend(made, keys, colours)
    hover(made, [bars], [("segment", "@name"), (f"λ ({axis.unit})", "@left{0.0} – @right{0.0}"),
                         ("weight", "@weight{+0.0000 a}"), ("95 %", "@low{+0.0000 a} … @high{+0.0000 a}")])
    return made


def _reach(e: Explanation) -> tuple[float, float]:
    """Return how far the vertical range reaches below and above zero."""
    values = np.concatenate([e.weights, e.interval.ravel()])
    values = values[np.isfinite(values)]
    low, high = (float(max(0.0, -values.min())), float(max(0.0, values.max()))) if values.size else (0.0, 0.0)
    room = 0.08 * (low + high) or 1.0
    return low + room, high + room


def leading_segments(e: Explanation, theme: str, top: int, *, label: str = "weight") -> figure:
    """Draw the `top` segments of largest |weight| by name, with their intervals, as horizontal bars."""
    colours = palette(theme)
    chosen = [int(k) for k in e.order[: max(1, top)]]
    names = _unique([plain(e.names[k]) for k in chosen])
    source = ColumnDataSource({
        "name": names, "weight": e.weights[chosen], "low": e.interval[chosen, 0], "high": e.interval[chosen, 1],
        "color": [_accent(float(e.weights[k]), colours) for k in chosen],
    }, name="leading")
    reach = _reach(e)
    made = canvas(theme, "Leading segments",
                  x=f"{label}, with its 95 % interval", height=110 + 24 * len(names),
                  options={"y_range": FactorRange(*names[::-1]), "tools": "", "toolbar_location": None,
                           "x_range": Range1d(-reach[0], reach[1])})
    bars = made.hbar(y="name", right="weight", height=0.6, source=source, fill_color="color", fill_alpha=0.85,
                     line_color=None)
    if np.isfinite(e.interval).any():
        made.add_layout(Whisker(base="name", lower="low", upper="high", source=source, dimension="width",
                                line_color=colours.ink, upper_head=None, lower_head=None, level="annotation"))
    made.add_layout(Span(location=0, dimension="height", line_color=colours.faint, line_width=1))
    _ruled(made, colours)
    hover(made, [bars], [("segment", "@name"), ("weight", "@weight{+0.0000 a}")])
    return made


def _unique(names: list[str]) -> list[str]:
    """Number repeated names, as a factor range needs."""
    return [name if name not in names[:i] else f"{name} ({names[:i].count(name) + 1})" for i, name in enumerate(names)]


def _ruled(made: figure, colours: Palette) -> None:
    made.ygrid.grid_line_color = None
    made.xgrid.grid_line_color = colours.grid
    made.yaxis.axis_line_color = made.yaxis.major_tick_line_color = None
    made.min_border_left = 30


def _context(e: Explanation, theme: str) -> figure:
    colours = palette(theme)
    shares = {NARROW if name == "narrow" else name: float(value) for name, value in e.context.shares.items()}
    names = list(shares)
    values = np.array(list(shares.values()))
    colour = {"lines": colours.green, "continuum": colours.slate, **dict.fromkeys(ARTEFACTS, colours.amber)}
    source = ColumnDataSource({
        "name": names, "share": np.nan_to_num(values), "color": [colour.get(n, colours.purple) for n in names],
        "text": ["unknown" if np.isnan(v) else f"{v:.0%}" for v in values],
    }, name="context")
    artefact = e.context.artefact
    title = "Where the weight lies" + ("" if np.isnan(artefact) else f" · artefact: {artefact:.0%}")
    made = canvas(theme, title, x="share of Σ|weight|", height=110 + 24 * len(names), options={
        "y_range": FactorRange(*names[::-1]), "tools": "", "toolbar_location": None, "x_range": Range1d(0, 1.12)})
    made.hbar(y="name", right="share", height=0.6, source=source, fill_color="color", fill_alpha=0.85, line_color=None)
    made.text(x="share", y="name", text="text", source=source, x_offset=5, text_baseline="middle",
              text_color=colours.muted, text_font_size="11px")
    made.xaxis.ticker = [0, 0.25, 0.5, 0.75, 1]
    made.xaxis.major_label_overrides = {0: "0", 0.25: "25 %", 0.5: "50 %", 0.75: "75 %", 1: "100 %"}
    _ruled(made, colours)
    return made


def segment_tint(weight: float, theme: str) -> str:
    """Return the colour a weight of −1…1 (in units of the largest) has in these figures, for text beside them."""
    colours = palette(theme)
    return mix(colours.flux, _accent(weight, colours), min(1.0, abs(weight)))
