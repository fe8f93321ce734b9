"""The cuts: which spectra of a block stay, and why the others do not.

A cut looks at a block and says for each row whether it fails, or nothing. Cuts never raise for a bad spectrum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..spectrumset import SpectrumSet
from .columns import add_notes, numbers, texts, with_columns

ZWARNING_BITS = ("SKY", "LITTLE_COVERAGE", "SMALL_DELTA_CHI2", "NEGATIVE_MODEL", "MANY_OUTLIERS", "Z_FITLIMIT",
                 "NEGATIVE_EMISSION", "UNPLUGGED", "BAD_TARGET", "NODATA", "BAD_MINFIT", "POORDATA")
"""Names of the bits of SDSS ZWARNING, from bit 0; redrock (DESI) has the same and the last two."""

ZWARNING_FATAL = (0, 1, 3, 5, 7, 8, 9)
"""Bits that spoil the spectrum or its redshift. 2, 4 and 6 sit on good strong-line objects and pass with a note."""


@dataclass(frozen=True)
class Drop:
    """Rows of a block that fail one cut.

    Attributes
    ----------
    name : str
        Key of the cut, e.g. ``"snr"``; cuts are listed in the order in which they are made.
    reason : str
        In words.
    rows : (n,) bool array
        True where a row fails.
    """

    name: str
    reason: str
    rows: NDArray[np.bool_]


def wrong_class(block: SpectrumSet, wanted: str | Sequence[str]) -> Drop:
    """Drop what the survey classified as something else; an object without a class stays."""
    names = {wanted.upper()} if isinstance(wanted, str) else {name.upper() for name in wanted}
    given = texts(block.table, "class")
    rows = np.array([bool(name) and name.upper() not in names for name in given], dtype=bool)
    return Drop("class", f"class is not {' or '.join(sorted(names))}", rows)


def bad_zwarning(block: SpectrumSet, fatal: Sequence[int] | str) -> Drop:
    """Drop rows with a fatal bit of ``zwarning`` (or, with ``"any"``, with any bit); unknown passes."""
    given = numbers(block.table, "zwarning")
    bits = np.where(np.isfinite(given) & (given > 0), given, 0).astype(np.int64)
    if isinstance(fatal, str):
        return Drop("zwarning", "ZWARNING is not 0", bits != 0)
    pattern = sum(1 << int(bit) for bit in set(fatal))
    rows: NDArray[np.bool_] = np.asarray((bits & pattern) != 0)
    return Drop("zwarning", f"ZWARNING has a fatal bit ({', '.join(map(str, sorted(fatal)))})", rows)


def note_zwarning(block: SpectrumSet) -> SpectrumSet:
    """Name the bits of ``zwarning`` in the notes of rows that have any, in the words of the reader's notes."""
    given = numbers(block.table, "zwarning")
    bits = np.where(np.isfinite(given) & (given > 0), given, 0).astype(np.int64)
    if not bits.any():
        return block
    words = np.array([_zwarning_words(int(value)) for value in bits], dtype=object)
    return with_columns(block, {"note": add_notes(block.table, bits != 0, words)})


def _zwarning_words(value: int) -> str:
    said = [f"{bit} {ZWARNING_BITS[bit] if bit < len(ZWARNING_BITS) else 'unknown'}"
            for bit in range(value.bit_length()) if value >> bit & 1]
    return f"ZWARNING {', '.join(said)} passes"


def choose_redshift(block: SpectrumSet, redshift: str) -> SpectrumSet:
    """Set the column ``z`` to the redshift that is used.

    ``"z"`` is the pipeline's. ``"z_noqso"``, as in the paper, is the one fitted without quasar templates where it is
    given and not 0, else the pipeline's; the pipeline's is then kept in ``z_pipeline``.
    """
    z = numbers(block.table, "z")
    if redshift == "z":
        return with_columns(block, {"z": z})
    other = numbers(block.table, "z_noqso")
    use = np.isfinite(other) & (other != 0)
    return with_columns(block, {"z": np.where(use, other, z), "z_pipeline": z})


def redshift_missing(block: SpectrumSet) -> Drop:
    """Drop rows whose redshift is not known, or impossible (z ≤ −1)."""
    z = numbers(block.table, "z")
    return Drop("z_missing", "redshift is missing", ~(np.isfinite(z) & (z > -1)))


def redshift_outside(block: SpectrumSet, limits: tuple[float, float]) -> Drop:
    """Drop rows whose redshift is not strictly inside `limits`."""
    z = numbers(block.table, "z")
    low, high = limits
    outside: NDArray[np.bool_] = ~np.asarray((z > low) & (z < high))
    return Drop("z_range", f"redshift is not between {low:g} and {high:g}", outside)


def nothing_valid(block: SpectrumSet) -> Drop:
    """Drop rows without a single valid pixel."""
    return Drop("no_pixels", "no valid pixel", np.asarray(np.isnan(block.flux).all(axis=1)))


def snr_unknown(block: SpectrumSet) -> Drop:
    """Drop rows whose noise is not known."""
    return Drop("snr_unknown", "S/N is unknown (no ivar)", np.isnan(numbers(block.table, "snr")))


def snr_low(block: SpectrumSet, minimum: float) -> Drop:
    """Drop rows whose median S/N is not above `minimum`."""
    low: NDArray[np.bool_] = np.asarray(numbers(block.table, "snr") <= minimum)
    return Drop("snr", f"median S/N is not above {minimum:g}", low)


def too_many_missing(block: SpectrumSet, share: float) -> Drop:
    """Drop rows with more than `share` of their pixels missing."""
    rows: NDArray[np.bool_] = np.asarray(numbers(block.table, "missing") > share)
    return Drop("missing", f"more than {100 * share:g} % of the pixels are missing", rows)


def median_not_positive(medians: NDArray[np.float64]) -> Drop:
    """Drop rows whose median is not above 0: they cannot be normalised by it."""
    return Drop("median", "median flux is not positive", ~(medians > 0))
