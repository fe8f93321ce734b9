"""The process that makes a UMAP (``python -m specanom.cluster.umapping rows.npz xy.npy``), telling its progress."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import require
from .maps import NEIGHBOURS

STARTED, FITTED = 0.15, 0.85
"""Shares told when the graph of neighbours is being made, and when the fit has ended."""
EPOCHS = 300
BLOCK = 1000


def tell(share: float) -> None:
    """Write how far it is."""
    sys.stdout.write(f"share {share:.4f}\n")
    sys.stdout.flush()


class Epochs:
    """A file in the eyes of tqdm, the one hook umap-learn has into its epochs: each bar it writes is one step."""

    def __init__(self, first: float, last: float, expected: int) -> None:
        self._first, self._step, self._count = first, (last - first) / expected, 0
        self._last = last

    def write(self, text: str) -> None:
        """Count a bar."""
        if text.strip():
            self._count += 1
            tell(min(self._last, self._first + self._step * self._count))

    def flush(self) -> None:
        """Do nothing: lines are written through."""


def lay_out(rows: NDArray[np.float32], chosen: NDArray[np.intp], seed: int) -> NDArray[np.float32]:
    """Fit UMAP to the chosen rows and place the others among them, ``(n, 2)``."""
    tell(0.02)
    umap = require("umap", extra="maps")
    tell(STARTED / 2)
    xy = np.zeros((len(rows), 2), dtype=np.float32)
    bar = {"disable": False, "file": Epochs(STARTED, FITTED, EPOCHS), "mininterval": 0, "miniters": 1}
    fitted: Any = umap.UMAP(
        n_neighbors=min(NEIGHBOURS, len(chosen) - 1), min_dist=0.1, random_state=seed, n_jobs=1, n_epochs=EPOCHS,
        init="spectral" if len(chosen) > 10 else "random", tqdm_kwds=bar, verbose=True,
    )  # fmt: skip
    xy[chosen] = fitted.fit_transform(rows[chosen])
    tell(FITTED)
    others = np.setdiff1d(np.arange(len(rows)), chosen)
    fitted.verbose = False
    for start in range(0, len(others), BLOCK):
        part = others[start : start + BLOCK]
        xy[part] = fitted.transform(rows[part])
        tell(FITTED + (1 - FITTED) * (start + part.size) / others.size)
    return xy


def main(source: str, target: str) -> None:
    """Read rows from `source`, write their places to `target`."""
    warnings.simplefilter("ignore")
    with np.load(source, allow_pickle=False) as stored:
        xy = lay_out(stored["rows"], stored["chosen"], int(stored["seed"]))
    np.save(target, xy, allow_pickle=False)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
