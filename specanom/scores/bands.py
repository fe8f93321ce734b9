"""Which wavelengths a score comes from: the share of the residual in each band or spectrograph arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, message
from ..lines import ARM_JOINS
from ..parallel import map_blocks
from ..spectrumset import SpectrumSet
from .chunks import Doubles
from .rows import BLOCK, Batch, batches
from .scorer import Scorer

if TYPE_CHECKING:
    import pandas as pd

ARMS = {1: ("b", "r"), 2: ("b", "r", "z")}
"""Names of the arms by the number of joins between them."""


def band_shares(
    scorer: Scorer,
    sample: SpectrumSet,
    bands: Mapping[str, tuple[float, float]] | str | None = None,
    *,
    block_size: int = BLOCK,
    executor: Any = None,
) -> pd.DataFrame:
    """Return which share of a score's weighted squared residual lies in each band.

    Parameters
    ----------
    scorer : Scorer
        Of a squared metric; its line filter, trim and weight apply.
    sample : SpectrumSet
        At rest.
    bands : mapping, "arms" or None
        Name → (low, high) in rest-frame vacuum Å, low included, high not; ``"arms"`` for the arms of the
        spectrograph, found by the columns ``instrument`` and ``z``; None for eight equal parts of the grid.
    block_size, executor
        As in :func:`table`.

    Returns
    -------
    DataFrame
        ``id`` and one column a band, each in 0–1. They add up to one where the bands cover the grid once; NaN where
        nothing was kept, or the arm of a spectrum is not known.

    Raises
    ------
    ArgumentError
        For a metric that is no sum over pixels, a band that is empty or an unknown word.
    DataError
        When arms are asked for and the table does not tell them.
    """
    import pandas as pd

    if not scorer.recipe.squared:
        raise ArgumentError(message("scorer", expected="a metric that is a sum over pixels: mse, chi2 or chi2_ivar",
                                    got=repr(scorer.metric)))
    if bands == "arms":
        names, members = _arms(sample)
    else:
        names, members = _fixed(_ranges(bands, sample.wave), sample.wave)
    starts = range(0, len(sample), block_size)
    work = ((batch, members[start : start + block_size] if members.ndim == 2 else members)
            for start, batch in zip(starts, batches(sample, block_size), strict=True))
    parts = list(map_blocks(partial(_shares, scorer, len(names)), work, executor))
    shares = np.concatenate(parts) if parts else np.empty((0, len(names)))
    return pd.DataFrame({"id": sample.ids, **{name: shares[:, i] for i, name in enumerate(names)}})


def _ranges(bands: Any, wave: Doubles) -> Mapping[str, tuple[float, float]]:
    if isinstance(bands, str):
        raise ArgumentError(message("bands", expected='a mapping name → (low, high), "arms" or None', got=repr(bands)))
    if bands is not None:
        made: Mapping[str, tuple[float, float]] = bands
        return made
    edges = np.linspace(wave[0], np.nextafter(wave[-1], np.inf), 9)
    return {f"{low:.0f}-{high:.0f}": (float(low), float(high)) for low, high in pairwise(edges)}


def _fixed(bands: Mapping[str, tuple[float, float]], wave: Doubles) -> tuple[list[str], NDArray[np.intp]]:
    """Which bands each pixel is in, ``(p,)``: bands may overlap, so each is a bit."""
    bits = np.zeros(wave.size, dtype=np.intp)
    for number, (name, (low, high)) in enumerate(bands.items()):
        inside = (wave >= low) & (wave < high)
        if not inside.any():
            raise ArgumentError(message(f"bands[{name!r}]", expected=f"pixels within {wave[0]:.0f}–{wave[-1]:.0f} Å",
                                        got=f"({low}, {high})"))
        bits |= inside.astype(np.intp) << number
    return list(bands), bits


def _arms(sample: SpectrumSet) -> tuple[list[str], NDArray[np.intp]]:
    """Arms of each spectrum, from its instrument and redshift, as bits ``(n, p)``."""
    table = sample.table
    if "instrument" not in table or "z" not in table:
        raise DataError(message("sample", expected="columns 'instrument' and 'z'", got=f"{list(table.columns)}",
                                hint="give the bands in rest-frame Å"))
    bits = np.zeros(sample.shape, dtype=np.intp)
    names: Sequence[str] = ()
    for row, (instrument, z) in enumerate(zip(table["instrument"], table["z"], strict=True)):
        joins = ARM_JOINS.get(str(instrument))
        if joins is None or not np.isfinite(z):
            continue
        middles = [0.5 * (join.lo + join.hi) for join in joins]
        bits[row] = 1 << np.searchsorted(middles, sample.wave * (1.0 + z), side="right")
        names = max(names, ARMS[len(joins)], key=len)
    if not names:
        raise DataError(message("sample", expected=f"an instrument of {sorted(ARM_JOINS)} and a redshift",
                                got="none in any row", hint="give the bands in rest-frame Å"))
    return list(names), bits


def _shares(scorer: Scorer, count: int, work: tuple[Batch, NDArray[np.intp]]) -> Doubles:
    batch, members = work
    kept = scorer.kept(batch)
    terms = scorer.recipe.terms(batch.flux, batch.reconstruction(scorer.model), batch.ivar, kept)
    sums = [np.where(members >> number & 1, terms, 0.0).sum(axis=1) for number in range(count)]
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.stack(sums, axis=1) / terms.sum(axis=1, keepdims=True)
    shares[scorer.spoilt(batch, kept)] = np.nan
    if members.ndim == 2:
        shares[~members.any(axis=1)] = np.nan
    return np.asarray(shares)
