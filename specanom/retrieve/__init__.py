"""Retrieval: spectra like this one, from a knowledge base of vectors with labels.

======================  ================================================================================
:class:`KnowledgeBase`  vectors of known objects, labels and metadata; ``.query(v, k)`` finds kin
:class:`Kin`            the answer: neighbours, weights, vote, parameters from kin, and whether it is far from all
:class:`Evaluator`      precision, recall and F1 at stated prevalence, and their curves: :class:`Evaluation`
:func:`reasons`         weights of explanations as vectors: "odd for the same reason"
======================  ================================================================================
"""

from .approximate import Recall
from .entries import Skipped
from .evaluate import Evaluation, Evaluator
from .explained import Reasons, reasons
from .found import Found
from .kin import Kin
from .knowledge import KnowledgeBase

__all__ = ["Evaluation", "Evaluator", "Found", "Kin", "KnowledgeBase", "Reasons", "Recall", "Skipped", "reasons"]


def __dir__() -> list[str]:
    return sorted(__all__)
