"""Explanations and spectra in the frame they were not explained in: rest wavelengths at the sky, and back.

What comes from sky and instrument stays at its observed wavelength, what comes from the galaxy at that of its rest
frame. Segments are those of one frame; in the other one their \\|weight\\| is carried by their pixels into common bins
of equal width in log λ, so that each lies where it was seen and none of it is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, ShapeError, message
from ..spectrumset import SpectrumSet
from .features import Features, LeftOut, unit_rows

Floats = NDArray[np.float64]

FRAMES = ("rest", "observed")
PER_SEGMENT = 2
"""Bins to a segment of mean width: wide enough to be shared at other redshifts, fine enough for a band."""
FARTHEST = 20.0
"""Redshifts beyond every known galaxy are taken for not known: one of them would stretch the bins of all."""
GRID_PIXELS = 8000
"""Pixels of a common grid at most."""


def pixel_edges(wave: Floats) -> Floats:
    """Return the borders of pixels, ``(p + 1,)``: half way between their middles."""
    if wave.size == 1:
        return np.array([wave[0] - 0.5, wave[0] + 0.5])
    inner = (wave[1:] + wave[:-1]) / 2
    return np.concatenate([[2 * wave[0] - inner[0]], inner, [2 * wave[-1] - inner[-1]]])


def stretch(z: Floats, frame: str) -> Floats:
    """Return what wavelengths are multiplied by to come into `frame`; NaN without a usable redshift."""
    with np.errstate(invalid="ignore"):
        factor = np.where((z > -1) & (z <= FARTHEST), 1 + z, np.nan)
    return factor if frame == "observed" else 1 / factor


def common_grid(wave: Floats, factor: Floats) -> Floats:
    """Return a grid for spectra on `wave` stretched by `factor`: as fine as most of them, as wide as all."""
    low, high = wave[0] * np.nanmin(factor), wave[-1] * np.nanmax(factor)
    step = max(float(np.median(np.diff(wave)) * np.nanmedian(factor)), (high - low) / GRID_PIXELS)
    return np.arange(low, high, step)


def moved_rows(values: NDArray[np.float32], wave: Floats, factor: Floats, grid: Floats) -> NDArray[np.float32]:
    """Return spectra stretched by `factor` on another grid, ``(n, len(grid))``; NaN where there is none.

    Parameters
    ----------
    values : (n, p) array
        NaN where a pixel is missing: a missing neighbour makes a missing pixel.
    wave : (p,) array
    factor : (n,) array
        NaN leaves a row out.
    grid : array
    """
    made = np.full((len(values), grid.size), np.nan, dtype=np.float32)
    for i in np.flatnonzero(np.isfinite(factor)):
        made[i] = np.interp(grid, wave * factor[i], values[i].astype(np.float64), left=np.nan, right=np.nan)
    return made


@dataclass(frozen=True, eq=False)
class Ground:
    """Wavelengths of the mean spectra: those of the sample, or of the frame the explanations were carried into."""

    wave: Floats
    frame: str
    factor: Floats | None = None

    @classmethod
    def of(cls, features: Features, sample: SpectrumSet) -> Ground:
        """Return those of a sample, in the frame of the clusters."""
        wave = np.asarray(sample.wave, dtype=np.float64)
        frame, z = features.frame, features.z
        if features.edges is None or frame is None or z is None or frame == sample.frame:
            return cls(wave, sample.frame)
        factor = np.where(features.kept, stretch(z, frame), np.nan)
        return cls(common_grid(wave, factor), frame, factor)

    def flux_of(self, part: SpectrumSet, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Return the flux of the explanations `rows`, the spectra `part`; NaN where a pixel is imputed or missing."""
        flux = part.flux
        if part.imputed is not None:
            flux = np.where(part.imputed, np.nan, flux)
        if self.factor is None:
            return flux
        return moved_rows(flux, np.asarray(part.wave, dtype=np.float64), self.factor[rows], self.wave)


# -- explanations ----------------------------------------------------------------------------------------------------


def redshifts_of(source: Any, ids: tuple[str, ...]) -> Floats:
    """Return the redshift of each explained spectrum, NaN where it is not known.

    Parameters
    ----------
    source : SpectrumSet or (n,) array
        The spectra, found by their ids, or their redshifts.
    ids : tuple of str

    Raises
    ------
    DataError
        When there are none.
    """
    hint = "fit(explanations, sample) with the SpectrumSet that was explained, or its redshifts as an array"
    wanted = "the redshifts of the explained spectra, to go into the other frame"
    if source is None:
        raise DataError(message("sample", expected=wanted, got="none", hint=hint))
    if isinstance(source, SpectrumSet):
        if "z" not in source.table:
            raise DataError(message("sample", expected=wanted, got="a sample without a column z", hint=hint))
        column = np.asarray(source.table["z"].to_numpy(dtype=np.float64))
        by_id: dict[str, float] = {}
        for id, value in zip(source.ids, column.tolist(), strict=True):
            by_id.setdefault(id, value)
        found = np.array([by_id.get(id, np.nan) for id in ids], dtype=np.float64)
    else:
        found = np.asarray(source, dtype=np.float64)
        if found.shape != (len(ids),):
            raise ShapeError(message("sample", expected=f"a SpectrumSet or {len(ids)} redshifts",
                                     got=f"shape {found.shape}", hint=hint))  # fmt: skip
    if not np.isfinite(stretch(found, "observed")).any():
        raise DataError(message("sample", expected=wanted, got="not one between −1 and 20 for these ids", hint=hint))
    return found


def log_bins(wave: Floats, count: int, factor: Floats) -> Floats:
    """Return borders (Å) of bins of equal width in log λ that hold spectra on `wave` stretched by `factor`.

    They begin at the first pixel of `wave` and are counted from there, so that which other spectra there are decides
    how far the bins reach but not where they lie.

    Parameters
    ----------
    wave : (p,) array
    count : int
        Segments of a spectrum: there are two bins to each.
    factor : (n,) array
    """
    ends = np.log(pixel_edges(wave)[[0, -1]])
    width = (ends[1] - ends[0]) / (PER_SEGMENT * count)
    low = np.floor(np.log(np.nanmin(factor)) / width + 1e-9)
    high = np.ceil((np.log(np.nanmax(factor)) + ends[1] - ends[0]) / width - 1e-9)
    return np.asarray(np.exp(ends[0] + width * np.arange(low, high + 1)))


def carried(weights: Floats, segments: NDArray[np.intp], wave: Floats, *, factor: Floats, edges: Floats) -> Floats:
    """Carry the \\|weight\\| of segments into bins of another frame, ``(n, len(edges) − 1)``.

    A segment gives each of its pixels the same part, and a pixel gives each bin the part of it that the bin covers: the
    sum of a row stays, up to what lies outside the bins.

    Parameters
    ----------
    weights : (n, K) array
        NaN beyond the number of segments a row has.
    segments : (p,) or (n, p) int array
        Shared by all rows, or one row each.
    wave : (p,) array
        Å in the frame of the segments.
    factor : (n,) array
        What wavelengths are multiplied by; rows with NaN become zeros.
    edges : (b + 1,) array
        Borders of the bins, Å in the other frame.
    """
    own, bins = np.log(pixel_edges(wave)), np.log(edges)
    made = np.zeros((len(weights), bins.size - 1))
    shared = segments if segments.ndim == 1 else None
    for i in np.flatnonzero(np.isfinite(factor)):
        which = segments[i] if shared is None else shared
        row = np.abs(weights[i])
        density = (row / np.maximum(np.bincount(which, minlength=row.size), 1))[which]
        upto = np.concatenate([[0.0], np.cumsum(density)])
        made[i] = np.diff(np.interp(bins, own + np.log(factor[i]), upto))
    return made


def in_frame(own: Features, frame: str | None, sample: Any = None, *, explanations: Any = None,
             edges: Floats | None = None) -> Features:
    """Return what is clustered in a frame.

    Parameters
    ----------
    own : Features
        In the frame that was explained.
    frame : {"rest", "observed"} or None
        None, or the frame that was explained, returns `own` unless there are `edges`.
    sample : SpectrumSet or (n,) array
        Where redshifts are.
    explanations : ExplanationSet, optional
        What `own` was made of: segments that differ from row to row are then carried as they are.
    edges : array, optional
        Bins to use, as from an earlier call.

    Raises
    ------
    DataError
        When wavelengths or redshifts are not known.
    """
    same = frame is None or frame == (own.frame or FRAMES[0])
    if same and edges is None:
        return own
    if own.segments is None or own.wave is None or not (own.wave > 0).all() or own.wave.size < 2:
        raise DataError(message("explanations", expected=f"wavelengths, to cluster in the {frame} frame",
                                got="weights without segments and wavelengths",
                                hint="explainer.explain_many(sample)"))  # fmt: skip
    z = np.zeros(len(own.ids)) if same else redshifts_of(sample, own.ids)
    factor = np.ones(len(own.ids)) if same else stretch(z, str(frame))
    weights, segments = own.rows, own.segments
    given = getattr(explanations, "segments", None)
    if given is not None and np.ndim(given) == 2:
        weights, segments = np.asarray(explanations.weights, dtype=np.float64), np.asarray(given, dtype=np.intp)
    factor = np.where(own.kept, factor, np.nan)
    if edges is None:
        edges = log_bins(own.wave, own.n_segments, factor)
    rows, kept = unit_rows(carried(weights, segments, own.wave, factor=factor, edges=edges))
    reasons = {one.id: one.reason for one in own.left_out}
    left = [LeftOut(own.ids[i], _reason(reasons.get(own.ids[i]), factor[i])) for i in np.flatnonzero(~kept)]
    return replace(own, rows=rows, kept=kept, left_out=tuple(left), segments=None, wave=None, names=None,
                   frame=frame, edges=edges, z=z, own=own)


def _reason(known: str | None, factor: float) -> str:
    if known is not None:
        return known
    return "its weight lies outside the bins" if np.isfinite(factor) else "no redshift"
