"""LIME: a weighted ridge regression of the scores on the masks.

The surrogate is that of ``lime.lime_base.LimeBase``. As the masks are shared among spectra, so is its factorised
operator: one spectrum then costs a product of a (K, N) matrix with its scores.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, choice, message, require
from ..presets import ByPreset, by_preset, resolve
from .attribution import Attribution, Evaluator, check_scores
from .masks import DESIGNS, Masks, cosine_distances, kernel, make_masks
from .ridge import Ridge

DISTANCES = ("cosine", "l2")
ENGINES = ("specanom", "lime")
ENOUGH = 5  # effective samples per segment below which weights are not worth much


@dataclass(frozen=True)
class Lime:
    """Local linear surrogate of a score over masks.

    Parameters
    ----------
    n_samples : int
        Number of masks N.
    design : {"paired", "independent", "hadamard"}
        How masks are drawn, see :func:`specanom.explain.masks.make_masks`.
    kernel_width : float
        w of the proximity ``√exp(−d²/w²)``. For ``distance="l2"`` it is a fraction of the median distance.
    distance : {"cosine", "l2"}
        Between masks (cosine), or between spectra (Euclidean).
    alpha : float
        Ridge penalty; the intercept is not penalised.
    normalise : bool
        Whether the proximities are scaled to Σw = N before the penalty, without which a narrow kernel leaves
        nothing but the penalty. The published method does not.
    engine : {"specanom", "lime"}
        ``"lime"`` fits with the lime package itself: the slow reference.

    Notes
    -----
    A positive weight says: this segment, as observed, raises the score against its fill. Intervals come from the
    cluster-robust (sandwich) variance of the weighted regression, a complementary pair of masks being one cluster.
    They speak of the drawing of masks alone, neither of the noise in the spectrum nor of the shrinkage by the penalty
    (about 4 α/N of a weight).
    """

    n_samples: int = by_preset(2000, paper=5000)
    design: str = by_preset("paired", paper="independent")
    kernel_width: float = 0.25
    distance: str = "cosine"
    alpha: float = 1.0
    normalise: bool = by_preset(True, paper=False)
    engine: str = "specanom"
    _not_given: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        open_ones = tuple(item.name for item in fields(self) if isinstance(getattr(self, item.name), ByPreset))
        for name in open_ones:
            object.__setattr__(self, name, resolve(getattr(self, name), None))
        object.__setattr__(self, "_not_given", open_ones)
        choice("design", self.design, DESIGNS)
        choice("distance", self.distance, DISTANCES)
        choice("engine", self.engine, ENGINES)
        if not isinstance(self.n_samples, (int, np.integer)) or self.n_samples < 2:
            raise ArgumentError(message("n_samples", expected="a whole number of at least 2", got=repr(self.n_samples)))
        if not (np.isfinite(self.kernel_width) and self.kernel_width > 0):
            raise ArgumentError(message("kernel_width", expected="above 0", got=self.kernel_width, hint="0.25"))
        if not (np.isfinite(self.alpha) and self.alpha > 0):
            raise ArgumentError(message("alpha", expected="a penalty above 0", got=self.alpha, hint="1.0"))

    def by_preset(self, preset: str | None) -> Lime:
        """Return this method with what was not given as the preset has it, and what was given as it is.

        Parameters
        ----------
        preset : None or "paper"
            ``"paper"``: 5000 independent masks, proximities not normalised.
        """
        given_by = {item.name: item.default for item in fields(self) if item.name in self._not_given}
        return replace(self, **{name: resolve(value, preset) for name, value in given_by.items()})

    @property
    def kernel(self) -> str:
        """The proximity kernel in words."""
        scaled = "Σw = N" if self.normalise else "Σw as it is"
        unit = "" if self.distance == "cosine" else " of the median distance"
        return f"√exp(−d²/w²), {self.distance} distance, w = {self.kernel_width:g}{unit}, {scaled}, α = {self.alpha:g}"

    def __call__(self, evaluator: Evaluator, *, seed: int) -> Attribution:
        """Fit the surrogate of one spectrum.

        Raises
        ------
        DataError
            When a score is not finite.
        """
        masks = make_masks(seed, evaluator.n_segments, self.n_samples, self.design)
        scores = check_scores(evaluator.scores(masks))
        fit = self._ridge(masks, seed, evaluator)
        weights, intercept = fit.solve(scores)
        if self.engine == "lime":
            weights, intercept = _lime_package(masks, scores, fit.weights, alpha=self.alpha)
        r2, half = fit.quality(scores, weights, intercept=intercept)
        return Attribution(
            weights=weights, interval=np.stack([weights - half, weights + half], axis=1), intercept=intercept,
            score=float(scores[0]), r2=r2, ess=fit.ess, n_samples=self.n_samples, kernel=self.kernel,
            notes=self._notes(fit, masks.shape[1]),
        )

    def _ridge(self, masks: Masks, seed: int, evaluator: Evaluator) -> Ridge:
        if self.distance == "cosine":
            return _shared_ridge(seed, masks.shape[1], self)
        # Squared distances between spectra add up over the segments that are off.
        distances = np.sqrt((1.0 - masks) @ evaluator.energy())
        typical = float(np.median(distances))
        near = kernel(distances, self.kernel_width * typical) if typical > 0 else np.ones(len(masks))
        return self._fit(masks, near)

    def _fit(self, masks: Masks, near: NDArray[np.float64]) -> Ridge:
        return Ridge(masks, near * (near.size / near.sum()) if self.normalise else near, alpha=self.alpha,
                     pairs=self.design != "independent")

    @staticmethod
    def _notes(fit: Ridge, k: int) -> tuple[str, ...]:
        if fit.ess >= ENOUGH * k:
            return ()
        return (f"effective sample size {fit.ess:.0f} is below {ENOUGH} × {k} segments: "
                f"take more samples, a wider kernel or fewer segments",)


@lru_cache(maxsize=4)
def _shared_ridge(seed: int, k: int, method: Lime) -> Ridge:
    masks = make_masks(seed, k, method.n_samples, method.design)
    return method._fit(masks, kernel(cosine_distances(masks), method.kernel_width))


def _lime_package(
    masks: Masks, scores: NDArray[np.float64], near: NDArray[np.float64], *, alpha: float
) -> tuple[NDArray[np.float64], float]:
    """Fit with ``lime.lime_base.LimeBase``, the reference implementation."""
    base: Any = require("lime.lime_base", extra="explain")
    from sklearn.linear_model import Ridge as SklearnRidge

    made = base.LimeBase(kernel_fn=lambda distances: near)
    intercept, ranked, _, _ = made.explain_instance_with_data(
        masks.astype(np.float64), scores[:, None], np.zeros(len(masks)), 0, masks.shape[1], feature_selection="none",
        model_regressor=SklearnRidge(alpha=alpha, fit_intercept=True),
    )
    weights = np.empty(masks.shape[1])
    for segment, weight in ranked:
        weights[segment] = weight
    return weights, float(intercept)
