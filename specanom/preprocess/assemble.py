"""Finished blocks to one SpectrumSet, in memory or on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import ArgumentError, choice, message
from ..rounding import PRECISIONS
from ..spectrumset import SpectrumSet
from ..store import ARRAYS, SpectrumWriter, lacking
from .columns import completed


def used_up(blocks: list[SpectrumSet]) -> Iterator[SpectrumSet]:
    """Yield the blocks of a list and let go of each, so that its memory is free before the next is worked on."""
    blocks.reverse()
    while blocks:
        yield blocks.pop()


def join(blocks: Iterable[SpectrumSet], rows: int, wave: NDArray[np.float64], kinds: Mapping[str, int]) -> SpectrumSet:
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
    kinds : mapping
        Of columns, see :func:`.columns.completed`; complete when the last block has come.
    """
    arrays: dict[str, NDArray[Any]] = {}
    tables: list[pd.DataFrame] = []
    end = 0
    for block in blocks:
        here = slice(end, end + len(block))
        for name in ARRAYS:
            if name not in arrays and getattr(block, name) is not None:
                arrays[name] = np.empty((rows, wave.size), dtype=ARRAYS[name])
                if end:  # earlier blocks lacked it
                    arrays[name][:end] = lacking(name, arrays["imputed"][:end])
        for name, array in arrays.items():
            array[here] = complete(name, block)
        tables.append(block.table)
        end = here.stop
    table = completed(tables, kinds) if tables else pd.DataFrame({"id": []})
    cut: dict[str, Any] = {name: array[:end] for name, array in arrays.items()}
    return SpectrumSet(wave, table=table, **cut)


def write(
    blocks: Iterable[SpectrumSet], path: str | Path, wave: NDArray[np.float64], *, arrays: tuple[str, ...],
    provenance: dict[str, Any], kinds: Mapping[str, int], precision: str = "full",
) -> None:
    """Write the named arrays of finished blocks to a store as they come, in the end the table; see :func:`join`."""
    with SpectrumWriter(path, wave, arrays, provenance=provenance, precision=precision) as writer:
        for block in blocks:
            writer.append(block.table, {name: complete(name, block) for name in arrays})
        writer.join_tables(lambda tables: completed(tables, kinds))


def check_store(store: str | Path | None, precision: str) -> None:
    """Refuse to round what is not stored.

    Raises
    ------
    ArgumentError
    """
    if choice("precision", precision, PRECISIONS) != "full" and store is None:
        raise ArgumentError(message("precision", expected="full where nothing is stored", got=precision,
                                    hint='store="sample.zarr"'))


def complete(name: str, block: SpectrumSet) -> NDArray[Any]:
    """Return an array of a finished block; where the block lacks it, what stands for that."""
    values: NDArray[Any] | None = getattr(block, name)
    if values is None:
        assert block.imputed is not None
        return lacking(name, block.imputed)
    return values
