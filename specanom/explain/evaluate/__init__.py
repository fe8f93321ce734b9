"""Masks → scores, by the fastest way the score allows. All ways give the same answer.

``generic``   builds each perturbed copy and calls the score: works for any callable.
``choosing``  picks the evaluator.
"""

from __future__ import annotations

from .choosing import evaluator_of
from .generic import GenericEvaluator

__all__ = ["GenericEvaluator", "evaluator_of"]
