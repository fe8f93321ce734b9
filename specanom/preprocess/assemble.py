"""Finished blocks to one SpectrumSet, in memory or on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..spectrumset import SpectrumSet
from ..store import SpectrumWriter


def used_up(blocks: list[SpectrumSet]) -> Iterator[SpectrumSet]:
    """Yield the blocks of a list and let go of each, so that its memory is free before the next is worked on."""
    blocks.reverse()
    while blocks:
        yield blocks.pop()


def join(blocks: Iterable[SpectrumSet], rows: int, wave: NDArray[np.float64]) -> SpectrumSet:
    """Return finished blocks as one set.

    Unlike :meth:`SpectrumSet.concatenate` it copies each block as it comes, so that blocks can be made one by one.

    Parameters
    ----------
    blocks : iterable of SpectrumSet
        Finished, on `wave`.
    rows : int
        At least as many as come.
    wave : (p,) array
        Å.
    """
    flux = np.empty((rows, wave.size), dtype=np.float32)
    imputed = np.empty(flux.shape, dtype=bool)
    ivar: NDArray[np.float32] | None = None
    tables: list[pd.DataFrame] = []
    end = 0
    for block in blocks:
        here = slice(end, end + len(block))
        flux[here], imputed[here] = block.flux, block.imputed
        if ivar is None and block.ivar is not None:
            ivar = np.empty_like(flux)
            ivar[:end] = unknown_noise(imputed[:end])
        if ivar is not None:
            ivar[here] = unknown_noise(imputed[here]) if block.ivar is None else block.ivar
        tables.append(block.table)
        end = here.stop
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"id": []})
    return SpectrumSet(wave, flux[:end], None if ivar is None else ivar[:end], table, imputed=imputed[:end])


def write(
    blocks: Iterable[SpectrumSet], path: str | Path, wave: NDArray[np.float64], *, noise: bool,
    provenance: dict[str, Any],
) -> None:
    """Write finished blocks to a store as they come; `noise` says whether ivar is written."""
    arrays = ("flux", "ivar", "imputed") if noise else ("flux", "imputed")
    with SpectrumWriter(path, wave, arrays, provenance=provenance) as writer:
        for block in blocks:
            assert block.imputed is not None
            ivar = unknown_noise(block.imputed) if block.ivar is None else block.ivar
            writer.append(block.table, {"flux": block.flux, "ivar": ivar, "imputed": block.imputed})


def unknown_noise(imputed: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the ivar of rows whose noise is not known: NaN, and 0 where imputed."""
    return np.where(imputed, np.float32(0), np.float32(np.nan))
