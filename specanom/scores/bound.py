"""A score tied to one spectrum: what explainers call on perturbed copies of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..protocols import Reconstruct
from .chunks import Doubles, Keep
from .gradient import mean_product, partials, pulled_back, slope_of
from .recipe import Recipe


@dataclass(frozen=True, eq=False)
class BoundScore:
    """A score for perturbed copies of one spectrum: its network, its noise, its kept pixels.

    Attributes
    ----------
    name : str
    recipe : Recipe
        Metric, trim, weight, norm: what an evaluator needs to know to do the same faster.
    keep : (p,) bool array
        Pixels that count (line filter, imputed pixels, missing noise); the trim comes after.
    reconstruct : callable
        ``(m, p) -> (m, p)``: the one network that has not seen this spectrum.
    weights : (p,) float64 array or None
        The fixed weights of an ivar-weighted score; None for no weights, or weights made of the flux (see
        `weighting`).
    wave, ivar, imputed : (p,) arrays or None
        Those of the spectrum.
    id : str
    link : callable or None
        A monotone map applied to the raw score, for calibrated scores.
    lines : str or sequence of str, optional
        Lines of the filter, see :class:`.Scorer`: ``"quasar"`` where the score is made for quasars.
    """

    name: str
    recipe: Recipe
    keep: Keep
    reconstruct: Reconstruct
    weights: Doubles | None = None
    wave: NDArray[np.float64] | None = None
    ivar: NDArray[Any] | None = None
    imputed: NDArray[np.bool_] | None = None
    id: str = ""
    link: Callable[[Doubles], Doubles] | None = None
    lines: str | Sequence[str] | None = None

    uses_reconstruction = True

    def __call__(self, flux: NDArray[Any], /) -> Doubles:
        """Return the ``(m,)`` scores of ``(m, p)`` copies, float64; NaN where the score does not exist."""
        return self.of_reconstruction(flux, np.asarray(self.reconstruct(flux)))

    def of_reconstruction(self, flux: NDArray[Any], reconstruction: NDArray[Any]) -> Doubles:
        """Return the ``(m,)`` scores when the reconstructions ``(m, p)`` are known already."""
        raw = finite(self.recipe(flux, reconstruction, self.weights, self.keep))
        return raw if self.link is None else self.link(raw)

    def gradient(self, flux: NDArray[Any], /) -> Doubles:
        """Return the gradient of each score by the flux of its copy, ``(m, p)`` float64 for ``(m, p)`` copies.

        Through the reconstruction too, by the model's vector-Jacobian product, and through the link. Pixels that the
        score leaves out have a gradient all the same, since the model sees them. Trimmed pixels are held.

        Raises
        ------
        ArgumentError
            When the metric is not one of squared residuals, or model or link cannot be differentiated.
        """
        found = partials(self.recipe, flux, np.asarray(self.reconstruct(flux)), ivar=self.weights, keep=self.keep)
        raw = found.by_flux + pulled_back(self.reconstruct, flux, found.by_reconstruction)
        return np.asarray(slope_of(self.link, found.raw)[:, None] * raw)

    @property
    def steep(self) -> bool:
        """Whether the slope is too steep for sums over points of a path, where pixels cross zero: see `pieces`."""
        return self.weighting == "flux" and self.delta > 0.0

    def pieces(self, start: Doubles, end: Doubles, /) -> Doubles:
        """Return the integral of the gradient along short straight pieces, pixel by pixel, for a `steep` score.

        Along a piece the residual is taken as linear and the model's derivative and the trimmed pixels as those
        of its middle; the weight 1/(|x| + δ) is integrated exactly.

        Parameters
        ----------
        start, end : (m, p) arrays
            Ends of the pieces.

        Returns
        -------
        (m, p) array
            Rows add up to the change of the score, but for the curvature of the model within a piece.
        """
        middle = ((start + end) / 2.0).astype(np.float32)
        made = [np.asarray(self.reconstruct(rows.astype(np.float32)), dtype=np.float64) for rows in (start, end)]
        _, kept = self.recipe.used(middle, np.asarray(self.reconstruct(middle)), self.weights, self.keep)
        before, after = (np.where(kept, x - y, 0.0) for x, y in zip((start, end), made, strict=True))
        product = mean_product(start, end, before, after, delta=self.delta)
        first, last = (r * r / (np.abs(x) + self.delta) for r, x in ((before, start), (after, end)))
        direct = last - first + 2.0 * np.where(kept, product * (made[1] - made[0]), 0.0)
        through = (end - start) * pulled_back(self.reconstruct, middle, -2.0 * np.where(kept, product, 0.0))
        return self._secant(first.sum(axis=1), last.sum(axis=1), kept.sum(axis=1))[:, None] * (direct + through)

    def _secant(self, before: Doubles, after: Doubles, count: NDArray[Any]) -> Doubles:
        """Return the mean slope of the score by the sum of the terms, between two sums."""
        ends = [np.sqrt(total) if self.norm == "l2" else total / count for total in (before, after)]
        values = [raw if self.link is None else self.link(raw) for raw in ends]
        change = after - before
        still = np.abs(change) <= 1e-9 * np.abs(after)
        flat = np.where(still, 1.0, change)
        inner = 0.5 / np.maximum(ends[1], 1e-300) if self.norm == "l2" else 1.0 / count
        return np.where(still, slope_of(self.link, ends[1]) * inner, (values[1] - values[0]) / flat)

    @property
    def metric(self) -> str:
        """Name of the metric."""
        return self.recipe.metric

    @property
    def squared(self) -> bool:
        """Whether the raw score is made of weighted squared residuals."""
        return self.recipe.squared

    @property
    def weighting(self) -> str:
        """``"none"``, ``"ivar"`` (then `weights` holds them), ``"flux"``, ``"reconstruction"`` or ``"signed"``."""
        return self.recipe.weighting

    @property
    def trim(self) -> float:
        """Share of the kept pixels that is left out."""
        return self.recipe.trim

    @property
    def norm(self) -> str:
        """``"mean"`` or ``"l2"``."""
        return self.recipe.norm

    @property
    def delta(self) -> float:
        """δ of a flux weight."""
        return self.recipe.delta

    def __repr__(self) -> str:
        return f"BoundScore {self.name!r} of {self.id!r}: {int(self.keep.sum())} of {self.keep.size} pixels kept"


def finite(values: Doubles) -> Doubles:
    """Infinite becomes NaN: an overflowing model must not win either."""
    return np.where(np.isfinite(values), values, np.nan)
