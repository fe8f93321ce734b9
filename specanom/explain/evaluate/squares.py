"""Sums of weighted squared residuals of perturbed copies, as a quadratic form in masks and deviations.

With t = mask − ½ and y the coordinates of the last hidden layer's deviation (E = D basisᵀ), the residual of a copy is
``rb + t_k u − E y`` and, since t² = ¼ always,

    Σ ω r² = s0 + t·ρ + y·(γ + t B + y Q)
    s0 = Σ ω (rb² + u²/4)      ρ_k = 2 Σ_k ω rb u      γ = −2 Eᵀ(ω rb)      B_k = −2 Σ_k ω u E      Q = Eᵀ diag(ω) E

The large constant s0 is float64; all else is a deviation from the point in the middle, and float32 is enough for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .deviations import Deviations, Setup
from .products import BLOCK, product, signed_product, square_of

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Form:
    """The quadratic form in one basis: `linear` is ``[B | ρ]`` (K, r + 1), `gamma` (r,), `q` (r, r)."""

    constant: float
    linear: Floats
    gamma: Floats
    q: Floats

    def __call__(self, signs: Floats, y: Floats, paired: bool = False) -> Doubles:
        """Return Σ ω r² of a block of copies, shape ``(n,)``; see :func:`.products.signed_product`."""
        mixed = signed_product(signs, self.linear, paired)
        inner = product(y, self.q)
        inner += mixed[:, :-1]
        inner += self.gamma
        total: Doubles = self.constant + (np.einsum("ij,ij->i", inner, y) + mixed[:, -1]).astype(np.float64)
        return total


class Squares:
    """The weighted squares of one problem.

    Parameters
    ----------
    setup : Setup
        What the masks of the problem share.
    """

    def __init__(self, setup: Setup) -> None:
        score: Any = setup.problem.score
        self.setup, self.keep = setup, np.asarray(score.keep)
        self.weights: Doubles | None = score.weights if score.weighting == "ivar" else None
        self.count, self.root = int(self.keep.sum()), score.norm == "l2"
        omega = self.keep.astype(np.float64)
        if self.weights is not None:
            omega[self.keep] = self.weights[self.keep]
        self.omega, rb, u = omega, setup.residual, setup.u
        self.constant = float(omega @ (rb * rb + 0.25 * u * u))
        self.rho = 2.0 * setup.segments(omega * rb * u)
        b, gamma = setup.segments.rows((omega * u, omega * rb), setup.shared.last)
        self.b, self.gamma = -2.0 * b, np.asarray(-2.0 * gamma.sum(axis=0))

    def form(self, basis: Floats | None) -> Form:
        """Return the form in a basis ``(r, H)``, or without one in the hidden layer itself."""
        exact = None if basis is None else basis.astype(np.float64)
        b, gamma = (self.b, self.gamma) if exact is None else (self.b @ exact.T, exact @ self.gamma)
        linear = np.concatenate([b, self.rho[:, None]], axis=1).astype(np.float32)
        return Form(self.constant, linear, gamma.astype(np.float32), self._gram(basis, exact).astype(np.float32))

    def _gram(self, basis: Floats | None, exact: Doubles | None) -> NDArray[Any]:
        shared = self.setup.shared
        if self.weights is not None:
            expanded = self.setup.expanded(basis)
            return square_of(expanded * np.sqrt(self.omega).astype(np.float32)[:, None])
        if exact is None or basis is None:
            return shared.gram(self.keep)
        missing = shared.last[~self.keep].astype(np.float64) @ exact.T
        return np.asarray(exact @ shared.gram_of_all @ exact.T - missing.T @ missing)

    def score(self, total: Doubles) -> Doubles:
        """Return the raw score of sums of squares: their mean, or the root of the sum."""
        if self.count == 0:
            return np.full(total.shape, np.nan)
        made = np.sqrt(np.maximum(total, 0.0)) if self.root else total / self.count
        return np.where(np.isfinite(made), made, np.nan)

    def of(self, deviations: Deviations) -> Doubles:
        """Return the raw scores of copies, shape ``(n,)``; rows that are parked have to be replaced."""
        form, n = self.form(deviations.basis), len(deviations.signs)
        total = np.empty(n)
        for start in range(0, n, BLOCK):
            rows = slice(start, min(start + BLOCK, n))
            total[rows] = form(deviations.signs[rows], deviations.block(rows), deviations.paired)
        return self.score(total)
