"""Weighted ridge regression on masks, factorised once and applied to the scores of many spectra.

With t = mask − ½ and masks in complementary pairs (t, −t), both rows of a pair share one column of the operator, so
solving, fitting and judging cost four products with (N/2, K) matrices. Scores are solved in blocks of a fixed number
of rows, the last one padded: weights get the same bits alone or among many.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import stdtrit

from .masks import Masks, effective_size

Vector = NDArray[np.float64]
Rows = NDArray[np.float64]
BLOCK = 8  # rows of scores in one product; a lone one is padded
DOUBLE_BYTES = 4 << 20  # operators up to this size stay in double precision: they fit into the caches anyway


class Quality(NamedTuple):
    """How well weights fit scores.

    Attributes
    ----------
    r2 : float
        Weighted R².
    error : (K,) array
        Standard error of each weight; NaN when there are no more independent rows than coefficients.
    half : (K,) array
        Half the 95 % interval for the weights of endless sampling.
    delta, sigma : (G,) arrays
        Weighted residuals of each cluster: difference and sum of its two rows, for :meth:`Ridge.covariance`.
    """

    r2: float
    error: Vector
    half: Vector
    delta: Vector
    sigma: Vector


class Ridge:
    """The operator that turns scores into weights, for given masks, proximities and penalty.

    Minimises ``Σ w (f − b − Xβ)² + α‖β‖²`` with an intercept b that is not penalised, as scikit-learn's ``Ridge``.

    Parameters
    ----------
    masks : (n, K) array
        0 or 1. Row 0, the spectrum itself, is in every drawing.
    weights : (n,) array
        Proximities.
    alpha : float
        Penalty, above 0.
    pairs : bool
        Whether row 2i + 1 is the complement of row 2i; the two are then one cluster when variances are taken.
    """

    def __init__(self, masks: Masks, weights: Vector, *, alpha: float, pairs: bool) -> None:
        self.weights = weights
        self.ess = effective_size(weights)
        self._pairs = pairs
        self._total = float(weights.sum())
        first, second = self._sides(weights)
        t = (masks[0::2] if pairs else masks).astype(np.float64) - 0.5
        self._first, self._second = first, second
        self._mean = (first - second) @ t / self._total  # of mask − ½
        gram = t.T @ ((first + second)[:, None] * t) - self._total * np.outer(self._mean, self._mean)
        self._shrinkage = alpha / np.maximum(np.diag(gram), 1e-12 * self._total)  # of a weight, to first order
        gram[np.diag_indices_from(gram)] += alpha
        factor = cho_factor(gram, lower=True)
        operator = cho_solve(factor, t.T).T  # (G, K): weights = Σ operator · (w₁ f₁ − w₂ f₂) for centred scores
        self._shift = -cho_solve(factor, self._mean)
        self._adjust = self._clusters(t, operator)
        # Single precision would cost accuracy where there are hardly more rows than segments.
        small = operator.nbytes <= DOUBLE_BYTES or len(masks) <= 2 * masks.shape[1]
        kind = np.float64 if small else np.float32
        self._operator, self._design = operator.astype(kind), np.ascontiguousarray(t.T, dtype=kind)
        self._square = (operator * operator).astype(kind)
        rows = min(len(t), self.ess / 2 if pairs else self.ess)  # a narrow kernel leaves fewer than it drew
        self.freedom = rows - masks.shape[1] - 1

    @property
    def nbytes(self) -> int:
        """Bytes this operator keeps."""
        return int(self._operator.nbytes + self._design.nbytes + self._square.nbytes)

    def solve(self, scores: Vector) -> tuple[Vector, float]:
        """Return the weights, shape ``(K,)``, and the intercept, of one row of scores."""
        weights, intercept = self.solve_many(scores[None])
        return weights[0], float(intercept[0])

    def solve_many(self, scores: Rows) -> tuple[Rows, Vector]:
        """Return weights ``(S, K)`` and intercepts ``(S,)`` of rows of scores ``(S, n)``; bits as one at a time."""
        centre = (scores * self.weights).sum(axis=1) / self._total
        one, two = self._sides(scores - centre[:, None])
        weights = _product(one * self._first - two * self._second, self._operator)
        return weights, centre - (weights * (self._mean + 0.5)).sum(axis=1)

    def quality(self, scores: Vector, weights: Vector, *, intercept: float) -> Quality:
        """Return how well given weights and intercept fit one row of scores.

        A perfect fit has R² 1; a constant score has 0 unless fitted exactly. Standard errors are those of the
        cluster-robust (sandwich) variance over the clusters that are drawn. Intervals are wider by what is the same in
        every drawing and fades with their number: the pull of the spectrum itself, and the shrinkage by the penalty.
        """
        centre = float((scores * self.weights).sum()) / self._total
        one, two = self._sides(scores - centre)
        total = float((self._first * one**2 + self._second * two**2).sum())
        fitted = _times(weights, self._design)
        off = intercept + 0.5 * float(weights.sum()) - centre
        one, two = np.sqrt(self._first) * (one - off - fitted), np.sqrt(self._second) * (two - off + fitted)
        left = float((one**2 + two**2).sum())
        # A score that does not depend on the masks leaves rounding errors only, of which no share is explained.
        constant = total <= 1e-24 * self._total * centre**2
        r2 = float(constant) if constant or total == 0.0 else 1.0 - left / total
        error, delta, sigma = self._errors(one, two)
        aside = np.abs(self._operator[0] * delta[0] + self._shift * sigma[0] - self._shrinkage * weights)
        # Off by |aside|, only one end of an interval is ever missed: then the one-sided quantile will do.
        both, one_end = stdtrit(max(self.freedom, 1.0), (0.975, 0.95))
        return Quality(r2, error, np.maximum(both * error, aside + one_end * error), delta, sigma)

    def _errors(self, one: Vector, two: Vector) -> tuple[Vector, Vector, Vector]:
        aa, ab, bb = self._adjust
        one, two = aa * one + ab * two, ab * one + bb * two
        one, two = one * np.sqrt(self._first), two * np.sqrt(self._second)
        delta, sigma = one - two, one + two
        if self.freedom < 1:
            return np.full(self._shift.size, np.nan), delta, sigma
        drawn = np.arange(delta.size) > 0
        mixed = _times(drawn * delta * sigma, self._operator)
        variance = (_times(drawn * delta * delta, self._square) + 2.0 * self._shift * mixed
                    + self._shift**2 * float((drawn * sigma * sigma).sum()))
        return np.sqrt(np.maximum(variance, 0.0)), delta, sigma

    def covariance(self, found: Quality, segments: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the covariance of the weights of some segments from one drawing to another, shape ``(s, s)``.

        The spectrum itself, which is in all of them, has no part in it.
        """
        parts = self._operator[1:, segments] * found.delta[1:, None]
        parts = parts + np.outer(found.sigma[1:], self._shift[segments])
        return np.asarray(parts.T @ parts, dtype=np.float64)

    def _sides(self, rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Part rows (last axis) into the first and second of each pair; without pairs, the second is zero."""
        if not self._pairs:
            return rows, np.zeros_like(rows)
        if rows.shape[-1] % 2:
            rows = np.concatenate([rows, np.zeros((*rows.shape[:-1], 1))], axis=-1)
        return np.ascontiguousarray(rows[..., 0::2]), np.ascontiguousarray(rows[..., 1::2])

    def _clusters(self, t: Rows, operator: Rows) -> tuple[Vector, Vector, Vector]:
        """Return by what the residuals of a cluster are multiplied, the three entries of (I − H)^−½.

        H is the block of the cluster in the hat matrix; the variance is then unbiased for equal noise (Bell &
        McCaffrey 2002).
        """
        own, across = np.einsum("gk,gk->g", t, operator), operator @ self._mean
        rest = 1.0 / self._total - float(self._mean @ self._shift)
        a = 1.0 - self._first * (own - 2.0 * across + rest)
        d = 1.0 - self._second * (own + 2.0 * across + rest)
        b = np.sqrt(self._first * self._second) * (own - rest)
        a, d = np.maximum(a, 1e-6), np.maximum(d, 1e-6)  # a row that is its own fit has no residual to speak of
        root = np.sqrt(np.maximum(a * d - b * b, 1e-12))
        scale = 1.0 / (root * np.sqrt(a + d + 2.0 * root))
        return scale * (d + root), -scale * b, scale * (a + root)


def _times(row: Vector, matrix: NDArray[Any]) -> Vector:
    return np.asarray(row.astype(matrix.dtype) @ matrix, dtype=np.float64)


def _product(rows: Rows, matrix: NDArray[Any]) -> Rows:
    """Return ``rows @ matrix`` in double precision, in blocks of a fixed shape."""
    made = np.empty((len(rows), matrix.shape[1]))
    for start in range(0, len(rows), BLOCK):
        some = rows[start : start + BLOCK]
        block = np.zeros((BLOCK, rows.shape[1]), dtype=matrix.dtype)
        block[: len(some)] = some
        made[start : start + len(some)] = (block @ matrix)[: len(some)]
    return made
