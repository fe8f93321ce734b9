"""What an explanation's numbers say, as a line of HTML."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from specanom.explain import Explanation
from specanom.explain.grades import GOOD_R2, GOOD_SUM, STABLE
from specanom.explain.lime import ENOUGH
from specanom.plots.palette import Palette, mix, palette

from ..base.words import in_html

READABLE = 4.5
"""Contrast of text against its ground, as WCAG 2.1 asks for."""
CHIPS = {"trusted": ("green", "✓"), "unstable": ("amber", "≈"), "poor fit": ("vermilion", "✗")}
NONE = "–"


@dataclass(frozen=True)
class Number:
    """One number of an explanation.

    Attributes
    ----------
    name, value : str
        As shown; the value is a dash where the method has none.
    told : str
        What it means, and from where on it is taken for good.
    warning : str
        Which threshold it misses; empty when it is good, or has none.
    """

    name: str
    value: str
    told: str
    warning: str = ""


def numbers(e: Explanation, seconds: float | None = None) -> tuple[Number, ...]:
    """Return the numbers of an explanation.

    Parameters
    ----------
    e : Explanation
    seconds : float, optional
        How long it took.
    """
    made = [
        Number(str(e.settings.get("score", "score")), f"{e.score:.4g}", "The score of the spectrum; higher is odder."),
        Number("R²", _figure(e.r2, ".2f"), "How well sums of weights stand for the scores of copies, weighted by "
               f"proximity. Below {GOOD_R2:g} segments act together more than they add up: a poor fit.",
               f"below {GOOD_R2:g}" if e.r2 < GOOD_R2 else ""),
        _samples(e),
        Number("stability", _figure(e.stability, ".0%"), "The probability that other masks lead with the same "
               f"segment. Below {STABLE:.0%} an explanation is unstable.",
               f"below {STABLE:.0%}" if e.stability < STABLE else ""),
        Number("completeness error", _figure(e.completeness, ".0%"), "How far the weights are from adding up to the "
               "score less that of the fill, as a share of it. A poor fit when that is more than "
               f"{GOOD_SUM:.0%} of all |weights| together."),
        Number("artefact", _figure(e.artefact, ".0%"), "Probability that instrument or sky made the score what it is, "
               "given that the spectrum is odd for a reason, for even odds. A dash: "
               + (f"{e.untold}." if e.untold else "it needs the observed frame.")),
    ]
    if seconds is not None:
        made.append(Number("time", told_time(seconds), "From the settings to the weights."))
    return (*made, Number("path", e.path, "Which way the scores of copies were computed, and why."))


def _samples(e: Explanation) -> Number:
    """Return the effective number of copies, or for methods that draw none how many scores they asked for."""
    if not (e.kernel and isfinite(e.ess)):
        return Number("scores", f"{e.n_samples:,}", "How many the method asked for; nothing is drawn.")
    wanted = ENOUGH * e.n_segments
    return Number("effective samples", f"{e.ess:,.0f} of {e.n_samples:,}", "Copies that were scored, weighted by "
                  f"proximity. Weights want at least {ENOUGH} a segment, here {wanted:,}.",
                  f"below {ENOUGH} × {e.n_segments} segments" if e.ess < wanted else "")


def describe(e: Explanation, seconds: float | None = None, *, theme: str = "light") -> str:
    """Return the grade and the numbers as short HTML, every text escaped.

    Parameters
    ----------
    e : Explanation
    seconds : float, optional
        How long it took.
    theme : {"light", "dark"}
        Of the chip; everything else takes the colours of the page.
    """
    items = " ".join(
        f"<span role='listitem' title='{in_html(one.told)}' style='display:inline-block;margin-right:1.1em'>"
        f"<span style='opacity:.8'>{in_html(one.name)}</span> <b style='font-variant-numeric:tabular-nums'>"
        f"{in_html(one.value)}</b>{_warned(one, theme)}</span>" for one in numbers(e, seconds))
    return (f"<div class='specanom-readout' style='line-height:1.6'>{chip(e.grade, theme)} {in_html(e.reason)}"
            f"<div role='list'>{items}</div></div>")


def chip(grade: str, theme: str = "light") -> str:
    """Return a grade as a coloured chip whose word and mark say the same as its colour."""
    role, mark = CHIPS.get(grade, ("slate", "?"))
    ink, ground = chip_colours(role, theme)
    return (f"<span class='specanom-chip' style='color:{ink};background:{ground};border:1px solid {ink};"
            f"border-radius:.8em;padding:0 .6em;font-weight:600'><span aria-hidden='true'>{mark}</span> "
            f"{in_html(grade)}</span>")


def chip_colours(role: str, theme: str) -> tuple[str, str]:
    """Return text and ground of a chip in the colour of a role; the text is drawn to ink until it can be read."""
    colours: Palette = palette(theme)
    own = getattr(colours, role)
    ground = mix(colours.paper, own, 0.14)
    shades = (mix(own, colours.ink, share / 20) for share in range(21))
    return next((one for one in shades if contrast(one, ground) >= READABLE), colours.ink), ground


def contrast(first: str, second: str) -> float:
    """Return the contrast of two ``#rrggbb`` colours, 1–21 (WCAG 2.1)."""
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def told_time(seconds: float) -> str:
    """Write a time in words.

    Examples
    --------
    >>> told_time(0.0312), told_time(2.5)
    ('31 ms', '2.5 s')
    """
    return f"{1e3 * seconds:.0f} ms" if seconds < 1.0 else f"{seconds:.1f} s"


def _luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _figure(value: float, digits: str) -> str:
    return format(value, digits) if isfinite(value) else NONE


def _warned(one: Number, theme: str) -> str:
    if not one.warning:
        return ""
    ink, ground = chip_colours("vermilion", theme)
    return f" <span style='color:{ink};background:{ground};padding:0 .3em'>{in_html(one.warning)}</span>"
