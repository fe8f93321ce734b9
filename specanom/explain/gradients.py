"""Integrated gradients: the slope of the score along the way from a baseline to the spectrum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, choice, message
from .attribution import Attribution, Evaluator, check_scores
from .certain import certain, unchanged
from .problem import Problem

BASELINES = ("reconstruction", "fill")
RULES = ("gauss", "midpoint")
ROWS = 128  # spectra of the path differentiated at once
Doubles = NDArray[np.float64]
Gradient = Callable[[NDArray[np.float32]], NDArray[Any]]


@dataclass(frozen=True)
class IntegratedGradients:
    """Integrated gradients of a score (Sundararajan, Taly & Yan 2017).

    The weight of a pixel is ``(x − b) ∫₀¹ ∂S/∂x (b + a (x − b)) da``, that of a segment the sum over its pixels, b
    the baseline. The gradient goes through the model by its vector-Jacobian product.

    Parameters
    ----------
    steps : int
        Points of the path at which the gradient is taken.
    baseline : {"reconstruction", "fill"}
        Where the path begins: at the model's reconstruction of the spectrum, or at the fill of the perturbation.
        Imputed pixels that the score leaves out stay as they are in both.
    rule : {"gauss", "midpoint"}
        Where the points lie: those of Gauss and Legendre, or equidistant. A χ² with the weight 1/(|x| + δ), whose
        slope leaps where a pixel crosses zero, is integrated over as many equal pieces, the weight in closed form.

    Notes
    -----
    The weights add up to S(x) − S(b) but for the error of the integral, which is measured: it is the completeness
    error, with the baseline for the fill. A network of ReLUs has kinks along the path, and a trimmed score corners
    where other pixels are trimmed; if the error is not small, take more steps. Nothing is drawn and the errors are
    zero. R² is NaN, since no surrogate of the segments is fitted.

    Scores need ``gradient(flux)``, ``(m, p) -> (m, p)``: those of squared residuals (mse, chi2, chi2_ivar; trimmed,
    filtered, calibrated or combined) with a VAEModel, a PCAModel or any model whose bound function has
    ``vjp(flux, cotangent)``.

    Examples
    --------
    >>> import specanom as sa
    >>> flux = np.random.default_rng(0).normal(1, 0.1, (60, 40)).astype("f4")
    >>> scorer = sa.Scorer(sa.PCAModel(3).fit(flux), "mse")
    >>> e = sa.Explainer(scorer, sa.Uniform(5), method=IntegratedGradients()).explain(flux[0])
    >>> bool(e.completeness < 1e-3)
    True
    """

    steps: int = 64
    _: KW_ONLY
    baseline: str = "reconstruction"
    rule: str = "gauss"

    def __post_init__(self) -> None:
        choice("baseline", self.baseline, BASELINES)
        choice("rule", self.rule, RULES)
        if isinstance(self.steps, bool) or not isinstance(self.steps, (int, np.integer)) or self.steps < 1:
            raise ArgumentError(message("steps", expected="a whole number of at least 1", got=repr(self.steps),
                                        hint="64"))

    def __call__(self, evaluator: Evaluator, *, seed: int) -> Attribution:
        """Return the weights of one spectrum.

        Raises
        ------
        ArgumentError
            When score or model have no gradient, or a baseline is asked for that there is not.
        DataError
            When a score or a gradient is not finite.
        """
        problem, n = evaluator.problem, self.steps + 2
        start = self.start(problem)
        scores = check_scores(problem.score(np.stack([problem.flux, start])))
        whole, empty = float(scores[0]), float(scores[1])
        if self.baseline == "fill" and not evaluator.energy().any():
            return unchanged(problem.n_segments, whole, n_samples=n)
        weights = np.bincount(problem.segments, weights=self.pixels(problem), minlength=problem.n_segments)
        found = certain(weights.astype(np.float64), whole, empty=empty, n_samples=n)
        return replace(found, path=f"gradients: {self.steps} points from the {self.baseline}, no copies")

    def pixels(self, problem: Problem) -> Doubles:
        """Return the weight of each pixel, shape ``(p,)``, which the weights of segments are sums of.

        Raises
        ------
        ArgumentError, DataError
            As when called.
        """
        gradient = gradient_of(problem.score)
        start = self.start(problem).astype(np.float64)
        way = problem.flux - start
        steep = getattr(problem.score, "steep", False)
        made = self._by_pieces(problem.score, start, way) if steep else self._by_points(gradient, start, way)
        if not np.isfinite(made).all():
            raise DataError(message("score", expected="a finite gradient all along the path",
                                    got=f"{int((~np.isfinite(made)).sum())} of {made.size} pixels not finite",
                                    hint="delta=1e-3 or more for chi2, or method=Lime()"))
        return made

    def _by_points(self, gradient: Gradient, start: Doubles, way: Doubles) -> Doubles:
        places, shares = self._points()
        mean = np.zeros(way.size)
        for first in range(0, self.steps, ROWS):
            part = slice(first, first + ROWS)
            rows = (start + places[part, None] * way).astype(np.float32)
            mean += shares[part] @ np.asarray(gradient(rows), dtype=np.float64)
        return np.asarray(way * mean)

    def _by_pieces(self, score: Any, start: Doubles, way: Doubles) -> Doubles:
        places = np.linspace(0.0, 1.0, self.steps + 1)
        total = np.zeros(way.size)
        for first in range(0, self.steps, ROWS):
            rows = start + places[first : first + ROWS + 1, None] * way
            total += np.asarray(score.pieces(rows[:-1], rows[1:])).sum(axis=0)
        return total

    def start(self, problem: Problem) -> NDArray[np.float32]:
        """Return the baseline of a spectrum, shape ``(p,)``.

        Raises
        ------
        ArgumentError
            When it is to be a reconstruction and the score knows no model.
        """
        if self.baseline == "fill":
            return problem.fill
        if problem.reconstruct is None:
            raise ArgumentError(message("baseline", expected="'fill' for a score without a model",
                                        got=repr(self.baseline), hint='IntegratedGradients(baseline="fill")'))
        made = np.asarray(problem.reconstruct(problem.flux[None, :]))[0]
        imputed = getattr(problem.score, "imputed", None)
        if imputed is not None and problem.keep is not None:
            made = np.where(imputed & ~problem.keep, problem.flux, made)
        return np.asarray(made, dtype=np.float32)

    def _points(self) -> tuple[Doubles, Doubles]:
        """Return where the gradient is taken, as shares of the path, and what each point counts."""
        if self.rule == "midpoint":
            return (np.arange(self.steps) + 0.5) / self.steps, np.full(self.steps, 1.0 / self.steps)
        places, shares = np.polynomial.legendre.leggauss(self.steps)
        return (places + 1.0) / 2.0, shares / 2.0


def gradient_of(score: Any) -> Gradient:
    """Return the gradient a score offers.

    Raises
    ------
    ArgumentError
        When it offers none.
    """
    found: Gradient | None = getattr(score, "gradient", None)
    if not callable(found):
        name = getattr(score, "name", None) or getattr(score, "__name__", type(score).__name__)
        raise ArgumentError(message("score", expected="one with gradient(flux), (m, p) -> (m, p), as a Scorer of "
                                    "squared residuals has", got=f"{name!r} without one",
                                    hint="Lime(), Shap() or Occlusion(), which only ask for scores"))
    return found
