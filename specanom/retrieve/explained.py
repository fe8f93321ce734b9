"""Weights of explanations as vectors: the kin of a spectrum are then those that are odd for the same reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, ShapeError, message
from ..ids import id_texts
from ..seeds import content_hash


class Reasons(NamedTuple):
    """Vectors of explanations, to be given to ``KnowledgeBase.build`` and ``query``.

    Attributes
    ----------
    vectors : (n, K) float64 array
        Of unit length; NaN where nothing was explained, which a knowledge base lists.
    ids : list of str or None
    encoder : str
        Names the cut into segments: weights of another one cannot be compared.
    """

    vectors: NDArray[np.float64]
    ids: list[str] | None
    encoder: str


def reasons(explanations: Any, ids: Iterable[str] | None = None) -> Reasons:
    """Return the |weights| of explanations as vectors of unit length, so that how odd a spectrum is does not count.

    Between unit vectors a Euclidean distance d stands for the cosine ``1 − d²/2``.

    Parameters
    ----------
    explanations : ExplanationSet, or (n, K) array
        Anything with ``weights``, and with ``ids`` and ``segments`` if it has them; or the weights.
    ids : sequence of str, optional
        Instead of its own.

    Raises
    ------
    DataError
        When each spectrum was cut into segments of its own.
    ShapeError
        When the weights are not rows.
    """
    weights = np.abs(np.asarray(getattr(explanations, "weights", explanations), dtype=np.float64))
    if weights.ndim != 2:
        raise ShapeError(message("explanations", expected="weights of shape (n, K)", got=f"shape {weights.shape}"))
    segments = getattr(explanations, "segments", None)
    cut: NDArray[Any] | None = None if segments is None else np.asarray(segments)
    if cut is not None and cut.ndim == 2:
        if len(cut) and (cut != cut[0]).any():
            raise DataError(message("explanations", expected="one cut into segments for all", got="one for each",
                                    hint="explain with segments=sa.Uniform(77), or build from other vectors"))
        cut = cut[0] if len(cut) else None
    with np.errstate(invalid="ignore", divide="ignore"):
        length = np.sqrt(np.square(weights).sum(axis=1, keepdims=True))
        vectors = np.where(length > 0, weights / length, np.nan)
    names = getattr(explanations, "ids", None) if ids is None else ids
    wave = getattr(explanations, "wave", None)
    parts = [np.asarray(one) for one in (cut, wave) if one is not None]
    what = content_hash(*parts) if parts else "no name"
    return Reasons(vectors, None if names is None else id_texts(names, "ids"),
                   f"weights of {weights.shape[1]} segments ({what})")
