"""The wavelength axis of a figure: which frame, which unit, and where a line falls on it. No bokeh."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, choice, message
from ..lines import AIRGLOW_5577, LINES, OH_FOREST, SKY_LINES, TELLURIC_BANDS, Band, Line

UNITS = {"Å": 1.0, "nm": 0.1}
PRIORITY = ("Ha", "OIII5008", "Hb", "OII3727", "CaK", "CaH", "SII6718", "NII6585", "NaD", "Mgb", "Gband", "Hg", "Hd",
            "MgII2799", "CIV1549", "CIII1909", "Lya", "NeIII3870", "OI6302", "HeII4687", "HeI5877")
"""Which lines get their label first where there is not room for all."""
REST_KINDS = ("emission", "absorption", "uv")
"""Kinds of lines of the object itself."""


@dataclass(frozen=True)
class WaveAxis:
    """Where wavelengths go on a plot.

    Parameters
    ----------
    frame : {"rest", "observed"}
        Frame of the axis.
    unit : {"Å", "nm"}
        Unit of the axis.
    z : float or None
        Redshift, needed to go from one frame to the other.
    """

    frame: str
    unit: str = "Å"
    z: float | None = None

    def __post_init__(self) -> None:
        choice("frame", self.frame, ("rest", "observed"))
        choice("unit", self.unit, UNITS)

    @classmethod
    def of(cls, own: str, frame: str | None, unit: str, z: float | None) -> WaveAxis:
        """Make the axis for a record whose wavelengths are in the frame `own`.

        Raises
        ------
        ArgumentError
            When the other frame is asked for and no redshift is known.
        """
        axis = cls(own if frame is None else frame, unit, z)
        if axis.frame != own and not axis.linked:
            raise ArgumentError(message("frame", expected=f"{own!r}, as no redshift is known", got=repr(frame),
                                        hint="s.replace(z=0.1)"))
        return axis

    @property
    def linked(self) -> bool:
        """Whether wavelengths of the other frame can be shown."""
        return self.z is not None and bool(np.isfinite(self.z)) and self.z > -1

    @property
    def label(self) -> str:
        """What is written under the axis."""
        return f"vacuum wavelength ({self.unit}), {self.frame} frame"

    def place(self, wave: ArrayLike, frame: str) -> NDArray[np.float64]:
        """Return positions on the axis of wavelengths (Å) given in `frame`; NaN where the redshift is missing."""
        values = np.asarray(wave, dtype=np.float64)
        if frame != self.frame:
            stretch = 1.0 + self.z if self.linked and self.z is not None else np.nan
            values = values * stretch if self.frame == "observed" else values / stretch
        return values * UNITS[self.unit]

    def lines_within(self, lo: float, hi: float, kinds: Sequence[str] = REST_KINDS) -> list[tuple[Line, float]]:
        """Return lines of some `kinds` between `lo` and `hi` (axis units) with their places, the most telling first.

        Lines of the sky lie in the observed frame, all others in the rest frame.
        """
        placed = [(item, float(self.place(item.wave, "rest"))) for item in LINES if item.kind in kinds]
        if "sky" in kinds:
            placed += [(item, float(self.place(item.wave, "observed"))) for item in SKY_LINES]
        inside = [pair for pair in placed if lo <= pair[1] <= hi]
        return sorted(inside, key=lambda pair: _rank(pair[0]))

    def line_names(self, x: NDArray[np.float64], tolerance: float = 12.0) -> tuple[NDArray[np.uint8], list[str]]:
        """Name the nearest rest-frame line of each place on the axis.

        Returns
        -------
        codes : (p,) uint8 array
            Index into `names`; 0 stands for none within `tolerance` (rest-frame Å).
        names : list of str
        """
        rest = WaveAxis("rest", "Å", self.z).place(x / UNITS[self.unit], self.frame)
        return _nearest(rest, LINES, tolerance)

    def sky_names(self, x: NDArray[np.float64]) -> tuple[NDArray[np.uint8], list[str]]:
        """Name what the sky has at each place on the axis: a line within 8 Å (observed), else a telluric band."""
        seen = WaveAxis("observed", "Å", self.z).place(x / UNITS[self.unit], self.frame)
        codes, names = _nearest(seen, SKY_LINES, 8.0)
        for band in (*TELLURIC_BANDS, OH_FOREST):
            names.append(band.name)
            with np.errstate(invalid="ignore"):
                codes[(codes == 0) & (seen >= band.lo) & (seen <= band.hi)] = len(names) - 1
        return codes, names

    def sky_bands(self) -> list[tuple[Band, float, float]]:
        """Return telluric bands and the 5577 Å mask with their borders on the axis; empty without a redshift."""
        bands = (*TELLURIC_BANDS, AIRGLOW_5577)
        placed = [(band, self.place([band.lo, band.hi], "observed")) for band in bands]
        return [(band, float(p[0]), float(p[1])) for band, p in placed if np.isfinite(p).all()]


def short_label(item: Line) -> str:
    """Return the label of a line without its wavelength: ``"[O III]"`` for ``"[O III] 5008"``."""
    return re.sub(r" \d{4}$", "", item.label)


def _rank(item: Line) -> int:
    return PRIORITY.index(item.name) if item.name in PRIORITY else len(PRIORITY)


def _nearest(wave: NDArray[np.float64], lines: Sequence[Line], tolerance: float) -> tuple[NDArray[np.uint8], list[str]]:
    ordered = sorted(lines, key=lambda item: item.wave)
    centres = np.array([item.wave for item in ordered])
    borders = (centres[1:] + centres[:-1]) / 2
    index = np.searchsorted(borders, wave)
    with np.errstate(invalid="ignore"):
        near = np.abs(wave - centres[index]) <= tolerance
    names = ["–", *(f"{item.label} ({item.wave:.2f} Å)" for item in ordered)]
    return np.where(near, index + 1, 0).astype(np.uint8), names
