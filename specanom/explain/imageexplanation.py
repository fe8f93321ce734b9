"""The record of one explained image, and of the perturbed copies it was explained by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, ShapeError, message
from ..face import opener
from .explanation import Explanation
from .masks import DESIGNS, make_masks

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False, repr=False)
class ImageExplanation(Explanation):
    """Which superpixels of an image make its score what it is.

    As an :class:`Explanation`, but there are no wavelengths: `wave` is empty, `edges` None, and the shares of the
    context are NaN.

    Attributes
    ----------
    segments : (h, w) int array
        Ids 0…K−1 of the superpixels.
    flux : (h, w) or (h, w, c) float32 array
        The image, also called `image`. Row 0 is drawn at the bottom, as FITS images are.
    fill : array like the image
        What replaced superpixels that were off.
    """

    fill: Floats | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.fill is not None:
            view = self.fill.view()
            view.flags.writeable = False
            object.__setattr__(self, "fill", view)

    @property
    def image(self) -> Floats:
        """The image that was explained."""
        assert self.flux is not None  # an image is always kept
        return self.flux

    @property
    def shape(self) -> tuple[int, ...]:
        """``(h, w)`` or ``(h, w, c)``."""
        return self.image.shape

    @property
    def edges(self) -> None:
        """None: superpixels have no wavelengths."""
        return None

    @property
    def intervals(self) -> tuple[tuple[tuple[float, float], ...], ...]:
        """Empty for each superpixel."""
        return ((),) * self.n_segments

    @property
    def widths(self) -> NDArray[np.float64]:
        """Number of pixels of each superpixel, shape ``(K,)``, which its weight is held against: images have no Å."""
        return np.bincount(self.segments.ravel()).astype(np.float64)

    def heat(self) -> NDArray[np.float64]:
        """Return the weight of each pixel's superpixel, shape ``(h, w)``."""
        return self.per_pixel()

    def top(self, n: int = 5, *, sign: int = 0) -> NDArray[np.bool_]:
        """Say which pixels lie in the `n` leading superpixels.

        Parameters
        ----------
        n : int
            How many, at most.
        sign : {0, 1, -1}
            Those of any weight, of those that raise the score, or of those that lower it.

        Returns
        -------
        (h, w) bool array
        """
        wanted = [k for k in self.order if self.weights[k] != 0 and sign * self.weights[k] >= 0]
        return np.isin(self.segments, wanted[:n])

    def to_frame(self) -> pd.DataFrame:
        """Return one row a superpixel: segment, name, row, column (of its centre), pixels, weight, error, limits."""
        import pandas as pd

        size = np.bincount(self.segments.ravel())
        row, column = (np.bincount(self.segments.ravel(), weights=at.ravel()) / size
                       for at in np.indices(self.segments.shape))
        return pd.DataFrame({
            "segment": np.arange(self.n_segments), "name": list(self.names), "row": row, "column": column,
            "pixels": size, "weight": self.weights,
            "error": np.full(self.n_segments, np.nan) if self.error is None else self.error,
            "lower": self.interval[:, 0], "upper": self.interval[:, 1],
        })

    def plot(self, **options: Any) -> Any:
        """Return a bokeh figure; see :func:`specanom.plots.image_explanation` for the options."""
        return opener("plot image explanation")(self, **options)

    def __repr__(self) -> str:
        best = ", ".join(f"{name} {weight:+.3g}" for name, weight in self.as_list(3))
        return (f"ImageExplanation of {' × '.join(map(str, self.shape))} pixels: score {self.score:.4g}, "
                f"{self.n_segments} superpixels, {self.grade} ({self.reason}); {best}")


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Some of the perturbed copies an image is explained by.

    Attributes
    ----------
    images : (n, h, w[, c]) float32 array
        The first is the image itself.
    masks : (n, K) uint8 array
        1 where a superpixel is as observed.
    scores : (n,) float64 array
    segments : (h, w) int array
    """

    images: Floats
    masks: NDArray[np.uint8]
    scores: NDArray[np.float64]
    segments: NDArray[np.intp]

    def plot(self, **options: Any) -> Any:
        """Return a bokeh figure; see :func:`specanom.plots.neighbours`."""
        return opener("plot neighbours")(self, **options)

    def __repr__(self) -> str:
        return (f"Neighbours: {len(self.scores)} copies of an image, scores {self.scores.min():.4g} – "
                f"{self.scores.max():.4g}")


def neighbours(e: ImageExplanation, score: Any, n: int = 12) -> Neighbours:
    """Return the image and `n − 1` perturbed copies of it with their scores, to see what the score was asked.

    Parameters
    ----------
    e : ImageExplanation
        What was explained.
    score : callable
        The score, ``(n, h, w[, c]) -> (n,)``.
    n : int
        Number of images.
    """
    if n < 2 or e.fill is None:
        raise ArgumentError(message("n", expected="at least 2 images, of an explanation with its fill", got=n))
    method = e.settings.get("method", {})
    design = method.get("design") if isinstance(method, dict) else None
    masks = make_masks(int(e.settings.get("seed", 0)), e.n_segments, max(n, e.n_samples),
                       design if design in DESIGNS else "independent")[:n]
    on = masks[:, e.segments].astype(bool)
    images = np.where(on.reshape(*on.shape, *(1,) * (e.image.ndim - 2)), e.image, e.fill)
    scores = np.asarray(score(images), dtype=np.float64)
    if scores.shape != (n,):
        raise ShapeError(message("score", expected=f"one value an image, shape ({n},)", got=f"shape {scores.shape}"))
    return Neighbours(images, masks, scores, e.segments)
