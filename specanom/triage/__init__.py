"""Triage: what to look at, what people said of it, and what is worth looking at next.

========================  =============================================================================================
:class:`Listing`          a table of scores → a :class:`WorkList`: what to look at, in which order, why; with
                          conditions on columns (:class:`Condition`)
:class:`LabelLog`         an append-only file of labels; survives a kernel that is killed; ``merge`` takes in others
:class:`Label`            one thing said of one id: word, note, reason, author, source, time, inspection
:class:`Inspection`       quality, issues, class and redshift as DESI's inspectors give them;
                          :func:`write_inspections`, :func:`read_inspections` for their files
:func:`verdicts`          what stands of each object when all authors are heard: a :class:`Verdict`
:func:`agreement`         several inspectors compared: κ, disagreements, consensus
:class:`Pool`             spectra with vectors and a score: what is asked about
:class:`Reranker`         ranks a pool anew by labels → :class:`Ranking`
:func:`reranked`          the work list of a catalogue in the order that a log of labels teaches
:class:`InspectionSession`  leads a person, a widget or a function through a pool, label by label
:class:`Catalogue`        one row an object, joined from :class:`Parts`, with :class:`Tiers`; FITS, VOTable, Parquet
:class:`Candidates`       scores and vectors of others: ``candidates.from_postgres``, ``.from_parquet``, ``.from_frame``
:func:`yield_curve`       interesting ones among the first n; :func:`compare` tells what an order gains
:mod:`~.crossmatch`       what others know of a position: tables at hand, VizieR, SIMBAD, NED
:mod:`~.quality`          where anomalies crowd: rates, tickets to the observers, classes by rules
``WORDS``                 the words for spectra; ``CLUSTER_WORDS`` those for clusters
========================  =============================================================================================
"""

from __future__ import annotations

from . import candidates
from .active import RELEVANCE, Ranking, Reranker
from .candidates import Candidates
from .catalogue import Catalogue, Parts, Tiers
from .conditions import Condition, read_conditions
from .inspection import ISSUES, QUALITY, Inspection
from .inspectors import Agreement, agreement, cohen_kappa, fleiss_kappa
from .label import CLUSTER_WORDS, NOTED, WORDS, Label
from .labels import LabelLog
from .listing import Listing
from .pool import Pool
from .rerank import reranked
from .session import InspectionSession
from .verdicts import Verdict, verdicts
from .visual import InspectionFile, read_inspections, write_inspections
from .worklist import WorkList
from .yields import YieldCurve, compare, gain, yield_curve

__all__ = [
    "CLUSTER_WORDS", "ISSUES", "NOTED", "QUALITY", "RELEVANCE", "WORDS",
    "Agreement", "Candidates", "Catalogue", "Condition", "Inspection", "InspectionFile", "InspectionSession", "Label",
    "LabelLog", "Listing", "Parts", "Pool", "Ranking", "Reranker", "Tiers", "Verdict", "WorkList", "YieldCurve",
    "agreement", "candidates", "cohen_kappa", "compare", "fleiss_kappa", "gain", "read_conditions",
    "read_inspections", "reranked", "verdicts", "write_inspections", "yield_curve",
]


def __dir__() -> list[str]:
    return sorted(__all__)
