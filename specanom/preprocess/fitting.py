"""What a Preprocessor learns from its sample, gathered while blocks go by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, message
from ..seeds import object_seed
from ..spectrumset import SpectrumSet
from .columns import numbers
from .medians import row_medians

TYPICAL_SAMPLE = 4096
"""Spectra of which the imputation medians are taken: all of a smaller sample, else these many drawn by their ids."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """What was learnt.

    Attributes
    ----------
    grid : (m,) array
        All wavelengths, Å.
    kept : (m,) bool array
        Those that are not missing too often.
    typical : (p,) float32 array
        What missing pixels are filled with at the p kept wavelengths.
    snr_edges : (bins − 1,) array
        Inner edges of the S/N bins.
    missing : (m,) array
        Share of spectra in which a wavelength is missing.
    n : int
        Spectra it was learnt from.
    """

    grid: NDArray[np.float64]
    kept: NDArray[np.bool_]
    typical: NDArray[np.float32]
    snr_edges: NDArray[np.float64]
    missing: NDArray[np.float64]
    n: int

    @property
    def wave(self) -> NDArray[np.float64]:
        """The kept wavelengths, Å, shape ``(p,)``."""
        return self.grid[self.kept]


class Drawn:
    """Keeps the flux of the `size` spectra whose ids hash lowest: a fair draw that no order or block size changes."""

    def __init__(self, size: int = TYPICAL_SAMPLE) -> None:
        self._size = size
        self._keys: list[int] = []
        self._rows: list[NDArray[np.float32]] = []
        self._worst = -1  # place of the highest key, once full

    def add(self, block: SpectrumSet) -> None:
        """Consider the spectra of a block."""
        for row, id in enumerate(block.table["id"]):
            key = object_seed(0, id)
            if len(self._keys) < self._size:
                self._keys.append(key)
                self._rows.append(block.flux[row].copy())
                self._worst = -1
                continue
            if self._worst < 0:
                self._worst = max(range(self._size), key=self._keys.__getitem__)
            if key < self._keys[self._worst]:
                self._keys[self._worst], self._rows[self._worst] = key, block.flux[row].copy()
                self._worst = -1

    def typical(self, kept: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return the median of the normalised spectra at each kept wavelength; 1 where there is none."""
        rows = np.stack([row[kept] for row in self._rows])
        medians = row_medians(rows)
        rows = rows[medians > 0]
        rows /= medians[medians > 0, None].astype(np.float32)
        found = np.ones(rows.shape[1], dtype=np.float32)
        for start in range(0, rows.shape[1], 256) if len(rows) else ():
            columns = np.ascontiguousarray(rows[:, start : start + 256].T)
            found[start : start + 256] = row_medians(columns)
        return np.nan_to_num(found, nan=1.0)


def missing_in(block: SpectrumSet) -> NDArray[np.int64]:
    """Return in how many spectra of a block each wavelength is missing, ``(m,)``."""
    counts: NDArray[np.int64] = np.isnan(block.flux).sum(axis=0, dtype=np.int64)
    return counts


def draw_keys(ids: Iterable[str]) -> NDArray[np.uint64]:
    """Return what decides which spectra are drawn: those of the lowest keys, ``(n,)``."""
    return np.array([object_seed(0, id) for id in ids], dtype=np.uint64)


def lowest(keys: NDArray[np.uint64], size: int = TYPICAL_SAMPLE) -> NDArray[np.intp]:
    """Return the places of the lowest keys, in order."""
    return np.sort(np.argsort(keys, kind="stable")[:size])


class Gathered:
    """Counts of missing pixels, S/N values and drawn spectra of everything that passed the cuts.

    Parameters
    ----------
    grid : (m,) array
        Å.
    draw : bool
        Whether spectra are kept for the imputation medians.
    """

    def __init__(self, grid: NDArray[np.float64], *, draw: bool) -> None:
        self.grid = grid
        self.n = 0
        self._missing = np.zeros(grid.size, dtype=np.int64)
        self._snr: list[NDArray[np.float64]] = []
        self._drawn = Drawn() if draw else None

    def add(self, block: SpectrumSet) -> None:
        """Take in a block of spectra at rest on the grid."""
        self.count(missing_in(block), numbers(block.table, "snr"))
        self.draw(block)

    def counted(self, blocks: Iterable[SpectrumSet]) -> Iterator[SpectrumSet]:
        """Take in blocks as they go by."""
        for block in blocks:
            self.add(block)
            yield block

    def count(self, missing: NDArray[np.int64], snr: NDArray[np.float64]) -> None:
        """Take in what was counted elsewhere of a block: missing pixels a wavelength, and the S/N of each spectrum."""
        self.n += len(snr)
        self._missing += missing
        self._snr.append(snr)

    def draw(self, block: SpectrumSet) -> None:
        """Consider the spectra of a block for the imputation medians."""
        if self._drawn is not None:
            self._drawn.add(block)

    @property
    def missing(self) -> NDArray[np.float64]:
        """Share of spectra in which each wavelength is missing, shape ``(m,)``."""
        return self._missing / self.n if self.n else np.full(self.grid.size, np.nan)

    def conclude(self, max_missing: float, bins: int) -> Fitted:
        """Choose the wavelengths, take the medians and cut the S/N bins.

        Raises
        ------
        DataError
            When no wavelength is left, or there are fewer spectra than bins.
        """
        kept = self.missing <= max_missing
        if not kept.any():
            raise DataError(message("max_missing_wave", expected="a share that leaves some wavelengths",
                                    got=f"{max_missing:g}: each is missing in more than that share of {self.n} spectra",
                                    hint="a grid that the spectra cover at their redshifts, or a larger share"))
        typical = np.ones(int(kept.sum()), dtype=np.float32) if self._drawn is None else self._drawn.typical(kept)
        return Fitted(self.grid, kept, typical, self._edges(bins), self.missing, self.n)

    def _edges(self, bins: int) -> NDArray[np.float64]:
        snr = np.concatenate(self._snr)
        snr = snr[np.isfinite(snr)]
        if bins > 1 and snr.size < bins:
            raise DataError(message("bins", expected=f"at most {snr.size}, the number of spectra with known S/N",
                                    got=bins, hint="bins=1"))
        return np.quantile(snr, np.arange(1, bins) / bins) if bins > 1 else np.empty(0)


def snr_bins(snr: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bin of each S/N, 0 (lowest) to ``len(edges)``; unknown S/N counts as lowest."""
    return np.where(np.isnan(snr), 0, np.searchsorted(edges, snr, side="right")).astype(np.int64)
