"""Stacks what sources hand out into blocks on one wavelength grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..spectrum import COLUMNS as COLUMNS
from ..spectrumset import SpectrumSet

STEP = 1e-4        # log10 Å per pixel of the SDSS grid
PAD = 50           # block edges lie at multiples of this, so that most blocks share one grid
OUTSIDE = {"flux": np.nan, "ivar": 0, "mask": 0}       # what a pixel outside a spectrum's coverage holds
KINDS = {"flux": np.float32, "ivar": np.float32, "mask": np.uint32}
KNOWN = frozenset(COLUMNS)


class Pixels(NamedTuple):
    """Pixels of some rows of a source.

    Attributes
    ----------
    wave : (p,) float64
        Vacuum Å.
    start : int or None
        k of the first pixel when ``wave = 10**((k + i)·1e-4)``; None on any other grid.
    flux, ivar, mask : (m, p) arrays
        Any float, float and integer type and byte order; `ivar` and `mask` may be None.
    extra : mapping
        Columns known only from the pixels, each with m values: ``lsf``, ``snr``.
    shift : float
        What `wave` has to be multiplied by to be observed: 1 + z of a spectrum that was stored at rest.
    """

    wave: NDArray[np.float64]
    start: int | None
    flux: NDArray[Any]
    ivar: NDArray[Any] | None
    mask: NDArray[Any] | None
    extra: Mapping[str, Sequence[Any]]
    shift: float = 1.0

    def observed(self) -> Pixels:
        """Return the same pixels with observed wavelengths."""
        return self if self.shift == 1 else self._replace(wave=self.wave * self.shift, shift=1.0)


def log_grid(start: int, size: int) -> NDArray[np.float64]:
    """Return ``10**(k·1e-4)`` Å for k = start … start + size − 1."""
    wave: NDArray[np.float64] = np.power(10.0, np.arange(start, start + size, dtype=np.float64) * STEP)
    return wave


def _kept(name: str, rows: Sequence[Mapping[str, Any]]) -> Any:
    """Return a column that a user keeps: whole numbers stay whole where some are not known."""
    import pandas as pd

    values = [row.get(name) for row in rows]
    given = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in given):
        return ["" if value is None else value for value in values]
    if len(given) < len(values) and all(isinstance(value, int) for value in given):
        return pd.array(values, dtype="Int64")
    return values


class Stacker:
    """Collects rows until a block is full.

    Spectra on the SDSS grid share a block, padded to the widest; outside its coverage a spectrum is NaN with ivar 0.
    The range is kept from block to block, so that most blocks have the same grid. Any other grid, or a lack of noise
    or mask, begins a block of its own.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._key: tuple[bool, bool, bool] | None = None
        self._range = (0, 0)
        self._wave: NDArray[np.float64] | None = None
        self._arrays: dict[str, NDArray[Any]] = {}
        self._table: list[Mapping[str, Any]] = []

    def add(self, metas: Sequence[Mapping[str, Any]], pixels: Pixels) -> Iterator[SpectrumSet]:
        """Add rows; yield each block that they fill."""
        key = (pixels.start is not None, pixels.ivar is not None, pixels.mask is not None)
        if key != self._key or not (key[0] or np.array_equal(pixels.wave, self._wave)):  # type: ignore[arg-type]
            yield from self.flush()
        self._key = key
        done = 0
        while done < len(metas):
            take = min(len(metas) - done, self.rows - len(self._table))
            self._put(metas[done : done + take], pixels, slice(done, done + take))
            done += take
            if len(self._table) == self.rows:
                yield from self.flush()

    def flush(self) -> Iterator[SpectrumSet]:
        """Yield what has been collected, if anything."""
        if self._table:
            yield self._block()
        self._table, self._arrays = [], {}

    def _put(self, metas: Sequence[Mapping[str, Any]], pixels: Pixels, rows: slice) -> None:
        at = slice(len(self._table), len(self._table) + len(metas))
        if pixels.start is None:
            self._wave, left, width = pixels.wave, 0, pixels.wave.size
        else:
            left, width = self._place(pixels.start, pixels.wave.size)
        if not self._arrays:
            self._allocate(width, pixels)
        right = left + pixels.wave.size
        for name, array in self._arrays.items():
            array[at, left:right] = getattr(pixels, name)[rows]
            array[at, :left] = array[at, right:] = OUTSIDE[name]
        for i, meta in enumerate(metas, rows.start):
            self._table.append({**meta, **{name: values[i] for name, values in pixels.extra.items()}})

    def _place(self, start: int, size: int) -> tuple[int, int]:
        low, high = self._range
        if start < low or start + size > high:
            new = start // PAD * PAD, -(-(start + size) // PAD) * PAD
            if high:
                new = min(low, new[0]), max(high, new[1])
            self._widen(low - new[0], new[1] - new[0])
            self._range = low, high = new
        return start - low, high - low

    def _widen(self, left: int, width: int) -> None:
        n = len(self._table)
        for name, old in self._arrays.items():
            self._arrays[name] = new = np.empty((self.rows, width), old.dtype)
            right = left + old.shape[1]
            new[:n, left:right] = old[:n]
            new[:n, :left] = new[:n, right:] = OUTSIDE[name]

    def _allocate(self, width: int, pixels: Pixels) -> None:
        # Memory that is not written to costs nothing, so that a short block is as cheap as it is short.
        self._arrays = {name: np.empty((self.rows, width), kind) for name, kind in KINDS.items()
                        if getattr(pixels, name) is not None}

    def _block(self) -> SpectrumSet:
        import pandas as pd

        n = len(self._table)
        table = pd.DataFrame({name: [row[name] for row in self._table] for name in COLUMNS})
        for name in dict.fromkeys(name for row in self._table for name in row if name not in KNOWN):
            table[name] = _kept(name, self._table)
        on_grid = self._key is not None and self._key[0]
        wave = log_grid(self._range[0], self._range[1] - self._range[0]) if on_grid else self._wave
        arrays: dict[str, Any] = {name: array[:n] for name, array in self._arrays.items()}
        return SpectrumSet(wave, arrays["flux"], arrays.get("ivar"), table,  # type: ignore[arg-type]
                           mask=arrays.get("mask"), frame="observed", scale="flux")
