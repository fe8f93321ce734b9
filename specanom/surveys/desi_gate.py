"""Which fibres of DESI hold a target that was observed well: by OBJTYPE, TARGETID and COADD_FIBERSTATUS.

ZWARN is judged by :class:`~specanom.surveys.Gate` as ZWARNING of SDSS is: redrock took over bits 0 to 9 with their
meaning and added 10 (BAD_MINFIT) and 11 (POORDATA), which pass with a note, as do small values of DELTACHI2: cutting on
these drops what does not look like any template, which is what a search for anomalies is for.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce

FIBERSTATUS = {
    0: "UNASSIGNED", 1: "STUCKPOSITIONER", 2: "BROKENFIBER", 3: "RESTRICTED", 8: "MISSINGPOSITION", 9: "BADPOSITION",
    10: "POORPOSITION", 12: "LOWTRANSMISSION", 13: "NEARCHARGETRAP", 14: "VARIABLETHRU", 15: "LOWEFFTIME",
    16: "BADFIBER", 17: "BADTRACE", 18: "BADFLAT", 19: "BADARC", 20: "MANYBADCOL", 21: "MANYREJECTED", 22: "BADAMPB",
    23: "BADAMPR", 24: "BADAMPZ", 25: "BADPETALPOS", 26: "BADPETALSKY", 27: "BADPETALSTDSTAR", 28: "BADPETALFLUXCAL",
    29: "BADPETALSNR", 30: "BADREADNOISE",
}
"""Bits of FIBERSTATUS (fibermask of desispec) and their names."""

HARMLESS = 1 << 3 | 1 << 12 | 1 << 13 | 1 << 14
"""Bits that tell something and reject nothing: RESTRICTED (the positioner reaches less far, and yet was on its target),
LOWTRANSMISSION (not to be used for the sky), NEARCHARGETRAP and VARIABLETHRU (not to be used for some calibrations, DR2
and later; desispec counts none of the four among the bits that spoil a spectrum). Every other bit rejects."""

AMPLIFIERS = {"B": 1 << 22, "R": 1 << 23, "Z": 1 << 24}
"""Bits that spoil one arm of an exposure."""

UNSURE_DELTACHI2 = 15.0
"""Below this difference in χ² between the best and the second-best fit a redshift is remarked upon."""


def named(status: int) -> str:
    """Return the bits of a FIBERSTATUS with their names.

    Examples
    --------
    >>> named(0b1010)
    '1 STUCKPOSITIONER, 3 RESTRICTED'
    """
    status &= 0xFFFFFFFF
    return ", ".join(f"{bit} {FIBERSTATUS.get(bit, 'unknown')}" for bit in range(32) if status >> bit & 1)


def is_bad(status: int) -> bool:
    """Tell whether a FIBERSTATUS rejects: any bit but those of ``HARMLESS``."""
    return bool(status & ~HARMLESS)


def spoils(status: int, arm: str = "") -> bool:
    """Tell whether a FIBERSTATUS spoils an arm of an exposure; every arm, when none is named."""
    others = sum(bit for name, bit in AMPLIFIERS.items() if name != arm)
    return is_bad(status & ~others)


def together(statuses: Sequence[int]) -> int:
    """Return the status of exposures that are added up: the bits of all of them, or of bad ones those of any.

    As desispec has it in COADD_FIBERSTATUS.
    """
    return reduce(operator.or_ if all(map(spoils, statuses)) else operator.and_, statuses)


def refusal(targetid: int | None, objtype: str, status: int) -> str:
    """Return why a fibre is left out, or "".

    Parameters
    ----------
    targetid : int or None
        Negative for sky positions and unassigned fibres; None when the file has no TARGETIDs.
    objtype : str
        OBJTYPE: ``"TGT"``, ``"SKY"``, ``"NON"``, ``"BAD"``, or "" when not known.
    status : int
        COADD_FIBERSTATUS; 0 when not known.
    """
    if objtype == "SKY":
        return "sky fibre (OBJTYPE SKY)"
    if targetid is not None and targetid <= 0:
        return f"sky or unassigned fibre (TARGETID {targetid} is not positive)"
    if objtype not in ("TGT", ""):
        return f"no target (OBJTYPE {objtype})"
    return f"bad fibre (COADD_FIBERSTATUS {named(status)})" if is_bad(status) else ""


def remarks(status: int, deltachi2: float) -> list[str]:
    """Return what is to be said of a fibre that passes."""
    notes = [f"COADD_FIBERSTATUS {named(status)} passes"] if status else []
    if deltachi2 < UNSURE_DELTACHI2:
        notes.append(f"DELTACHI2 below {UNSURE_DELTACHI2:g}: the redshift is unsure")
    return notes
