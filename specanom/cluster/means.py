"""Means, medians and bands of any choice of explained spectra, in either frame, fast enough to follow a lasso.

Reading rows one by one is too slow for that: a :class:`.Stack` keeps the spectra as one array without gaps and a sparse
list of the pixels that are missing, so that the mean of any choice is one product.
"""

from __future__ import annotations

from copy import copy

import numpy as np
from numpy.typing import NDArray

from ..errors import GridError, ShapeError, choice, message
from ..spectrumset import SpectrumSet
from .features import Features
from .frames import common_grid, moved_rows, pixel_edges, stretch
from .stacks import BLOCK, COVERED, Band, Stack, some
from .summary import rows_in

Floats = NDArray[np.float64]

BUDGET = 1 << 30
"""Bytes the spectra may take in memory, one frame; beyond it a random part of them stands for all."""
WEIGHT_STEP = 8
"""Observed pixels in one bin of the weights: segments are far wider."""


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
    own : str
        Frame of the spectra.
    home : str
        Frame of the bins of the explanations.

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
        self.own = sample.frame
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
        self._stacks = {self.own: Stack.of(wave, _flux(sample, self.place[self.held]))}
        self._regard(features)

    def _regard(self, features: Features) -> None:
        self.features = features
        self.home = self.own if features.edges is None or features.frame is None else features.frame
        own = self._own_weights(self._stacks[self.own].wave)
        self._weights: dict[str, tuple[Floats, Stack] | None] = {self.home: own}

    def of(self, features: Features) -> Means:
        """Return means of the same spectra, which are held once, with these explanations of them.

        Parameters
        ----------
        features : Features
            Of the same ids, as in another frame.
        """
        if features.ids != self.features.ids:
            raise ShapeError(message("features", expected="the same spectra, by id", got="others",
                                     hint="Means(features, sample)"))  # fmt: skip
        made = copy(self)
        made._regard(features)
        return made

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

        In the frame of the explanations the bins are the segments, as runs of pixels, or the bins they were carried
        into; in the other one narrow bins that hold the \\|weight\\| at that place.
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
            own = self._weights[self.home]
            self._weights[frame] = None if own is None else self._moved_weights(frame, *own)
        return self._weights[frame]

    @property
    def bins(self) -> NDArray[np.intp]:
        """Segment of each bin of :meth:`weights` in the frame `home`; empty without segments."""
        if self.features.edges is not None:
            return np.arange(self.features.n_segments)
        segments = self.features.segments
        if segments is None:
            return np.empty(0, dtype=np.intp)
        return np.asarray(segments[np.concatenate([[0], np.flatnonzero(np.diff(segments)) + 1])])

    def _own_weights(self, wave: Floats) -> tuple[Floats, Stack] | None:
        edges, segments = self.features.edges, self.features.segments
        if edges is not None:
            return edges, Stack.of((edges[1:] + edges[:-1]) / 2, self.features.rows[self.held].astype(np.float32))
        if segments is None:
            return None
        if segments.shape != wave.shape:
            raise GridError(message("sample", expected=f"the {segments.size} pixels that were explained",
                                    got=f"{wave.size} pixels", hint="give the sample that was explained"))  # fmt: skip
        starts = np.concatenate([[0], np.flatnonzero(np.diff(segments)) + 1])
        pixels = pixel_edges(wave)
        borders = np.concatenate([pixels[starts], pixels[-1:]])
        rows = self.features.rows[self.held][:, segments[starts]].astype(np.float32)
        return borders, Stack.of((borders[1:] + borders[:-1]) / 2, rows)

    def _factor(self, frame: str) -> Floats:
        """Return what wavelengths of each held row are multiplied by to come into `frame`; NaN without a redshift."""
        return stretch(self._z, frame)

    def _grid(self, frame: str) -> Floats:
        """Return a common grid: as fine as most members, as wide as all of them."""
        wave = self._stacks[self.own].wave
        return wave if frame == self.own else common_grid(wave, self._factor(frame))

    def _moved(self, frame: str) -> Stack:
        own, grid = self._stacks[self.own], self._grid(frame)
        made = np.full((len(own.values), grid.size), np.nan, dtype=np.float32)
        for start in range(0, len(made), BLOCK):
            part = slice(start, start + BLOCK)
            rows = own.values[part].copy()
            rows[own.missing[part].toarray() > 0] = np.nan
            made[part] = moved_rows(rows, own.wave, self._factor(frame)[part], grid)
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
