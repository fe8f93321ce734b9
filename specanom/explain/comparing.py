"""All methods on the same spectra: how faithful, how steady, how fast, and whether they point at the truth.

Beside each method stands its noise floor: the same measures of its own weights permuted among the segments. What does
not rise above that says nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, GridError, ShapeError, message
from ..seeds import object_seed
from ..spectrum import Spectrum
from .attribution import Evaluator
from .comparison import MEASURES, Comparison, averaged
from .evaluate import evaluator_of
from .explainer import Explainer
from .explanation import Explanation
from .faithfulness import Curve, changes, curves, infidelity_of, max_sensitivity, spread_masks
from .inputs import blocks_of
from .localisation import average_precision, pointing, roc_auc
from .posing import bind, pose
from .truth import Truth

if TYPE_CHECKING:
    import pandas as pd

GRID = np.linspace(0.0, 1.0, 101)
MASKS = 500  # for the infidelity
Numbers = dict[str, float]


def compare(
    explainers: Mapping[str, Any] | Sequence[Any],
    sample: Any,
    truth: Any = None,
    *,
    shuffles: int = 8,
    sensitivity: int = 4,
    seed: int = 0,
) -> Comparison:
    """Explain the same spectra with several methods and measure the explanations.

    Parameters
    ----------
    explainers : mapping of names, or sequence
        :class:`Explainer` objects; or methods such as ``Lime()``, which take the place of the method of the first
        Explainer given. Deletion, insertion and infidelity can only be compared among explainers that share their
        score and their fill.
    sample : SpectrumSet or sequence of Spectrum
        The spectra; a few dozen are enough for the table.
    truth : Truth, mapping or DataFrame, optional
        Where the anomalies are, see :meth:`Truth.of`; without it, pointing and pixel measures are left out.
    shuffles : int
        How many permutations the noise floor is averaged over; 0 leaves it out.
    sensitivity : int
        How many noisy copies of each spectrum are explained for the max-sensitivity; 0 leaves it out. It needs
        the noise of the spectra, and most of the time.
    seed : int
        Of permutations, noise and bootstrap.

    Returns
    -------
    Comparison
        ``.table``, ``.lower``, ``.upper``, ``.difference(…)``, ``.grouped(…)``, ``.plot()``.

    Raises
    ------
    ArgumentError
        When there is no Explainer among `explainers`.
    DataError
        When nothing could be explained, or `truth` knows none of the spectra.
    GridError, ShapeError
        When the score refuses the grid.

    Examples
    --------
    >>> from specanom.explain import Lime, Uniform
    >>> odd = lambda flux: ((flux - 1.0) ** 2).mean(axis=1)
    >>> flux = np.ones((2, 60)); flux[:, 30:40] = 3.0
    >>> made = compare([Explainer(odd, Uniform(6), method=Lime(200))], flux)
    >>> made.methods
    ('Lime',)
    """
    named = _named(explainers)
    known = None if truth is None else Truth.of(truth)
    work = _Work(known, shuffles, sensitivity, seed)
    spectra = [one for block in blocks_of(sample, next(iter(named.values())).score) for one in block]
    if known is not None and not any(spectrum.id in known.intervals for spectrum in spectra):
        raise DataError(message("truth", expected="intervals of at least one spectrum of the sample",
                                got=f"{len(known)} others, such as {next(iter(known.intervals), 'none')!r}",
                                hint=f"ids such as {spectra[0].id if spectra else ''!r}"))
    for name, explainer in named.items():
        _warm_up(explainer, spectra)
        for spectrum in spectra:
            work.add(name, explainer, spectrum)
    return work.finished()


def _named(explainers: Mapping[str, Any] | Sequence[Any]) -> dict[str, Explainer]:
    if isinstance(explainers, Mapping):
        given = {str(name): part for name, part in explainers.items()}
    else:
        given = {}
        for part in explainers:
            name = type(part.method if isinstance(part, Explainer) else part).__name__
            same = sum(known.partition(" (")[0] == name for known in given)
            given[f"{name} ({same + 1})" if same else name] = part
    first = next((part for part in given.values() if isinstance(part, Explainer)), None)
    if first is None:
        raise ArgumentError(message("explainers", expected="at least one Explainer", got=f"{list(given) or 'none'}",
                                    hint="compare([Explainer(scorer), Shap(), …], sample)"))
    return {name: part if isinstance(part, Explainer) else replace(first, method=part) for name, part in given.items()}


def _warm_up(explainer: Explainer, spectra: Sequence[Spectrum]) -> None:
    """Draw the masks that all spectra share, so that no spectrum's time holds them."""
    for spectrum in spectra[:1]:
        try:
            explainer.explain(spectrum)
        except (ShapeError, GridError):
            raise
        except (DataError, ArgumentError):
            continue  # told when its turn comes


@dataclass(frozen=True, eq=False)
class _Case:
    """One spectrum with its scores of masks: what all explanations of it are measured by."""

    spectrum: Spectrum
    evaluator: Evaluator
    masks: NDArray[np.uint8]
    change: NDArray[np.float64]
    inside: NDArray[np.bool_] | None

    @classmethod
    def of(cls, spectrum: Spectrum, evaluator: Evaluator, truth: Truth | None, seed: int) -> _Case:
        masks = spread_masks(evaluator.n_segments, MASKS, seed=seed)
        return cls(spectrum, evaluator, masks, changes(evaluator, masks),
                   None if truth is None else truth.pixels(spectrum))

    def measured(self, made: Explanation) -> tuple[Numbers, tuple[Curve, Curve]]:
        """Return the measures of an explanation that need no other, and its curves."""
        pair = curves(self.evaluator, made.weights)
        numbers = {curve.kind: curve.auc for curve in pair}
        numbers["infidelity"] = infidelity_of(made.weights, self.masks, self.change)
        numbers["infidelity_scaled"] = infidelity_of(made.weights, self.masks, self.change, scaled=True)
        numbers["completeness"] = _completeness(made, pair[0])
        return numbers if self.inside is None else numbers | against_truth(made, self.inside), pair


@dataclass(eq=False)
class _Work:
    """Rows and curves as they come in."""

    truth: Truth | None
    shuffles: int
    sensitivity: int
    seed: int

    def __post_init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.curves: dict[tuple[str, bool, str], list[NDArray[np.float64]]] = {}
        self.skipped: list[tuple[str, str, str]] = []

    def add(self, name: str, explainer: Explainer, spectrum: Spectrum) -> None:
        """Explain one spectrum with one method and measure it."""
        try:
            start = time.perf_counter()
            made = explainer.explain(spectrum)
            own = {"r2": made.r2, "seconds": time.perf_counter() - start}
            case = _Case.of(spectrum, evaluator_of_explanation(explainer, spectrum, made), self.truth, self.seed)
            numbers, pair = case.measured(made)
            if self.sensitivity and spectrum.ivar is not None:
                own["sensitivity"] = max_sensitivity(lambda s: explainer.explain(s).per_pixel(), spectrum,
                                                     n=self.sensitivity, seed=object_seed(self.seed, spectrum.id))
        except (ShapeError, GridError):
            raise
        except (DataError, ArgumentError) as exc:  # one method may have no use for a score that others explain
            self.skipped.append((name, spectrum.id, str(exc)))
            return
        self._keep(name, False, pair)
        self.rows.append({"method": name, "id": spectrum.id, "shuffled": False, **own, **numbers})
        if self.shuffles:
            self.rows.append({"method": name, "id": spectrum.id, "shuffled": True, **self._floor(name, case, made)})

    def _floor(self, name: str, case: _Case, made: Explanation) -> Numbers:
        rng = np.random.default_rng([object_seed(self.seed, made.id), 1])
        each = []
        length = float(np.linalg.norm(made.per_pixel()))
        for _ in range(self.shuffles):
            mixed, other = (replace(made, weights=rng.permutation(made.weights)) for _ in range(2))
            numbers, pair = case.measured(mixed)
            self._keep(name, True, pair)
            if self.sensitivity and case.spectrum.ivar is not None and length > 0:
                numbers["sensitivity"] = float(np.linalg.norm(mixed.per_pixel() - other.per_pixel())) / length
            each.append(numbers)
        return {key: float(np.mean([numbers[key] for numbers in each])) for key in each[0]}

    def _keep(self, name: str, shuffled: bool, pair: tuple[Curve, Curve]) -> None:
        for curve in pair:
            self.curves.setdefault((name, shuffled, curve.kind), []).append(np.interp(GRID, curve.share, curve.value))

    def finished(self) -> Comparison:
        """Return the record."""
        import pandas as pd

        if not self.rows:
            reasons = "; ".join(f"{id}: {reason}" for _, id, reason in self.skipped[:3])
            raise DataError(message("sample", expected="at least one spectrum that can be explained",
                                    got=f"none ({reasons or 'empty sample'})"))
        rows = pd.DataFrame(self.rows).reindex(columns=["method", "id", "shuffled", *MEASURES])
        rows[list(MEASURES)] = rows[list(MEASURES)].astype(np.float64)
        return Comparison(rows, self._curve_table(), tuple(self.skipped), self.seed)

    def _curve_table(self) -> pd.DataFrame:
        import pandas as pd

        parts = []
        for (name, shuffled, kind), rows in self.curves.items():
            every = np.stack(rows)
            if shuffled:  # a spectrum's shuffles are one row, so that the bootstrap goes over spectra
                every = every.reshape(-1, self.shuffles, GRID.size).mean(axis=1)
            value, lo, hi = averaged(every, "median", seed=self.seed)
            parts.append(pd.DataFrame({"method": name, "shuffled": shuffled, "kind": kind, "share": GRID,
                                       "value": value, "lower": lo, "upper": hi}))
        return pd.concat(parts, ignore_index=True)


def evaluator_of_explanation(explainer: Explainer, spectrum: Spectrum, made: Explanation) -> Evaluator:
    """Return scores of masks over the segments of an explanation that `explainer` made of `spectrum`."""
    problem = pose(bind(explainer.score, spectrum), spectrum, made.segments, perturbation=explainer.perturbation,
                   seed=object_seed(explainer.seed, spectrum.id),
                   last_stays=bool(getattr(explainer.segments, "last_stays", False)))
    return evaluator_of(problem)


def against_truth(made: Explanation, inside: NDArray[np.bool_]) -> Numbers:
    """Return the measures of one explanation that need the truth, given as pixels ``(p,)``."""
    weight = made.per_pixel()
    return {
        "pointing": pointing(made.weights, made.segments, inside),
        "pointing_pixel": pointing(made.weights, made.segments, inside, by="pixel"),
        "roc": roc_auc(np.abs(weight), inside),
        "roc_positive": roc_auc(np.maximum(weight, 0.0), inside),
        "precision": average_precision(np.abs(weight), inside),
    }


def _completeness(made: Explanation, curve: Curve) -> float:
    if np.isfinite(made.completeness):
        return made.completeness  # against the method's own baseline, which may be another than the fill
    drop = float(curve.score[0] - curve.score[-1])
    if np.isnan(curve.auc):
        return float("nan")
    return abs(float(made.weights.sum()) - drop) / abs(drop)
