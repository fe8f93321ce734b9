"""How much memory the jobs of a run take, from what it reads."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .checks import count

BYTES = 9
"""Of one pixel: flux and inverse variance in single precision, and a mask."""
COPIES = 8
"""Arrays of the size of a partition that a worker holds at most: what is read, what is made of it, and between."""
PROGRAM = 1.5e9
"""Bytes that Python takes with torch, before any spectrum."""
ROW = 4e3
"""Bytes of a spectrum in the tables of the main process: scores, latent numbers, names."""
HELD = 200_000
"""Spectra that the main process holds at most when it trains."""


@dataclass(frozen=True)
class Sizes:
    """How large a survey is.

    Parameters
    ----------
    spectra : int
    pixels : int
        Of a spectrum: about 3,800 for SDSS, 7,781 for DESI.
    partition : int
        Spectra that a task works on.
    """

    spectra: int = 1_000_000
    pixels: int = 7781
    partition: int = 4096

    def __post_init__(self) -> None:
        for name in ("spectra", "pixels", "partition"):
            count(name, getattr(self, name))

    @property
    def worker(self) -> int:
        """Memory of one worker, GiB."""
        return _gib(PROGRAM + COPIES * min(self.partition, self.spectra) * self.pixels * BYTES)

    @property
    def main(self) -> int:
        """Memory of the main process, GiB."""
        held = min(self.spectra, HELD) * self.pixels * 4
        return _gib(2 * PROGRAM + ROW * self.spectra + held)


def _gib(size: float) -> int:
    return math.ceil(size / 2**30)
