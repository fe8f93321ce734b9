"""Passes over a block of residuals: weighted squares, the cut of a trim, the sum of what stays.

A block holds the residuals of :data:`ROWS` copies with the pixels along the first axis, so that every pass runs along
copies: segments of any width cost the same, and a sum has one order whatever the mask. Each pass exists twice. The
numpy functions are the reference. The others are the same loops for numba, which compiles them on first use and keeps
them on disk; they run on one thread and give up the interpreter lock.

Sums are float32 within :data:`TILE` pixels and float64 between them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROWS = 64
"""Copies in a block: 4000 pixels of them are 1 MB, which stays in a core's cache."""

TILE = 64
TRIES = 4  # thresholds tried for the pixels near a cut; the last takes all

Singles = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Passes:
    """The passes in one of their two forms.

    Attributes
    ----------
    name : str
        ``"numba"`` or ``"numpy"``.
    fixed, made, cuts, kept : callable
        See :func:`fixed`, :func:`made`, :func:`cuts` and :func:`kept`.
    """

    name: str
    fixed: Callable[..., None]
    made: Callable[..., None]
    cuts: Callable[..., None]
    kept: Callable[..., None]


def passes(fast: bool = True) -> Passes:
    """Return the passes: numba's where it can be imported, unless `fast` is false, else numpy's."""
    return (_compiled() if fast else None) or _PLAIN


def fixed(block: Singles, on: NDArray[np.uint8], which: NDArray[np.intp], part: Singles, weight: Singles,
          square: Singles, total: Doubles) -> None:
    """Turn predictions into weighted squared residuals, where weights depend on whether the segment is on.

    Parameters
    ----------
    block : (p, ROWS) array
        What the reconstruction changes by; overwritten with w·r².
    on : (K, ROWS) array
        Masks, one copy a column.
    which : (p,) array
        Segment of each pixel.
    part, weight : (2, p) array
        Residual without that change and weight, of segments off and on.
    square : (p, ROWS) array
        Where r² goes; an array without pixels when it is not wanted.
    total : (ROWS,) array
        Where the sums over the pixels go.
    """
    chosen = _chosen(on, which)
    np.subtract(_either(chosen, part), block, out=block)
    np.square(block, out=block)
    if len(square):
        square[:] = block
    block *= _either(chosen, weight)
    total[:] = _summed(block)


def made(block: Singles, on: NDArray[np.uint8], which: NDArray[np.intp], part: Singles, reference: Singles,
         square: Singles, total: Doubles, delta: float) -> None:
    """Turn predictions into squared residuals over |reconstruction| + δ.

    Parameters
    ----------
    block, on, which, part, square, total
        As of :func:`fixed`.
    reference : (p,) array
        Reconstruction without the change.
    delta : float32
        δ.
    """
    below = block + reference[:, None]
    np.abs(below, out=below)
    below += np.float32(delta)
    np.subtract(_either(_chosen(on, which), part), block, out=block)
    np.square(block, out=block)
    if len(square):
        square[:] = block
    np.divide(block, below, out=block)
    total[:] = _summed(block)


def cuts(size: Singles, stay: int, guess: float, cut: Singles) -> None:
    """Find the largest value that stays in each copy.

    Parameters
    ----------
    size : (p, ROWS) array
        What the trim goes by.
    stay : int
        How many values stay, 1…p.
    guess : float
        About what will be found, NaN when nothing is known: it decides how fast the answer comes, not what it is.
    cut : (ROWS,) array
        Where the answers go.
    """
    cut[:] = np.partition(np.ascontiguousarray(size.T), stay - 1, axis=1)[:, stay - 1]


def kept(value: Singles, size: Singles, cut: Singles, stay: int, total: Doubles) -> None:
    """Sum the values whose size is at most the cut; of those at the cut the first, so that `stay` are summed.

    Parameters
    ----------
    value, size : (p, ROWS) array
        What is summed and what the trim goes by.
    cut : (ROWS,) array
        See :func:`cuts`.
    stay : int
        How many values stay.
    total : (ROWS,) array
        Where the sums go.
    """
    inside = np.less_equal(size, cut).astype(np.float32)
    count = _summed(inside)
    inside *= value
    total[:] = _summed(inside)
    for n in np.flatnonzero(count > stay):
        level = np.flatnonzero(size[:, n] == cut[n])
        total[n] -= value[level[stay - int(count[n]) :], n].sum(dtype=np.float64)


def _chosen(on: NDArray[np.uint8], which: NDArray[np.intp]) -> NDArray[np.int32]:
    """Return −1, all bits set, where the segment of a pixel is on, and 0 elsewhere."""
    return np.negative(on, dtype=np.int32).take(which, axis=0)


def _either(chosen: NDArray[np.int32], pair: Singles) -> Singles:
    """Return ``pair[1]`` where chosen and ``pair[0]`` elsewhere, bit for bit; ``np.where`` is slower."""
    off, full = pair.view(np.int32)
    made = chosen & (off ^ full)[:, None]
    made ^= off[:, None]
    return np.asarray(made.view(np.float32))


def _summed(values: Singles) -> Doubles:
    whole = len(values) // TILE * TILE
    one = np.ones(TILE, dtype=np.float32)
    tiles = np.matmul(one, values[:whole].reshape(-1, TILE, ROWS))
    rest = np.matmul(one[: len(values) - whole], values[whole:])
    return np.asarray(tiles.sum(axis=0, dtype=np.float64) + rest)


_PLAIN = Passes("numpy", fixed, made, cuts, kept)


# -- the same as loops, in the part of Python that numba compiles ------------------------------------------------------


def _fixed(block: Any, on: Any, which: Any, part: Any, weight: Any, square: Any, total: Any) -> None:
    some = np.empty(ROWS, np.float32)
    total[:] = 0.0
    for start in range(0, len(block), TILE):  # several sweeps of a tile: each of them is made into vectors
        stop = min(start + TILE, len(block))
        for i in range(start, min(stop, len(square))):
            row, chosen, squares, off, full = block[i], on[which[i]], square[i], part[0, i], part[1, i]
            for n in range(ROWS):
                r = (full if chosen[n] > 0 else off) - row[n]
                squares[n] = r * r
        for i in range(start, stop):
            row, chosen, off, full = block[i], on[which[i]], part[0, i], part[1, i]
            light, heavy = weight[0, i], weight[1, i]
            for n in range(ROWS):
                r = (full if chosen[n] > 0 else off) - row[n]
                row[n] = (heavy if chosen[n] > 0 else light) * (r * r)
        some[:] = 0.0
        for i in range(start, stop):
            row = block[i]
            for n in range(ROWS):
                some[n] += row[n]
        for n in range(ROWS):
            total[n] += some[n]


def _made(block: Any, on: Any, which: Any, part: Any, reference: Any, square: Any, total: Any, delta: Any) -> None:
    some = np.empty(ROWS, np.float32)
    total[:] = 0.0
    for start in range(0, len(block), TILE):
        stop = min(start + TILE, len(block))
        for i in range(start, min(stop, len(square))):
            row, chosen, squares, off, full = block[i], on[which[i]], square[i], part[0, i], part[1, i]
            for n in range(ROWS):
                r = (full if chosen[n] > 0 else off) - row[n]
                squares[n] = r * r
        for i in range(start, stop):
            row, chosen, off, full, centre = block[i], on[which[i]], part[0, i], part[1, i], reference[i]
            for n in range(ROWS):
                r = (full if chosen[n] > 0 else off) - row[n]
                row[n] = (r * r) / (abs(centre + row[n]) + delta)
        some[:] = 0.0
        for i in range(start, stop):
            row = block[i]
            for n in range(ROWS):
                some[n] += row[n]
        for n in range(ROWS):
            total[n] += some[n]


def _cuts(size: Any, stay: Any, guess: Any, cut: Any) -> None:
    # Only pixels are looked at where some copy is above a threshold a little below the guess, or a lower one when
    # that left too few, in the end all. Values become integers of the same order (the bits of a float, flipped below
    # zero), in which a bisection of all copies at once ends exactly.
    p, flip = len(size), np.int32(0x7FFFFFFF)
    above, bits, answer = p - stay + 1, size.view(np.int32), cut.view(np.int32)
    near, count = np.empty((p, ROWS), np.int32), np.empty(ROWS, np.int32)
    edge = np.full(1, guess - 0.1 * abs(guess), np.float32)
    low, high, used = np.empty(ROWS, np.int32), np.empty(ROWS, np.int32), 0
    for attempt in range(TRIES):
        everything = np.isnan(guess) or attempt == TRIES - 1
        least, used = edge[0], 0
        for i in range(p):
            row, any_above = size[i], np.int32(0)
            for n in range(ROWS):
                any_above += np.int32(row[n] > least)
            if any_above > 0 or everything:
                source, keys = bits[i], near[used]
                for n in range(ROWS):
                    keys[n] = source[n] ^ ((source[n] >> 31) & flip)
                used += 1
        floor = edge.view(np.int32)[0]
        low[:] = np.int32(-0x80000000) if everything else np.int32(floor ^ ((floor >> 31) & flip))
        count[:], high[:] = 0, low
        for j in range(used):
            keys = near[j]
            for n in range(ROWS):
                count[n] += np.int32(keys[n] > low[n])
            for n in range(ROWS):
                high[n] = max(high[n], keys[n])
        if everything or count.min() >= above:
            break
        edge[0] -= np.float32(0.5) * abs(edge[0])
    middle = np.empty(ROWS, np.int32)
    while (low < high).any():
        count[:] = 0
        for n in range(ROWS):
            middle[n] = (low[n] | high[n]) - ((low[n] ^ high[n]) >> 1)  # the mean, rounded up, without overflow
        for j in range(used):
            keys = near[j]
            for n in range(ROWS):
                count[n] += np.int32(keys[n] >= middle[n])
        for n in range(ROWS):
            if count[n] >= above:
                low[n] = middle[n]
            else:
                high[n] = middle[n] - np.int32(1)
    for n in range(ROWS):
        answer[n] = low[n] ^ ((low[n] >> 31) & flip)


def _kept(value: Any, size: Any, cut: Any, stay: Any, total: Any) -> None:
    p = len(value)
    some, count = np.empty(ROWS, np.float32), np.zeros(ROWS, np.int32)
    total[:] = 0.0
    for start in range(0, p, TILE):
        some[:] = 0.0
        for i in range(start, min(start + TILE, p)):
            row, sizes = value[i], size[i]
            for n in range(ROWS):
                some[n] += row[n] if sizes[n] <= cut[n] else np.float32(0.0)
            for n in range(ROWS):
                count[n] += np.int32(sizes[n] <= cut[n])
        for n in range(ROWS):
            total[n] += some[n]
    for n in range(ROWS):
        i = p - 1
        while count[n] > stay and i >= 0:
            if size[i, n] == cut[n]:
                total[n] -= value[i, n]
                count[n] -= 1
            i -= 1


@lru_cache(maxsize=1)
def _compiled() -> Passes | None:
    """Return the loops as numba compiles them on their first call; None when numba cannot be used here."""
    try:
        numba = importlib.import_module("numba")
    except ImportError:  # not installed, or not made for this numpy
        return None
    if numba.config.DISABLE_JIT:  # the loops would be interpreted
        return None
    return Passes("numba", *(_compile(numba, loop) for loop in (_fixed, _made, _cuts, _kept)))


def _compile(numba: Any, loop: Callable[..., None]) -> Callable[..., None]:
    # Sums may be reordered so that they fill a register; NaN and infinity keep their meaning.
    options = {"nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}}
    try:
        made: Callable[..., None] = numba.njit(cache=True, **options)(loop)
    except RuntimeError:  # no folder for the cache can be written: compile once a process
        made = numba.njit(**options)(loop)
    return made
