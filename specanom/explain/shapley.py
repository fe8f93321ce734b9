"""Shapley values of the game whose players are segments: exactly, or by the weighted regression of KernelSHAP.

The value of a mask is the score of its copy. Shapley values are the weights φ that minimise
``Σ π(m) (f(m) − f(0) − m·φ)²`` over all masks but none and all, under Σ φ = f(1) − f(0), with the Shapley kernel
``π(m) = (K − 1) / (C(K, s) s (K − s))``, s = Σ m (Lundberg & Lee 2017). A mask m and its complement have the same π and
the residuals of the two differ by what φ does not change: only o = (f(m) − f(1 − m))/2 bears on φ, and one row a
pair, o on m − ½, has the same solution. That is why pairs pay (Covert & Lee 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import pinvh
from scipy.special import stdtrit

from .masks import Masks, effective_size

Doubles = NDArray[np.float64]


def all_masks(k: int) -> Masks:
    """Return every mask of `k` segments, ``(2**k, k)``: row i has the bits of 2ᵏ − 1 − i, so that row 0 is all on."""
    subset = np.arange(2**k)[::-1]
    return np.asarray((subset[:, None] >> np.arange(k)) & 1, dtype=np.uint8)


def exact_values(scores: Doubles) -> Doubles:
    """Return the Shapley values ``(K,)`` of the scores ``(2**K,)`` of :func:`all_masks`."""
    k = scores.size.bit_length() - 1
    value = scores[::-1]  # by the bits of the mask
    subset = np.arange(value.size)
    share = np.array([1.0 / (k * comb(k - 1, size)) for size in range(k)])
    made = np.empty(k)
    for player in range(k):
        without = subset[(subset >> player) & 1 == 0]
        made[player] = share[np.bitwise_count(without)] @ (value[without | (1 << player)] - value[without])
    return made


def kernel_of_sizes(k: int) -> Doubles:
    """Return the share of the Shapley kernel that masks of 1…K−1 segments have together, ``(K − 1,)``, Σ = 1."""
    size = np.arange(1, k)
    share = 1.0 / (size * (k - size))
    return np.asarray(share / share.sum())


def surrogate_r2(masks: Masks, scores: Doubles, values: Doubles, *, empty: float, weights: Doubles) -> float:
    """Return the weighted R² of ``empty + masks @ values`` as a model of the scores.

    A constant score has 1 when it is met and 0 otherwise.
    """
    if not weights.size:
        return 1.0
    left = weights @ np.square(scores - empty - masks @ values)
    total = weights @ np.square(scores - weights @ scores / weights.sum())
    if total <= 1e-24 * weights.sum() * max(empty**2, 1e-300):
        return float(left <= total)
    return 1.0 - float(left / total)


@dataclass(frozen=True, eq=False)
class Fit:
    """Weights of a KernelSHAP regression and how much another drawing of masks would move them.

    Attributes
    ----------
    values, error, half : (K,) arrays
        Weights, their standard errors, and half their 95 % intervals; NaN when they cannot be known.
    moves : (K, n) array
        What each drawn pair adds to the weights, centred: ``moves @ moves.T`` is their covariance.
    r2 : float
        Weighted R².
    """

    values: Doubles
    error: Doubles
    half: Doubles
    moves: Doubles
    r2: float


class Pairs:
    """Masks drawn by the Shapley kernel in complementary pairs, and the regression on them, for many spectra.

    The smallest and largest sizes are listed in full where their share of the masks allows it, as the shap package
    does; of those between, sizes are drawn by the kernel and masks evenly among those of a size.

    Parameters
    ----------
    seed, k : int
        Seed and number of segments, at least 2.
    n : int
        Number of masks at most, at least 4, with that of all ones and that of all zeros.

    Attributes
    ----------
    masks : (2 + 2g, K) uint8 array
        All ones, all zeros, and g pairs, the complement after its mask; read-only.
    determined : bool
        Whether the pairs determine all weights.
    ess : float
        Effective number of masks.
    """

    def __init__(self, seed: int, k: int, n: int) -> None:
        rng = np.random.default_rng([seed % 2**63, k, n, 0x5AB])
        listed, shares, left, sizes = _listed(k, n - 2)
        drawn = _drawn(rng, k, left, sizes)
        first = np.concatenate([*listed, drawn])
        self._drawn = len(drawn)
        rest = max(0.0, 1.0 - sum(shares))
        each = [np.full(len(rows), share / len(rows)) for rows, share in zip(listed, shares, strict=True)]
        self._weights = np.concatenate([*each, np.full(len(drawn), rest / max(len(drawn), 1))])
        both = np.stack([first, 1 - first], axis=1).reshape(-1, k)
        self.masks = np.concatenate([np.ones((1, k), np.uint8), np.zeros((1, k), np.uint8), both])
        self.masks.flags.writeable = False
        self.ess = 2.0 * effective_size(self._weights)
        self._prepare(first)

    def _prepare(self, first: Masks) -> None:
        """Factorise the regression within the plane Σ φ = constant."""
        k = first.shape[1]
        self._share = first.mean(axis=1) - 0.5  # what an even split of f(1) − f(0) already says of a pair
        self._rows = first - first.mean(axis=1, keepdims=True)
        gram = (self._rows.T * self._weights) @ self._rows
        inverse, rank = pinvh(gram, rtol=1e-10, return_rank=True)
        self.determined = int(rank) >= k - 1
        self._solve = inverse @ (self._rows.T * self._weights)  # (K, g)
        self._leverage = np.einsum("gk,kg->g", self._rows, self._solve)

    def fit(self, scores: Doubles) -> Fit:
        """Return the weights for the scores of :attr:`masks`; they add up to ``scores[0] − scores[1]``."""
        k, change = self.masks.shape[1], float(scores[0] - scores[1])
        odd = (scores[2::2] - scores[3::2]) / 2.0 - change * self._share
        apart = self._solve @ odd
        values = change / k + apart
        values += (change - values.sum()) / k
        moves, half = self._sampling(odd - self._rows @ apart)
        r2 = surrogate_r2(self.masks[2:], scores[2:], values, empty=float(scores[1]),
                          weights=np.repeat(self._weights, 2))
        error = np.sqrt(np.square(moves).sum(axis=1)) if np.isfinite(half) else np.full(k, np.nan)
        return Fit(values, error, error * half if half > 0 else error, moves, r2)

    def _sampling(self, residual: Doubles) -> tuple[Doubles, float]:
        """Return what each drawn pair adds to the weights, centred, and the 97.5 % point of their t distribution.

        Listed sizes are the same in each drawing. A residual is divided by √(1 − leverage), which undoes what the fit
        took of it (MacKinnon & White 1985).
        """
        k, g, drawn = self.masks.shape[1], self._weights.size, self._drawn
        if drawn == 0 and self.determined:
            return np.zeros((k, 0)), 0.0
        freedom = min(drawn - 1, g - (k - 1))
        if freedom < 1 or not self.determined:
            return np.zeros((k, 0)), float("nan")
        apart = residual[g - drawn :] / np.sqrt(np.maximum(1.0 - self._leverage[g - drawn :], 1e-6))
        moves = self._solve[:, g - drawn :] * apart
        moves -= moves.mean(axis=1, keepdims=True)
        return moves * np.sqrt(drawn / (drawn - 1)), float(stdtrit(freedom, 0.975))


@lru_cache(maxsize=4)
def pairs_of(seed: int, k: int, n: int) -> Pairs:
    """Return the pairs for a seed, a number of segments and a number of masks: the same object for the same three."""
    return Pairs(seed, k, n)


def _listed(k: int, budget: int) -> tuple[list[Masks], list[float], int, NDArray[np.intp]]:
    """Return the sizes listed in full, one mask of each pair, their shares, the masks left, and the sizes to draw."""
    share = kernel_of_sizes(k)
    listed: list[Masks] = []
    shares: list[float] = []
    left, rest = budget, 1.0
    for size in range(1, k // 2 + 1):
        both = 1 if 2 * size == k else 2
        count, part = both * comb(k, size), both * float(share[size - 1])
        whole = size == k // 2
        if left * min(part / rest, 1.0) < count - 1e-9 or (left - count < 2 and not whole):
            return listed, shares, left, np.arange(size, k - size + 1)
        listed.append(_of_size(k, size))
        shares.append(part)
        left, rest = left - count, rest - part
    return listed, shares, 0, np.empty(0, dtype=np.intp)


def _of_size(k: int, size: int) -> Masks:
    """Return all masks of a size; when that is half of `k`, those with the first segment, of each pair one."""
    half = 2 * size == k
    chosen = [(0, *rest) for rest in combinations(range(1, k), size - 1)] if half else combinations(range(k), size)
    index = np.array(list(chosen), dtype=np.intp)
    made = np.zeros((len(index), k), dtype=np.uint8)
    made[np.arange(len(index))[:, None], index] = 1
    return made


def _drawn(rng: np.random.Generator, k: int, left: int, sizes: NDArray[np.intp]) -> Masks:
    if not sizes.size:
        return np.empty((0, k), dtype=np.uint8)
    share = kernel_of_sizes(k)[sizes - 1]
    size = rng.choice(sizes, left // 2, p=share / share.sum())
    place = rng.random((size.size, k)).argsort(axis=1).argsort(axis=1)
    return np.asarray(place < size[:, None], dtype=np.uint8)
