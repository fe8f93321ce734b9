"""Survey quality: where anomalies crowd, and what that says of the instrument.

==========================  =========================================================================================
:func:`flag`                scores → which objects are odd
:func:`rates`               how often, by plate, fibre, petal, tile, depth or place on the sky → :class:`Rates`
:func:`wavelength_rates`    where in observed wavelength, against what redshifts would do → :class:`Rates`
:func:`several`             :func:`rates` by several columns
:func:`tickets`             what crowds, as messages to the observers → :class:`Tickets`
:func:`confident_yet_odd`   the pipeline is sure (Δχ²), the model is not
:class:`Taxonomy`           classes by rules of a file that you can edit; :func:`write_default` gives one to begin with
==========================  =========================================================================================
"""

from __future__ import annotations

from .confident import confident_yet_odd
from .rates import Rates, flag, rates, several
from .statistics import benjamini_hochberg, jeffreys
from .taxonomy import Classified, Rule, Taxonomy, write_default
from .tickets import Ticket, Tickets, tickets
from .waves import observed_waves, wavelength_rates

__all__ = ["Classified", "Rates", "Rule", "Taxonomy", "Ticket", "Tickets", "benjamini_hochberg", "confident_yet_odd",
           "flag", "jeffreys", "observed_waves", "rates", "several", "tickets", "wavelength_rates", "write_default"]


def __dir__() -> list[str]:
    return sorted(__all__)
