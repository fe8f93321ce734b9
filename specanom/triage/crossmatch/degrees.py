"""Columns of right ascension and declination as degrees, as far as they can be read without guessing."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError, message
from .votables import numbers, texts

Doubles = NDArray[np.float64]

LIMITS = {"ra": 360.0, "dec": 90.0}
"""A right ascension lies within −360° … 360°, a declination within −90° … 90°."""
SPELT_OUT = {"ra": "right ascension", "dec": "declination"}
PER_HOUR = 15.0
_HOURS = ("h", "hr", "hrs", "hour", "hours", "hourangle", "h:m:s", "hms")
_DEGREES = ("", "deg", "degs", "degree", "degrees", "d:m:s", "dms", "°")
_SEXAGESIMAL = re.compile(
    r"""(?P<sign>[+\-−]?)\s*(?P<whole>\d{1,3})\s*(?P<first>[:hd°]|\s(?=\s*\d{1,2}\s+\d))\s*
        (?P<minutes>\d{1,2}(?:\.\d*)?)\s*
        (?:[:m'′\s]\s*(?:(?P<seconds>\d{1,2}(?:\.\d*)?)\s*(?:s|"|″|'')?)?)?""", re.X)


def degrees(values: Any, what: str, unit: str = "", *, column: str = "") -> Doubles:
    """Return a column of positions as degrees; what is blank, cannot be read or lies on no sky is NaN.

    Numbers are in `unit`, degrees where it is empty. Text may hold numbers, or sexagesimal values, ``"10:03:09.4"``,
    ``"10 03 09.4"``, ``"10h03m09.4s"``, ``"-03d35m08s"``: of a right ascension those are hours, as everywhere, unless
    the unit says degrees or a ``d`` or ``°`` stands behind the first number. Decimal commas are not read.

    Parameters
    ----------
    values : (n,) array
        Numbers or text.
    what : {"ra", "dec"}
    unit : str
        As the table tells it: degrees, hours, or any unit of angle that astropy knows.

    column : str
        What the error calls it.

    Raises
    ------
    DataError
        When the unit is none of angle.

    Examples
    --------
    >>> degrees(["10:03:09.4", "150.789", "150,789"], "ra").round(4)
    array([150.7892, 150.789 ,      nan])
    """
    scale = _scale(what, unit, column)
    held = np.asarray(np.ma.getdata(values))
    read = numbers(values) * scale
    if held.dtype.kind in "OSU":
        hours = what == "ra" and (scale == PER_HOUR or not unit)
        left = np.flatnonzero(np.isnan(read))
        written = texts(np.ma.asarray(values)[left])
        read[left] = [_sexagesimal(text, hours=hours) for text in written]
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(read) <= LIMITS[what], read, np.nan)


def unread(values: Any, read: Doubles, what: str) -> dict[int, str]:
    """Return why values of a column have become no degrees, by row.

    Parameters
    ----------
    values : (n,) array
        As they came.
    read : (n,) float64
        What :func:`degrees` made of them.
    what : {"ra", "dec"}
    """
    lost = np.flatnonzero(np.isnan(read))
    written = texts(np.ma.asarray(values)[lost])
    return {row: _why(text, what) for row, text in zip(lost.tolist(), written, strict=True)}


def _why(text: str, what: str) -> str:
    try:
        value = float(text) if text else float("nan")
    except ValueError:
        return f"no position: {what} {text!r} cannot be read"
    if np.isfinite(value):
        most = LIMITS[what]
        return f"the {SPELT_OUT[what]} {value:g}° lies outside −{most:g}° … {most:g}°"
    return f"no position: {what} is blank or not a number"


def _scale(what: str, unit: str, column: str) -> float:
    """Return the degrees of a unit."""
    from astropy import units

    name = unit.strip().strip('"').casefold()
    if name in _DEGREES:
        return 1.0
    if what == "ra" and name in _HOURS:
        return PER_HOUR
    try:
        return float(units.Unit(unit).to(units.deg))
    except (ValueError, TypeError, units.UnitsError) as exc:
        expected = f"a {SPELT_OUT[what]} in degrees or another unit of angle"
        raise DataError(message(f"column {column or what}", expected=expected, got=f"the unit {unit!r}")) from exc


def _sexagesimal(text: str, *, hours: bool) -> float:
    """Return hours or degrees, minutes and seconds as degrees; NaN for anything else."""
    found = _SEXAGESIMAL.fullmatch(text)
    if found is None:
        return float("nan")
    minutes, seconds = float(found["minutes"]), float(found["seconds"] or 0.0)
    if minutes >= 60.0 or seconds >= 60.0 or (found["seconds"] and "." in found["minutes"]):
        return float("nan")
    if found["first"] == "h" and not hours:
        return float("nan")
    size = int(found["whole"]) + minutes / 60.0 + seconds / 3600.0
    size *= PER_HOUR if hours and found["first"] not in "d°" else 1.0
    return -size if found["sign"] in ("-", "−") else size
