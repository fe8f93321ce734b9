"""The exact split of a score that is a sum over pixels: which residuals it is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, message
from .attribution import Attribution, Evaluator, check_scores
from .certain import certain
from .problem import Problem

INSTEAD = "Lime(), Shap() and Occlusion() explain any score"


@dataclass(frozen=True)
class ResidualSplit:
    """The share of each segment in the weighted squared residuals of the spectrum itself.

    The weight of a segment is Σ w r² / N over its pixels that count: without imputed and filtered pixels, without
    the trimmed ones, with the weights of the metric, N pixels in all. For scores that are a root (``norm="l2"``) it is
    Σ w r² / S, the same shares of the root S.

    Notes
    -----
    The weights add up to the score. What the spectrum is compared with is thus not the fill but a spectrum that the
    model reconstructs perfectly, of score 0: that is the intercept, and completeness is measured against it. It says
    where the residual is, not which pixels caused it: a line that misleads the model leaves residuals everywhere. The
    fill plays no part, nothing is drawn, and the errors are zero.

    Refused for scores that are not such sums: other metrics, latent scores, combinations, and calibrated scores, whose
    logarithm has no such parts. Explain the raw score instead, ``Explainer(calibrated.scorer, …)``: with one spectrum,
    calibration changes the unit and not the ranking of segments.
    """

    def __call__(self, evaluator: Evaluator, *, seed: int) -> Attribution:
        """Return the weights of one spectrum.

        Raises
        ------
        ArgumentError
            When the score is not a sum over pixels.
        DataError
            When the score is not finite.
        """
        problem = evaluator.problem
        score = check_scores(problem.score(problem.flux[None, :]))
        pixels = self.pixels(problem)
        weights = np.bincount(problem.segments, weights=pixels, minlength=problem.n_segments)
        found = certain(weights.astype(np.float64), float(score[0]), empty=0.0, n_samples=1)
        return replace(found, path="residuals: the parts of the score, no copies")

    def pixels(self, problem: Problem) -> NDArray[np.float64]:
        """Return the part of each pixel in the score, shape ``(p,)``; zero where it does not count.

        Raises
        ------
        ArgumentError
            When the score is not a sum over pixels.
        """
        score: Any = problem.score
        refuse(score)
        flux = problem.flux[None, :]
        made = np.asarray(score.reconstruct(flux))
        _, kept = score.recipe.used(flux, made, score.weights, score.keep)
        terms = score.recipe.terms(flux, made, score.weights, score.keep)[0]
        total = float(terms.sum())
        if score.recipe.norm == "l2":
            return np.asarray(terms / np.sqrt(total) if total > 0 else terms)
        return np.asarray(terms / kept.sum())


def refuse(score: Any) -> None:
    """Raise when a score is not a (root of a) mean of weighted squared residuals."""
    if not getattr(score, "squared", False) or not hasattr(score, "recipe"):
        name = getattr(score, "metric", None) or getattr(score, "name", None) or type(score).__name__
        raise ArgumentError(message("score", expected="a Scorer of squared residuals: mse, chi2 or chi2_ivar",
                                    got=repr(name), hint=INSTEAD))
    if getattr(score, "link", None) is not None:
        raise ArgumentError(message("score", expected="a raw score, which is a sum over pixels",
                                    got=f"the calibrated {score.name!r}",
                                    hint=f"Explainer(calibrated.scorer, …) splits the raw score; {INSTEAD}"))
