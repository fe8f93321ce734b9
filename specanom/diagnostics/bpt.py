"""Where a galaxy lies on the diagram of Baldwin, Phillips & Terlevich (1981), and what that says about its gas."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ShapeError, choice, message

Floats = NDArray[np.float64]

CLASSES = ("SF", "composite", "Seyfert", "LINER", "none")
"""Star forming, composite, Seyfert, LINER, and not classified."""
DIVISIONS: dict[str, tuple[float, float]] = {"schawinski2007": (1.05, 0.45), "steep": (1.18, 0.77)}
"""Slope and intercept between Seyferts (above) and LINERs: Schawinski et al. 2007, and a steeper one in use."""


def kauffmann2003(log_n2: ArrayLike) -> Floats:
    """Return log [O III]/Hβ of the empirical limit of star formation (Kauffmann et al. 2003); −inf right of it."""
    return _hyperbola(log_n2, 0.05, 1.30)


def kewley2001(log_n2: ArrayLike) -> Floats:
    """Return log [O III]/Hβ of the theoretical limit of starbursts (Kewley et al. 2001); −inf right of it."""
    return _hyperbola(log_n2, 0.47, 1.19)


def _hyperbola(log_n2: ArrayLike, asymptote: float, offset: float) -> Floats:
    x = np.asarray(log_n2, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x < asymptote, 0.61 / (x - asymptote) + offset, np.where(np.isnan(x), np.nan, -np.inf))


def seyfert_liner(log_n2: ArrayLike, division: str = "schawinski2007") -> Floats:
    """Return log [O III]/Hβ of the line between Seyferts and LINERs at ``log_n2``."""
    slope, intercept = DIVISIONS[choice("division", division, DIVISIONS)]
    return np.asarray(slope * np.asarray(log_n2, dtype=np.float64) + intercept)


def bpt_class(log_n2: ArrayLike, log_o3: ArrayLike, *, division: str = "schawinski2007") -> NDArray[np.object_]:
    """Classify galaxies by log [N II] 6585/Hα and log [O III] 5008/Hβ.

    Parameters
    ----------
    log_n2, log_o3 : (n,) arrays
        Decimal logarithms; NaN where a line is not seen.
    division : {"schawinski2007", "steep"}
        Between Seyfert and LINER: y = 1.05x + 0.45, or y = 1.18x + 0.77.

    Returns
    -------
    (n,) array of str
        ``"SF"`` below Kauffmann et al. (2003), ``"composite"`` up to Kewley et al. (2001), ``"Seyfert"`` or ``"LINER"``
        above, ``"none"`` where a ratio is missing.

    Examples
    --------
    >>> list(bpt_class([-0.8, 0.0, 0.2], [0.0, 0.9, 0.3]))
    ['SF', 'Seyfert', 'LINER']
    """
    x, y = np.atleast_1d(np.asarray(log_n2, dtype=float)), np.atleast_1d(np.asarray(log_o3, dtype=float))
    if x.shape != y.shape or x.ndim != 1:
        raise ShapeError(message("log_o3", expected=f"shape {x.shape} as log_n2", got=f"shape {y.shape}"))
    made = np.where(y >= seyfert_liner(x, division), "Seyfert", "LINER").astype(object)
    made[y < kewley2001(x)] = "composite"
    made[y < kauffmann2003(x)] = "SF"
    made[~(np.isfinite(x) & np.isfinite(y))] = "none"
    return made


def bpt_curves(division: str = "schawinski2007", points: int = 200) -> dict[str, tuple[Floats, Floats]]:
    """Return the dividing curves for a plot: name → (log [N II]/Hα, log [O III]/Hβ).

    The Seyfert-LINER line starts where it leaves the curve of Kewley et al. (2001).
    """
    left = np.linspace(-2.0, 0.0, points)
    middle = np.linspace(-2.0, 0.35, points)
    right = np.linspace(-2.0, 0.6, 20 * points)
    right = right[seyfert_liner(right, division) >= kewley2001(right)]
    right = np.linspace(right[0], 0.6, points)
    return {
        "Kauffmann 2003": (left, kauffmann2003(left)),
        "Kewley 2001": (middle, kewley2001(middle)),
        "Seyfert/LINER": (right, seyfert_liner(right, division)),
    }
