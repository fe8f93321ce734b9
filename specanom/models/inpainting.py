"""Spectra with stretches hidden, beside what was predicted there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .infer import Floats


@dataclass(frozen=True, eq=False)
class Inpainting:
    """Spectra with stretches hidden, and what the rest of each let expect there.

    Made by :meth:`TransformerEncoder.inpaint`.

    Attributes
    ----------
    wave : (p,) array or None
        Vacuum Å.
    flux : (n, p) array
        What was observed, NaN where nothing is known.
    made : (n, p) array
        Prediction in hidden pixels, NaN elsewhere.
    hidden : (n, p) bool array
        What the network did not see.
    """

    wave: NDArray[np.float64] | None
    flux: Floats
    made: Floats
    hidden: NDArray[np.bool_]

    @property
    def error(self) -> NDArray[np.float64]:
        """Root mean squared residual over the hidden pixels of each spectrum, ``(n,)``; NaN where none is known."""
        squares = np.square(self.flux - self.made, dtype=np.float64)
        good = np.isfinite(squares)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.sqrt(np.where(good, squares, 0.0).sum(axis=1) / good.sum(axis=1)))

    def __repr__(self) -> str:
        return (f"Inpainting: {len(self.flux)} spectra, {self.hidden.mean():.0%} of their pixels hidden, "
                f"median error {np.nanmedian(self.error):.3g}")
