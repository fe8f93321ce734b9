"""Which segments are on in each perturbed copy: masks that depend on (seed, K, design) and nothing else.

Since the masks do not depend on the spectrum, they and everything derived from them are shared, and an explanation
is the same alone or among many. Row 0 is all ones: the spectrum as it is. The first rows of a larger draw are those
of a smaller one, so that more masks can be added to those already scored.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, choice, message

DESIGNS = ("paired", "independent", "hadamard")
Masks = NDArray[np.uint8]


@lru_cache(maxsize=8)
def make_masks(seed: int, k: int, n: int, design: str = "paired") -> Masks:
    """Return `n` masks of `k` segments, 1 = as observed, 0 = filled; read-only.

    Parameters
    ----------
    seed, k, n : int
        Seed, number of segments and number of masks.
    design : {"paired", "independent", "hadamard"}
        ``"independent"``: each segment on with probability ½ (the published design). ``"paired"``: row 2i + 1 is the
        complement of row 2i, so that even interactions cancel; about as good as five times as many independent
        rows. ``"hadamard"``: as paired, and the rows come in blocks in which any three segments are on and off
        together equally often.

    Returns
    -------
    (n, k) uint8 array
        Row 0 is all ones; in the paired designs row 1 is all zeros. ``make_masks(seed, k, 2 * n)[:n]`` is
        ``make_masks(seed, k, n)``.
    """
    choice("design", design, DESIGNS)
    if n < 2 or k < 1:
        raise ArgumentError(message("n_samples", expected="at least 2 masks of at least 1 segment", got=f"{n}, {k}"))
    rng = np.random.default_rng([seed % 2**63, k, DESIGNS.index(design)])
    if design == "independent":
        masks = _bernoulli(rng, n, k)
        masks[0] = 1
    else:
        half = (n + 1) // 2
        first = _bernoulli(rng, half, k) if design == "paired" else _hadamard_rows(rng, half, k)
        first[0] = 1
        masks = np.stack([first, 1 - first], axis=1).reshape(2 * half, k)[:n]
    masks = np.ascontiguousarray(masks)
    masks.flags.writeable = False
    return masks


@lru_cache(maxsize=8)
def with_empty(seed: int, k: int, n: int, design: str) -> Masks:
    """Return :func:`make_masks`, and behind them a row without any segment where the design has none; read-only.

    The score of the fill is asked for together with all others; :func:`empty_row` says where.
    """
    masks = make_masks(seed, k, n, design)
    if design != "independent":
        return masks
    masks = np.concatenate([masks, np.zeros((1, k), dtype=np.uint8)])
    masks.flags.writeable = False
    return masks


def empty_row(n: int, design: str) -> int:
    """Return which row of :func:`with_empty` has no segment."""
    return n if design == "independent" else 1


def _bernoulli(rng: np.random.Generator, n: int, k: int) -> Masks:
    return rng.integers(0, 2, (n, k), dtype=np.uint8)


def _hadamard_rows(rng: np.random.Generator, n: int, k: int) -> Masks:
    """Return a row to be overwritten, then n − 1 rows of Hadamard matrices with rows, columns and signs shuffled."""
    order = 1 << max(0, (k - 1).bit_length())
    index = np.arange(order)
    # Entry (i, j) of the Sylvester matrix is the parity of the bits i and j share.
    parity = (np.bitwise_count(index[:, None] & index[None, :]) & 1).astype(np.uint8)
    blocks = [np.ones((1, k), dtype=np.uint8)]
    for _ in range(-(-(n - 1) // order)):
        columns = rng.choice(order, k, replace=False)
        signs = rng.integers(0, 2, k, dtype=np.uint8)
        blocks.append(parity[rng.permutation(order)][:, columns] ^ signs)
    return np.concatenate(blocks)[:n]


def cosine_distances(masks: Masks) -> NDArray[np.float64]:
    """Return the cosine distance of each mask to the mask of all ones, shape ``(n,)``.

    With c of K segments on it is ``1 − √(c/K)``, so K + 1 numbers serve all rows; for the row without any segment
    it is 1.
    """
    k = masks.shape[1]
    table = 1.0 - np.sqrt(np.arange(k + 1) / k)
    return np.asarray(table[masks.sum(axis=1, dtype=np.intp)])


def kernel(distances: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Return the proximity ``√exp(−d²/w²)`` of each distance, as in the lime package."""
    return np.asarray(np.sqrt(np.exp(-(distances**2) / width**2)))


def effective_size(weights: NDArray[np.float64]) -> float:
    """Return Kish's effective number of samples, ``(Σw)²/Σw²``; 0 when all weights vanish."""
    square = float(weights @ weights)
    return float(weights.sum() ** 2 / square) if square > 0 else 0.0
