"""Which evaluator a score allows: asked of what the score offers, never of its type."""

from __future__ import annotations

from ..attribution import Evaluator
from ..problem import Problem
from .generic import GenericEvaluator


def evaluator_of(problem: Problem) -> Evaluator:
    """Return the fastest evaluator for this score; its ``path`` says which and why."""
    return GenericEvaluator(problem)
