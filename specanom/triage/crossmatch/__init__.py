"""Cross-match: what others know of a position.

===================  ================================================================================================
:func:`crossmatch`   a table of objects against several catalogues → :class:`Matches`
:class:`LocalTable`  a catalogue at hand, with proper motions and a chance rate from shifted positions
:class:`XMatch`      any catalogue of VizieR, by the CDS cross-match service
:class:`Simbad`      SIMBAD, by vectors of positions
:class:`Ned`         NED, one object at a time, for the first few hundred
:class:`Matcher`     what one of your own needs: ``service``, ``radius`` and a call
===================  ================================================================================================

A row is "matched", "none", "not_checked" or "failed": a service that gave no answer says nothing of an object.
"""

from __future__ import annotations

from .cache import ResponseCache
from .crossmatching import crossmatch
from .found import STATUSES, Access, Found, Matcher
from .local import LocalTable
from .matches import Matches
from .positions import Positions
from .services import Ned, Simbad, XMatch

__all__ = ["STATUSES", "Access", "Found", "LocalTable", "Matcher", "Matches", "Ned", "Positions", "ResponseCache",
           "Simbad", "XMatch", "crossmatch"]


def __dir__() -> list[str]:
    return sorted(__all__)
