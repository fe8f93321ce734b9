"""Explaining from coarse to fine: cut what carries weight into smaller segments and explain again.

Many small segments share few samples, so that each weight is noisy; few large segments say little about where. The
rounds here share one budget of samples: the first finds the large segments that matter, and only those are cut
further, so that the last round has small segments where the weight is and large ones elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, is_dataclass, replace
from typing import Any, ClassVar, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, choice, message
from ..protocols import Segmenter
from .attribution import Attribution, Evaluator, Method
from .segments import Uniform, numbered

Ids = NDArray[np.intp]
SURE = 2.0  # standard errors by which a weight must differ from none before its segment is cut
PARTS = (2, 4, 8, 16)
START = Uniform(40)


@dataclass(frozen=True)
class Refined:
    """Segments that start coarse and are cut where the weight is, within one budget of samples.

    An explainer recognises it by ``refines``; on its own it cuts as `start` does.

    Parameters
    ----------
    start : Segmenter
        The coarse cut; of spectra or of images.
    depth : int
        How many times what leads is cut again; the samples of the method are divided among ``depth + 1`` rounds.
    parts : {2, 4, 8, 16}
        Pieces of equal numbers of pixels into which a segment is cut.
    leading : int
        At most so many segments are cut in a round: those of the greatest \\|weight\\|, when it is more than twice
        its standard error.
    finest : int
        Pixels below which no piece is made.

    Notes
    -----
    The weights are those of the last round alone, so they are what the method gives for these segments with its
    share of the samples; when nothing more is to be cut, that is all that are left. Where the segments are was chosen
    from earlier rounds with other masks. A wide segment collects more weight than a narrow one of the same kind:
    compare ``explanation.per_angstrom()``. Fine features are found more exactly than by equal segments; what is as
    wide as a coarse segment is cut up without need.

    Examples
    --------
    >>> Refined(Uniform(2), parts=2, finest=1).split(np.array([0, 0, 1, 1]), np.array([0.0, 1.0]))
    array([0, 0, 1, 2])
    """

    start: Segmenter = START
    depth: int = 2
    parts: int = 4
    leading: int = 5
    finest: int = 4
    uses_flux: ClassVar[bool] = True  # the cut follows the weights of each spectrum, even where the start does not
    refines: ClassVar[bool] = True

    def __post_init__(self) -> None:
        choice("parts", self.parts, PARTS)
        for name in ("depth", "leading", "finest"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise ArgumentError(message(name, expected="a whole number of at least 1", got=repr(value)))
        if not callable(self.start) or isinstance(self.start, type) or getattr(self.start, "refines", False):
            raise ArgumentError(message("start", expected="a segmenter such as Uniform(40)", got=repr(self.start)))

    @property
    def frame(self) -> str | None:
        """``"rest"`` when the start needs rest-frame wavelengths."""
        return getattr(self.start, "frame", None)

    @property
    def images(self) -> bool:
        """Whether images can be cut: not when the start is for spectra alone."""
        return getattr(self.start, "images", True) is not False

    def __call__(self, flux: NDArray[Any], wave: NDArray[np.float64] | None = None) -> Ids:
        """Return the coarse ids, of the shape of the pixels."""
        return self.start(flux, wave)  # type: ignore[arg-type]  # images have no wavelengths

    def split(
        self, ids: Ids, weights: NDArray[np.float64], error: NDArray[np.float64] | None = None
    ) -> Ids | None:
        """Cut the leading segments.

        Parameters
        ----------
        ids : int array
            Ids 0…K−1 of the pixels, ``(p,)`` or ``(h, w)``.
        weights : (K,) array
            Their weights.
        error : (K,) array, optional
            Standard errors; where they are NaN or not given, every weight above zero counts.

        Returns
        -------
        int array or None
            New ids in the order in which they first appear; None when there is nothing left to cut.
        """
        size = np.bincount(ids.ravel())
        noise = np.zeros(weights.size) if error is None else np.nan_to_num(error)
        strength = np.abs(weights)
        able = (strength > SURE * noise) & (strength > 0) & (size >= 2 * self.finest) & (size >= 2)
        chosen = [k for k in np.argsort(-strength, kind="stable") if able[k]][: self.leading]
        if not chosen:
            return None
        made = ids * self.parts
        for k in chosen:
            place = np.stack(np.nonzero(ids == k))
            made[tuple(place)] += _pieces(place, self.parts, self.finest)
        return numbered(made)


def _pieces(place: Ids, parts: int, finest: int) -> Ids:
    """Halve pixels along their longer side until there are `parts` pieces; ``(d, n)`` coordinates to n numbers."""
    n = place.shape[1]
    piece = np.zeros(n, dtype=np.intp)
    if parts == 1 or n < 2 * finest or n < 2:
        return piece
    longer = int(np.argmax(np.ptp(place, axis=1)))
    order = np.argsort(place[longer], kind="stable")
    for half, start in ((order[: (n + 1) // 2], 0), (order[(n + 1) // 2 :], parts // 2)):
        piece[half] = start + _pieces(place[:, half], parts // 2, finest)
    return piece


def answer(
    evaluator_at: Callable[[Ids], Evaluator], segmenter: Segmenter, ids: Ids, *, method: Method, seed: int
) -> tuple[Evaluator, Attribution]:
    """Ask the method once, or from coarse to fine when the segmenter ``refines``; see :func:`refined`."""
    if getattr(segmenter, "refines", False):
        return refined(evaluator_at, cast(Refined, segmenter), ids, method=method, seed=seed)
    evaluator = evaluator_at(ids)
    return evaluator, method(evaluator, seed=seed)


def refined(
    evaluator_at: Callable[[Ids], Evaluator], segments: Refined, ids: Ids, *, method: Method, seed: int
) -> tuple[Evaluator, Attribution]:
    """Explain, cut what leads, and explain again, with the samples of one explanation.

    Parameters
    ----------
    evaluator_at : callable
        Ids 0…K−1 → the evaluator of these segments, with the fill they need.
    segments : Refined
        How to cut.
    ids : int array
        The coarse ids.
    method : Method
        One that has a number of samples gets a share of it in each round; one without is used as it is.
    seed : int
        Of the masks.

    Returns
    -------
    evaluator : Evaluator
        Of the last round; its problem has the segments.
    attribution : Attribution
        What the method said in the last round; its `n_samples` counts the scores of all rounds.
    """
    asked = 0
    methods = shares(method, segments.depth + 1)
    for left, part in zip(range(segments.depth, -1, -1), methods, strict=True):
        evaluator = evaluator_at(ids)
        found = part(evaluator, seed=seed)
        asked += found.n_samples
        finer = segments.split(ids, found.weights, found.error) if left else None
        if finer is None:
            break
        ids = finer
    if left and part is not method and found.weights.any():  # nothing is sure enough to cut: more samples may help
        rest = sum(each.n_samples for each in cast(Any, methods[-left:]))
        found = replace(cast(Any, part), n_samples=rest)(evaluator, seed=seed)
        asked += found.n_samples
    return evaluator, replace(found, n_samples=asked)


def shares(method: Method, rounds: int) -> tuple[Method, ...]:
    """Return the method of each round: half of the samples for the last, the rest in equal parts for those before.

    Raises
    ------
    ArgumentError
        When the samples do not suffice for so many rounds.
    """
    n = getattr(method, "n_samples", None)
    if rounds == 1 or isinstance(n, bool) or not isinstance(n, (int, np.integer)) or not is_dataclass(method):
        return (method,) * rounds
    early = int(n) // (2 * (rounds - 1)) // 2 * 2  # even, for complements
    if early < 4:
        raise ArgumentError(message("n_samples", expected=f"enough for {rounds} rounds", got=n,
                                    hint="Lime(2000), or a smaller depth"))
    parts = [early] * (rounds - 1) + [int(n) - early * (rounds - 1)]
    return tuple(replace(method, n_samples=part) for part in parts)
