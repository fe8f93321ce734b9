"""Which lines are fitted, which are tied, and in which windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..lines import C_KMS, line

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Component:
    """Gaussians that share one amplitude.

    Attributes
    ----------
    name : str
        Name of the line whose flux the amplitude is.
    waves : tuple of float
        Rest wavelengths, vacuum Å.
    ratios : tuple of float
        Flux of each in units of the first.
    family : {"narrow", "broad"}
        Components of a family share their velocity and width.
    """

    name: str
    waves: tuple[float, ...]
    ratios: tuple[float, ...]
    family: str = "narrow"


def _one(name: str) -> Component:
    return Component(name, (line(name).wave,), (1.0,))


def _tied(name: str, other: float, ratio: float) -> Component:
    return Component(name, (line(name).wave, other), (1.0, ratio))


OIII_RATIO = 1 / 2.98
NII_RATIO = 1 / 3.0
OI_RATIO = 1 / 3.1
# [Ne III] 3968.59 sits between Ca H and Hε: it is part of the 3870 component, so that Hε is hydrogen alone.
NARROW: tuple[Component, ...] = (
    _one("OII3727"),
    _one("OII3730"),
    _tied("NeIII3870", 3968.59, 0.301),
    _one("Hzeta"),
    _one("Hepsilon"),
    _one("Hd"),
    _one("Hg"),
    _one("OIII4364"),
    _one("HeII4687"),
    _one("Hb"),
    _tied("OIII5008", line("OIII4960").wave, OIII_RATIO),
    _one("HeI5877"),
    _tied("OI6302", line("OI6366").wave, OI_RATIO),
    _one("Ha"),
    _tied("NII6585", line("NII6550").wave, NII_RATIO),
    _one("SII6718"),
    _one("SII6733"),
)
BROAD: tuple[Component, ...] = tuple(
    Component(name, (line(name).wave,), (1.0,), "broad") for name in ("Hg", "Hb", "Ha")
)

TIED_LINES: dict[str, tuple[str, float]] = {
    "OIII4960": ("OIII5008", OIII_RATIO),
    "NII6550": ("NII6585", NII_RATIO),
    "OI6366": ("OI6302", OI_RATIO),
}
"""Lines whose flux follows from another's by atomic physics."""

MEASURED: tuple[str, ...] = (
    "OII3727",
    "OII3730",
    "NeIII3870",
    "Hzeta",
    "Hepsilon",
    "Hd",
    "Hg",
    "OIII4364",
    "HeII4687",
    "Hb",
    "OIII4960",
    "OIII5008",
    "HeI5877",
    "OI6302",
    "OI6366",
    "NII6550",
    "Ha",
    "NII6585",
    "SII6718",
    "SII6733",
)
"""Every line that :func:`.measure_lines` reports, by wavelength; ``OII`` is the sum of the doublet beside them."""

Window = tuple[float, float, int]
NARROW_WINDOWS: tuple[Window, ...] = (
    (3690, 3768, 1),
    (3835, 4000, 3),
    (4055, 4150, 2),
    (4300, 4405, 2),
    (4645, 4730, 1),
    (4812, 4915, 2),
    (4920, 5060, 2),
    (5835, 5920, 1),
    (6262, 6410, 2),
    (6490, 6640, 2),
    (6675, 6775, 2),
)
"""Lower and upper edge (rest Å) and the degree of the polynomial on the continuum inside."""
BROAD_WINDOWS: tuple[Window, ...] = (
    (3690, 3768, 1),
    (3835, 4000, 3),
    (4055, 4150, 2),
    (4200, 4480, 2),
    (4600, 5100, 3),
    (5835, 5920, 1),
    (6262, 6900, 3),
)
SODIUM = (5885.0, 5907.0)
"""Na D, which gas between the stars absorbs too: never part of a window."""


def window_design(wave: Floats, windows: tuple[Window, ...]) -> tuple[NDArray[np.intp], Floats]:
    """Return the pixels inside the windows and their polynomial columns, ``(m,)`` and ``(m, k)``."""
    pixels, blocks = [], []
    for lo, hi, degree in windows:
        inside = np.flatnonzero((wave >= lo) & (wave <= hi) & ((wave < SODIUM[0]) | (wave > SODIUM[1])))
        x = (2 * wave[inside] - lo - hi) / (hi - lo)
        pixels.append(inside)
        blocks.append(np.polynomial.legendre.legvander(x, degree))
    rows = sum(len(p) for p in pixels)
    design = np.zeros((rows, sum(b.shape[1] for b in blocks)))
    row = column = 0
    for block in blocks:
        design[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    return np.concatenate(pixels).astype(np.intp), design


def line_pixels(wave: Floats, velocity: float, names: tuple[str, ...] = MEASURED) -> Bools:
    """Return which pixels lie within ±`velocity` km/s of the named lines."""
    centres = np.array([line(name).wave for name in names])[:, None]
    return np.asarray((np.abs(wave - centres) < centres * velocity / C_KMS).any(axis=0))
