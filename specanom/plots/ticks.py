"""Ticks of logarithmic axes: at round numbers, and as many as there is room for.

Bokeh's own fall at steps of equal size where an axis spans less than two decades: 10, 20, 30, 40 for 0.7 to 50, and
nothing below.
"""

from __future__ import annotations

from bokeh.models import Axis, BasicTickFormatter, CustomJS, FixedTicker, LogAxis, LogTickFormatter
from bokeh.plotting import figure

DECADES = tuple(10.0**power for power in range(-12, 13))
ROUND = """
const first = Math.min(range.start, range.end), last = Math.max(range.start, range.end)
if (axis.ticker !== ticker || !(first > 0) || !isFinite(last)) return
const {inner_width: across, inner_height: along} = plot.properties
const pixels = upright ? (along.is_unset ? 0 : along.get_value() / 26) : (across.is_unset ? 0 : across.get_value() / 52)
const room = Math.max(2, Math.floor(pixels || 4))
const inside = all => all.filter(tick => tick >= first * 0.9999 && tick <= last * 1.0001)
const low = Math.floor(Math.log10(first)), high = Math.ceil(Math.log10(last))
const powers = Array.from({length: high - low + 1}, (_, i) => low + i)
const number = (base, power) => parseFloat(`${base}e${power}`)
const made = bases => inside(powers.flatMap(power => bases.map(base => number(base, power))))
const every = step => inside(powers.filter(power => power % step == 0).map(power => number(1, power)))
let ticks = [[1, 2, 5], [1, 3]].map(made).concat([1, 2, 3, 4, 6].map(every)).find(some => some.length <= room) ?? []
if (ticks.length < 3) {
    const rough = Math.log10((last - first) / room), power = Math.floor(rough)
    const [base, shift] = [[1, 0], [2, 0], [5, 0], [1, 1]].find(([b, s]) => Math.log10(b) + s >= rough - power - 1e-9)
    const step = number(base, power + shift), start = Math.ceil(first / step)
    const steps = Array.from({length: Math.floor(last / step) - start + 1},
                             (_, i) => +((start + i) * step).toPrecision(9))
    if (last < 20 * first && steps.length > ticks.length) ticks = inside(steps)
}
const tens = ticks.every(tick => Math.abs(Math.log10(tick) - Math.round(Math.log10(tick))) < 1e-9)
const written = tens && (last > 9e4 || first < 2e-3) ? powered : plain
if (axis.formatter !== written && (axis.formatter === powered || axis.formatter === plain)) axis.formatter = written
if (ticks.length != ticker.ticks.length || ticks.some((tick, i) => tick != ticker.ticks[i])) ticker.ticks = ticks
"""
"""Sets the ticks of an axis whenever its range or its room changes."""


def round_ticks(made: figure) -> None:
    """Put the ticks of the logarithmic axes of a figure at round numbers: 1, 2, 5, or 1, 3, or whole decades."""
    for axis in made.axis:
        if isinstance(axis, LogAxis):
            _round(made, axis, upright=axis in made.yaxis)


def _round(made: figure, axis: Axis, *, upright: bool) -> None:
    shown = made.y_range if upright else made.x_range
    axis.ticker = FixedTicker(ticks=list(DECADES))
    plain, powered = BasicTickFormatter(power_limit_low=-6, power_limit_high=6), LogTickFormatter()
    axis.formatter = plain
    code = CustomJS(args={"axis": axis, "ticker": axis.ticker, "range": shown, "plot": made, "upright": upright,
                          "plain": plain, "powered": powered}, code=ROUND)
    for name in ("start", "end"):
        shown.js_on_change(name, code)
    made.js_on_change("inner_height" if upright else "inner_width", code)
