"""Masks → scores, by the fastest way the score allows. All ways give the same answer.

``generic``   builds each perturbed copy and calls the score: works for any callable.
``factored``  meets the network in its first hidden layer: sums of squares, affine layers.
``blocked``   makes blocks of residuals: squares whose weights or pixels change with the copy.
``choosing``  picks the evaluator.
"""

from __future__ import annotations

from .blocked import BlockedEvaluator
from .choosing import evaluator_of
from .factored import FactoredEvaluator
from .generic import GenericEvaluator

__all__ = ["BlockedEvaluator", "FactoredEvaluator", "GenericEvaluator", "evaluator_of"]
