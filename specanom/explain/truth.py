"""Where an anomaly really is: wavelength intervals of a simulated survey, or of what was injected.

A truth table says it as text, ``"4915.9-5017.7;6027.3-6037.0"``: rest-frame vacuum Å, one piece an interval. At the
redshift of the catalogue these are the intervals of the preprocessed spectrum.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, message
from ..spectrum import Spectrum
from .classes import rest_wave
from .segments import pixel_edges

Intervals = tuple[tuple[float, float], ...]
_PIECE = re.compile(r"\s*([0-9.eE+]+)\s*[-–]\s*([0-9.eE+]+)\s*")


def parse_intervals(text: Any) -> Intervals:
    """Return the intervals of ``"a-b;c-d"`` in Å; an empty text, None or NaN has none.

    Raises
    ------
    DataError
        For a piece that is no interval, or one that ends before it begins.

    Examples
    --------
    >>> parse_intervals("4915.9-5017.7;6027-6037")
    ((4915.9, 5017.7), (6027.0, 6037.0))
    """
    if text is None or text != text:
        return ()
    found: list[tuple[float, float]] = []
    for piece in str(text).split(";"):
        if not piece.strip():
            continue
        match = _PIECE.fullmatch(piece)
        try:
            lo, hi = (float(part) for part in match.groups()) if match else (1.0, 0.0)
        except ValueError:
            lo, hi = 1.0, 0.0
        if hi < lo:
            raise DataError(message("intervals", expected="text such as '4915.9-5017.7;6027-6037'", got=repr(piece)))
        found.append((lo, hi))
    return tuple(found)


def truth_pixels(wave: NDArray[np.float64], intervals: Sequence[tuple[float, float]], tolerance: float = 0.0
                 ) -> NDArray[np.bool_]:
    """Say which pixels touch an interval widened by `tolerance` on both sides.

    Parameters
    ----------
    wave : (p,) array
        Vacuum Å, in the frame of the intervals.
    intervals : sequence of (lo, hi)
        Å.
    tolerance : float
        Å.

    Returns
    -------
    (p,) bool array
        A pixel reaches half way to its neighbours, so an interval narrower than a pixel has one too.
    """
    left, right = pixel_edges(wave)
    inside = np.zeros(wave.size, dtype=np.bool_)
    for lo, hi in intervals:
        inside |= (right > lo - tolerance) & (left < hi + tolerance)
    return inside


@dataclass(frozen=True, eq=False)
class Truth:
    """Where the anomalies of a sample are.

    Parameters
    ----------
    intervals : mapping
        Id → intervals in rest-frame vacuum Å, or their text.
    tolerance : float
        By how many rest-frame Å each interval is widened on both sides when explanations are judged.

    Examples
    --------
    >>> Truth({"a": "4000-4010", "b": ""}, tolerance=5.0)
    Truth of 1 spectrum, ±5 Å
    """

    intervals: Mapping[str, Intervals]
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.tolerance) and self.tolerance >= 0):
            raise ArgumentError(message("tolerance", expected="0 or more Å", got=self.tolerance))
        read = {str(id): _read(value) for id, value in self.intervals.items()}
        object.__setattr__(self, "intervals", MappingProxyType({id: spans for id, spans in read.items() if spans}))

    @classmethod
    def of(cls, given: Any, tolerance: float = 0.0) -> Truth:
        """Make it of a Truth, a mapping, or a DataFrame with a column ``intervals_rest`` and ids.

        Raises
        ------
        ArgumentError
            For anything else. A table tells ids by a column ``id`` or by its index.
        """
        if isinstance(given, Truth):
            return given
        if isinstance(given, Mapping):
            return cls(given, tolerance)
        columns = getattr(given, "columns", ())
        if "intervals_rest" not in columns:
            raise ArgumentError(message("truth", expected="a mapping of ids to intervals, or a table with the columns "
                                        "id and intervals_rest", got=f"{type(given).__name__} {list(columns)}".strip()))
        ids = given["id"] if "id" in columns else given.index
        return cls(dict(zip(map(str, ids), given["intervals_rest"], strict=True)), tolerance)

    def pixels(self, spectrum: Spectrum) -> NDArray[np.bool_] | None:
        """Say which pixels of a spectrum are in its truth, ``(p,)``; None when nothing is known of it.

        A spectrum in the observed frame needs its redshift.
        """
        spans = self.intervals.get(spectrum.id)
        wave = rest_wave(spectrum) if spans else None
        return None if not spans or wave is None else truth_pixels(wave, spans, self.tolerance)

    def __len__(self) -> int:
        return len(self.intervals)

    def __repr__(self) -> str:
        widened = f", ±{self.tolerance:g} Å" if self.tolerance else ""
        return f"Truth of {len(self)} {'spectrum' if len(self) == 1 else 'spectra'}{widened}"


def _read(value: Any) -> Intervals:
    if value is None or isinstance(value, (str, float)):
        return parse_intervals(value)
    spans = tuple((float(lo), float(hi)) for lo, hi in value)
    if any(not hi >= lo for lo, hi in spans):
        raise DataError(message("intervals", expected="pairs (lo, hi) in Å with hi ≥ lo", got=spans[:3]))
    return spans
