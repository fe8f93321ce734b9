"""A spectrum made ready to be drawn: places on the axis, gaps, noise and limits. No bokeh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..quantities import SURVEY_FLUX_UNIT
from ..spectrum import Spectrum
from ..visible import visible
from .axis import WaveAxis
from .drawing import pixel_edges, robust_range, runs

Spans = list[tuple[float, float]]
SURVEYS = ("sdss", "desi")
"""Whose files hold flux in one unit."""


@dataclass(frozen=True, eq=False)
class SpectrumView:
    """What a figure of one spectrum shows.

    Attributes
    ----------
    x, edges : (p,) and (p + 1,) arrays
        Pixel centres and borders on the axis.
    y : (p,) array
        Flux; NaN where masked or imputed.
    sigma : (p,) array
        Noise; NaN where unknown.
    masked, imputed : list of (lo, hi)
        Spans on the axis: missing pixels, and pixels filled in by preprocessing.
    limits : (float, float)
        Vertical range that holds the features and ignores spikes.
    """

    spectrum: Spectrum
    axis: WaveAxis
    x: NDArray[np.float64]
    edges: NDArray[np.float64]
    y: NDArray[np.float64]
    sigma: NDArray[np.float64]
    masked: Spans
    imputed: Spans
    limits: tuple[float, float]

    @classmethod
    def of(cls, spectrum: Spectrum, frame: str | None = None, unit: str = "Å") -> SpectrumView:
        """Lay out `spectrum` in `frame` (its own when None) and `unit`."""
        axis = WaveAxis.of(spectrum.frame, frame, unit, spectrum.z)
        edges = axis.place(pixel_edges(spectrum.wave), spectrum.frame)
        valid = spectrum.valid
        filled = np.zeros(valid.shape, dtype=bool) if spectrum.imputed is None else spectrum.imputed
        y = np.where(valid, spectrum.flux, np.nan).astype(np.float64)
        sigma = noise(spectrum.ivar, valid.shape)
        return cls(spectrum, axis, axis.place(spectrum.wave, spectrum.frame), edges, y, sigma,
                   spans(~valid & ~filled, edges), spans(filled, edges), robust_range(y, sigma))


def noise(ivar: NDArray[Any] | None, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return 1/√ivar, NaN where it is not known."""
    if ivar is None:
        return np.full(shape, np.nan)
    good = np.asarray(ivar) > 0
    return np.where(good, 1.0 / np.sqrt(np.where(good, ivar, 1.0)), np.nan)


def spans(flags: NDArray[np.bool_], edges: NDArray[np.float64]) -> Spans:
    """Return where runs of `flags` begin and end on the axis."""
    return [(float(edges[start]), float(edges[stop])) for start, stop in runs(flags)]


def describe(spectrum: Spectrum) -> str:
    """Return the title of a spectrum: id, class, redshift and S/N, as far as they are known."""
    meta: Mapping[str, Any] = spectrum.meta
    kind = " ".join(str(meta[key]).strip() for key in ("class", "subclass") if _said(meta.get(key)))
    parts = [spectrum.id, kind, "" if spectrum.z is None else f"z = {spectrum.z:.5f}"]
    parts.append("" if not np.isfinite(spectrum.snr) else f"S/N {spectrum.snr:.1f}")
    return visible(" · ".join(part for part in parts if part))


def flux_label(scale: str, meta: Mapping[str, Any] | None = None) -> str:
    """Return what the flux axis of a spectrum with some `meta` is called."""
    if scale == "normalised":
        return "flux / median"
    known = meta or {}
    unit = known.get("unit") or (SURVEY_FLUX_UNIT if known.get("survey") in SURVEYS else "")
    return f"flux density ({_short(str(unit))})" if _said(unit) else "flux density per Å"


def _short(unit: str) -> str:
    """Write the unit of the surveys in fewer letters, and any other as it is."""
    return "10⁻¹⁷ erg/s/cm²/Å" if unit == SURVEY_FLUX_UNIT else unit


def _said(value: Any) -> bool:
    return value is not None and value == value and str(value).strip() not in ("", "nan", "None")
