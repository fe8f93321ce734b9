"""The record of one explanation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, message
from ..face import opener
from .context import Context
from .segments import edges_of, intervals_of

if TYPE_CHECKING:
    import pandas as pd

_ARRAYS = ("weights", "interval", "segments", "wave", "error", "flux")


@dataclass(frozen=True, eq=False)
class Explanation:
    """Which segments of a spectrum make its score what it is.

    Attributes
    ----------
    weights : (K,) float64 array
        Positive: this segment, as observed, raises the score against its fill.
    interval : (K, 2) float64 array
        95 % interval of each weight over the drawing of masks; NaN where it cannot be known.
    segments : (p,) int array
        Ids 0…K−1 of the pixels.
    wave : (p,) float64 array
        Vacuum Å, in `frame`.
    score : float
        Score of the spectrum.
    intercept : float
        The surrogate's score with every segment filled.
    r2, ess : float
        Weighted R² of the surrogate, effective number of samples.
    error : (K,) float64 array
        Standard error of each weight over the drawing of masks; NaN where it cannot be known.
    stability : float
        Probability that another drawing of as many masks has the same segment of largest |weight|; 1 for methods
        without chance.
    completeness : float
        How far the weights are from adding up to the difference between the scores of spectrum and fill, as a share
        of that difference.
    n_samples : int
        Number of perturbed copies that were scored.
    grade, reason : str
        ``"trusted"``, ``"unstable"`` or ``"poor fit"``, and why.
    context : Context
        What lies where the weights are, and names of the segments.
    path : str
        Which evaluator made the scores, and why that one.
    kernel : str
        The proximity kernel of the masks in words; empty for methods without one.
    id : str
    frame : str
        ``"rest"`` or ``"observed"``.
    settings : mapping
        Segments, perturbation, method with its kernel, seed and score, as plain values.
    flux : (p,) float32 array or None
        The spectrum, for plots.
    """

    weights: NDArray[np.float64]
    interval: NDArray[np.float64]
    segments: NDArray[np.intp]
    wave: NDArray[np.float64]
    score: float
    intercept: float
    r2: float
    ess: float
    grade: str
    reason: str
    context: Context
    path: str = "generic"
    kernel: str = ""
    id: str = ""
    frame: str = "rest"
    settings: Mapping[str, Any] = field(default_factory=dict)
    error: NDArray[np.float64] | None = None
    stability: float = float("nan")
    completeness: float = float("nan")
    n_samples: int = 0
    flux: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            array = getattr(self, name)
            if array is not None:
                view = array.view()
                view.flags.writeable = False
                object.__setattr__(self, name, view)
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))

    def __reduce__(self) -> tuple[Any, ...]:
        # Read-only mappings cannot be pickled: worker processes send the parts.
        return partial(type(self), **{**self.__dict__, "settings": dict(self.settings)}), ()

    @property
    def n_segments(self) -> int:
        """K."""
        return int(self.weights.size)

    @property
    def edges(self) -> NDArray[np.float64] | None:
        """The K + 1 wavelengths between segments, Å, ascending; None when segments are not one interval each."""
        return edges_of(self.segments, self.wave)

    @property
    def intervals(self) -> tuple[tuple[tuple[float, float], ...], ...]:
        """Wavelength intervals ``(lo, hi)`` of each segment, Å."""
        return intervals_of(self.segments, self.wave)

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each segment."""
        return self.context.names

    @property
    def artefact(self) -> float:
        """Probability of an artefact, see :class:`Context`; NaN where it cannot be told."""
        return self.context.artefact

    @property
    def untold(self) -> str:
        """Why there is no probability of an artefact of objects of this sort, see :class:`Context`; empty otherwise."""
        return self.context.untold

    @property
    def z_second(self) -> float:
        """Redshift of the lines of another galaxy, see :class:`Context`; NaN without such lines."""
        return self.context.z_second

    @property
    def order(self) -> NDArray[np.intp]:
        """Segments by falling |weight|, shape ``(K,)``."""
        return np.argsort(-np.abs(self.weights), kind="stable")

    def per_pixel(self) -> NDArray[np.float64]:
        """Return the weight of each pixel's segment, shape ``(p,)``."""
        return self.weights[self.segments]

    def per_angstrom(self) -> NDArray[np.float64]:
        """Return each weight over the width of its segment in Å, shape ``(K,)``: for segments of different widths.

        A wide segment collects more weight than a narrow one; per Å they can be compared. Spectra without wavelengths
        are measured in pixels.
        """
        return np.asarray(self.weights / self.widths)

    @property
    def widths(self) -> NDArray[np.float64]:
        """Width of each segment, Å, shape ``(K,)``."""
        return np.array([sum(hi - lo for lo, hi in spans) for spans in self.intervals])

    def as_list(self, n: int | None = None) -> list[tuple[str, float]]:
        """Return ``(name, weight)`` pairs by falling |weight|, as lime's explanations do; `n` of them, or all.

        Segments that share a name are told apart by their wavelengths, in `frame`.

        Raises
        ------
        ArgumentError
            When `n` is no whole number, or below zero.
        """
        if n is not None and (isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0):
            raise ArgumentError(message("n", expected="how many segments, 0 or more, or None for all", got=repr(n),
                                        hint="as_list(3)"))
        several, spans = Counter(self.names), self.intervals
        told = [f"{name}, {spans[k][0][0]:.0f}–{spans[k][-1][1]:.0f}" if several[name] > 1 else name
                for k, name in enumerate(self.names)]
        return [(told[k], float(self.weights[k])) for k in self.order[:n]]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a segment: segment, name, lo, hi (Å), weight, error, lower, upper, narrow."""
        import pandas as pd

        spans = self.intervals
        narrow = self.context.narrow
        return pd.DataFrame({
            "segment": np.arange(self.n_segments), "name": list(self.names),
            "lo": [span[0][0] for span in spans], "hi": [span[-1][1] for span in spans],
            "weight": self.weights, "error": np.full(self.n_segments, np.nan) if self.error is None else self.error,
            "lower": self.interval[:, 0], "upper": self.interval[:, 1],
            "narrow": [None] * self.n_segments if narrow is None else narrow,
        })

    def to_shap(self) -> Any:
        """Return a ``shap.Explanation``; see :func:`specanom.explain.exports.to_shap`."""
        return opener("explanation to shap")(self)

    def to_xarray(self) -> Any:
        """Return an ``xarray.Dataset``; see :func:`specanom.explain.exports.to_xarray`."""
        return opener("explanation to xarray")(self)

    def plot(self, **options: Any) -> Any:
        """Return a bokeh figure; see :func:`specanom.plots.explanation` for the options."""
        return opener("plot explanation")(self, **options)

    def __repr__(self) -> str:
        best = ", ".join(f"{name} {weight:+.3g}" for name, weight in self.as_list(3))
        kernel = f", kernel {self.kernel}" if self.kernel else ""
        return (f"Explanation of {self.id!r}: score {self.score:.4g}, {self.n_segments} segments, {self.grade} "
                f"({self.reason}); {best}; {self.path}; N = {self.n_samples}{kernel}")
