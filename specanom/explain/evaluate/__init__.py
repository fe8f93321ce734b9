"""Masks → scores, by the fastest way the score allows. All ways give the same answer.

``generic``  builds each perturbed copy and calls the score: works for any callable.
"""

from __future__ import annotations

from .generic import GenericEvaluator

__all__ = ["GenericEvaluator"]
