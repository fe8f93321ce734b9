"""Squared residuals as quadratic forms in the coordinates of a basis: the pixels are needed once, not at each step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .on_disk import OnDisk


class GramsOnDisk:
    """Symmetric matrices ``(n, q, q)`` in a temporary file, their upper triangles only.

    Parameters
    ----------
    n, q : int
        How many, and their width.
    folder : Path, optional
        Where the file is; the system's folder for temporary files by default.
    """

    def __init__(self, n: int, q: int, folder: Path | None) -> None:
        first, second = np.triu_indices(q)
        self._packed = OnDisk.temporary((n, len(first)), folder)
        self._place = np.empty((q, q), dtype=np.intp)
        self._place[first, second] = self._place[second, first] = np.arange(len(first))

    def put(self, start: int, packed: NDArray[np.float32]) -> None:
        """Write upper triangles ``(m, q (q + 1) / 2)`` from `start` on."""
        self._packed.put(start, packed)

    def __getitem__(self, where: Tensor) -> Tensor:
        """Read some matrices, ``(b, q, q)``, to the device of `where`."""
        packed = self._packed[where.cpu().numpy()]
        # Not packed[:, place]: its layout in memory is another, and so would be the order of sums.
        return torch.from_numpy(np.take(packed, self._place, axis=1)).to(where.device)


class GramsInMemory:
    """Symmetric matrices ``(n, q, q)`` on a device."""

    def __init__(self, n: int, q: int, device: torch.device) -> None:
        self._first, self._second = (torch.from_numpy(part).to(device) for part in np.triu_indices(q))
        self._full = torch.empty(n, q, q, device=device)

    def put(self, start: int, packed: NDArray[np.float32]) -> None:
        """Set upper triangles ``(m, q (q + 1) / 2)`` from `start` on."""
        part = self._full[start : start + len(packed)]
        values = torch.from_numpy(packed).to(part.device)
        part[:, self._first, self._second] = values
        part[:, self._second, self._first] = values

    def __getitem__(self, where: Tensor) -> Tensor:
        """Return some matrices, ``(b, q, q)``."""
        return self._full[where]


Grams = GramsInMemory | GramsOnDisk


@dataclass(frozen=True, eq=False)
class Forms:
    """Squared residuals over pixels as quadratic forms in the coordinates of a basis, one for each spectrum.

    A spectrum's weighted squared residual is Σ w (r − e·axes)², where e is what is wrong in its coordinates and r
    what lies outside the span: ``e·gram·e − 2·e·lean + rest``. Without weights gram is the identity and lean is 0.
    """

    gram: Tensor | None
    lean: Tensor | None
    rest: Tensor

    def __call__(self, wrong: Tensor) -> Tensor:
        """Return ``(b,)`` summed squared residuals of errors ``(b, q)`` in the coordinates."""
        if self.gram is None or self.lean is None:
            return wrong.square().sum(dim=1) + self.rest
        pulled = torch.bmm(self.gram, wrong[:, :, None])[:, :, 0]
        return ((pulled - 2.0 * self.lean) * wrong).sum(dim=1) + self.rest


@dataclass(frozen=True, eq=False)
class FormsOfAll:
    """The forms of all spectra of a source, of which some are picked at each step."""

    grams: Grams | None
    leans: Tensor | None
    rests: Tensor

    def pick(self, where: Tensor) -> Forms:
        """Return the forms of some spectra."""
        if self.grams is None or self.leans is None:
            return Forms(None, None, self.rests[where])
        return Forms(self.grams[where], self.leans[where], self.rests[where])
