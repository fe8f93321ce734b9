"""What lies at a wavelength: lines of the galaxy at rest; sky, atmosphere and instrument as observed."""

from __future__ import annotations

from collections.abc import Iterable

from ..lines import ARM_JOINS, LINES, OH_FOREST, SKY_LINES, TELLURIC_BANDS, Band, Line

STRONG = ("Ha", "OIII5008", "Hb", "OII3727", "NII6585", "SII6718")
"""Lines that are named first."""
WATER = "telluric H₂O"
"""Bands of water lie among the lines of OH: one cannot be told from the other by the wavelength."""

NEAR_SKY = 10.0
"""Å beyond an interval within which a line of the sky is still meant, as in the names of segments."""


def segment_name(lo: float, hi: float) -> str:
    """Name the rest-frame interval ``lo``–``hi`` (Å) after its emission lines, else its absorption lines."""
    inside = [item for item in LINES if lo <= item.wave <= hi and item.kind != "absorption"]
    inside = inside or [item for item in LINES if lo <= item.wave <= hi]
    if not inside:
        return f"continuum {lo:.0f}–{hi:.0f} Å"
    if len(inside) == 1:
        return inside[0].label
    inside.sort(key=lambda item: STRONG.index(item.name) if item.name in STRONG else len(STRONG))
    return "+".join(dict.fromkeys(_species(item) for item in inside))


def observed_name(lo: float, hi: float, *, joins: Iterable[Band] = ()) -> str:
    """Name the observed interval ``lo``–``hi`` (Å) after what sky, atmosphere and instrument have there.

    Lines of the sky within or near it go first, then bands of the atmosphere, the OH forest, the join of the arms; a
    band counts when it covers at least half of the interval.

    Parameters
    ----------
    lo, hi : float
    joins : iterable of Band
        Where the arms of the instrument are joined, as far as it is known.

    Examples
    --------
    >>> observed_name(5560.0, 5590.0), observed_name(7600.0, 7630.0), observed_name(5000.0, 5030.0)
    ('[O I] 5577 sky', 'telluric A', '5000–5030 Å')
    >>> observed_name(7800.0, 7830.0), observed_name(8200.0, 8230.0)
    ('OH forest', 'OH forest and telluric H₂O')
    """
    lines = [item.label for item in SKY_LINES if lo - NEAR_SKY <= item.wave <= hi + NEAR_SKY]
    if lines:
        return "+".join(dict.fromkeys(lines))
    bands = [band.name for band in TELLURIC_BANDS if _covers(band, lo, hi)]
    forest = _covers(OH_FOREST, lo, hi)
    if forest and bands in ([], [WATER]):
        return " and ".join([OH_FOREST.name, *bands])
    named = bands or [band.name for band in joins if _covers(band, lo, hi)]
    return named[0] if named else f"{lo:.0f}–{hi:.0f} Å"


def joins_in(names: Iterable[str]) -> list[Band]:
    """Return the joins of arms that some names of segments tell of: explanations know the instrument."""
    told = set(names)
    return [band for bands in ARM_JOINS.values() for band in bands if any(band.name in name for name in told)]


def _covers(band: Band, lo: float, hi: float) -> bool:
    return min(band.hi, hi) - max(band.lo, lo) >= 0.5 * (hi - lo)


def _species(item: Line) -> str:
    head, _, tail = item.label.rpartition(" ")
    return head if tail.isdigit() else item.label
