"""The catalogue: one row an object, joined from plain tables, for people who have never heard of specanom.

===========================  =======================================================================================
:class:`Catalogue`           the table, what its columns mean, thresholds and provenance; ``.write``, ``.read``
:class:`Parts`               what it is joined from, each part optional
:class:`Tiers`               thresholds of gold and silver
:class:`Column`              name, description, unit, UCD
:func:`explanation_table`    explanations as a part
:func:`healpix_29`           the column by which HATS and LSDB sort
===========================  =======================================================================================
"""

from __future__ import annotations

from .columns import Column
from .explained import explanation_table
from .parts import Parts
from .record import Catalogue
from .sky import healpix_29
from .tiers import Tiers

__all__ = ["Catalogue", "Column", "Parts", "Tiers", "explanation_table", "healpix_29"]


def __dir__() -> list[str]:
    return sorted(__all__)
