"""Weighted ridge regression on masks, factorised once and applied to the scores of many spectra."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.special import stdtrit

from .masks import Masks, effective_size

Vector = NDArray[np.float64]


class Ridge:
    """The operator that turns scores into weights, for given masks, proximities and penalty.

    Minimises ``Σ w (f − b − Xβ)² + α‖β‖²`` with an intercept b that is not penalised, as scikit-learn's ``Ridge``.

    Parameters
    ----------
    masks : (n, K) array
        0 or 1.
    weights : (n,) array
        Proximities.
    alpha : float
        Penalty, above 0.
    pairs : bool
        Whether rows 2i and 2i + 1 belong together (complementary masks) when variances are taken.
    """

    def __init__(self, masks: Masks, weights: Vector, *, alpha: float, pairs: bool) -> None:
        self.weights = weights
        self.ess = effective_size(weights)
        self._root = np.sqrt(weights)
        self._total = float(weights.sum())
        self._mean = weights @ masks / self._total
        self._z = self._root[:, None] * (masks - self._mean)  # rows scaled by √w
        gram = self._z.T @ self._z
        gram[np.diag_indices_from(gram)] += alpha
        self._b = cho_solve(cho_factor(gram, lower=True), self._z.T)  # (K, n): weights = b @ (√w (f − mean f))
        self._pairs = pairs
        self._spread = self._variance_operator()

    def solve(self, scores: Vector) -> tuple[Vector, float]:
        """Return the weights, shape ``(K,)``, and the intercept."""
        centre = float(self.weights @ scores) / self._total
        weights = self._b @ (self._root * (scores - centre))
        return weights, centre - float(self._mean @ weights)

    def quality(self, scores: Vector, weights: Vector, *, intercept: float) -> tuple[float, Vector]:
        """Return the weighted R², and half the 95 % interval of each weight, shape ``(K,)``.

        Residuals are taken from the given weights. A perfect fit has R² 1; a constant score has 0 unless fitted
        exactly. Half widths are NaN when there are fewer independent rows than coefficients.
        """
        centre = float(self.weights @ scores) / self._total
        spread = self._root * (scores - centre)
        off = intercept + float(self._mean @ weights) - centre
        residual = spread - self._z @ weights - self._root * off
        total, left = float(spread @ spread), float(residual @ residual)
        # A score that does not depend on the masks leaves rounding errors only, of which no share is explained.
        constant = total <= 1e-24 * self._total * centre**2
        r2 = float(constant) if constant or total == 0.0 else 1.0 - left / total
        return r2, self._half_width(residual)

    def _half_width(self, residual: Vector) -> Vector:
        first, second = self._sides(residual)
        aa, ab, bb = self._adjust
        one, two = aa * first + ab * second, ab * first + bb * second
        products = np.concatenate([one**2, one * two, two**2]) if self._pairs else one**2
        variance = np.maximum(self._spread @ products, 0.0)
        rows = min(one.size, self.ess / 2 if self._pairs else self.ess)  # a narrow kernel leaves fewer than it drew
        freedom = rows - self._b.shape[0] - 1
        if freedom < 1:
            return np.full(variance.size, np.nan)
        return np.asarray(float(stdtrit(freedom, 0.975)) * np.sqrt(variance))

    def _sides(self, rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Part rows (last axis) into the first and second of each pair; without pairs, the second is zero."""
        if not self._pairs:
            return rows, np.zeros_like(rows)
        if rows.shape[-1] % 2:
            rows = np.concatenate([rows, np.zeros((*rows.shape[:-1], 1))], axis=-1)
        return rows[..., 0::2], rows[..., 1::2]

    def _variance_operator(self) -> NDArray[np.float64]:
        """Prepare Var(weights) as one product with the squared residuals.

        The residuals of a cluster are multiplied by (I − H)^−½, H its block of the hat matrix, which makes the
        variance unbiased for equal noise (Bell & McCaffrey 2002).
        """
        z1, z2 = self._sides(self._z.T)
        b1, b2 = self._sides(self._b)
        r1, r2 = self._sides(self._root)
        a = 1.0 - np.einsum("kg,kg->g", z1, b1) - r1 * r1 / self._total
        d = 1.0 - np.einsum("kg,kg->g", z2, b2) - r2 * r2 / self._total
        b = -np.einsum("kg,kg->g", z1, b2) - r1 * r2 / self._total
        a, d = np.maximum(a, 1e-6), np.maximum(d, 1e-6)  # a row that is its own fit has no residual to speak of
        root = np.sqrt(np.maximum(a * d - b * b, 1e-12))
        scale = 1.0 / (root * np.sqrt(a + d + 2.0 * root))
        self._adjust = (scale * (d + root), -scale * b, scale * (a + root))
        return np.concatenate([b1 * b1, 2.0 * b1 * b2, b2 * b2], axis=1) if self._pairs else b1 * b1
