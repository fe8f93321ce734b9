"""Which lines tell a second redshift, and lists of lines that are nowhere, to tell by how much chance does as well."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..lines import ABSORPTION, C_KMS, FILTER_LINES, LINES, NARROW_KMS, Line, line

Doubles = NDArray[np.float64]


SOUGHT: tuple[Line, ...] = (
    Line("OII3729", "[O II]", 0.5 * (line("OII3727").wave + line("OII3730").wave), "emission"),
    *(line(name) for name in ("NeIII3870", "Hd", "Hg", "Hb", "OIII4960", "OIII5008", "NII6550", "Ha", "NII6585",
                              "SII6718", "SII6733")),
)
"""Lines that star-forming galaxies and active nuclei show, [O II] as the one line that is mostly seen."""
GROUPS: NDArray[np.intp] = np.array([0, 1, 2, 3, 4, 5, 5, 6, 6, 6, 7, 7])
"""A number for each; neighbours have one together, for they alone tell no redshift."""
LEADING = ("OII3729", "OIII5008", "Ha")
"""One of these is the strongest of the lines of such a galaxy."""
PAIRS = (("OIII4960", "OIII5008"), ("NII6550", "NII6585"))
"""Fainter and brighter line of one upper level, the brighter about three times as bright: never the fainter alone."""
OTHERS = (4072.0, 4472.73, 4659.4, 4712.7, 4741.5, 5200.5, 5756.2, 6313.8, 6679.99, 7067.1, 7137.8, 7321.0,
          7332.2, 7753.2, 9071.1, 9533.2)
"""Faint lines of the galaxy itself that no list of the package has, vacuum Å ([S II], He I, [Fe III], [Ar III], …)."""
FAINT_KMS = 250.0
"""Half width within which a peak may be a faint line of the galaxy."""
WAVES: Doubles = np.log([item.wave for item in SOUGHT])
"""ln λ of them."""
_BRIGHT = {*FILTER_LINES, *(item.name for item in ABSORPTION)}
_OWN = sorted((*((item.wave, NARROW_KMS if item.name in _BRIGHT else FAINT_KMS) for item in LINES),
               *((wave, FAINT_KMS) for wave in OTHERS)))
OWN: Doubles = np.log([wave for wave, _ in _OWN])
"""ln λ of the lines of the galaxy itself."""
OWN_REACH: Doubles = np.log1p(np.array([reach for _, reach in _OWN]) / C_KMS)
"""Within what of each a peak may be its own, in ln λ: models miss the bright ones by more than their width."""
SCRAMBLES = 199
"""Scrambled line lists from which the chance is told."""


@cache
def scrambled() -> Doubles:
    """Return line lists of which each line lies anywhere between the first and the last, ``(SCRAMBLES, lines)``."""
    made = np.random.default_rng(20040504).uniform(WAVES.min(), WAVES.max(), (SCRAMBLES, WAVES.size))
    made.flags.writeable = False
    return made
