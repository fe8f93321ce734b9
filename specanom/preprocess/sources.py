"""Whatever a Preprocessor is given, as blocks of observed spectra on one grid each."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Iterator
from itertools import groupby, islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, GridError, message
from ..spectrum import Spectrum
from ..spectrumset import SpectrumSet

SDSS_STEP = 1e-4  # of log10 λ
_ON_GRID = 5e-3  # pixels; the wavelengths of SDSS files are rounded to single precision in log λ


class Incoming:
    """Spectra to preprocess: a Survey, a SpectrumSet, or any iterable of Spectrum.

    Parameters
    ----------
    data : object
        With ``.blocks(n)``, or an iterable of Spectrum on any grids.
    rows : int
        Rows of a block.

    Raises
    ------
    ArgumentError
        When `data` is none of these.
    """

    def __init__(self, data: Any, rows: int) -> None:
        if isinstance(data, Spectrum):
            data = [data]
        streams = callable(getattr(data, "blocks", None))
        if isinstance(data, (str, bytes, os.PathLike)) or not (streams or isinstance(data, Iterable)):
            raise ArgumentError(message("survey", expected="a Survey, a SpectrumSet or an iterable of Spectrum",
                                        got=repr(data), hint='specanom.read("folder") makes a Survey of files'))
        self._data = data
        self._rows = rows
        self._streams = streams

    def __iter__(self) -> Iterator[SpectrumSet]:
        """Yield blocks, each checked to be in the observed frame and in flux.

        Raises
        ------
        GridError
            When a block is in another frame or already normalised.
        """
        for block in self._data.blocks(self._rows) if self._streams else stack(self._data, self._rows):
            check_observed(block)
            if len(block):
                yield block

    def refuse_once(self) -> None:
        """Refuse what can be read only once, as a generator can, where two readings are needed.

        Raises
        ------
        DataError
        """
        if not self._streams and iter(self._data) is self._data:
            raise DataError(message("survey", expected="something that can be read twice, because store= is given",
                                    got="a generator", hint="give a list or a Survey, or leave store out"))

    def total(self) -> int | None:
        """Return how many spectra there are, where that is known without reading them."""
        return len(self._data) if isinstance(self._data, (SpectrumSet, list, tuple)) else None

    def skipped(self) -> list[tuple[str, str]]:
        """Return (id or path, reason) of what the survey left out, each once; ask after a whole reading.

        What a reason says of one object only, in brackets or after a colon, is left out, so that equal reasons count
        together.
        """
        found = {(str(item.id), str(item.path), str(item.reason)): None for item in getattr(self._data, "skipped", ())}
        return [(id or path, _general(reason, id)) for id, path, reason in found]

    def notes(self) -> list[tuple[str, str]]:
        """Return (id or path, note) of what the survey remarked on so far, each once."""
        found = {(str(id or path), str(note)): None for id, path, note in getattr(self._data, "notes", ())}
        return list(found)


def _general(reason: str, id: str) -> str:
    short = reason.partition(" (")[0].partition(": ")[0]
    return short.removesuffix(f" of {id}") if id else short


def check_observed(block: Any) -> None:
    """Refuse what is not a SpectrumSet in the observed frame and in flux.

    Raises
    ------
    ArgumentError, GridError
    """
    if not isinstance(block, SpectrumSet):
        raise ArgumentError(message("survey", expected="blocks that are SpectrumSets", got=type(block).__name__))
    if block.frame != "observed" or block.scale != "flux":
        raise GridError(message("survey", expected='spectra as observed (frame="observed", scale="flux")',
                                got=f"frame={block.frame!r}, scale={block.scale!r}",
                                hint="give what was read from the survey; preprocessed spectra need no second pass"))


def stack(spectra: Iterable[Spectrum], rows: int) -> Iterator[SpectrumSet]:
    """Yield neighbouring spectra that fit on one grid as blocks of at most `rows`, in order.

    SDSS spectra start and end anywhere on one endless grid, λ = 10**(k/10⁴): they share a block, with missing pixels
    outside their coverage. Other spectra share one only when their wavelengths are equal.
    """
    iterator = iter(spectra)
    while batch := list(islice(iterator, rows)):
        for item in batch:
            if not isinstance(item, Spectrum):
                raise ArgumentError(message("survey", expected="an iterable of Spectrum", got=type(item).__name__,
                                            hint="Spectrum(wave, flux, ivar, z=z)"))
        for key, group in groupby(batch, key=_grid_key):
            yield _joined(list(group), key[0] == "sdss")


def _grid_key(spectrum: Spectrum) -> tuple[Hashable, ...]:
    start = sdss_start(spectrum.wave)
    grid: Hashable = "sdss" if start is not None else spectrum.wave.tobytes()
    return grid, spectrum.frame, spectrum.scale, spectrum.ivar is None


def sdss_start(wave: NDArray[np.float64]) -> int | None:
    """Return k of the first pixel when `wave` is 10**(k/10⁴), 10**((k+1)/10⁴), …, else None."""
    number = np.log10(wave) / SDSS_STEP
    first = int(np.rint(number[0]))
    return first if np.abs(number - first - np.arange(wave.size)).max() < _ON_GRID else None


def _joined(group: list[Spectrum], on_sdss_grid: bool) -> SpectrumSet:
    first = group[0]
    if on_sdss_grid:
        starts = [int(np.rint(np.log10(item.wave[0]) / SDSS_STEP)) for item in group]
        low, high = min(starts), max(k + len(item) for k, item in zip(starts, group, strict=True))
        wave = 10.0 ** (SDSS_STEP * np.arange(low, high))
        offsets = [k - low for k in starts]
    else:
        wave, offsets = first.wave, [0] * len(group)
    flux = np.full((len(group), wave.size), np.nan, dtype=np.float32)
    ivar = None if first.ivar is None else np.zeros_like(flux)
    mask = np.zeros(flux.shape, dtype=np.uint32) if any(item.mask is not None for item in group) else None
    for row, (offset, item) in enumerate(zip(offsets, group, strict=True)):
        here = slice(offset, offset + len(item))
        flux[row, here] = item.flux
        if ivar is not None and item.ivar is not None:
            ivar[row, here] = item.ivar
        if mask is not None and item.mask is not None:
            mask[row, here] = item.mask
    table = pd.DataFrame([{"id": item.id, **dict(item.meta), "z": item.z} for item in group])
    table["id"] = [item.id for item in group]
    return SpectrumSet(wave, flux, ivar, table, mask=mask, frame=first.frame, scale=first.scale)
