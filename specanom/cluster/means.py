"""Means, medians and bands of any choice of explained spectra, in either frame, fast enough to follow a lasso.

Reading rows one by one is too slow for that: :class:`Stack` keeps the spectra as one array without gaps and a sparse
list of the pixels that are missing, so that the mean of any choice is one product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..errors import GridError, ShapeError, choice, message
from ..spectrumset import SpectrumSet
from .features import Features
from .summary import BAND, rows_in

Floats = NDArray[np.float64]

BUDGET = 1 << 30
"""Bytes the spectra may take in memory, one frame; beyond it a random part of them stands for all."""
BANDED = 512
"""Medians and bands are percentiles of at most so many members, drawn at random but always the same."""
FEW = 128
"""Medians of many groups at once are those of at most so many members of each."""
BLOCK = 512
OBSERVED_PIXELS = 8000
COVERED = 0.1
"""In the other frame, members cover different wavelengths: a mean is that of at least this share of them."""
WEIGHT_STEP = 8
"""Observed pixels in one bin of the weights: segments are far wider."""


@dataclass(frozen=True, eq=False)
class Band:
    """Mean and median with the band of the middle 68 %.

    Attributes
    ----------
    mean, median, low, high : (p,) float64 arrays
        NaN where no member has a pixel of its own.
    count : int
        Members.
    banded : int
        Members that median and band were taken from.
    """

    mean: Floats
    median: Floats
    low: Floats
    high: Floats
    count: int
    banded: int


@dataclass(frozen=True, eq=False)
class Stack:
    """Rows on one grid, kept ready for means of any choice of them.

    Attributes
    ----------
    wave : (p,) array
        Å.
    values : (m, p) float32 array
        0 where missing.
    missing : (m, p) sparse array
        1 where missing.
    least : float
        Share of a group that must have a pixel for it to have a mean there.
    """

    wave: Floats
    values: NDArray[np.float32]
    missing: Any
    least: float = 0.0

    @classmethod
    def of(cls, wave: Floats, rows: NDArray[np.float32], least: float = 0.0) -> Stack:
        """Make a stack of rows with NaN where a pixel is missing; `rows` are changed in place."""
        gaps = ~np.isfinite(rows)
        rows[gaps] = 0
        return cls(np.asarray(wave, dtype=np.float64), rows, sparse.csr_array(gaps, dtype=np.float32), least)

    def means(self, groups: NDArray[np.float64]) -> Floats:
        """Return the mean of each group, ``(g, p)``.

        Parameters
        ----------
        groups : (g, m) array
            Weight of each row in each group.
        """
        total = np.zeros((len(groups), self.values.shape[1]))
        for start in range(0, len(self.values), BLOCK):  # float32 within a block, float64 between blocks
            part = slice(start, start + BLOCK)
            if groups[:, part].any():
                total += groups[:, part].astype(np.float32) @ self.values[part]
        sizes = groups.sum(axis=1)[:, None]
        seen = sizes - np.asarray(self.missing.T @ groups.T).T
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(seen > np.maximum(0.5, self.least * sizes - 0.5), total / seen, np.nan)

    def band(self, rows: NDArray[np.intp]) -> Band:
        """Return mean, median and 16–84 % band of some rows."""
        group = np.zeros((1, len(self.values)))
        group[0, rows] = 1.0
        mean = self.means(group)[0]
        part = some(rows, BANDED)
        low, median, high = (np.where(np.isfinite(mean), one, np.nan) for one in self._percentiles(part, BAND))
        return Band(mean, median, low, high, len(rows), len(part))

    def medians(self, groups: Sequence[NDArray[np.intp]]) -> Floats:
        """Return the median of each group of rows, ``(g, p)``; of a part of a large group."""
        weights = np.zeros((len(groups), len(self.values)))
        for group, rows in zip(weights, groups, strict=True):
            group[rows] = 1.0
        made = np.array([self._percentiles(some(rows, FEW), (50.0,))[0] for rows in groups])
        made = made.reshape(weights.shape[0], self.values.shape[1])
        return np.where(np.isfinite(self.means(weights)), made, np.nan)

    def _percentiles(self, rows: NDArray[np.intp], wanted: Sequence[float]) -> list[Floats]:
        held = self.values[rows].T.copy()
        held[self.missing[rows].toarray().T > 0] = np.nan
        return _percentiles(held, wanted)


def some(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """Return at most so many of the rows: the same ones each time."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(len(rows)).choice(rows, most, replace=False))


def _percentiles(held: NDArray[np.float32], wanted: Sequence[float]) -> list[Floats]:
    """Return some percentiles of each row, NaN left out, as numpy interpolates them; `held` is sorted in place."""
    if not held.shape[1]:
        return [np.full(len(held), np.nan) for _ in wanted]
    held.sort(axis=1)  # NaN go to the end
    count = np.isfinite(held).sum(axis=1)
    lines = np.arange(len(held))
    made = []
    for percentile in wanted:
        place = np.maximum(count - 1, 0) * (percentile / 100)
        under = place.astype(np.intp)
        over = np.minimum(under + 1, np.maximum(count - 1, 0))
        low, high = held[lines, under].astype(np.float64), held[lines, over].astype(np.float64)
        made.append(np.where(count > 0, low + (high - low) * (place - under), np.nan))
    return made


class Means:
    """Mean spectra and mean explanations of explained spectra, in the rest frame or the observed frame.

    Parameters
    ----------
    features : Features
        The explanations.
    sample : SpectrumSet
        Holds the spectra, found by their ids.
    budget : int
        Bytes the spectra may take; beyond it a random part of them stands for all.

    Attributes
    ----------
    place : (n,) int array
        Row of each explanation in the sample; −1 where it is not there.
    held : (m,) int array
        Explanations whose spectra are kept, in the order of the stack.
    n_known : int
        Explanations whose spectra are in the sample.
    frames : tuple of str
        Frames in which means can be shown: both where redshifts are known.

    Examples
    --------
    >>> import numpy as np
    >>> from specanom.cluster import features_of
    >>> sample = SpectrumSet(np.arange(4000.0, 4006.0), np.arange(12.0).reshape(2, 6))
    >>> features = features_of(np.eye(2))
    >>> import dataclasses
    >>> means = Means(dataclasses.replace(features, ids=tuple(sample.ids)), sample)
    >>> means.spectrum(np.array([0, 1])).mean.tolist()
    [3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    """

    def __init__(self, features: Features, sample: SpectrumSet, *, budget: int = BUDGET) -> None:
        self.features, self.own = features, sample.frame
        self.place = rows_in(sample, features.ids)
        known = np.flatnonzero(self.place >= 0)
        self.n_known = len(known)
        most = max(1, int(budget // (6 * max(1, sample.shape[1]))))
        self.held = some(known, most)
        self._at = np.full(len(features.ids), -1, dtype=np.intp)
        self._at[self.held] = np.arange(len(self.held))
        z = sample.table["z"].to_numpy(dtype=np.float64) if "z" in sample.table else np.full(len(sample), np.nan)
        self._z = z[self.place[self.held]]
        wave = np.asarray(sample.wave)
        self._edges = _edges(wave)
        self._stacks = {self.own: Stack.of(wave, _flux(sample, self.place[self.held]))}
        self._weights: dict[str, tuple[Floats, Stack] | None] = {self.own: self._own_weights(wave)}

    @property
    def frames(self) -> tuple[str, ...]:
        """Frames in which means can be shown."""
        other = "observed" if self.own == "rest" else "rest"
        return (self.own, other) if np.isfinite(self._z).any() else (self.own,)

    def in_frame(self, frame: str) -> Stack:
        """Return the spectra in a frame; the other one is made when it is first asked for."""
        if choice("frame", frame, self.frames) not in self._stacks:
            self._stacks[frame] = self._moved(frame)
        return self._stacks[frame]

    def spectrum(self, rows: NDArray[np.intp], frame: str | None = None) -> Band:
        """Return mean and median spectrum of some explanations.

        Parameters
        ----------
        rows : int array
            Rows of the explanations; those without a spectrum are left out.
        frame : {"rest", "observed"}, optional
            Members are shifted by their own redshifts; the sample's frame when None.
        """
        at = self._at[rows]
        return self.in_frame(frame or self.own).band(at[at >= 0])

    def spectra(self, labels: NDArray[np.intp], count: int, frame: str | None = None) -> Floats:
        """Return the mean spectrum of each of `count` clusters, ``(count, p)``."""
        return self.in_frame(frame or self.own).means(_groups(labels[self.held], count))

    def medians(self, labels: NDArray[np.intp], count: int, frame: str | None = None) -> Floats:
        """Return the median spectrum of each of `count` clusters, ``(count, p)``.

        Where members lie at different redshifts the median shows what they have in common, and not the lines of single
        ones, which the mean does.
        """
        own = labels[self.held]
        return self.in_frame(frame or self.own).medians([np.flatnonzero(own == k) for k in range(count)])

    def weights(self, rows: NDArray[np.intp], frame: str | None = None) -> tuple[Floats, Band] | None:
        """Return borders of bins (Å) and the mean explanation of some rows in them; None without wavelengths.

        In the explanations' own frame the bins are the segments, as runs of pixels; in the other one narrow bins that
        hold the \\|weight\\| of the segment at that place.
        """
        found = self._weights_in(frame or self.own)
        if found is None:
            return None
        at = self._at[rows]
        return found[0], found[1].band(at[at >= 0])

    def cluster_weights(self, labels: NDArray[np.intp], count: int, frame: str | None = None) -> Floats | None:
        """Return the mean explanation of each of `count` clusters in the bins of :meth:`weights`."""
        found = self._weights_in(frame or self.own)
        return None if found is None else found[1].means(_groups(labels[self.held], count))

    # -- inside ----------------------------------------------------------------------------------------------------

    def _weights_in(self, frame: str) -> tuple[Floats, Stack] | None:
        if choice("frame", frame, self.frames) not in self._weights:
            own = self._weights[self.own]
            self._weights[frame] = None if own is None else self._moved_weights(frame, *own)
        return self._weights[frame]

    @property
    def bins(self) -> NDArray[np.intp]:
        """Segment of each bin of :meth:`weights` in the explanations' own frame; empty without segments."""
        segments = self.features.segments
        if segments is None:
            return np.empty(0, dtype=np.intp)
        return np.asarray(segments[np.concatenate([[0], np.flatnonzero(np.diff(segments)) + 1])])

    def _own_weights(self, wave: Floats) -> tuple[Floats, Stack] | None:
        segments = self.features.segments
        if segments is None:
            return None
        if segments.shape != wave.shape:
            raise GridError(message("sample", expected=f"the {segments.size} pixels that were explained",
                                    got=f"{wave.size} pixels", hint="give the sample that was explained"))  # fmt: skip
        starts = np.concatenate([[0], np.flatnonzero(np.diff(segments)) + 1])
        borders = np.concatenate([self._edges[starts], self._edges[-1:]])
        rows = self.features.rows[self.held][:, segments[starts]].astype(np.float32)
        return borders, Stack.of((borders[1:] + borders[:-1]) / 2, rows)

    def _factor(self, frame: str) -> Floats:
        """Return what wavelengths of each held row are multiplied by to come into `frame`; NaN without a redshift."""
        stretch = np.where(self._z > -1, 1 + self._z, np.nan)
        return stretch if frame == "observed" else 1 / stretch

    def _grid(self, frame: str) -> Floats:
        """Return a common grid: as fine as most members, as wide as all of them."""
        wave, factor = self._stacks[self.own].wave, self._factor(frame)
        low, high = wave[0] * np.nanmin(factor), wave[-1] * np.nanmax(factor)
        step = max(float(np.median(np.diff(wave)) * np.nanmedian(factor)), (high - low) / OBSERVED_PIXELS)
        return np.arange(low, high, step)

    def _moved(self, frame: str) -> Stack:
        own, factor = self._stacks[self.own], self._factor(frame)
        grid = self._grid(frame)
        made = np.full((len(own.values), grid.size), np.nan, dtype=np.float32)
        for i in np.flatnonzero(np.isfinite(factor)):
            row = own.values[i].astype(np.float64)
            row[own.missing[[i]].indices] = np.nan  # a missing neighbour makes a missing pixel
            made[i] = np.interp(grid, own.wave * factor[i], row, left=np.nan, right=np.nan)
        return Stack.of(grid, made, COVERED)

    def _moved_weights(self, frame: str, borders: Floats, own: Stack) -> tuple[Floats, Stack]:
        fine, factor = self._grid(frame), self._factor(frame)
        bins = np.append(fine[::WEIGHT_STEP], fine[-1])
        centres = (bins[1:] + bins[:-1]) / 2
        made = np.full((len(own.values), centres.size), np.nan, dtype=np.float32)
        for i in np.flatnonzero(np.isfinite(factor)):
            which = np.searchsorted(borders * factor[i], centres, side="right") - 1
            inside = (which >= 0) & (which < own.values.shape[1])
            made[i, inside] = own.values[i, which[inside]]
        return bins, Stack.of(centres, made, COVERED)


def _groups(labels: NDArray[np.intp], count: int) -> Floats:
    return np.asarray(labels[None, :] == np.arange(count)[:, None], dtype=np.float64)


def _edges(wave: Floats) -> Floats:
    if wave.size == 1:
        return np.array([wave[0] - 0.5, wave[0] + 0.5])
    inner = (wave[1:] + wave[:-1]) / 2
    return np.concatenate([[2 * wave[0] - inner[0]], inner, [2 * wave[-1] - inner[-1]]])


def _flux(sample: SpectrumSet, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return the flux of some rows, NaN where missing or imputed; a set on disk is read block by block."""
    if not rows.size:
        raise ShapeError(message("sample", expected="the spectra that were explained, by id", got="none of them",
                                 hint="give the sample that explain_many was called with"))  # fmt: skip
    made = np.empty((rows.size, sample.shape[1]), dtype=np.float32)
    for start in range(0, rows.size, BLOCK):
        part = sample[rows[start : start + BLOCK]]
        made[start : start + BLOCK] = part.flux
        if part.imputed is not None:
            made[start : start + BLOCK][part.imputed] = np.nan
    return made
