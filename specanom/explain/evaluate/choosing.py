"""Which evaluator a score allows: asked of what the score offers, never of its type."""

from __future__ import annotations

from typing import Any

from ..attribution import Evaluator
from ..problem import Problem
from .blocked import BlockedEvaluator, no_blocks
from .factored import FactoredEvaluator
from .generic import GenericEvaluator


def evaluator_of(problem: Problem) -> Evaluator:
    """Return the fastest evaluator for this score; its ``path`` says which and why."""
    why = no_layers(problem)
    if not why and not _no_fixed_squares(problem.score):
        return FactoredEvaluator(problem)
    why = why or no_blocks(problem)
    return GenericEvaluator(problem, why) if why else BlockedEvaluator(problem)


def no_layers(problem: Problem) -> str:
    """Say why masks cannot meet a network in its first layer, or nothing when they can.

    A score allows it when it is made of squared residuals (``.squared``) over fixed pixels (``.keep``) and its
    ``.reconstruct`` gives its affine layers as ``.network``.
    """
    score: Any = problem.score
    if not hasattr(score, "squared"):
        return "the score is a plain function"
    if not score.squared:
        named = f"metric {score.metric!r}" if hasattr(score, "metric") else f"score {getattr(score, 'name', '?')!r}"
        return f"{named} is no sum of squares"
    if not hasattr(problem.reconstruct, "network"):
        return "the model does not offer its layers"
    return "reconstructions are random draws" if problem.network is None else ""


def _no_fixed_squares(score: Any) -> str:
    if score.weighting not in ("none", "ivar"):
        return "weights change with the copy"
    return "which pixels are trimmed changes with the copy" if score.trim > 0 else ""
