"""What an inspector says of a spectrum in the words of DESI's visual inspection.

Quality, issues, class, redshift and comment, as the survey's inspectors gave them (Lan et al. 2023, ApJ 943, 68;
Alexander et al. 2023, AJ 165, 124) and as the columns ``VI_…`` of its files hold them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from types import MappingProxyType
from typing import Any

from ..errors import ArgumentError, choice, message

QUALITY = MappingProxyType({
    4: "confident: two or more secure features",
    3: "probable: one secure feature and continuum, or many weak features",
    2: "possible: one strong feature, but unsure what it is",
    1: "unlikely: clear signal, but features are not identified",
    0: "nothing there",
})
"""What each quality means; 2.5 and more counts as a secure redshift in DESI's own merged tables."""
ISSUES = MappingProxyType({
    "R": "bad redshift: the pipeline's redshift is wrong",
    "C": "bad class: the pipeline's class is wrong",
    "S": "bad spectrum: strong cosmic rays or residuals of sky lines",
})
"""What each issue means."""
CLASSES = ("GALAXY", "QSO", "STAR")
"""Classes an inspector may give."""


@dataclass(frozen=True)
class Inspection:
    """What one inspector says; every field may be left out.

    Parameters
    ----------
    quality : float, optional
        0–4, see ``QUALITY``. One inspector gives whole numbers; the mean of several need not be one.
    issues : iterable of str
        Among ``"R"``, ``"C"``, ``"S"``, see ``ISSUES``; kept in that order, each once.
    spectype : str
        ``"GALAXY"``, ``"QSO"``, ``"STAR"`` or empty.
    z : float, optional
        Redshift; a star's may be negative.
    comment : str
        Free text.

    Raises
    ------
    ArgumentError
        For values that are none of these.

    Examples
    --------
    >>> Inspection(quality=3, issues="SR", spectype="QSO", z=2.1)
    Inspection(quality=3, issues=('R', 'S'), spectype='QSO', z=2.1, comment='')
    """

    quality: float | None = None
    issues: tuple[str, ...] = ()
    spectype: str = ""
    z: float | None = None
    comment: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "quality", _quality(self.quality))
        object.__setattr__(self, "issues", _issues(self.issues))
        object.__setattr__(self, "z", _number("z", self.z, "a redshift above -1", lambda z: z > -1))
        choice("spectype", self.spectype, ("", *CLASSES))
        if not isinstance(self.comment, str):
            raise ArgumentError(message("comment", expected="text", got=repr(self.comment)))

    @property
    def secure(self) -> bool:
        """Whether class and redshift count as secure: quality 2.5 or more, the limit of DESI's merged tables."""
        return self.quality is not None and self.quality >= 2.5

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that are given, as plain values for JSON."""
        every = {"quality": self.quality, "issues": list(self.issues), "spectype": self.spectype, "z": self.z,
                 "comment": self.comment}
        return {name: value for name, value in every.items() if value not in (None, "", [])}

    @classmethod
    def from_dict(cls, content: Any) -> Inspection | None:
        """Return what :meth:`to_dict` gave; None for anything that is no inspection."""
        if not isinstance(content, Mapping) or not set(content) <= set(cls.__dataclass_fields__):
            return None
        try:
            return cls(**content)
        except ArgumentError:
            return None


def _number(name: str, value: Any, expected: str, fits: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value) or not fits(value):
        raise ArgumentError(message(name, expected=f"{expected}, or None", got=repr(value)))
    return float(value)


def _quality(value: Any) -> float | None:
    found = _number("quality", value, "0 to 4", lambda q: 0 <= q <= 4)
    return int(found) if found is not None and found == int(found) else found


def _issues(value: Any) -> tuple[str, ...]:
    if not isinstance(value, Iterable):
        raise ArgumentError(message("issues", expected=f"some of {', '.join(ISSUES)}", got=repr(value)))
    given = set()
    for one in value:
        given.add(choice("issues", one, ISSUES))
    return tuple(one for one in ISSUES if one in given)
