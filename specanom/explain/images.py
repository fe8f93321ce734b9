"""Images: superpixels instead of segments, everything else as for spectra.

An image ``(h, w)`` or ``(h, w, c)`` is laid out in one row of pixels, the ids of its superpixels repeated for each
channel, and the score is handed rows folded back into images. So every method, evaluator and grade serves as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, ShapeError, message
from ..protocols import Perturbation
from ..seeds import content_hash, object_seed
from .attribution import Attribution, Evaluator, Method
from .context import Context
from .evaluate import evaluator_of
from .grades import grade_of
from .imageexplanation import ImageExplanation
from .perturb import fill_of
from .problem import Problem
from .refine import answer
from .segments import checked

Floats = NDArray[np.float32]


class Explains(Protocol):
    """The parts of an explainer that images need."""

    @property
    def score(self) -> Any:
        """``(n, h, w[, c]) -> (n,)``."""
        ...

    @property
    def segments(self) -> Any:
        """Cuts an image, ``(image, None) -> (h, w)`` ids."""
        ...

    @property
    def perturbation(self) -> Perturbation:
        """Makes the fill, of the shape of the image."""
        ...

    @property
    def method(self) -> Method:
        """How scores become weights."""
        ...

    @property
    def seed(self) -> int:
        """Of masks and random fills."""
        ...

    @property
    def settings(self) -> dict[str, Any]:
        """What explanations depend on."""
        ...


@dataclass(frozen=True, eq=False)
class ImageScore:
    """A score of images, asked by rows of pixels.

    Attributes
    ----------
    score : callable
        ``(n, h, w[, c]) -> (n,)``.
    shape : tuple of int
        ``(h, w)`` or ``(h, w, c)``.
    """

    score: Any
    shape: tuple[int, ...]

    def __call__(self, flux: NDArray[Any], /) -> NDArray[np.float64]:
        """Return the ``(n,)`` scores of ``(n, p)`` rows."""
        made: NDArray[np.float64] = self.score(flux.reshape(-1, *self.shape))
        return made


def is_image(given: object) -> bool:
    """Say whether an array has the dimensions of one image, ``(h, w)`` or ``(h, w, c)``."""
    return isinstance(given, np.ndarray) and given.ndim in (2, 3)


def explain_image(parts: Explains, image: NDArray[Any]) -> tuple[ImageExplanation, tuple[str, ...]]:
    """Explain one image: what ``Explainer.explain`` does with arrays of two or three dimensions.

    Many are explained one by one, ``[explainer.explain(image) for image in images]``; masks are shared among all
    with as many superpixels.

    Parameters
    ----------
    parts : Explainer
        Its score takes ``(n, h, w)`` or ``(n, h, w, c)``, and its segmenter gives ``(h, w)`` ids: :class:`Slic`,
        :class:`Grid`, :class:`Given` or a callable of your own, called with the image and None.
    image : (h, w) or (h, w, c) array
        Finite values.

    Returns
    -------
    explanation : ImageExplanation
    notes : tuple of str
        Warnings about the fit.

    Raises
    ------
    DataError
        When a pixel or a score is not finite.
    ShapeError
        When score or segmenter are those of spectra.
    """
    pixels = _pixels(parts, image)
    ids = _cut(parts.segments, pixels)
    id = content_hash(pixels)
    score = ImageScore(parts.score, pixels.shape)

    def evaluator_at(ids: NDArray[np.intp]) -> Evaluator:
        fill = fill_of(parts.perturbation, pixels, ids, seed=object_seed(parts.seed, id),
                       reconstruct=getattr(parts.score, "reconstruct", None))
        if getattr(parts.segments, "last_stays", False):
            stays = ids == ids.max()
            fill[stays] = pixels[stays]
        return evaluator_of(Problem(score, pixels.ravel(), fill.ravel(), _by_channel(ids, pixels.shape)))

    evaluator, found = answer(evaluator_at, parts.segments, ids, method=parts.method, seed=parts.seed)
    return _record(pixels, evaluator, found, settings=parts.settings, id=id), found.notes


def _pixels(parts: Explains, image: NDArray[Any]) -> Floats:
    shape = np.shape(image)
    if hasattr(parts.score, "bind") or getattr(parts.segments, "images", True) is False:
        part = "score" if hasattr(parts.score, "bind") else "segmenter"
        raise ShapeError(message("spectrum", expected=f"a Spectrum or a (p,) array, with a {part} of spectra",
                                 got=f"shape {shape}",
                                 hint="explain_many for several spectra; for an image a function (n, h, w) -> (n,) "
                                      "and Slic(50) or Grid(8, 8)"))
    if not np.issubdtype(np.asarray(image).dtype, np.number) or 0 in shape:
        raise ShapeError(message("image", expected="numbers of shape (h, w) or (h, w, c)", got=f"shape {shape}"))
    pixels = np.array(image, dtype=np.float32, order="C")  # the explanation keeps it, whatever becomes of the array
    if not np.isfinite(pixels).all():
        raise DataError(message("image", expected="finite values", got=f"{int((~np.isfinite(pixels)).sum())} not",
                                hint="np.nan_to_num(image, nan=np.nanmedian(image))"))
    return pixels


def _cut(segmenter: Any, pixels: Floats) -> NDArray[np.intp]:
    return checked(segmenter(pixels, None), pixels.shape[:2])


def _by_channel(ids: NDArray[np.intp], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the superpixel of each value of the image laid out in one row."""
    return np.repeat(ids.ravel(), int(np.prod(shape[2:])))


def _record(
    pixels: Floats, evaluator: Evaluator, found: Attribution, *, settings: dict[str, Any], id: str
) -> ImageExplanation:
    height, width = pixels.shape[:2]
    ids = evaluator.problem.segments.reshape(height, width, -1)[:, :, 0]
    unknown = float("nan")
    context = Context(unknown, unknown, unknown, unknown, unknown, unknown,
                      names=tuple(f"superpixel {k}" for k in range(found.weights.size)))
    grade = grade_of(found)
    return ImageExplanation(
        found.weights, found.interval, ids, np.empty(0), score=found.score, intercept=found.intercept, r2=found.r2,
        ess=found.ess, grade=grade.grade, reason=grade.reason, context=context, path=found.path or evaluator.path,
        kernel=found.kernel, id=id, frame="",
        settings=settings, error=found.error, stability=found.stability, completeness=found.completeness,
        n_samples=found.n_samples, flux=pixels, fill=evaluator.problem.fill.reshape(pixels.shape),
    )
