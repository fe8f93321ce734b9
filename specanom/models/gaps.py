"""Spectra with NaN where nothing is known, a few at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .inputs import Floats, Rows

CHUNK = 32
"""Spectra in a transformer at once: attention needs room."""
_AT_ONCE = 4096  # rows copied at once


def with_gaps(rows: Rows, which: NDArray[np.intp]) -> Floats:
    """Return the flux of some rows, NaN where it is not finite or has no inverse variance."""
    flux = rows.flux[which]
    known = np.isfinite(flux) if rows.ivar is None else np.isfinite(flux) & (rows.ivar[which] > 0)
    return np.where(known, flux, np.float32("nan"))


def in_parts(rows: Rows) -> Iterator[tuple[slice, Floats]]:
    """Yield places and flux with gaps of a few thousand rows after the other."""
    for start in range(0, len(rows), _AT_ONCE):
        which = np.arange(start, min(start + _AT_ONCE, len(rows)))
        yield slice(start, start + _AT_ONCE), with_gaps(rows, which)


def chunked(step: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return `step` evaluated on :data:`CHUNK` rows at a time."""
    return lambda rows: torch.cat([step(part) for part in torch.split(rows, CHUNK)])
