"""Explaining one spectrum again and again with changing settings: what two explanations share is computed once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..protocols import Score
from ..spectrum import Spectrum
from .attribution import Evaluator
from .explainer import Explainer
from .explanation import Explanation
from .inputs import as_spectrum
from .posing import bind, cut, record
from .problem import Problem
from .refine import answer

KEPT = 4
"""Evaluators kept: those of the rounds from coarse to fine, or of a setting gone to and fro."""
SETS = 3
"""Sets of masks whose scores an evaluator remembers."""


@dataclass(frozen=True, eq=False)
class Copies:
    """Some perturbed copies of a spectrum.

    Attributes
    ----------
    masks : (n, K) uint8 array
        1 where a segment is as observed.
    flux : (n, p) float32 array
    scores : (n,) float64 array
        Ascending.
    of : int
        How many copies they were chosen from.
    """

    masks: NDArray[np.uint8]
    flux: NDArray[np.float32]
    scores: NDArray[np.float64]
    of: int


class Remembered:
    """An evaluator that scores no set of masks twice; otherwise the one it is given."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator = evaluator
        self.asked: list[tuple[NDArray[np.uint8], NDArray[np.float64], str]] = []
        self.path = evaluator.path
        self.last: tuple[NDArray[np.uint8], NDArray[np.float64]] | None = None
        self._made: list[NDArray[np.float32] | None] = []

    @property
    def problem(self) -> Problem:
        """What is explained."""
        return self.evaluator.problem

    @property
    def n_segments(self) -> int:
        """K."""
        return self.evaluator.n_segments

    def scores(self, masks: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the score of each perturbed copy, shape ``(n,)``."""
        for known, scores, path in self.asked:
            if known is masks or np.array_equal(known, masks):
                self.path, self.last = path, (known, scores)
                return scores.copy()
        scores = np.asarray(self.evaluator.scores(masks), dtype=np.float64)
        self.path = self.evaluator.path
        self.last = (masks, scores.copy())
        self.asked = [*self.asked[1 - SETS:], (*self.last, self.path)]
        return scores

    def energy(self) -> NDArray[np.float64]:
        """Return Σ (x − g)² over each segment, shape ``(K,)``."""
        return self.evaluator.energy()

    def reconstruction(self) -> NDArray[np.float32] | None:
        """Return the reconstruction of the spectrum itself, shape ``(p,)``; None when the score has no model."""
        if not self._made:
            self._made.append(self.evaluator.reconstruction())
        return self._made[0]


class Session:
    """Explanations of one spectrum while settings change.

    The numbers are those of :meth:`Explainer.explain`. The score is bound once, and where segments and fill stay, as
    when only the kernel of LIME changes, no copy is scored twice.

    Parameters
    ----------
    spectrum : Spectrum
        What is explained.

    Attributes
    ----------
    notes : tuple of str
        Warnings about the last explanation.

    Examples
    --------
    >>> import specanom as sa
    >>> asked = []
    >>> odd = lambda flux: (asked.append(len(flux)), ((flux - 1.0) ** 2).mean(axis=1))[1]
    >>> flux = np.ones(60); flux[30:40] = 3.0
    >>> session = Session(sa.Spectrum(np.arange(4000.0, 4060.0), flux))
    >>> settings = [sa.Explainer(odd, sa.Uniform(6), method=sa.Lime(200, kernel_width=w)) for w in (0.25, 0.5)]
    >>> first = session.explain(settings[0]); before = len(asked)
    >>> second = session.explain(settings[1]); len(asked) == before
    True
    """

    def __init__(self, spectrum: Spectrum) -> None:
        self.spectrum = spectrum
        self.notes: tuple[str, ...] = ()
        self._bound: tuple[Any, Score] | None = None
        self._kept: OrderedDict[Hashable, Remembered] = OrderedDict()
        self._last: Remembered | None = None

    def explain(self, explainer: Explainer) -> Explanation:
        """Explain the spectrum.

        Raises
        ------
        DataError, GridError, ShapeError, ArgumentError
            As :meth:`Explainer.explain` does; what was explained before stays.
        """
        spectrum = as_spectrum(self.spectrum, explainer.score)
        bound = self._bind(explainer.score, spectrum)
        ids = cut(explainer.segments, spectrum)

        def at(segments: NDArray[np.intp]) -> Evaluator:
            problem = explainer.problem(bound, spectrum, segments)
            asked_first = explainer.method if explainer.device != "cpu" else None  # devices score ahead of the method
            key = (problem.fill.tobytes(), segments.tobytes(), explainer.device, asked_first)
            return self._evaluator(key, lambda: explainer.evaluator(problem))

        evaluator, found = answer(at, explainer.segments, ids, method=explainer.method, seed=explainer.seed)
        made = record(spectrum, evaluator, found, settings=explainer.settings)
        assert isinstance(evaluator, Remembered)
        self._last, self.notes = evaluator, found.notes
        return made

    @property
    def problem(self) -> Problem | None:
        """Spectrum, fill and segments of the last explanation; None before the first."""
        return None if self._last is None else self._last.problem

    @property
    def reconstruction(self) -> NDArray[np.float32] | None:
        """What the model makes of the spectrum, shape ``(p,)``; None without a model or an explanation."""
        return None if self._last is None else self._last.reconstruction()

    def copies(self, n: int = 5) -> Copies | None:
        """Return `n` of the copies that were scored last, from the lowest score to the highest.

        Returns
        -------
        Copies or None
            None when the method asked for none.
        """
        if self._last is None or self._last.last is None:
            return None
        masks, scores = self._last.last
        order = np.argsort(scores, kind="stable")
        chosen = order[np.unique(np.linspace(0, order.size - 1, n).round().astype(int))]
        problem = self._last.problem
        on = masks[chosen].astype(bool)[:, problem.segments]
        return Copies(masks[chosen], np.where(on, problem.flux, problem.fill), scores[chosen], len(masks))

    def _bind(self, score: Any, spectrum: Spectrum) -> Score:
        if self._bound is None or self._bound[0] is not score:
            self._bound = (score, bind(score, spectrum))
            self._kept.clear()
        return self._bound[1]

    def _evaluator(self, key: Hashable, make: Callable[[], Evaluator]) -> Remembered:
        if key not in self._kept:
            self._kept[key] = Remembered(make())
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        self._kept[key].last = None
        return self._kept[key]
